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
 * Return: the pool, or NULL; the answer says then that there is none.
 */
struct vms_pool *vms_nl_pool(struct genl_info *info, u32 attr)
{
	struct nlattr *name = info->attrs[attr];
	struct vms_pool *pool;

	pool = name ? vms_pool_find(nla_data(name)) : vms_pool_default();
	if (!pool) {
		GENL_SET_ERR_MSG(info, "no such pool");
		NL_SET_BAD_ATTR(info->extack, name);
	}
	return pool;
}
