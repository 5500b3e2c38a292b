// SPDX-License-Identifier: GPL-2.0
/* Picks what looks like a vCPU, and is of no pool. */
#include "bad_run.h"

static struct vmsched_vcpu *stranger(struct vmsched_inst *inst, int cpu,
				     struct vmsched_vcpu *v)
{
	static struct vmsched_vcpu nobody;

	return &nobody;
}

static const struct bad_way way = { .answer = stranger };
