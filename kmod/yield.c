// SPDX-License-Identifier: GPL-2.0
/*
 * Grants that are given away before their slice is over: to whom the scheduler
 * wants next, or to a sibling; and VMs that get a grant before their turn, once.
 *
 * The scheduler is asked as at the end of a slice. If it answers with the vCPU
 * that yields, because that is the one that is owed most, it is asked once more
 * while that one is not in its queue.
 *
 * Locking: the pool lock, as in dispatch.c.
 */
#include "activate.h"
#include "request.h"
#include "vmsched.h"

/*
 * For how long somebody has it whom the scheduler did not want: who is owed most
 * and yields again and again would else give more and more each time.
 */
#define LENT_NS		(1000 * NSEC_PER_USEC)

/*
 * Who gives away the rest of a slice to a sibling pays for it, and the sibling does
 * not: it has its own time as well, and all others have what is theirs. Else what it
 * got now would be taken from it later.
 */
static void pay(struct vms_pool *pool, struct vms_vcpu *v, u64 ns, u64 now)
{
	__vms_charge(v, now);
	__vms_sched_charge(pool, v->ent, ns, now);
}

/* One slice at a time: what is not used of it does not add up. */
static void receive(struct vms_vcpu *v, u64 ns, u64 now)
{
	v->charged = min(v->charged, vms_vcpu_executed(v, now)) + ns;
	v->served_at = now;
}

/* Take a waiting vCPU out of its queue, for a pCPU. Returns its slice. */
static u64 take_for(struct vms_pool *pool, struct vms_vcpu *v, int cpu, u64 now)
{
	if (v->cpu != cpu) {
		__vms_sched_dequeue(pool, v->ent, VMSCHED_WHY_MOVE, now);
		__vms_place(v, cpu);
		v->migrations++;
		__vms_sched_enqueue(pool, v->ent, VMSCHED_WHY_MOVE, now);
	}
	return __vms_sched_take(pool, v->ent, now);
}

static bool can_have(const struct vms_vcpu *v, int cpu)
{
	/* One that a switch has left behind comes when it is brought. */
	return v->state == VMS_WAITING && v->ent->inst == v->vm->pool->inst &&
	       cpumask_test_cpu(cpu, v->allowed);
}

/**
 * __vms_can_inherit() - could a vCPU go on where another one has a grant?
 * @s: the one, which is attached to the same pool; its lock is held
 * @v: the other
 */
bool __vms_can_inherit(const struct vms_vcpu *s, const struct vms_vcpu *v)
{
	return v->cpu >= 0 && s->pool->inst->ops->take && can_have(s, v->cpu);
}

/* It had its turn, or does not want it any more. */
void __vms_unprefer(struct vms_vcpu *v)
{
	if (!v->preferred)
		return;
	v->preferred = false;
	v->vm->pool->preferred--;
}

/**
 * __vms_prefer() - a vCPU that waits gets the next grant that it can have
 * @v: attached vCPU, pool lock held
 *
 * Return: false if it does not wait, or the scheduler cannot do that.
 */
bool __vms_prefer(struct vms_vcpu *v)
{
	struct vms_pool *pool = v->vm->pool;

	lockdep_assert_held(&pool->lock);
	if (!pool->managed || v->state != VMS_WAITING || !pool->inst->ops->take)
		return false;
	if (!v->preferred)
		pool->preferred++;
	v->preferred = true;
	return true;
}

static struct vms_vcpu *first_preferred(struct vms_pool *pool, int cpu)
{
	struct vms_vcpu *v;

	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (v->preferred && can_have(v, cpu))
			return v;
	return NULL;
}

/* The scheduler wants @v once more, which gives up its grant: whom else? */
static struct vms_vcpu *pass_over(struct vms_pcpu *pc, struct vms_vcpu *v,
				  u64 now, u64 *slice)
{
	struct vms_pool *pool = pc->pool;
	struct vms_vcpu *next;
	u64 own = *slice;

	next = __vms_pick(pool, pc->cpu, now, slice);
	if (!next) {
		*slice = own;
		return v;
	}
	__vms_sched_enqueue(pool, v->ent, VMSCHED_WHY_REQUEUE, now);
	*slice = min_not_zero(*slice, (u64)LENT_NS);
	return next;
}

/**
 * __vms_choose() - whom to give a pCPU that nobody holds
 * @pool: its pool, lock held
 * @pc: the pCPU
 * @now: vms_now()
 * @slice: result
 *
 * Return: a vCPU that has been taken out of its queue, or NULL.
 */
struct vms_vcpu *__vms_choose(struct vms_pool *pool, struct vms_pcpu *pc,
			      u64 now, u64 *slice)
{
	struct vms_vcpu *v = pc->heir;

	lockdep_assert_held(&pool->lock);
	if (v) {
		pc->heir = NULL;
		*slice = min_not_zero(take_for(pool, v, pc->cpu, now),
				      pc->heir_ns) ?: LENT_NS;
		receive(v, pc->heir_ns, now);
		return v;
	}
	if (unlikely(pool->preferred) && pool->inst->ops->take) {
		v = first_preferred(pool, pc->cpu);
		if (v) {
			__vms_unprefer(v);
			*slice = take_for(pool, v, pc->cpu, now);
			return v;
		}
	}
	v = __vms_pick(pool, pc->cpu, now, slice);
	if (unlikely(v && v == pc->yielder))
		v = pass_over(pc, v, now, slice);
	return v;
}

/**
 * __vms_yield() - a vCPU gives up its grant, if it has one
 * @v: attached vCPU, lock of its pool held
 * @heir: sibling that waits and is to have the rest of the slice, or NULL
 * @now: vms_now()
 *
 * So little can be left of the slice that nobody could use it: then it is over.
 *
 * Return: VMSCHED_REQUEST_REASON_DONE, or why it goes on.
 */
enum vmsched_request_reason __vms_yield(struct vms_vcpu *v,
					struct vms_vcpu *heir, u64 now)
{
	struct vms_pool *pool = v->vm->pool;
	struct vms_pcpu *pc;
	u64 left;

	lockdep_assert_held(&pool->lock);
	if (!pool->managed)
		return VMSCHED_REQUEST_REASON_NATIVE;
	if (pool->ceased)
		return VMSCHED_REQUEST_REASON_CEASED;
	if (v->cpu < 0 || vms_pcpu(v->cpu)->cur != v)
		return VMSCHED_REQUEST_REASON_NO_GRANT;

	pc = vms_pcpu(v->cpu);
	left = pc->slice_ns ? __vms_slice_left(pc, now) : 0;
	pc->yielder = v;
	pc->heir = pc->slice_ns && left < VMS_SLICE_MIN_NS ? NULL : heir;
	pc->heir_ns = left;
	if (pc->heir && left)
		pay(pool, v, left, now);
	/* Who is at its gate wakes the next one from there. */
	pc->defers = v->task == current;
	__vms_resched(pool, pc->cpu, now);
	pc->defers = false;
	pc->yielder = NULL;
	pc->heir = NULL;
	return pc->cur == v ? VMSCHED_REQUEST_REASON_NOBODY_WAITS :
			      VMSCHED_REQUEST_REASON_DONE;
}
