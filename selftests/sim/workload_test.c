// SPDX-License-Identifier: GPL-2.0
/*
 * Workload files: what is right is understood, and what is wrong is refused with the
 * line and what to do about it.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#include "kselftest_harness.h"

#define US	((u64)NSEC_PER_USEC)
#define MS	((u64)NSEC_PER_MSEC)
#define S	((u64)NSEC_PER_SEC)

#define LONG_NAME	"abcdefghijklmnopqrstuvwxyz01234"	/* 31 characters */

#define PARAMETERS	\
	"weight, cap, reservation, period, budget, slice, warp, warp-limit, unwarp, time-critical"
#define OTHER_KEYS	"affinity, vcpus, copies, pool, start, run, sleep, every"

static const struct {
	const char *text;
	const char *why;
} wrong[] = {
	{ "", "load: there is no VM: add a line such as vm web vcpus 2" },
	{ "# nothing\n\n", "load: there is no VM: add a line such as vm web vcpus 2" },
	{ "cpus 2\nwhat\n",
	  "load:2: \"what\" is none of cpus, duration, warmup, seed, switch-cost, pool, vm" },
	{ " cpus 2\n", "load:1: this line goes on with a statement, but there is none before it" },
	{ "cpus\n", "load:1: cpus needs a value" },
	{ "cpus 0\n", "load:1: cpus 0 outside 1..1024" },
	{ "cpus 1025\n", "load:1: cpus 1025 outside 1..1024" },
	{ "cpus 18446744073709551617\n", "load:1: cpus 18446744073709551617 outside 1..1024" },
	{ "cpus -1\n", "load:1: cpus \"-1\" is not a whole number" },
	{ "cpus 1.5\n", "load:1: cpus \"1.5\" is not a whole number" },
	{ "cpus 2x\n", "load:1: cpus \"2x\" is not a whole number" },
	{ "cpus 2 3\n", "load:1: \"3\" does not belong here" },
	{ "cpus 2\n\n# again\ncpus 2\n", "load:4: cpus is given twice" },
	{ "cpus 2\nduration 10\n", "load:2: duration 10 has no unit: write 10us, ms or s" },
	{ "cpus 2\nduration 10h\n",
	  "load:2: duration \"10h\" is not a time such as 100us, 2.5ms or 1s" },
	{ "cpus 2\nduration 1.s\n",
	  "load:2: duration \"1.s\" is not a time such as 100us, 2.5ms or 1s" },
	{ "cpus 2\nduration 0.5ns\n",
	  "load:2: duration \"0.5ns\" is not a time such as 100us, 2.5ms or 1s" },
	{ "cpus 2\nduration 86401s\n", "load:2: duration 86401s outside 1us..86400s" },
	{ "cpus 2\nduration 99999999999999999999s\n",
	  "load:2: duration 99999999999999999999s outside 1us..86400s" },
	{ "cpus 2\nduration 1s\nwarmup 1s\nvm a\n",
	  "load: warmup 1s leaves nothing of duration 1s" },
	{ "cpus 2\nswitch-cost 2ms\n", "load:2: switch-cost 2ms outside 0s..1ms" },
	{ "cpus 2\nseed x\n", "load:2: seed \"x\" is not a whole number" },
	{ "vm a\n", "load:1: cpus must stand above the first vm" },
	{ "pool a cpus 0\n", "load:1: cpus must stand above the first pool" },
	{ "cpus 2\nvm\n", "load:2: vm needs a name" },
	{ "cpus 2\nvm a/b\n", "load:2: vm \"a/b\": letters, digits, '.', '_' and '-' only" },
	{ "cpus 2\nvm a" LONG_NAME "\n",
	  "load:2: vm \"a" LONG_NAME "\" is longer than 31 characters" },
	{ "cpus 2\nvm " LONG_NAME " copies 1\n",
	  "load:2: name \"" LONG_NAME "1\" is longer than 31 characters" },
	{ "cpus 2\nvm a\nvm b\nvm a\n", "load:4: there is a VM \"a\" already" },
	{ "cpus 2\nvm a copies 2\nvm a2\n", "load:3: there is a VM \"a2\" already" },
	{ "cpus 2\nvm a colour red\n",
	  "load:2: a VM has no \"colour\", but " PARAMETERS ", " OTHER_KEYS },
	{ "cpus 2\nvm a vcpus 0\n", "load:2: vcpus 0 outside 1..1024" },
	{ "cpus 2\nvm a copies 0\n", "load:2: copies 0 outside 1..100000" },
	{ "cpus 2\nvm a vcpus 2 copies 50001\n", "load:2: more than 100000 vCPUs in all" },
	{ "cpus 2\nvm a\n  weight 1\n  weight 2\n", "load:4: weight is given twice" },
	{ "cpus 2\nvm a\n\tweight\n", "load:3: weight needs a value" },
	{ "cpus 2\nvm a weight 0\n", "load:2: weight 0 outside 1..10000" },
	{ "cpus 2\nvm a weight 10001\n", "load:2: weight 10001 outside 1..10000" },
	{ "cpus 2\nvm a weight 4294967396\n", "load:2: weight 4294967396 outside 1..10000" },
	{ "cpus 2\nvm a cap 100001\n",
	  "load:2: cap 100001 outside 0 or 0.1..100000 percent of a pCPU" },
	{ "cpus 2\nvm a cap 1.25\n",
	  "load:2: cap \"1.25\" is not a number of percent such as 50 or 12.5" },
	{ "cpus 2\nvm a reservation much\n",
	  "load:2: reservation \"much\" is not a number of percent such as 50 or 12.5" },
	{ "cpus 2\nvm a slice 99us\n", "load:2: slice 99us outside 0s or 100us..1s" },
	{ "cpus 2\nvm a slice 2s\n", "load:2: slice 2s outside 0s or 100us..1s" },
	{ "cpus 2\nvm a slice 100.5us\n", "load:2: slice 100500ns is finer than 1us" },
	{ "cpus 2\nvm a period 1ms budget 2ms\n", "load:2: budget 2ms exceeds period 1ms" },
	{ "cpus 2\nvm a time-critical yes\n", "load:2: time-critical is on or off, not \"yes\"" },
	{ "cpus 2\nvm a affinity 0-2\n", "load:2: affinity 0-2: there are pCPUs 0 to 1 only" },
	{ "cpus 2\nvm a affinity 1-0\n",
	  "load:2: affinity \"1-0\" is not a list like 0-3,8 of pCPUs" },
	{ "cpus 2\nvm a affinity 0,\n",
	  "load:2: affinity \"0,\" is not a list like 0-3,8 of pCPUs" },
	{ "cpus 2\nvm a affinity 99999999999\n",
	  "load:2: affinity \"99999999999\" is not a list like 0-3,8 of pCPUs" },
	{ "cpus 2\npool p\n", "load:2: a pool needs pCPUs: pool p cpus 0-3" },
	{ "cpus 2\npool p cpus 0\npool q cpus 0-1\n", "load:3: pCPU 0 is in another pool already" },
	{ "cpus 2\npool p cpus 0\npool p cpus 1\n", "load:3: there is a pool \"p\" already" },
	{ "cpus 2\npool default cpus 0\n",
	  "load:2: there is a pool \"default\" already: it has what is in no other" },
	{ "cpus 2\nvm a\npool p cpus 0\n", "load:3: pools must stand above the first vm" },
	{ "cpus 2\nvm a pool p\n", "load:2: no pool \"p\": it must stand above its VMs" },
	{ "cpus 2\npool p cpus 0-1\nvm a\n",
	  "load:3: all pCPUs are in other pools than default: give pool" },
	{ "cpus 2\npool p cpus 0\nvm a affinity 0\n",
	  "load:3: affinity has no pCPU of pool default" },
	{ "cpus 2\nvm a run 1ms\n",
	  "load:2: run needs sleep or every; \"run forever\" never pauses" },
	{ "cpus 2\nvm a sleep 1ms\n", "load:2: how long does it run? Give run as well" },
	{ "cpus 2\nvm a run forever every 1ms\n",
	  "load:2: run forever leaves no time for sleep or every" },
	{ "cpus 2\nvm a run 1ms sleep 1ms every 1ms\n",
	  "load:2: sleep and every exclude each other: leave one of them out" },
	{ "cpus 2\nvm a run 0s sleep 1ms\n", "load:2: run 0s outside 1us..86400s" },
	{ "cpus 2\nvm a run 1ms sleep exp 0s\n", "load:2: sleep 0s outside 1ns..86400s" },
	{ "cpus 2\nvm a run exp\n", "load:2: run needs a value" },
	{ "cpus 2\nvm a run uniform 2ms 1ms sleep 0s\n",
	  "load:2: run uniform: 2ms is more than 1ms: write the shorter time first" },
	{ "cpus 2\nvm a sleep forever\n",
	  "load:2: sleep \"forever\" is not a time such as 100us, 2.5ms or 1s" },
	{ "cpus 2\nvm \xc3\xa4\n", "load:2: byte 0xc3: only ASCII may stand outside of comments" },
	{ "cpus 2\nvm a\033\n", "load:2: byte 0x1b: only ASCII may stand outside of comments" },
};

TEST(what_is_wrong_is_told)
{
	struct workload wl;
	char why[500];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_FALSE(read_text(&wl, wrong[i].text, strlen(wrong[i].text), why, sizeof(why)))
			TH_LOG("not refused: %s", wrong[i].text);
		EXPECT_STREQ(wrong[i].why, why);
		workload_free(&wl);
	}
}

TEST(what_is_no_text_is_refused)
{
	static const char nul[] = "cpus 2\nvm a\0b\n";
	static char longer[6000];
	struct workload wl;
	char why[500];
	size_t i;

	EXPECT_FALSE(read_text(&wl, nul, sizeof(nul) - 1, why, sizeof(why)));
	EXPECT_STREQ("load:2: there is a NUL byte: this is no text file", why);
	memset(longer, 'x', sizeof(longer));
	EXPECT_FALSE(read_text(&wl, longer, sizeof(longer), why, sizeof(why)));
	EXPECT_STREQ("load:1: line of more than 4096 bytes: go on in one that begins with a blank",
		     why);
	for (i = 0; i < sizeof(longer); i++)
		longer[i] = i < 2 ? "vm"[i] : i % 3 ? "\n "[i % 3 - 1] : 'x';
	EXPECT_FALSE(read_text(&wl, longer, sizeof(longer), why, sizeof(why)));
	EXPECT_NE(NULL, strstr(why, "more than 256 words in a statement")) TH_LOG("%s", why);
}

TEST(what_is_right_is_understood)
{
	static const char text[] =
		"# \xc3\xa4 comment may have anything\r\n"
		"cpus 70 # pCPUs\r\nduration 0.5s\nwarmup 100ms\nseed 18446744073709551614\n"
		"switch-cost 1.5us\npool p cpus 1,64-66\n"
		"vm a\tweight 10000 cap 12.5% reservation 0.1\n period 10ms budget 3ms slice 1s\n\n"
		"   # within a statement\n"
		"\twarp 2.5ms warp-limit 100us unwarp 0s time-critical on\n"
		" affinity 0,64-65 pool p vcpus 1024 start uniform 0s 1ms\n"
		" run exp 2ms sleep 123456789ns\n"
		"vm b copies 3 run uniform 1us 2us every 1s\nvm c";
	struct workload wl;
	struct wl_vm *vm;
	char why[500];

	ASSERT_TRUE(read_text(&wl, text, sizeof(text) - 1, why, sizeof(why))) TH_LOG("%s", why);
	EXPECT_EQ(70, wl.cpus);
	EXPECT_EQ(500 * MS, wl.duration);
	EXPECT_EQ(100 * MS, wl.warmup);
	EXPECT_EQ(U64_MAX - 1, wl.seed);
	EXPECT_EQ(1500, wl.switch_cost);
	ASSERT_EQ(2, wl.nr_pools);
	EXPECT_EQ(66, cpumask_weight(&wl.pools[0].cpus));
	EXPECT_EQ(4, cpumask_weight(&wl.pools[1].cpus));
	ASSERT_EQ(5, wl.nr_vms);
	EXPECT_EQ(1028, wl.nr_vcpus);
	vm = &wl.vms[0];
	EXPECT_EQ(1, vm->pool);
	EXPECT_EQ(1024, vm->vcpus);
	EXPECT_EQ(10000, vm->params.weight);
	EXPECT_EQ(125, vm->params.cap);
	EXPECT_EQ(1, vm->params.reservation);
	EXPECT_EQ(10000, vm->params.period_us);
	EXPECT_EQ(3000, vm->params.budget_us);
	EXPECT_EQ(1000000, vm->params.slice_us);
	EXPECT_EQ(2500, vm->params.warp_us);
	EXPECT_EQ(100, vm->params.warp_limit_us);
	EXPECT_EQ(0, vm->params.unwarp_us);
	EXPECT_EQ(1, vm->params.time_critical);
	/* All but unwarp, which is as without it */
	EXPECT_EQ((BIT(12) - 2) & ~VMSCHED_HONOURS_UNWARP, vm->asks);
	EXPECT_EQ(3, cpumask_weight(&vm->affinity));
	EXPECT_EQ(DIST_UNIFORM, vm->start.kind);
	EXPECT_EQ(MS, vm->start.b);
	EXPECT_EQ(DIST_EXP, vm->run.kind);
	EXPECT_EQ(2 * MS, vm->run.a);
	EXPECT_EQ(DIST_CONSTANT, vm->sleep.kind);
	EXPECT_EQ(123456789, vm->sleep.a);
	EXPECT_STREQ("b3", wl.vms[3].name);
	EXPECT_EQ(S, wl.vms[3].every);
	EXPECT_EQ(2 * US, wl.vms[3].run.b);
	EXPECT_STREQ("c", wl.vms[4].name);
	EXPECT_EQ(DIST_FOREVER, wl.vms[4].run.kind);
	EXPECT_EQ(100, wl.vms[4].params.weight);
	EXPECT_EQ(0, wl.vms[4].asks);
	workload_free(&wl);
}

static u64 chance = 3;

static u64 below(u64 limit)
{
	return rng_next(&chance) % limit;
}

/* Words that mean something, in any order, and some that do not */
static size_t some_text(char *text, size_t size)
{
	static const char *const words[] = {
		"cpus", "3", "\nvm", "a", "b", "\npool", "p", "\nduration", "5ms", "\nwarmup",
		"1ms", "weight", "cap", "50%", "affinity", "0-1", "0,2", "vcpus", "7", "copies",
		"run", "exp", "sleep", "uniform", "20us", "300us", "every", "forever", "start",
		"slice", "warp", "#", "\nseed", "0", "-", "1e9", "18446744073709551616", "0.1s",
		"on", "time-critical", "\n\t\n", "\t", "period", "budget", "\nswitch-cost",
		"\x01", ".", "\n",
	};
	size_t used, n = below(30);

	used = snprintf(text, size, "%s", below(8) ? "cpus 3\nduration 5ms\nvm x" : "");
	while (n--)
		used += snprintf(text + used, size - used, " %s", words[below(ARRAY_SIZE(words))]);
	return used;
}

/* Whatever stands there is refused in a line, or runs, and then nothing gets lost. */
TEST(anything_may_stand_there)
{
	struct workload wl;
	struct result r;
	char text[1000], why[500];
	int round, ran = 0;

	for (round = 0; round < 30000; round++) {
		size_t length = some_text(text, sizeof(text));

		if (!below(10))
			text[below(length + 1)] = below(256);
		if (!read_text(&wl, text, length, why, sizeof(why))) {
			ASSERT_EQ(0, strncmp(why, "load:", 5)) TH_LOG("%s", text);
			ASSERT_EQ(NULL, strchr(why, '\n')) TH_LOG("%s", text);
		} else if (wl.duration <= 100 * MS) {
			simulate(&r, &wl, scheds[below(nr_scheds)], NULL);
			ASSERT_TRUE(adds_up(&r)) TH_LOG("%s", text);
			result_free(&r);
			ran++;
		}
		workload_free(&wl);
	}
	EXPECT_GT(ran, 500);
}

TEST_HARNESS_MAIN
