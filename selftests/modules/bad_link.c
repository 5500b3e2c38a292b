// SPDX-License-Identifier: GPL-2.0
/* Writes into the list that it keeps its vCPUs in. */
#include "bad_run.h"

static void scribble(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	bad_of(v)->node.prev = &bad_of(v)->node;
}

static const struct bad_way way = { .enqueue = scribble };
