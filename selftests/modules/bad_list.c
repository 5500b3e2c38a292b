// SPDX-License-Identifier: GPL-2.0
/* Queues a vCPU that is queued already. */
#include "bad_run.h"

static void once_more(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	vmsched_list_add_tail(inst, &bad_of(v)->node, bad_queue(inst, v->cpu));
}

static const struct bad_way way = { .enqueue = once_more };
