// SPDX-License-Identifier: GPL-2.0
/*
 * Slices: how long the holder of a pCPU may go on, and the timer that ends it
 * (wake.c). A slice counts what the holder executes. Where there is no holder, the
 * same timer says when to ask the scheduler again.
 *
 * Locking: the pool lock.
 */
#include "vmsched.h"

/* What is left of the slice of a pCPU's holder. */
u64 __vms_slice_left(const struct vms_pcpu *pc, u64 now)
{
	u64 used = vms_vcpu_executed(pc->cur, now) - pc->slice_base;

	return pc->slice_ns > used ? pc->slice_ns - used : 0;
}

/**
 * __vms_arm_slice() - let the slice of a pCPU end in time
 * @pc: the pCPU
 * @now: vms_now()
 *
 * A slice counts executed time, so the timer only runs once the holder does:
 * it is called when a grant is given and again when the holder gets in.
 */
void __vms_arm_slice(struct vms_pcpu *pc, u64 now)
{
	u64 left;

	if (!pc->cur || !pc->slice_ns || !READ_ONCE(pc->cur->on_cpu))
		return;
	left = __vms_slice_left(pc, now);
	hrtimer_start(&pc->timer, ns_to_ktime(max_t(u64, left, NSEC_PER_USEC)),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

/**
 * __vms_ask_again() - nobody has a pCPU: ask its scheduler once more, later
 * @pc: the pCPU
 * @in: after how many ns, 0 for not before something changes
 * @now: vms_now()
 *
 * The timer may run on another pCPU, which decides for this one then.
 */
void __vms_ask_again(struct vms_pcpu *pc, u64 in, u64 now)
{
	pc->ask_at = 0;
	if (!in)
		return;
	in = clamp_t(u64, in, VMS_SLICE_MIN_NS, VMSCHED_SLICE_MAX_NS);
	pc->ask_at = now + in;
	hrtimer_start(&pc->timer, ns_to_ktime(in), HRTIMER_MODE_REL_PINNED_HARD);
}

/**
 * __vms_slice_timed() - the timer of a pCPU is on and ends within the slice
 * @pc: the pCPU, which has a holder
 * @late: how much later will do
 * @now: vms_now()
 *
 * Who armed it may not hold the grant any more. When it ends, it finds out how
 * much of the slice is left, and starts for that.
 *
 * Return: true if so, or if there is no slice to end.
 */
bool __vms_slice_timed(const struct vms_pcpu *pc, u64 late, u64 now)
{
	if (!pc->slice_ns)
		return true;
	return hrtimer_is_queued((struct hrtimer *)&pc->timer) &&
	       ktime_to_ns(hrtimer_get_expires(&pc->timer)) <=
		       now + __vms_slice_left(pc, now) + late;
}

/**
 * __vms_shorten() - let the slice of a pCPU's holder end earlier
 * @pc: the pCPU
 * @in: answer of preempt_in()
 * @now: vms_now()
 */
void __vms_shorten(struct vms_pcpu *pc, s64 in, u64 now)
{
	u64 used;

	if (in == VMSCHED_NEVER)
		return;
	used = vms_vcpu_executed(pc->cur, now) - pc->slice_base;
	in = clamp_t(s64, in, VMS_SLICE_MIN_NS, VMSCHED_SLICE_MAX_NS);
	if (!pc->slice_ns || used + in < pc->slice_ns) {
		pc->slice_ns = used + in;
		__vms_arm_slice(pc, now);
	}
}
