/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows what differs between kernels, or may do so: the
 * rest of the module uses these names, or those of a recent kernel which are
 * made up here for one that lacks them.
 *
 * VMS_HAVE_x are found out while it is built, see compat_probe.h. What a
 * kernel cannot do at all is said by VMS_MISSING, which users are told of.
 */
#ifndef _VMS_COMPAT_H
#define _VMS_COMPAT_H

#include <linux/fprobe.h>
#include <linux/hrtimer.h>
#include <linux/kprobes.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/tracepoint.h>
#include <linux/version.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>

#include <uapi/linux/vmsched.h>

#include "compat_config.h"

static inline void vms_hrtimer_setup(struct hrtimer *timer,
				     enum hrtimer_restart (*fn)(struct hrtimer *),
				     clockid_t clock, enum hrtimer_mode mode)
{
#ifdef VMS_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
#endif
}

/* Do not let KASAN allocate in task_work_add(), which runs under raw locks. */
#ifdef VMS_HAVE_TWAF_NO_ALLOC
#define VMS_TWAF_NO_ALLOC	TWAF_NO_ALLOC
#else
#define VMS_TWAF_NO_ALLOC	0
#endif

#ifdef VMS_HAVE_SLAB_NO_MERGE
#define VMS_SLAB_NO_MERGE	SLAB_NO_MERGE
#else
#define VMS_SLAB_NO_MERGE	0
#endif

/* The workqueue for what is short; the old name is warned of. */
#ifdef VMS_HAVE_SYSTEM_PERCPU_WQ
#define VMS_SYSTEM_WQ		system_percpu_wq
#else
#define VMS_SYSTEM_WQ		system_wq
#endif

/* A tracepoint that another module exports; its header is not installed. */
/* What a handler of SysRq gets its key as. */
#ifdef VMS_HAVE_SYSRQ_U8
#define VMS_SYSRQ_KEY		u8
#else
#define VMS_SYSRQ_KEY		int
#endif

#define VMS_EXTERN_TRACEPOINT(name) extern struct tracepoint __tracepoint_##name

/*
 * VMS_DEFINE_ENTRY_PROBE(probe, fn): call fn(first argument) at the entry of a
 * function. vms_entry_probe_register(probe, name of the function) returns 0 or
 * a negative errno. Without fprobe a kprobe does the same, more slowly.
 */
#if defined(VMS_HAVE_FPROBE_PT_REGS) || defined(VMS_HAVE_FPROBE_FTRACE_REGS)
#ifdef VMS_HAVE_FPROBE_PT_REGS
#define vms_probe_regs		pt_regs
#define vms_probe_argument	regs_get_kernel_argument
#else
#define vms_probe_regs		ftrace_regs
#define vms_probe_argument	ftrace_regs_get_argument
#endif

#define VMS_DEFINE_ENTRY_PROBE(probe, fn)				\
static int probe##_entry(struct fprobe *fp, unsigned long ip,		\
			 unsigned long ret_ip,				\
			 struct vms_probe_regs *regs, void *data)	\
{									\
	fn((const void *)vms_probe_argument(regs, 0));			\
	return 0;							\
}									\
static struct fprobe probe = { .entry_handler = probe##_entry }

static inline int vms_entry_probe_register(struct fprobe *probe,
					   const char *symbol)
{
	/* What is left of the last time is not to be used again. */
	*probe = (struct fprobe) { .entry_handler = probe->entry_handler };
	return register_fprobe_syms(probe, &symbol, 1);
}

static inline void vms_entry_probe_unregister(struct fprobe *probe)
{
	unregister_fprobe(probe);
}
#else
#define VMS_DEFINE_ENTRY_PROBE(probe, fn)				\
static int probe##_entry(struct kprobe *kp, struct pt_regs *regs)	\
{									\
	fn((const void *)regs_get_kernel_argument(regs, 0));		\
	return 0;							\
}									\
static struct kprobe probe = { .pre_handler = probe##_entry }

static inline int vms_entry_probe_register(struct kprobe *probe,
					   const char *symbol)
{
	*probe = (struct kprobe) {
		.pre_handler = probe->pre_handler, .symbol_name = symbol,
	};
	return register_kprobe(probe);
}

static inline void vms_entry_probe_unregister(struct kprobe *probe)
{
	unregister_kprobe(probe);
}
#endif

/* The process that runs a vCPU, to be compared only. */
#ifdef VMS_HAVE_VCPU_PID_LOCK
#define vms_kvm_vcpu_pid(vcpu)	READ_ONCE((vcpu)->pid)
#else
#define vms_kvm_vcpu_pid(vcpu)	rcu_access_pointer((vcpu)->pid)
#endif

#ifndef VMS_HAVE_EXTACK_FMT
/*
 * The text of a refusal is read when its message is answered, after the command
 * has returned, and there is no room for it in the extack: keep the last ones.
 * If more commands are refused at the same time, they share a text.
 */
#define VMS_EXTACK_TEXTS	32
#define VMS_EXTACK_LEN		96

static inline __printf(2, 3)
void vms_extack_fmt(struct netlink_ext_ack *extack, const char *fmt, ...)
{
	static char texts[VMS_EXTACK_TEXTS][VMS_EXTACK_LEN];
	static atomic_t next = ATOMIC_INIT(0);
	char *text = texts[(u32)atomic_inc_return(&next) % VMS_EXTACK_TEXTS];
	va_list args;

	if (!extack)
		return;
	va_start(args, fmt);
	vscnprintf(text, VMS_EXTACK_LEN, fmt, args);
	va_end(args);
	extack->_msg = text;
}

#undef GENL_SET_ERR_MSG_FMT
#define GENL_SET_ERR_MSG_FMT(info, fmt, ...)				\
	vms_extack_fmt((info)->extack, fmt, ##__VA_ARGS__)
#undef NL_SET_ERR_MSG_ATTR_FMT
#define NL_SET_ERR_MSG_ATTR_FMT(extack, attr, fmt, ...)			\
do {									\
	struct netlink_ext_ack *__vms_extack = (extack);		\
									\
	vms_extack_fmt(__vms_extack, fmt, ##__VA_ARGS__);		\
	NL_SET_BAD_ATTR(__vms_extack, attr);				\
} while (0)
#endif

/*
 * Begin the answer to a command, or one of the answers to a dump, of a family.
 * And what attributes the request for a dump has.
 */
#ifdef VMS_HAVE_GENL_INFO_DUMP
static inline void *vms_genl_reply_put(struct sk_buff *skb,
				       const struct genl_family *family,
				       struct genl_info *info)
{
	return genlmsg_iput(skb, info);
}

static inline void *vms_genl_dump_put(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	return __genlmsg_iput(skb, genl_info_dump(cb), NLM_F_MULTI);
}

static inline struct nlattr **vms_genl_dump_attrs(struct netlink_callback *cb)
{
	return genl_info_dump(cb)->attrs;
}
#else
static inline void *vms_genl_reply_put(struct sk_buff *skb,
				       const struct genl_family *family,
				       struct genl_info *info)
{
	return genlmsg_put_reply(skb, info, family, 0, info->genlhdr->cmd);
}

static inline void *vms_genl_dump_put(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	const struct genlmsghdr *request = nlmsg_data(cb->nlh);

	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   genl_dumpit_info(cb)->family, NLM_F_MULTI,
			   request->cmd);
}

static inline struct nlattr **vms_genl_dump_attrs(struct netlink_callback *cb)
{
	return genl_dumpit_info(cb)->attrs;
}
#endif

#define VMS_GENL_OPS_MAX	24

#ifdef VMS_HAVE_GENL_SPLIT_OPS
/*
 * Give a family its table of operations, which is to stay. @none is the policy,
 * for one attribute, of those that have none. Returns 0 or a negative errno.
 * netlink_gen.c is made for kernels that take it as it is.
 */
static inline int vms_genl_set_ops(struct genl_family *family,
				   struct genl_split_ops *ops, unsigned int n,
				   const struct nla_policy *none)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (ops[i].policy)
			continue;
		ops[i].policy = none;
		ops[i].maxattr = 1;
	}
	family->split_ops = ops;
	family->n_split_ops = n;
	return 0;
}
#else
/* One half, do or dump, of a command, as far as vmsched says anything of it. */
struct genl_split_ops {
	union {
		struct {
			int (*doit)(struct sk_buff *skb, struct genl_info *info);
		};
		struct {
			int (*dumpit)(struct sk_buff *skb,
				      struct netlink_callback *cb);
		};
	};
	const struct nla_policy *policy;
	unsigned int maxattr;
	u8 cmd;
	u8 flags;
};

/*
 * Both halves of a command follow each other and become one. It has one policy,
 * by which a half without any is held to the other's. (Not to look at what a
 * dump has with it can only be had together with lax headers.)
 */
static inline int vms_genl_join(struct genl_ops *to,
				const struct genl_split_ops *half)
{
	to->cmd = half->cmd;
	to->flags |= half->flags & GENL_ADMIN_PERM;
	if (half->flags & GENL_CMD_CAP_DUMP)
		to->dumpit = half->dumpit;
	else
		to->doit = half->doit;
	if (!half->policy)
		return 0;
	if (to->policy && to->policy != half->policy)
		return -EINVAL;
	to->policy = half->policy;
	to->maxattr = half->maxattr;
	return 0;
}

static inline int vms_genl_set_ops(struct genl_family *family,
				   struct genl_split_ops *ops, unsigned int n,
				   const struct nla_policy *none)
{
	static struct genl_ops joined[VMS_GENL_OPS_MAX];
	unsigned int i, at = 0;

	memset(joined, 0, sizeof(joined));
	for (i = 0; i < n; i++) {
		if (i && ops[i].cmd != ops[i - 1].cmd)
			at++;
		if (at >= VMS_GENL_OPS_MAX || vms_genl_join(&joined[at], &ops[i]))
			return -EINVAL;
	}
	for (i = 0; i <= at; i++) {
		if (joined[i].policy)
			continue;
		joined[i].policy = none;
		joined[i].maxattr = 1;
	}
	family->ops = joined;
	family->n_ops = at + 1;
	return 0;
}
#endif

/* Bits of enum vmsched_missing for what this kernel cannot do. */
enum {
	VMS_MISSING = 0
#ifndef VMS_HAVE_CUSTOM_SLICE
	| VMSCHED_MISSING_CUSTOM_SLICE
#endif
#ifndef VMS_HAVE_GENL_SPLIT_OPS
	| VMSCHED_MISSING_SPLIT_OPS
#endif
/* Nothing that can be seen from outside came with it: ask for the version. */
#if KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE
	| VMSCHED_MISSING_USER_MASK
#endif
};

#endif /* _VMS_COMPAT_H */
