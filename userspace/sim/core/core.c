// SPDX-License-Identifier: GPL-2.0
/*
 * The model of the core: who holds which pCPU, see core.h.
 *
 * What a vCPU has executed is counted when somebody asks: a pCPU where nothing
 * happens costs nothing, however many there are.
 */
#include "int.h"

static bool is_running(const struct pool *pool, const struct vms_vcpu *v)
{
	return v->cpu >= 0 && pool->pcpus[v->cpu].cur == v;
}

void vcpu_settle(struct pool *pool, struct vms_vcpu *v)
{
	/* Tests let the clock wrap. */
	if (!is_running(pool, v) || (s64)(pool->now - v->stamp) <= 0)
		return;
	v->executed += pool->now - v->stamp;
	v->stamp = pool->now;
}

/* For users that look at what each has executed. */
void core_settle_all(struct pool *pool)
{
	int cpu;

	for_each_cpu(cpu, &pool->online)
		if (pool->pcpus[cpu].cur)
			vcpu_settle(pool, pool->pcpus[cpu].cur);
}

void core_import(struct pool *pool, struct vms_vcpu *v)
{
	if (pool->inst->ops->vcpu_import)
		pool->inst->ops->vcpu_import(pool->inst, v->ent, &v->carry,
					     pool->now);
}

void core_charge(struct pool *pool, struct vms_vcpu *v)
{
	vcpu_settle(pool, v);
	if (v->executed <= v->charged)
		return;
	sched_charge(pool, v, v->executed - v->charged);
	v->charged = v->executed;
}

/* Who waits is in the pool's list, and counted by the pCPU. */
void core_set_state(struct pool *pool, struct vms_vcpu *v, enum state state)
{
	if (v->state == WAITING) {
		list_del_init(&v->wait_node);
		pool->pcpus[v->cpu].waiting--;
	}
	v->state = state;
	if (state == WAITING) {
		list_add_tail(&v->wait_node, &pool->waiting);
		pool->pcpus[v->cpu].waiting++;
	}
}

/* Let the scheduler say in which queue it wants @v. */
static void select_cpu(struct pool *pool, struct vms_vcpu *v)
{
	int cpu;

	if (!pool->inst->ops->select_cpu)
		return;
	cpu = pool->inst->ops->select_cpu(pool->inst, v->ent, pool->now);
	if (cpu < 0 || cpu >= (int)nr_cpu_ids || !cpumask_test_cpu(cpu, &v->allowed))
		broken("%s() answers %d, where vCPU %u may not run", __func__, cpu,
		       v->index);
	if (cpu != v->cpu)
		core_place(pool, v, cpu);
}

static void enqueue(struct pool *pool, struct vms_vcpu *v,
		    enum vmsched_why why)
{
	struct vms_vcpu *cur = pool->pcpus[v->cpu].cur;

	if (cur)
		core_charge(pool, cur);
	core_set_state(pool, v, WAITING);
	v->wait_from = pool->now;
	sched_enqueue(pool, v, why);
}

/* The queue of @v is that of @cpu from now on; it does not wait. */
void core_place(struct pool *pool, struct vms_vcpu *v, int cpu)
{
	if (v->cpu >= 0)
		pool->pcpus[v->cpu].homed--;
	v->cpu = cpu;
	if (cpu >= 0)
		pool->pcpus[cpu].homed++;
	if (v->ent)
		v->ent->cpu = cpu;
}

static void tell_timed(struct pool *pool, int cpu)
{
	if (pool->watch)
		pool->watch->timed(pool, cpu);
}

void core_release(struct pool *pool, int cpu)
{
	struct pcpu *pc = &pool->pcpus[cpu];
	struct vms_vcpu *v = pc->cur;

	if (v)
		vcpu_settle(pool, v);
	pc->cur = NULL;
	pc->slice_ns = 0;
	pc->ask_at = U64_MAX;
	if (is_online(pool, cpu))
		cpumask_set_cpu(cpu, &pool->idle);
	if (v && pool->watch)
		pool->watch->released(pool, v, cpu);
	tell_timed(pool, cpu);
}

static struct vms_vcpu *pick(struct pool *pool, int cpu, u64 *slice)
{
	struct vmsched_vcpu *ent;
	struct vms_vcpu *v;

	*slice = 0;
	ent = sched_pick_next(pool, cpu, slice);
	if (!ent) {
		check_none(pool, cpu, *slice);
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

void core_grant(struct pool *pool, int cpu, struct vms_vcpu *v, u64 slice)
{
	struct pcpu *pc = &pool->pcpus[cpu];

	core_set_state(pool, v, GRANTED);
	if (v->cpu != cpu)
		core_place(pool, v, cpu);
	pc->cur = v;
	pc->slice_ns = slice ? max_t(u64, slice, SLICE_MIN_NS) : 0;
	pc->slice_base = v->executed;
	cpumask_clear_cpu(cpu, &pool->idle);
	v->stamp = pool->now;
	if (pool->watch)
		v->stamp += pool->watch->granted(pool, v, cpu);
	tell_timed(pool, cpu);
}

static bool fill_idle(struct pool *pool, int cpu)
{
	struct vms_vcpu *v;
	u64 slice;

	v = pick(pool, cpu, &slice);
	if (v) {
		core_grant(pool, cpu, v, slice);
		return true;
	}
	pool->pcpus[cpu].ask_at = slice ? pool->now + slice : U64_MAX;
	tell_timed(pool, cpu);
	return false;
}

/* Let idle pCPUs look for work while @v waits. True if it was taken. */
bool core_offer(struct pool *pool, struct vms_vcpu *v)
{
	int cpu;

	for_each_cpu_and(cpu, &v->allowed, &pool->idle)
		if (fill_idle(pool, cpu) && v->state == GRANTED)
			return true;
	return false;
}

/* Decide anew who holds a pCPU. */
void pool_resched(struct pool *pool, int cpu)
{
	struct pcpu *pc = &pool->pcpus[cpu];
	struct vms_vcpu *prev = pc->cur;

	if (!is_online(pool, cpu))
		return;
	if (prev) {
		core_charge(pool, prev);
		core_release(pool, cpu);
		enqueue(pool, prev, VMSCHED_WHY_REQUEUE);
	}
	fill_idle(pool, cpu);
	if (prev && pc->cur != prev)
		core_offer(pool, prev);
}

/* What is left of the slice of @cpu, from the time on that its holder executes. */
u64 pool_slice_left(struct pool *pool, int cpu)
{
	const struct pcpu *pc = &pool->pcpus[cpu];
	u64 used;

	if (!pc->cur || !pc->slice_ns)
		return U64_MAX;
	vcpu_settle(pool, pc->cur);
	used = pc->cur->executed - pc->slice_base;
	return pc->slice_ns > used ? pc->slice_ns - used : 0;
}

u64 pool_ask_in(struct pool *pool, int cpu)
{
	const struct pcpu *pc = &pool->pcpus[cpu];

	if (pc->cur)
		return pool_slice_left(pool, cpu);
	if (pc->ask_at == U64_MAX)
		return U64_MAX;
	return (s64)(pc->ask_at - pool->now) > 0 ? pc->ask_at - pool->now : 0;
}

static s64 preempt_in(struct pool *pool, struct vms_vcpu *v)
{
	struct pcpu *pc = &pool->pcpus[v->cpu];
	s64 in = pc->slice_ns ? VMSCHED_NEVER : 0;

	core_charge(pool, pc->cur);
	if (pool->inst->ops->preempt_in)
		in = sched_preempt_in(pool, v->cpu, pc->cur, v);
	if (in < 0)
		broken("%s() answers %lld", __func__, (long long)in);
	if (in == VMSCHED_NEVER && !pc->slice_ns)
		broken("vCPU %u waits for ever", v->index);
	return in;
}

static void shorten(struct pool *pool, int cpu, s64 in)
{
	struct pcpu *pc = &pool->pcpus[cpu];
	u64 used = pc->cur->executed - pc->slice_base;

	if (in == VMSCHED_NEVER)
		return;
	in = max_t(u64, in, SLICE_MIN_NS);
	if (pc->slice_ns && used + in >= pc->slice_ns)
		return;
	pc->slice_ns = used + in;
	tell_timed(pool, cpu);
}

static void preempt(struct pool *pool, struct vms_vcpu *v)
{
	s64 in = preempt_in(pool, v);

	if (in == 0)
		pool_resched(pool, v->cpu);
	else
		shorten(pool, v->cpu, in);
}

/* More may follow, so nobody is chosen yet. */
void core_limit(struct pool *pool, struct vms_vcpu *v)
{
	shorten(pool, v->cpu, preempt_in(pool, v));
}

static void dispatch(struct pool *pool, struct vms_vcpu *v)
{
	if (!pool->pcpus[v->cpu].cur)
		pool_resched(pool, v->cpu);
	if (v->state != WAITING || core_offer(pool, v))
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
	core_charge(pool, v);
	select_cpu(pool, v);
	enqueue(pool, v, why);
	dispatch(pool, v);
}

void vcpu_stop(struct pool *pool, struct vms_vcpu *v, enum state state)
{
	enum state old = v->state;

	core_set_state(pool, v, state);
	if (old == OFF || old == HALTED)
		return;
	if (old == WAITING)
		sched_dequeue(pool, v, VMSCHED_WHY_LEAVE);
	core_charge(pool, v);
	sched_block(pool, v);
	if (is_running(pool, v)) {
		core_release(pool, v->cpu);
		pool_resched(pool, v->cpu);
	}
}

/* Take @v off its pCPU, where it may not be any more. */
void core_move(struct pool *pool, struct vms_vcpu *v, int cpu)
{
	int old = v->cpu;

	if (v->state == OFF || v->state == HALTED) {
		core_place(pool, v, cpu);
		return;
	}
	if (v->state == WAITING)
		sched_dequeue(pool, v, VMSCHED_WHY_MOVE);
	core_charge(pool, v);
	if (is_running(pool, v))
		core_release(pool, old);
	core_set_state(pool, v, OFF);
	core_place(pool, v, cpu);
	enqueue(pool, v, VMSCHED_WHY_MOVE);
	dispatch(pool, v);
	if (!pool->pcpus[old].cur)
		pool_resched(pool, old);
}
