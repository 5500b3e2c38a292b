// SPDX-License-Identifier: GPL-2.0
/*
 * What programs that are no VMMs pay for vmsched: hackbench and perf's scheduler
 * benchmarks with the module absent, loaded, and managing a guest. One guest,
 * which mostly sleeps, is there in all three. Time is virtual, so what threads
 * executed is a number of instructions, Linux's for them included.
 */
#include <sys/resource.h>
#include <string.h>

#include "lib/test.h"

#include "lib/cli.h"
#include "lib/klog.h"
#include "lib/modules.h"

#define GUEST_PERIOD_US	200000
/* Of the time with the module absent, in permille */
#define LOADED_MOST	1010
#define MANAGED_MOST	1020
/* Less is another program than the one meant, or none */
#define SHORTEST_NS	(50 * NSEC_PER_MSEC)
/* What differs only because it comes first shall not count */
#define ROUNDS		3
#define RUNS		2

enum state {
	ABSENT,
	LOADED,
	MANAGED,
	STATES,
};

static int enter(enum state state)
{
	switch (state) {
	case ABSENT:
		if (module_loaded("vmsched") && sched_switch("native", NULL))
			return -EIO;
		return vmsched_remove_all();
	case LOADED:
		return vmsched_ready();
	default:
		return sched_switch("bvt", NULL) ? -EIO : 0;
	}
}

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
	EXPECT_EQ(0, enter(ABSENT));
	EXPECT_EQ(0, klog_warnings(&self->log));
	klog_close(&self->log);
}

/*
 * What this process and those that it has waited for executed. Not the clock:
 * it leaps while a program is read from the host.
 */
static uint64_t children_ns(void)
{
	struct rusage use;

	getrusage(RUSAGE_CHILDREN, &use);
	return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (use.ru_utime.tv_usec + use.ru_stime.tv_usec) * NSEC_PER_USEC;
}

/* What @command executes, its start and end included; 0 if it fails */
static uint64_t run_once(const char *command)
{
	uint64_t before = children_ns();
	struct run_result r;
	uint64_t ns;
	int ret = run_words(&r, 0, command);

	if (ret) {
		printf("# %s: %s\n", command, strerror(-ret));
		return 0;
	}
	ns = children_ns() - before;
	if (r.status) {
		printf("# %s: status %d: %s\n", command, r.status, r.err);
		ns = 0;
	}
	run_free(&r);
	return ns;
}

/* The least that @command executed in a state is kept in @best */
static int run_in(enum state state, const char *command, uint64_t *best)
{
	int ret = enter(state);
	int i;

	for (i = 0; !ret && i < RUNS; i++) {
		uint64_t ns = run_once(command);

		if (!ns)
			ret = -ENOEXEC;
		if (!*best || ns < *best)
			*best = ns;
	}
	return ret;
}

/* Grants that guest @pid got since vmsched was loaded; 0 without it */
static uint64_t grants_of(pid_t pid)
{
	uint64_t grants;

	return vm_u64(pid, "switches", &grants) ? 0 : grants;
}

TEST_F_TIMEOUT(harm, costs_others_nothing, 600)
{
	pid_t pid = rawvm_pid(self->guest);
	uint64_t best[STATES] = {};
	uint64_t grants = 0;
	int round, state;

	/* Brings it into memory */
	ASSERT_NE(0, run_once(variant->command));
	for (round = 0; round < ROUNDS; round++) {
		for (state = ABSENT; state < STATES; state++)
			ASSERT_EQ(0, run_in(state, variant->command,
					    &best[state]));
		grants += grants_of(pid);
	}
	metric("absent", best[ABSENT] / 1e6, "ms");
	metric("loaded", best[LOADED] * 1000.0 / best[ABSENT], "permille");
	metric("managed", best[MANAGED] * 1000.0 / best[ABSENT], "permille");
	metric("grants", grants, "");
	EXPECT_GT(best[ABSENT], SHORTEST_NS);
	EXPECT_LE(best[LOADED] * 1000, best[ABSENT] * LOADED_MOST);
	EXPECT_LE(best[MANAGED] * 1000, best[ABSENT] * MANAGED_MOST);
	/* The guest was one that vmsched managed */
	EXPECT_GT(grants, 0);
	EXPECT_FALSE(rawvm_broken(self->guest));
}

TEST_HARNESS_MAIN
