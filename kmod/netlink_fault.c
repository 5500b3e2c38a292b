// SPDX-License-Identifier: GPL-2.0
/*
 * Commands about schedulers that were thrown out, or are to be.
 */
#include <net/genetlink.h>

#include "compat.h"
#include "netlink_gen.h"
#include "netlink_util.h"
#include "vmsched.h"

/* The pool that a message names, "default" if none; NULL and words if there is none. */
static struct vms_pool *find_pool(struct genl_info *info)
{
	struct nlattr *name = info->attrs[VMSCHED_A_FAULT_POOL];
	struct vms_pool *pool;

	pool = name ? vms_pool_find(nla_data(name)) : vms_pool_default();
	if (!pool) {
		GENL_SET_ERR_MSG(info, "no such pool");
		NL_SET_BAD_ATTR(info->extack, name);
	}
	return pool;
}

static int fill_fault(struct sk_buff *reply, struct genl_info *info)
{
	struct vms_pool *pool = find_pool(info);

	if (!pool)
		return -ENOENT;
	if (!pool->faults) {
		GENL_SET_ERR_MSG_FMT(info, "no scheduler was thrown out of pool %s",
				     pool->name);
		return -ENODATA;
	}
	return vms_fill_fault(reply, pool);
}

int vmsched_nl_fault_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *hdr;
	int err;

	reply = vms_nl_reply_new(info, &hdr);
	if (!reply)
		return vms_nl_no_memory(info);
	mutex_lock(&vms_mutex);
	err = fill_fault(reply, info);
	mutex_unlock(&vms_mutex);
	if (err == -ENOENT || err == -ENODATA) {
		nlmsg_free(reply);
		return err;
	}
	return vms_nl_reply_end(reply, hdr, err, info);
}

int vmsched_nl_fault_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb)
{
	struct vms_pool *pool;
	int err = 0;
	long n = 0;
	void *hdr;

	mutex_lock(&vms_mutex);
	list_for_each_entry(pool, &vms_pools, node) {
		if (n++ < cb->args[0] || !pool->faults)
			continue;
		err = -EMSGSIZE;
		hdr = vms_nl_dump_begin(skb, cb);
		if (hdr)
			err = vms_nl_dump_end(skb, hdr, vms_fill_fault(skb, pool));
		if (err)
			break;
		cb->args[0] = n;
	}
	mutex_unlock(&vms_mutex);
	return vms_nl_dump_done(skb, err);
}

static int evict(struct genl_info *info, const char *why)
{
	struct vms_pool *pool = find_pool(info);
	int err;

	if (!pool)
		return -ENOENT;
	err = vms_fault_evict(pool, why);
	if (err)
		GENL_SET_ERR_MSG_FMT(info, "pool %s is native already: there is nobody to throw out",
				     pool->name);
	return err;
}

int vmsched_nl_sched_evict_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *why = info->attrs[VMSCHED_A_FAULT_MESSAGE];
	int err;

	err = vms_nl_may_write(skb, info);
	if (err)
		return err;
	mutex_lock(&vms_mutex);
	err = evict(info, why ? nla_data(why) : "no reason given");
	mutex_unlock(&vms_mutex);
	if (err)
		return err;
	/* What the answer says has happened then. */
	vms_switch_flush();
	return 0;
}
