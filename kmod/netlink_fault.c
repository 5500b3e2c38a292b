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
	return vms_nl_reply_pool(info, VMSCHED_A_FAULT_POOL, vms_fill_fault);
}

static bool has_faults(const struct vms_pool *pool)
{
	return pool->faults;
}

int vmsched_nl_fault_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb)
{
	return vms_nl_dump_pools(skb, cb, has_faults, vms_fill_fault);
}

int vmsched_nl_sched_evict_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *why = info->attrs[VMSCHED_A_FAULT_MESSAGE];
	char name[VMSCHED_NAME_MAX];
	struct vms_pool *pool;
	int err;

	err = vms_nl_may_write(skb, info);
	if (err)
		return err;
	mutex_lock(&vms_mutex);
	pool = vms_nl_pool(info, VMSCHED_A_FAULT_POOL);
	if (!IS_ERR(pool)) {
		strscpy(name, pool->name, sizeof(name));
		vms_fault_active(pool, VMSCHED_FAULT_KIND_OPERATOR,
				 why ? nla_data(why) : "no reason given");
	}
	mutex_unlock(&vms_mutex);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	/* What the answer says has happened then. */
	return vms_evict_wait(name);
}
