// SPDX-License-Identifier: GPL-2.0
/*
 * Refusals without a word, each of which scripts/checks/extack.cocci must find,
 * and below them what it must not report. Never compiled.
 */
static int constant(struct sk_buff *skb, struct genl_info *info)
{
	if (!info->attrs[1])
		return -EINVAL;		/* silent */
	return 0;
}

static int one_way(struct wish *wish, struct netlink_ext_ack *extack)
{
	if (wish->a)
		NL_SET_ERR_MSG(extack, "a");
	if (wish->b)
		return -ERANGE;		/* silent */
	return 0;
}

static int too_late(struct sk_buff *skb, struct netlink_callback *cb)
{
	int err = 0;

	if (!skb) {
		err = -ENOENT;		/* silent */
		NL_SET_ERR_MSG(cb->extack, "after the errno");
	}
	return err;
}

static int by_default(struct genl_info *info)
{
	int err = -ENOENT;		/* silent */

	if (info->attrs[1])
		err = 0;
	return err;
}

static void *pointer(struct genl_info *info)
{
	return ERR_PTR(-ENOMEM);	/* silent */
}

static int either(struct genl_info *info, int x)
{
	return x ? -EBUSY : 0;		/* silent */
}

static int handed_on(struct genl_info *info, struct vms_vm *vm)
{
	int err;

	err = vms_mute(vm);
	if (err)
		return err;		/* silent */
	return 0;
}

static int handed_on_pointer(struct genl_info *info)
{
	struct vms_vm *vm;

	vm = vms_mute_vm(3);
	if (IS_ERR(vm))
		return PTR_ERR(vm);	/* silent */
	return 0;
}

static int stored_pointer(struct genl_info *info)
{
	struct vms_vm *vm;
	int err = 0;

	vm = vms_mute_vm(3);
	if (IS_ERR(vm))
		err = PTR_ERR(vm);	/* silent */
	return err;
}

static int change(struct vms_switch *req)
{
	if (req->pool)
		return -EBUSY;		/* silent */
	return 0;
}

static int good_message(struct genl_info *info)
{
	int err;

	if (!info->attrs[1]) {
		GENL_SET_ERR_MSG(info, "why");
		return -EINVAL;
	}
	err = vms_mute(info->attrs[1]);
	if (err == -ENOENT) {
		GENL_SET_ERR_MSG_FMT(info, "why %d", 1);
		return err;
	}
	return 0;
}

static int good_callee(struct genl_info *info, struct vms_vm *vm)
{
	int err;

	err = vms_speaks(vm, info->extack);
	if (err)
		return err;
	return vms_speaks(vm, info->extack);
}

static int good_pointer(struct genl_info *info)
{
	struct vms_vm *vm;
	int err = 0;

	vm = find_vm(info, 3);
	if (IS_ERR(vm))
		err = PTR_ERR(vm);
	return err;
}

static int good_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	int err;

	err = vms_fill(skb);
	if (!err)
		return -EMSGSIZE;
	return skb->len;
}

static int good_switch(struct vms_switch *req)
{
	if (req->pool)
		return fail(req, -EBUSY, "why");
	return 0;
}

static int good_elsewhere(struct vms_vm *vm)
{
	return vm ? 0 : -EINVAL;
}
