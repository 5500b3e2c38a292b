// SPDX-License-Identifier: GPL-2.0
/*
 * What a vCPU is owed, or owes, when the scheduler changes: it is kept if the
 * next one but one counts it as well, and a sleeper is owed nothing.
 *
 * Runs in deterministic time, all guests on one pCPU. One loop of a spinner is
 * a fixed number of nanoseconds there.
 */
#include <math.h>

#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/watch.h"

#define LIMIT			300
#define SAMPLE_MS		1
#define WATCH_WINDOW_MS		(10 * SAMPLE_MS)

/* Two spinners by weight, and what they did while bvt was active */
#define SPINNERS		2

static const unsigned int weight[SPINNERS] = { 100, 300 };

struct pair {
	struct rawvm *vm[SPINNERS];
	uint64_t from[SPINNERS];
	uint64_t done[SPINNERS];
	uint64_t start;
	uint64_t ns;
	struct genl g;
};

/* @slice_us is bvt's allowance: how far one may come ahead of the other */
static int set_slices(struct pair *p, unsigned int slice_us)
{
	int i, ret = 0;

	for (i = 0; i < SPINNERS && !ret; i++)
		ret = cli_do("vm set pid:%d slice %u", rawvm_pid(p->vm[i]),
			     slice_us);
	return ret;
}

static int start_pair(struct pair *p, unsigned int slice_us)
{
	static const char * const names[SPINNERS] = { "a", "b" };
	int i, ret;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < SPINNERS; i++) {
		p->vm[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = names[i], .cpus = "0" });
		if (!p->vm[i])
			return -1;
		ret = cli_do("vm set pid:%d weight %u", rawvm_pid(p->vm[i]),
			     weight[i]);
		if (ret)
			return ret;
	}
	return control_first() ?: genl_open(&p->g) ?: set_slices(p, slice_us);
}

/* Let them run under bvt for @ms and count that, then go to rr */
static int run_bvt(struct pair *p, unsigned int ms)
{
	int i, ret = genl_switch(&p->g, "bvt");

	p->start = clock_ns();
	for (i = 0; i < SPINNERS; i++)
		p->from[i] = rawvm_progress_all(p->vm[i]);
	clock_sleep_ms(ms);
	p->ns += clock_ns() - p->start;
	for (i = 0; i < SPINNERS; i++)
		p->done[i] += rawvm_progress_all(p->vm[i]) - p->from[i];
	return ret ?: genl_switch(&p->g, "rr");
}

/* How far the first one is ahead of the other, in ms of its own time */
static double ahead_ms(const struct pair *p)
{
	double loops_per_ms = (p->done[0] + p->done[1]) * 1e6 / p->ns;

	return (p->done[0] - (double)p->done[1] * weight[0] / weight[1]) /
	       loops_per_ms;
}

/* The lag made with a long allowance is paid back after rr, with a short one */
TEST_F_TIMEOUT(vmsched, lag_is_kept, LIMIT)
{
	struct pair p;
	double lag, rest;

	ASSERT_EQ(0, start_pair(&p, 80000));
	ASSERT_EQ(0, run_bvt(&p, 60));
	lag = ahead_ms(&p);
	metric("lag_before_rr", lag, "ms");
	ASSERT_GE(fabs(lag), 15);
	ASSERT_EQ(0, set_slices(&p, 1000));
	clock_sleep_ms(300);
	ASSERT_EQ(0, run_bvt(&p, 2000));
	rest = ahead_ms(&p);
	metric("lag_in_the_end", rest, "ms");
	EXPECT_LE(fabs(rest), 5);
	genl_close(&p.g);
}

/*
 * Switches come before the lag can be paid back, over and over. Who waited
 * longest comes first after each: if lag were lost, the lighter one would have
 * most of the pCPU.
 */
TEST_F_TIMEOUT(vmsched, shares_hold_over_switches, LIMIT)
{
	struct pair p;
	double share;
	int i;

	ASSERT_EQ(0, start_pair(&p, 50000));
	for (i = 0; i < 40; i++)
		ASSERT_EQ(0, run_bvt(&p, 60));
	share = (double)p.done[0] / (p.done[0] + p.done[1]) * 100;
	metric("share_of_weight_100_of_400", share, "%");
	EXPECT_LE(fabs(share - 25), 2);
	genl_close(&p.g);
}

/* bvt's own allowance: who alternates runs to it, and past it */
#define ALLOWANCE_MS	2
#define RUN_MS		(2 * ALLOWANCE_MS)
#define PERIOD_MS	4000
#define BUSY_MS		1500

static bool wait_wake(struct rawvm *tick)
{
	uint64_t end = clock_ns() + 3 * PERIOD_MS * NSEC_PER_MSEC;
	uint64_t mark = rawvm_delay_mark(tick, 0);

	while (rawvm_delay_mark(tick, 0) == mark) {
		if (clock_ns() > end)
			return false;
		clock_sleep_ms(1);
	}
	return true;
}

/* Share of the first one in @ms of whatever is active, in percent */
static double share_in(struct pair *p, unsigned int ms)
{
	uint64_t did[SPINNERS];
	int i;

	for (i = 0; i < SPINNERS; i++)
		p->from[i] = rawvm_progress_all(p->vm[i]);
	clock_sleep_ms(ms);
	for (i = 0; i < SPINNERS; i++)
		did[i] = rawvm_progress_all(p->vm[i]) - p->from[i];
	return (double)did[0] / (did[0] + did[1]) * 100;
}

/* Weights that bvt acts on, and rr does not, are the same for both afterwards */
TEST_F_TIMEOUT(vmsched, rr_bvt_rr_leaves_shares, LIMIT)
{
	double before, between, after, again;
	struct pair p;
	uint64_t kept;
	int i;

	ASSERT_EQ(0, start_pair(&p, 1000));
	ASSERT_EQ(0, genl_switch(&p.g, "rr"));
	before = share_in(&p, 1000);
	ASSERT_EQ(0, genl_switch(&p.g, "bvt"));
	between = share_in(&p, 1000);
	ASSERT_EQ(0, genl_switch(&p.g, "rr"));
	after = share_in(&p, 1000);
	ASSERT_EQ(0, genl_switch(&p.g, "bvt"));
	again = share_in(&p, 1000);
	metric("share_under_rr", before, "%");
	metric("share_under_bvt", between, "%");
	metric("share_under_rr_again", after, "%");
	metric("share_under_bvt_again", again, "%");
	EXPECT_LE(fabs(before - 50), 1);
	EXPECT_LE(fabs(between - 25), 1);
	EXPECT_LE(fabs(after - before), 1);
	EXPECT_LE(fabs(again - between), 1);
	for (i = 0; i < SPINNERS; i++) {
		ASSERT_EQ(0, vm_u64(rawvm_pid(p.vm[i]), "weight", &kept));
		EXPECT_EQ(weight[i], kept);
	}
	genl_close(&p.g);
}

/* Asleep under bvt, awake under rr: no burst when bvt is back */
TEST_F_TIMEOUT(vmsched, sleeper_is_owed_nothing, LIMIT)
{
	struct rawvm *spin, *tick;
	struct watch_result seen;
	struct watch *watch;
	struct genl g;

	spin = rawvm_spawn(&(struct rawvm_spec) { .name = "spin", .cpus = "0" });
	tick = rawvm_spawn(&(struct rawvm_spec) {
		.name = "tick", .kind = RAWVM_TICK, .cpus = "0",
		.period_us = PERIOD_MS * 1000, .busy_us = BUSY_MS * 1000 });
	ASSERT_NE(NULL, spin);
	ASSERT_NE(NULL, tick);
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, genl_switch(&g, "bvt"));
	ASSERT_TRUE(wait_wake(tick));
	clock_sleep_ms(PERIOD_MS - 500);
	ASSERT_EQ(0, genl_switch(&g, "rr"));
	ASSERT_TRUE(wait_wake(tick));
	clock_sleep_ms(100);
	ASSERT_EQ(0, genl_switch(&g, "bvt"));
	watch = watch_start(&spin, 1, WATCH_WINDOW_MS);
	ASSERT_NE(NULL, watch);
	clock_sleep_ms(BUSY_MS / 2);
	watch_stop(watch, &seen);
	EXPECT_GE(seen.longest_ns, ALLOWANCE_MS * NSEC_PER_MSEC);
	EXPECT_LE(seen.longest_ns, (2 * RUN_MS + 2 * SAMPLE_MS) * NSEC_PER_MSEC);
	genl_close(&g);
}

TEST_HARNESS_MAIN
