// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of console agents: parse, one call, answer. And what a request for a
 * switch says about them.
 */
#include <net/genetlink.h>

#include "compat.h"
#include "console.h"
#include "netlink_gen.h"
#include "netlink_util.h"
#include "vmsched.h"

int vms_console_parse(struct genl_info *info, struct vms_switch *req)
{
	struct nlattr *on = info->attrs[VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT];
	struct nlattr *ms = info->attrs[VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS];

	req->on_console = on ? nla_get_u32(on) : VMSCHED_ON_CONSOLE_TIMEOUT_GO_ON;
	req->console_ms = ms ? nla_get_u32(ms) : VMS_CONSOLE_MS_DFL;
	if (req->console_ms < 1 || req->console_ms > VMS_CONSOLE_MS_MAX) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, ms,
					"console-timeout %u outside 1..%u ms",
					req->console_ms, VMS_CONSOLE_MS_MAX);
		return -ERANGE;
	}
	return 0;
}

static int refuse_agent(struct genl_info *info, int err)
{
	switch (err) {
	case -EEXIST:
		GENL_SET_ERR_MSG(info, "this socket is a console agent already");
		break;
	case -ENOSPC:
		GENL_SET_ERR_MSG_FMT(info,
				     "the pool has %u console agents already; end one of them",
				     VMS_CONSOLE_AGENTS_MAX);
		break;
	case -ENOMEM:
		GENL_SET_ERR_MSG(info, "out of memory");
	}
	return err;
}

int vmsched_nl_console_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vms_pool *pool;
	int err;

	err = vms_nl_may_write(skb, info);
	if (err)
		return err;
	mutex_lock(&vms_mutex);
	pool = vms_nl_pool(info, VMSCHED_A_CONSOLE_POOL);
	if (IS_ERR(pool)) {
		err = PTR_ERR(pool);
	} else if (pool->dying) {
		GENL_SET_ERR_MSG_FMT(info, "pool %s is just being deleted", pool->name);
		err = -EBUSY;
	} else {
		err = refuse_agent(info, vms_console_attach(pool, info->snd_portid));
	}
	mutex_unlock(&vms_mutex);
	return err;
}

int vmsched_nl_console_ack_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *seq = info->attrs[VMSCHED_A_CONSOLE_SEQ];
	int err;

	err = vms_nl_may_write(skb, info);
	if (err)
		return err;
	if (!seq)
		return vms_nl_missing(info, VMSCHED_A_CONSOLE_SEQ, "seq");
	err = vms_console_ack(info->snd_portid, nla_get_u32(seq));
	if (err == -ENOENT)
		GENL_SET_ERR_MSG(info, "this socket is no console agent; attach it first");
	if (err == -ESTALE) {
		GENL_SET_ERR_MSG_FMT(info,
				     "announcement %u is not waited for, or not any more",
				     nla_get_u32(seq));
		NL_SET_BAD_ATTR(info->extack, seq);
	}
	return err;
}
