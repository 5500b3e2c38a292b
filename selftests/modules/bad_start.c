// SPDX-License-Identifier: GPL-2.0
/* Says so already when it comes into force. */
#include "bad_run.h"

static void report(struct vmsched_inst *inst)
{
	vmsched_fault(inst, VMSCHED_FAULT_KIND_REPORTED, "not at all");
}

static const struct bad_way way = { .activate = report };
