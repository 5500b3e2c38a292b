/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vmsched.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_VMSCHED_GEN_H
#define _LINUX_VMSCHED_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/vmsched.h>

#include "compat.h"

/* Common nested types */
extern const struct nla_policy vmsched_params_nl_policy[VMSCHED_A_PARAMS_AFFINITY + 1];

int vmsched_nl_status_get_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_sched_get_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_sched_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int vmsched_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_pool_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int vmsched_nl_vm_get_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vmsched_nl_vm_set_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_vcpu_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int vmsched_nl_vcpu_set_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_sched_switch_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_fault_get_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_fault_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int vmsched_nl_sched_evict_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_sched_hold_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_request_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_console_attach_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_console_ack_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_pool_add_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_pool_set_doit(struct sk_buff *skb, struct genl_info *info);
int vmsched_nl_pool_del_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	VMSCHED_NLGRP_EVENTS,
};

extern const struct genl_split_ops vmsched_nl_ops[];
extern const unsigned int vmsched_nl_n_ops;

#endif /* _LINUX_VMSCHED_GEN_H */
