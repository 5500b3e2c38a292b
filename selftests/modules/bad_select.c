// SPDX-License-Identifier: GPL-2.0
/* Wants a vCPU in the queue of a pCPU that it may not use. */
#define BAD_SELECTS
#include "bad_run.h"

static int beyond(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	return cpumask_last(v->allowed) + 1;
}

static const struct bad_way way = { .select = beyond };
