// SPDX-License-Identifier: GPL-2.0
/*
 * Who gets how much of one pCPU. Times are the model's, so that limits are
 * what the definition of the scheduler gives, and no noise counts.
 */
#include <string.h>

#include "tests.h"

/* Slice of a scheduler of which nothing else was asked; 5 ms is the longest. */
#define SLICE_DFL_NS	(5 * NSEC_PER_MSEC)

static bool by_weight(const struct vmsched_ops *ops)
{
	return ops->honours & VMSCHED_HONOURS_WEIGHT;
}

static u64 slice_ns(const struct vms_vcpu *v)
{
	u64 ns = v->params.slice_us * (u64)NSEC_PER_USEC;

	return max_t(u64, ns ?: SLICE_DFL_NS, SLICE_MIN_NS);
}

/* Service in the unit that all shall have the same of: ns at weight 100. */
static s64 progress(const struct race *r, const struct vms_vcpu *v)
{
	if (!by_weight(r->pool.inst->ops))
		return v->executed;
	return v->executed * VMSCHED_WEIGHT_DFL / v->params.weight;
}

void race_start(struct race *r, const struct vmsched_ops *ops, u32 lightest,
		u32 max_slice_us)
{
	u32 slice_us = 100 + below(max_slice_us - 99);
	int i;

	memset(r->base, 0, sizeof(r->base));
	bed_init(&r->pool, ops, 1, any() >> 1);
	r->n = 2 + below(MAX_SPINNERS - 1);
	for (i = 0; i < r->n; i++) {
		struct vmsched_params p = {
			.weight = lightest +
				  below(VMSCHED_WEIGHT_MAX - lightest + 1),
			.slice_us = slice_us,
		};

		/* Where nothing else decides, the slice is the share. */
		if (by_weight(ops))
			p.slice_us = below(5) ? 100 + below(max_slice_us - 99) : 0;
		r->v[i] = add_vcpu(&r->pool, &p, 1);
		vcpu_runnable(&r->pool, r->v[i]);
	}
}

/* At no time may one be ahead of another by more than its own slice. */
void race_check_lag(const struct race *r)
{
	int i, j;

	for (i = 0; i < r->n; i++) {
		s64 most = slice_ns(r->v[i]);

		if (by_weight(r->pool.inst->ops))
			most = most * VMSCHED_WEIGHT_DFL / r->v[i]->params.weight;
		for (j = 0; j < r->n; j++) {
			s64 ahead = progress(r, r->v[i]) - progress(r, r->v[j]);

			/* Remainders of divisions */
			if (ahead > most + VMSCHED_WEIGHT_DFL + 1)
				broken("weight %u is %lld ns ahead of weight %u, not %lld",
				       r->v[i]->params.weight, (long long)ahead,
				       r->v[j]->params.weight, (long long)most);
		}
	}
}

/* Nobody wakes: no slice is shorter than what its holder asked for. */
static void check_asked(const struct race *r)
{
	const struct pcpu *pc = &r->pool.pcpus[0];
	u64 asked = pc->cur->params.slice_us * (u64)NSEC_PER_USEC;

	if (pc->slice_ns < asked)
		broken("weight %u has a slice of %llu ns, not %llu",
		       pc->cur->params.weight, (unsigned long long)pc->slice_ns,
		       (unsigned long long)asked);
}

void test_lag(const struct vmsched_ops *ops)
{
	struct race r;
	int step;

	race_start(&r, ops, VMSCHED_WEIGHT_MIN, 20000);
	for (step = 0; step < 5000; step++) {
		pool_advance(&r.pool, some_up_to(20 * NSEC_PER_MSEC));
		race_check_lag(&r);
		check_asked(&r);
	}
	pool_exit(&r.pool);
}

static void check_shares(const struct race *r)
{
	u64 sum = 0, got = 0;
	int i;

	for (i = 0; i < r->n; i++) {
		sum += by_weight(r->pool.inst->ops) ? r->v[i]->params.weight : 1;
		got += r->v[i]->executed - r->base[i];
	}
	for (i = 0; i < r->n; i++) {
		u32 weight = by_weight(r->pool.inst->ops) ?
			     r->v[i]->params.weight : 1;
		double fair = (double)got * weight / sum;
		double off = (r->v[i]->executed - r->base[i]) / fair - 1;

		if (off > 0.02 || off < -0.02)
			broken("weight %u of %llu: %.2f %% off its share after %llu ms",
			       weight, (unsigned long long)sum, off * 100,
			       (unsigned long long)(got / NSEC_PER_MSEC));
	}
}

/* Until 2 % of the smallest share are more than two slices. */
static u64 long_run(const struct race *r)
{
	u64 sum = 0, least = VMSCHED_WEIGHT_MAX;
	int i;

	for (i = 0; i < r->n; i++) {
		sum += r->v[i]->params.weight;
		least = min_t(u64, least, r->v[i]->params.weight);
	}
	return 120 * SLICE_DFL_NS * (sum / least + 1);
}

/* Nobody was owed more than a slice at the weight before, which was as large. */
static void change_weights(struct race *r)
{
	u64 left = below(NSEC_PER_SEC);
	u64 step;
	int i;

	/* In steps, as timers are late where very many slices end in one. */
	for (; left; left -= step) {
		step = min_t(u64, left, SLICE_DFL_NS);
		pool_advance(&r->pool, step);
	}
	for (i = 0; i < r->n; i++) {
		struct vmsched_params p = r->v[i]->params;

		p.weight = 100 + below(VMSCHED_WEIGHT_MAX - 99);
		vcpu_set_params(&r->pool, r->v[i], &p);
		r->base[i] = r->v[i]->executed;
	}
}

void test_shares(const struct vmsched_ops *ops)
{
	bool changes = below(2);
	struct race r;

	race_start(&r, ops, changes ? VMSCHED_WEIGHT_MAX : 100,
		   SLICE_DFL_NS / NSEC_PER_USEC);
	if (changes)
		change_weights(&r);
	for (u64 end = r.pool.now + long_run(&r); r.pool.now < end; )
		pool_advance(&r.pool, SLICE_DFL_NS);
	check_shares(&r);
	pool_exit(&r.pool);
}

void test_switches(const struct vmsched_ops *ops)
{
	struct race r;

	race_start(&r, ops, 100, NSEC_PER_MSEC / NSEC_PER_USEC);
	for (u64 end = r.pool.now + long_run(&r); r.pool.now < end; ) {
		pool_advance(&r.pool, below(40 * NSEC_PER_MSEC));
		if (pool_switch(&r.pool, ops))
			broken("a switch is refused: %s", core_refusal);
	}
	check_shares(&r);
	pool_exit(&r.pool);
}

/*
 * One spins, one sleeps as it likes and is warped. When that one runs, it is
 * ahead of the other by its slice and its warp at most, however often it woke
 * and however long it slept: what it got, and so what is left for the other,
 * follows from that, from the beginning on and from each time it woke.
 */
struct couple {
	struct vms_vcpu *spinner;
	struct vms_vcpu *sleeper;
};

static void check_left(const struct pool *pool, const struct couple *c,
		       u64 since, u64 spun)
{
	u32 weight = c->sleeper->params.weight;
	double ahead = slice_ns(c->sleeper);
	double fair = 0.5, left;

	if (by_weight(pool->inst->ops)) {
		ahead += (double)c->sleeper->params.warp_us * NSEC_PER_USEC *
			 weight / VMSCHED_WEIGHT_DFL;
		fair = (double)c->spinner->params.weight /
		       (c->spinner->params.weight + weight);
	}
	left = ((double)(pool->now - since) - ahead) * fair;
	spun = c->spinner->executed - spun;
	/* Remainders of divisions */
	if (spun + VMSCHED_WEIGHT_MAX < left)
		broken("beside a sleeper of weight %u, %u got %llu us of %llu, not %.0f",
		       weight, c->spinner->params.weight,
		       (unsigned long long)(spun / NSEC_PER_USEC),
		       (unsigned long long)((pool->now - since) / NSEC_PER_USEC),
		       left / NSEC_PER_USEC);
}

void test_sleeper(const struct vmsched_ops *ops)
{
	struct vmsched_params p = { .weight = 10 + below(1000) };
	struct couple c;
	struct pool pool;
	u64 start;
	int step;

	bed_init(&pool, ops, 1, any() >> 1);
	c.spinner = add_vcpu(&pool, &p, 1);
	p.weight = 10 + below(1000);
	p.warp_us = below(2) ? below(100000) : 0;
	p.warp_limit_us = below(2) ? 100 + below(20000) : 0;
	p.unwarp_us = below(2) ? below(20000) : 0;
	c.sleeper = add_vcpu(&pool, &p, 1);
	start = pool.now;
	vcpu_runnable(&pool, c.spinner);
	for (step = 0; step < 500; step++) {
		u64 woken = pool.now, spun = c.spinner->executed;

		vcpu_runnable(&pool, c.sleeper);
		pool_advance(&pool, some_up_to(500 * NSEC_PER_MSEC));
		check_left(&pool, &c, woken, spun);
		check_left(&pool, &c, start, 0);
		vcpu_stop(&pool, c.sleeper, below(10) ? HALTED : OFF);
		pool_advance(&pool, some_up_to(below(20) ? 2 * NSEC_PER_MSEC :
							   5 * NSEC_PER_SEC));
	}
	pool_exit(&pool);
}

/* Who needs little and is warped by more than a slice waits for nobody. */
void test_warp(const struct vmsched_ops *ops)
{
	struct vmsched_params p = { .warp_us = 500000, .weight = 1000 };
	struct vms_vcpu *v;
	struct race r;
	int step;

	race_start(&r, ops, 100, 5000);
	v = add_vcpu(&r.pool, &p, 1);
	vcpu_stop(&r.pool, v, HALTED);
	for (step = 0; step < 1000; step++) {
		pool_advance(&r.pool, 10 * NSEC_PER_MSEC +
				      below(20 * NSEC_PER_MSEC));
		vcpu_runnable(&r.pool, v);
		if (v->state != GRANTED)
			broken("a warped vCPU waits for weight %u",
			       r.pool.pcpus[0].cur->params.weight);
		pool_advance(&r.pool, below(100 * NSEC_PER_USEC));
		vcpu_stop(&r.pool, v, HALTED);
	}
	pool_exit(&r.pool);
}
