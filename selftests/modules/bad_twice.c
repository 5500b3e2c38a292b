// SPDX-License-Identifier: GPL-2.0
/* Picks a vCPU that it has picked before, and that is not queued again since. */
#include <vmsched/sched.h>

static struct vmsched_vcpu *again(struct vmsched_vcpu *v);

#define BAD_ANSWER(inst, cpu, v) again(v)
#include "bad_run.h"

static struct vmsched_vcpu *again(struct vmsched_vcpu *v)
{
	static struct vmsched_vcpu *last;
	struct vmsched_vcpu *old = last;

	if (old && old->inst == v->inst && old != v &&
	    list_empty(&bad_of(old)->node))
		return old;
	last = v;
	return v;
}
