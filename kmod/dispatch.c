// SPDX-License-Identifier: GPL-2.0
/*
 * Dispatch: who holds the grant of which pCPU.
 *
 * Turns "can run", "cannot run" and "slice is over" into calls of the pool's
 * scheduler, and its answers into grants. Knows neither KVM nor how a vCPU is
 * stopped or woken: that is left to gate.c and wake.c.
 *
 * Locking: all of it runs with the pool lock held and interrupts off, part of
 * it under a runqueue or pi lock of Linux. It wakes nobody itself.
 */
#include "activate.h"
#include "request.h"
#include "trace.h"
#include "vmsched.h"

/**
 * vms_vcpu_executed() - time that the thread of a vCPU has executed
 * @v: the vCPU
 * @now: vms_now()
 *
 * Its own thread counts without a lock, so the answer for a thread that runs
 * elsewhere may be ahead by a segment for an instant. Users remember the
 * highest answer that they acted on, which makes that come out even.
 */
u64 vms_vcpu_executed(const struct vms_vcpu *v, u64 now)
{
	u64 sum = READ_ONCE(v->use.run_ns);
	u64 stamp = READ_ONCE(v->stamp);

	if (READ_ONCE(v->on_cpu) && now > stamp)
		sum += now - stamp;
	return sum;
}

/* Tell the scheduler what @v has used since it was told last. */
void __vms_charge(struct vms_vcpu *v, u64 now)
{
	struct vms_pool *pool = v->vm->pool;
	u64 sum = vms_vcpu_executed(v, now);

	if (sum <= v->charged)
		return;
	__vms_sched_charge(pool, v->ent, sum - v->charged, now);
	v->charged = sum;
	v->served_at = now;
}

/* The queue of @v is that of @cpu from now on; it is not queued. */
void __vms_place(struct vms_vcpu *v, int cpu)
{
	if (v->cpu >= 0)
		vms_pcpu(v->cpu)->homed--;
	WRITE_ONCE(v->cpu, cpu);
	if (cpu >= 0)
		vms_pcpu(cpu)->homed++;
	if (v->ent)
		v->ent->cpu = cpu;
}

/* The pCPU with the fewest vCPUs; where the thread is now, if that is one. */
int __vms_pick_home(const struct vms_vcpu *v)
{
	int best = task_cpu(v->task);
	int cpu;

	if (!cpumask_test_cpu(best, v->allowed))
		best = cpumask_first(v->allowed);
	for_each_cpu(cpu, v->allowed)
		if (vms_pcpu(cpu)->homed < vms_pcpu(best)->homed)
			best = cpu;
	return best;
}

/**
 * __vms_rehome_all() - choose queues anew, by where the threads are
 * @pool: the pool, native, lock held
 *
 * Linux may have moved them since they were found. Those that run come first.
 */
void __vms_rehome_all(struct vms_pool *pool)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&pool->lock);
	list_for_each_entry(v, &pool->vcpus, pool_node)
		__vms_place(v, -1);
	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (READ_ONCE(v->on_cpu))
			__vms_place(v, __vms_pick_home(v));
	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (v->cpu < 0)
			__vms_place(v, __vms_pick_home(v));
}

/*
 * Queue @v, where the scheduler shall know how far the holder has come: one
 * that is alone has no slice, and may not have been charged for long.
 */
static void enqueue(struct vms_vcpu *v, enum vmsched_why why, u64 now)
{
	struct vms_pool *pool = v->vm->pool;
	struct vms_vcpu *cur = vms_pcpu(v->cpu)->cur;

	if (cur)
		__vms_charge(cur, now);
	__vms_sched_enqueue(pool, v->ent, why, now);
}

static void dequeue(struct vms_vcpu *v, enum vmsched_why why, u64 now)
{
	struct vms_pool *pool = v->vm->pool;

	__vms_sched_dequeue(pool, v->ent, why, now);
}

static void set_waiting(struct vms_vcpu *v, u64 now)
{
	WRITE_ONCE(v->state, VMS_WAITING);
	v->wait_from = now;
	WRITE_ONCE(v->pass, VMS_PASS_NONE);
}

static void end_waiting(struct vms_vcpu *v, u64 now)
{
	if (now > v->wait_from)
		v->use.wait_ns += now - v->wait_from;
}

/* Nobody holds the grant of this pCPU any more. */
void __vms_release(struct vms_pcpu *pc)
{
	pc->cur = NULL;
	WRITE_ONCE(pc->owed, false);
	pc->slice_ns = 0;
	if (cpumask_test_cpu(pc->cpu, &pc->pool->online))
		cpumask_set_cpu(pc->cpu, &pc->pool->idle);
}

static void give(struct vms_pcpu *pc, struct vms_vcpu *v, u64 slice, u64 now)
{
	pc->cur = v;
	pc->ask_at = 0;
	pc->grants++;
	pc->open = false;
	pc->slice_ns = slice ? max_t(u64, slice, VMS_SLICE_MIN_NS) : 0;
	pc->slice_base = vms_vcpu_executed(v, now);
	cpumask_clear_cpu(pc->cpu, &pc->pool->idle);

	end_waiting(v, now);
	WRITE_ONCE(v->state, VMS_GRANTED);
	WRITE_ONCE(v->pass, pc->cpu);
	trace_vmsched_grant(v, pc->cpu, pc->slice_ns);
}

/**
 * __vms_take() - let a vCPU go on where it runs
 * @pc: its pCPU, which nobody holds
 * @v: the vCPU, which waits in the queue of @pc; its thread may not be bound yet
 * @most: longest slice in ns, if there is one
 * @now: vms_now()
 */
void __vms_take(struct vms_pcpu *pc, struct vms_vcpu *v, u64 most, u64 now)
{
	u64 slice;

	if (!vms_may_call(pc->pool->inst))
		return;
	slice = __vms_sched_take(pc->pool, v->ent, now);
	/* Those that it was timed for may not be queued yet. */
	if (most != U64_MAX)
		slice = slice ? min(slice, most) : most;
	give(pc, v, slice, now);
	/* A timer that is on for a part of it will do; it is set anew then. */
	if (!__vms_slice_timed(pc, VMS_SLICE_MIN_NS / 2, now))
		__vms_arm_slice(pc, now);
}

/* Who holds a pCPU waits again. */
static void requeue(struct vms_pcpu *pc, u64 now)
{
	struct vms_vcpu *v = pc->cur;

	__vms_charge(v, now);
	__vms_release(pc);
	set_waiting(v, now);
	enqueue(v, VMSCHED_WHY_REQUEUE, now);
}

/**
 * __vms_take_open() - the first that Linux runs after a switch from native
 * @pc: this pCPU, which is open
 * @v: the vCPU of the current thread, or of that which is switched to; the lock
 *	of its pool is held
 * @now: vms_now()
 *
 * If it waits in the queue of this pCPU, it has the grant then; also if another one
 * has kept it, which Linux has displaced before that could enter guest mode. All
 * whom Linux runs before that one would have to go to their gates.
 */
void __vms_take_open(struct vms_pcpu *pc, struct vms_vcpu *v, u64 now)
{
	if (v->pool != READ_ONCE(pc->pool))
		return;
	lockdep_assert_held(&pc->pool->lock);
	if (v->cpu != pc->cpu || v->state != VMS_WAITING || v->parked ||
	    !vms_inside(v->task))
		return;
	if (pc->cur && !READ_ONCE(pc->cur->on_cpu))
		requeue(pc, now);
	if (!pc->cur)
		__vms_take(pc, v, U64_MAX, now);
}

static void grant(struct vms_pcpu *pc, struct vms_vcpu *v, u64 slice, u64 now)
{
	if (v->pass != pc->cpu)
		v->use.grants++;
	if (v->cpu != pc->cpu) {
		__vms_place(v, pc->cpu);
		v->migrations++;
	}
	give(pc, v, slice, now);

	if (v->parked && pc->defers && READ_ONCE(v->pinned) == pc->cpu)
		WRITE_ONCE(pc->owed, true);
	else if (v->parked || READ_ONCE(v->pinned) != pc->cpu)
		vms_wake_later(v);
	__vms_arm_slice(pc, now);
}

/* @v has that pCPU, inside of KVM_RUN, where it is not far to the gate. */
static bool is_about_to_leave(const struct vms_vcpu *v,
			      const struct vms_pcpu *pc)
{
	return READ_ONCE(v->on_cpu) && task_cpu(v->task) == pc->cpu &&
	       vms_inside(v->task);
}

/* Whom @pc owes a wake, and does no longer. */
static struct vms_vcpu *settle(struct vms_pool *pool, struct vms_pcpu *pc)
{
	lockdep_assert_held(&pool->lock);
	if (READ_ONCE(pc->pool) != pool || !pc->owed)
		return NULL;
	WRITE_ONCE(pc->owed, false);
	/* A signal may have woken it. */
	return pc->cur && pc->cur->parked ? pc->cur : NULL;
}

/**
 * __vms_hand_over() - wake who was granted a pCPU, if that is still owed
 * @pool: the pool, lock held
 * @pc: the pCPU, perhaps of another pool: then it is no concern of this one
 */
void __vms_hand_over(struct vms_pool *pool, struct vms_pcpu *pc)
{
	struct vms_vcpu *v = settle(pool, pc);

	if (v)
		vms_wake_later(v);
}

/**
 * __vms_take_owed() - who is to be woken by a vCPU that has come to its gate
 * @pool: its pool, lock held
 * @by: the vCPU of the current thread
 *
 * Return: a vCPU with a reference, for the caller to wake without the lock, or
 * NULL.
 */
struct vms_vcpu *__vms_take_owed(struct vms_pool *pool, struct vms_vcpu *by)
{
	struct vms_vcpu *v = settle(pool, this_cpu_ptr(&vms_pcpus));

	if (!v || v == by)
		return NULL;
	refcount_inc(&v->ref);
	return v;
}

struct vms_vcpu *__vms_pick(struct vms_pool *pool, int cpu, u64 now, u64 *slice)
{
	struct vmsched_vcpu *ent;

	*slice = 0;
	ent = __vms_sched_pick_next(pool, cpu, now, slice);
	return ent ? __vms_fault_check_pick(pool, cpu, ent, *slice) : NULL;
}

/* Give an idle pCPU to whomever the scheduler wants there. */
static bool fill_idle(struct vms_pool *pool, struct vms_pcpu *pc, u64 now)
{
	struct vms_vcpu *v;
	u64 slice;

	v = __vms_choose(pool, pc, now, &slice);
	if (!v) {
		__vms_ask_again(pc, slice, now);
		return false;
	}
	grant(pc, v, slice, now);
	return true;
}

/* Let idle pCPUs look for work while @v waits. True if it was taken. */
static bool offer_to_idle(struct vms_pool *pool, struct vms_vcpu *v, u64 now)
{
	int cpu;

	for_each_cpu_and(cpu, &pool->idle, v->allowed)
		if (fill_idle(pool, vms_pcpu(cpu), now) &&
		    v->state == VMS_GRANTED)
			return true;
	return false;
}

/**
 * __vms_resched() - decide anew who holds the grant of a pCPU
 * @pool: its pool, lock held
 * @cpu: the pCPU
 * @now: vms_now()
 */
void __vms_resched(struct vms_pool *pool, int cpu, u64 now)
{
	struct vms_pcpu *pc = vms_pcpu(cpu);
	struct vms_vcpu *prev = pc->cur;
	bool armed;

	lockdep_assert_held(&pool->lock);
	if (!pool->managed || pool->ceased ||
	    !cpumask_test_cpu(cpu, &pool->online))
		return;

	/* The scheduler shall choose among all. */
	if (unlikely(pool->leaving))
		__vms_bring_runnable(pool, now);
	if (prev) {
		__vms_charge(prev, now);
		__vms_release(pc);
		WRITE_ONCE(prev->state, VMS_WAITING);
		prev->wait_from = now;
		enqueue(prev, VMSCHED_WHY_REQUEUE, now);
	}
	fill_idle(pool, pc, now);
	/* What else is granted meanwhile is woken at once. */
	pc->defers = false;
	if (!prev || pc->cur == prev) {
		__vms_hand_over(pool, pc);
		return;
	}
	WRITE_ONCE(prev->pass, VMS_PASS_NONE);
	armed = vms_gate_arm(prev);
	/* Pairs with the barrier of who leaves: it sees "owed", or is gone. */
	smp_mb();
	if (!armed || !is_about_to_leave(prev, pc))
		__vms_hand_over(pool, pc);
	offer_to_idle(pool, prev, now);
}

/**
 * __vms_end_slice() - the slice of a pCPU's holder is over
 * @pc: the pCPU, lock of its pool held
 * @now: vms_now()
 *
 * If the next one were woken now, Linux would switch to it before the one that
 * has to leave is at its gate, and twice more when it gets there. So that one
 * wakes it.
 *
 * Return: true if the next one is to be woken so.
 */
bool __vms_end_slice(struct vms_pcpu *pc, u64 now)
{
	pc->defers = is_about_to_leave(pc->cur, pc);
	__vms_resched(pc->pool, pc->cpu, now);
	pc->defers = false;
	return pc->owed;
}

void __vms_resched_all(struct vms_pool *pool, u64 now)
{
	int cpu;

	for_each_cpu(cpu, &pool->online)
		__vms_resched(pool, cpu, now);
}

/* The same for those that nobody holds, and that are not open. */
void __vms_fill_all(struct vms_pool *pool, u64 now)
{
	int cpu;

	for_each_cpu(cpu, &pool->online)
		if (!vms_pcpu(cpu)->cur && !vms_pcpu(cpu)->open)
			__vms_resched(pool, cpu, now);
}

/**
 * __vms_close() - do not wait for whom Linux runs first any longer
 * @pool: the pool, lock held
 * @now: vms_now()
 */
void __vms_close(struct vms_pool *pool, u64 now)
{
	int cpu;

	for_each_cpu(cpu, &pool->cpus)
		vms_pcpu(cpu)->open = false;
	__vms_fill_all(pool, now);
}

/* @v waits on a pCPU that has a holder: when must that one leave? */
static s64 preempt_in(struct vms_pool *pool, struct vms_vcpu *v, u64 now)
{
	struct vms_pcpu *pc = vms_pcpu(v->cpu);

	__vms_charge(pc->cur, now);
	if (pool->inst->ops->preempt_in)
		return __vms_sched_preempt_in(pool, pc->cpu, pc->cur->ent,
					      v->ent, now);
	return pc->slice_ns ? VMSCHED_NEVER : 0;
}

static void preempt(struct vms_pool *pool, struct vms_vcpu *v, u64 now)
{
	s64 in = preempt_in(pool, v, now);

	if (in <= 0)
		__vms_resched(pool, v->cpu, now);
	else
		__vms_shorten(vms_pcpu(v->cpu), in, now);
}

/**
 * __vms_limit() - let the slice of a holder end in time for another one
 * @v: the other one, which has been queued; more may follow
 * @now: vms_now()
 */
void __vms_limit(struct vms_vcpu *v, u64 now)
{
	struct vms_pcpu *pc = vms_pcpu(v->cpu);

	if (pc->cur)
		__vms_shorten(pc, preempt_in(v->pool, v, now), now);
}

/* Give @v, which was just queued, a pCPU or a place in the order. */
static void dispatch(struct vms_pool *pool, struct vms_vcpu *v, u64 now)
{
	if (pool->ceased || v->state != VMS_WAITING)
		return;
	if (!vms_pcpu(v->cpu)->cur)
		__vms_resched(pool, v->cpu, now);
	if (v->state != VMS_WAITING || offer_to_idle(pool, v, now))
		return;
	if (vms_pcpu(v->cpu)->cur)
		preempt(pool, v, now);
}

/**
 * __vms_follow() - a vCPU that was left behind by a switch comes by itself
 * @v: attached vCPU of the current thread, pool lock held
 * @now: vms_now()
 *
 * Also the first that Linux runs on a pCPU that is open.
 */
void __vms_follow(struct vms_vcpu *v, u64 now)
{
	struct vms_pcpu *pc = this_cpu_ptr(&vms_pcpus);
	bool follows = __vms_bring(v, now);

	if (READ_ONCE(pc->open))
		__vms_take_open(pc, v, now);
	if (follows && v->pool->managed)
		dispatch(v->pool, v, now);
}

/* Let the scheduler say in which queue it wants @v, which is in none. */
static void select_cpu(struct vms_pool *pool, struct vms_vcpu *v, u64 now)
{
	int cpu = v->cpu;

	if (pool->inst->ops->select_cpu)
		cpu = __vms_sched_select_cpu(pool, v->ent, now);
	if (cpu != v->cpu && __vms_fault_check_cpu(pool->inst, v, cpu)) {
		__vms_place(v, cpu);
		v->migrations++;
	}
}

/**
 * __vms_runnable() - a vCPU can execute guest code from now on
 * @v: attached vCPU, pool lock held
 * @why: what made it so
 * @now: vms_now()
 */
void __vms_runnable(struct vms_vcpu *v, enum vmsched_why why, u64 now)
{
	struct vms_pool *pool = v->vm->pool;

	lockdep_assert_held(&pool->lock);
	__vms_bring(v, now);
	if (v->state == VMS_WAITING || v->state == VMS_GRANTED)
		return;
	if (test_bit(VMS_F_DEAD, &v->flags))
		return;
	if (!pool->managed) {
		WRITE_ONCE(v->state, VMS_GRANTED);
		return;
	}
	pool->requests[VMS_FROM_CORE]++;
	__vms_charge(v, now);
	select_cpu(pool, v, now);
	set_waiting(v, now);
	enqueue(v, why, now);
	dispatch(pool, v, now);
}

/**
 * __vms_not_runnable() - a vCPU blocks, or leaves KVM_RUN without a grant
 * @v: attached vCPU, pool lock held
 * @state: VMS_HALTED or VMS_OFF
 * @now: vms_now()
 */
void __vms_not_runnable(struct vms_vcpu *v, enum vms_state state, u64 now)
{
	struct vms_pool *pool = v->vm->pool;
	struct vmsched_inst *inst = pool->inst;
	struct vms_pcpu *pc = v->cpu >= 0 ? vms_pcpu(v->cpu) : NULL;
	enum vms_state old;

	lockdep_assert_held(&pool->lock);
	__vms_bring(v, now);
	__vms_unprefer(v);
	old = v->state;
	WRITE_ONCE(v->state, state);
	if (!pool->managed || old == VMS_OFF || old == VMS_HALTED)
		return;

	pool->requests[VMS_FROM_CORE]++;
	if (old == VMS_WAITING) {
		dequeue(v, VMSCHED_WHY_LEAVE, now);
		end_waiting(v, now);
	}
	__vms_charge(v, now);
	WRITE_ONCE(v->pass, VMS_PASS_NONE);
	if (inst->ops->block)
		__vms_sched_block(pool, v->ent, now);
	if (pc->cur == v) {
		__vms_release(pc);
		__vms_resched(pool, pc->cpu, now);
	}
}

/* Take @v off its pCPU, where it may not be any more. */
static void move_home(struct vms_pool *pool, struct vms_vcpu *v, u64 now)
{
	int old = v->cpu;
	struct vms_pcpu *pc = old >= 0 ? vms_pcpu(old) : NULL;

	if (!pool->managed || v->state == VMS_OFF || v->state == VMS_HALTED) {
		__vms_place(v, __vms_pick_home(v));
		return;
	}
	if (v->state == VMS_WAITING) {
		dequeue(v, VMSCHED_WHY_MOVE, now);
		end_waiting(v, now);
	}
	__vms_charge(v, now);
	if (pc && pc->cur == v)
		__vms_release(pc);
	set_waiting(v, now);
	vms_gate_arm(v);
	__vms_place(v, __vms_pick_home(v));
	v->migrations++;
	enqueue(v, VMSCHED_WHY_MOVE, now);
	dispatch(pool, v, now);
	if (pc && !pc->cur)
		__vms_resched(pool, old, now);
}

/**
 * __vms_set_allowed() - pCPUs that a vCPU may use
 * @v: attached vCPU, pool lock held
 * @mask: not empty, within those of the pool that are online
 * @now: vms_now()
 */
void __vms_set_allowed(struct vms_vcpu *v, const struct cpumask *mask, u64 now)
{
	struct vms_pool *pool = v->vm->pool;

	lockdep_assert_held(&pool->lock);
	if (v->pool)
		__vms_bring(v, now);
	cpumask_copy(v->allowed, mask);
	if (v->cpu < 0 || !cpumask_test_cpu(v->cpu, mask))
		move_home(pool, v, now);
	else if (pool->managed && v->state == VMS_WAITING && !pool->ceased)
		offer_to_idle(pool, v, now);
}
