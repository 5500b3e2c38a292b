// SPDX-License-Identifier: GPL-2.0
/*
 * What programs that are no VMMs pay for vmsched: hackbench and perf's scheduler
 * benchmarks with the module absent, loaded, and managing a guest. One guest,
 * which mostly sleeps, is there in all three. Time is virtual, so what threads
 * executed is a number of instructions, Linux's for them included.
 */
#include <math.h>
#include <sys/resource.h>
#include <string.h>

#include "lib/test.h"

#include "lib/cli.h"
#include "lib/klog.h"
#include "lib/modules.h"

#define GUEST_PERIOD_US	200000
/*
 * More than with the module absent. A program that does nothing but switch
 * threads pays what a switch does, and that may be so much.
 */
#define LOADED_MOST	0.015
#define MANAGED_MOST	0.020
/* Two runs differ by how threads meet: what is said of the mean must be exact */
#define ERROR_MOST	0.02
/* Less is another program than the one meant, or none */
#define SHORTEST_NS	(50 * NSEC_PER_MSEC)
/* In turns, so that nothing differs only because it comes first */
#define ROUNDS		12

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

/* What a command executed, in ns */
struct sample {
	double sum, squares;
};

static double mean(const struct sample *s)
{
	return s->sum / ROUNDS;
}

/* Square of the standard error of the mean */
static double variance(const struct sample *s)
{
	double of_one = s->squares / ROUNDS - mean(s) * mean(s);

	return fmax(of_one, 0) / (ROUNDS - 1);
}

static int run_in(enum state state, const char *command, struct sample *s)
{
	int ret = enter(state);
	double ns;

	if (ret)
		return ret;
	ns = run_once(command);
	s->sum += ns;
	s->squares += ns * ns;
	return ns ? 0 : -ENOEXEC;
}

/* How much more is executed than with the module absent, as a part of that */
struct cost {
	double more, error;
};

static struct cost cost_of(const struct sample s[STATES], enum state state)
{
	double absent = mean(&s[ABSENT]);
	struct cost c = {
		.more = mean(&s[state]) / absent - 1,
		.error = sqrt(variance(&s[ABSENT]) + variance(&s[state])) /
			 absent,
	};
	const char *name = state == LOADED ? "loaded" : "managed";

	printf("# %s_more: %.2f %% (standard error %.2f)\n", name,
	       c.more * 100, c.error * 100);
	return c;
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
	struct sample s[STATES] = {};
	struct cost loaded, managed;
	uint64_t grants = 0;
	int round, state;

	/* Brings it into memory */
	ASSERT_NE(0, run_once(variant->command));
	for (round = 0; round < ROUNDS; round++) {
		for (state = ABSENT; state < STATES; state++)
			ASSERT_EQ(0, run_in(state, variant->command,
					    &s[state]));
		grants += grants_of(pid);
	}
	metric("absent", mean(&s[ABSENT]) / 1e6, "ms");
	loaded = cost_of(s, LOADED);
	managed = cost_of(s, MANAGED);
	metric("grants", grants, "");
	EXPECT_GT(mean(&s[ABSENT]), SHORTEST_NS);
	EXPECT_LE(loaded.error, ERROR_MOST);
	EXPECT_LE(loaded.more, LOADED_MOST + 2 * loaded.error);
	EXPECT_LE(managed.error, ERROR_MOST);
	EXPECT_LE(managed.more, MANAGED_MOST + 2 * managed.error);
	/* The guest was one that vmsched managed */
	EXPECT_GT(grants, 0);
	EXPECT_FALSE(rawvm_broken(self->guest));
}

TEST_HARNESS_MAIN
