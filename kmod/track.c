// SPDX-License-Identifier: GPL-2.0
/*
 * What the hooks report of a vCPU: it enters guest mode, gets a pCPU from
 * Linux, loses it, is woken. Counts the time that its thread executes and
 * tells dispatch what it means.
 *
 * Locking: called with interrupts off by the vCPU's own thread, or by Linux
 * in the middle of the switch to or from it, under the runqueue lock, or of
 * its wake-up, under its pi lock. The pool lock nests inside of these.
 */
#include "vmsched.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/**
 * vms_track_sleeps() - the thread of a vCPU blocks, or runs it no more
 * @v: attached vCPU
 * @run_ns: what it has executed so far
 *
 * For tracepoints only. A wake that is told before is one of a thread that did not
 * block yet: vms_track_sched_in() tells it once more.
 */
void vms_track_sleeps(struct vms_vcpu *v, u64 run_ns)
{
	if (READ_ONCE(v->asleep))
		return;
	trace_vmsched_block(v, run_ns, vms_inside(v->task));
	v->slept_at = run_ns;
	/* Last: who tells of a wake tells it after this. */
	smp_store_release(&v->asleep, true);
}

/**
 * vms_track_woken() - it can go on; may be told more than once
 * @v: vCPU
 *
 * Never for the same one at once: Linux runs a thread after it has woken it.
 */
void vms_track_woken(struct vms_vcpu *v)
{
	/* Pairs with the release above. */
	if (!smp_load_acquire(&v->asleep))
		return;
	WRITE_ONCE(v->asleep, false);
	trace_vmsched_wake(v);
}

/* Bring the time of the thread up to date. By its own thread, or for it. */
static void account(struct vms_vcpu *v, u64 now)
{
	u64 since = v->stamp;

	/* Stamp first: who reads in between sees too little, never twice. */
	WRITE_ONCE(v->stamp, now);
	WRITE_ONCE(v->use.run_ns,
		   v->use.run_ns + (now > since ? now - since : 0));
}

static bool may_enter(const struct vms_vcpu *v)
{
	if (test_bit(VMS_F_DEAD, &v->flags))
		return true;
	if (v->pass == VMS_PASS_ANY)
		return !v->pool->ceased;
	return v->pass == smp_processor_id();
}

/*
 * Nobody has taken the pass from a vCPU that Linux has run until now. Who starts
 * a cease writes that before it interrupts this pCPU.
 */
static bool is_free(const struct vms_vcpu *v)
{
	const struct vms_pool *pool = READ_ONCE(v->pool);

	return !pool ||
	       (!READ_ONCE(pool->ceased) && !READ_ONCE(pool->managed));
}

static bool stopped_entry(struct vms_vcpu *v, u64 now)
{
	struct vms_pool *pool;
	bool stop;

	if (READ_ONCE(v->pool)) {
		pool = vms_pool_lock(&v->pool);
		__vms_follow(v, now);
		if (!pool->managed && !pool->ceased)
			WRITE_ONCE(v->pass, VMS_PASS_ANY);
		else if (v->state == VMS_OFF || v->state == VMS_HALTED)
			__vms_runnable(v, VMSCHED_WHY_ENTER, now);
		stop = !may_enter(v);
		raw_spin_unlock(&pool->lock);
		if (!stop)
			return false;
	}
	vms_gate_arm(v);
	vms_force_exit();
	return true;
}

/* The first guest entry of this pCPU since the scheduler was changed. */
static void end_of_hold(struct vms_vcpu *v, u64 now)
{
	struct vms_pcpu *pc = this_cpu_ptr(&vms_pcpus);
	struct vms_pool *pool = vms_pool_lock(&pc->pool);

	/* Linux runs the vCPUs of a native pool on those of others, too. */
	if (v->pool == pool && pc->held_from && !pool->ceased) {
		pool->held_ns = max(pool->held_ns, now - pc->held_from);
		WRITE_ONCE(pc->held_from, 0);
		pc->open = false;
	}
	raw_spin_unlock(&pool->lock);
}

/**
 * vms_track_enter() - @v is about to enter guest mode, and may not, or was held
 * @v: vCPU of the current thread
 *
 * One that may not is stopped by an interrupt before its first instruction,
 * and goes through the gate then.
 */
void vms_track_enter(struct vms_vcpu *v)
{
	int pass = READ_ONCE(v->pass);

	if (pass != smp_processor_id() &&
	    (pass != VMS_PASS_ANY || !is_free(v)) && stopped_entry(v, vms_now()))
		return;
	if (this_cpu_read(vms_pcpus.held_from))
		end_of_hold(v, vms_now());
}

/*
 * @v gets in and its slice begins to count. The timer of somebody who had the
 * grant before may be on. If @v was just woken, and that one ends no later than
 * its slice, leave it: to set a timer takes longer than all else that is done
 * here, @v is waited for, and most that wake are gone again before it ends.
 * If not, it is set anew for the rest then.
 */
static void begin_slice(struct vms_pcpu *pc, struct vms_vcpu *v, u64 now)
{
	bool woken = v->woken;

	v->woken = false;
	/* Of another pool it is not. */
	if (READ_ONCE(pc->cur) == v && !(woken && __vms_slice_timed(pc, 0, now)))
		__vms_arm_slice(pc, now);
}

/* Linux gives @v this pCPU. */
void vms_track_sched_in(struct vms_vcpu *v, u64 now)
{
	int cpu = smp_processor_id();
	struct vms_pool *pool;

	WRITE_ONCE(v->stamp, now);
	WRITE_ONCE(v->on_cpu, true);
	vms_track_woken(v);
	if (!READ_ONCE(v->pool)) {
		if (unlikely(test_and_clear_bit(VMS_F_AGAIN, &v->flags)))
			vms_gate_arm(v);
		return;
	}

	pool = vms_pool_lock(&v->pool);
	if (!pool->managed && v->queued_at && now > v->queued_at)
		v->use.wait_ns += now - v->queued_at;
	v->queued_at = 0;

	if (v->state == VMS_HALTED) {
		v->woken = true;
		__vms_runnable(v, VMSCHED_WHY_WAKE, now);
	}
	__vms_follow(v, now);
	if (pool->managed && !v->parked && vms_inside(v->task) &&
	    (v->pass != cpu || vms_apply_disturbed(v)))
		vms_gate_arm(v);
	begin_slice(this_cpu_ptr(&vms_pcpus), v, now);
	raw_spin_unlock(&pool->lock);
}

/* Linux takes this pCPU from @v, which blocks or could go on. */
void vms_track_sched_out(struct vms_vcpu *v, bool blocks, u64 now)
{
	struct vms_pcpu *pc = this_cpu_ptr(&vms_pcpus);
	bool inside = vms_inside(v->task);
	struct vms_pool *pool;

	account(v, now);
	WRITE_ONCE(v->on_cpu, false);
	if (!READ_ONCE(v->pool))
		return;
	/* Pairs with the barrier in __vms_resched(). */
	smp_mb();
	if (!blocks) {
		v->queued_at = inside ? now : 0;
		if (!READ_ONCE(pc->owed))
			return;
	}

	pool = vms_pool_lock(&v->pool);
	if (blocks && !v->parked) {
		vms_track_sleeps(v, v->use.run_ns);
		__vms_not_runnable(v, inside ? VMS_HALTED : VMS_OFF, now);
	}
	__vms_hand_over(pool, pc);
	raw_spin_unlock(&pool->lock);
}

/* @v is woken; Linux has not chosen a pCPU for it yet. */
void vms_track_waking(struct vms_vcpu *v)
{
	struct vms_pool *pool;
	unsigned long flags;
	u64 now;

	vms_track_woken(v);
	if (!READ_ONCE(v->pool) || READ_ONCE(v->state) != VMS_HALTED)
		return;
	now = vms_now();
	local_irq_save(flags);
	pool = vms_pool_lock(&v->pool);
	if (v->state == VMS_HALTED) {
		v->queued_at = now;
		v->woken = true;
		__vms_runnable(v, VMSCHED_WHY_WAKE, now);
	}
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}
