// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps a pCPU with interrupts off while a vCPU is on its way into guest mode
 * there: what firmware or a driver might do to a host. The thread that is named
 * by "tid" spins at its next guest entry, until "tid" is something else, or for
 * five seconds.
 */
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/tracepoint.h>

#define MOST_NS		(5 * NSEC_PER_SEC)

static int tid;
module_param(tid, int, 0600);
MODULE_PARM_DESC(tid, "thread to keep");

static int held;
module_param(held, int, 0444);
MODULE_PARM_DESC(held, "thread that is kept just now");

/* KVM exports it; its header is not installed. */
#define EXTERN_TRACEPOINT(name)	extern struct tracepoint __tracepoint_##name
EXTERN_TRACEPOINT(kvm_entry);

static void on_entry(void *data, struct kvm_vcpu *vcpu, bool force_immediate_exit)
{
	u64 end = ktime_get_mono_fast_ns() + MOST_NS;
	unsigned long flags;

	if (likely(READ_ONCE(tid) != current->pid))
		return;
	local_irq_save(flags);
	WRITE_ONCE(held, current->pid);
	while (READ_ONCE(tid) == current->pid && ktime_get_mono_fast_ns() < end)
		cpu_relax();
	WRITE_ONCE(held, 0);
	local_irq_restore(flags);
}

static int __init late_entry_init(void)
{
	return tracepoint_probe_register(&__tracepoint_kvm_entry, on_entry, NULL);
}
module_init(late_entry_init);

static void __exit late_entry_exit(void)
{
	tracepoint_probe_unregister(&__tracepoint_kvm_entry, on_entry, NULL);
	tracepoint_synchronize_unregister();
}
module_exit(late_entry_exit);

MODULE_DESCRIPTION("Keeps a pCPU with interrupts off");
MODULE_LICENSE("GPL");
