// SPDX-License-Identifier: GPL-2.0
/*
 * What is promised, under schedulers that say so: nobody has more than its cap, nobody
 * less than its reservation, and what somebody leaves is not lost. Everybody spins.
 */
#include "tests.h"

#define ALL		1000	/* permille of one pCPU */
#define MOST		10
#define STEP_NS		(250 * NSEC_PER_USEC)

/* 2 % of any half a second, and so of all that is longer */
#define SLACK_NS	((s64)(10 * NSEC_PER_MSEC))

struct crowd {
	struct pool pool;
	struct vms_vcpu *v[MOST];
	s64 low[MOST];		/* the least that it was ahead of its rate */
	s64 high[MOST];		/* and the most */
	u64 start;
	int n;
};

static void crowd_init(struct crowd *c, const struct vmsched_ops *ops, int cpus)
{
	*c = (struct crowd) { .n = 0 };
	bed_init(&c->pool, ops, cpus, any() >> 1);
	c->start = c->pool.now;
}

/* NULL if it is refused */
static struct vms_vcpu *crowd_add(struct crowd *c, const struct vmsched_params *p)
{
	struct vms_vcpu *v = add_vcpu(&c->pool, p, (1ULL << nr_cpu_ids) - 1);

	if (v)
		c->v[c->n++] = v;
	return v;
}

static void crowd_run(struct crowd *c)
{
	int i;

	for (i = 0; i < c->n; i++)
		vcpu_runnable(&c->pool, c->v[i]);
}

/* How far @i is ahead of a rate since the begin */
static s64 ahead(const struct crowd *c, int i, u32 permille)
{
	u64 ns = c->pool.now - c->start;

	return (s64)c->v[i]->executed - (s64)(ns / ALL * permille);
}

/* In any time until now: what it got beyond its rate */
static void check_most(struct crowd *c, int i, u32 permille)
{
	s64 is = ahead(c, i, permille);

	c->low[i] = min(c->low[i], is);
	if (is - c->low[i] > SLACK_NS)
		broken("cap %u is exceeded by %lld us", permille,
		       (long long)(is - c->low[i]) / NSEC_PER_USEC);
}

static void check_least(struct crowd *c, int i, u32 permille, s64 slack,
			const char *what)
{
	s64 is = ahead(c, i, permille);

	c->high[i] = max(c->high[i], is);
	if (c->high[i] - is > slack)
		broken("%s %u is missed by %lld us after %llu ms", what, permille,
		       (long long)(c->high[i] - is) / NSEC_PER_USEC,
		       (unsigned long long)(c->pool.now - c->start) / NSEC_PER_MSEC);
}

static u32 some_cap(void)
{
	switch (below(8)) {
	case 0:
		return 1 + below(10);
	case 1:
		return ALL - 1 - below(10);
	case 2:
		return ALL + below(ALL);
	default:
		return 1 + below(ALL - 1);
	}
}

/* All that a pCPU could do is done, though some may not. */
static void check_busy(const struct crowd *c)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < c->n; i++)
		sum += c->v[i]->executed;
	if (sum != (c->pool.now - c->start) * nr_cpu_ids)
		broken("idle for %lld us, where somebody waits without a cap",
		       (long long)((c->pool.now - c->start) * nr_cpu_ids - sum) /
		       NSEC_PER_USEC);
}

/* As many without a cap as there are pCPUs: they take what is left. */
void test_cap(const struct vmsched_ops *ops)
{
	struct vmsched_params p = {};
	struct crowd c;
	int i, step, free;

	crowd_init(&c, ops, 1 + below(4));
	free = below(2) ? nr_cpu_ids : 0;
	for (i = 0; i < free + 1 + (int)below(MOST - free); i++) {
		p.weight = 1 + below(VMSCHED_WEIGHT_MAX);
		p.cap = i < free ? 0 : some_cap();
		crowd_add(&c, &p);
	}
	crowd_run(&c);
	for (step = 0; step < 4000; step++) {
		pool_advance(&c.pool, 1 + below(2 * STEP_NS));
		for (i = free; i < c.n; i++)
			check_most(&c, i, min(c.v[i]->params.cap, ALL));
	}
	if (free)
		check_busy(&c);
	pool_exit(&c.pool);
}

/* Its cap is what one has who is alone, however it changes. */
void test_cap_alone(const struct vmsched_ops *ops)
{
	struct vmsched_params p = { .weight = VMSCHED_WEIGHT_DFL };
	struct crowd c;
	int round, step;

	crowd_init(&c, ops, 1 + below(2));
	crowd_add(&c, &p);
	for (round = 0; round < 4; round++) {
		p.cap = some_cap();
		vcpu_stop(&c.pool, c.v[0], HALTED);
		if (vcpu_set_params(&c.pool, c.v[0], &p))
			broken("a cap is refused: %s", core_refusal);
		vcpu_runnable(&c.pool, c.v[0]);
		c.start = c.pool.now;
		c.v[0]->executed = 0;
		c.v[0]->charged = 0;
		c.low[0] = 0;
		c.high[0] = 0;
		for (step = 0; step < 2000; step++) {
			pool_advance(&c.pool, 1 + below(2 * STEP_NS));
			check_most(&c, 0, min(p.cap, ALL));
			/* It may owe for what it had before. */
			check_least(&c, 0, min(p.cap, ALL), 2 * SLACK_NS, "cap");
		}
	}
	pool_exit(&c.pool);
}

static void check_reservations(struct crowd *c, u32 rest)
{
	s64 slack = SLACK_NS + (s64)(c->pool.now - c->start) / 50;
	u64 left = 0;
	int i;

	for (i = 0; i < c->n; i++) {
		u32 r = c->v[i]->params.reservation;

		if (r)
			check_least(c, i, r, slack, "reservation");
		else
			left += c->v[i]->executed;
		if (!c->v[i]->executed)
			broken("weight %u does not run", c->v[i]->params.weight);
	}
	/* Shares of several pCPUs are not those of one: a sixteenth of all for that */
	rest -= min(rest, nr_cpu_ids > 1 ? nr_cpu_ids * ALL / 16 : 0);
	if (left + SLACK_NS * nr_cpu_ids < (c->pool.now - c->start) / ALL * rest)
		broken("reservations leave %u permille, others had %llu", rest,
		       (unsigned long long)(left / ((c->pool.now - c->start) / ALL)));
}

/* The lightest have reservations, and the heaviest none. */
void test_reservation(const struct vmsched_ops *ops)
{
	struct vmsched_params p = { .weight = VMSCHED_WEIGHT_MIN };
	u32 most, sum = 0;
	struct crowd c;
	int step, i;

	crowd_init(&c, ops, 1 + below(4));
	most = nr_cpu_ids * (below(2) ? ALL : 1 + below(ALL));
	while (c.n < MOST / 2 && sum < most) {
		p.reservation = min(1 + (u32)below(ALL), most - sum);
		if (crowd_add(&c, &p))
			sum += p.reservation;
		else if (nr_cpu_ids == 1)
			broken("%u of %u are promised, %u are refused: %s", sum, ALL,
			       p.reservation, core_refusal);
	}
	p.weight = VMSCHED_WEIGHT_MAX;
	p.reservation = 0;
	for (i = 0; i < (int)nr_cpu_ids; i++)
		crowd_add(&c, &p);
	crowd_run(&c);
	for (step = 0; step < 12000; step++)
		pool_advance(&c.pool, 1 + below(2 * STEP_NS));
	check_reservations(&c, nr_cpu_ids * ALL - sum);
	check_busy(&c);
	pool_exit(&c.pool);
}

static u32 promised(const struct pool *pool)
{
	u32 sum = 0;
	int i;

	for (i = 0; i < pool->nr_vcpus; i++)
		sum += pool->vcpus[i]->params.reservation;
	return sum;
}

/* In any order: what is given back can be had again, and no more than that. */
void test_admission(const struct vmsched_ops *ops)
{
	struct vmsched_params p = { .weight = VMSCHED_WEIGHT_DFL };
	struct crowd c;
	int step;

	crowd_init(&c, ops, 1 + below(4));
	for (step = 0; step < 300; step++) {
		struct pool *pool = &c.pool;
		struct vms_vcpu *v = pool->nr_vcpus ?
				     pool->vcpus[below(pool->nr_vcpus)] : NULL;
		u32 former = v ? v->params.reservation : 0;
		bool had;

		p.reservation = below(3) ? 1 + below(ALL) : 0;
		if (v && !below(3)) {
			vcpu_destroy(pool, v);
			continue;
		}
		if (v && below(2)) {
			had = !vcpu_set_params(pool, v, &p);
		} else {
			former = 0;
			had = add_vcpu(pool, &p, (1ULL << nr_cpu_ids) - 1);
		}
		if (promised(pool) > nr_cpu_ids * ALL)
			broken("%u permille are promised on %u pCPUs", promised(pool),
			       nr_cpu_ids);
		if (!had && nr_cpu_ids == 1 &&
		    promised(pool) - former + p.reservation <= ALL)
			broken("of %u promised, %u cannot become %u: %s",
			       promised(pool), former, p.reservation, core_refusal);
	}
	pool_exit(&c.pool);
}
