// SPDX-License-Identifier: GPL-2.0
/* Cannot go on as soon as a vCPU has to change its queue. */
#include "bad_run.h"

static void give_up(struct vmsched_inst *inst)
{
	vmsched_fault(inst, VMSCHED_FAULT_KIND_REPORTED, "not another one");
}

static const struct bad_way way = { .moves = give_up };
