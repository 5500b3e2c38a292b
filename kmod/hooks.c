// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks that are found by name: tracepoints of Linux's scheduler.
 *
 * Knows threads, not vCPUs of KVM: it only looks up whom a thread stands for.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/tracepoint.h>

#include "compat.h"
#include "request.h"
#include "trace.h"
#include "vmsched.h"

static char *require = "";
module_param(require, charp, 0444);
MODULE_PARM_DESC(require, "a further tracepoint without which not to load, for trying that");

static noinline void followed(struct task_struct *prev,
			      struct task_struct *next, bool blocks)
{
	struct vms_vcpu *out = vms_vcpu_of_task(prev);
	struct vms_vcpu *in = vms_vcpu_of_task(next);
	u64 now;

	if (vms_inside(prev))
		out = vms_kvm_leaving(out);
	this_cpu_write(vms_pcpus.on, in);
	if (!out && !in)
		return;
	now = vms_now();
	if (out)
		vms_track_sched_out(out, blocks, now);
	if (in)
		vms_track_sched_in(in, now);
}

/*
 * Called for every thread of the host, most of which run no vCPU: they shall
 * notice little. Of a known thread that has this pCPU the vCPU is in "on", and
 * no thread of the kernel is known. prev_state tells of a preempted thread what
 * it was about to do.
 */
static void on_sched_switch(void *unused, bool preempt,
			    struct task_struct *prev, struct task_struct *next,
			    unsigned int prev_state)
{
	if (likely(!this_cpu_read(vms_pcpus.on) && !vms_inside(prev) &&
		   (next->flags & PF_KTHREAD)))
		return;
	followed(prev, next, !preempt && prev_state);
}

static void on_sched_waking(void *unused, struct task_struct *task)
{
	struct vms_vcpu *v;

	/* It may have blocked anywhere else: only who traces has to know that. */
	if (likely(!vms_inside(task) && !trace_vmsched_wake_enabled()))
		return;
	v = vms_vcpu_of_task(task);
	if (v)
		vms_track_waking(v);
}

static void on_fork(void *unused, struct task_struct *parent,
		    struct task_struct *child)
{
	struct vms_vcpu *v;

	/* Probes of some kernels can be preempted. */
	preempt_disable_notrace();
	v = vms_vcpu_of_task(parent);
	if (v)
		vms_apply_child(child, v);
	preempt_enable_notrace();
}

static void on_task_exit(void *unused, struct task_struct *task)
{
	struct vms_vcpu *v;

	preempt_disable_notrace();
	v = vms_vcpu_of_task(task);
	if (v) {
		vms_owner_thread_ends(v);
		vms_vcpu_remove(v);
	}
	preempt_enable_notrace();
}

static struct hook {
	const char *name;
	void *probe;
	struct tracepoint *tp;
	bool on;
} hooks[] = {
	{ "sched_switch", on_sched_switch },
	{ "sched_waking", on_sched_waking },
	{ "sched_process_fork", on_fork },
	{ "sched_process_exit", on_task_exit },
	{ NULL, NULL },		/* place for "require" */
};

static void look_at(struct tracepoint *tp, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (hooks[i].name && !strcmp(hooks[i].name, tp->name))
			hooks[i].tp = tp;
}

static int find_all(void)
{
	unsigned int i;

	hooks[ARRAY_SIZE(hooks) - 1].name = *require ? require : NULL;
	for_each_kernel_tracepoint(look_at, NULL);

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (!hooks[i].name || hooks[i].tp)
			continue;
		pr_err("this kernel has no tracepoint %s, which is needed; use one with CONFIG_TRACEPOINTS\n",
		       hooks[i].name);
		return -ENOENT;
	}
	return 0;
}

void vms_hooks_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (hooks[i].on)
			tracepoint_probe_unregister(hooks[i].tp, hooks[i].probe,
						    NULL);
		hooks[i].on = false;
	}
}

int vms_hooks_init(void)
{
	unsigned int i;
	int err;

	err = find_all();
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (!hooks[i].probe)
			continue;
		err = tracepoint_probe_register(hooks[i].tp, hooks[i].probe,
						NULL);
		if (err) {
			vms_hooks_exit();
			return err;
		}
		hooks[i].on = true;
	}
	return 0;
}
