// SPDX-License-Identifier: GPL-2.0
/*
 * The only file that knows KVM: hooks of its run loop.
 *
 * Uses tracepoints of KVM and the entry of one function, nothing that KVM
 * keeps for its own modules. From KVM's objects only their addresses leave
 * this file, as names.
 *
 * kvm_entry and kvm_exit are exported, which also pins kvm.ko for as long as
 * this module is loaded; kvm_userspace_exit is found by name (hooks.c).
 */
#include <linux/fprobe.h>
#include <linux/kvm_host.h>
#include <linux/tracepoint.h>

#include "compat.h"
#include "vmsched.h"

VMS_EXTERN_TRACEPOINT(kvm_entry);
VMS_EXTERN_TRACEPOINT(kvm_exit);

static void on_entry(void *unused, struct kvm_vcpu *vcpu, bool immediate_exit)
{
	struct vms_vcpu *v = this_cpu_read(vms_pcpus.on);

	if (unlikely(!v || v->key != vcpu)) {
		v = vms_vcpu_discover(vcpu, vcpu->kvm, vcpu->vcpu_idx);
		this_cpu_write(vms_pcpus.on, v);
		if (!v)
			return;
	}
	vms_track_enter(v);
}

static void on_exit(void *unused, struct kvm_vcpu *vcpu, u32 isa)
{
	struct vms_vcpu *v = this_cpu_read(vms_pcpus.on);
	struct vms_pool *pool;

	if (!v || v->key != vcpu)
		return;
	vms_track_exit(v);

	/*
	 * KVM polls for a while before a vCPU blocks, unless another thread
	 * wants the pCPU. Vcpus that wait at the gate are none to it.
	 */
	pool = READ_ONCE(v->pool);
	if (pool && READ_ONCE(pool->managed))
		WRITE_ONCE(vcpu->halt_poll_ns, 0);
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

int vms_kvm_init(void)
{
	const char *symbol = "kvm_arch_vcpu_destroy";
	int err;

	err = register_fprobe_syms(&destroy_probe, &symbol, 1);
	if (err) {
		pr_err("cannot follow the end of VMs: no probe on %s (%d); this kernel needs CONFIG_FPROBE and a KVM with that function\n",
		       symbol, err);
		return err;
	}
	err = tracepoint_probe_register(&__tracepoint_kvm_exit, on_exit, NULL);
	if (err)
		goto err_fprobe;
	err = tracepoint_probe_register(&__tracepoint_kvm_entry, on_entry, NULL);
	if (err)
		goto err_exit;
	return 0;

err_exit:
	tracepoint_probe_unregister(&__tracepoint_kvm_exit, on_exit, NULL);
err_fprobe:
	unregister_fprobe(&destroy_probe);
	return err;
}

/* The caller waits until no probe runs (tracepoint_synchronize_unregister). */
void vms_kvm_exit(void)
{
	tracepoint_probe_unregister(&__tracepoint_kvm_entry, on_entry, NULL);
	tracepoint_probe_unregister(&__tracepoint_kvm_exit, on_exit, NULL);
	unregister_fprobe(&destroy_probe);
}
