/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A scheduler that works, first come first served, until its parameter "armed"
 * is set: then it does wrong what the file that includes this has in "way".
 */
#ifndef SELFTESTS_BAD_RUN_H
#define SELFTESTS_BAD_RUN_H

#include <linux/moduleparam.h>

#include <vmsched/sched.h>

#define BAD_SLICE_NS	(2 * NSEC_PER_MSEC)

#ifndef BAD_HONOURS
#define BAD_HONOURS	0
#endif

static bool armed;
module_param(armed, bool, 0644);
MODULE_PARM_DESC(armed, "misbehave from now on");

struct bad_vcpu {
	struct list_head node;
	struct vmsched_vcpu *self;
};

static struct bad_vcpu *bad_of(struct vmsched_vcpu *v)
{
	return (struct bad_vcpu *)v->priv;
}

static struct list_head *bad_queue(struct vmsched_inst *inst, int cpu)
{
	return inst->pcpu[cpu];
}

/**
 * struct bad_way - what is done wrong; each is optional
 * @skips:	it does not see a vCPU
 * @answer:	whom it picks in place of another
 * @slice_ns:	for how long
 * @pick:	what it does each time that it is asked
 * @enqueue:	after it has queued a vCPU
 * @moves:	when a vCPU loses its queue, or gets another one
 * @activate:	when it comes into force
 * @import:	when it takes a vCPU over
 * @take:	when it is told who has a pCPU; of a file with BAD_TAKES
 * @select:	in which queue it wants a vCPU; of a file with BAD_SELECTS
 * @gone:	when it is told that a vCPU is gone
 * @exit:	when it has been left
 * @init:	what init() answers
 * @vcpu_init:	what vcpu_init() answers
 * @lag_ns:	what it says that each vCPU is owed
 */
struct bad_way {
	bool (*skips)(const struct vmsched_vcpu *v);
	struct vmsched_vcpu *(*answer)(struct vmsched_inst *inst, int cpu,
				       struct vmsched_vcpu *v);
	u64 slice_ns;
	void (*pick)(struct vmsched_inst *inst);
	void (*enqueue)(struct vmsched_inst *inst, struct vmsched_vcpu *v);
	void (*moves)(struct vmsched_inst *inst);
	void (*activate)(struct vmsched_inst *inst);
	void (*import)(struct vmsched_inst *inst);
	void (*take)(struct vmsched_inst *inst);
	int (*select)(struct vmsched_inst *inst, struct vmsched_vcpu *v);
	void (*gone)(struct vmsched_vcpu *v);
	void (*exit)(struct vmsched_inst *inst);
	int init;
	int vcpu_init;
	s64 lag_ns;
};

/* Of the file */
static const struct bad_way way;

static struct vmsched_vcpu *bad_first(struct vmsched_inst *inst, int from,
				      int cpu)
{
	struct bad_vcpu *b;

	list_for_each_entry(b, bad_queue(inst, from), node)
		if (cpumask_test_cpu(cpu, b->self->allowed) &&
		    !(armed && way.skips && way.skips(b->self)))
			return b->self;
	return NULL;
}

static struct vmsched_vcpu *bad_pick_next(struct vmsched_inst *inst, int cpu,
					  u64 now, u64 *slice)
{
	struct vmsched_vcpu *v = bad_first(inst, cpu, cpu);
	int from;

	if (armed && way.pick)
		way.pick(inst);
	for_each_cpu(from, inst->cpus)
		if (!v)
			v = bad_first(inst, from, cpu);
	if (!v)
		return NULL;
	vmsched_list_del(inst, &bad_of(v)->node);
	*slice = armed && way.slice_ns ? way.slice_ns : BAD_SLICE_NS;
	return armed && way.answer ? way.answer(inst, cpu, v) : v;
}

static void bad_enqueue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			enum vmsched_why why, u64 now)
{
	vmsched_list_add_tail(inst, &bad_of(v)->node, bad_queue(inst, v->cpu));
	if (armed && way.enqueue)
		way.enqueue(inst, v);
	if (armed && way.moves && why == VMSCHED_WHY_MOVE)
		way.moves(inst);
}

static void bad_dequeue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			enum vmsched_why why, u64 now)
{
	vmsched_list_del(inst, &bad_of(v)->node);
	if (armed && way.moves && why == VMSCHED_WHY_MOVE)
		way.moves(inst);
}

static void bad_charge(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		       u64 ran, u64 now)
{
}

static int bad_init(struct vmsched_inst *inst)
{
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_LIST_HEAD(bad_queue(inst, cpu));
	return armed ? way.init : 0;
}

static void bad_exit(struct vmsched_inst *inst)
{
	if (armed && way.exit)
		way.exit(inst);
}

static int bad_vcpu_init(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	INIT_LIST_HEAD(&bad_of(v)->node);
	bad_of(v)->self = v;
	return armed ? way.vcpu_init : 0;
}

static void bad_vcpu_exit(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	if (armed && way.gone)
		way.gone(v);
}

static void bad_vcpu_import(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			    const struct vmsched_carry *carry, u64 now)
{
	if (armed && way.import)
		way.import(inst);
}

static u64 __maybe_unused bad_take(struct vmsched_inst *inst,
				   struct vmsched_vcpu *v, u64 now)
{
	vmsched_list_del(inst, &bad_of(v)->node);
	if (armed && way.take)
		way.take(inst);
	return BAD_SLICE_NS;
}

static int __maybe_unused bad_select_cpu(struct vmsched_inst *inst,
					 struct vmsched_vcpu *v, u64 now)
{
	return armed && way.select ? way.select(inst, v) : v->cpu;
}

static void bad_activate(struct vmsched_inst *inst, u64 now)
{
	if (armed && way.activate)
		way.activate(inst);
}

static void bad_deactivate(struct vmsched_inst *inst, u64 now)
{
}

static void bad_set_params(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			   u64 now)
{
}

static void bad_export_state(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			     struct vmsched_carry *carry, u64 now)
{
	if (armed)
		carry->lag_ns = way.lag_ns;
}

static const struct vmsched_ops bad_ops = {
	.pick_next	= bad_pick_next,
	.enqueue	= bad_enqueue,
	.dequeue	= bad_dequeue,
	.charge		= bad_charge,
#ifdef BAD_TAKES
	.take		= bad_take,
#endif
#ifdef BAD_SELECTS
	.select_cpu	= bad_select_cpu,
#endif
	.init		= bad_init,
	.exit		= bad_exit,
	.vcpu_init	= bad_vcpu_init,
	.vcpu_exit	= bad_vcpu_exit,
	.vcpu_import	= bad_vcpu_import,
	.activate	= bad_activate,
	.deactivate	= bad_deactivate,
	.set_params	= bad_set_params,
	.export_state	= bad_export_state,
	.pcpu_size	= sizeof(struct list_head),
	.vcpu_size	= sizeof(struct bad_vcpu),
	.honours	= BAD_HONOURS,
	.api		= VMSCHED_API,
	.name		= KBUILD_MODNAME,
	.doc		= "a scheduler that will be thrown out",
	.owner		= THIS_MODULE,
};

static int __init bad_module_init(void)
{
	return vmsched_register(&bad_ops);
}
module_init(bad_module_init);

static void __exit bad_module_exit(void)
{
	vmsched_unregister(&bad_ops);
}
module_exit(bad_module_exit);

MODULE_DESCRIPTION("Scheduler that vmsched must throw out");
MODULE_LICENSE("GPL");

#endif /* SELFTESTS_BAD_RUN_H */
