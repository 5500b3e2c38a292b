// SPDX-License-Identifier: GPL-2.0
/* Does one thing wrong after the other: as it picks, with what it picks, and later. */
#include "bad_run.h"

static void complain(struct vmsched_inst *inst)
{
	vmsched_fault(inst, VMSCHED_FAULT_KIND_REPORTED, "the first of four");
	vmsched_fault(inst, VMSCHED_FAULT_KIND_LIST, "the second of four");
}

static struct vmsched_vcpu *nobody(struct vmsched_inst *inst, int cpu,
				   struct vmsched_vcpu *v)
{
	return (struct vmsched_vcpu *)0xdead000000000100UL;
}

static void complain_again(struct vmsched_inst *inst)
{
	vmsched_fault(inst, VMSCHED_FAULT_KIND_REPORTED, "the last of four");
}

static const struct bad_way way = {
	.pick = complain, .answer = nobody, .exit = complain_again,
};
