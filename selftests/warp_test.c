// SPDX-License-Identifier: GPL-2.0
/*
 * What bounds the latency that bvt gives: the limit of a warp, the time until
 * the next one, and the context switch allowance. Seen from the guests alone.
 *
 * Runs in deterministic time, all guests on one pCPU.
 */
#include <math.h>

#include "lib/fixture.h"
#include "lib/watch.h"

#define LIMIT			300
#define SETTLE_MS		200
#define MEASURE_MS		4000
#define SHARE_LIMIT_PERCENT	3.0
#define WARP_US			50000
#define WARP_LIMIT_US		5000
#define UNWARP_US		20000
/* bvt's own context switch allowance, and what a sample may be late */
#define ALLOWANCE_MS		2
#define SAMPLE_MS		1
#define WATCH_WINDOW_MS		(10 * SAMPLE_MS)

static struct rawvm *spinner(const char *name)
{
	return rawvm_spawn(&(struct rawvm_spec) { .name = name, .cpus = "0" });
}

static struct rawvm *ticker(unsigned int period_ms, unsigned int busy_ms)
{
	return rawvm_spawn(&(struct rawvm_spec) {
		.name = "tick", .kind = RAWVM_TICK, .cpus = "0",
		.period_us = period_ms * 1000, .busy_us = busy_ms * 1000 });
}

static int set_warp(struct rawvm *vm, unsigned int limit_us,
		    unsigned int unwarp_us)
{
	return cli_do("vm set pid:%d warp %u warp-limit %u unwarp %u",
		      rawvm_pid(vm), WARP_US, limit_us, unwarp_us);
}

/* Longest time that @vm stands still within @ms, to the next sample; 0: error */
static double longest_ms(struct rawvm *vm, unsigned int ms)
{
	struct watch_result seen;
	struct watch *w = watch_start(&vm, 1, WATCH_WINDOW_MS);

	if (!w)
		return 0;
	clock_sleep_ms(ms);
	watch_stop(w, &seen);
	return seen.longest_ns / 1e6;
}

/* Who never sleeps is never warped: it gets its share, in usual slices */
TEST_F_TIMEOUT(vmsched, spinner_is_not_warped, LIMIT)
{
	struct rawvm *a = spinner("warped"), *b = spinner("plain");
	double off, longest;
	uint64_t x, y;

	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, set_warp(a, WARP_LIMIT_US, UNWARP_US));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	clock_sleep_ms(SETTLE_MS);
	x = rawvm_progress_all(a);
	y = rawvm_progress_all(b);
	longest = longest_ms(b, MEASURE_MS);
	x = rawvm_progress_all(a) - x;
	y = rawvm_progress_all(b) - y;
	off = fabs((double)x / (x + y) - 0.5) * 200;
	metric("share_off", off, "%");
	EXPECT_LE(off, SHARE_LIMIT_PERCENT);
	EXPECT_GT(longest, 0);
	EXPECT_LE(longest, 3 * ALLOWANCE_MS + 2 * SAMPLE_MS);
}

/*
 * Who wakes and then wants all there is runs ahead at once for its limit, and
 * not for the whole warp. Without a limit it does: the measure sees it.
 */
TEST_F_TIMEOUT(vmsched, limit_of_a_warp, LIMIT)
{
	struct rawvm *tick = ticker(200, 150), *spin = spinner("spin");
	double longest;

	ASSERT_NE(NULL, tick);
	ASSERT_NE(NULL, spin);
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, set_warp(tick, WARP_LIMIT_US, UNWARP_US));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	clock_sleep_ms(SETTLE_MS);
	longest = longest_ms(spin, MEASURE_MS);
	metric("held_with_limit", longest, "ms");
	EXPECT_GE(longest, WARP_LIMIT_US / 1000 - SAMPLE_MS);
	EXPECT_LE(longest, WARP_LIMIT_US / 1000.0 + 2 * ALLOWANCE_MS +
			   2 * SAMPLE_MS);

	ASSERT_EQ(0, set_warp(tick, 0, UNWARP_US));
	longest = longest_ms(spin, MEASURE_MS);
	metric("held_without_limit", longest, "ms");
	EXPECT_GE(longest, WARP_US / 1000 * 0.8);
	EXPECT_FALSE(rawvm_broken(tick));
}

/* What is borrowed is paid back: while both want to run, they get the same */
TEST_F_TIMEOUT(vmsched, warp_gives_no_share, LIMIT)
{
	struct rawvm *tick = ticker(6000, 5000), *spin = spinner("spin");
	uint64_t end = clock_ns() + 10 * NSEC_PER_SEC;
	uint64_t mark, x, y, x2, y2;
	double off;

	ASSERT_NE(NULL, tick);
	ASSERT_NE(NULL, spin);
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, set_warp(tick, WARP_LIMIT_US, UNWARP_US));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	mark = rawvm_delay_mark(tick, 0);
	while (rawvm_delay_mark(tick, 0) == mark && clock_ns() < end)
		clock_sleep_ms(1);
	ASSERT_EQ(0, vm_u64(rawvm_pid(tick), "run_ns", &x));
	ASSERT_EQ(0, vm_u64(rawvm_pid(spin), "run_ns", &y));
	clock_sleep_ms(MEASURE_MS);
	ASSERT_EQ(0, vm_u64(rawvm_pid(tick), "run_ns", &x2));
	ASSERT_EQ(0, vm_u64(rawvm_pid(spin), "run_ns", &y2));
	x = x2 - x;
	y = y2 - y;
	off = fabs((double)x / (x + y) - 0.5) * 200;
	metric("share_off", off, "%");
	EXPECT_LE(off, SHARE_LIMIT_PERCENT);
}

#define TICK_PERIOD_MS		40
#define TICK_BUSY_MS		8
/* Of the spinner: who wakes without a warp waits for so long */
#define LONG_SLICE_US		20000
#define QUICK_NS		NSEC_PER_MSEC

/* Share of wakes that were served at once, in % */
static double quick_wakes(struct rawvm *tick, unsigned int unwarp_us)
{
	uint64_t mark;
	double share;

	if (set_warp(tick, WARP_LIMIT_US, unwarp_us))
		return -1;
	clock_sleep_ms(SETTLE_MS);
	mark = rawvm_delay_mark(tick, 0);
	clock_sleep_ms(MEASURE_MS);
	share = rawvm_delays_below(tick, 0, mark, QUICK_NS);
	printf("# quick_wakes_unwarp_%u_ms: %.6g %%\n", unwarp_us / 1000,
	       share * 100);
	return share * 100;
}

/*
 * Each wake wants more than the limit, so that the next warp has to wait for
 * the unwarp time: none, less than a period, one and a half, or for ever.
 */
TEST_F_TIMEOUT(vmsched, unwarp_time, LIMIT)
{
	struct rawvm *tick = ticker(TICK_PERIOD_MS, TICK_BUSY_MS);
	struct rawvm *spin = spinner("spin");
	double half;

	ASSERT_NE(NULL, tick);
	ASSERT_NE(NULL, spin);
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, cli_do("vm set pid:%d slice %u", rawvm_pid(spin),
			    LONG_SLICE_US));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	EXPECT_GE(quick_wakes(tick, 0), 95);
	EXPECT_GE(quick_wakes(tick, UNWARP_US), 95);
	half = quick_wakes(tick, TICK_PERIOD_MS * 1500);
	EXPECT_GE(half, 40);
	EXPECT_LE(half, 60);
	EXPECT_GE(quick_wakes(tick, 10000000), 0);
	EXPECT_LE(quick_wakes(tick, 10000000), 5);
	EXPECT_FALSE(rawvm_broken(tick));
}

/* Grants that two spinners get in a second with the allowance @us, 0: error */
static double grants(struct rawvm *vms[2], unsigned int us)
{
	uint64_t before[2], after[2];
	double n;
	int i;

	for (i = 0; i < 2; i++) {
		if (cli_do("vm set pid:%d slice %u", rawvm_pid(vms[i]), us))
			return 0;
	}
	clock_sleep_ms(SETTLE_MS);
	for (i = 0; i < 2; i++) {
		if (vcpu_u64(rawvm_tid(vms[i], 0), "switches", &before[i]))
			return 0;
	}
	clock_sleep_ms(MEASURE_MS);
	for (i = 0; i < 2; i++) {
		if (vcpu_u64(rawvm_tid(vms[i], 0), "switches", &after[i]))
			return 0;
	}
	n = (after[0] - before[0] + after[1] - before[1]) * 1000.0 / MEASURE_MS;
	printf("# grants_allowance_%u_us: %.6g 1/s\n", us, n);
	return n;
}

/* Two that alternate run for twice the allowance each: to it, and past it */
TEST_F_TIMEOUT(vmsched, allowance_bounds_switches, LIMIT)
{
	struct rawvm *vms[2] = { spinner("a"), spinner("b") };
	static const unsigned int allowance_us[] = { 1000, 5000, 20000 };
	unsigned int i;

	ASSERT_NE(NULL, vms[0]);
	ASSERT_NE(NULL, vms[1]);
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	for (i = 0; i < ARRAY_SIZE(allowance_us); i++) {
		double want = 1e6 / (2 * allowance_us[i]);
		double n = grants(vms, allowance_us[i]);

		EXPECT_GE(n, want * 0.8);
		EXPECT_LE(n, want * 1.2);
	}
}

TEST_HARNESS_MAIN
