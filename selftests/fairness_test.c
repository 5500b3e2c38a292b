// SPDX-License-Identifier: GPL-2.0
/*
 * Shares of spinning guests on one pCPU, counted by the guests themselves.
 *
 * Runs in deterministic time: one loop of a spinner is a fixed number of
 * nanoseconds there, so progress is time in guest mode.
 */
#include <math.h>

#include "lib/fixture.h"

#define SPINNERS		4
#define MEASURE_MS		5000
#define SETTLE_MS		200
/* Not the one that rr takes if it is told none */
#define RR_SLICE_US		2000
#define LONG_SLICE_US		20000
#define PREEMPT_MS		2000
#define RR_LIMIT_PERCENT	3.0
#define BVT_LIMIT_PERCENT	5.0
#define ROGUE_LEAVES_PERCENT	45

static int spawn_spinners(struct rawvm *vms[], unsigned int n)
{
	static const char * const names[] = { "a", "b", "c", "d" };
	unsigned int i;

	for (i = 0; i < n; i++) {
		vms[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = names[i], .cpus = "0" });
		if (!vms[i])
			return -1;
	}
	return 0;
}

static void measure(struct rawvm *vms[], uint64_t done[], unsigned int n)
{
	unsigned int i;

	clock_sleep_ms(SETTLE_MS);
	for (i = 0; i < n; i++)
		done[i] = rawvm_progress_all(vms[i]);
	clock_sleep_ms(MEASURE_MS);
	for (i = 0; i < n; i++)
		done[i] = rawvm_progress_all(vms[i]) - done[i];
}

/* Largest distance of a share from what its weight gives, in % of that */
static double worst_share(struct rawvm *vms[], const uint64_t done[],
			  const unsigned int weight[], unsigned int n)
{
	double sum = 0, weights = 0, worst = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		sum += done[i];
		weights += weight[i];
	}
	for (i = 0; i < n; i++) {
		double want = sum * weight[i] / weights;
		double off = want > 0 ? (done[i] - want) / want * 100 : 100;
		char name[32];

		snprintf(name, sizeof(name), "share_%s_of_weight_%u",
			 rawvm_name(vms[i]), weight[i]);
		metric(name, sum > 0 ? done[i] / sum * 100 : 0, "%");
		if (fabs(off) > worst)
			worst = fabs(off);
	}
	metric("worst_deviation", worst, "%");
	return worst;
}

TEST_F_TIMEOUT(vmsched, rr_shares_equally, 600)
{
	static const unsigned int weight[SPINNERS] = { 1, 1, 1, 1 };
	struct rawvm *vms[SPINNERS];
	uint64_t done[SPINNERS];
	uint64_t switches, wait_ns;
	unsigned int i;

	ASSERT_EQ(0, spawn_spinners(vms, SPINNERS));
	for (i = 0; i < SPINNERS; i++)
		ASSERT_EQ(0, cli_do("vm set pid:%d slice %u", rawvm_pid(vms[i]),
				    RR_SLICE_US));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	measure(vms, done, SPINNERS);
	EXPECT_LE(worst_share(vms, done, weight, SPINNERS), RR_LIMIT_PERCENT);

	/* Fair by rr and not by chance: slices were really given */
	ASSERT_EQ(0, vm_u64(rawvm_pid(vms[0]), "switches", &switches));
	ASSERT_EQ(0, vm_u64(rawvm_pid(vms[0]), "wait_ns", &wait_ns));
	metric("grants_of_a", switches, "");
	metric("waited_a", wait_ns / 1e6, "ms");
	EXPECT_GE(switches, MEASURE_MS * 1000 / RR_SLICE_US / SPINNERS / 2);
	EXPECT_GE(wait_ns, MEASURE_MS * NSEC_PER_MSEC / 2);
}

TEST_F_TIMEOUT(vmsched, bvt_shares_by_weight, 300)
{
	static const unsigned int weight[] = { 100, 200, 400 };
	struct rawvm *vms[ARRAY_SIZE(weight)];
	uint64_t done[ARRAY_SIZE(weight)];
	unsigned int i;

	ASSERT_EQ(0, spawn_spinners(vms, ARRAY_SIZE(weight)));
	for (i = 0; i < ARRAY_SIZE(weight); i++)
		ASSERT_EQ(0, cli_do("vm set pid:%d weight %u",
				    rawvm_pid(vms[i]), weight[i]));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	measure(vms, done, ARRAY_SIZE(weight));
	EXPECT_LE(worst_share(vms, done, weight, ARRAY_SIZE(weight)),
		  BVT_LIMIT_PERCENT);
}

/* The others wait for 100 ms each time, for 1 ms. That is no fault. */
TEST_F_TIMEOUT(vmsched, prio_is_strict_but_for_age, 300)
{
	static const unsigned int weight[] = { 100, 100, 200 };
	struct rawvm *vms[ARRAY_SIZE(weight)];
	uint64_t done[ARRAY_SIZE(weight)];
	double sum = 0;
	unsigned int i;

	ASSERT_EQ(0, spawn_spinners(vms, ARRAY_SIZE(weight)));
	for (i = 0; i < ARRAY_SIZE(weight); i++)
		ASSERT_EQ(0, cli_do("vm set pid:%d weight %u time-critical %s",
				    rawvm_pid(vms[i]), weight[i], i ? "off" : "on"));
	ASSERT_EQ(0, sched_switch("prio", NULL));
	measure(vms, done, ARRAY_SIZE(weight));
	for (i = 0; i < ARRAY_SIZE(weight); i++)
		sum += done[i];
	for (i = 0; i < ARRAY_SIZE(weight); i++)
		metric(rawvm_name(vms[i]), done[i] / sum * 100, "%");
	EXPECT_GE(done[0], sum * 0.96);
	for (i = 1; i < ARRAY_SIZE(weight); i++)
		EXPECT_GE(done[i], sum * 0.005);
	EXPECT_TRUE(sched_is_active("prio"));
}

TEST_F_TIMEOUT(vmsched, weight_counts_while_running, 300)
{
	static const unsigned int weight[] = { 300, 100 };
	struct rawvm *vms[ARRAY_SIZE(weight)];
	uint64_t done[ARRAY_SIZE(weight)];
	unsigned int i;

	ASSERT_EQ(0, spawn_spinners(vms, ARRAY_SIZE(weight)));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	clock_sleep_ms(SETTLE_MS);
	for (i = 0; i < ARRAY_SIZE(weight); i++)
		ASSERT_EQ(0, cli_do("vm set pid:%d weight %u",
				    rawvm_pid(vms[i]), weight[i]));
	measure(vms, done, ARRAY_SIZE(weight));
	EXPECT_LE(worst_share(vms, done, weight, ARRAY_SIZE(weight)),
		  BVT_LIMIT_PERCENT);
}

TEST_F_TIMEOUT(vmsched, weights_survive_switches, 300)
{
	static const unsigned int weight[] = { 100, 200, 400 };
	static const char * const via[] = { "bvt", "rr", "native", "bvt" };
	struct rawvm *vms[ARRAY_SIZE(weight)];
	uint64_t done[ARRAY_SIZE(weight)];
	uint64_t seen;
	unsigned int i;

	ASSERT_EQ(0, spawn_spinners(vms, ARRAY_SIZE(weight)));
	for (i = 0; i < ARRAY_SIZE(weight); i++)
		ASSERT_EQ(0, cli_do("vm set pid:%d weight %u",
				    rawvm_pid(vms[i]), weight[i]));
	for (i = 0; i < ARRAY_SIZE(via); i++) {
		ASSERT_EQ(0, sched_switch(via[i], NULL));
		clock_sleep_ms(SETTLE_MS);
	}
	for (i = 0; i < ARRAY_SIZE(weight); i++) {
		ASSERT_EQ(0, vm_u64(rawvm_pid(vms[i]), "weight", &seen));
		EXPECT_EQ(weight[i], seen);
	}
	measure(vms, done, ARRAY_SIZE(weight));
	EXPECT_LE(worst_share(vms, done, weight, ARRAY_SIZE(weight)),
		  BVT_LIMIT_PERCENT);
}

/*
 * A slice counts executed time: who is preempted by a thread of the host goes on
 * with it afterwards, and does not begin at the end of the queue again.
 */
TEST_F_TIMEOUT(vmsched, slice_survives_preemption, 600)
{
	struct rawvm *vms[2];
	uint64_t before, grants;
	unsigned int i;

	ASSERT_EQ(0, spawn_spinners(vms, ARRAY_SIZE(vms)));
	for (i = 0; i < ARRAY_SIZE(vms); i++)
		ASSERT_EQ(0, cli_do("vm set pid:%d slice %u", rawvm_pid(vms[i]),
				    LONG_SLICE_US));
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, sched_switch("rr", NULL));
	clock_sleep_ms(SETTLE_MS);
	ASSERT_EQ(0, vm_u64(rawvm_pid(vms[0]), "switches", &before));
	for (i = 0; i < PREEMPT_MS; i++)
		clock_sleep_ms(1);
	ASSERT_EQ(0, vm_u64(rawvm_pid(vms[0]), "switches", &grants));
	metric("grants", grants - before, "");
	EXPECT_GE(grants - before, PREEMPT_MS * 1000 / LONG_SLICE_US / 4);
	EXPECT_LE(grants - before, PREEMPT_MS * 1000 / LONG_SLICE_US);
}

/*
 * A VM that is warped at its wakes, and then works for most of the time: the
 * limit leaves the other one its half.
 */
TEST_F_TIMEOUT(vmsched, warp_has_a_limit, 600)
{
	struct rawvm_spec rogue = {
		.name = "rogue", .cpus = "0", .kind = RAWVM_TICK,
		.period_us = 50000, .busy_us = 40000,
	};
	struct rawvm *vms[2];
	uint64_t done, alone;

	ASSERT_EQ(0, spawn_spinners(vms, 1));
	clock_sleep_ms(SETTLE_MS);
	measure(vms, &alone, 1);
	vms[1] = rawvm_spawn(&rogue);
	ASSERT_NE(NULL, vms[1]);
	ASSERT_EQ(0, cli_do("vm set pid:%d warp 10000000 warp-limit 5000 unwarp 1000",
			    rawvm_pid(vms[1])));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	measure(vms, &done, 1);
	metric("share_beside_a_rogue", (double)done / alone * 100, "%");
	EXPECT_GE(done * 100, alone * ROGUE_LEAVES_PERCENT);
}

/* What KVM tells the guest as steal time is what it waited in the gate */
TEST_F_TIMEOUT(vmsched, wait_is_steal, 300)
{
	struct rawvm *vms[3];
	uint64_t steal, wait, wait_after;

	ASSERT_EQ(0, spawn_spinners(vms, ARRAY_SIZE(vms)));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	clock_sleep_ms(SETTLE_MS);
	steal = rawvm_steal_ns(vms[0], 0);
	ASSERT_EQ(0, vm_u64(rawvm_pid(vms[0]), "wait_ns", &wait));
	clock_sleep_ms(MEASURE_MS);
	steal = rawvm_steal_ns(vms[0], 0) - steal;
	ASSERT_EQ(0, vm_u64(rawvm_pid(vms[0]), "wait_ns", &wait_after));
	wait = wait_after - wait;
	metric("guest_steal", steal / 1e6, "ms");
	metric("vmsched_wait", wait / 1e6, "ms");
	EXPECT_GT(steal, MEASURE_MS * NSEC_PER_MSEC / 3);
	EXPECT_LE(fabs((double)steal - wait), 0.05 * wait);
}

TEST_HARNESS_MAIN
