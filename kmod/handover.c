// SPDX-License-Identifier: GPL-2.0
/*
 * From one scheduler to the next: what the old one knows of each vCPU is taken
 * out of it, and given to the new one.
 *
 * The commit of a switch does that for those only that hold a pCPU, one on each:
 * what it costs depends neither on how many others wait nor on how many are
 * halted. They are left behind, and brought by whoever has to do with them first:
 * by themselves when they wake, block, enter guest mode or end; all that could run
 * when a pCPU asks for the next one; and the rest, some at a time, by the thread
 * that switches, before it frees the old instance. Nobody calls the old scheduler
 * any more but to take a vCPU out of it, so what it says that a vCPU is owed is the
 * same whenever it is asked.
 *
 * A vCPU is left behind as long as its view (vms_vcpu.ent) is of another instance
 * than that of its pool. It holds no pCPU then. Attaching, detaching and setting
 * parameters need vms_mutex, which the switch holds until everybody was brought.
 *
 * Who has a pCPU goes on there, as long as its slice lasts: the change shall cost
 * it nothing but the commit. If Linux had decided, the pCPU that the switching thread
 * has taken goes to the first that it runs there: each other one that came before
 * would have to go to its gate.
 *
 * Locking: the pool lock; nothing here allocates, sleeps or fails.
 */
#include <linux/list_sort.h>

#include "activate.h"
#include "request.h"
#include "vmsched.h"

/* Views brought before others may have the pool lock. */
#define AT_A_TIME	8

/*
 * The thread of @v is inside of KVM_RUN, and not that of another vCPU. Who takes
 * it away from @v does that before it takes the pool lock to say so.
 */
static bool runs(const struct vms_vcpu *v)
{
	return vms_inside(v->task) && !test_bit(VMS_F_DEAD, &v->flags) &&
	       !hlist_unhashed_lockless(&v->task_node);
}

static bool is_on(const struct vms_pcpu *pc, const struct vms_vcpu *v)
{
	return task_cpu(v->task) == pc->cpu && runs(v);
}

static bool is_left_behind(const struct vms_vcpu *v)
{
	return v->ent->inst != v->pool->inst;
}

static bool could_run(const struct vms_vcpu *v)
{
	return v->state == VMS_WAITING || v->state == VMS_GRANTED;
}

/* What the old scheduler has not been told of yet. */
static void charge_old(struct vmsched_inst *old, struct vms_vcpu *v, u64 now)
{
	u64 sum = vms_vcpu_executed(v, now);

	if (sum <= v->charged)
		return;
	if (vms_may_call(old))
		old->ops->charge(old, v->ent, sum - v->charged, now);
	v->charged = sum;
	v->served_at = now;
}

/* Out of the old scheduler's hands, with what it is owed. */
static void take_out(struct vms_vcpu *v, u64 now)
{
	struct vmsched_inst *old = v->ent->inst;

	if (old->ops == &vms_native_ops || v->state != VMS_WAITING)
		v->wait_from = now;
	else if (vms_may_call(old))
		old->ops->dequeue(old, v->ent, VMSCHED_WHY_LEAVE, now);
	charge_old(old, v, now);
	if (vms_may_call(old)) {
		old->ops->export_state(old, v->ent, &v->carry, now);
		__vms_fault_check_carry(old, v);
	}
	swap(v->ent, v->next_ent);
	v->ent->cpu = v->cpu;
	v->waited = false;
}

static void give_to_linux(struct vms_vcpu *v, u64 now)
{
	if (v->state == VMS_WAITING && now > v->wait_from)
		v->use.wait_ns += now - v->wait_from;
	if (v->state != VMS_HALTED)
		WRITE_ONCE(v->state, VMS_GRANTED);
	WRITE_ONCE(v->pass, VMS_PASS_ANY);
}

/* Into those of the scheduler in force. Who could run waits. */
static void give(struct vms_vcpu *v, u64 now)
{
	__vms_sched_import(v->pool, v->ent, &v->carry, now);
	if (!v->pool->managed) {
		give_to_linux(v, now);
		return;
	}
	if (test_bit(VMS_F_DEAD, &v->flags)) {
		WRITE_ONCE(v->state, VMS_OFF);
		return;
	}
	WRITE_ONCE(v->pass, VMS_PASS_NONE);
	if (!runs(v)) {
		WRITE_ONCE(v->state, VMS_OFF);
		return;
	}
	if (v->state == VMS_HALTED)
		return;
	WRITE_ONCE(v->state, VMS_WAITING);
	__vms_sched_enqueue(v->pool, v->ent, VMSCHED_WHY_IMPORT, now);
}

/**
 * __vms_change_pool() - take a vCPU out of its pool and into another one
 * @v: attached vCPU, with a view of the other pool's instance in @next_ent, and
 *     @next_allowed; the locks of both pools are held, nobody was left behind
 * @to: the other pool, which has not ceased, nor has its own
 * @now: vms_now()
 *
 * Unlike in a switch the old scheduler goes on, and has to know that this one does
 * not. Who could run waits then, but is not granted anything here.
 */
void __vms_change_pool(struct vms_vcpu *v, struct vms_pool *to, u64 now)
{
	struct vms_pool *from = v->pool;
	struct vmsched_inst *old = from->inst;
	bool counted = from->managed && could_run(v);

	lockdep_assert_held(&from->lock);
	lockdep_assert_held(&to->lock);
	__vms_unprefer(v);
	/* Who was to be woken by this one on its way to the gate: it looks elsewhere then. */
	__vms_hand_over(from, vms_pcpu(task_cpu(v->task)));
	if (v->cpu >= 0 && vms_pcpu(v->cpu)->cur == v)
		__vms_release(vms_pcpu(v->cpu));
	take_out(v, now);
	if (counted && old->ops->block && vms_may_call(old))
		old->ops->block(old, v->next_ent, now);
	__vms_place(v, -1);
	list_move_tail(&v->pool_node, &to->vcpus);
	refcount_inc(&to->ref);
	WRITE_ONCE(v->pool, to);
	/* A dead vCPU is moved, too: it is detached later. The list has its own. */
	refcount_dec(&from->ref);
	cpumask_copy(v->allowed, v->next_allowed);
	/* It was made with those that were to come. */
	v->ent->allowed = v->allowed;
	__vms_place(v, __vms_pick_home(v));
	v->left_out = 0;
	v->watch_sum = vms_vcpu_executed(v, now);
	give(v, now);
}

/**
 * __vms_bring_slow() - hand a vCPU over, if it was left behind by a switch
 * @v: attached vCPU, pool lock held
 * @now: vms_now()
 *
 * Return: true if it was; who waits then has no pCPU yet.
 */
bool __vms_bring_slow(struct vms_vcpu *v, u64 now)
{
	struct vms_pool *pool = v->pool;
	u64 began;

	lockdep_assert_held(&pool->lock);
	if (!is_left_behind(v))
		return false;
	began = __vms_call_begin(pool);
	take_out(v, now);
	if (unlikely(began))
		__vms_call_took(pool, pool->leaving, began, false);
	give(v, now);
	/* Those that wait at the gate of a pool that is native now may go on. */
	if (v->parked && v->pass != VMS_PASS_NONE)
		vms_wake_later(v);
	return true;
}

/* And let a holder know that it is not alone. */
static void bring_beside(struct vms_vcpu *v, u64 now)
{
	if (__vms_bring_slow(v, now) && v->pool->managed &&
	    v->state == VMS_WAITING)
		__vms_limit(v, now);
}

/**
 * __vms_bring_runnable() - hand over all that could have a pCPU
 * @pool: the pool, lock held; a switch is under way
 * @now: vms_now()
 *
 * They are in order, but for those that had a pCPU until now.
 */
void __vms_bring_runnable(struct vms_pool *pool, u64 now)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&pool->lock);
	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (could_run(v) && v->served_at != now)
			bring_beside(v, now);
	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (could_run(v))
			bring_beside(v, now);
}

/*
 * Who has not run for the longest time comes first, so that frequent switches
 * starve nobody: one that was granted just before a switch may not have run.
 */
static int by_service(void *unused, const struct list_head *a,
		      const struct list_head *b)
{
	const struct vms_vcpu *va = container_of(a, struct vms_vcpu, pool_node);
	const struct vms_vcpu *vb = container_of(b, struct vms_vcpu, pool_node);

	return va->served_at > vb->served_at;
}

/**
 * vms_handover_prepare() - put vCPUs in the order in which they will be brought
 * @pool: the pool, vms_mutex held
 *
 * Before the cease. Until the commit nobody but those that hold a pCPU is served,
 * and they go first.
 */
void vms_handover_prepare(struct vms_pool *pool)
{
	lockdep_assert_held(&vms_mutex);
	raw_spin_lock_irq(&pool->lock);
	list_sort(NULL, &pool->vcpus, by_service);
	raw_spin_unlock_irq(&pool->lock);
}

/**
 * vms_handover_finish() - bring whoever is left behind, and let the old one go
 * @pool: the pool, vms_mutex held
 *
 * Neither vCPUs nor their order change without vms_mutex, so that the walk can
 * go on after the pool lock was dropped.
 */
void vms_handover_finish(struct vms_pool *pool)
{
	unsigned int brought = 0;
	struct vmsched_inst *old;
	struct vms_vcpu *v;
	u64 began;

	lockdep_assert_held(&vms_mutex);
	raw_spin_lock_irq(&pool->lock);
	__vms_time_next(pool);
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		if (!is_left_behind(v))
			continue;
		bring_beside(v, vms_now());
		if (++brought % AT_A_TIME)
			continue;
		raw_spin_unlock_irq(&pool->lock);
		raw_spin_lock_irq(&pool->lock);
	}
	old = pool->leaving;
	began = vms_now();
	if (vms_may_call(old)) {
		old->ops->deactivate(old, began);
		__vms_call_took(pool, old, began, true);
	}
	pool->leaving = NULL;
	pool->inst->partial = false;
	raw_spin_unlock_irq(&pool->lock);
}

/* Under native, Linux has given the pCPUs. */
static void note_runner(struct vms_pcpu *pc)
{
	struct vms_vcpu *v = pc->ran ?: READ_ONCE(pc->on);

	pc->ran = NULL;
	/* It may have been sent to its gate since then. */
	if (!v || v->pool != pc->pool || v->cpu != pc->cpu || v->waited ||
	    v->state == VMS_HALTED || !is_on(pc, v) ||
	    !(v->parked || READ_ONCE(v->on_cpu)))
		return;
	pc->keeps = v;
	pc->keeps_ns = U64_MAX;
}

static void note_holder(struct vms_pcpu *pc, u64 now)
{
	pc->ran = NULL;
	if (!pc->cur)
		return;
	pc->keeps = pc->cur;
	__vms_charge(pc->cur, now);
	if (pc->cur->waited || !is_on(pc, pc->cur) ||
	    !cpumask_test_cpu(pc->cpu, &pc->pool->online))
		return;
	/*
	 * Without a slice nobody waits behind it. If it is just over, let the timer
	 * end it soon: to turn to another one here is what would take longest.
	 */
	pc->keeps_ns = pc->slice_ns ? max_t(u64, __vms_slice_left(pc, now),
					    VMS_SLICE_MIN_NS) : U64_MAX;
}

/**
 * __vms_note_holders() - take all grants back, and note who had them
 * @pool: the pool, ceased, lock held
 * @now: vms_now()
 *
 * What a vCPU is owed depends on all others, so they are charged before anybody is
 * taken out. What is between this and __vms_bring_holders() is the activation of the
 * new scheduler.
 */
void __vms_note_holders(struct vms_pool *pool, u64 now)
{
	int cpu;

	lockdep_assert_held(&pool->lock);
	for_each_cpu(cpu, &pool->cpus) {
		struct vms_pcpu *pc = vms_pcpu(cpu);

		pc->keeps = NULL;
		pc->keeps_ns = 0;
		if (pool->managed)
			note_holder(pc, now);
		else
			note_runner(pc);
		__vms_release(pc);
	}
	pool->activated_from = vms_now();
}

/*
 * The new scheduler has a say in how long @v goes on. Who shall not, or has left,
 * is brought with all others.
 */
static void keep(struct vms_pcpu *pc, struct vms_vcpu *v, u64 now)
{
	if (!pc->keeps_ns || !pc->pool->inst->ops->take)
		return;
	__vms_bring_slow(v, now);
	if (v->state != VMS_WAITING)
		return;
	__vms_take(pc, v, pc->keeps_ns, now);
	if (v->parked)
		vms_wake_later(v);
}

/*
 * Linux has had the pCPUs until now, and may already be about to run another one
 * than it ran: those that keep theirs do as soon as they enter guest mode. This
 * thread may have displaced one, too.
 */
static void open_all(struct vms_pool *pool)
{
	struct vms_pcpu *here = this_cpu_ptr(&vms_pcpus);
	int cpu;

	for_each_cpu(cpu, &pool->online)
		vms_pcpu(cpu)->open = vms_pcpu(cpu)->cur;
	if (here->pool == pool)
		here->open = true;
}

/**
 * __vms_bring_holders() - hand over those that had a pCPU and keep it
 * @pool: the pool, which has its new scheduler, lock held
 * @linux_had: it was native
 * @now: vms_now()
 *
 * __vms_close() must follow soon: a pCPU whose holder did not run, because it was in
 * its VMM or on its way, is not given to another one here. To choose, the scheduler
 * would have to know all that wait, however many these are.
 */
void __vms_bring_holders(struct vms_pool *pool, bool linux_had, u64 now)
{
	bool lost = false, ran;
	int cpu;

	lockdep_assert_held(&pool->lock);
	__vms_call_took(pool, pool->inst, pool->activated_from, true);
	if (!pool->managed)
		return;
	for_each_cpu(cpu, &pool->cpus) {
		struct vms_pcpu *pc = vms_pcpu(cpu);
		struct vms_vcpu *v = pc->keeps;

		pc->keeps = NULL;
		if (!v)
			continue;
		ran = pc->keeps_ns;
		keep(pc, v, now);
		lost |= ran && !pc->cur;
	}
	if (linux_had && pool->inst->ops->take)
		open_all(pool);
	if (lost)
		__vms_fill_all(pool, now);
}
