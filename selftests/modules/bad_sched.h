/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ops of a scheduler that registration accepts, for modules that then get one
 * thing wrong. They do nothing: none of these modules may ever be in use.
 */
#ifndef SELFTESTS_BAD_SCHED_H
#define SELFTESTS_BAD_SCHED_H

#include <vmsched/sched.h>

static struct vmsched_vcpu *bad_pick_next(struct vmsched_inst *inst, int cpu,
					  u64 now, u64 *slice)
{
	return NULL;
}

static void bad_enqueue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			enum vmsched_why why, u64 now)
{
}

static void __maybe_unused bad_charge(struct vmsched_inst *inst,
				      struct vmsched_vcpu *v, u64 ran, u64 now)
{
}

static int bad_init(struct vmsched_inst *inst)
{
	return 0;
}

static void bad_exit(struct vmsched_inst *inst)
{
}

static int bad_vcpu_init(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	return 0;
}

static void bad_vcpu_exit(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
}

static void bad_activate(struct vmsched_inst *inst, u64 now)
{
}

static void bad_set_params(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			   u64 now)
{
}

static void bad_export_state(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			     struct vmsched_carry *carry, u64 now)
{
}

#ifndef BAD_NAME
#define BAD_NAME	"bad"
#endif
#ifndef BAD_API
#define BAD_API		VMSCHED_API
#endif
#ifndef BAD_CHARGE
#define BAD_CHARGE	bad_charge
#endif
#ifndef BAD_OWNER
#define BAD_OWNER	THIS_MODULE
#endif
#ifndef BAD_SIZE
#define BAD_SIZE	0
#endif
#ifndef BAD_DOC
#define BAD_DOC		"a scheduler that must be refused"
#endif
#ifndef BAD_START
#define BAD_START	0
#endif

static const struct vmsched_ops bad_ops = {
	.pick_next	= bad_pick_next,
	.enqueue	= bad_enqueue,
	.dequeue	= bad_enqueue,
	.charge		= BAD_CHARGE,
	.init		= bad_init,
	.exit		= bad_exit,
	.vcpu_init	= bad_vcpu_init,
	.vcpu_exit	= bad_vcpu_exit,
	.activate	= bad_activate,
	.deactivate	= bad_activate,
	.set_params	= bad_set_params,
	.export_state	= bad_export_state,
	.api		= BAD_API,
	.name		= BAD_NAME,
	.vcpu_size	= BAD_SIZE,
	.doc		= BAD_DOC,
	.owner		= BAD_OWNER,
};

static int __init bad_module_init(void)
{
	return vmsched_register(&bad_ops) ?: BAD_START;
}
module_init(bad_module_init);

static void __exit bad_module_exit(void)
{
#ifndef BAD_FORGETS
	vmsched_unregister(&bad_ops);
#endif
}
module_exit(bad_module_exit);

MODULE_DESCRIPTION("Scheduler that vmsched must refuse");
MODULE_LICENSE("GPL");

#endif /* SELFTESTS_BAD_SCHED_H */
