// SPDX-License-Identifier: GPL-2.0
/*
 * Where weights are an order and no shares: who is before others runs before them, at
 * once, and who is behind gets something all the same, so often and no more.
 */
#include "tests.h"

/* What the scheduler says of itself: see there. */
#define AGE_NS		(100 * NSEC_PER_MSEC)
#define EVERY_NS	(10 * NSEC_PER_MSEC)
#define AGED_NS		(1 * NSEC_PER_MSEC)

#define MOST		24

static u64 all_of(int cpus)
{
	return (1ULL << cpus) - 1;
}

/* Some are time-critical; few weights, so that some are equal. */
static struct vmsched_params some_priority(void)
{
	return (struct vmsched_params) {
		.weight = 100 * (1 + below(4)),
		.slice_us = below(2) ? 100 + below(10000) : 0,
		.time_critical = !below(3),
	};
}

static bool is_above(const struct vms_vcpu *a, const struct vms_vcpu *b)
{
	if (a->params.time_critical != b->params.time_critical)
		return a->params.time_critical;
	return a->params.weight > b->params.weight;
}

static void check_order(const struct pool *pool)
{
	int i, cpu;

	for (i = 0; i < pool->nr_vcpus; i++) {
		const struct vms_vcpu *v = pool->vcpus[i];

		if (v->state != WAITING)
			continue;
		for_each_cpu(cpu, &v->allowed)
			if (is_above(v, pool->pcpus[cpu].cur))
				broken("weight %u waits, and weight %u has pCPU %d",
				       v->params.weight,
				       pool->pcpus[cpu].cur->params.weight, cpu);
	}
}

static void wake_or_halt(struct pool *pool)
{
	struct vms_vcpu *v = pool->vcpus[below(pool->nr_vcpus)];

	if (v->state == HALTED || v->state == OFF)
		vcpu_runnable(pool, v);
	else
		vcpu_stop(pool, v, below(4) ? HALTED : OFF);
}

/* One that waits goes behind, which changes who comes after those that run. */
static void lower(struct pool *pool)
{
	struct vms_vcpu *v = pool->vcpus[below(pool->nr_vcpus)];
	struct vmsched_params p = v->params;

	p.time_critical = 0;
	p.weight = 1 + below(p.weight);
	if (v->state == WAITING)
		vcpu_set_params(pool, v, &p);
}

/* Until somebody could have aged. */
void test_order(const struct vmsched_ops *ops)
{
	int cpus = 1 + below(8), n = 1 + below(MOST), i;
	struct pool pool;
	u64 end;

	bed_init(&pool, ops, cpus, any() >> 1);
	for (i = 0; i < n; i++) {
		struct vmsched_params p = some_priority();

		add_vcpu(&pool, &p, all_of(cpus));
	}
	for (end = pool.now + AGE_NS; ; ) {
		u64 step = below(NSEC_PER_MSEC);

		if (pool.now + step >= end)
			break;
		wake_or_halt(&pool);
		check_order(&pool);
		if (!below(8))
			lower(&pool);
		pool_advance(&pool, step);
		check_order(&pool);
	}
	pool_exit(&pool);
}

/* What somebody has executed, and since when no more. */
struct wait {
	u64 executed;
	u64 since;
};

static void check_waits(const struct pool *pool, struct wait *waits)
{
	/* Slices are 50 us at least: each may begin so much later. */
	u64 most = AGE_NS + SLICE_MIN_NS +
		   pool->nr_vcpus * (EVERY_NS + SLICE_MIN_NS);
	int i;

	for (i = 0; i < pool->nr_vcpus; i++) {
		const struct vms_vcpu *v = pool->vcpus[i];
		struct wait *w = &waits[i];

		if (v->state != WAITING || v->executed != w->executed)
			*w = (struct wait) { v->executed, pool->now };
		if (pool->now - w->since > most)
			broken("weight %u waits for %llu us, with %d others",
			       v->params.weight,
			       (unsigned long long)((pool->now - w->since) /
						    NSEC_PER_USEC),
			       pool->nr_vcpus - 1);
	}
}

/* The one that is behind all others is moved most, which must not cost it its age. */
static void somebody_moves(struct pool *pool, int cpus)
{
	int i = below(4) ? 0 : below(pool->nr_vcpus);

	bind_vcpu(pool, pool->vcpus[i], 1ULL << below(cpus));
}

/* Most of them compute; some come and go, or are bound to other pCPUs. */
void test_age(const struct vmsched_ops *ops)
{
	int cpus = below(2) ? 1 : 2 + below(3), n = 1 + below(MOST), step, i;
	bool moves = below(2), stops = below(2);
	struct wait waits[MOST] = {};
	struct pool pool;

	bed_init(&pool, ops, cpus, any() >> 1);
	for (i = 0; i < n; i++) {
		struct vmsched_params p = some_priority();

		if (!below(8))
			p.slice_us = USEC_PER_SEC;
		if (!i)
			p = (struct vmsched_params) { .weight = 1 };
		vcpu_runnable(&pool, add_vcpu(&pool, &p, all_of(cpus)));
		waits[i].since = pool.now;
	}
	for (step = 0; step < 1500; step++) {
		pool_advance(&pool, below(3 * NSEC_PER_MSEC));
		check_waits(&pool, waits);
		if (stops && !below(8))
			wake_or_halt(&pool);
		if (moves && !below(8))
			somebody_moves(&pool, cpus);
	}
	pool_exit(&pool);
}

/* Who gets something by age only: nothing before, then all the same. */
static void check_aged(const struct pool *pool, u64 ran)
{
	u64 sum = pool->vcpus[0]->executed, least = U64_MAX, most = 0;
	int i;

	for (i = 1; i < pool->nr_vcpus; i++) {
		u64 got = pool->vcpus[i]->executed;

		if (ran < AGE_NS && got)
			broken("weight %u did not wait",
			       pool->vcpus[i]->params.weight);
		sum += got;
		least = min(least, got);
		most = max(most, got);
	}
	if (sum != ran)
		broken("%llu ns of %llu are lost", (unsigned long long)(ran - sum),
		       (unsigned long long)ran);
	if (most > least + AGED_NS)
		broken("one of them got %llu us, another one %llu us",
		       (unsigned long long)(most / NSEC_PER_USEC),
		       (unsigned long long)(least / NSEC_PER_USEC));
	if (sum - pool->vcpus[0]->executed > ran * AGED_NS / EVERY_NS + AGED_NS)
		broken("they take %llu us of %llu",
		       (unsigned long long)((sum - pool->vcpus[0]->executed) /
					    NSEC_PER_USEC),
		       (unsigned long long)(ran / NSEC_PER_USEC));
}

/* One that never blocks before some that compute, on one pCPU */
void test_starve(const struct vmsched_ops *ops)
{
	struct vmsched_params p = { .weight = 1, .time_critical = 1 };
	int n = 1 + below(MOST), i;
	struct pool pool;
	u64 start;

	bed_init(&pool, ops, 1, any() >> 1);
	start = pool.now;
	vcpu_runnable(&pool, add_vcpu(&pool, &p, 1));
	p.time_critical = 0;
	for (i = 0; i < n; i++) {
		p.weight = 1 + below(VMSCHED_WEIGHT_MAX);
		vcpu_runnable(&pool, add_vcpu(&pool, &p, 1));
	}
	while (pool.now - start < 5 * NSEC_PER_SEC) {
		pool_advance(&pool, below(20 * NSEC_PER_MSEC));
		check_aged(&pool, pool.now - start);
	}
	for (i = 1; i <= n; i++)
		if (pool.vcpus[i]->executed < NSEC_PER_MSEC)
			broken("weight %u starves", pool.vcpus[i]->params.weight);
	pool_exit(&pool);
}

/* One that wakes all the time takes nothing of what somebody got by age. */
void test_cut(const struct vmsched_ops *ops)
{
	struct vmsched_params p = { .weight = 1 };
	struct vms_vcpu *last, *ticker;
	struct pool pool;
	u64 start, most;

	bed_init(&pool, ops, 1, any() >> 1);
	start = pool.now;
	last = add_vcpu(&pool, &p, 1);
	vcpu_runnable(&pool, last);
	p.time_critical = 1;
	vcpu_runnable(&pool, add_vcpu(&pool, &p, 1));
	p.weight++;
	ticker = add_vcpu(&pool, &p, 1);
	while (pool.now - start < NSEC_PER_SEC) {
		pool_advance(&pool, 1 + below(200 * NSEC_PER_USEC));
		vcpu_runnable(&pool, ticker);
		pool_advance(&pool, 1 + below(10 * NSEC_PER_USEC));
		vcpu_stop(&pool, ticker, HALTED);
	}
	most = (pool.now - start) / (AGE_NS + EVERY_NS) * AGED_NS;
	if (last->executed < most)
		broken("it got %llu us by age, not %llu",
		       (unsigned long long)(last->executed / NSEC_PER_USEC),
		       (unsigned long long)(most / NSEC_PER_USEC));
	pool_exit(&pool);
}

static void check_equal(const struct pool *pool, const u64 *base, u64 ran, int cpus)
{
	double fair = (double)ran * cpus / pool->nr_vcpus;
	int i;

	for (i = 0; i < pool->nr_vcpus; i++) {
		double off = (pool->vcpus[i]->executed - base[i]) / fair - 1;

		if (off > 0.06 || off < -0.06)
			broken("one of %d on %d pCPUs is %.1f %% off its share",
			       pool->nr_vcpus, cpus, off * 100);
	}
}

/* Spinners of equal priority. Where they fit, nobody leaves its pCPU. */
void test_equals(const struct vmsched_ops *ops)
{
	struct vmsched_params p = { .weight = 1 + below(VMSCHED_WEIGHT_MAX) };
	int cpus = 1 + below(8), n = cpus + below(cpus * 3), homes[32], i;
	struct pool pool;
	u64 start, base[32];

	bed_init(&pool, ops, cpus, any() >> 1);
	for (i = 0; i < n; i++) {
		if (!below(n))
			pool_advance(&pool, below(NSEC_PER_SEC));
		vcpu_runnable(&pool, add_vcpu(&pool, &p, all_of(cpus)));
	}
	start = pool.now;
	for (i = 0; i < n; i++) {
		homes[i] = pool.vcpus[i]->cpu;
		base[i] = pool.vcpus[i]->executed;
	}
	while (pool.now - start < 60 * NSEC_PER_SEC) {
		pool_advance(&pool, 50 * NSEC_PER_MSEC);
		for (i = 0; n % cpus == 0 && i < n; i++)
			if (pool.vcpus[i]->cpu != homes[i])
				broken("one of %d on %d pCPUs is moved", n, cpus);
	}
	check_equal(&pool, base, pool.now - start, cpus);
	pool_exit(&pool);
}
