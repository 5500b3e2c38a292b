// SPDX-License-Identifier: GPL-2.0
/* The commands that make, change and delete pools. */
#include <net/genetlink.h>

#include "compat.h"
#include "netlink_gen.h"
#include "netlink_util.h"
#include "vmsched.h"

static int run(struct sk_buff *skb, struct genl_info *info, bool cpus,
	       int (*fn)(struct vms_pool_request *req))
{
	struct vms_pool_request req = {};
	struct nlattr **attrs = info->attrs;
	int err;

	err = vms_nl_may_write(skb, info);
	if (err)
		return err;
	if (!attrs[VMSCHED_A_POOL_NAME])
		return vms_nl_missing(info, VMSCHED_A_POOL_NAME, "name");
	if (cpus && !attrs[VMSCHED_A_POOL_CPUS])
		return vms_nl_missing(info, VMSCHED_A_POOL_CPUS, "cpus");
	req.name = nla_data(attrs[VMSCHED_A_POOL_NAME]);
	req.list = cpus ? nla_data(attrs[VMSCHED_A_POOL_CPUS]) : NULL;
	err = fn(&req);
	if (!err)
		return 0;
	GENL_SET_ERR_MSG_FMT(info, "%s", req.why);
	if (req.attr && attrs[req.attr])
		NL_SET_BAD_ATTR(info->extack, attrs[req.attr]);
	return err;
}

int vmsched_nl_pool_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	return run(skb, info, true, vms_pool_add);
}

int vmsched_nl_pool_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	return run(skb, info, true, vms_pool_set);
}

int vmsched_nl_pool_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	return run(skb, info, false, vms_pool_del);
}
