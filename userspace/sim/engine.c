// SPDX-License-Identifier: GPL-2.0
/*
 * Discrete events: the end of a slice or of what a vCPU has to do, on a pCPU, and
 * the end of a vCPU's sleep. Nothing happens in between, so time goes from one to the
 * next. Events of the same instant come in the order in which they were set.
 */
#include <linux/rbtree.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define NEVER	U64_MAX

struct sim;

struct event {
	struct rb_node node;
	u64 at;
	u64 order;
	bool set;
	void (*happen)(struct sim *sim, struct event *event);
};

/* A vCPU and what it has to do */
struct task {
	struct event wake;
	struct vms_vcpu *v;
	struct pool *pool;
	const struct wl_vm *vm;
	const struct wl_replay *replay;	/* NULL if it draws what it does */
	size_t phase;
	struct stats *stats;
	unsigned int vm_nr;
	u64 rng;
	u64 until;	/* it pauses when it has executed that much */
	u64 due;	/* when it wakes next, or was to */
	u64 before;	/* executed before the warm-up was over */
	int last_cpu;
	bool woke;	/* and has not had a pCPU since */
};

struct sim_cpu {
	struct event timer;
	struct pool *pool;
	struct pool_result *result;
	struct task *last;	/* who has it, or had it last */
	u64 from;		/* since when */
	u64 to;			/* until when, if it does not any more */
};

struct sim {
	const struct workload *wl;
	struct result *result;
	struct record *record;
	struct rb_root_cached events;
	u64 now;
	u64 order;
	u64 happened;		/* events */
	bool counts;		/* the warm-up is over */
	struct pool *pools;
	struct sim_cpu *cpus;
	struct task *tasks;
};

static const struct sim *under_way;

const char *simulate_where(void)
{
	static char text[100];

	if (!under_way)
		return NULL;
	snprintf(text, sizeof(text), "scheduler %s after %llu ns",
		 under_way->result->ops->name, ull(under_way->now));
	return text;
}

/* Events */

static struct event *event_of(const struct rb_node *node)
{
	return rb_entry(node, struct event, node);
}

static bool earlier(struct rb_node *x, const struct rb_node *y)
{
	const struct event *a = event_of(x), *b = event_of(y);

	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void event_clear(struct sim *sim, struct event *event)
{
	if (event->set)
		rb_erase_cached(&event->node, &sim->events);
	event->set = false;
}

static void event_set(struct sim *sim, struct event *event, u64 at)
{
	event_clear(sim, event);
	event->at = at;
	event->order = sim->order++;
	event->set = true;
	rb_add_cached(&event->node, &sim->events, earlier);
}

/* All that happens before @end; then it is @end. */
static void run_until(struct sim *sim, u64 end)
{
	struct rb_node *first;
	struct event *event;

	while ((first = rb_first_cached(&sim->events))) {
		event = event_of(first);
		if (event->at >= end)
			break;
		sim->now = event->at;
		sim->happened++;
		event_clear(sim, event);
		event->happen(sim, event);
	}
	sim->now = end;
}

/* The clock of a pool is that of the simulation whenever the pool is called. */
static struct pool *at_now(struct sim *sim, struct pool *pool)
{
	pool->now = sim->now;
	return pool;
}

/* Counting */

static u64 counted(const struct sim *sim, u64 from, u64 to)
{
	from = max(from, sim->wl->warmup);
	return from < to ? to - from : 0;
}

/* @t has had a pCPU until now, or is still without one. */
static void count_wait(struct sim *sim, struct task *t)
{
	u64 ns = sim->now - t->v->wait_from;

	if (!sim->counts)
		return;
	hist_add(&t->stats->waits, ns);
	if (t->woke)
		hist_add(&t->stats->wakes, ns);
	t->stats->wait_ns += counted(sim, t->v->wait_from, sim->now);
}

/* Who had @cpu had it until its "to". */
static void count_span(struct sim *sim, int cpu)
{
	struct sim_cpu *c = &sim->cpus[cpu];

	if (!c->last)
		return;
	c->result->lost_ns += counted(sim, c->from, c->to);
	if (sim->record)
		record_add(sim->record, &(struct span) {
			.from = c->from, .to = c->to, .cpu = cpu,
			.vm = c->last->vm_nr, .vcpu = c->last->v->index });
}

/* What the core tells */

static u64 granted(struct pool *pool, struct vms_vcpu *v, int cpu)
{
	struct sim *sim = pool->user_data;
	struct sim_cpu *c = &sim->cpus[cpu];
	struct task *t = v->user_data;
	bool switches = c->last && c->last != t;

	/* Its slice is over, and it has the next one as well. */
	if (c->last == t && c->to == sim->now && v->wait_from == sim->now && !t->woke)
		return 0;
	count_span(sim, cpu);
	count_wait(sim, t);
	if (sim->counts) {
		t->stats->switches += switches;
		t->stats->migrations += t->last_cpu >= 0 && t->last_cpu != cpu;
	}
	t->last_cpu = cpu;
	t->woke = false;
	c->last = t;
	c->from = sim->now;
	return switches ? sim->wl->switch_cost : 0;
}

static void released(struct pool *pool, struct vms_vcpu *v, int cpu)
{
	struct sim *sim = pool->user_data;

	sim->cpus[cpu].to = sim->now;
}

static void timed(struct pool *pool, int cpu)
{
	struct sim *sim = pool->user_data;
	struct event *timer = &sim->cpus[cpu].timer;
	struct vms_vcpu *v = pool->pcpus[cpu].cur;
	u64 left;

	event_clear(sim, timer);
	left = pool_ask_in(pool, cpu);
	if (!v) {
		if (left < NEVER)
			event_set(sim, timer, sim->now + left);
		return;
	}
	left = min(left, ((struct task *)v->user_data)->until - v->executed);
	/* Neither the one nor the other has an end? */
	if (left < NEVER - v->executed)
		event_set(sim, timer, max(v->stamp, sim->now) + left);
}

static const struct watch watch = {
	.granted	= granted,
	.released	= released,
	.timed		= timed,
};

/* What vCPUs do */

static void begin(struct task *t)
{
	u64 run = t->replay ? t->replay->phases[t->phase].run :
			      dist_draw(&t->vm->run, &t->rng);

	t->until = run == NEVER ? NEVER : t->v->executed + run;
}

static void wake(struct sim *sim, struct event *event)
{
	struct task *t = container_of(event, struct task, wake);

	begin(t);
	t->woke = true;
	vcpu_runnable(at_now(sim, t->pool), t->v);
}

/* It has done what it had to do: until when does it pause? */
static u64 next_due(struct sim *sim, struct task *t)
{
	if (t->replay) {
		u64 sleep = t->replay->phases[t->phase++].sleep;

		return sleep == NEVER ? NEVER : sim->now + sleep;
	}
	if (!t->vm->every)
		return sim->now + dist_draw(&t->vm->sleep, &t->rng);
	if (t->due + t->vm->every < sim->now && sim->counts)
		t->stats->late++;
	return t->due + t->vm->every;
}

static void done(struct sim *sim, struct task *t, int cpu)
{
	t->due = next_due(sim, t);
	if (t->due <= sim->now) {
		begin(t);
		timed(t->pool, cpu);
		return;
	}
	event_set(sim, &t->wake, t->due);
	vcpu_stop(t->pool, t->v, HALTED);
}

static void expire(struct sim *sim, struct event *event)
{
	struct sim_cpu *c = container_of(event, struct sim_cpu, timer);
	struct pool *pool = at_now(sim, c->pool);
	int cpu = c - sim->cpus;
	struct vms_vcpu *v = pool->pcpus[cpu].cur;

	if (v)
		vcpu_settle(pool, v);
	if (v && v->executed == ((struct task *)v->user_data)->until)
		done(sim, v->user_data, cpu);
	else
		pool_resched(pool, cpu);
}

/* From the beginning to the end */

/* What counts; a profiler finds it by its name: see scripts/checks/sched. */
noinline void simulate_counted(struct sim *sim)
{
	run_until(sim, sim->wl->duration);
}

/* False if the scheduler refuses it. */
static bool add_task(struct sim *sim, struct task *t, unsigned int vm_nr, unsigned int index)
{
	const struct wl_vm *vm = &sim->wl->vms[vm_nr];

	t->vm = vm;
	t->vm_nr = vm_nr;
	t->stats = &sim->result->vms[vm_nr];
	t->pool = &sim->pools[vm->pool];
	t->wake.happen = wake;
	t->last_cpu = -1;
	/* What it does is the same under each scheduler. */
	t->rng = sim->wl->seed;
	t->rng = rng_next(&t->rng) ^ vm_nr;
	t->rng = rng_next(&t->rng) ^ index;
	t->replay = vm->replay ? &vm->replay[index] : NULL;
	t->v = vcpu_create(t->pool, vm_nr + 1, index,
			   t->replay ? &t->replay->params : &vm->params,
			   t->replay ? &t->replay->affinity : &vm->affinity);
	if (!t->v) {
		snprintf(sim->result->refused, sizeof(sim->result->refused),
			 "VM %s: vCPU %u %s", vm->name, index, core_refusal);
		return false;
	}
	t->v->user_data = t;
	t->due = t->replay ? t->replay->start : dist_draw(&vm->start, &t->rng);
	event_set(sim, &t->wake, t->due);
	return true;
}

static void add_pool(struct sim *sim, unsigned int nr)
{
	struct pool_result *result = &sim->result->pools[nr];
	struct pool *pool = &sim->pools[nr];
	int cpu;

	result->pool = &sim->wl->pools[nr];
	result->cpu_ns = cpumask_weight(&result->pool->cpus) * sim->result->time_ns;
	pool_init(pool, sim->result->ops, &result->pool->cpus, 0);
	pool->user_data = sim;
	pool->watch = &watch;
	for_each_cpu(cpu, &pool->cpus) {
		sim->cpus[cpu].pool = pool;
		sim->cpus[cpu].result = result;
		sim->cpus[cpu].timer.happen = expire;
	}
}

/* False if a VM is refused. */
static bool set_up(struct sim *sim)
{
	const struct workload *wl = sim->wl;
	unsigned int nr, index;
	struct task *t;

	nr_cpu_ids = wl->cpus;
	sim->events = RB_ROOT_CACHED;
	sim->pools = zalloc(wl->nr_pools * sizeof(*sim->pools));
	sim->cpus = zalloc(wl->cpus * sizeof(*sim->cpus));
	sim->tasks = zalloc(wl->nr_vcpus * sizeof(*sim->tasks));
	for (nr = 0; nr < wl->nr_pools; nr++)
		add_pool(sim, nr);
	for (nr = 0, t = sim->tasks; nr < wl->nr_vms; nr++)
		for (index = 0; index < wl->vms[nr].vcpus; index++)
			if (!add_task(sim, t++, nr, index))
				return false;
	return true;
}

static u64 decisions(const struct sim *sim)
{
	unsigned int nr;
	u64 sum = 0;

	for (nr = 0; nr < sim->wl->nr_pools; nr++)
		sum += sim->pools[nr].decisions;
	return sum;
}

static void begin_to_count(struct sim *sim)
{
	struct task *t;

	sim->counts = true;
	sim->result->decisions = decisions(sim);
	sim->result->events = sim->happened;
	for (t = sim->tasks; t < sim->tasks + sim->wl->nr_vcpus; t++) {
		vcpu_settle(at_now(sim, t->pool), t->v);
		t->before = t->v->executed;
	}
}

/* What is not over at the end */
static void count_task(struct sim *sim, struct task *t)
{
	vcpu_settle(at_now(sim, t->pool), t->v);
	t->stats->run_ns += t->v->executed - t->before;
	if (t->v->state == WAITING)
		count_wait(sim, t);
	if (t->vm->every && t->due < sim->now)
		t->stats->late += (sim->now - t->due - 1) / t->vm->every;
}

static void count_rest(struct sim *sim)
{
	struct task *t;
	unsigned int cpu;

	for (t = sim->tasks; t < sim->tasks + sim->wl->nr_vcpus; t++)
		count_task(sim, t);
	for (cpu = 0; cpu < sim->wl->cpus; cpu++) {
		struct sim_cpu *c = &sim->cpus[cpu];

		if (c->pool && c->pool->pcpus[cpu].cur)
			c->to = sim->now;
		count_span(sim, cpu);
	}
}

void stats_add(struct stats *to, const struct stats *from)
{
	to->run_ns += from->run_ns;
	to->wait_ns += from->wait_ns;
	to->switches += from->switches;
	to->migrations += from->migrations;
	to->late += from->late;
	hist_merge(&to->waits, &from->waits);
	hist_merge(&to->wakes, &from->wakes);
}

/* Of the time in which somebody had a pCPU, what was not executed is lost. */
static void sum_up(struct sim *sim)
{
	const struct workload *wl = sim->wl;
	struct result *result = sim->result;
	unsigned int nr;

	for (nr = 0; nr < wl->nr_vms; nr++)
		stats_add(&result->pools[wl->vms[nr].pool].stats, &result->vms[nr]);
	for (nr = 0; nr < wl->nr_pools; nr++)
		result->pools[nr].lost_ns -= result->pools[nr].stats.run_ns;
	result->decisions = decisions(sim) - result->decisions;
	result->events = sim->happened - result->events;
}

static void tear_down(struct sim *sim)
{
	unsigned int nr;

	for (nr = 0; nr < sim->wl->nr_pools; nr++)
		pool_exit(at_now(sim, &sim->pools[nr]));
	free(sim->pools);
	free(sim->cpus);
	free(sim->tasks);
}

void simulate(struct result *result, const struct workload *wl,
	      const struct vmsched_ops *ops, struct record *record)
{
	struct sim sim = { .wl = wl, .result = result, .record = record };

	*result = (struct result) {
		.wl = wl,
		.ops = ops,
		.time_ns = wl->duration - wl->warmup,
		.pools = zalloc(wl->nr_pools * sizeof(*result->pools)),
		.vms = zalloc(wl->nr_vms * sizeof(*result->vms)),
	};
	under_way = &sim;
	if (set_up(&sim)) {
		run_until(&sim, wl->warmup);
		begin_to_count(&sim);
		simulate_counted(&sim);
		count_rest(&sim);
		sum_up(&sim);
	}
	tear_down(&sim);
	under_way = NULL;
}

void stats_free(struct stats *stats)
{
	hist_free(&stats->waits);
	hist_free(&stats->wakes);
}

void result_free(struct result *result)
{
	unsigned int nr;

	for (nr = 0; nr < result->wl->nr_pools; nr++)
		stats_free(&result->pools[nr].stats);
	for (nr = 0; nr < result->wl->nr_vms; nr++)
		stats_free(&result->vms[nr]);
	free(result->pools);
	free(result->vms);
}
