// SPDX-License-Identifier: GPL-2.0
/*
 * The built-in scheduler "native": Linux decides.
 *
 * Always registered, never unloadable, the last fallback. A pool that runs
 * it gates nobody, so none of its functions that queue or pick is reached;
 * they are there because a scheduler without them is refused.
 */
#include "vmsched.h"

static struct vmsched_vcpu *native_pick_next(struct vmsched_inst *inst,
					     int cpu, u64 now, u64 *slice)
{
	return NULL;
}

static void native_enqueue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			   enum vmsched_why why, u64 now)
{
}

static void native_charge(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			  u64 ran, u64 now)
{
}

static int native_init(struct vmsched_inst *inst)
{
	return 0;
}

static void native_exit(struct vmsched_inst *inst)
{
}

static int native_vcpu_init(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	return 0;
}

static void native_vcpu_exit(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
}

static void native_activate(struct vmsched_inst *inst, u64 now)
{
}

static void native_set_params(struct vmsched_inst *inst,
			      struct vmsched_vcpu *v, u64 now)
{
}

static void native_export_state(struct vmsched_inst *inst,
				struct vmsched_vcpu *v,
				struct vmsched_carry *carry, u64 now)
{
}

const struct vmsched_ops vms_native_ops = {
	.pick_next	= native_pick_next,
	.enqueue	= native_enqueue,
	.dequeue	= native_enqueue,
	.charge		= native_charge,
	.init		= native_init,
	.exit		= native_exit,
	.vcpu_init	= native_vcpu_init,
	.vcpu_exit	= native_vcpu_exit,
	.activate	= native_activate,
	.deactivate	= native_activate,
	.set_params	= native_set_params,
	.export_state	= native_export_state,
	.api		= VMSCHED_API,
	.version	= 1,
	.name		= "native",
	.doc		= "Linux decides: every vCPU is one more thread",
	.owner		= THIS_MODULE,
};
