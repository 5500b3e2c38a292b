// SPDX-License-Identifier: GPL-2.0
/*
 * VMs and what belongs to them: a vCPU is attached to its VM, pool and
 * scheduler in its own thread, and detached by a worker. Usage of a VM is
 * that of its vCPUs, those that are gone included.
 *
 * Locking: vms_mutex for all lists here, plus the pool lock for what dispatch
 * sees. KVM's objects are never followed; their addresses are names.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "activate.h"
#include "request.h"
#include "trace.h"
#include "vmsched.h"

/* Protects what changes slowly, see vmsched.h. */
DEFINE_MUTEX(vms_mutex);
LIST_HEAD(vms_vms);
u32 vms_generation = 1;

static u64 last_id;

/*
 * Where a new VM belongs: "default", but one whose user has pinned it to pCPUs of another
 * pool to that one.
 */
static struct vms_pool *pool_for(const struct vms_vcpu *v)
{
	struct vms_pool *pool;

	/* That is the first of them. */
	list_for_each_entry(pool, &vms_pools, node)
		if (!pool->dying && cpumask_intersects(v->user_mask, &pool->online))
			return pool;
	return vms_pool_default();
}

static struct vms_vm *vm_create(struct vms_vcpu *v)
{
	struct vms_vm *vm;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return NULL;
	vm->id = ++last_id;
	vm->key = v->vm_key;
	vm->pid = get_task_pid(current, PIDTYPE_TGID);
	get_task_comm(vm->comm, current->group_leader);
	vm->pool = pool_for(v);
	vm->pool->nr_vms++;
	vms_params_default(&vm->params);
	cpumask_copy(&vm->affinity, cpu_possible_mask);
	INIT_LIST_HEAD(&vm->vcpus);
	list_add_tail(&vm->node, &vms_vms);
	return vm;
}

static void vm_put(struct vms_vm *vm)
{
	if (vm->nr_vcpus)
		return;
	list_del(&vm->node);
	vms_owner_lost(vm, READ_ONCE(vm->died) ? VMSCHED_OWNER_WHY_DIED :
						 VMSCHED_OWNER_WHY_GONE);
	vm->pool->nr_vms--;
	if (vm->announced)
		vms_notify_vm(VMSCHED_CMD_VM_DEL_NTF, vm);
	put_pid(vm->pid);
	kfree(vm);
}

static struct vms_vm *vm_by_key(const void *key)
{
	struct vms_vm *vm;

	list_for_each_entry(vm, &vms_vms, node)
		if (vm->key == key)
			return vm;
	return NULL;
}

/*
 * The thread of @v runs another vCPU as well. One that is on its way out does
 * not count, but gives the thread its mask back now, before that is read.
 */
static bool thread_is_taken(struct vms_vcpu *v)
{
	struct vms_vcpu *other;
	struct vms_pool *pool;

	list_for_each_entry(pool, &vms_pools, node) {
		list_for_each_entry(other, &pool->vcpus, pool_node) {
			if (other->task != v->task)
				continue;
			if (!test_bit(VMS_F_DEAD, &other->flags))
				return true;
			vms_apply_restore(other);
		}
	}
	return false;
}

static int alloc_masks(struct vms_vcpu *v)
{
	struct cpumask **masks[] = {
		&v->allowed, &v->next_allowed, &v->affinity, &v->scratch,
		&v->user_mask, &v->user_req,
	};
	size_t size = cpumask_size();
	unsigned int i;

	if (v->masks)
		return 0;
	v->masks = kcalloc(ARRAY_SIZE(masks), size, GFP_KERNEL_ACCOUNT);
	if (!v->masks)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(masks); i++)
		*masks[i] = v->masks + i * size;
	return 0;
}

/* vCPUs stand in the order of their number: a dump goes on by it. */
static struct list_head *place_for(struct vms_vm *vm, u32 index)
{
	struct vms_vcpu *v;

	list_for_each_entry(v, &vm->vcpus, vm_node)
		if (v->index > index)
			return &v->vm_node;
	return &vm->vcpus;
}

/* The weight of @v has become larger by @more, for the shares of all. */
void __vms_weigh(struct vms_vcpu *v, s64 more)
{
	struct vms_vm *vm = v->vm;

	lockdep_assert_held(&vm->pool->lock);
	WRITE_ONCE(vm->weights, vm->weights + more);
	WRITE_ONCE(vm->pool->weights, vm->pool->weights + more);
}

/* Publish @v to hooks and dispatch. Nothing may fail from here on. */
static void link_vcpu(struct vms_vcpu *v, struct vms_vm *vm,
		      struct vmsched_vcpu *ent)
{
	struct vms_pool *pool = vm->pool;
	static const struct vmsched_carry none;
	u64 now = vms_now();

	vms_generation++;
	vm->nr_vcpus++;

	raw_spin_lock_irq(&pool->lock);
	list_add_tail(&v->vm_node, place_for(vm, v->index));
	list_add_tail(&v->pool_node, &pool->vcpus);
	pool->nr_vcpus++;
	v->ent = ent;
	__vms_weigh(v, ent->params.weight);
	v->charged = vms_vcpu_executed(v, now);
	__vms_sched_import(pool, ent, &none, now);
	WRITE_ONCE(v->state, pool->managed ? VMS_OFF : VMS_GRANTED);
	WRITE_ONCE(v->pass, pool->managed || pool->ceased ? VMS_PASS_NONE :
		   VMS_PASS_ANY);
	refcount_inc(&pool->ref);
	WRITE_ONCE(v->pool, pool);
	trace_vmsched_wake(v);
	raw_spin_unlock_irq(&pool->lock);
}

/*
 * The view of the scheduler in force. What was promised to the vCPUs of a VM may be
 * too much for one more: that one goes on without such a promise of its own.
 */
static struct vmsched_vcpu *create_ent(struct vms_vcpu *v)
{
	struct vmsched_inst *inst = v->vm->pool->inst;
	struct vmsched_vcpu *ent = vms_ent_create(inst, v, v->allowed, v->cpu);

	if (!IS_ERR(ent) || !inst->fault->refusal[0])
		return ent;
	vms_promise_drop(v);
	return vms_ent_create(inst, v, v->allowed, v->cpu);
}

/*
 * Its thread would have to be bound to pCPUs that its user has not allowed. Linux runs
 * it until he allows others, or the VM is in another pool.
 */
static bool is_elsewhere(struct vms_vcpu *v)
{
	const struct vms_pool *pool = v->vm->pool;

	if (!pool->managed || cpumask_intersects(v->user_mask, &pool->cpus))
		return false;
	/* Once */
	if (READ_ONCE(v->pass) != VMS_PASS_ANY)
		pr_notice("thread %d (VM %llu) may use %*pbl only, pool %s has none of that: Linux runs it\n",
			  task_pid_nr(v->task), v->vm->id,
			  cpumask_pr_args(v->user_mask), pool->name);
	return true;
}

/**
 * vms_vcpu_attach() - make a vCPU that was found part of its VM and pool
 * @v: the vCPU of the current thread
 *
 * On failure the vCPU goes on as if vmsched were not there; for want of memory
 * only until its thread gets a pCPU next.
 *
 * Context: process, may sleep; the thread may hold locks of the VMM, so this
 * waits for nothing but vms_mutex, whose holders never wait for a vCPU.
 * Return: 0, -ENOMEM, -EBUSY (the thread runs another vCPU already), or what
 * the scheduler answered.
 */
int vms_vcpu_attach(struct vms_vcpu *v)
{
	struct vmsched_vcpu *ent;
	struct vms_vm *vm;
	int err;

	mutex_lock(&vms_mutex);
	err = alloc_masks(v);
	if (err || test_bit(VMS_F_DEAD, &v->flags) || v->pool)
		goto out;

	/* A thread has one mask: its second vCPU is left to Linux. */
	if (thread_is_taken(v)) {
		err = -EBUSY;
		goto out;
	}
	vms_apply_capture(v);
	vm = vm_by_key(v->vm_key);
	if (!vm)
		vm = vm_create(v);
	if (!vm) {
		err = -ENOMEM;
		goto out;
	}
	v->params = vm->params;
	cpumask_copy(v->affinity, &vm->affinity);
	v->vm = vm;
	vms_apply_refresh(v);

	/* Linux runs it until another scheduler is in force, which may be native. */
	if (!vms_may_call(vm->pool->inst) || v->cpu < 0 || is_elsewhere(v)) {
		err = -EAGAIN;
		goto err_unhome;
	}
	ent = create_ent(v);
	if (IS_ERR(ent)) {
		err = PTR_ERR(ent);
		goto err_unhome;
	}
	link_vcpu(v, vm, ent);
	if (!vm->announced)
		vms_notify_vm(VMSCHED_CMD_VM_ADD_NTF, vm);
	vm->announced = true;
	mutex_unlock(&vms_mutex);
	return 0;

err_unhome:
	raw_spin_lock_irq(&vm->pool->lock);
	__vms_place(v, -1);
	v->vm = NULL;
	raw_spin_unlock_irq(&vm->pool->lock);
	vm_put(vm);
out:
	if (!v->pool)
		WRITE_ONCE(v->pass, VMS_PASS_ANY);
	if (err == -ENOMEM || err == -EAGAIN)
		set_bit(VMS_F_AGAIN, &v->flags);
	mutex_unlock(&vms_mutex);
	return err;
}

static void add_usage(struct vms_usage *sum, const struct vms_usage *use)
{
	sum->run_ns += use->run_ns;
	sum->guest_ns += use->guest_ns;
	sum->user_ns += use->user_ns;
	sum->wait_ns += use->wait_ns;
	sum->grants += use->grants;
	sum->exits += use->exits;
}

/*
 * What Linux counts of the thread itself, by ticks: time in guest mode, and in
 * user space without that.
 */
static void add_thread_times(const struct vms_vcpu *v, struct vms_usage *use)
{
	/* Linux adds to it without a lock, and unmarked. */
	u64 guest = data_race(READ_ONCE(v->task->gtime));
	/* And to this one. */
	u64 user = data_race(READ_ONCE(v->task->utime));

	use->guest_ns += guest - v->gtime_base;
	user = user > guest ? user - guest : 0;
	use->user_ns += user > v->utime_base ? user - v->utime_base : 0;
}

/**
 * vms_vcpu_detach() - undo vms_vcpu_attach() for a vCPU that was removed
 * @v: the vCPU, unhashed, seen by no hook any more
 *
 * Context: process, may sleep.
 */
void vms_vcpu_detach(struct vms_vcpu *v)
{
	struct vms_vm *vm;
	struct vms_pool *pool;

	mutex_lock(&vms_mutex);
	vm = v->vm;
	if (!v->pool)
		goto out;
	pool = vm->pool;

	raw_spin_lock_irq(&pool->lock);
	__vms_not_runnable(v, VMS_OFF, vms_now());
	list_del_init(&v->vm_node);
	list_del_init(&v->pool_node);
	pool->nr_vcpus--;
	__vms_weigh(v, -(s64)v->ent->params.weight);
	__vms_hint(v, false);
	__vms_place(v, -1);
	raw_spin_unlock_irq(&pool->lock);

	vms_ent_destroy(v->ent);
	v->ent = NULL;
	vms_apply_restore(v);
	add_thread_times(v, &v->use);
	add_usage(&vm->past, &v->use);
	vm->nr_vcpus--;
	vms_generation++;
	vm_put(vm);
out:
	mutex_unlock(&vms_mutex);
}

struct vms_vm *vms_vm_find(u64 id)
{
	struct vms_vm *vm;

	lockdep_assert_held(&vms_mutex);
	list_for_each_entry(vm, &vms_vms, node)
		if (vm->id == id)
			return vm;
	return NULL;
}

struct vms_vcpu *vms_vm_vcpu(struct vms_vm *vm, u32 index)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&vms_mutex);
	list_for_each_entry(v, &vm->vcpus, vm_node)
		if (v->index == index)
			return v;
	return NULL;
}

/**
 * vms_vcpu_usage() - what a vCPU has used up to now
 * @v: attached vCPU
 * @use: filled in, the segment that lasts just now included
 */
void vms_vcpu_usage(struct vms_vcpu *v, struct vms_usage *use)
{
	struct vms_pool *pool = v->pool;
	u64 now, since;

	raw_spin_lock_irq(&pool->lock);
	now = vms_now();
	since = READ_ONCE(v->stamp);
	/* The thread counts on: a segment too much or too little, see locking.rst. */
	*use = data_race(v->use);
	if (READ_ONCE(v->on_cpu) && now > since)
		use->run_ns += now - since;
	if (v->state == VMS_WAITING && now > v->wait_from)
		use->wait_ns += now - v->wait_from;
	raw_spin_unlock_irq(&pool->lock);
	add_thread_times(v, use);
}

void vms_vm_usage(struct vms_vm *vm, struct vms_usage *use)
{
	struct vms_usage one;
	struct vms_vcpu *v;

	lockdep_assert_held(&vms_mutex);
	*use = vm->past;
	list_for_each_entry(v, &vm->vcpus, vm_node) {
		vms_vcpu_usage(v, &one);
		add_usage(use, &one);
	}
}

/* State for the outside: who keeps its grant in user space is "user" there. */
enum vmsched_vcpu_state vms_vcpu_state(const struct vms_vcpu *v)
{
	if (!vms_inside(v->task))
		return VMSCHED_VCPU_STATE_USER;
	/* Linux does not ask anybody before it runs one. */
	if (!READ_ONCE(v->pool->managed) && READ_ONCE(v->state) != VMS_HALTED)
		return READ_ONCE(v->on_cpu) ? VMSCHED_VCPU_STATE_GRANTED :
					      VMSCHED_VCPU_STATE_WAITING;
	switch (READ_ONCE(v->state)) {
	case VMS_HALTED:
		return VMSCHED_VCPU_STATE_HALTED;
	case VMS_WAITING:
		return VMSCHED_VCPU_STATE_WAITING;
	case VMS_GRANTED:
		return VMSCHED_VCPU_STATE_GRANTED;
	default:
		return VMSCHED_VCPU_STATE_USER;
	}
}
