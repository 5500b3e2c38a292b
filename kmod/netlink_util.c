// SPDX-License-Identifier: GPL-2.0
/*
 * What the commands of the family share: rights, replies, parts of a dump, and
 * the words of a refusal.
 */
#include <linux/capability.h>
#include <net/genetlink.h>

#include "compat.h"
#include "netlink_util.h"
#include "vmsched.h"

/* GENL_ADMIN_PERM asks for CAP_NET_ADMIN: network admins own no VMs. */
int vms_nl_may_write(struct sk_buff *skb, struct genl_info *info)
{
	if (netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	GENL_SET_ERR_MSG(info, "changing something needs CAP_SYS_ADMIN");
	return -EPERM;
}

int vms_nl_missing(struct genl_info *info, u32 attr, const char *what)
{
	NL_SET_ERR_ATTR_MISS(info->extack, NULL, attr);
	GENL_SET_ERR_MSG_FMT(info, "the message lacks the attribute %s", what);
	return -EINVAL;
}

int vms_nl_no_memory(struct genl_info *info)
{
	GENL_SET_ERR_MSG(info, "out of memory");
	return -ENOMEM;
}

struct sk_buff *vms_nl_reply_new(struct genl_info *info, void **hdr)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*hdr = vms_genl_reply_put(skb, &vmsched_nl_family, info);
	if (!*hdr) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

int vms_nl_reply_end(struct sk_buff *skb, void *hdr, int err,
		     struct genl_info *info)
{
	if (err) {
		nlmsg_free(skb);
		if (err == -ENOMEM)
			return vms_nl_no_memory(info);
		GENL_SET_ERR_MSG(info, "the answer does not fit into a message");
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/* Instead of the answer: why not, and the attribute to blame, 0 for none. */
int vms_nl_refuse(struct sk_buff *reply, struct genl_info *info, int err,
		  u32 attr, const char *why)
{
	nlmsg_free(reply);
	GENL_SET_ERR_MSG_FMT(info, "%s", why);
	NL_SET_BAD_ATTR(info->extack, info->attrs[attr]);
	return err;
}

/* One object of a dump as a message of its own. */
void *vms_nl_dump_begin(struct sk_buff *skb, struct netlink_callback *cb)
{
	void *hdr = vms_genl_dump_put(skb, cb);

	/* Who dumps while something comes or goes is told so. */
	cb->seq = vms_generation;
	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

/* Nothing in the message although something was left: that is an error. */
int vms_nl_dump_done(struct sk_buff *skb, int err)
{
	return skb->len ?: err;
}

int vms_nl_dump_end(struct sk_buff *skb, void *hdr, int err)
{
	if (err)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return err;
}

/**
 * vms_nl_pool() - the pool that a message names
 * @info: the message
 * @attr: attribute with the name; absent for the pool "default"
 *
 * Context: vms_mutex held.
 * Return: the pool, or an ERR_PTR; the answer says then that there is none.
 */
struct vms_pool *vms_nl_pool(struct genl_info *info, u32 attr)
{
	struct nlattr *name = info->attrs[attr];
	struct vms_pool *pool;

	pool = name ? vms_pool_find(nla_data(name)) : vms_pool_default();
	if (pool)
		return pool;
	GENL_SET_ERR_MSG(info, "no such pool");
	NL_SET_BAD_ATTR(info->extack, name);
	return ERR_PTR(-ENOENT);
}

/**
 * vms_nl_reply_pool() - answer with what is to tell about one pool
 * @info: the message
 * @attr: attribute with the name of the pool, as in vms_nl_pool()
 * @fill: writes it into the answer
 *
 * Context: may sleep; takes vms_mutex.
 * Return: 0 or a negative errno, with a message.
 */
int vms_nl_reply_pool(struct genl_info *info, u32 attr, vms_nl_fill_fn fill)
{
	struct vms_pool *pool;
	struct sk_buff *reply;
	int err = 0;
	void *hdr;

	reply = vms_nl_reply_new(info, &hdr);
	if (!reply)
		return vms_nl_no_memory(info);
	mutex_lock(&vms_mutex);
	pool = vms_nl_pool(info, attr);
	if (!IS_ERR(pool))
		err = fill(reply, pool);
	mutex_unlock(&vms_mutex);
	if (IS_ERR(pool)) {
		nlmsg_free(reply);
		return PTR_ERR(pool);
	}
	return vms_nl_reply_end(reply, hdr, err, info);
}

/**
 * vms_nl_dump_pools() - a message for each pool
 * @skb: the part of the dump that is written now
 * @cb: the dump; args[0] is the number of pools that are done
 * @wanted: pools that are shown, or NULL for all
 * @fill: writes what is to tell about one of them
 *
 * Context: may sleep; takes vms_mutex.
 * Return: as the function of a dump.
 */
int vms_nl_dump_pools(struct sk_buff *skb, struct netlink_callback *cb,
		      bool (*wanted)(const struct vms_pool *pool),
		      vms_nl_fill_fn fill)
{
	struct vms_pool *pool;
	int err = 0;
	long n = 0;
	void *hdr;

	mutex_lock(&vms_mutex);
	list_for_each_entry(pool, &vms_pools, node) {
		if (n++ < cb->args[0] || (wanted && !wanted(pool)))
			continue;
		err = -EMSGSIZE;
		hdr = vms_nl_dump_begin(skb, cb);
		if (hdr)
			err = vms_nl_dump_end(skb, hdr, fill(skb, pool));
		if (err)
			break;
		cb->args[0] = n;
	}
	mutex_unlock(&vms_mutex);
	return vms_nl_dump_done(skb, err);
}
