/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows what differs between kernels, or may do so: the
 * rest of the module uses these names.
 */
#ifndef _VMS_COMPAT_H
#define _VMS_COMPAT_H

#include <linux/fprobe.h>
#include <linux/hrtimer.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/tracepoint.h>

static inline void vms_hrtimer_setup(struct hrtimer *timer,
				     enum hrtimer_restart (*fn)(struct hrtimer *),
				     clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}

/* Do not let KASAN allocate in task_work_add(), which runs under raw locks. */
#define VMS_TWAF_NO_ALLOC	TWAF_NO_ALLOC

#define VMS_SLAB_NO_MERGE	SLAB_NO_MERGE

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
