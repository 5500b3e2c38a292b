// SPDX-License-Identifier: GPL-2.0
/*
 * Periods and budgets: whoever is admitted gets its budget in each period, and no
 * more of it, whatever the others do; and who is not admitted changes nothing.
 * Tasks have a job to do from time to time, in periods or more seldom.
 */
#include <string.h>

#include "tests.h"

#define MAX_TASKS	24
#define PERMILLE	1000
#define MS		((u64)NSEC_PER_MSEC)
#define US		((u64)NSEC_PER_USEC)

struct task {
	struct vms_vcpu *v;
	u64 budget;
	u64 period;
	u64 work;	/* of a job, U64_MAX for one without end */
	u64 came;	/* when the job under way did */
	u64 next;	/* when the next one comes */
	u64 until;	/* it is done when that is executed */
	u64 since;	/* when the first one came */
	bool busy;
	bool unruly;	/* jobs of any length come at any time */
};

struct set {
	struct pool pool;
	struct task tasks[MAX_TASKS];
	int n;
	int greedy;	/* tasks that want more than their budgets */
	bool sporadic;	/* jobs may come later than a period after the last */
};

static struct vmsched_params reservation(u32 period_us, u32 budget_us, bool critical)
{
	return (struct vmsched_params) {
		.weight = VMSCHED_WEIGHT_DFL,
		.period_us = period_us,
		.budget_us = budget_us,
		.time_critical = critical,
	};
}

static void set_init(struct set *s, const struct vmsched_ops *ops, int cpus)
{
	memset(s, 0, sizeof(*s));
	bed_init(&s->pool, ops, cpus, any() >> 1);
	s->sporadic = below(2);
}

/* False if it is refused. */
static bool add_task(struct set *s, const struct vmsched_params *p, u64 mask)
{
	struct task *t = &s->tasks[s->n];

	t->v = add_vcpu(&s->pool, p, mask);
	if (!t->v)
		return false;
	vcpu_stop(&s->pool, t->v, HALTED);
	t->period = p->period_us * US;
	t->budget = p->budget_us * US;
	t->work = t->budget;
	t->next = s->pool.now + below(t->period);
	t->since = t->next;
	s->n++;
	return true;
}

static void add_spinners(struct set *s, int n)
{
	struct vmsched_params p = { .weight = VMSCHED_WEIGHT_DFL };

	while (n--)
		vcpu_runnable(&s->pool, add_vcpu(&s->pool, &p, ~0ULL));
}

/*
 * Who goes on beyond its budget may do so for the rest of the shortest slice, and
 * keep the others from theirs.
 */
static u64 tolerance(const struct set *s)
{
	return s->greedy * SLICE_MIN_NS;
}

static void job_done(struct set *s, struct task *t)
{
	if (t->unruly)
		t->next = s->pool.now + some_up_to(2 * t->period);
	else if (s->pool.now - t->came > t->period + tolerance(s))
		broken("a job of %llu us is done after %llu ns, not %llu",
		       (unsigned long long)(t->work / US),
		       (unsigned long long)(s->pool.now - t->came),
		       (unsigned long long)t->period);
	t->busy = false;
	vcpu_stop(&s->pool, t->v, HALTED);
}

static void job_comes(struct set *s, struct task *t)
{
	if (t->busy)
		broken("a job of %llu us in %llu is not done when the next one comes",
		       (unsigned long long)(t->work / US),
		       (unsigned long long)(t->period / US));
	t->busy = true;
	t->came = t->next;
	if (t->unruly)
		t->work = some_up_to(2 * t->budget);
	t->until = t->work == U64_MAX ? U64_MAX : t->v->executed + t->work;
	if (t->unruly || t->work == U64_MAX)
		t->next = s->pool.now - 1;
	else
		t->next += t->period + (s->sporadic ? some_up_to(t->period) : 0);
	vcpu_runnable(&s->pool, t->v);
}

/* Time until something happens, at most @most */
static u64 next_step(struct set *s, u64 most)
{
	struct pool *pool = &s->pool;
	struct task *t;
	int cpu;

	for (t = s->tasks; t < s->tasks + s->n; t++) {
		most = min(most, t->next - pool->now);
		if (t->v->state == GRANTED)
			most = min(most, t->until - t->v->executed);
	}
	for_each_cpu(cpu, &pool->online)
		most = min(most, pool_ask_in(pool, cpu));
	return most;
}

/* What is done at an instant is done before something new comes. */
static void happen(struct set *s)
{
	struct pool *pool = &s->pool;
	struct task *t;
	int cpu;

	for (t = s->tasks; t < s->tasks + s->n; t++)
		if (t->busy && t->v->executed == t->until)
			job_done(s, t);
	for (t = s->tasks; t < s->tasks + s->n; t++)
		if (t->next == pool->now)
			job_comes(s, t);
	for_each_cpu(cpu, &pool->online)
		if (!pool_ask_in(pool, cpu))
			pool_resched(pool, cpu);
}

/* A budget in each whole period; and without extra time, no more than its rate. */
static void check_greedy(struct set *s, const struct task *t)
{
	u64 periods, least, most;

	if (s->pool.now - t->since > S64_MAX || (t->work != U64_MAX && !t->unruly))
		return;
	periods = (s->pool.now - t->since) / t->period;
	least = periods * t->budget;
	if (!t->unruly && t->v->executed + tolerance(s) < least)
		broken("%llu us in %llu: has %llu ns after %llu periods",
		       (unsigned long long)(t->budget / US),
		       (unsigned long long)(t->period / US),
		       (unsigned long long)t->v->executed, (unsigned long long)periods);
	most = least + (1 + t->unruly) * t->budget + 2 * SLICE_MIN_NS;
	if (t->v->params.time_critical && t->v->executed > most)
		broken("%llu us in %llu: has %llu ns after %llu periods, too much",
		       (unsigned long long)(t->budget / US),
		       (unsigned long long)(t->period / US),
		       (unsigned long long)t->v->executed, (unsigned long long)periods);
}

static void run_set(struct set *s, u64 ns)
{
	u64 end = s->pool.now + ns;
	int i;

	happen(s);
	while (s->pool.now < end) {
		s->pool.now += next_step(s, end - s->pool.now);
		for (i = 0; i < (int)nr_cpu_ids; i++)
			if (s->pool.pcpus[i].cur)
				vcpu_settle(&s->pool, s->pool.pcpus[i].cur);
		for (i = 0; i < s->n; i++)
			check_greedy(s, &s->tasks[i]);
		happen(s);
	}
}

/* Two of @permille at least, so that budgets are 100 us or more. */
static u32 some_period_us(void)
{
	return 50000 + 1000 * some_up_to(below(4) ? 50 : 1000);
}

/* Tasks that need just so much of a pCPU together */
static void fill(struct set *s, u32 permille, bool greedy)
{
	while (permille) {
		u32 part = s->n == MAX_TASKS - 1 || permille < 4 ? permille :
			   2 + below(permille - 3);
		u32 period_us = some_period_us();
		struct vmsched_params p;

		p = reservation(period_us, period_us / PERMILLE * part, below(2));
		if (!add_task(s, &p, ~0ULL))
			broken("%u of %u permille are refused: %s", part, permille,
			       core_refusal);
		permille -= part;
		if (greedy && below(2)) {
			s->tasks[s->n - 1].work = U64_MAX;
			s->tasks[s->n - 1].unruly = below(2);
			s->greedy++;
		}
	}
}

/* All of a pCPU, or less; beside spinners, to whom nothing is promised. */
static void test_one(const struct vmsched_ops *ops, bool greedy)
{
	struct set s;

	set_init(&s, ops, 1);
	fill(&s, below(2) ? PERMILLE : 100 + below(900), greedy);
	add_spinners(&s, below(4));
	run_set(&s, 10 * NSEC_PER_SEC);
	pool_exit(&s.pool);
}

void test_deadlines(const struct vmsched_ops *ops)
{
	test_one(ops, false);
}

/* Some are greedy, and the others do not suffer. */
void test_budgets(const struct vmsched_ops *ops)
{
	test_one(ops, true);
}

static u64 bandwidth_ppb(const struct vmsched_params *p)
{
	return p->budget_us * (u64)NSEC_PER_SEC / p->period_us;
}

/* The test of Goossens, Funk and Baruah for global EDF; any must admit as much. */
static bool fits_anyhow(u64 sum, u64 largest)
{
	return sum <= nr_cpu_ids * (u64)NSEC_PER_SEC - (nr_cpu_ids - 1) * largest;
}

/* As many as are admitted, on several pCPUs, some of them bound */
void test_crowds(const struct vmsched_ops *ops)
{
	u64 sum = 0, largest = 0;
	bool bound = below(2);
	struct set s;

	set_init(&s, ops, 2 + below(4));
	while (s.n < MAX_TASKS) {
		u32 period_us = some_period_us();
		struct vmsched_params p;

		p = reservation(period_us, period_us / PERMILLE * (2 + below(700)),
				below(2));
		sum += bandwidth_ppb(&p);
		largest = max(largest, bandwidth_ppb(&p));
		if (add_task(&s, &p, bound ? any() | 1 << below(nr_cpu_ids) : ~0ULL)) {
			if (below(4))
				continue;
			s.tasks[s.n - 1].work = U64_MAX;
			s.greedy++;
			continue;
		}
		if (!bound && fits_anyhow(sum, largest))
			broken("%u us of %u are refused, though they fit: %s",
			       p.budget_us, p.period_us, core_refusal);
		break;
	}
	add_spinners(&s, below(2 * nr_cpu_ids));
	run_set(&s, 3 * NSEC_PER_SEC);
	pool_exit(&s.pool);
}

/*
 * One sleeps for most of its period, and wants all of its budget at the end of that and
 * the next one at once. Another one, whose job comes just then, must not miss it.
 */
void test_late_sleeper(const struct vmsched_ops *ops)
{
	u32 period_us = 2000 * (5 + below(50));
	struct vmsched_params p = reservation(period_us, period_us / 2, below(2));
	u64 period = period_us * US, had;
	struct vms_vcpu *sleeper, *other;
	struct pool pool;
	int step;

	bed_init(&pool, ops, 1, any() >> 1);
	sleeper = add_vcpu(&pool, &p, 1);
	p = reservation(period_us * 3 / 2, period_us * 3 / 4, true);
	other = add_vcpu(&pool, &p, 1);
	for (step = 0; step < 100; step++) {
		vcpu_stop(&pool, sleeper, HALTED);
		vcpu_stop(&pool, other, HALTED);
		pool_advance(&pool, 3 * period + below(period));
		vcpu_runnable(&pool, sleeper);
		pool_advance(&pool, 100 * US);
		vcpu_stop(&pool, sleeper, HALTED);
		pool_advance(&pool, period / 4 + below(period / 4));
		vcpu_runnable(&pool, sleeper);
		vcpu_runnable(&pool, other);
		had = other->executed;
		pool_advance(&pool, period * 3 / 2);
		had = other->executed - had;
		if (had + SLICE_MIN_NS < period * 3 / 4)
			broken("beside a sleeper it has %llu us, not %llu",
			       (unsigned long long)(had / US),
			       (unsigned long long)(period * 3 / 4 / US));
	}
	pool_exit(&pool);
}

/* All but one pCPU are promised as a whole. Who has no promise shares that one. */
void test_leftover(const struct vmsched_ops *ops)
{
	struct vmsched_params p = reservation(10000, 10000, false);
	int cpus = 2 + below(4), n = cpus + below(4), i;
	struct pool pool;

	bed_init(&pool, ops, cpus, any() >> 1);
	for (i = 0; i < cpus - 1; i++)
		vcpu_runnable(&pool, add_vcpu(&pool, &p, ~0ULL));
	p = reservation(0, 0, false);
	for (i = 0; i < n; i++)
		vcpu_runnable(&pool, add_vcpu(&pool, &p, ~0ULL));
	for (i = 0; i < 1000; i++)
		pool_advance(&pool, 5 * MS);
	for (i = cpus - 1; i < pool.nr_vcpus; i++)
		if (pool.vcpus[i]->executed < 5000 * MS / n / 2)
			broken("one of %d has %llu ms of 5000", n,
			       (unsigned long long)(pool.vcpus[i]->executed / MS));
	pool_exit(&pool);
}

/* Who may not be where it has its reservation for a while has it again later. */
void test_homes(const struct vmsched_ops *ops)
{
	struct vmsched_params p = reservation(20000, 12000, true);
	struct task *t;
	struct set s;
	int step;
	u64 had;

	set_init(&s, ops, 2 + below(4));
	while (s.n < (int)nr_cpu_ids) {
		if (!add_task(&s, &p, ~0ULL))
			broken("%d of 60 %% are too much: %s", s.n + 1, core_refusal);
		s.tasks[s.n - 1].work = U64_MAX;
	}
	s.greedy = s.n;
	add_spinners(&s, 2 * s.n);
	run_set(&s, 100 * MS);
	for (step = 0; step < 50; step++) {
		t = &s.tasks[below(s.n)];
		t->unruly = true;
		bind_vcpu(&s.pool, t->v, 1 << below(nr_cpu_ids));
		run_set(&s, below(50 * MS));
		bind_vcpu(&s.pool, t->v, ~0ULL);
		run_set(&s, 40 * MS);
		had = t->v->executed;
		run_set(&s, 200 * MS);
		if (t->v->executed - had + 2 * t->budget < 10 * t->budget)
			broken("%llu us of 10 budgets of 12 ms, back at home",
			       (unsigned long long)((t->v->executed - had) / US));
	}
	pool_exit(&s.pool);
}

/* Each way of asking for more than there is, for one more percent or a hundred */
static void ask_too_much(struct set *s, u32 more)
{
	struct task *t = &s->tasks[below(s->n)];
	struct vmsched_params p = t->v->params, old = p;
	char figures[40];
	u64 had;

	snprintf(figures, sizeof(figures), "%u of 1000 permille", PERMILLE + more);
	p = reservation(100000, 100 * more, below(2));
	if (add_task(s, &p, ~0ULL))
		broken("%u permille too much are admitted", more);
	if (!strstr(core_refusal, figures))
		broken("for %s it says: %s", figures, core_refusal);
	had = bandwidth_ppb(&old) / 1000000;
	p = old;
	p.budget_us = p.period_us / PERMILLE * (had + more);
	if (p.budget_us > p.period_us)
		return;
	if (vcpu_set_params(&s->pool, t->v, &p) != -ENOSPC)
		broken("%u permille too much may be set", more);
	if (!strstr(core_refusal, figures))
		broken("for %s it says: %s", figures, core_refusal);
	if (memcmp(&t->v->ent->params, &old, sizeof(old)))
		broken("what is refused is in force");
}

/* What is refused changes nothing: all others fit as before, and miss nothing. */
void test_overload(const struct vmsched_ops *ops)
{
	struct set s;
	int round, i;

	set_init(&s, ops, 1);
	fill(&s, PERMILLE, false);
	add_spinners(&s, 1);
	for (round = 0; round < 10; round++) {
		ask_too_much(&s, 1 + some_up_to(500));
		i = below(s.n);
		/* To have it back, it must be there. */
		if (vcpu_set_params(&s.pool, s.tasks[i].v, &s.tasks[i].v->params))
			broken("it may not have what it has: %s", core_refusal);
		run_set(&s, 300 * MS);
	}
	pool_exit(&s.pool);
}

/* One that knows no reservations lets anybody in: then no switch away from it. */
void test_overload_switch(const struct vmsched_ops *ops)
{
	struct vmsched_params p = reservation(100000, 60000, false);
	struct vms_vcpu *v[2];
	struct pool pool;
	int i;

	for (i = 0; i < nr_scheds; i++)
		if (!(scheds[i]->honours & (VMSCHED_HONOURS_BUDGET |
					    VMSCHED_HONOURS_RESERVATION)))
			break;
	if (i == nr_scheds)
		broken("each scheduler has reservations");
	bed_init(&pool, scheds[i], 1, any() >> 1);
	for (i = 0; i < 2; i++) {
		v[i] = add_vcpu(&pool, &p, 1);
		vcpu_runnable(&pool, v[i]);
	}
	pool_advance(&pool, below(20 * MS));
	if (!pool_switch(&pool, ops))
		broken("a switch makes 1200 permille of 1000");
	if (!strstr(core_refusal, "1200 of 1000 permille"))
		broken("for 1200 of 1000 it says: %s", core_refusal);
	p.budget_us = 40000;
	if (pool.inst->ops == ops || vcpu_set_params(&pool, v[1], &p))
		broken("after a switch that was refused, it is in force");
	if (pool_switch(&pool, ops))
		broken("1000 of 1000 permille are refused: %s", core_refusal);
	pool_advance(&pool, below(20 * MS));
	pool_exit(&pool);
}
