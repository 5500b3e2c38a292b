// SPDX-License-Identifier: GPL-2.0
/* Picks vCPUs for pCPUs on which they may not run. */
#include "bad_run.h"

/* One that waits in any queue and may not run on @cpu; @v if there is none */
static struct vmsched_vcpu *misplaced(struct vmsched_inst *inst, int cpu,
				      struct vmsched_vcpu *v)
{
	struct bad_vcpu *b;
	int from;

	for_each_cpu(from, inst->cpus)
		list_for_each_entry(b, bad_queue(inst, from), node)
			if (!cpumask_test_cpu(cpu, b->self->allowed))
				return b->self;
	return v;
}

static const struct bad_way way = { .answer = misplaced };
