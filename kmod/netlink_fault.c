// SPDX-License-Identifier: GPL-2.0
/*
 * Commands about schedulers that were thrown out, or are to be.
 */
#include <net/genetlink.h>

#include "compat.h"
#include "netlink_gen.h"
#include "netlink_util.h"
#include "vmsched.h"

int vmsched_nl_fault_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vms_pool *pool;
	struct sk_buff *reply;
	int err = 0;
	void *hdr;

	reply = vms_nl_reply_new(info, &hdr);
	if (!reply)
		return vms_nl_no_memory(info);
	mutex_lock(&vms_mutex);
	pool = vms_nl_pool(info, VMSCHED_A_FAULT_POOL);
	if (pool)
		err = vms_fill_fault(reply, pool);
	mutex_unlock(&vms_mutex);
	if (!pool) {
		nlmsg_free(reply);
		return -ENOENT;
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

int vmsched_nl_sched_evict_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *why = info->attrs[VMSCHED_A_FAULT_MESSAGE];
	struct vms_pool *pool;
	int err;

	err = vms_nl_may_write(skb, info);
	if (err)
		return err;
	mutex_lock(&vms_mutex);
	pool = vms_nl_pool(info, VMSCHED_A_FAULT_POOL);
	if (pool)
		vms_fault_active(pool, VMSCHED_FAULT_KIND_OPERATOR,
				 why ? nla_data(why) : "no reason given");
	mutex_unlock(&vms_mutex);
	if (!pool)
		return -ENOENT;
	/* What the answer says has happened then. */
	vms_switch_flush();
	return 0;
}
