// SPDX-License-Identifier: GPL-2.0
/*
 * What programs that are no VMMs pay for vmsched: hackbench and perf's scheduler
 * benchmarks with the module absent, loaded, and managing a guest. One guest,
 * which mostly sleeps, is there in all three. Time is virtual, so it is the
 * number of instructions that the machine executed, Linux's included.
 */
#include <string.h>

#include "lib/test.h"

#include "lib/cli.h"
#include "lib/klog.h"
#include "lib/modules.h"

#define GUEST_PERIOD_US	200000
#define LIMIT_MS	HANG_LIMIT_MS
/* Of the time with the module absent, in permille */
#define LOADED_MOST	1010
#define MANAGED_MOST	1020
/* Less is another program than the one meant, or none */
#define SHORTEST_NS	(100 * NSEC_PER_MSEC)

FIXTURE(harm) {
	struct klog log;
	struct rawvm *guest;
};

FIXTURE_VARIANT(harm) {
	const char *command;
};

FIXTURE_VARIANT_ADD(harm, hackbench_pipe) {
	.command = "hackbench --pipe -g 1 -f 10 -l 500",
};

FIXTURE_VARIANT_ADD(harm, hackbench_threads_socket) {
	.command = "hackbench --threads -g 1 -f 10 -l 300",
};

FIXTURE_VARIANT_ADD(harm, perf_pipe) {
	.command = "perf bench -f simple sched pipe -l 20000",
};

FIXTURE_VARIANT_ADD(harm, perf_messaging) {
	.command = "perf bench -f simple sched messaging -g 1 -l 50",
};

FIXTURE_SETUP(harm)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	if (!clock_is_exact())
		SKIP(return, "needs exact time: scripts/vm --cpus 1 --icount");
	ASSERT_EQ(0, klog_mark(&self->log));
	ASSERT_EQ(0, vmsched_remove_all());
	self->guest = rawvm_spawn(&(struct rawvm_spec) {
		.name = "guest", .kind = RAWVM_TICK,
		.period_us = GUEST_PERIOD_US });
	ASSERT_NE(NULL, self->guest);
}

FIXTURE_TEARDOWN(harm)
{
	rawvm_kill_all();
	EXPECT_EQ(0, vmsched_remove_all());
	EXPECT_EQ(0, klog_warnings(&self->log));
	klog_close(&self->log);
}

/* Time that @command takes, its start and end included; 0 if it fails */
static uint64_t time_once(const char *command)
{
	struct run_result r;
	uint64_t begin = clock_ns();
	uint64_t ns;
	int ret = run_words(&r, 0, command);

	ns = clock_ns() - begin;
	if (ret) {
		printf("# %s: %s\n", command, strerror(-ret));
		return 0;
	}
	if (r.status) {
		printf("# %s: status %d: %s\n", command, r.status, r.err);
		ns = 0;
	}
	run_free(&r);
	return ns;
}

/* The shortest of some runs, all after one that brings it into memory */
static uint64_t time_of(const char *command)
{
	uint64_t best = 0;
	int i;

	for (i = 0; i < 4; i++) {
		uint64_t ns = time_once(command);

		if (!ns)
			return 0;
		if (i && (!best || ns < best))
			best = ns;
	}
	return best;
}

TEST_F_TIMEOUT(harm, costs_others_nothing, 600)
{
	uint64_t absent, loaded, managed, before, after;
	pid_t pid = rawvm_pid(self->guest);

	absent = time_of(variant->command);
	ASSERT_GT(absent, SHORTEST_NS);

	ASSERT_EQ(0, vmsched_ready());
	ASSERT_TRUE(vm_listed(pid, true, LIMIT_MS));
	loaded = time_of(variant->command);
	ASSERT_NE(0, loaded);

	ASSERT_EQ(0, sched_switch("bvt", NULL));
	ASSERT_EQ(0, vm_u64(pid, "switches", &before));
	managed = time_of(variant->command);
	ASSERT_NE(0, managed);
	ASSERT_EQ(0, vm_u64(pid, "switches", &after));
	ASSERT_EQ(0, sched_switch("native", NULL));

	metric("absent", absent / 1e6, "ms");
	metric("loaded_permille", loaded * 1000.0 / absent, "permille");
	metric("managed_permille", managed * 1000.0 / absent, "permille");
	metric("grants_meanwhile", after - before, "");
	EXPECT_LE(loaded * 1000, absent * LOADED_MOST);
	EXPECT_LE(managed * 1000, absent * MANAGED_MOST);
	/* The guest was one that vmsched managed */
	EXPECT_GT(after, before);
	EXPECT_FALSE(rawvm_broken(self->guest));
}

TEST_HARNESS_MAIN
