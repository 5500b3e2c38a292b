// SPDX-License-Identifier: GPL-2.0
/*
 * The model of the core, see core.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

static void import(struct pool *pool, struct vms_vcpu *v)
{
	if (pool->inst->ops->vcpu_import)
		pool->inst->ops->vcpu_import(pool->inst, v->ent, &v->carry,
					     pool->now);
}

/* Calls of the scheduler */

static void charge(struct pool *pool, struct vms_vcpu *v)
{
	if (v->executed <= v->charged)
		return;
	pool->inst->ops->charge(pool->inst, v->ent, v->executed - v->charged,
				pool->now);
	v->charged = v->executed;
}

static void enqueue(struct pool *pool, struct vms_vcpu *v,
		    enum vmsched_why why)
{
	struct vms_vcpu *cur = pool->pcpus[v->cpu].cur;

	if (cur)
		charge(pool, cur);
	v->state = WAITING;
	v->wait_from = pool->now;
	pool->inst->ops->enqueue(pool->inst, v->ent, why, pool->now);
}

static void dequeue(struct pool *pool, struct vms_vcpu *v,
		    enum vmsched_why why)
{
	pool->inst->ops->dequeue(pool->inst, v->ent, why, pool->now);
}

static void place(struct pool *pool, struct vms_vcpu *v, int cpu)
{
	if (v->cpu >= 0)
		pool->pcpus[v->cpu].homed--;
	v->cpu = cpu;
	if (cpu >= 0)
		pool->pcpus[cpu].homed++;
	if (v->ent)
		v->ent->cpu = cpu;
}

static int pick_home(const struct pool *pool, const struct vms_vcpu *v)
{
	int best = -1, cpu;

	for_each_cpu(cpu, &v->allowed)
		if (best < 0 ||
		    pool->pcpus[cpu].homed < pool->pcpus[best].homed)
			best = cpu;
	return best;
}

static void release(struct pcpu *pc)
{
	pc->cur = NULL;
	pc->slice_ns = 0;
}

static struct vms_vcpu *pick(struct pool *pool, int cpu, u64 *slice)
{
	struct vmsched_vcpu *ent;
	struct vms_vcpu *v;

	*slice = 0;
	ent = pool->inst->ops->pick_next(pool->inst, cpu, pool->now, slice);
	if (!ent) {
		check_none(pool, cpu);
		return NULL;
	}
	v = ent->core;
	if (ent != v->ent || ent->inst != pool->inst)
		broken("pick_next() answers another instance's vCPU");
	if (v->state != WAITING)
		broken("vCPU %u picked in state %d", v->index, v->state);
	if (!cpumask_test_cpu(cpu, &v->allowed))
		broken("vCPU %u picked for %d, outside its mask", v->index, cpu);
	check_slice(pool, cpu, v, *slice);
	return v;
}

static void grant(struct pool *pool, int cpu, struct vms_vcpu *v, u64 slice)
{
	struct pcpu *pc = &pool->pcpus[cpu];

	pc->cur = v;
	pc->slice_ns = slice ? max_t(u64, slice, SLICE_MIN_NS) : 0;
	pc->slice_base = v->executed;
	v->state = GRANTED;
	if (v->cpu != cpu)
		place(pool, v, cpu);
}

static bool fill_idle(struct pool *pool, int cpu)
{
	struct vms_vcpu *v;
	u64 slice;

	v = pick(pool, cpu, &slice);
	if (v)
		grant(pool, cpu, v, slice);
	return v;
}

static bool offer_to_idle(struct pool *pool, struct vms_vcpu *v)
{
	int cpu;

	for_each_cpu(cpu, &v->allowed)
		if (is_online(pool, cpu) && !pool->pcpus[cpu].cur &&
		    fill_idle(pool, cpu) && v->state == GRANTED)
			return true;
	return false;
}

void pool_resched(struct pool *pool, int cpu)
{
	struct pcpu *pc = &pool->pcpus[cpu];
	struct vms_vcpu *prev = pc->cur;

	if (!is_online(pool, cpu))
		return;
	if (prev) {
		charge(pool, prev);
		release(pc);
		enqueue(pool, prev, VMSCHED_WHY_REQUEUE);
	}
	fill_idle(pool, cpu);
	if (prev && pc->cur != prev)
		offer_to_idle(pool, prev);
}

static s64 preempt_in(struct pool *pool, struct vms_vcpu *v)
{
	const struct vmsched_ops *ops = pool->inst->ops;
	struct pcpu *pc = &pool->pcpus[v->cpu];
	s64 in = pc->slice_ns ? VMSCHED_NEVER : 0;

	charge(pool, pc->cur);
	if (ops->preempt_in)
		in = ops->preempt_in(pool->inst, v->cpu, pc->cur->ent, v->ent,
				     pool->now);
	if (in < 0)
		broken("%s() answers %lld", __func__, (long long)in);
	if (in == VMSCHED_NEVER && !pc->slice_ns)
		broken("vCPU %u waits for ever", v->index);
	return in;
}

static void shorten(struct pcpu *pc, s64 in)
{
	u64 used = pc->cur->executed - pc->slice_base;

	if (in == VMSCHED_NEVER)
		return;
	in = max_t(u64, in, SLICE_MIN_NS);
	if (!pc->slice_ns || used + in < pc->slice_ns)
		pc->slice_ns = used + in;
}

static void preempt(struct pool *pool, struct vms_vcpu *v)
{
	s64 in = preempt_in(pool, v);

	if (in == 0)
		pool_resched(pool, v->cpu);
	else
		shorten(&pool->pcpus[v->cpu], in);
}

/* More may follow, so nobody is chosen yet. */
static void limit(struct pool *pool, struct vms_vcpu *v)
{
	shorten(&pool->pcpus[v->cpu], preempt_in(pool, v));
}

static void dispatch(struct pool *pool, struct vms_vcpu *v)
{
	if (!pool->pcpus[v->cpu].cur)
		pool_resched(pool, v->cpu);
	if (v->state != WAITING || offer_to_idle(pool, v))
		return;
	if (pool->pcpus[v->cpu].cur)
		preempt(pool, v);
}

void vcpu_runnable(struct pool *pool, struct vms_vcpu *v)
{
	enum vmsched_why why = v->state == HALTED ? VMSCHED_WHY_WAKE :
						    VMSCHED_WHY_ENTER;

	if (v->state == WAITING || v->state == GRANTED)
		return;
	charge(pool, v);
	enqueue(pool, v, why);
	dispatch(pool, v);
}

void vcpu_stop(struct pool *pool, struct vms_vcpu *v, enum state state)
{
	const struct vmsched_ops *ops = pool->inst->ops;
	struct pcpu *pc = &pool->pcpus[v->cpu];
	enum state old = v->state;

	v->state = state;
	if (old == OFF || old == HALTED)
		return;
	if (old == WAITING)
		dequeue(pool, v, VMSCHED_WHY_LEAVE);
	charge(pool, v);
	if (ops->block)
		ops->block(pool->inst, v->ent, pool->now);
	if (pc->cur == v) {
		release(pc);
		pool_resched(pool, v->cpu);
	}
}

static void move_home(struct pool *pool, struct vms_vcpu *v)
{
	struct pcpu *pc = &pool->pcpus[v->cpu];
	int old = v->cpu;

	if (v->state == OFF || v->state == HALTED) {
		place(pool, v, pick_home(pool, v));
		return;
	}
	if (v->state == WAITING)
		dequeue(pool, v, VMSCHED_WHY_MOVE);
	charge(pool, v);
	if (pc->cur == v)
		release(pc);
	place(pool, v, pick_home(pool, v));
	enqueue(pool, v, VMSCHED_WHY_MOVE);
	dispatch(pool, v);
	if (!pc->cur)
		pool_resched(pool, old);
}

static u64 effective_mask(const struct pool *pool, const struct vms_vcpu *v)
{
	return v->user.bits & pool->online.bits ?: pool->online.bits;
}

static void refresh(struct pool *pool, struct vms_vcpu *v)
{
	v->allowed.bits = effective_mask(pool, v);
	if (!cpumask_test_cpu(v->cpu, &v->allowed))
		move_home(pool, v);
	else if (v->state == WAITING)
		offer_to_idle(pool, v);
}

void vcpu_set_user_mask(struct pool *pool, struct vms_vcpu *v, u64 user)
{
	v->user.bits = user;
	refresh(pool, v);
}

void vcpu_set_params(struct pool *pool, struct vms_vcpu *v,
		     const struct vmsched_params *params)
{
	if (v->state == GRANTED)
		charge(pool, v);
	v->params = *params;
	v->ent->params = *params;
	pool->inst->ops->set_params(pool->inst, v->ent, pool->now);
}

struct vms_vcpu *vcpu_create(struct pool *pool,
			     const struct vmsched_params *params, u64 user)
{
	struct vms_vcpu *v = zalloc(sizeof(*v));
	static u32 index;

	v->index = index++;
	v->params = *params;
	v->user.bits = user;
	v->allowed.bits = effective_mask(pool, v);
	v->cpu = -1;
	place(pool, v, pick_home(pool, v));
	v->ent = ent_create(pool->inst, v);
	pool->vcpus[pool->nr_vcpus++] = v;
	import(pool, v);
	return v;
}

void vcpu_destroy(struct pool *pool, struct vms_vcpu *v)
{
	int i;

	vcpu_stop(pool, v, OFF);
	for (i = 0; pool->vcpus[i] != v; i++)
		;
	pool->vcpus[i] = pool->vcpus[--pool->nr_vcpus];
	place(pool, v, -1);
	ent_destroy(v->ent);
	free(v);
}

void pool_online(struct pool *pool, int cpu, bool online)
{
	int i;

	if (online)
		pool->online.bits |= 1ULL << cpu;
	else
		pool->online.bits &= ~(1ULL << cpu);
	for (i = 0; i < pool->nr_vcpus; i++)
		refresh(pool, pool->vcpus[i]);
}

/* Pools */

void pool_init(struct pool *pool, const struct vmsched_ops *ops, int cpus,
	       u64 now)
{
	memset(pool, 0, sizeof(*pool));
	nr_cpu_ids = cpus;
	pool->online.bits = (1ULL << cpus) - 1;
	pool->now = now;
	pool->inst = inst_create(pool, ops);
	ops->activate(pool->inst, now);
}

void pool_exit(struct pool *pool)
{
	while (pool->nr_vcpus)
		vcpu_destroy(pool, pool->vcpus[0]);
	pool->inst->ops->deactivate(pool->inst, pool->now);
	inst_destroy(pool->inst);
}

static void run_for(struct pool *pool, u64 ns)
{
	int cpu;

	pool->now += ns;
	for_each_cpu(cpu, &pool->online)
		if (pool->pcpus[cpu].cur)
			pool->pcpus[cpu].cur->executed += ns;
}

static u64 slice_left(const struct pcpu *pc)
{
	u64 used;

	if (!pc->cur || !pc->slice_ns)
		return U64_MAX;
	used = pc->cur->executed - pc->slice_base;
	return pc->slice_ns > used ? pc->slice_ns - used : 0;
}

/* Let time pass, and slices end in it; a timer may be late in a long time. */
void pool_advance(struct pool *pool, u64 ns)
{
	int cpu, ends;

	for (ends = 0; ns && ends < 2000; ends++) {
		u64 step = ns;

		for_each_cpu(cpu, &pool->online)
			step = min(step, slice_left(&pool->pcpus[cpu]));
		run_for(pool, step);
		ns -= step;
		for_each_cpu(cpu, &pool->online)
			if (!slice_left(&pool->pcpus[cpu]))
				pool_resched(pool, cpu);
	}
	run_for(pool, ns);
}

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

		pc->keeps_ns = slice_left(pc);
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
	import(pool, v);
	if (v->state != WAITING && v->state != GRANTED)
		return;
	v->state = WAITING;
	pool->inst->ops->enqueue(pool->inst, v->ent, VMSCHED_WHY_IMPORT,
				 pool->now);
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
		grant(pool, cpu, v, slice);
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
			limit(pool, v);
	}
}

/* A switch that is given up before anybody takes part in it. */
void pool_switch_fails(struct pool *pool, const struct vmsched_ops *ops)
{
	struct vmsched_inst *new = inst_create(pool, ops);
	int i;

	for (i = 0; i < pool->nr_vcpus; i++)
		ent_destroy(ent_create(new, pool->vcpus[i]));
	inst_destroy(new);
}

void pool_switch(struct pool *pool, const struct vmsched_ops *ops)
{
	struct vmsched_inst *old = pool->inst;
	struct vmsched_inst *new = inst_create(pool, ops);
	int i;

	for (i = 0; i < pool->nr_vcpus; i++)
		pool->vcpus[i]->next_ent = ent_create(new, pool->vcpus[i]);
	if (pool->now % 2)
		note_any(pool);
	else
		note_holders(pool);
	for_each_possible_cpu(i) {
		if (pool->pcpus[i].cur)
			charge(pool, pool->pcpus[i].cur);
		release(&pool->pcpus[i]);
	}
	pool->inst = new;
	new->partial = true;
	ops->activate(new, pool->now);
	keep_holders(pool);
	/* Who goes on may run before the others come. */
	run_for(pool, pool->now % 3 * 10000);
	bring_others(pool);
	old->ops->deactivate(old, pool->now);
	new->partial = false;
	for_each_cpu(i, &pool->online)
		if (!pool->pcpus[i].cur)
			pool_resched(pool, i);
	for (i = 0; i < pool->nr_vcpus; i++)
		ent_destroy(pool->vcpus[i]->next_ent);
	inst_destroy(old);
}
