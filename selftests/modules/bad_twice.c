// SPDX-License-Identifier: GPL-2.0
/* Picks a vCPU that it has picked before, and that is not queued again since. */
#include "bad_run.h"

static struct vmsched_vcpu *again(struct vmsched_inst *inst, int cpu,
				  struct vmsched_vcpu *v)
{
	static struct vmsched_vcpu *last;
	struct vmsched_vcpu *old = last;

	if (old && old->inst == inst && old != v &&
	    list_empty(&bad_of(old)->node))
		return old;
	last = v;
	return v;
}

static const struct bad_way way = { .answer = again };
