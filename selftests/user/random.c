// SPDX-License-Identifier: GPL-2.0
/*
 * Everything that can happen to a pool, in any order, with parameters from all
 * of their range and times around 2^63. The model
 * tries each answer: whoever may run is found, once, and within its mask. What
 * overflows or is out of bounds ends the program.
 */
#include "tests.h"

#define STEPS		3000

static u64 some_mask(void)
{
	u64 mask = below(1ULL << nr_cpu_ids);

	/* A user's mask may well have no pCPU that is online, but not none. */
	return mask ?: 1ULL << below(nr_cpu_ids);
}

/* Ranges as in params.c, their ends often. */
static u32 from(u32 low, u32 high, bool or_zero)
{
	switch (below(4)) {
	case 0:
		return or_zero ? 0 : low;
	case 1:
		return low;
	case 2:
		return high;
	default:
		return low + below(high - low + 1);
	}
}

static struct vmsched_params some_params(void)
{
	u32 period_us = from(100, 10 * USEC_PER_SEC, true);

	return (struct vmsched_params) {
		.weight = from(VMSCHED_WEIGHT_MIN, VMSCHED_WEIGHT_MAX, false),
		.cap = from(1, 1000000, true),
		.reservation = from(1, 1000000, true),
		.period_us = period_us,
		.budget_us = period_us ? from(100, period_us, true) : 0,
		.slice_us = from(100, USEC_PER_SEC, true),
		.warp_us = from(0, 10 * USEC_PER_SEC, true),
		.warp_limit_us = from(100, 10 * USEC_PER_SEC, true),
		.unwarp_us = from(0, 10 * USEC_PER_SEC, true),
		.time_critical = from(0, 1, true),
	};
}

static void some_time(struct pool *pool)
{
	switch (below(64)) {
	case 0:
		pool_advance(pool, below(30 * HOUR_NS));
		break;
	case 1 ... 8:
		pool_advance(pool, below(NSEC_PER_SEC));
		break;
	default:
		pool_advance(pool, below(5 * NSEC_PER_MSEC));
	}
}

/* What a thread executes without a grant, in its VMM, is charged later. */
static void some_other_work(struct vms_vcpu *v)
{
	if (v->state != GRANTED)
		v->executed += below(16) ? below(NSEC_PER_MSEC) :
					   below(30 * HOUR_NS);
}

static void some_hotplug(struct pool *pool)
{
	int cpu = below(nr_cpu_ids);
	bool online = cpumask_test_cpu(cpu, &pool->online);

	if (!online || cpumask_weight(&pool->online) > 1)
		pool_online(pool, cpu, !online);
}

static void happen(struct pool *pool, struct vms_vcpu *v)
{
	struct vmsched_params params;

	switch (below(100)) {
	case 0 ... 29:
		vcpu_runnable(pool, v);
		break;
	case 30 ... 49:
		vcpu_stop(pool, v, below(4) ? HALTED : OFF);
		break;
	case 50 ... 57:
		pool_resched(pool, below(nr_cpu_ids));
		break;
	case 58 ... 63:
		params = some_params();
		vcpu_set_params(pool, v, &params);
		break;
	case 64 ... 70:
		bind_vcpu(pool, v, some_mask());
		break;
	case 71 ... 73:
		some_hotplug(pool);
		break;
	case 74:
		pool_switch(pool, scheds[below(nr_scheds)]);
		break;
	case 75:
		pool_switch_fails(pool, scheds[below(nr_scheds)]);
		break;
	case 76 ... 78:
		some_other_work(v);
		break;
	case 79:
		vcpu_destroy(pool, v);
		break;
	default:
		some_time(pool);
	}
}

int random_begin(struct pool *pool, const struct vmsched_ops *ops)
{
	static const u64 starts[] = { 0, 1ULL << 63, 1ULL << 62 };
	int cpus = 1 + below(MAX_CPUS), most = 1 + below(MAX_VCPUS);

	bed_init(pool, ops, cpus, starts[below(3)] - below(HOUR_NS));
	return most;
}

void random_step(struct pool *pool, int most)
{
	struct vmsched_params params;

	if (!pool->nr_vcpus || (pool->nr_vcpus < most && !below(20))) {
		params = some_params();
		add_vcpu(pool, &params, some_mask());
	}
	/* It may have been refused. */
	if (pool->nr_vcpus)
		happen(pool, pool->vcpus[below(pool->nr_vcpus)]);
}

void test_random(const struct vmsched_ops *ops)
{
	struct pool pool;
	int most = random_begin(&pool, ops), step;

	for (step = 0; step < STEPS; step++)
		random_step(&pool, most);
	pool_exit(&pool);
}
