// SPDX-License-Identifier: GPL-2.0
/*
 * Two pCPUs: none may idle while a vCPU waits, also when the vCPUs of the VMs
 * do not divide evenly and work has to move from one pCPU to the other.
 */
#include "lib/fixture.h"

#define MEASURE_MS		5000
#define SETTLE_MS		300
#define IDLE_LIMIT_PERCENT	2.0
/* Four equal vCPUs: one that gets less than this of the mean is starved */
#define SHARE_LIMIT_PERCENT	40.0

FIXTURE_VARIANT(vmsched) {
	const char *scheduler;
	unsigned int first, second;	/* vCPUs of the two VMs */
};

FIXTURE_VARIANT_ADD(vmsched, native_2_2) {
	.scheduler = "native", .first = 2, .second = 2,
};

FIXTURE_VARIANT_ADD(vmsched, rr_2_2) {
	.scheduler = "rr", .first = 2, .second = 2,
};

FIXTURE_VARIANT_ADD(vmsched, bvt_2_2) {
	.scheduler = "bvt", .first = 2, .second = 2,
};

FIXTURE_VARIANT_ADD(vmsched, rr_1_3) {
	.scheduler = "rr", .first = 1, .second = 3,
};

FIXTURE_VARIANT_ADD(vmsched, bvt_1_3) {
	.scheduler = "bvt", .first = 1, .second = 3,
};

static double idle_percent(const struct cpus_time *before,
			   const struct cpus_time *after)
{
	double idle = after->idle - before->idle;
	double all = idle + after->busy - before->busy;

	return all > 0 ? idle / all * 100 : 100;
}

/* Smallest progress of a vCPU in % of the mean */
static double smallest_share(struct rawvm *vms[2], uint64_t before[2][4])
{
	double done[8], sum = 0, smallest = 100;
	unsigned int i, j, n = 0;

	for (i = 0; i < 2; i++) {
		for (j = 0; j < rawvm_nr_vcpus(vms[i]); j++) {
			done[n] = rawvm_progress(vms[i], j) - before[i][j];
			sum += done[n++];
		}
	}
	for (i = 0; i < n; i++) {
		double share = sum > 0 ? done[i] * n / sum * 100 : 0;

		metric("vcpu_progress_of_mean", share, "%");
		if (share < smallest)
			smallest = share;
	}
	return smallest;
}

TEST_F_TIMEOUT(vmsched, no_pcpu_idles, 120)
{
	struct cpus_time start, end;
	uint64_t before[2][4];
	struct rawvm *vms[2];
	double idle;
	unsigned int i, j;

	if (cpus_online() != 2)
		SKIP(return, "needs 2 CPUs, has %u", cpus_online());
	vms[0] = rawvm_spawn(&(struct rawvm_spec) {
		.name = "a", .nr_vcpus = variant->first });
	vms[1] = rawvm_spawn(&(struct rawvm_spec) {
		.name = "b", .nr_vcpus = variant->second });
	ASSERT_NE(NULL, vms[0]);
	ASSERT_NE(NULL, vms[1]);
	ASSERT_EQ(0, sched_switch(variant->scheduler, NULL));
	clock_sleep_ms(SETTLE_MS);

	for (i = 0; i < 2; i++) {
		for (j = 0; j < rawvm_nr_vcpus(vms[i]); j++)
			before[i][j] = rawvm_progress(vms[i], j);
	}
	ASSERT_EQ(0, cpus_read_time(&start));
	clock_sleep_ms(MEASURE_MS);
	ASSERT_EQ(0, cpus_read_time(&end));

	idle = idle_percent(&start, &end);
	metric("idle", idle, "%");
	metric("busy", end.busy - start.busy, "ticks");
	EXPECT_LT(idle, IDLE_LIMIT_PERCENT);
	EXPECT_GE(smallest_share(vms, before), SHARE_LIMIT_PERCENT);
}

/* The measure itself: with all guests paused it must tell of idle time */
TEST_F_TIMEOUT(vmsched, paused_guests_leave_pcpus_idle, 120)
{
	struct cpus_time start, end;
	struct rawvm *vm;
	double idle;

	vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "a", .nr_vcpus = variant->first + variant->second });
	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, sched_switch(variant->scheduler, NULL));
	ASSERT_EQ(0, rawvm_pause(vm));
	clock_sleep_ms(100);
	ASSERT_EQ(0, cpus_read_time(&start));
	clock_sleep_ms(1000);
	ASSERT_EQ(0, cpus_read_time(&end));
	idle = idle_percent(&start, &end);
	metric("idle_all_paused", idle, "%");
	EXPECT_GT(idle, 50);
}

/* A pCPU whose guests all left must take work from the other one */
TEST_F_TIMEOUT(vmsched, work_follows_a_free_pcpu, 120)
{
	struct cpus_time start, end;
	struct rawvm *a, *b;
	double idle;

	if (cpus_online() != 2)
		SKIP(return, "needs 2 CPUs, has %u", cpus_online());
	a = rawvm_spawn(&(struct rawvm_spec) {
		.name = "a", .nr_vcpus = variant->first + variant->second });
	b = rawvm_spawn(&(struct rawvm_spec) { .name = "b", .nr_vcpus = 2 });
	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	ASSERT_EQ(0, sched_switch(variant->scheduler, NULL));
	clock_sleep_ms(SETTLE_MS);
	ASSERT_EQ(0, rawvm_pause(b));
	clock_sleep_ms(100);
	ASSERT_EQ(0, cpus_read_time(&start));
	clock_sleep_ms(MEASURE_MS / 2);
	ASSERT_EQ(0, cpus_read_time(&end));
	idle = idle_percent(&start, &end);
	metric("idle_after_pause", idle, "%");
	EXPECT_LT(idle, IDLE_LIMIT_PERCENT);
	ASSERT_EQ(0, rawvm_resume(b));
	EXPECT_TRUE(rawvm_advances(b, HANG_LIMIT_MS));
}

TEST_HARNESS_MAIN
