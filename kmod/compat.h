/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows differences between kernels. What can be probed
 * is probed by the compiler or the preprocessor; a version number is used
 * only where neither sees the difference.
 */
#ifndef _VMS_COMPAT_H
#define _VMS_COMPAT_H

#include <linux/fprobe.h>
#include <linux/hrtimer.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/tracepoint.h>
#include <linux/version.h>

#define VMS_KERNEL(major, minor)	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0))

static inline void vms_hrtimer_setup(struct hrtimer *timer,
				     enum hrtimer_restart (*fn)(struct hrtimer *),
				     clockid_t clock, enum hrtimer_mode mode)
{
#if VMS_KERNEL(6, 13)
	hrtimer_setup(timer, fn, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
#endif
}

/* Do not let KASAN allocate in task_work_add(), which runs under raw locks. */
#if VMS_KERNEL(6, 12)
#define VMS_TWAF_NO_ALLOC	TWAF_NO_ALLOC
#else
#define VMS_TWAF_NO_ALLOC	0
#endif

#ifdef SLAB_NO_MERGE
#define VMS_SLAB_NO_MERGE	SLAB_NO_MERGE
#else
#define VMS_SLAB_NO_MERGE	0
#endif

/* A tracepoint that another module exports; its header is not installed. */
#define VMS_EXTERN_TRACEPOINT(name) extern struct tracepoint __tracepoint_##name

/* Call fn(first argument) at the entry of the probed function. */
#define VMS_DEFINE_ENTRY_PROBE(probe, fn)				\
static int probe##_entry(struct fprobe *fp, unsigned long ip,		\
			 unsigned long ret_ip, struct pt_regs *regs,	\
			 void *data)					\
{									\
	fn((const void *)regs_get_kernel_argument(regs, 0));		\
	return 0;							\
}									\
static struct fprobe probe = { .entry_handler = probe##_entry }

#endif /* _VMS_COMPAT_H */
