// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vmsched.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/vmsched.h>

/* Common nested types */
const struct nla_policy vmsched_params_nl_policy[VMSCHED_A_PARAMS_AFFINITY + 1] = {
	[VMSCHED_A_PARAMS_WEIGHT] = { .type = NLA_U32, },
	[VMSCHED_A_PARAMS_CAP] = { .type = NLA_U32, },
	[VMSCHED_A_PARAMS_RESERVATION] = { .type = NLA_U32, },
	[VMSCHED_A_PARAMS_PERIOD_US] = { .type = NLA_U32, },
	[VMSCHED_A_PARAMS_BUDGET_US] = { .type = NLA_U32, },
	[VMSCHED_A_PARAMS_SLICE_US] = { .type = NLA_U32, },
	[VMSCHED_A_PARAMS_WARP_US] = { .type = NLA_U32, },
	[VMSCHED_A_PARAMS_WARP_LIMIT_US] = { .type = NLA_U32, },
	[VMSCHED_A_PARAMS_UNWARP_US] = { .type = NLA_U32, },
	[VMSCHED_A_PARAMS_TIME_CRITICAL] = { .type = NLA_U32, },
	[VMSCHED_A_PARAMS_AFFINITY] = { .type = NLA_NUL_STRING, .len = 1024, },
};

/* VMSCHED_CMD_SCHED_GET - do */
static const struct nla_policy vmsched_sched_get_nl_policy[VMSCHED_A_SCHED_NAME + 1] = {
	[VMSCHED_A_SCHED_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* VMSCHED_CMD_POOL_GET - do */
static const struct nla_policy vmsched_pool_get_nl_policy[VMSCHED_A_POOL_NAME + 1] = {
	[VMSCHED_A_POOL_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* VMSCHED_CMD_VM_GET - do */
static const struct nla_policy vmsched_vm_get_nl_policy[VMSCHED_A_VM_ID + 1] = {
	[VMSCHED_A_VM_ID] = { .type = NLA_U64, },
};

/* VMSCHED_CMD_VM_SET - do */
static const struct nla_policy vmsched_vm_set_nl_policy[VMSCHED_A_VM_PARAMS + 1] = {
	[VMSCHED_A_VM_ID] = { .type = NLA_U64, },
	[VMSCHED_A_VM_PARAMS] = NLA_POLICY_NESTED(vmsched_params_nl_policy),
	[VMSCHED_A_VM_POOL] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* VMSCHED_CMD_VCPU_GET - dump */
static const struct nla_policy vmsched_vcpu_get_nl_policy[VMSCHED_A_VCPU_VM_ID + 1] = {
	[VMSCHED_A_VCPU_VM_ID] = { .type = NLA_U64, },
};

/* VMSCHED_CMD_VCPU_SET - do */
static const struct nla_policy vmsched_vcpu_set_nl_policy[VMSCHED_A_VCPU_PARAMS + 1] = {
	[VMSCHED_A_VCPU_VM_ID] = { .type = NLA_U64, },
	[VMSCHED_A_VCPU_INDEX] = { .type = NLA_U32, },
	[VMSCHED_A_VCPU_PARAMS] = NLA_POLICY_NESTED(vmsched_params_nl_policy),
};

/* VMSCHED_CMD_SCHED_SWITCH - do */
static const struct nla_policy vmsched_sched_switch_nl_policy[VMSCHED_A_SWITCH_HELD + 1] = {
	[VMSCHED_A_SWITCH_TO] = { .type = NLA_NUL_STRING, .len = 31, },
	[VMSCHED_A_SWITCH_POOL] = { .type = NLA_NUL_STRING, .len = 31, },
	[VMSCHED_A_SWITCH_ACTIVATE] = NLA_POLICY_MAX(NLA_U32, 2),
	[VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS] = { .type = NLA_U32, },
	[VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT] = NLA_POLICY_MAX(NLA_U32, 1),
	[VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS] = { .type = NLA_U32, },
	[VMSCHED_A_SWITCH_HELD] = { .type = NLA_U32, },
};

/* VMSCHED_CMD_FAULT_GET - do */
static const struct nla_policy vmsched_fault_get_nl_policy[VMSCHED_A_FAULT_POOL + 1] = {
	[VMSCHED_A_FAULT_POOL] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* VMSCHED_CMD_SCHED_EVICT - do */
static const struct nla_policy vmsched_sched_evict_nl_policy[VMSCHED_A_FAULT_MESSAGE + 1] = {
	[VMSCHED_A_FAULT_POOL] = { .type = NLA_NUL_STRING, .len = 31, },
	[VMSCHED_A_FAULT_MESSAGE] = { .type = NLA_NUL_STRING, .len = 95, },
};

/* VMSCHED_CMD_SCHED_HOLD - do */
static const struct nla_policy vmsched_sched_hold_nl_policy[VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS + 1] = {
	[VMSCHED_A_SWITCH_POOL] = { .type = NLA_NUL_STRING, .len = 31, },
	[VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS] = { .type = NLA_U32, },
	[VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT] = NLA_POLICY_MAX(NLA_U32, 1),
	[VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS] = { .type = NLA_U32, },
};

/* VMSCHED_CMD_REQUEST - do */
static const struct nla_policy vmsched_request_nl_policy[VMSCHED_A_REQUEST_WEIGHT + 1] = {
	[VMSCHED_A_REQUEST_KIND] = NLA_POLICY_MAX(NLA_U32, 2),
	[VMSCHED_A_REQUEST_VM_ID] = { .type = NLA_U64, },
	[VMSCHED_A_REQUEST_WEIGHT] = { .type = NLA_U32, },
};

/* VMSCHED_CMD_CONSOLE_ATTACH - do */
static const struct nla_policy vmsched_console_attach_nl_policy[VMSCHED_A_CONSOLE_POOL + 1] = {
	[VMSCHED_A_CONSOLE_POOL] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* VMSCHED_CMD_CONSOLE_ACK - do */
static const struct nla_policy vmsched_console_ack_nl_policy[VMSCHED_A_CONSOLE_SEQ + 1] = {
	[VMSCHED_A_CONSOLE_SEQ] = { .type = NLA_U32, },
};

/* VMSCHED_CMD_POOL_ADD - do */
static const struct nla_policy vmsched_pool_add_nl_policy[VMSCHED_A_POOL_CPUS + 1] = {
	[VMSCHED_A_POOL_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
	[VMSCHED_A_POOL_CPUS] = { .type = NLA_NUL_STRING, .len = 1024, },
};

/* VMSCHED_CMD_POOL_SET - do */
static const struct nla_policy vmsched_pool_set_nl_policy[VMSCHED_A_POOL_CPUS + 1] = {
	[VMSCHED_A_POOL_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
	[VMSCHED_A_POOL_CPUS] = { .type = NLA_NUL_STRING, .len = 1024, },
};

/* VMSCHED_CMD_POOL_DEL - do */
static const struct nla_policy vmsched_pool_del_nl_policy[VMSCHED_A_POOL_NAME + 1] = {
	[VMSCHED_A_POOL_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* Ops table for vmsched */
const struct genl_split_ops vmsched_nl_ops[] = {
	{
		.cmd	= VMSCHED_CMD_STATUS_GET,
		.doit	= vmsched_nl_status_get_doit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VMSCHED_CMD_SCHED_GET,
		.doit		= vmsched_nl_sched_get_doit,
		.policy		= vmsched_sched_get_nl_policy,
		.maxattr	= VMSCHED_A_SCHED_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= VMSCHED_CMD_SCHED_GET,
		.dumpit	= vmsched_nl_sched_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VMSCHED_CMD_POOL_GET,
		.doit		= vmsched_nl_pool_get_doit,
		.policy		= vmsched_pool_get_nl_policy,
		.maxattr	= VMSCHED_A_POOL_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= VMSCHED_CMD_POOL_GET,
		.dumpit	= vmsched_nl_pool_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VMSCHED_CMD_VM_GET,
		.doit		= vmsched_nl_vm_get_doit,
		.policy		= vmsched_vm_get_nl_policy,
		.maxattr	= VMSCHED_A_VM_ID,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= VMSCHED_CMD_VM_GET,
		.dumpit	= vmsched_nl_vm_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VMSCHED_CMD_VM_SET,
		.doit		= vmsched_nl_vm_set_doit,
		.policy		= vmsched_vm_set_nl_policy,
		.maxattr	= VMSCHED_A_VM_PARAMS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VMSCHED_CMD_VCPU_GET,
		.dumpit		= vmsched_nl_vcpu_get_dumpit,
		.policy		= vmsched_vcpu_get_nl_policy,
		.maxattr	= VMSCHED_A_VCPU_VM_ID,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VMSCHED_CMD_VCPU_SET,
		.doit		= vmsched_nl_vcpu_set_doit,
		.policy		= vmsched_vcpu_set_nl_policy,
		.maxattr	= VMSCHED_A_VCPU_PARAMS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VMSCHED_CMD_SCHED_SWITCH,
		.doit		= vmsched_nl_sched_switch_doit,
		.policy		= vmsched_sched_switch_nl_policy,
		.maxattr	= VMSCHED_A_SWITCH_HELD,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VMSCHED_CMD_FAULT_GET,
		.doit		= vmsched_nl_fault_get_doit,
		.policy		= vmsched_fault_get_nl_policy,
		.maxattr	= VMSCHED_A_FAULT_POOL,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= VMSCHED_CMD_FAULT_GET,
		.dumpit	= vmsched_nl_fault_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VMSCHED_CMD_SCHED_EVICT,
		.doit		= vmsched_nl_sched_evict_doit,
		.policy		= vmsched_sched_evict_nl_policy,
		.maxattr	= VMSCHED_A_FAULT_MESSAGE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VMSCHED_CMD_SCHED_HOLD,
		.doit		= vmsched_nl_sched_hold_doit,
		.policy		= vmsched_sched_hold_nl_policy,
		.maxattr	= VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VMSCHED_CMD_REQUEST,
		.doit		= vmsched_nl_request_doit,
		.policy		= vmsched_request_nl_policy,
		.maxattr	= VMSCHED_A_REQUEST_WEIGHT,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VMSCHED_CMD_CONSOLE_ATTACH,
		.doit		= vmsched_nl_console_attach_doit,
		.policy		= vmsched_console_attach_nl_policy,
		.maxattr	= VMSCHED_A_CONSOLE_POOL,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VMSCHED_CMD_CONSOLE_ACK,
		.doit		= vmsched_nl_console_ack_doit,
		.policy		= vmsched_console_ack_nl_policy,
		.maxattr	= VMSCHED_A_CONSOLE_SEQ,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VMSCHED_CMD_POOL_ADD,
		.doit		= vmsched_nl_pool_add_doit,
		.policy		= vmsched_pool_add_nl_policy,
		.maxattr	= VMSCHED_A_POOL_CPUS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VMSCHED_CMD_POOL_SET,
		.doit		= vmsched_nl_pool_set_doit,
		.policy		= vmsched_pool_set_nl_policy,
		.maxattr	= VMSCHED_A_POOL_CPUS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VMSCHED_CMD_POOL_DEL,
		.doit		= vmsched_nl_pool_del_doit,
		.policy		= vmsched_pool_del_nl_policy,
		.maxattr	= VMSCHED_A_POOL_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
};

const unsigned int vmsched_nl_n_ops = ARRAY_SIZE(vmsched_nl_ops);
