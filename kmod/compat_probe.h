/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kernels may or may not have, each as a piece of code that compiles where
 * it is there. kmod/Kbuild tries them against the headers of the kernel that
 * it builds for, with PROBE_x defined for one at a time; compat.h finds
 * VMS_HAVE_x for those that compile. Not included by anything.
 *
 * A probe asks for the thing itself, so that what a distribution has taken back
 * to an older kernel is found there.
 */

/* Compiles everywhere: else what the others say means nothing. */
#ifdef PROBE_SANITY
#include <linux/module.h>
#include <linux/kvm_host.h>
#include <net/genetlink.h>
#endif

/* Compiles nowhere, for the same reason. */
#ifdef PROBE_INSANITY
int (*probe)(void) = vms_no_kernel_has_this;
#endif

#ifdef PROBE_HRTIMER_SETUP
#include <linux/hrtimer.h>
void (*probe)(struct hrtimer *timer,
	      enum hrtimer_restart (*fn)(struct hrtimer *timer),
	      clockid_t clock, enum hrtimer_mode mode) = hrtimer_setup;
#endif

#ifdef PROBE_TWAF_NO_ALLOC
#include <linux/task_work.h>
int probe = TWAF_NO_ALLOC;
#endif

#ifdef PROBE_SLAB_NO_MERGE
#include <linux/slab.h>
slab_flags_t probe = SLAB_NO_MERGE;
#endif

/* Handlers of SysRq get the key as a byte. */
#ifdef PROBE_SYSRQ_U8
#include <linux/sysrq.h>
static void on_key(u8 key)
{
}

struct sysrq_key_op probe = { .handler = on_key };
#endif

#ifdef PROBE_SYSTEM_PERCPU_WQ
#include <linux/workqueue.h>
struct workqueue_struct **probe = &system_percpu_wq;
#endif

/* The entry of a function, told by fprobe, with what kind of registers. */
#ifdef PROBE_FPROBE_PT_REGS
#include <linux/fprobe.h>
#ifndef CONFIG_FPROBE
#error The structure is declared all the same.
#endif
static int entry(struct fprobe *fp, unsigned long ip, unsigned long ret_ip,
		 struct pt_regs *regs, void *data)
{
	return 0;
}

struct fprobe probe = { .entry_handler = entry };
#endif

#ifdef PROBE_FPROBE_FTRACE_REGS
#include <linux/fprobe.h>
#ifndef CONFIG_FPROBE
#error The structure is declared all the same.
#endif
static int entry(struct fprobe *fp, unsigned long ip, unsigned long ret_ip,
		 struct ftrace_regs *regs, void *data)
{
	return 0;
}

struct fprobe probe = { .entry_handler = entry };
#endif

/* kvm_vcpu.pid is a plain pointer with a lock, and not read under RCU. */
#ifdef PROBE_VCPU_PID_LOCK
#include <linux/kvm_host.h>
rwlock_t *probe(struct kvm_vcpu *vcpu);
rwlock_t *probe(struct kvm_vcpu *vcpu)
{
	return &vcpu->pid_lock;
}
#endif

/* Operations of generic netlink with policies for do and dump apart. */
#ifdef PROBE_GENL_SPLIT_OPS
#include <net/genetlink.h>
struct genl_split_ops ops[1];
struct genl_family probe = { .split_ops = ops };
#endif

/* What a dump knows of its request is a struct genl_info. */
#ifdef PROBE_GENL_INFO_DUMP
#include <net/genetlink.h>
const struct genl_info *(*probe)(struct netlink_callback *cb) = genl_info_dump;
#endif

/* A refusal can be worded with figures in it. */
#ifdef PROBE_EXTACK_FMT
#include <linux/netlink.h>
void probe(struct netlink_ext_ack *extack, const struct nlattr *nla);
void probe(struct netlink_ext_ack *extack, const struct nlattr *nla)
{
	NL_SET_ERR_MSG_ATTR_FMT(extack, nla, "%d", 1);
}
#endif

/* A thread of the fair class may have a slice of its own (EEVDF). */
#ifdef PROBE_CUSTOM_SLICE
#include <linux/sched.h>
int probe(struct task_struct *task);
int probe(struct task_struct *task)
{
	return task->se.custom_slice;
}
#endif
