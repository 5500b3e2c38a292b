// SPDX-License-Identifier: GPL-2.0
/*
 * Time that the functions of a scheduler take, under the pool lock and with
 * interrupts off. One call of several is timed, and each one once one of them took
 * too long. A host that is a guest itself, or has firmware at work, makes any
 * call long at times: only those that take too long again and again are a fault.
 *
 * Locking: the pool lock.
 */
#include <linux/moduleparam.h>

#include "activate.h"

#define BUDGET_US_DFL	500
#define BUDGET_US_MIN	5
#define BUDGET_US_MAX	1000000

/* That many within that time */
#define TOO_MANY	10
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
MODULE_PARM_DESC(call_budget_us, "longest time in us that a function of a scheduler may take, 5 to 1000000; ten longer ones within a second are its fault");

/**
 * __vms_call_took() - a timed call of the active scheduler is over
 * @pool: its pool, lock held
 * @began: vms_now() before it
 */
void __vms_call_took(struct vms_pool *pool, u64 began)
{
	u64 now = vms_now();
	u64 took = now > began ? now - began : 0;

	lockdep_assert_held(&pool->lock);
	if (pool->slow_calls && now - pool->slow_since > WITHIN_NS)
		pool->slow_calls = 0;
	if (took > READ_ONCE(call_budget_us) * NSEC_PER_USEC) {
		if (!pool->slow_calls++)
			pool->slow_since = now;
		if (pool->slow_calls >= TOO_MANY)
			vmsched_fault(pool->inst, VMSCHED_FAULT_KIND_SLOW,
				      "%u calls took longer than %u us within a second, the last one %llu us",
				      pool->slow_calls, call_budget_us,
				      took / NSEC_PER_USEC);
	}
	/* Under suspicion: the next one is timed too. */
	if (pool->slow_calls)
		pool->calls = VMS_CALLS_TIMED - 1;
}
