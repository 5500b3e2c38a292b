// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of the scheduler of a pool of the model of the core, see core.h.
 */
#include "int.h"

/* Who waited longest comes first. */
static void sort_by_wait(struct pool *pool)
{
	int i, j;

	for (i = 1; i < pool->nr_vcpus; i++) {
		struct vms_vcpu *v = pool->vcpus[i];

		for (j = i; j && pool->vcpus[j - 1]->wait_from > v->wait_from; j--)
			pool->vcpus[j] = pool->vcpus[j - 1];
		pool->vcpus[j] = v;
	}
}

/* Who holds a pCPU, and for how long it may go on at most. */
static void note_holders(struct pool *pool)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct pcpu *pc = &pool->pcpus[cpu];

		pc->keeps_ns = pool_slice_left(pool, cpu);
		pc->keeps = pc->keeps_ns >= SLICE_MIN_NS ? pc->cur : NULL;
	}
}

/* As if Linux had decided until now: anybody may be the first that it runs. */
static void note_any(struct pool *pool)
{
	int i;

	for_each_possible_cpu(i)
		pool->pcpus[i].keeps = NULL;
	for (i = 0; i < pool->nr_vcpus; i++) {
		struct pcpu *pc = &pool->pcpus[pool->vcpus[i]->cpu];

		pc->keeps = pool->vcpus[i];
		pc->keeps_ns = U64_MAX;
	}
}

/* The others may still be queued in the old one, which nobody asks for more. */
static void bring(struct pool *pool, struct vms_vcpu *v)
{
	struct vmsched_inst *old = v->ent->inst;
	struct vmsched_vcpu *ent = v->ent;

	if (old == pool->inst)
		return;
	if (v->state == WAITING)
		old->ops->dequeue(old, ent, VMSCHED_WHY_LEAVE, pool->now);
	else
		v->wait_from = pool->now;
	if (v->executed > v->charged)
		old->ops->charge(old, ent, v->executed - v->charged, pool->now);
	v->charged = v->executed;
	old->ops->export_state(old, ent, &v->carry, pool->now);
	v->ent = v->next_ent;
	v->ent->cpu = v->cpu;
	v->next_ent = ent;
	core_import(pool, v);
	if (v->state != WAITING && v->state != GRANTED)
		return;
	core_set_state(pool, v, WAITING);
	sched_enqueue(pool, v, VMSCHED_WHY_IMPORT);
}

static void keep_holders(struct pool *pool)
{
	const struct vmsched_ops *ops = pool->inst->ops;
	int cpu;

	for_each_cpu(cpu, &pool->online) {
		struct pcpu *pc = &pool->pcpus[cpu];
		struct vms_vcpu *v = pc->keeps;
		u64 slice, most = pc->keeps_ns;

		if (!v || !ops->take)
			continue;
		bring(pool, v);
		if (v->state != WAITING)
			continue;
		slice = ops->take(pool->inst, v->ent, pool->now);
		check_slice(pool, cpu, v, slice);
		if (most != U64_MAX)
			slice = slice ? min(slice, most) : most;
		core_grant(pool, cpu, v, slice);
	}
}

/* Those that waited longest first, who had a pCPU and lost it with the last. */
static void bring_others(struct pool *pool)
{
	int i;

	sort_by_wait(pool);
	for (i = 0; i < pool->nr_vcpus; i++) {
		struct vms_vcpu *v = pool->vcpus[i];
		struct vmsched_vcpu *ent = v->ent;

		bring(pool, v);
		if (v->ent != ent && v->state == WAITING &&
		    pool->pcpus[v->cpu].cur)
			core_limit(pool, v);
	}
}

static void destroy_next(struct pool *pool)
{
	int i;

	for (i = 0; i < pool->nr_vcpus; i++) {
		if (pool->vcpus[i]->next_ent)
			ent_destroy(pool->vcpus[i]->next_ent);
		pool->vcpus[i]->next_ent = NULL;
	}
}

/* 0, or -1 if one is refused: then there is none. */
static int create_next(struct pool *pool, struct vmsched_inst *new)
{
	int i;

	for (i = 0; i < pool->nr_vcpus; i++) {
		pool->vcpus[i]->next_ent = ent_create(new, pool->vcpus[i]);
		if (!pool->vcpus[i]->next_ent) {
			destroy_next(pool);
			return -1;
		}
	}
	return 0;
}

/* A switch that is given up before anybody takes part in it. */
void pool_switch_fails(struct pool *pool, const struct vmsched_ops *ops)
{
	struct vmsched_inst *new = inst_create(pool, ops);

	if (!create_next(pool, new))
		destroy_next(pool);
	inst_destroy(new);
}

int pool_switch(struct pool *pool, const struct vmsched_ops *ops)
{
	struct vmsched_inst *old = pool->inst;
	struct vmsched_inst *new = inst_create(pool, ops);
	int i;

	if (create_next(pool, new)) {
		inst_destroy(new);
		return -1;
	}
	if (pool->now % 2)
		note_any(pool);
	else
		note_holders(pool);
	for_each_possible_cpu(i) {
		if (pool->pcpus[i].cur)
			core_charge(pool, pool->pcpus[i].cur);
		core_release(pool, i);
	}
	pool->inst = new;
	new->partial = true;
	ops->activate(new, pool->now);
	keep_holders(pool);
	/* Who goes on may run before the others come. */
	pool->now += pool->now % 3 * 10000;
	bring_others(pool);
	old->ops->deactivate(old, pool->now);
	new->partial = false;
	for_each_cpu(i, &pool->online)
		if (!pool->pcpus[i].cur)
			pool_resched(pool, i);
	destroy_next(pool);
	inst_destroy(old);
	core_settle_all(pool);
	return 0;
}
