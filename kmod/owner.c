// SPDX-License-Identifier: GPL-2.0
/*
 * Who owns the console of a pool: one VM, or nobody until somebody asks for it.
 * When the owner goes or fails, the next VM of the pool has it, by id and round
 * to the first again; one that has failed itself is passed over. Listeners are
 * told of each change.
 *
 * Knows nothing of terminals: they follow what is told here.
 *
 * Locking: vms_mutex for all owners. Outside of it owner_mutex, for whether ends
 * of KVM_RUN are looked at, which takes the hotplug lock. A hook that sees a VM
 * fail only leaves a mark for the worker.
 */
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "request.h"
#include "vmsched.h"

static DEFINE_MUTEX(owner_mutex);	/* see above */

static void settle_fn(struct work_struct *work);
static DECLARE_WORK(settle_work, settle_fn);

static void change(struct vms_pool *pool, u64 to, enum vmsched_owner_why why)
{
	u64 old = pool->console_owner;

	lockdep_assert_held(&vms_mutex);
	WRITE_ONCE(pool->console_owner, to);
	vms_notify_owner(pool, old, why);
}

static bool may_follow(const struct vms_vm *vm, const struct vms_vm *old)
{
	return vm != old && vm->pool == old->pool && !READ_ONCE(vm->failed);
}

/* Id of the VM that comes after @old, 0 if there is none; the list is by id. */
static u64 next_owner(const struct vms_vm *old)
{
	struct vms_vm *vm;
	u64 first = 0;

	list_for_each_entry(vm, &vms_vms, node) {
		if (!may_follow(vm, old))
			continue;
		if (vm->id > old->id)
			return vm->id;
		if (!first)
			first = vm->id;
	}
	return first;
}

/**
 * vms_owner_lost() - a VM cannot own a console any more
 * @vm: the VM, in the list of VMs or not any more
 * @why: what has happened to it
 *
 * Context: process, vms_mutex held.
 */
void vms_owner_lost(struct vms_vm *vm, enum vmsched_owner_why why)
{
	struct vms_pool *pool = vm->pool;

	lockdep_assert_held(&vms_mutex);
	if (pool->console_owner != vm->id)
		return;
	change(pool, next_owner(vm), why);
	if (!pool->console_owner)
		queue_work(VMS_SYSTEM_WQ, &settle_work);
}

/**
 * vms_owner_set() - a VM owns the console of its pool from now on
 * @vm: the VM; if it had failed, whoever asks knows better
 *
 * Context: process, vms_mutex held, between vms_owner_begin() and _end().
 * Return: false if it owned it before.
 */
bool vms_owner_set(struct vms_vm *vm)
{
	lockdep_assert_held(&owner_mutex);
	WRITE_ONCE(vm->failed, false);
	if (vm->pool->console_owner == vm->id)
		return false;
	change(vm->pool, vm->id, VMSCHED_OWNER_WHY_REQUEST);
	return true;
}

/**
 * vms_owner_begin() - make ready for somebody to own a console
 *
 * From then on it is seen when VMs fail.
 *
 * Context: process, may sleep; vms_mutex not held.
 * Return: 0, then vms_owner_end() is due, or a negative errno.
 */
int vms_owner_begin(void)
{
	int err;

	mutex_lock(&owner_mutex);
	err = vms_kvm_watch_ends(VMS_ENDS_OF_OWNERS, true);
	if (err)
		mutex_unlock(&owner_mutex);
	return err;
}

/* @err: it was not asked for after all, and nobody may own a console */
void vms_owner_end(int err)
{
	mutex_unlock(&owner_mutex);
	if (err)
		queue_work(VMS_SYSTEM_WQ, &settle_work);
}

/**
 * vms_owner_failed() - a VM has failed
 * @v: the vCPU by which it was noticed
 * @why: what has happened, not 0
 *
 * Context: preemption off, no lock of Linux's scheduler held.
 */
void vms_owner_failed(struct vms_vcpu *v, enum vmsched_owner_why why)
{
	/* Its VM lives as long as whoever found @v may look at it. */
	if (!READ_ONCE(v->pool))
		return;
	WRITE_ONCE(v->vm->failed, true);
	WRITE_ONCE(v->vm->fails_by, why);
	queue_work(VMS_SYSTEM_WQ, &settle_work);
}

/* It does something again: its VMM has reset it. Context: as above. */
void vms_owner_works(struct vms_vcpu *v)
{
	if (READ_ONCE(v->pool) && READ_ONCE(v->vm->failed))
		WRITE_ONCE(v->vm->failed, false);
}

/* The current thread ends: by a signal to its VMM? Context: as above. */
void vms_owner_thread_ends(struct vms_vcpu *v)
{
	if (READ_ONCE(v->pool) && (current->signal->group_exit_code & 0x7f))
		WRITE_ONCE(v->vm->died, true);
}

/* From those that have failed to others; stop looking once nobody owns one. */
static void settle_fn(struct work_struct *work)
{
	struct vms_pool *pool;
	bool owned = false;
	struct vms_vm *vm;

	mutex_lock(&owner_mutex);
	mutex_lock(&vms_mutex);
	list_for_each_entry(vm, &vms_vms, node) {
		enum vmsched_owner_why why = xchg(&vm->fails_by, 0);

		/* Also if it does something again by now. */
		if (why)
			vms_owner_lost(vm, why);
	}
	list_for_each_entry(pool, &vms_pools, node)
		owned |= pool->console_owner;
	mutex_unlock(&vms_mutex);
	if (!owned)
		vms_kvm_watch_ends(VMS_ENDS_OF_OWNERS, false);
	mutex_unlock(&owner_mutex);
}

/* No hook runs any more, and nobody can ask. */
void vms_owner_exit(void)
{
	cancel_work_sync(&settle_work);
}
