// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler that counts how it is called and holds the core to what
 * <vmsched/sched.h> promises: which function comes before which other one, in
 * what context, and that each thing done is undone once. Otherwise it is a
 * plain round robin.
 *
 * Its parameters in /sys/module tell: how often each function was called, how
 * many calls were wrong, and the first wrong one.
 */
#include <vmsched/sched.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/moduleparam.h>

/* Long against a switch of scheduler or short: as a test wants it */
static unsigned int slice_us = 2000;
module_param(slice_us, uint, 0644);

/* An instance goes through these in their order; DOWN may come from any. */
enum life {
	FRESH,		/* as the core hands it over: zeroes */
	UP,		/* init() */
	ACTIVE,		/* activate() */
	LEAVING,	/* first export_state() */
	LEFT,		/* deactivate() */
};

struct count_inst {
	enum life life;
	int vcpus;
	int imported;
	int exported;
	int queued;
};

struct count_pcpu {
	struct list_head queue;
};

struct count_vcpu {
	struct list_head node;
	bool up;
	bool imported;
	bool exported;
	bool queued;
	u64 used;
};

/* All calls are made under one lock or the other */
#define COUNTER(name)						\
static ulong n_##name;						\
module_param_named(name, n_##name, ulong, 0444)

COUNTER(init);
COUNTER(exit);
COUNTER(vcpu_init);
COUNTER(vcpu_exit);
COUNTER(activate);
COUNTER(deactivate);
COUNTER(import);
COUNTER(export);
COUNTER(enqueue);
COUNTER(dequeue);
COUNTER(pick);
COUNTER(charge);
COUNTER(block);
COUNTER(preempt);
COUNTER(set);
COUNTER(wrong);

static char first_wrong[64];
module_param_string(first, first_wrong, sizeof(first_wrong), 0444);
MODULE_PARM_DESC(first, "the first call that was wrong");

static int fail_init;
module_param(fail_init, int, 0644);
MODULE_PARM_DESC(fail_init, "so many calls of init() fail");

static unsigned int init_ms;
module_param(init_ms, uint, 0644);
MODULE_PARM_DESC(init_ms, "time that init() takes");

static int fail_vcpu;
module_param(fail_vcpu, int, 0644);
MODULE_PARM_DESC(fail_vcpu, "the so-manieth call of vcpu_init() fails");

/* Under locks of Linux: nothing may be printed. */
static void check(bool ok, const char *what)
{
	if (likely(ok))
		return;
	if (!n_wrong++)
		strscpy(first_wrong, what, sizeof(first_wrong));
}

#define CALLED(name)	(n_##name++)

static u64 slice_ns(void)
{
	return (u64)READ_ONCE(slice_us) * NSEC_PER_USEC;
}

static struct count_inst *count_inst(struct vmsched_inst *inst)
{
	return inst->priv;
}

static struct count_pcpu *count_pcpu(struct vmsched_inst *inst, int cpu)
{
	return inst->pcpu[cpu];
}

static struct count_vcpu *count_vcpu(struct vmsched_vcpu *v)
{
	return (struct count_vcpu *)v->priv;
}

static struct vmsched_vcpu *vcpu_of(struct count_vcpu *c)
{
	return container_of((u64 *)c, struct vmsched_vcpu, priv[0]);
}

/* And those that may come while vCPUs are taken out of it, one by one. */
static void check_in_use(struct vmsched_inst *inst, const char *what)
{
	check(irqs_disabled() && (count_inst(inst)->life == ACTIVE ||
				  count_inst(inst)->life == LEAVING), what);
}

/* What all functions have in common that are called while it is in force. */
static void check_active(struct vmsched_inst *inst, const char *what)
{
	check(irqs_disabled() && count_inst(inst)->life == ACTIVE, what);
}

static int count_init(struct vmsched_inst *inst)
{
	int cpu;

	CALLED(init);
	check(!irqs_disabled() && count_inst(inst)->life == FRESH, "init");
	for_each_possible_cpu(cpu)
		INIT_LIST_HEAD(&count_pcpu(inst, cpu)->queue);
	count_inst(inst)->life = UP;
	msleep(init_ms);
	if (fail_init > 0) {
		fail_init--;
		return -ENOSPC;
	}
	return 0;
}

static void count_exit(struct vmsched_inst *inst)
{
	struct count_inst *i = count_inst(inst);

	CALLED(exit);
	check(!irqs_disabled() && (i->life == UP || i->life == LEFT), "exit");
	check(!i->vcpus, "exit with vCPUs left");
	i->life = FRESH;
}

static int count_vcpu_init(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	struct count_vcpu *c = count_vcpu(v);
	struct count_inst *i = count_inst(inst);

	check(!irqs_disabled() && (i->life == UP || i->life == ACTIVE),
	      "vcpu_init");
	check(!c->up && !c->imported && !c->queued, "vcpu_init not on zeroes");
	if (fail_vcpu > 0 && !--fail_vcpu)
		return -ENOSPC;
	CALLED(vcpu_init);
	INIT_LIST_HEAD(&c->node);
	c->up = true;
	i->vcpus++;
	return 0;
}

static void count_vcpu_exit(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	struct count_vcpu *c = count_vcpu(v);

	CALLED(vcpu_exit);
	check(!irqs_disabled() && c->up, "vcpu_exit");
	/* One that has ended is exported to nobody. */
	if (c->imported && !c->exported)
		count_inst(inst)->imported--;
	check(!c->queued, "vcpu_exit of one that is queued");
	c->up = false;
	count_inst(inst)->vcpus--;
}

static void count_activate(struct vmsched_inst *inst, u64 now)
{
	struct count_inst *i = count_inst(inst);

	CALLED(activate);
	check(irqs_disabled() && i->life == UP, "activate");
	check(inst->partial, "activate with nothing to import");
	i->life = ACTIVE;
}

static void count_deactivate(struct vmsched_inst *inst, u64 now)
{
	struct count_inst *i = count_inst(inst);

	CALLED(deactivate);
	check_in_use(inst, "deactivate");
	check(!i->queued, "deactivate with vCPUs queued");
	check(i->imported == i->exported, "deactivate with vCPUs left");
	i->life = LEFT;
}

static void count_import(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			 const struct vmsched_carry *carry, u64 now)
{
	struct count_vcpu *c = count_vcpu(v);

	CALLED(import);
	check_active(inst, "vcpu_import");
	check(c->up && !c->imported && !c->queued, "vcpu_import twice");
	c->imported = true;
	count_inst(inst)->imported++;
}

static void count_export(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			 struct vmsched_carry *carry, u64 now)
{
	struct count_vcpu *c = count_vcpu(v);

	CALLED(export);
	check_in_use(inst, "export_state");
	check(c->imported && !c->exported, "export_state twice");
	check(!c->queued, "export_state of one that is queued");
	c->exported = true;
	count_inst(inst)->exported++;
	count_inst(inst)->life = LEAVING;
}

static void take_out(struct vmsched_inst *inst, struct count_vcpu *c)
{
	list_del_init(&c->node);
	c->queued = false;
	count_inst(inst)->queued--;
}

static void count_enqueue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			  enum vmsched_why why, u64 now)
{
	struct count_vcpu *c = count_vcpu(v);

	CALLED(enqueue);
	check_active(inst, "enqueue");
	check(c->imported && !c->exported, "enqueue before vcpu_import");
	check(!c->queued, "enqueue twice");
	check(why != VMSCHED_WHY_LEAVE, "enqueue of one that leaves");
	check(cpumask_test_cpu(v->cpu, v->allowed),
	      "enqueue where it may not run");
	list_add_tail(&c->node, &count_pcpu(inst, v->cpu)->queue);
	c->queued = true;
	count_inst(inst)->queued++;
}

static void count_dequeue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			  enum vmsched_why why, u64 now)
{
	struct count_vcpu *c = count_vcpu(v);

	CALLED(dequeue);
	check_in_use(inst, "dequeue");
	check(c->queued, "dequeue of one that is not queued");
	take_out(inst, c);
}

static struct vmsched_vcpu *count_first(struct vmsched_inst *inst, int from,
					int cpu)
{
	struct count_vcpu *c;

	list_for_each_entry(c, &count_pcpu(inst, from)->queue, node)
		if (cpumask_test_cpu(cpu, vcpu_of(c)->allowed))
			return vcpu_of(c);
	return NULL;
}

static struct vmsched_vcpu *count_pick_next(struct vmsched_inst *inst, int cpu,
					    u64 now, u64 *slice)
{
	struct vmsched_vcpu *v = count_first(inst, cpu, cpu);
	int from;

	check_active(inst, "pick_next");
	check(cpumask_test_cpu(cpu, inst->cpus), "pick_next for a pCPU not there");
	for_each_cpu(from, inst->cpus)
		if (!v)
			v = count_first(inst, from, cpu);
	if (!v)
		return NULL;
	CALLED(pick);
	take_out(inst, count_vcpu(v));
	count_vcpu(v)->used = 0;
	*slice = slice_ns();
	return v;
}

static void count_charge(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			 u64 ran, u64 now)
{
	struct count_vcpu *c = count_vcpu(v);

	CALLED(charge);
	check_in_use(inst, "charge");
	check(c->imported && !c->exported, "charge before vcpu_import");
	check(!c->queued, "charge of one that is queued");
	check(ran, "charge of nothing");
	c->used += ran;
}

static void count_block(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			u64 now)
{
	CALLED(block);
	check_active(inst, "block");
	check(!count_vcpu(v)->queued, "block of one that is queued");
}

static s64 count_preempt_in(struct vmsched_inst *inst, int cpu,
			    struct vmsched_vcpu *cur, struct vmsched_vcpu *woken,
			    u64 now)
{
	CALLED(preempt);
	check_active(inst, "preempt_in");
	check(count_vcpu(woken)->queued && !count_vcpu(cur)->queued,
	      "preempt_in: who is queued?");
	return count_vcpu(cur)->used < slice_ns() ?
	       slice_ns() - count_vcpu(cur)->used : 0;
}

static void count_set_params(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			     u64 now)
{
	CALLED(set);
	check_active(inst, "set_params");
	check(count_vcpu(v)->imported, "set_params before vcpu_import");
	check(v->params.weight >= VMSCHED_WEIGHT_MIN &&
	      v->params.weight <= VMSCHED_WEIGHT_MAX, "set_params: weight");
}

static const struct vmsched_ops count_ops = {
	.pick_next	= count_pick_next,
	.enqueue	= count_enqueue,
	.dequeue	= count_dequeue,
	.charge		= count_charge,
	.block		= count_block,
	.preempt_in	= count_preempt_in,
	.init		= count_init,
	.exit		= count_exit,
	.vcpu_init	= count_vcpu_init,
	.vcpu_exit	= count_vcpu_exit,
	.vcpu_import	= count_import,
	.activate	= count_activate,
	.deactivate	= count_deactivate,
	.set_params	= count_set_params,
	.export_state	= count_export,
	.api		= VMSCHED_API,
	.version	= 1,
	.inst_size	= sizeof(struct count_inst),
	.pcpu_size	= sizeof(struct count_pcpu),
	.vcpu_size	= sizeof(struct count_vcpu),
	.name		= "count",
	.doc		= "counts how it is called",
	.owner		= THIS_MODULE,
};

static int __init count_module_init(void)
{
	return vmsched_register(&count_ops);
}
module_init(count_module_init);

static void __exit count_module_exit(void)
{
	vmsched_unregister(&count_ops);
}
module_exit(count_module_exit);

MODULE_DESCRIPTION("Scheduler that counts how it is called");
MODULE_LICENSE("GPL");
