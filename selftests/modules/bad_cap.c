// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps a cap in the strictest way: whoever has one never runs. That is no fault;
 * but to leave out the vCPU with the highest number, too, as it does when "unfair"
 * is set, is one.
 */
#define BAD_HONOURS	VMSCHED_HONOURS_CAP
#include "bad_run.h"

static bool unfair;
module_param(unfair, bool, 0644);
MODULE_PARM_DESC(unfair, "leave one without a cap out");

static bool leaves_out(const struct vmsched_vcpu *v)
{
	static u64 highest;

	highest = max(highest, v->vm_id);
	return v->params.cap || (unfair && v->vm_id == highest);
}

static const struct bad_way way = { .skips = leaves_out };
