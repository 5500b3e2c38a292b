// SPDX-License-Identifier: GPL-2.0
/*
 * vmsched_rr - round robin
 *
 * Each pCPU has a queue, first in, first out. Who has used up its slice goes
 * to the end. A pCPU whose queue is empty steals from the longest one.
 *
 * Units: ns. Complexity: O(1) to queue and pick, O(pCPUs) to steal.
 * Weakness: knows no weights, and a vCPU that wakes waits for all before it;
 * with queues of different length on two pCPUs the shares differ, because
 * only an idle pCPU steals.
 * Source: the oldest of all; what ACRN calls IORR, without its insertion of
 * woken vCPUs at the head of the queue, which rewards whoever sleeps most.
 */
#include <vmsched/sched.h>

/* Long against a switch (some us), short against what a person notices. */
#define RR_SLICE_NS	(5 * NSEC_PER_MSEC)

struct rr_pcpu {
	struct list_head queue;
	unsigned int queued;
};

struct rr_vcpu {
	struct list_head node;
	u64 used;	/* of the present slice */
	int queued_on;	/* pCPU in whose queue it is */
};

static struct rr_pcpu *rr_pcpu(struct vmsched_inst *inst, int cpu)
{
	return inst->pcpu[cpu];
}

static struct rr_vcpu *rr_vcpu(struct vmsched_vcpu *v)
{
	return (struct rr_vcpu *)v->priv;
}

static struct vmsched_vcpu *rr_of(struct rr_vcpu *r)
{
	return container_of((u64 *)r, struct vmsched_vcpu, priv[0]);
}

static u64 rr_slice(const struct vmsched_vcpu *v)
{
	return v->params.slice_us ? v->params.slice_us * (u64)NSEC_PER_USEC :
				    RR_SLICE_NS;
}

static void rr_enqueue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		       enum vmsched_why why, u64 now)
{
	struct rr_pcpu *q = rr_pcpu(inst, v->cpu);
	struct rr_vcpu *r = rr_vcpu(v);

	vmsched_list_add_tail(inst, &r->node, &q->queue);
	r->queued_on = v->cpu;
	q->queued++;
}

static void rr_dequeue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		       enum vmsched_why why, u64 now)
{
	struct rr_vcpu *r = rr_vcpu(v);

	vmsched_list_del(inst, &r->node);
	rr_pcpu(inst, r->queued_on)->queued--;
}

/* The first in the queue of @from that may run on @cpu. */
static struct vmsched_vcpu *rr_first(struct vmsched_inst *inst, int from,
				     int cpu)
{
	struct rr_vcpu *r;

	list_for_each_entry(r, &rr_pcpu(inst, from)->queue, node)
		if (cpumask_test_cpu(cpu, rr_of(r)->allowed))
			return rr_of(r);
	return NULL;
}

static struct vmsched_vcpu *rr_steal(struct vmsched_inst *inst, int cpu)
{
	struct vmsched_vcpu *best = NULL, *v;
	unsigned int longest = 0;
	int from;

	for_each_cpu(from, inst->cpus) {
		if (rr_pcpu(inst, from)->queued <= longest)
			continue;
		v = rr_first(inst, from, cpu);
		if (!v)
			continue;
		best = v;
		longest = rr_pcpu(inst, from)->queued;
	}
	return best;
}

/* @v, which is queued, gets @cpu. Returns its slice. */
static u64 rr_start(struct vmsched_inst *inst, struct vmsched_vcpu *v, int cpu,
		    u64 now)
{
	rr_dequeue(inst, v, VMSCHED_WHY_MOVE, now);
	rr_vcpu(v)->used = 0;
	return rr_pcpu(inst, cpu)->queued ? rr_slice(v) : 0;
}

static u64 rr_take(struct vmsched_inst *inst, struct vmsched_vcpu *v, u64 now)
{
	return rr_start(inst, v, v->cpu, now);
}

static struct vmsched_vcpu *rr_pick_next(struct vmsched_inst *inst, int cpu,
					 u64 now, u64 *slice)
{
	struct vmsched_vcpu *v;

	v = rr_first(inst, cpu, cpu);
	if (!v)
		v = rr_steal(inst, cpu);
	if (!v)
		return NULL;
	*slice = rr_start(inst, v, cpu, now);
	return v;
}

static void rr_charge(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		      u64 ran, u64 now)
{
	rr_vcpu(v)->used += ran;
}

static s64 rr_preempt_in(struct vmsched_inst *inst, int cpu,
			 struct vmsched_vcpu *cur, struct vmsched_vcpu *woken,
			 u64 now)
{
	u64 slice = rr_slice(cur);
	u64 used = rr_vcpu(cur)->used;

	return used < slice ? slice - used : 0;
}

static int rr_init(struct vmsched_inst *inst)
{
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_LIST_HEAD(&rr_pcpu(inst, cpu)->queue);
	return 0;
}

static int rr_vcpu_init(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	INIT_LIST_HEAD(&rr_vcpu(v)->node);
	return 0;
}

/* The slice is read when it begins, there is nothing to keep up to date. */
static void rr_set_params(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			  u64 now)
{
}

/* Everybody gets the same in turn: nobody is owed anything. */
static void rr_export_state(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			    struct vmsched_carry *carry, u64 now)
{
}

static const struct vmsched_ops rr_ops = {
	.pick_next	= rr_pick_next,
	.enqueue	= rr_enqueue,
	.dequeue	= rr_dequeue,
	.charge		= rr_charge,
	.preempt_in	= rr_preempt_in,
	.take		= rr_take,
	.init		= rr_init,
	.exit		= vmsched_no_exit,
	.vcpu_init	= rr_vcpu_init,
	.vcpu_exit	= vmsched_no_vcpu_exit,
	.activate	= vmsched_no_activate,
	.deactivate	= vmsched_no_activate,
	.set_params	= rr_set_params,
	.export_state	= rr_export_state,
	.api		= VMSCHED_API,
	.version	= 1,
	.honours	= VMSCHED_HONOURS_SLICE | VMSCHED_HONOURS_AFFINITY,
	.pcpu_size	= sizeof(struct rr_pcpu),
	.vcpu_size	= sizeof(struct rr_vcpu),
	.name		= "rr",
	.doc		= "round robin, equal slices in turn",
	.owner		= THIS_MODULE,
};

MODULE_DESCRIPTION("vmsched: round robin scheduler");
MODULE_AUTHOR("The vmsched authors");
MODULE_LICENSE("GPL");
MODULE_ALIAS("vmsched-sched-rr");
vmsched_module(rr_ops);
