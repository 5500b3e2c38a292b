// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of the generic netlink family: parse, one call, fill. Takes no
 * decision. Every refusal says in a line what is wrong and what to do.
 *
 * For administrators only, because statistics of VMs tell about their work;
 * the parameter unpriv_reads opens what only reads. There is no alias for the
 * family, or any user could load the module, and it exists in the initial
 * network namespace only.
 *
 * Locking: vms_mutex around each look at objects.
 */
#include <linux/capability.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/string.h>
#include <net/genetlink.h>

#include "compat.h"
#include "console.h"
#include "netlink_gen.h"
#include "netlink_util.h"
#include "request.h"
#include "vmsched.h"

static bool unpriv_reads;
module_param(unpriv_reads, bool, 0444);
MODULE_PARM_DESC(unpriv_reads, "let everybody read status and statistics");

static struct genl_split_ops ops_table[VMS_GENL_OPS_MAX] __ro_after_init;

/* Linux does not look at attributes of a command without a policy. */
static const struct nla_policy no_attributes[] = {
	[1] = {
		.type		= NLA_REJECT,
		.reject_message	= "this request takes no attribute",
	},
};

static const struct genl_multicast_group groups[] = {
	[VMSCHED_NLGRP_EVENTS] = {
		.name	= VMSCHED_MCGRP_EVENTS,
		.flags	= GENL_MCAST_CAP_SYS_ADMIN,
	},
};

struct genl_family vmsched_nl_family __ro_after_init = {
	.name		= VMSCHED_FAMILY_NAME,
	.version	= VMSCHED_FAMILY_VERSION,
	.netnsok	= false,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.mcgrps		= groups,
	.n_mcgrps	= ARRAY_SIZE(groups),
};

/* Of all pools, or "" if there was none. */
static void last_fault(char *text, size_t size)
{
	const struct vms_pool *pool, *last = NULL;

	lockdep_assert_held(&vms_mutex);
	list_for_each_entry(pool, &vms_pools, node)
		if (pool->faults && (!last || pool->fault.at > last->fault.at))
			last = pool;
	if (last)
		vms_fault_text(last, text, size);
}

static int fill_status(struct sk_buff *skb)
{
	char fault[VMS_FAULT_TEXT] = "";
	struct vms_pool *pool;
	u32 vms = 0, vcpus = 0;

	mutex_lock(&vms_mutex);
	list_for_each_entry(pool, &vms_pools, node) {
		vms += pool->nr_vms;
		vcpus += pool->nr_vcpus;
	}
	last_fault(fault, sizeof(fault));
	mutex_unlock(&vms_mutex);

	if ((fault[0] &&
	     nla_put_string(skb, VMSCHED_A_STATUS_LAST_FAULT, fault)) ||
	    nla_put_string(skb, VMSCHED_A_STATUS_VERSION, VMS_VERSION) ||
	    nla_put_u32(skb, VMSCHED_A_STATUS_API, VMSCHED_API) ||
	    nla_put_u32(skb, VMSCHED_A_STATUS_VMS, vms) ||
	    nla_put_u32(skb, VMSCHED_A_STATUS_VCPUS, vcpus) ||
	    nla_put_u64_64bit(skb, VMSCHED_A_STATUS_DROPPED,
			      vms_vcpus_dropped(), 0) ||
	    nla_put_u32(skb, VMSCHED_A_STATUS_MISSING,
			VMS_MISSING | vms_kvm_missing()))
		return -EMSGSIZE;
	return 0;
}

int vmsched_nl_status_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *hdr;

	reply = vms_nl_reply_new(info, &hdr);
	if (!reply)
		return vms_nl_no_memory(info);
	return vms_nl_reply_end(reply, hdr, fill_status(reply), info);
}

int vmsched_nl_sched_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct vmsched_ops *ops;
	struct sk_buff *reply;
	void *hdr;
	int err;

	if (!info->attrs[VMSCHED_A_SCHED_NAME])
		return vms_nl_missing(info, VMSCHED_A_SCHED_NAME, "name");
	reply = vms_nl_reply_new(info, &hdr);
	if (!reply)
		return vms_nl_no_memory(info);
	ops = vms_sched_get(nla_data(info->attrs[VMSCHED_A_SCHED_NAME]));
	if (IS_ERR(ops)) {
		nlmsg_free(reply);
		GENL_SET_ERR_MSG_FMT(info, "%s", PTR_ERR(ops) == -ENOENT ?
				     "no such scheduler is registered" :
				     "its module is just being loaded or removed; try again");
		NL_SET_BAD_ATTR(info->extack, info->attrs[VMSCHED_A_SCHED_NAME]);
		return PTR_ERR(ops);
	}
	mutex_lock(&vms_mutex);
	err = vms_fill_sched(reply, ops, vms_pool_users(ops));
	mutex_unlock(&vms_mutex);
	vms_sched_put(ops);
	return vms_nl_reply_end(reply, hdr, err, info);
}

struct dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	int err;
};

static int dump_sched(const struct vmsched_ops *ops, void *arg)
{
	struct dump *dump = arg;
	void *hdr = vms_nl_dump_begin(dump->skb, dump->cb);

	dump->err = -EMSGSIZE;
	if (hdr)
		dump->err = vms_nl_dump_end(dump->skb, hdr,
					    vms_fill_sched(dump->skb, ops,
							   vms_pool_users(ops)));
	return dump->err;
}

int vmsched_nl_sched_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb)
{
	struct dump dump = { .skb = skb, .cb = cb };

	mutex_lock(&vms_mutex);
	cb->args[0] = vms_sched_for_each(dump_sched, &dump, cb->args[0]);
	mutex_unlock(&vms_mutex);
	return vms_nl_dump_done(skb, dump.err);
}

int vmsched_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	if (!info->attrs[VMSCHED_A_POOL_NAME])
		return vms_nl_missing(info, VMSCHED_A_POOL_NAME, "name");
	return vms_nl_reply_pool(info, VMSCHED_A_POOL_NAME, vms_fill_pool);
}

int vmsched_nl_pool_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb)
{
	return vms_nl_dump_pools(skb, cb, NULL, vms_fill_pool);
}

/* The VM of an attribute with its id, or an ERR_PTR. vms_mutex held. */
static struct vms_vm *find_vm(struct genl_info *info, int attr)
{
	struct vms_vm *vm = vms_vm_find(nla_get_u64(info->attrs[attr]));

	if (vm)
		return vm;
	GENL_SET_ERR_MSG_FMT(info, "no VM has the id %llu",
			     nla_get_u64(info->attrs[attr]));
	NL_SET_BAD_ATTR(info->extack, info->attrs[attr]);
	return ERR_PTR(-ENOENT);
}

int vmsched_nl_vm_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	struct vms_vm *vm;
	int err = 0;
	void *hdr;

	if (!info->attrs[VMSCHED_A_VM_ID])
		return vms_nl_missing(info, VMSCHED_A_VM_ID, "id");
	reply = vms_nl_reply_new(info, &hdr);
	if (!reply)
		return vms_nl_no_memory(info);
	mutex_lock(&vms_mutex);
	vm = find_vm(info, VMSCHED_A_VM_ID);
	if (!IS_ERR(vm))
		err = vms_fill_vm(reply, vm, pid_vnr(vm->pid));
	mutex_unlock(&vms_mutex);
	if (IS_ERR(vm)) {
		nlmsg_free(reply);
		return PTR_ERR(vm);
	}
	return vms_nl_reply_end(reply, hdr, err, info);
}

/* Goes on after the id that was shown last: VMs may come and go meanwhile. */
int vmsched_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vms_vm *vm;
	int err = 0;
	void *hdr;

	mutex_lock(&vms_mutex);
	list_for_each_entry(vm, &vms_vms, node) {
		if (vm->id <= cb->args[0])
			continue;
		err = -EMSGSIZE;
		hdr = vms_nl_dump_begin(skb, cb);
		if (hdr)
			err = vms_nl_dump_end(skb, hdr,
					      vms_fill_vm(skb, vm, pid_vnr(vm->pid)));
		if (err)
			break;
		cb->args[0] = vm->id;
	}
	mutex_unlock(&vms_mutex);
	return vms_nl_dump_done(skb, err);
}

static int set_vm(void *arg)
{
	struct genl_info *info = arg;
	struct nlattr *pool = info->attrs[VMSCHED_A_VM_POOL];
	struct vms_pool *to = NULL;
	struct vms_vm *vm;
	int err;

	mutex_lock(&vms_mutex);
	vm = find_vm(info, VMSCHED_A_VM_ID);
	err = PTR_ERR_OR_ZERO(vm);
	if (!err) {
		to = pool ? vms_nl_pool(info, VMSCHED_A_VM_POOL) : vm->pool;
		err = PTR_ERR_OR_ZERO(to);
	}
	if (!err)
		err = vms_params_set_vm(vm, info->attrs[VMSCHED_A_VM_PARAMS],
					to, pool, info->extack);
	mutex_unlock(&vms_mutex);
	return err;
}

int vmsched_nl_vm_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	int err;

	err = vms_nl_may_write(skb, info);
	if (err)
		return err;
	if (!attrs[VMSCHED_A_VM_ID])
		return vms_nl_missing(info, VMSCHED_A_VM_ID, "id");
	if (!attrs[VMSCHED_A_VM_PARAMS] && !attrs[VMSCHED_A_VM_POOL])
		return vms_nl_missing(info, VMSCHED_A_VM_PARAMS, "params");
	/* What needs no other pool need not wait for a switch. */
	return attrs[VMSCHED_A_VM_POOL] ? vms_pool_run(set_vm, info) :
					  set_vm(info);
}

/* vCPUs of one VM from the place where the last message ended. */
static int dump_vcpus(struct sk_buff *skb, struct netlink_callback *cb,
		      struct vms_vm *vm)
{
	struct vms_vcpu *v;
	int err;
	void *hdr;

	/* Another VM than that which the last message was in the middle of. */
	if (cb->args[2] != vm->id)
		cb->args[1] = 0;
	cb->args[2] = vm->id;
	list_for_each_entry(v, &vm->vcpus, vm_node) {
		if (v->index < cb->args[1])
			continue;
		hdr = vms_nl_dump_begin(skb, cb);
		if (!hdr)
			return -EMSGSIZE;
		err = vms_nl_dump_end(skb, hdr, vms_fill_vcpu(skb, v));
		if (err)
			return err;
		cb->args[1] = (long)v->index + 1;
	}
	cb->args[0] = vm->id;
	cb->args[1] = 0;
	return 0;
}

int vmsched_nl_vcpu_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb)
{
	struct nlattr *only = vms_genl_dump_attrs(cb)[VMSCHED_A_VCPU_VM_ID];
	struct vms_vm *vm;
	int err = 0;

	mutex_lock(&vms_mutex);
	if (only && !cb->args[0] && !vms_vm_find(nla_get_u64(only))) {
		NL_SET_ERR_MSG_ATTR_FMT(cb->extack, only,
					"no VM has the id %llu",
					nla_get_u64(only));
		err = -ENOENT;
		goto out;
	}
	list_for_each_entry(vm, &vms_vms, node) {
		if (vm->id <= cb->args[0] ||
		    (only && vm->id != nla_get_u64(only)))
			continue;
		err = dump_vcpus(skb, cb, vm);
		if (err)
			break;
	}
out:
	mutex_unlock(&vms_mutex);
	return vms_nl_dump_done(skb, err);
}

/* The vCPU that a message names, or an ERR_PTR. vms_mutex held. */
static struct vms_vcpu *find_vcpu(struct genl_info *info)
{
	struct nlattr *index = info->attrs[VMSCHED_A_VCPU_INDEX];
	struct vms_vm *vm = find_vm(info, VMSCHED_A_VCPU_VM_ID);
	struct vms_vcpu *v;

	if (IS_ERR(vm))
		return ERR_CAST(vm);
	v = vms_vm_vcpu(vm, nla_get_u32(index));
	if (v)
		return v;
	GENL_SET_ERR_MSG_FMT(info, "VM %llu has no vCPU %u", vm->id,
			     nla_get_u32(index));
	NL_SET_BAD_ATTR(info->extack, index);
	return ERR_PTR(-ENOENT);
}

int vmsched_nl_vcpu_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct vms_vcpu *v;
	int err;

	err = vms_nl_may_write(skb, info);
	if (err)
		return err;
	if (!attrs[VMSCHED_A_VCPU_VM_ID])
		return vms_nl_missing(info, VMSCHED_A_VCPU_VM_ID, "vm-id");
	if (!attrs[VMSCHED_A_VCPU_INDEX])
		return vms_nl_missing(info, VMSCHED_A_VCPU_INDEX, "index");
	if (!attrs[VMSCHED_A_VCPU_PARAMS])
		return vms_nl_missing(info, VMSCHED_A_VCPU_PARAMS, "params");

	mutex_lock(&vms_mutex);
	v = find_vcpu(info);
	if (IS_ERR(v))
		err = PTR_ERR(v);
	else
		err = vms_params_set_vcpu(v, attrs[VMSCHED_A_VCPU_PARAMS],
					  info->extack);
	mutex_unlock(&vms_mutex);
	return err;
}

static int parse_switch(struct genl_info *info, struct vms_switch *req)
{
	struct nlattr **attrs = info->attrs;
	struct nlattr *ms = attrs[VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS];

	req->portid = info->snd_portid;
	strscpy(req->pool, "default", sizeof(req->pool));
	if (attrs[VMSCHED_A_SWITCH_POOL])
		nla_strscpy(req->pool, attrs[VMSCHED_A_SWITCH_POOL],
			    sizeof(req->pool));
	if (attrs[VMSCHED_A_SWITCH_TO])
		nla_strscpy(req->to, attrs[VMSCHED_A_SWITCH_TO],
			    sizeof(req->to));
	req->activate = VMSCHED_ACTIVATE_TABLE;
	if (attrs[VMSCHED_A_SWITCH_ACTIVATE])
		req->activate = nla_get_u32(attrs[VMSCHED_A_SWITCH_ACTIVATE]);
	req->cease_ms = ms ? nla_get_u32(ms) : VMS_CEASE_MS_DFL;
	if (req->cease_ms < 1 || req->cease_ms > VMS_CEASE_MS_MAX) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, ms,
					"cease-timeout %u outside 1..%u ms",
					req->cease_ms, VMS_CEASE_MS_MAX);
		return -ERANGE;
	}
	return vms_console_parse(info, req);
}

/* Do what a request for a switch asks for, and answer. */
static int run_switch(struct sk_buff *skb, struct genl_info *info,
		      int (*run)(struct vms_switch *req), bool held)
{
	struct vms_switch req = { .held = held };
	struct sk_buff *reply;
	void *hdr;
	int err;

	err = vms_nl_may_write(skb, info);
	if (err)
		return err;
	err = parse_switch(info, &req);
	if (err)
		return err;
	/* Before the switch: after it nothing may fail. */
	reply = vms_nl_reply_new(info, &hdr);
	if (!reply)
		return vms_nl_no_memory(info);
	err = run(&req);
	if (err)
		return vms_nl_refuse(reply, info, err, req.attr, req.why);
	return vms_nl_reply_end(reply, hdr, vms_fill_switch(reply, &req), info);
}

int vmsched_nl_sched_switch_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *held = info->attrs[VMSCHED_A_SWITCH_HELD];

	return run_switch(skb, info, vms_switch_run, held && nla_get_u32(held));
}

int vmsched_nl_sched_hold_doit(struct sk_buff *skb, struct genl_info *info)
{
	return run_switch(skb, info, vms_switch_hold, false);
}

static void __init open_reads(struct genl_split_ops *op)
{
	switch (op->cmd) {
	case VMSCHED_CMD_STATUS_GET:
	case VMSCHED_CMD_SCHED_GET:
	case VMSCHED_CMD_POOL_GET:
	case VMSCHED_CMD_VM_GET:
	case VMSCHED_CMD_VCPU_GET:
	case VMSCHED_CMD_FAULT_GET:
		op->flags &= ~GENL_ADMIN_PERM;
	}
}

int __init vms_netlink_init(void)
{
	unsigned int i;
	int err;

	if (WARN_ON(vmsched_nl_n_ops > VMS_GENL_OPS_MAX))
		return -E2BIG;
	for (i = 0; i < vmsched_nl_n_ops; i++) {
		ops_table[i] = vmsched_nl_ops[i];
		if (unpriv_reads)
			open_reads(&ops_table[i]);
	}
	err = vms_genl_set_ops(&vmsched_nl_family, ops_table, vmsched_nl_n_ops,
			       no_attributes);
	if (WARN_ON(err))
		return err;
	err = genl_register_family(&vmsched_nl_family);
	if (err)
		return err;
	vms_notify_init();
	return 0;
}

void vms_netlink_exit(void)
{
	vms_notify_exit();
	genl_unregister_family(&vmsched_nl_family);
}
