// SPDX-License-Identifier: GPL-2.0
/*
 * pCPUs and VMs that change their pool while VMs run.
 *
 * All pCPUs that a request moves change in one section, and so does a VM with all its
 * vCPUs, so that siblings are never in two pools: how long that takes depends on the
 * number of vCPUs. A scheduler may turn out to be at fault at any time: whoever takes
 * a pool out of its hands meets a pCPU, and who holds it, in one pool or in the other.
 *
 * What can fail or sleep comes before. Nothing of that is done under native but to
 * look: Linux runs the vCPUs of a native pool wherever their users' masks say.
 *
 * Locking: vms_mutex throughout, in the thread that switches, so neither pool has
 * ceased, nor has vCPUs that were left behind; the locks of both pools for the
 * change, the one with the lower address first.
 */
#include "activate.h"
#include "vmsched.h"

static void lock_both(struct vms_pool *a, struct vms_pool *b)
	__acquires(&a->lock) __acquires(&b->lock)
{
	lockdep_assert_held(&vms_mutex);
	if (a > b)
		swap(a, b);
	raw_spin_lock_irq(&a->lock);
	raw_spin_lock_nested(&b->lock, SINGLE_DEPTH_NESTING);
}

static void unlock_both(struct vms_pool *a, struct vms_pool *b)
	__releases(&b->lock) __releases(&a->lock)
{
	raw_spin_unlock(&b->lock);
	raw_spin_unlock_irq(&a->lock);
}

/*
 * What a vCPU is owed is told by what others have had, and one that is alone may not
 * have been charged for long.
 */
static void __charge_holders(struct vms_pool *pool, u64 now)
{
	int cpu;

	lockdep_assert_held(&pool->lock);
	for_each_cpu(cpu, &pool->online)
		if (vms_pcpu(cpu)->cur)
			__vms_charge(vms_pcpu(cpu)->cur, now);
}

/* It has no queue and no grant then, until __come_home(). */
static void __leave_home(struct vms_vcpu *v, u64 now)
{
	struct vms_pool *pool = v->pool;
	struct vms_pcpu *pc = vms_pcpu(v->cpu);

	lockdep_assert_held(&pool->lock);
	if (pool->managed && v->state == VMS_WAITING) {
		__vms_sched_dequeue(pool, v->ent, VMSCHED_WHY_MOVE, now);
		if (now > v->wait_from)
			v->use.wait_ns += now - v->wait_from;
	}
	if (pool->managed && (v->state == VMS_WAITING || v->state == VMS_GRANTED)) {
		__vms_charge(v, now);
		WRITE_ONCE(v->state, VMS_WAITING);
		WRITE_ONCE(v->pass, VMS_PASS_NONE);
		v->wait_from = now;
		vms_gate_arm(v);
	}
	if (pc->cur == v)
		__vms_release(pc);
	__vms_place(v, -1);
}

static void __leave_cpus(struct vms_pool *pool, const struct cpumask *cpus, u64 now)
{
	struct vms_vcpu *v;

	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (v->cpu >= 0 && cpumask_test_cpu(v->cpu, cpus))
			__leave_home(v, now);
}

static void __give(struct vms_pool *from, struct vms_pool *to, struct vms_pcpu *pc)
{
	int cpu = pc->cpu;

	WARN_ON_ONCE(pc->cur || pc->homed);
	pc->open = false;
	pc->ran = NULL;
	pc->keeps = NULL;
	pc->ask_at = 0;
	WRITE_ONCE(pc->held_from, 0);
	WRITE_ONCE(pc->pool, to);
	cpumask_clear_cpu(cpu, &from->cpus);
	cpumask_set_cpu(cpu, &to->cpus);
	cpumask_clear_cpu(cpu, &from->idle);
	if (!cpumask_test_and_clear_cpu(cpu, &from->online))
		return;
	cpumask_set_cpu(cpu, &to->online);
	cpumask_set_cpu(cpu, &to->idle);
}

/* Who waits is not granted anything here. */
static void __come_home(struct vms_vcpu *v, u64 now)
{
	struct vms_pool *pool = v->pool;

	cpumask_copy(v->allowed, v->next_allowed);
	__vms_place(v, __vms_pick_home(v));
	v->migrations++;
	if (pool->managed && v->state == VMS_WAITING)
		__vms_sched_enqueue(pool, v->ent, VMSCHED_WHY_MOVE, now);
}

/* Those that have lost their queue have one again, and all may use what is new. */
static void __come_to_cpus(struct vms_pool *pool, u64 now)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&pool->lock);
	/* It has no vCPUs then, or is native, see evict.c. */
	if (cpumask_empty(&pool->online))
		return;
	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (v->cpu < 0)
			__come_home(v, now);
	list_for_each_entry(v, &pool->vcpus, pool_node)
		__vms_set_allowed(v, v->next_allowed, now);
	if (!pool->managed)
		return;
	__vms_fill_all(pool, now);
	/* Who began to wait just now has a say in how long a holder may go on. */
	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (v->state == VMS_WAITING && v->wait_from == now)
			__vms_limit(v, now);
}

static void nothing(void *unused)
{
}

/*
 * Who was in guest mode on one of these pCPUs has come to its gate, or is on its way:
 * whoever makes a pool cease looks at those that it has, not at those that it had.
 */
static void force_out(const struct cpumask *cpus)
{
	on_each_cpu_mask(cpus, nothing, NULL, true);
}

/**
 * vms_regroup_cpus() - pCPUs change between two pools
 * @a: the one
 * @b: the other
 * @cpus: those of both that change to the other one, online or not; vms_apply_plan()
 *	  was done for each vCPU of both, with what will be online then
 *
 * In one section, so that neither is without, nor anybody without one that its user
 * allows, because some have gone already and others have not come yet. It takes longer
 * the more vCPUs both have.
 *
 * Context: the thread that switches, vms_mutex held; may sleep.
 */
void vms_regroup_cpus(struct vms_pool *a, struct vms_pool *b, const struct cpumask *cpus)
{
	u64 now;
	int cpu;

	lock_both(a, b);
	now = vms_now();
	__charge_holders(a, now);
	__charge_holders(b, now);
	__leave_cpus(a, cpus, now);
	__leave_cpus(b, cpus, now);
	for_each_cpu(cpu, cpus) {
		struct vms_pcpu *pc = vms_pcpu(cpu);

		__give(pc->pool, pc->pool == a ? b : a, pc);
	}
	__come_to_cpus(a, now);
	__come_to_cpus(b, now);
	unlock_both(a, b);

	/* All who have a queue elsewhere now are bound there. */
	vms_pool_refresh(a);
	vms_pool_refresh(b);
	force_out(cpus);
	vms_promise_renew(a);
	vms_promise_renew(b);
}

static void destroy_next(struct vms_vm *vm)
{
	struct vms_vcpu *v;

	list_for_each_entry(v, &vm->vcpus, vm_node)
		vms_ent_destroy_next(v);
}

/**
 * vms_regroup_prepare() - have another pool's scheduler get ready for a VM
 * @vm: the VM; vms_apply_plan() was done for each of its vCPUs
 * @to: the pool
 *
 * Context: the thread that switches, vms_mutex held; may sleep.
 * Return: 0, then vms_regroup_vm() must follow, or what the scheduler answered.
 */
int vms_regroup_prepare(struct vms_vm *vm, struct vms_pool *to)
{
	struct vmsched_vcpu *ent;
	struct vms_vcpu *v;

	to->inst->fault->refusal[0] = '\0';
	list_for_each_entry(v, &vm->vcpus, vm_node) {
		/* Between any two of them it may turn out to be at fault. */
		ent = vms_may_call(to->inst) ?
			vms_ent_create(to->inst, v, v->next_allowed,
				       cpumask_first(v->next_allowed)) :
			ERR_PTR(-EBUSY);
		if (IS_ERR(ent)) {
			destroy_next(vm);
			return PTR_ERR(ent);
		}
		v->next_ent = ent;
	}
	if (vms_may_call(to->inst))
		return 0;
	destroy_next(vm);
	return -EBUSY;
}

/* Who got no pCPU at once has a say in how long the holder of one may go on. */
static void __find_pcpus(struct vms_vm *vm, struct vms_pool *to, u64 now)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&to->lock);
	if (!to->managed)
		return;
	__vms_fill_all(to, now);
	list_for_each_entry(v, &vm->vcpus, vm_node)
		if (v->state == VMS_WAITING)
			__vms_limit(v, now);
}

/* Those at the gate of a pool that is native go on, those in guest mode come to it. */
static void __send_on(struct vms_vm *vm, struct vms_pool *to)
{
	struct vms_vcpu *v;

	list_for_each_entry(v, &vm->vcpus, vm_node) {
		if (v->parked && v->pass != VMS_PASS_NONE)
			vms_wake_later(v);
		else if (!v->parked && to->managed && v->state != VMS_OFF)
			vms_gate_arm(v);
	}
}

static void __change_pool(struct vms_vm *vm, struct vms_pool *to, u64 now)
{
	struct vms_pool *from = vm->pool;
	struct vms_vcpu *v;

	list_for_each_entry(v, &vm->vcpus, vm_node) {
		__vms_change_pool(v, to, now);
		from->nr_vcpus--;
		to->nr_vcpus++;
	}
	from->nr_vms--;
	to->nr_vms++;
	WRITE_ONCE(from->weights, from->weights - vm->weights);
	WRITE_ONCE(to->weights, to->weights + vm->weights);
	WRITE_ONCE(vm->pool, to);
	/* It may have come with another weight. */
	list_for_each_entry(v, &vm->vcpus, vm_node)
		__vms_weigh(v, v->ent->params.weight -
			       (s64)v->next_ent->params.weight);
}

/* Where its vCPUs may be in guest mode, who were free or granted until now. */
static void force_out_vm(struct vms_vm *vm)
{
	static struct cpumask cpus;	/* under vms_mutex */
	struct vms_vcpu *v;

	cpumask_clear(&cpus);
	list_for_each_entry(v, &vm->vcpus, vm_node)
		cpumask_set_cpu(task_cpu(v->task), &cpus);
	force_out(&cpus);
}

/**
 * vms_regroup_vm() - a VM changes its pool
 * @vm: the VM, for which vms_regroup_prepare() was done
 * @to: the pool
 *
 * Context: the thread that switches, vms_mutex held; may sleep.
 */
void vms_regroup_vm(struct vms_vm *vm, struct vms_pool *to)
{
	struct vms_pool *from = vm->pool;
	struct vms_vcpu *v;
	u64 now;

	lock_both(from, to);
	now = vms_now();
	__charge_holders(from, now);
	__charge_holders(to, now);
	__change_pool(vm, to, now);
	__vms_fill_all(from, now);
	__find_pcpus(vm, to, now);
	__send_on(vm, to);
	unlock_both(from, to);

	if (to->managed)
		force_out_vm(vm);
	/* Views of the scheduler that they have left. */
	destroy_next(vm);
	list_for_each_entry(v, &vm->vcpus, vm_node) {
		if (to->managed)
			vms_apply_refresh(v);
		else
			vms_apply_restore(v);
	}
}
