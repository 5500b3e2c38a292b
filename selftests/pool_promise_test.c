// SPDX-License-Identifier: GPL-2.0
/*
 * What schedulers of several pools have promised: a VM that moves is promised the same
 * there or stays, and so is each one when pCPUs move. And pools that are left by their
 * scheduler, or by all pCPUs, while something else is in the way. Wants four CPUs.
 */
#include "lib/pool_fixture.h"

#define LIMIT		240
#define MEASURE_MS	2000
#define PERIOD_US	20000
#define PERCENT		80

/* A VM with a budget of PERCENT of a pCPU */
static struct rawvm *start_promised(const char *name)
{
	struct rawvm *vm = start(name, RAWVM_SPIN, 1);

	if (!vm || cli_do("vm set pid:%d period %u budget %u", rawvm_pid(vm),
			  PERIOD_US, PERIOD_US * PERCENT / 100))
		return NULL;
	return vm;
}

/* What the first of @vm has had of what all have; the pCPU is busy meanwhile */
static double share_of_first(struct rawvm *vm[], unsigned int n)
{
	uint64_t before[4], after, first = 0, sum = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		if (vm_u64(rawvm_pid(vm[i]), "run_ns", &before[i]))
			return -1;
	clock_sleep_ms(MEASURE_MS);
	for (i = 0; i < n; i++) {
		if (vm_u64(rawvm_pid(vm[i]), "run_ns", &after))
			return -1;
		first = i ? first : after - before[i];
		sum += after - before[i];
	}
	return sum ? (double)first / sum : -1;
}

/* More than half of the way from its part among equals: this host has no exact time */
static bool has_its_budget(struct rawvm *vm[], unsigned int n)
{
	double share = share_of_first(vm, n);

	metric("share", share * 100, "%");
	return share > (PERCENT / 100.0 + 1.0 / n) / 2;
}

/* Pool "b" under edf: the first of @vm has a budget, two others spin beside it */
static int promise_in_pool(struct _test_data_pools *self, const char *cpus,
			   struct rawvm *vm[3])
{
	unsigned int i;
	int err;

	vm[0] = start_promised("a");
	vm[1] = start("c", RAWVM_SPIN, 1);
	vm[2] = start("d", RAWVM_SPIN, 1);
	if (!vm[0] || !vm[1] || !vm[2])
		return -ESRCH;
	err = module_probe("vmsched_edf") ?: ADD("b", cpus) ?: SWITCH("b", "edf");
	for (i = 0; i < 3 && !err; i++)
		err = MOVE(vm[i], "b");
	return err;
}

TEST_F_TIMEOUT(pools, moves_are_promised_the_same, LIMIT)
{
	struct rawvm *vm[3], *other = start_promised("b");

	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, promise_in_pool(self, "3", vm));
	EXPECT_TRUE(has_its_budget(vm, 3));
	EXPECT_EQ(-ENOSPC, MOVE(other, "b"));
	EXPECT_NE(NULL, strstr(self->ack.text, "needs 1600 of 1000 permille of pCPU 3"));
	EXPECT_TRUE(vm_is_in(rawvm_pid(other), "default"));
	EXPECT_TRUE(goes_on(other));
	/* Nothing of it is left: it can have what is left over */
	ASSERT_EQ(0, cli_do("vm set pid:%d budget %u", rawvm_pid(other),
			    PERIOD_US * (100 - PERCENT) / 100 / 2));
	EXPECT_EQ(0, MOVE(other, "b"));
}

TEST_F_TIMEOUT(pools, promises_move_with_cpus, LIMIT)
{
	struct rawvm *vm[3], *other = start_promised("b");

	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, promise_in_pool(self, "2", vm));
	ASSERT_EQ(0, SET("b", "3"));
	EXPECT_TRUE(has_its_budget(vm, 3));
	ASSERT_EQ(0, SET("b", "2-3"));
	ASSERT_EQ(0, MOVE(other, "b"));
	EXPECT_EQ(-ENOSPC, SET("b", "2"));
	EXPECT_NE(NULL, strstr(self->ack.text, "edf: needs 1600 of 1000 permille"));
	EXPECT_TRUE(pool_tells("b", "cpus", "2-3"));
	EXPECT_TRUE(goes_on(other));
	/* It is the pool "default" that would lose them */
	ASSERT_EQ(0, SWITCH("default", "edf"));
	ASSERT_EQ(0, MOVE(other, "default"));
	ASSERT_EQ(0, MOVE(vm[0], "default"));
	EXPECT_EQ(-ENOSPC, SET("b", "1-3"));
	EXPECT_TRUE(pool_tells("default", "cpus", "0-1"));
	EXPECT_TRUE(goes_on(other));
}

/* By the sum over all pCPUs, as credit counts */
TEST_F_TIMEOUT(pools, reservations_need_cpus, LIMIT)
{
	struct rawvm *vm[] = { start("a", RAWVM_SPIN, 1), start("b", RAWVM_SPIN, 1) };
	unsigned int i;

	ASSERT_EQ(0, module_probe("vmsched_credit"));
	ASSERT_EQ(0, ADD("b", "2-3"));
	ASSERT_EQ(0, SWITCH("b", "credit"));
	for (i = 0; i < 2; i++) {
		ASSERT_NE(NULL, vm[i]);
		ASSERT_EQ(0, MOVE(vm[i], "b"));
		ASSERT_EQ(0, cli_do("vm set pid:%d reservation 90", rawvm_pid(vm[i])));
	}
	EXPECT_EQ(-ENOSPC, SET("b", "3"));
	EXPECT_NE(NULL, strstr(self->ack.text, "of 1000, 900 are promised"));
	EXPECT_TRUE(pool_tells("b", "cpus", "2-3"));
	ASSERT_EQ(0, cli_do("vm set pid:%d reservation 10", rawvm_pid(vm[0])));
	EXPECT_EQ(0, SET("b", "3"));
	EXPECT_TRUE(goes_on(vm[0]));
	EXPECT_TRUE(goes_on(vm[1]));
}

/* Its last pCPU goes while the thread that switches may not touch it */
TEST_F_TIMEOUT(pools, nobody_waits_for_cpus_that_are_gone, LIMIT)
{
	struct rawvm *vm = start("spin", RAWVM_SPIN, 2);
	struct genl_ack ack;
	struct genl other;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, ADD("b", "3"));
	ASSERT_EQ(0, SWITCH("b", "rr"));
	ASSERT_EQ(0, MOVE(vm, "b"));
	ASSERT_EQ(0, genl_open(&other));
	ASSERT_EQ(0, genl_switch_in(&other, VMSCHED_CMD_SCHED_HOLD, NULL, 10000, &ack));
	ASSERT_EQ(0, cpus_set_online(3, false));
	EXPECT_TRUE(rawvm_advances(vm, limit_ms(1000)));
	/* Still held, so that is not why */
	EXPECT_TRUE(pool_tells("b", "scheduler", "rr"));
	ASSERT_EQ(0, cpus_set_online(3, true));
	EXPECT_TRUE(goes_on(vm));
	genl_close(&other);
	EXPECT_TRUE(pool_becomes("b", "native", HANG_LIMIT_MS));
	EXPECT_EQ(0, cli_do("sched previous pool b"));
	EXPECT_TRUE(pool_tells("b", "scheduler", "rr"));
	EXPECT_TRUE(vm_stays_on(vm, "3", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));
	EXPECT_EQ(0, klog_warnings_but(&self->log, KLOG_AFFINE));
}

/* A scheduler that answers what the core says to itself when a pool is held */
TEST_F_TIMEOUT(pools, no_scheduler_asks_for_another_try, LIMIT)
{
	struct rawvm *vm = start("spin", RAWVM_SPIN, 2);

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, module_insert_own("bad_again"));
	ASSERT_EQ(0, module_insert_own("bad_report"));
	ASSERT_EQ(0, ADD("b", "2-3"));
	ASSERT_EQ(0, MOVE(vm, "b"));
	ASSERT_EQ(0, SWITCH("b", "bad_again"));
	ASSERT_EQ(0, SWITCH("b", "bad_report"));
	ASSERT_EQ(0, module_set_param("bad_again", "armed", 1));
	ASSERT_EQ(0, module_set_param("bad_report", "armed", 1));
	EXPECT_TRUE(pool_becomes("b", "native", HANG_LIMIT_MS));
	EXPECT_EQ(-EPROTO, SWITCH("b", "bad_again"));
	EXPECT_TRUE(goes_on(vm));
	EXPECT_EQ(0, module_remove("bad_again"));
	EXPECT_EQ(0, module_remove("bad_report"));
}

TEST_HARNESS_MAIN
