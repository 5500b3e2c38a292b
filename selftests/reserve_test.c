// SPDX-License-Identifier: GPL-2.0
/*
 * What a scheduler holds back or promises: a cap holds though the pCPU is idle, a
 * reservation although others weigh more, and what cannot be promised is refused
 * with the figures: to a VM as a whole, and to a switch.
 */
#include "lib/clock.h"
#include "lib/fixture.h"
#include "lib/plugin.h"
#include "lib/rawvm.h"

#define LIMIT		240
#define SETTLE_MS	200
#define MEASURE_MS	2000
#define CAP		30.0
#define RESERVED	40.0
#define ERROR		2.0

/*
 * Per cent of the pCPU that @vm has worked in some time. To read it takes nothing,
 * and time is virtual: an instruction is a nanosecond.
 */
static double share(struct rawvm *vm)
{
	uint64_t from, loops;

	clock_sleep_ms(SETTLE_MS);
	from = clock_ns();
	loops = rawvm_progress_all(vm);
	clock_sleep_ms(MEASURE_MS);
	loops = rawvm_progress_all(vm) - loops;
	return 100.0 * loops * RAWVM_LOOP / (clock_ns() - from);
}

static struct rawvm *spinner(const char *name, unsigned int nr_vcpus)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = name, .nr_vcpus = nr_vcpus });

	return vm && vm_listed(rawvm_pid(vm), true, HANG_LIMIT_MS) ? vm : NULL;
}

static int want(struct rawvm *vm, const char *what)
{
	return cli_do("vm set pid:%d %s", rawvm_pid(vm), what);
}

/* It is refused, and @text is part of what is said. */
static bool is_refused(struct rawvm *vm, const char *what, const char *text)
{
	struct cli c;
	bool ok;

	ok = cli(&c, "vm set pid:%d %s", rawvm_pid(vm), what) == CLI_REFUSED &&
	     strstr(c.run.err, text);
	if (!ok)
		printf("# vm set %s: %s\n", what, c.run.err);
	cli_free(&c);
	return ok;
}

/* Nobody else wants the pCPU: only the timer can bring it back */
TEST_F_TIMEOUT(vmsched, cap_holds_alone, LIMIT)
{
	struct rawvm *vm = spinner("capped", 1);
	double got;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, sched_switch("credit", NULL));
	got = share(vm);
	metric("without_a_cap", got, "%");
	EXPECT_LT(100 - ERROR, got);
	ASSERT_EQ(0, want(vm, "cap 30"));
	got = share(vm);
	metric("with_a_cap_of_30", got, "%");
	EXPECT_LT(CAP - ERROR, got);
	EXPECT_GT(CAP + ERROR, got);
	/* And without it again, at once */
	ASSERT_EQ(0, want(vm, "cap 0"));
	EXPECT_LT(100 - ERROR, share(vm));
}

TEST_F_TIMEOUT(vmsched, others_have_what_a_cap_leaves, LIMIT)
{
	struct rawvm *vm = spinner("capped", 1), *other = spinner("other", 1);
	double got;

	ASSERT_TRUE(vm && other);
	ASSERT_EQ(0, sched_switch("credit", NULL));
	ASSERT_EQ(0, want(vm, "cap 30"));
	ASSERT_EQ(0, want(vm, "weight 10000"));
	got = share(vm);
	metric("of_the_capped", got, "%");
	EXPECT_LT(CAP - ERROR, got);
	EXPECT_GT(CAP + ERROR, got);
	got = share(other);
	metric("of_the_other", got, "%");
	EXPECT_LT(100 - CAP - ERROR, got);
}

TEST_F_TIMEOUT(vmsched, reservation_holds_beside_heavy_ones, LIMIT)
{
	struct rawvm *vm = spinner("reserved", 1);
	unsigned int i;
	double got;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, sched_switch("credit", NULL));
	ASSERT_EQ(0, want(vm, "weight 1"));
	for (i = 0; i < 3; i++) {
		struct rawvm *heavy = spinner("heavy", 1);

		ASSERT_NE(NULL, heavy);
		ASSERT_EQ(0, want(heavy, "weight 10000"));
	}
	got = share(vm);
	metric("without_reservation", got, "%");
	EXPECT_GT(ERROR, got);
	ASSERT_EQ(0, want(vm, "reservation 40"));
	got = share(vm);
	metric("with_a_reservation_of_40", got, "%");
	EXPECT_LT(RESERVED - ERROR, got);
}

/* By edf: all of the pCPU can be promised, and not more */
TEST_F_TIMEOUT(vmsched, too_much_is_refused_with_figures, LIMIT)
{
	struct rawvm *a = spinner("a", 1), *b = spinner("b", 1);
	double got;

	ASSERT_TRUE(a && b);
	ASSERT_EQ(0, sched_switch("edf", NULL));
	ASSERT_EQ(0, want(a, "period 10000 budget 6000"));
	EXPECT_TRUE(is_refused(b, "period 10000 budget 4100", "1010"));
	EXPECT_TRUE(is_refused(b, "period 20000 budget 20000", "1600"));
	/* Nothing was taken for those */
	ASSERT_EQ(0, want(b, "period 10000 budget 4000"));
	got = share(b);
	metric("of_40", got, "%");
	EXPECT_LT(40 - ERROR, got);
	/* What one gives back, the other can have */
	EXPECT_TRUE(is_refused(a, "budget 6500", "1050"));
	ASSERT_EQ(0, want(b, "budget 3500"));
	EXPECT_EQ(0, want(a, "budget 6500"));
	EXPECT_EQ(0, rawvm_kill(b));
	EXPECT_EQ(0, want(a, "budget 10000"));
}

/* Two vCPUs, of which the first could have it */
TEST_F_TIMEOUT(vmsched, all_of_a_vm_or_none, LIMIT)
{
	struct rawvm *two = spinner("two", 2), *one = spinner("one", 1);

	ASSERT_TRUE(two && one);
	ASSERT_EQ(0, sched_switch("edf", NULL));
	EXPECT_TRUE(is_refused(two, "period 10000 budget 6000", "1200"));
	EXPECT_EQ(0, want(one, "period 10000 budget 10000"));
	EXPECT_TRUE(is_refused(two, "period 10000 budget 100", "1010"));
}

TEST_F_TIMEOUT(vmsched, switch_is_refused_with_figures, LIMIT)
{
	struct rawvm *a = spinner("a", 1), *b = spinner("b", 1);
	struct plugin_fault before, after;
	struct cli c;

	ASSERT_TRUE(a && b);
	plugin_last_fault(&before);
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	ASSERT_EQ(0, want(a, "period 10000 budget 6000"));
	ASSERT_EQ(0, want(b, "period 10000 budget 5000"));
	EXPECT_EQ(CLI_REFUSED, cli(&c, "sched switch edf"));
	printf("# %s\n", c.run.err);
	EXPECT_NE(NULL, strstr(c.run.err, "1100"));
	cli_free(&c);
	EXPECT_TRUE(sched_is_active("bvt"));
	EXPECT_TRUE(rawvm_advances(a, HANG_LIMIT_MS));
	EXPECT_TRUE(rawvm_advances(b, HANG_LIMIT_MS));
	/* To be refused is no fault of a scheduler */
	plugin_last_fault(&after);
	EXPECT_EQ(before.count, after.count);
	ASSERT_EQ(0, want(b, "budget 4000"));
	EXPECT_EQ(0, sched_switch("edf", NULL));
}

/* Who has nothing left to have is not left out: the watchdog knows promises */
TEST_F_TIMEOUT(vmsched, all_is_promised_and_used, LIMIT)
{
	struct rawvm *a = spinner("a", 1), *b = spinner("b", 1);
	double got;

	ASSERT_TRUE(a && b);
	ASSERT_EQ(0, sched_switch("edf", NULL));
	ASSERT_EQ(0, want(a, "period 10000 budget 10000"));
	got = share(b);
	metric("of_nothing", got, "%");
	EXPECT_GT(ERROR, got);
	EXPECT_LT(100 - ERROR, share(a));
	EXPECT_TRUE(sched_is_active("edf"));
	ASSERT_EQ(0, want(a, "time-critical on"));
	ASSERT_EQ(0, want(a, "budget 5000"));
	got = share(b);
	metric("of_half", got, "%");
	EXPECT_LT(50 - ERROR, got);
	EXPECT_TRUE(sched_is_active("edf"));
}

/* One that starts when all is promised already goes on without a promise */
TEST_F_TIMEOUT(vmsched, who_comes_later_goes_without, LIMIT)
{
	struct rawvm *a = spinner("a", 2), *b = spinner("b", 1);
	double got;

	ASSERT_TRUE(a && b);
	ASSERT_EQ(0, sched_switch("edf", NULL));
	ASSERT_EQ(0, cli_do("vcpu set pid:%d/1 period 0 budget 0", rawvm_pid(a)));
	ASSERT_EQ(0, want(a, "period 10000 budget 6000"));
	ASSERT_EQ(0, want(b, "period 10000 budget 4000"));
	/* The threads leave their vCPUs, and come back with what the VM has */
	ASSERT_EQ(0, rawvm_swap(a));
	EXPECT_TRUE(rawvm_advances(a, HANG_LIMIT_MS));
	got = share(b);
	metric("of_40_beside_two_of_60", got, "%");
	EXPECT_LT(40 - ERROR, got);
	EXPECT_FALSE(rawvm_broken(a));
}

TEST_HARNESS_MAIN
