// SPDX-License-Identifier: GPL-2.0
/* Picks what is at no address at all. */
#include "bad_run.h"

static struct vmsched_vcpu *wild(struct vmsched_inst *inst, int cpu,
				 struct vmsched_vcpu *v)
{
	return (struct vmsched_vcpu *)0xdead000000000100UL;
}

static const struct bad_way way = { .answer = wild };
