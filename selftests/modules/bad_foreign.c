// SPDX-License-Identifier: GPL-2.0
/* In force in two pools, it picks in one of them a vCPU of the other. */
#include "bad_run.h"

static struct vmsched_vcpu *foreign(struct vmsched_inst *inst, int cpu,
				    struct vmsched_vcpu *v)
{
	static struct vmsched_vcpu *last;
	static struct vmsched_inst *of;

	if (of && of != inst)
		return last;
	of = inst;
	last = v;
	return v;
}

static const struct bad_way way = { .answer = foreign };
