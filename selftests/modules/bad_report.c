// SPDX-License-Identifier: GPL-2.0
/* Says that it cannot go on. */
#include "bad_run.h"

static void report(struct vmsched_inst *inst)
{
	vmsched_fault(inst, VMSCHED_FAULT_KIND_REPORTED, "not today");
}

static const struct bad_way way = { .pick = report };
