// SPDX-License-Identifier: GPL-2.0
/*
 * The only file that knows KVM: who runs a vCPU, and the hook of its run loop.
 *
 * Nothing is hooked in the run loop while all pools are native: an exit costs
 * what it costs without this module. vCPUs are found when their threads leave
 * a pCPU, by the preempt notifier that KVM keeps on a thread inside of an
 * ioctl of a vCPU. While a scheduler gates vCPUs, the tracepoint kvm_entry
 * looks at each entry of guest mode.
 *
 * While a console has an owner, kvm_userspace_exit tells of guests that fail.
 *
 * Uses these tracepoints and the entry of one function, nothing that KVM keeps
 * for its own modules. From KVM's objects only their addresses leave this
 * file, as names. kvm_entry is exported, which also pins kvm.ko for as long as
 * this module is loaded; others are found by name.
 *
 * Locking: ends_mutex for which ends are looked at, outside of the hotplug lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/error-injection.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <uapi/linux/kvm_para.h>

#include <uapi/linux/vmsched_guest.h>

#include "compat.h"
#include "request.h"
#include "vmsched.h"

VMS_EXTERN_TRACEPOINT(kvm_entry);

static const struct module *kvm;

/* Not exported by KVM; NULL if it has none of that name. */
static struct tracepoint *userspace_exit;
static struct tracepoint *hypercall;

/* Entered when a guest executes PAUSE in a loop, if the processor says so. */
#define SPIN_SYMBOL		"kvm_vcpu_on_spin"
static bool sees_spins;
static bool spins_watched;
static bool calls_watched;
static bool call_ends_watched;

static DEFINE_MUTEX(ends_mutex);	/* see above */
static unsigned int ends_wanted;	/* enum vms_ends */

/* kvm_entry has the probe; changed under watch_mutex, and at the end. */
static bool watching;

/*
 * KVM polls for a while before a vCPU blocks, unless another thread wants the pCPU.
 * vCPUs that wait at the gate are none to it.
 */
static void stop_polling(struct kvm_vcpu *vcpu, const struct vms_vcpu *v)
{
	const struct vms_pool *pool = READ_ONCE(v->pool);

	if (pool && READ_ONCE(pool->managed))
		vcpu->halt_poll_ns = 0;
}

static void on_entry(void *unused, struct kvm_vcpu *vcpu, bool immediate_exit)
{
	struct vms_pcpu *pc = this_cpu_ptr(&vms_pcpus);
	struct vms_vcpu *v = READ_ONCE(pc->on);

	if (unlikely(!v || v->key != vcpu)) {
		v = vms_vcpu_discover(vcpu, vcpu->kvm, vcpu->vcpu_idx);
		WRITE_ONCE(pc->on, v);
		if (!v)
			return;
	}
	stop_polling(vcpu, v);
	if (unlikely(READ_ONCE(v->pass) != pc->cpu ||
		     READ_ONCE(pc->held_from)))
		vms_track_enter(v);
}

/* The vCPU that the current thread runs, or only looks at, if it is one. */
static struct kvm_vcpu *loaded(void)
{
	return container_of(hlist_entry(current->preempt_notifiers.first,
					struct preempt_notifier, link),
			    struct kvm_vcpu, preempt_notifier);
}

/* True if it is one, and the current thread runs it, not reads its registers. */
static bool runs(const struct kvm_vcpu *vcpu)
{
	return within_module((unsigned long)vcpu->preempt_notifier.ops, kvm) &&
	       vms_kvm_vcpu_pid(vcpu) == task_pid(current);
}

/**
 * vms_kvm_leaving() - the current thread is about to lose its pCPU
 * @v: the vCPU that it is known to run, or NULL
 *
 * Context: the middle of Linux's switch, under the runqueue lock; the thread
 * is inside of an ioctl of a vCPU.
 * Return: the vCPU that it runs, found just now if need be, or NULL.
 */
struct vms_vcpu *vms_kvm_leaving(struct vms_vcpu *v)
{
	struct kvm_vcpu *vcpu = loaded();

	if (unlikely(!v || v->key != vcpu)) {
		if (!runs(vcpu))
			return v;
		v = vms_vcpu_discover(vcpu, vcpu->kvm, vcpu->vcpu_idx);
		if (v && !READ_ONCE(v->pool))
			vms_gate_arm(v);
	}
	if (v)
		WRITE_ONCE(v->use.exits, vcpu->stat.exits);
	return v;
}

/* The vCPU is about to be freed: by a destroyed VM, or one half made. */
static void on_vcpu_destroy(const void *vcpu)
{
	struct vms_vcpu *v;

	rcu_read_lock();
	v = vms_vcpu_of_key(vcpu);
	if (v)
		vms_vcpu_remove(v);
	rcu_read_unlock();
}

VMS_DEFINE_ENTRY_PROBE(destroy_probe, on_vcpu_destroy);

static noinline int vms_hook_entry(void)
{
	return tracepoint_probe_register(&__tracepoint_kvm_entry, on_entry,
					 NULL);
}
ALLOW_ERROR_INJECTION(vms_hook_entry, ERRNO);

/*
 * What a VMM is told of a guest that has ended for a reason like this is in the
 * page that it shares with KVM, and could write anything to. A thread that runs
 * vCPUs of several VMs may be known for one that is being freed just now.
 */
static bool has_crashed(const struct vms_vcpu *v)
{
	const struct kvm_vcpu *vcpu = v->key;
	struct kvm_run *run;
	u32 type;

	return !get_kernel_nofault(run, &vcpu->run) &&
	       !get_kernel_nofault(type, &run->system_event.type) &&
	       type == KVM_SYSTEM_EVENT_CRASH;
}

/* KVM_RUN ends; the vCPU is still the current thread's. */
static void userspace_exit_of(__u32 reason, int errno)
{
	struct vms_vcpu *v = this_cpu_read(vms_pcpus.on);

	if (!v || v->task != current || test_bit(VMS_F_DEAD, &v->flags))
		return;
	if (v->call.nr)
		vms_kvm_serve(v);
	if (errno < 0)
		return;
	switch (reason) {
	case KVM_EXIT_SHUTDOWN:
		vms_owner_failed(v, VMSCHED_OWNER_WHY_SHUTDOWN);
		break;
	case KVM_EXIT_FAIL_ENTRY:
	case KVM_EXIT_INTERNAL_ERROR:
		vms_owner_failed(v, VMSCHED_OWNER_WHY_ERROR);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		if (has_crashed(v))
			vms_owner_failed(v, VMSCHED_OWNER_WHY_CRASH);
		break;
	case KVM_EXIT_IO:
	case KVM_EXIT_MMIO:
		vms_owner_works(v);
		break;
	}
}

/* Probes of some kernels can be preempted; who looks at "on" must not be. */
static void on_userspace_exit(void *unused, __u32 reason, int errno)
{
	preempt_disable_notrace();
	userspace_exit_of(reason, errno);
	preempt_enable_notrace();
}

/**
 * vms_kvm_watch_ends() - look at each end of KVM_RUN, or at none
 * @who: for whom
 * @on: whether; it goes on for as long as one of them wants it
 *
 * Context: process, may sleep; takes the hotplug lock, so never under
 * vms_mutex.
 * Return: 0 or a negative errno; ending never fails. Where KVM has no such
 * tracepoint, nothing is seen.
 */
int vms_kvm_watch_ends(enum vms_ends who, bool on)
{
	unsigned int wanted;
	int err = 0;

	if (!userspace_exit)
		return 0;
	mutex_lock(&ends_mutex);
	wanted = on ? ends_wanted | who : ends_wanted & ~who;
	if (wanted && !ends_wanted)
		err = tracepoint_probe_register(userspace_exit,
						on_userspace_exit, NULL);
	else if (!wanted && ends_wanted)
		tracepoint_probe_unregister(userspace_exit, on_userspace_exit,
					    NULL);
	if (!err)
		ends_wanted = wanted;
	mutex_unlock(&ends_mutex);
	return err;
}

/*
 * A signal may end KVM_RUN before a call is served; then it is served at that end.
 * The probe there costs each exit to user space something, so it is on only once
 * a guest has made a call. One that is ended so before that is not answered.
 */
static void watch_ends_fn(struct work_struct *work)
{
	if (READ_ONCE(calls_watched) &&
	    !vms_kvm_watch_ends(VMS_ENDS_OF_CALLS, true))
		WRITE_ONCE(call_ends_watched, true);
}

static DECLARE_WORK(watch_ends_work, watch_ends_fn);

/* The vCPU that the current thread runs, if its pool is managed. */
static struct vms_vcpu *caller(const void *vcpu)
{
	struct vms_vcpu *v = this_cpu_read(vms_pcpus.on);
	struct vms_pool *pool;

	if (!v || v->task != current || v->key != vcpu)
		return NULL;
	pool = READ_ONCE(v->pool);
	return pool && READ_ONCE(pool->managed) ? v : NULL;
}

/*
 * The guest has asked for something: that is served at the gate, when KVM has
 * dealt with it and the guest has not gone on.
 */
static void note_call(struct vms_vcpu *v, u32 nr, bool hypercall, u64 arg)
{
	unsigned long flags;

	if (hypercall && unlikely(!READ_ONCE(call_ends_watched)))
		queue_work(VMS_SYSTEM_WQ, &watch_ends_work);
	v->call = (struct vms_call) {
		.nr = nr, .hypercall = hypercall, .arg = arg,
	};
	local_irq_save(flags);
	if (!vms_gate_arm(v))
		v->call.nr = 0;
	local_irq_restore(flags);
}

static void on_hypercall(void *unused, unsigned long nr, unsigned long a0,
			 unsigned long a1, unsigned long a2, unsigned long a3)
{
	bool ours = (u32)nr >= VMSCHED_HC_BASE && (u32)nr < VMSCHED_HC_END;
	struct vms_vcpu *v;

	if (likely(!ours && nr != KVM_HC_SCHED_YIELD) || !vms_inside(current))
		return;
	preempt_disable_notrace();
	v = caller(loaded());
	if (v)
		note_call(v, ours ? nr : VMSCHED_HC_YIELD_TO, ours, a0);
	preempt_enable_notrace();
}

/* A guest executes PAUSE in a loop. */
static void on_spin(const void *vcpu)
{
	struct vms_vcpu *v;

	preempt_disable_notrace();
	v = caller(vcpu);
	if (v && vms_inside(current))
		note_call(v, VMS_CALL_SPIN, false, 0);
	preempt_enable_notrace();
}

VMS_DEFINE_ENTRY_PROBE(spin_probe, on_spin);

/**
 * vms_kvm_serve() - do what the guest of the current thread has asked for
 * @v: its vCPU, inside of KVM_RUN, or that just ends
 *
 * KVM has seen a hypercall of vmsched as one that it does not know, or has
 * refused it because the caller may not make any, and put that into RAX. What it
 * keeps of registers that are encrypted means nothing.
 *
 * Context: any, interrupts on or off.
 */
void vms_kvm_serve(struct vms_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->key;
	struct vms_call call = v->call;
	unsigned long *rax;
	u32 answer;

	v->call.nr = 0;
	if (!call.nr || vcpu->arch.guest_state_protected)
		return;
	rax = &vcpu->arch.regs[VCPU_REGS_RAX];
	if (call.hypercall ? (s32)*rax != -KVM_ENOSYS :
	    call.nr != VMS_CALL_SPIN && (s32)*rax == -KVM_EPERM)
		return;
	answer = vms_call_run(v, &call);
	if (call.hypercall)
		*rax = answer;
}

static void unwatch_calls(void)
{
	if (calls_watched)
		tracepoint_probe_unregister(hypercall, on_hypercall, NULL);
	if (spins_watched)
		vms_entry_probe_unregister(&spin_probe);
	spins_watched = false;
	/* A probe that is still under way may queue it, which does nothing then. */
	WRITE_ONCE(calls_watched, false);
	cancel_work_sync(&watch_ends_work);
	WRITE_ONCE(call_ends_watched, false);
	vms_kvm_watch_ends(VMS_ENDS_OF_CALLS, false);
}

/* Look at what guests ask for, as far as this KVM shows it. */
static int watch_calls(void)
{
	int err;

	if (hypercall) {
		err = tracepoint_probe_register(hypercall, on_hypercall, NULL);
		if (err)
			return err;
		WRITE_ONCE(calls_watched, true);
	}
	/* Without it guests only spin longer. */
	spins_watched = sees_spins &&
			!vms_entry_probe_register(&spin_probe, SPIN_SYMBOL);
	return 0;
}

/**
 * vms_kvm_watch() - look at each entry of guest mode and what guests ask, or at none
 * @on: whether
 *
 * Context: process, may sleep; takes the hotplug lock, so never under
 * vms_mutex. Callers are serialised by watch.c.
 * Return: 0 or a negative errno; ending never fails.
 */
int vms_kvm_watch(bool on)
{
	int err = 0;

	if (on == watching)
		return 0;
	if (on)
		err = watch_calls() ?: vms_hook_entry();
	else
		tracepoint_probe_unregister(&__tracepoint_kvm_entry, on_entry,
					    NULL);
	if (err || !on)
		unwatch_calls();
	if (!err)
		watching = on;
	return err;
}

/* Bits of enum vmsched_missing, for what this KVM does not show. */
u32 vms_kvm_missing(void)
{
	return (hypercall && userspace_exit ? 0 :
		VMSCHED_MISSING_GUEST_CALLS) |
	       (userspace_exit ? 0 : VMSCHED_MISSING_GUEST_FAILURES) |
	       (sees_spins ? 0 : VMSCHED_MISSING_GUEST_SPINS);
}

static void find_tracepoints(const struct module *mod)
{
	unsigned int i;

	for (i = 0; i < mod->num_tracepoints; i++) {
		struct tracepoint *tp =
			tracepoint_ptr_deref(&mod->tracepoints_ptrs[i]);

		if (!strcmp(tp->name, "kvm_userspace_exit"))
			userspace_exit = tp;
		if (!strcmp(tp->name, "kvm_hypercall"))
			hypercall = tp;
	}
}

/* Replayed for each module with tracepoints that is loaded already. */
static int on_module(struct notifier_block *nb, unsigned long event,
		     void *data)
{
	struct tp_module *tpm = data;

	if (event == MODULE_STATE_COMING && !strcmp(tpm->mod->name, "kvm")) {
		kvm = tpm->mod;
		find_tracepoints(kvm);
	}
	return NOTIFY_OK;
}

static struct notifier_block module_nb = {
	.notifier_call = on_module,
};

int vms_kvm_init(void)
{
	const char *symbol = "kvm_arch_vcpu_destroy";
	int err;

	err = register_tracepoint_module_notifier(&module_nb);
	if (err)
		return err;
	unregister_tracepoint_module_notifier(&module_nb);
	if (!kvm) {
		pr_err("KVM is built into this kernel; vmsched needs it as a module\n");
		return -EOPNOTSUPP;
	}
	err = vms_entry_probe_register(&destroy_probe, symbol);
	if (err)
		pr_err("cannot follow the end of VMs: no probe on %s (%d); this kernel needs CONFIG_FPROBE or CONFIG_KPROBES, and a KVM with that function\n",
		       symbol, err);
	if (err)
		return err;
	/* Only to know whether it can be seen. */
	sees_spins = !vms_entry_probe_register(&spin_probe, SPIN_SYMBOL);
	if (sees_spins)
		vms_entry_probe_unregister(&spin_probe);
	return 0;
}

/* The caller waits until no probe runs (tracepoint_synchronize_unregister). */
void vms_kvm_exit(void)
{
	vms_kvm_watch(false);
	vms_kvm_watch_ends(VMS_ENDS_OF_OWNERS | VMS_ENDS_OF_CALLS, false);
	vms_entry_probe_unregister(&destroy_probe);
}

/* No probe runs any more: nor does what the last one has queued. */
void vms_kvm_flush(void)
{
	cancel_work_sync(&watch_ends_work);
}
