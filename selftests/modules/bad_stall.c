// SPDX-License-Identifier: GPL-2.0
/* Never picks the vCPU with the highest number that it knows. */
#include "bad_run.h"

static bool is_highest(const struct vmsched_vcpu *v)
{
	static u64 highest;

	highest = max(highest, v->vm_id);
	return v->vm_id == highest;
}

static const struct bad_way way = { .skips = is_highest };
