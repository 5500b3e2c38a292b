// SPDX-License-Identifier: GPL-2.0
/* Picks a vCPU of which it was told that it is gone. */
#include "bad_run.h"

static struct vmsched_vcpu *ghost;

static void remember(struct vmsched_vcpu *v)
{
	WRITE_ONCE(ghost, v);
}

static struct vmsched_vcpu *once_known(struct vmsched_inst *inst, int cpu,
				       struct vmsched_vcpu *v)
{
	return READ_ONCE(ghost) ?: v;
}

static const struct bad_way way = { .answer = once_known, .gone = remember };
