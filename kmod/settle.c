// SPDX-License-Identifier: GPL-2.0
/*
 * After the commit of a switch: those that ran enter guest mode again first; then
 * all others are brought to the new scheduler, woken or bound.
 *
 * Locking: vms_mutex throughout, the pool lock for each step.
 */
#include <linux/delay.h>
#include <linux/ktime.h>

#include "cease.h"
#include "vmsched.h"

/* How long to wait for the guest entries that end the blackout. */
#define HOLD_WAIT_MS	10

static bool still_held(struct vms_pool *pool)
{
	int cpu;

	for_each_cpu(cpu, &pool->cpus)
		if (READ_ONCE(vms_pcpu(cpu)->held_from))
			return true;
	return false;
}

/*
 * Whoever waits at the gate of a pool that is native now may go on, and who got
 * or kept the pCPU where it was is bound to it. That takes longer than all the
 * rest of a switch, so it comes after those who ran.
 */
static void settle_all(struct vms_pool *pool)
{
	struct vms_vcpu *v;

	raw_spin_lock_irq(&pool->lock);
	__vms_close(pool, vms_now());
	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (v->parked ? v->pass == VMS_PASS_ANY :
				v->pass >= 0 && READ_ONCE(v->pinned) != v->pass)
			vms_wake_later(v);
	raw_spin_unlock_irq(&pool->lock);
}

/**
 * vms_settle() - see a switch to its end, and how long it held VMs
 * @pool: the pool, which has its new scheduler
 * @least: time that the commit took
 *
 * Context: the thread that switches, vms_mutex held.
 * Return: longest time that a pCPU which was in guest mode did not get back into
 * it, from the begin of the cease to the first guest entry afterwards. One that has
 * no vCPU to run any more is not waited for.
 */
u64 vms_settle(struct vms_pool *pool, u64 least)
{
	ktime_t end = ktime_add_ms(ktime_get(), HOLD_WAIT_MS);
	u64 held, now;
	int cpu;

	if (still_held(pool))
		usleep_range(50, 100);
	vms_handover_finish(pool);
	settle_all(pool);
	while (still_held(pool) && ktime_before(ktime_get(), end))
		usleep_range(50, 100);

	raw_spin_lock_irq(&pool->lock);
	now = vms_now();
	held = max(pool->held_ns, least);
	for_each_cpu(cpu, &pool->cpus) {
		struct vms_pcpu *pc = vms_pcpu(cpu);

		if (pc->held_from && vms_wants_to_run(pool, pc))
			held = max(held, now - pc->held_from);
		WRITE_ONCE(pc->held_from, 0);
	}
	raw_spin_unlock_irq(&pool->lock);
	return held;
}
