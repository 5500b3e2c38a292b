// SPDX-License-Identifier: GPL-2.0
/*
 * How long one may keep others waiting, and what nobody gains by: where times
 * have a limit that follows from what was asked for.
 */
#include "tests.h"

/*
 * Somebody wakes and is gone again all the time. Whoever runs is charged each
 * time: what a division leaves over must not be lost, or a heavy one runs for
 * nothing.
 */
void test_ticks(const struct vmsched_ops *ops)
{
	struct vmsched_params p = { .weight = VMSCHED_WEIGHT_DFL };
	struct vms_vcpu *ticker;
	struct race r;
	int step;

	race_start(&r, ops, VMSCHED_WEIGHT_MAX / 2, 100);
	ticker = add_vcpu(&r.pool, &p, 1);
	for (step = 0; step < 20000; step++) {
		pool_advance(&r.pool, 1 + below(NSEC_PER_USEC));
		vcpu_runnable(&r.pool, ticker);
		vcpu_stop(&r.pool, ticker, HALTED);
		if (step % 64 == 0)
			race_check_lag(&r);
	}
	pool_exit(&r.pool);
}

#define MOVERS		12
#define LONGEST_MS	500

static void somebody_moves(struct pool *pool)
{
	struct vms_vcpu *v = pool->vcpus[below(pool->nr_vcpus)];

	if (below(4))
		bind_vcpu(pool, v, 1ULL << below(nr_cpu_ids));
	else if (v->state == HALTED)
		vcpu_runnable(pool, v);
	else
		vcpu_stop(pool, v, HALTED);
}

/*
 * Clocks of pCPUs differ by seconds, where more or less vCPUs share them. Who
 * comes from another one is neither ahead nor behind by that.
 */
void test_moves(const struct vmsched_ops *ops)
{
	struct vmsched_params p = { .weight = VMSCHED_WEIGHT_DFL };
	struct pool pool;
	int step, i;

	bed_init(&pool, ops, 2 + below(3), any() >> 1);
	for (i = 0; i < MOVERS; i++) {
		p.slice_us = 100 + below(4900);
		vcpu_runnable(&pool, add_vcpu(&pool, &p,
					      1ULL << below(nr_cpu_ids)));
	}
	for (step = 0; step < 400; step++) {
		pool_advance(&pool, below(100 * NSEC_PER_MSEC));
		for (i = 0; i < MOVERS; i++) {
			const struct vms_vcpu *v = pool.vcpus[i];
			u64 ms = (pool.now - v->wait_from) / NSEC_PER_MSEC;

			if (v->state == WAITING && ms > LONGEST_MS)
				broken("vCPU %u waits for %llu ms on %d",
				       v->index, (unsigned long long)ms, v->cpu);
		}
		somebody_moves(&pool);
	}
	pool_exit(&pool);
}

/* A warp as it is defined: time run warped adds up, until there is a rest. */
struct warp {
	struct vms_vcpu *v;
	u64 limit;
	u64 unwarp;
	u64 ran;	/* warped, since the last rest */
	u64 ended;	/* when it was warped last */
};

static void warp_wake(struct pool *pool, struct warp *w)
{
	bool warped, runs;

	if (pool->now - w->ended >= w->unwarp)
		w->ran = 0;
	warped = w->ran < w->limit;
	vcpu_runnable(pool, w->v);
	runs = w->v->state == GRANTED;
	if (warped != runs)
		broken("%s at once, %llu us after its last warp, of %llu us of %llu",
		       runs ? "runs" : "does not run",
		       (unsigned long long)((pool->now - w->ended) / NSEC_PER_USEC),
		       (unsigned long long)(w->ran / NSEC_PER_USEC),
		       (unsigned long long)(w->limit / NSEC_PER_USEC));
}

/* It goes on for @ns, warped or not. */
static void warp_run(struct pool *pool, struct warp *w, u64 ns)
{
	u64 before = w->v->executed;

	if (w->v->state == GRANTED) {
		u64 left = max_t(u64, w->limit - w->ran, SLICE_MIN_NS);
		u64 run = min(ns, left);

		pool_advance(pool, run);
		if (w->v->executed != before + run)
			broken("loses its pCPU while warped");
		w->ran += run;
		w->ended = pool->now;
		if (run == left && w->v->state == GRANTED)
			broken("runs on beyond the limit of its warp");
		ns -= run;
	}
	pool_advance(pool, ns);
}

/* One that is warped without measure, beside a spinner of equal weight. */
void test_limit(const struct vmsched_ops *ops)
{
	struct vmsched_params p = {
		.weight = VMSCHED_WEIGHT_DFL,
		.slice_us = 100 + below(2000),
	};
	struct vms_vcpu *spinner;
	struct warp w = {};
	struct pool pool;
	int step;

	bed_init(&pool, ops, 1, HOUR_NS + below(HOUR_NS));
	spinner = add_vcpu(&pool, &p, 1);
	p.warp_us = 10 * USEC_PER_SEC;
	p.warp_limit_us = 100 + below(20000);
	p.unwarp_us = below(50000);
	w.v = add_vcpu(&pool, &p, 1);
	w.limit = p.warp_limit_us * NSEC_PER_USEC;
	w.unwarp = p.unwarp_us * NSEC_PER_USEC;
	vcpu_stop(&pool, w.v, HALTED);
	vcpu_runnable(&pool, spinner);
	for (step = 0; step < 300; step++) {
		pool_advance(&pool, 1 + below(60 * NSEC_PER_MSEC));
		warp_wake(&pool, &w);
		warp_run(&pool, &w, some_up_to(30 * NSEC_PER_MSEC));
		vcpu_stop(&pool, w.v, HALTED);
	}
	pool_exit(&pool);
}

/*
 * Sleep is not paid for later: neither when the scheduler changes while one
 * sleeps, nor when it wakes under another one that has no notion of that.
 */
void test_owed(const struct vmsched_ops *ops)
{
	struct vmsched_params p = {
		.weight = VMSCHED_WEIGHT_DFL,
		.slice_us = 100 + below(4900),
	};
	u64 slice = p.slice_us * NSEC_PER_USEC;
	struct vms_vcpu *spinner, *sleeper;
	struct pool pool;
	int step;

	bed_init(&pool, ops, 1, any() >> 1);
	spinner = add_vcpu(&pool, &p, 1);
	sleeper = add_vcpu(&pool, &p, 1);
	vcpu_runnable(&pool, spinner);
	for (step = 0; step < 50; step++) {
		u64 before, ns = 20 * slice + below(100 * NSEC_PER_MSEC);

		pool_advance(&pool, below(NSEC_PER_SEC));
		if (pool_switch(&pool, scheds[below(nr_scheds)]))
			broken("a switch is refused: %s", core_refusal);
		pool_advance(&pool, below(20 * NSEC_PER_MSEC));
		vcpu_runnable(&pool, sleeper);
		pool_advance(&pool, below(20 * NSEC_PER_MSEC));
		if (pool_switch(&pool, ops))
			broken("a switch is refused: %s", core_refusal);
		before = spinner->executed;
		pool_advance(&pool, ns);
		if (spinner->executed - before + 2 * slice < ns / 2)
			broken("after one has slept, the other has %llu us of %llu",
			       (unsigned long long)((spinner->executed - before) /
						    NSEC_PER_USEC),
			       (unsigned long long)(ns / NSEC_PER_USEC));
		vcpu_stop(&pool, sleeper, HALTED);
	}
	pool_exit(&pool);
}
