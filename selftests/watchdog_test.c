// SPDX-License-Identifier: GPL-2.0
/*
 * The watchdog of schedulers: it finds a vCPU that is left out, in its time, also
 * where something else keeps vCPUs from running at the same time; and that something
 * else alone is not held against a scheduler.
 *
 * So short limits need exact time.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/attr.h"
#include "lib/cli.h"
#include "lib/file.h"
#include "lib/modules.h"
#include "lib/plugin.h"
#include "lib/test.h"

#define LIMIT		240
#define SHORT_MS	100
/* Looks of the watchdog, and turns of the others before it is one's own */
#define WATCHDOG_SLACK	0.8
#define TURNS_MS	150
#define SMALL_SHARE_MS	1500
/* For how long something else is in the way */
#define HELD_MS		(6 * SHORT_MS)
#define SETTLE_MS	(3 * SHORT_MS)
/* Beside a stall it is only half of the time */
#define HALF_MS		30

#define GROUPS		"/sys/fs/cgroup"
#define GROUP		GROUPS "/vmsched_quota"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE	6
#endif

FIXTURE(watchdog) {
	struct plugin_host host;
};

FIXTURE_SETUP(watchdog)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	if (!clock_is_exact())
		SKIP(return, "so short limits need exact time");
	ASSERT_EQ(0, plugin_host_begin(&self->host));
}

FIXTURE_TEARDOWN(watchdog)
{
	EXPECT_EQ(0, plugin_host_end(&self->host));
}

/* The watchdog takes as long as it is told, and no longer */
TEST_F_TIMEOUT(watchdog, stall_is_found_in_time, LIMIT)
{
	static const unsigned int limits[] = { SHORT_MS, WATCHDOG_MS };
	struct plugin_fault f;
	uint64_t armed;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		double ms;

		ASSERT_EQ(0, module_set_param("vmsched", "watchdog_ms", limits[i]));
		ASSERT_EQ(0, sched_switch("bvt", NULL));
		ASSERT_EQ(0, plugin_use("bad_stall", false, &armed));
		ASSERT_TRUE(plugin_becomes_active("bvt"));
		ASSERT_EQ(0, plugin_last_fault(&f));
		EXPECT_TRUE(plugin_tells_of(&f, "bad_stall", "stall", "bvt"));
		ms = (f.time_ns - armed) / 1e6;
		metric("stall_found_after", ms, "ms");
		EXPECT_LT(limits[i], ms);
		EXPECT_GT(limits[i] * (1 + WATCHDOG_SLACK) + TURNS_MS, ms);
		EXPECT_EQ(0, module_remove("bad_stall"));
	}
	/* It may not be told to take forever, or no time at all */
	EXPECT_GT(0, module_set_param("vmsched", "watchdog_ms", 49));
	EXPECT_GT(0, module_set_param("vmsched", "watchdog_ms", 10001));
}

/* The turn of a vCPU with little weight among heavy ones comes late */
TEST_F_TIMEOUT(watchdog, small_share_is_no_stall, LIMIT)
{
	struct plugin_fault f, after;
	uint64_t id;

	ASSERT_EQ(0, module_set_param("vmsched", "watchdog_ms", 50));
	plugin_last_fault(&f);
	ASSERT_EQ(0, vm_id(rawvm_pid(self->host.vm[0]), &id));
	ASSERT_EQ(0, cli_do("vm set %ju weight 1", (uintmax_t)id));
	clock_sleep_ms(SMALL_SHARE_MS);
	/* Nor is what the heaviest one may have at a stretch too long a slice */
	ASSERT_EQ(0, vm_id(rawvm_pid(self->host.vm[3]), &id));
	ASSERT_EQ(0, cli_do("vm set %ju weight 10000", (uintmax_t)id));
	clock_sleep_ms(SMALL_SHARE_MS);
	EXPECT_TRUE(sched_is_active("bvt"));
	plugin_last_fault(&after);
	EXPECT_EQ(f.count, after.count);
}

/* --- What else may keep a vCPU from running --- */

/* Begins and ends it; @half: it leaves half of the time to the vCPUs */
struct hurdle {
	int (*begin)(struct plugin_host *host, bool half);
	int (*end)(struct plugin_host *host);
	double most;	/* part of their time that vCPUs have all the same */
};

static pid_t hog;

static int set_policy(int policy, unsigned int busy_ms, unsigned int of_ms)
{
	struct kernel_sched_attr attr = {
		.size = sizeof(attr),
		.policy = policy,
	};

	if (policy == SCHED_FIFO) {
		attr.priority = 20;
	} else {
		/* A moment more, so that it is not stopped before it sleeps */
		attr.runtime = (busy_ms + 5) * NSEC_PER_MSEC;
		attr.deadline = of_ms * NSEC_PER_MSEC;
		attr.period = attr.deadline;
	}
	return syscall(SYS_sched_setattr, 0, &attr, 0) ? -errno : 0;
}

/* Busy for a part of the time, at a policy that takes the pCPU from all vCPUs */
static void be_busy(int policy, unsigned int busy_ms, unsigned int of_ms, int fd)
{
	uint64_t next, end;
	char err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	err = -set_policy(policy, busy_ms, of_ms);
	if (write(fd, &err, 1) != 1 || err)
		_exit(1);
	for (next = clock_ns();; clock_sleep_until(next)) {
		end = clock_ns() + busy_ms * NSEC_PER_MSEC;
		next += of_ms * NSEC_PER_MSEC;
		while (clock_ns() < end)
			;
	}
}

static int hog_begin(int policy, bool half)
{
	unsigned int busy = half ? HALF_MS : HELD_MS;
	char err = EPIPE;
	int fd[2];

	if (pipe(fd))
		return -errno;
	hog = fork();
	if (!hog)
		be_busy(policy, busy, half ? 2 * busy : 5 * busy, fd[1]);
	close(fd[1]);
	if (read(fd[0], &err, 1) != 1)
		err = EPIPE;
	close(fd[0]);
	return -err;
}

static int hog_end(struct plugin_host *host)
{
	if (kill(hog, SIGKILL))
		return -errno;
	return waitpid(hog, NULL, 0) == hog ? 0 : -errno;
}

static int fifo_begin(struct plugin_host *host, bool half)
{
	return hog_begin(SCHED_FIFO, half);
}

static int deadline_begin(struct plugin_host *host, bool half)
{
	return hog_begin(SCHED_DEADLINE, half);
}

/* One that never sleeps may use little of the time, and keeps its grant meanwhile */
static int quota_begin(struct plugin_host *host, bool half)
{
	pid_t pid = rawvm_pid(host->vm[0]);

	if (file_write(GROUPS "/cgroup.subtree_control", "+cpu") ||
	    (mkdir(GROUP, 0755) && errno != EEXIST))
		return -EOPNOTSUPP;
	return file_write(GROUP "/cpu.max", half ? "10000 20000" : "8000 1000000") ?:
	       file_write_pid(GROUP "/cgroup.procs", pid);
}

static int quota_end(struct plugin_host *host)
{
	int err = file_write_pid(GROUPS "/cgroup.procs", rawvm_pid(host->vm[0]));

	return err ?: rmdir(GROUP) ? -errno : 0;
}

static int stop_begin(struct plugin_host *host, bool half)
{
	return kill(rawvm_pid(host->vm[0]), SIGSTOP) ? -errno : 0;
}

static int stop_end(struct plugin_host *host)
{
	return kill(rawvm_pid(host->vm[0]), SIGCONT) ? -errno : 0;
}

FIXTURE(hurdle) {
	struct plugin_host host;
};

FIXTURE_VARIANT(hurdle) {
	struct hurdle hurdle;
	bool of_one;		/* it is the first VM that does not run */
};

FIXTURE_VARIANT_ADD(hurdle, fifo) {
	.hurdle = { fifo_begin, hog_end, 0.05 },
};

FIXTURE_VARIANT_ADD(hurdle, deadline) {
	.hurdle = { deadline_begin, hog_end, 0.2 },
};

FIXTURE_VARIANT_ADD(hurdle, quota) {
	.hurdle = { quota_begin, quota_end, 0.3 }, .of_one = true,
};

FIXTURE_VARIANT_ADD(hurdle, stopped) {
	/* What it does until its thread comes to look at the signal */
	.hurdle = { stop_begin, stop_end, 0.02 }, .of_one = true,
};

FIXTURE_SETUP(hurdle)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	if (!clock_is_exact())
		SKIP(return, "so short limits need exact time");
	ASSERT_EQ(0, plugin_host_begin(&self->host));
	ASSERT_EQ(0, module_set_param("vmsched", "watchdog_ms", SHORT_MS));
}

FIXTURE_TEARDOWN(hurdle)
{
	EXPECT_EQ(0, plugin_host_end(&self->host));
}

/* Loops of the spinners, or of the first one alone */
static uint64_t loops(struct plugin_host *host, bool of_one)
{
	return rawvm_progress_all(host->vm[0]) +
	       (of_one ? 0 : rawvm_progress_all(host->vm[3]) +
			     rawvm_progress_all(host->vm[4]));
}

/* In about @ms from now on, in which that may begin */
static double loops_a_second(struct plugin_host *host, bool of_one,
			     unsigned int ms, const struct hurdle *h, int *err)
{
	uint64_t from = clock_ns(), before = loops(host, of_one);

	*err = h ? h->begin(host, false) : 0;
	/* This process does not run either, if nobody does */
	clock_sleep_until(from + ms * NSEC_PER_MSEC);
	return (loops(host, of_one) - before) * 1e9 / (clock_ns() - from);
}

TEST_F_TIMEOUT(hurdle, is_no_stall, LIMIT)
{
	const struct hurdle *h = &variant->hurdle;
	struct plugin_fault before, after;
	double free, held;
	int err;

	plugin_last_fault(&before);
	free = loops_a_second(&self->host, variant->of_one, HELD_MS, NULL, &err);
	held = loops_a_second(&self->host, variant->of_one, HELD_MS, h, &err);
	ASSERT_EQ(0, err);
	metric("left_to_them", 100 * held / free, "%");
	EXPECT_LE(held, h->most * free);
	clock_sleep_ms(SETTLE_MS);
	ASSERT_EQ(0, h->end(&self->host));
	EXPECT_TRUE(plugin_guests_go_on(&self->host));
	clock_sleep_ms(SETTLE_MS);
	EXPECT_TRUE(sched_is_active("bvt"));
	plugin_last_fault(&after);
	EXPECT_EQ(before.count, after.count);
}

/* bad_stall and bad_cap leave the vCPU with the highest number out */
static bool names(const struct plugin_fault *f, struct rawvm *vm)
{
	char text[48];
	uint64_t id;

	if (vm_id(rawvm_pid(vm), &id))
		return false;
	snprintf(text, sizeof(text), "vCPU %ju/0 could run", (uintmax_t)id);
	if (strstr(f->message, text))
		return true;
	printf("# %s, not: %s\n", f->message, text);
	return false;
}

TEST_F_TIMEOUT(hurdle, hides_no_stall, LIMIT)
{
	const struct hurdle *h = &variant->hurdle;
	struct plugin_fault f;
	uint64_t armed;

	ASSERT_EQ(0, h->begin(&self->host, true));
	ASSERT_EQ(0, plugin_use("bad_stall", false, &armed));
	EXPECT_TRUE(plugin_becomes_active("bvt"));
	ASSERT_EQ(0, plugin_last_fault(&f));
	EXPECT_TRUE(plugin_tells_of(&f, "bad_stall", "stall", "bvt"));
	EXPECT_TRUE(names(&f, self->host.vm[PLUGIN_GUESTS - 1]));
	metric("stall_found_after", (f.time_ns - armed) / 1e6, "ms");
	ASSERT_EQ(0, h->end(&self->host));
	EXPECT_TRUE(plugin_guests_go_on(&self->host));
	EXPECT_EQ(0, module_remove("bad_stall"));
}

/* --- A cap of its own --- */

static int set_cap(struct rawvm *vm, unsigned int permille)
{
	uint64_t id;

	return vm_id(rawvm_pid(vm), &id) ?:
	       cli_do("vm set %ju cap %u", (uintmax_t)id, permille);
}

TEST_F_TIMEOUT(watchdog, cap_of_its_own_is_no_stall, LIMIT)
{
	struct rawvm *capped = self->host.vm[3];
	struct plugin_fault f, before;
	uint64_t armed, done;

	plugin_last_fault(&before);
	ASSERT_EQ(0, module_set_param("vmsched", "watchdog_ms", SHORT_MS));
	ASSERT_EQ(0, set_cap(capped, 1));
	ASSERT_EQ(0, plugin_use("bad_cap", false, &armed));
	clock_sleep_ms(SHORT_MS);
	done = rawvm_progress_all(capped);
	clock_sleep_ms(HELD_MS + SETTLE_MS);
	EXPECT_EQ(done, rawvm_progress_all(capped));
	EXPECT_TRUE(sched_is_active("bad_cap"));
	plugin_last_fault(&f);
	EXPECT_EQ(before.count, f.count);

	/* But another one is not to be left out beside it */
	ASSERT_EQ(0, module_set_param("bad_cap", "unfair", 1));
	EXPECT_TRUE(plugin_becomes_active("bvt"));
	ASSERT_EQ(0, plugin_last_fault(&f));
	EXPECT_TRUE(plugin_tells_of(&f, "bad_cap", "stall", "bvt"));
	EXPECT_TRUE(names(&f, self->host.vm[PLUGIN_GUESTS - 1]));
	ASSERT_EQ(0, set_cap(capped, 0));
	EXPECT_TRUE(plugin_guests_go_on(&self->host));
	EXPECT_EQ(0, module_remove("bad_cap"));
}

/* Nor is a cap an excuse for a scheduler that keeps none */
TEST_F_TIMEOUT(watchdog, cap_that_is_not_kept_hides_no_stall, LIMIT)
{
	struct rawvm *left_out = self->host.vm[PLUGIN_GUESTS - 1];
	struct plugin_fault f;
	uint64_t armed;

	ASSERT_EQ(0, module_set_param("vmsched", "watchdog_ms", SHORT_MS));
	ASSERT_EQ(0, set_cap(left_out, 1));
	ASSERT_EQ(0, plugin_use("bad_stall", false, &armed));
	EXPECT_TRUE(plugin_becomes_active("bvt"));
	ASSERT_EQ(0, plugin_last_fault(&f));
	EXPECT_TRUE(plugin_tells_of(&f, "bad_stall", "stall", "bvt"));
	EXPECT_TRUE(names(&f, left_out));
	EXPECT_EQ(0, module_remove("bad_stall"));
}

TEST_HARNESS_MAIN
