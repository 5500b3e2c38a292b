// SPDX-License-Identifier: GPL-2.0
/* Never picks the vCPU with the highest number that it knows. */
#include <vmsched/sched.h>

static u64 highest;

static bool is_highest(const struct vmsched_vcpu *v)
{
	highest = max(highest, v->vm_id);
	return v->vm_id == highest;
}

#define BAD_SKIPS(v)	is_highest(v)
#include "bad_run.h"
