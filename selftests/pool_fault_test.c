// SPDX-License-Identifier: GPL-2.0
/*
 * Several pools, where something comes in between: a scheduler that gives up while pCPUs
 * change, pools that exchange them all, users who want another mask, a pool that is held.
 * Wants four CPUs.
 */
#include <sys/wait.h>

#include "lib/pool_fixture.h"

#define LIMIT		240
#define TURNS		8
#define EXCHANGES	30
#define ROUNDS		3
#define ROUND_MS	1000
/* What the thread that switches may sleep: less than what it did */
#define LATE_MS		150

static struct rawvm *start_on(const char *cpus, const char *name, unsigned int vcpus)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = name, .nr_vcpus = vcpus, .cpus = cpus });

	return vm && vm_listed(rawvm_pid(vm), true, limit_ms(1000)) ? vm : NULL;
}

static int pin_all(const struct rawvm *vm, const char *list)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < rawvm_nr_vcpus(vm) && !err; i++)
		err = cpus_pin(rawvm_tid(vm, i), list);
	return err;
}

static bool is_pinned(pid_t tid, const char *list)
{
	cpu_set_t is, want;

	return !cpus_parse(list, &want) && !sched_getaffinity(tid, sizeof(is), &is) &&
	       CPU_EQUAL(&is, &want);
}

/* The pCPU goes, and so does the scheduler: nobody may be left with it */
TEST_F_TIMEOUT(pools, scheduler_gives_up_while_cpus_change, LIMIT)
{
	struct rawvm *in = start("in", RAWVM_SPIN, 5);
	struct rawvm *out = start("out", RAWVM_SPIN, 2);
	unsigned int i;

	ASSERT_NE(NULL, in);
	ASSERT_NE(NULL, out);
	ASSERT_EQ(0, module_insert_own("bad_move"));
	ASSERT_EQ(0, ADD("b", "2-3"));
	ASSERT_EQ(0, SWITCH("default", "bvt"));
	ASSERT_EQ(0, SWITCH("b", "rr"));
	ASSERT_EQ(0, MOVE(in, "b"));
	for (i = 0; i < TURNS; i++) {
		ASSERT_EQ(0, SWITCH("b", "bad_move"));
		EXPECT_TRUE(goes_on(in));
		ASSERT_EQ(0, module_set_param("bad_move", "armed", 1));
		ASSERT_EQ(0, SET("b", i % 2 ? "2" : "3"));
		EXPECT_TRUE(pool_becomes("b", "rr", HANG_LIMIT_MS));
		EXPECT_TRUE(goes_on(in));
		EXPECT_TRUE(goes_on(out));
		EXPECT_TRUE(pool_tells("default", "scheduler", "bvt"));
		ASSERT_EQ(0, module_set_param("bad_move", "armed", 0));
		ASSERT_EQ(0, SET("b", "2-3"));
	}
	ASSERT_EQ(0, SWITCH("b", "native"));
	EXPECT_EQ(0, module_remove("bad_move"));
}

TEST_F_TIMEOUT(pools, pools_exchange_all_cpus, LIMIT)
{
	struct rawvm *a = start("a", RAWVM_SPIN, 3);
	struct rawvm *b = start("b", RAWVM_TICK, 3);
	unsigned int i;

	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	ASSERT_EQ(0, ADD("b", "2-3"));
	ASSERT_EQ(0, SWITCH("default", "bvt"));
	ASSERT_EQ(0, SWITCH("b", "rr"));
	ASSERT_EQ(0, MOVE(b, "b"));
	for (i = 0; i < TURNS; i++) {
		ASSERT_EQ(0, SET("b", i % 2 ? "2-3" : "0-1"));
		EXPECT_TRUE(pool_tells("default", "cpus", i % 2 ? "0-1" : "2-3"));
		EXPECT_TRUE(vm_stays_on(a, i % 2 ? "0-1" : "2-3", HANG_LIMIT_MS));
		EXPECT_TRUE(vm_stays_on(b, i % 2 ? "2-3" : "0-1", HANG_LIMIT_MS));
		EXPECT_TRUE(goes_on(a));
		EXPECT_TRUE(goes_on(b));
	}
	/* Its only one is offline, and it gets another one for it */
	ASSERT_EQ(0, SET("b", "0-2"));
	ASSERT_EQ(0, cpus_set_online(3, false));
	EXPECT_TRUE(pool_becomes("default", "native", HANG_LIMIT_MS));
	ASSERT_EQ(0, SET("b", "0-1,3"));
	EXPECT_TRUE(pool_tells("default", "cpus", "2"));
	ASSERT_EQ(0, SWITCH("default", "bvt"));
	EXPECT_TRUE(goes_on(a));
	EXPECT_TRUE(goes_on(b));
	ASSERT_EQ(0, cpus_set_online(3, true));
	EXPECT_TRUE(pool_tells("b", "cpus", "0-1,3"));
	EXPECT_TRUE(goes_on(b));
	EXPECT_EQ(0, klog_warnings_but(&self->log, KLOG_AFFINE));
}

/* Those that a pool has and gets are one set: no user's mask has none of it meanwhile */
static void exchange(const char *one, const char *other)
{
	struct genl_ack ack;
	unsigned int i;
	struct genl g;
	int err = genl_open(&g);

	for (i = 0; i < EXCHANGES && !err; i++)
		err = pool_call(&g, VMSCHED_CMD_POOL_SET, "b", i % 2 ? one : other, &ack);
	_exit(err ? 1 : 0);
}

TEST_F_TIMEOUT(pools, masks_hold_while_cpus_change, LIMIT)
{
	struct rawvm *vm = start_on("1-2", "across", 2);
	unsigned int outside = 0, looks = 0;
	cpu_set_t is, may;
	int status = 0;
	pid_t child;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, cpus_parse("1-2", &may));
	ASSERT_EQ(0, ADD("b", "2-3"));
	ASSERT_EQ(0, SWITCH("default", "bvt"));
	ASSERT_EQ(0, SWITCH("b", "rr"));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child)
		exchange("2-3", "1,3");
	while (!waitpid(child, &status, WNOHANG)) {
		ASSERT_EQ(0, sched_getaffinity(rawvm_tid(vm, looks++ % 2), sizeof(is), &is));
		CPU_OR(&is, &is, &may);
		outside += !CPU_EQUAL(&is, &may);
	}
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, outside);
	EXPECT_GT(looks, EXCHANGES);
	EXPECT_TRUE(goes_on(vm));
}

/* What is offline is nothing that a user could be left with */
TEST_F_TIMEOUT(pools, offline_cpus_are_not_kept, LIMIT)
{
	struct rawvm *vm = start_on("2-3", "pinned", 1);

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, ADD("b", "2-3"));
	ASSERT_EQ(0, MOVE(vm, "b"));
	ASSERT_EQ(0, SWITCH("b", "rr"));
	ASSERT_EQ(0, cpus_set_online(3, false));
	EXPECT_EQ(-EBUSY, SET("b", "1,3"));
	EXPECT_NE(NULL, strstr(self->ack.text, "may use 2-3 only"));
	ASSERT_EQ(0, cpus_set_online(3, true));
	EXPECT_EQ(0, SET("b", "1,3"));
	EXPECT_TRUE(vm_stays_on(vm, "3", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));
	/* Nor may the only one go that parameters allow */
	ASSERT_EQ(0, pin_all(vm, "0-3"));
	ASSERT_EQ(0, cli_do("vm set pid:%d affinity 1-2", rawvm_pid(vm)));
	EXPECT_EQ(-EBUSY, SET("b", "3"));
	EXPECT_NE(NULL, strstr(self->ack.text, "has the affinity 1-2"));
	EXPECT_EQ(0, SET("b", "2-3"));
	EXPECT_TRUE(vm_stays_on(vm, "2", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));
	EXPECT_EQ(0, klog_warnings_but(&self->log, KLOG_AFFINE));
}

/* A move that is refused has not read what the user wants, and forgotten it */
TEST_F_TIMEOUT(pools, refused_moves_leave_masks, LIMIT)
{
	struct rawvm *vm = start("paused", RAWVM_SPIN, 3);

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, ADD("b", "3"));
	ASSERT_EQ(0, rawvm_pause(vm));
	ASSERT_EQ(0, SWITCH("default", "rr"));
	ASSERT_EQ(0, pin_all(vm, "1"));
	EXPECT_EQ(-EINVAL, MOVE(vm, "b"));
	ASSERT_EQ(0, rawvm_resume(vm));
	EXPECT_TRUE(goes_on(vm));
	EXPECT_TRUE(vm_masks_are(vm, "1"));
}

TEST_F_TIMEOUT(pools, pinned_vms_start_where_their_cpus_are, LIMIT)
{
	struct rawvm *vm, *before = start_on("3", "before", 1);

	ASSERT_NE(NULL, before);
	ASSERT_EQ(0, ADD("b", "2-3"));
	EXPECT_EQ(-EINVAL, SWITCH("default", "bvt"));
	EXPECT_NE(NULL, strstr(self->ack.text, "may not use any pCPU of the pool")) {
		TH_LOG("'%s'", self->ack.text);
	}
	EXPECT_TRUE(pool_tells("default", "scheduler", "native"));
	EXPECT_TRUE(vm_masks_are(before, "3"));
	ASSERT_EQ(0, MOVE(before, "b"));
	ASSERT_EQ(0, SWITCH("default", "bvt"));
	ASSERT_EQ(0, SWITCH("b", "rr"));

	vm = start_on("2-3", "pinned", 2);
	ASSERT_NE(NULL, vm);
	EXPECT_TRUE(vm_is_in(rawvm_pid(vm), "b"));
	EXPECT_TRUE(vm_stays_on(vm, "2-3", 0));
	EXPECT_TRUE(goes_on(vm));
	EXPECT_TRUE(goes_on(before));
	/* One that may use some of "default" is there */
	vm = start_on("1-3", "both", 1);
	ASSERT_NE(NULL, vm);
	EXPECT_TRUE(vm_is_in(rawvm_pid(vm), "default"));
	EXPECT_TRUE(vm_stays_on(vm, "1", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));
}

/* A VM is in one pool: those of its vCPUs that its user has pinned to another's wait */
TEST_F_TIMEOUT(pools, vcpus_that_do_not_fit_are_left_alone, LIMIT)
{
	struct rawvm *vm = start("renewed", RAWVM_SPIN, 2);
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;
	uint64_t vcpus = 0;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, ADD("b", "3"));
	ASSERT_EQ(0, SWITCH("default", "bvt"));
	ASSERT_EQ(0, SWITCH("b", "rr"));
	ASSERT_EQ(0, cpus_pin(rawvm_tid(vm, 0), "0"));
	ASSERT_EQ(0, cpus_pin(rawvm_tid(vm, 1), "3"));
	ASSERT_EQ(0, rawvm_renew(vm));
	EXPECT_TRUE(goes_on(vm));
	EXPECT_TRUE(is_pinned(rawvm_tid(vm, 0), "0"));
	EXPECT_TRUE(is_pinned(rawvm_tid(vm, 1), "3"));
	EXPECT_TRUE(klog_has(&self->log, "Linux runs it", "may use"));
	ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, limit_ms(1000)));
	ASSERT_EQ(0, vm_u64(rawvm_pid(vm), "vcpus", &vcpus));
	EXPECT_EQ(1, vcpus);
	/* It comes along as soon as it may */
	ASSERT_EQ(0, pin_all(vm, "0-3"));
	while (vcpus != 2 && clock_ns() < end) {
		clock_sleep_ms(20);
		ASSERT_EQ(0, vm_u64(rawvm_pid(vm), "vcpus", &vcpus));
	}
	EXPECT_EQ(2, vcpus);
	EXPECT_TRUE(goes_on(vm));
}

/* Longest time that a request waits for the thread that switches, which refuses it */
static uint64_t longest_wait(struct genl *g)
{
	uint64_t end = clock_ns() + ROUND_MS * NSEC_PER_MSEC, longest = 0;
	struct genl_ack ack;

	while (clock_ns() < end) {
		uint64_t begin = clock_ns();

		if (pool_call(g, VMSCHED_CMD_POOL_ADD, "c", "1", &ack) != -EBUSY)
			return UINT64_MAX;
		longest = clock_ns() - begin > longest ? clock_ns() - begin : longest;
		clock_sleep_ms(5);
	}
	return longest;
}

TEST_F_TIMEOUT(pools, faults_wait_for_holds_of_others, LIMIT)
{
	struct rawvm *vm = start("spin", RAWVM_SPIN, 2);
	uint64_t best = UINT64_MAX, wait;
	struct genl_ack ack;
	struct genl other;
	unsigned int i;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, module_insert_own("bad_report"));
	ASSERT_EQ(0, ADD("b", "2-3"));
	ASSERT_EQ(0, SWITCH("b", "rr"));
	ASSERT_EQ(0, MOVE(vm, "b"));
	ASSERT_EQ(0, SWITCH("b", "bad_report"));
	ASSERT_EQ(0, genl_open(&other));
	ASSERT_EQ(0, genl_switch_in(&other, VMSCHED_CMD_SCHED_HOLD, NULL, 10000, &ack));
	ASSERT_EQ(0, module_set_param("bad_report", "armed", 1));
	/* Linux runs it until then */
	EXPECT_TRUE(goes_on(vm));
	for (i = 0; i < ROUNDS && !kernel_is_debug(); i++) {
		wait = longest_wait(&self->g);
		best = wait < best ? wait : best;
	}
	if (!kernel_is_debug()) {
		metric("longest_wait", best / NSEC_PER_USEC, "us");
		EXPECT_LT(best, LATE_MS * NSEC_PER_MSEC);
	}
	EXPECT_TRUE(pool_tells("b", "scheduler", "bad_report"));
	genl_close(&other);
	EXPECT_TRUE(pool_becomes("b", "rr", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));

	/* Who throws one out is answered when it is out */
	ASSERT_EQ(0, module_set_param("bad_report", "armed", 0));
	ASSERT_EQ(0, SWITCH("b", "bad_report"));
	ASSERT_EQ(0, genl_open(&other));
	ASSERT_EQ(0, genl_switch_in(&other, VMSCHED_CMD_SCHED_HOLD, NULL, 2000, &ack));
	EXPECT_EQ(0, cli_do("sched evict pool b"));
	EXPECT_TRUE(pool_tells("b", "scheduler", "rr"));
	genl_close(&other);
	ASSERT_EQ(0, SWITCH("b", "native"));
	EXPECT_EQ(0, module_remove("bad_report"));
}

TEST_HARNESS_MAIN
