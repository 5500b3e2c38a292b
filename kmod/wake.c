// SPDX-License-Identifier: GPL-2.0
/*
 * Per-pCPU machinery: what dispatch decides under locks of Linux happens here
 * once they are dropped. Wakes parked vCPUs, hands over those whose thread has
 * to be bound to another pCPU, ends slices, forces exits from guest mode.
 *
 * Locking: lock-free lists from any context; the slice timer takes the pool
 * lock from hard interrupt.
 */
#include <linux/hrtimer.h>
#include <linux/irq_work.h>

#include "compat.h"
#include "vmsched.h"

/* A vCPU whose slice is over comes to its gate in less, unless it is held up. */
#define HAND_OVER_NS	(100 * NSEC_PER_USEC)

DEFINE_PER_CPU(struct vms_pcpu, vms_pcpus);

/**
 * vms_wake_later() - wake a vCPU that was granted, or bind and wake it
 * @v: the vCPU
 *
 * Context: any, interrupts off.
 */
void vms_wake_later(struct vms_vcpu *v)
{
	struct vms_pcpu *pc = this_cpu_ptr(&vms_pcpus);

	if (test_and_set_bit(VMS_F_WAKE, &v->flags))
		return;
	refcount_inc(&v->ref);
	llist_add(&v->wake_node, &pc->wakes);
	irq_work_queue(&pc->wake_work);
}

/* It executes there, and binds itself when it looks whether it may go on. */
static bool is_at_gate(const struct vms_vcpu *v)
{
	return READ_ONCE(v->on_cpu) && READ_ONCE(v->parked);
}

static void wake_fn(struct irq_work *work)
{
	struct vms_pcpu *pc = container_of(work, struct vms_pcpu, wake_work);
	struct llist_node *list = llist_del_all(&pc->wakes);
	struct vms_vcpu *v, *next;

	llist_for_each_entry_safe(v, next, list, wake_node) {
		clear_bit(VMS_F_WAKE, &v->flags);
		/* Pairs with the full barrier of test_and_set_bit() above. */
		smp_mb__after_atomic();
		if (READ_ONCE(v->pinned) != READ_ONCE(v->cpu) && !is_at_gate(v))
			vms_apply_move(v);
		else
			wake_up_process(v->task);
		vms_vcpu_put(v);
	}
}

/* An interrupt is all that is needed to leave guest mode. */
static void kick_fn(struct irq_work *work)
{
}

/**
 * vms_force_exit() - make this pCPU leave guest mode as soon as it enters
 *
 * Context: interrupts off, about to enter guest mode. The interrupt that is
 * raised here is taken as the first thing in there.
 */
void vms_force_exit(void)
{
	irq_work_queue(&this_cpu_ptr(&vms_pcpus)->kick_work);
}

static enum hrtimer_restart slice_fn(struct hrtimer *timer)
{
	struct vms_pcpu *pc = container_of(timer, struct vms_pcpu, timer);
	struct vms_pool *pool = vms_pool_lock(&pc->pool);
	u64 now = vms_now();
	u64 used;

	/* It has taken too long: let Linux see who else wants this pCPU. */
	__vms_hand_over(pool, pc);
	if (!pc->cur && pc->ask_at && now + VMS_SLICE_MIN_NS / 2 >= pc->ask_at) {
		pool->requests[VMS_FROM_TIMER]++;
		__vms_resched(pool, pc->cpu, now);
		goto out;
	}
	if (!pc->cur || !pc->slice_ns || pool->ceased)
		goto out;

	used = vms_vcpu_executed(pc->cur, now) - pc->slice_base;
	if (used + VMS_SLICE_MIN_NS / 2 < pc->slice_ns) {
		/* Something else ran here: the rest of the slice is due. */
		if (READ_ONCE(pc->cur->on_cpu))
			__vms_arm_slice(pc, now);
		goto out;
	}
	pool->requests[VMS_FROM_TIMER]++;
	if (__vms_end_slice(pc, now))
		hrtimer_start(timer, ns_to_ktime(HAND_OVER_NS),
			      HRTIMER_MODE_REL_PINNED_HARD);
out:
	raw_spin_unlock(&pool->lock);
	return HRTIMER_NORESTART;
}

void vms_pcpu_init(int cpu, struct vms_pool *pool)
{
	struct vms_pcpu *pc = vms_pcpu(cpu);

	pc->pool = pool;
	pc->cpu = cpu;
	vms_hrtimer_setup(&pc->timer, slice_fn, CLOCK_MONOTONIC,
			  HRTIMER_MODE_REL_PINNED_HARD);
	init_llist_head(&pc->wakes);
	pc->wake_work = IRQ_WORK_INIT_HARD(wake_fn);
	pc->kick_work = IRQ_WORK_INIT_HARD(kick_fn);
}

/* No hook runs any more and all pools are native: let everything run out. */
void vms_pcpus_stop(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vms_pcpu *pc = vms_pcpu(cpu);

		if (!pc->pool)
			continue;
		hrtimer_cancel(&pc->timer);
		irq_work_sync(&pc->wake_work);
		irq_work_sync(&pc->kick_work);
	}
}
