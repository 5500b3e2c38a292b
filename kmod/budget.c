// SPDX-License-Identifier: GPL-2.0
/*
 * Time that the functions of a scheduler take, under the pool lock and with
 * interrupts off. One call of several is timed, and each one once one of them took
 * too long. A host that is a guest itself, or has firmware at work, makes any
 * call long at times: only those that take too long again and again are a fault,
 * or so long in all that it makes no difference who did it.
 *
 * Each instance answers for itself: during a switch both are called.
 *
 * Locking: the pool lock.
 */
#include <linux/moduleparam.h>

#include "activate.h"

#define BUDGET_US_DFL	500
#define BUDGET_US_MIN	5
#define BUDGET_US_MAX	1000000

/* That many within that time; or two, and as long as so many would be */
#define TOO_MANY	10
#define TOO_LONG	200
#define WITHIN_NS	(1 * NSEC_PER_SEC)

static unsigned int call_budget_us = BUDGET_US_DFL;

static int set_budget(const char *text, const struct kernel_param *kp)
{
	return param_set_uint_minmax(text, kp, BUDGET_US_MIN, BUDGET_US_MAX);
}

static const struct kernel_param_ops budget_ops = {
	.set = set_budget,
	.get = param_get_uint,
};
module_param_cb(call_budget_us, &budget_ops, &call_budget_us, 0644);
MODULE_PARM_DESC(call_budget_us, "longest time in us that a function of a scheduler may take, 5 to 1000000; ten longer ones within a second are its fault, or two that take two hundred times that");

/* Returns whether that is too much. */
static bool add_slow(struct vms_fault *f, u64 took, u64 budget, bool once)
{
	f->slow_calls++;
	f->slow_ns += took;
	return f->slow_calls >= TOO_MANY ||
	       ((once || f->slow_calls > 1) && f->slow_ns >= TOO_LONG * budget);
}

/**
 * __vms_call_took() - a timed call of a scheduler is over
 * @pool: its pool, lock held
 * @inst: its instance, which is in force, or that was before
 * @began: vms_now() before it
 * @once: it is made once in a switch, so that no second one will show the same
 */
void __vms_call_took(struct vms_pool *pool, struct vmsched_inst *inst, u64 began,
		     bool once)
{
	u64 budget = READ_ONCE(call_budget_us) * NSEC_PER_USEC;
	struct vms_fault *f = inst->fault;
	u64 now = vms_now();
	u64 took = now > began ? now - began : 0;

	lockdep_assert_held(&pool->lock);
	/* It is what faults are left for, and there is no way out of it. */
	if (inst->ops == &vms_native_ops)
		return;
	/* Time in between: that of the calls themselves is no time without one. */
	if (began > f->slow_since + f->slow_ns + WITHIN_NS) {
		f->slow_calls = 0;
		f->slow_ns = 0;
		f->slow_since = began;
	}
	if (took > budget && add_slow(f, took, budget, once))
		vmsched_fault(inst, VMSCHED_FAULT_KIND_SLOW,
			      "%u calls took longer than %llu us within a second, %llu us in all",
			      f->slow_calls, budget / NSEC_PER_USEC,
			      f->slow_ns / NSEC_PER_USEC);
	/* Under suspicion: the next one is timed too. */
	if (f->slow_calls)
		__vms_time_next(pool);
}
