// SPDX-License-Identifier: GPL-2.0
/*
 * Recordings of hosts: what is right is replayed as it was, what is wrong is refused with
 * the line.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#include "kselftest_harness.h"

#define US	((u64)NSEC_PER_USEC)
#define MS	((u64)NSEC_PER_MSEC)
#define S	((u64)NSEC_PER_SEC)

#define HEAD	"vmsched-recording 1\ncpus 2\npool default cpus 0-1 scheduler bvt\n"
#define VMS	HEAD "vm 7 a pool default weight 100\nvm 9 b pool default weight 300\n"
#define END	"end 1s lost 0\n"

/* Statements of a workload, in which a recording does not begin in the midst */
#define KNOWN	"cpus, duration, warmup, seed, switch-cost, pool, vm"

static const struct {
	const char *text;
	const char *why;
} wrong[] = {
	{ "vmsched-recording\n", "load:1: vmsched-recording needs a value" },
	{ "vmsched-recording 2\n", "load:1: vmsched-recording 2 outside 1..1" },
	{ "vmsched-recording 1 x\n", "load:1: \"x\" does not belong here" },
	{ "vmsched-recording 1\n", "load:1: this recording is cut off: it has no end" },
	{ "vmsched-recording 1\nwhat 1\n",
	  "load:2: \"what\" does not begin a line of a recording" },
	{ "cpus 2\n" RECORDING_WORD " 1\n", "load:2: \"" RECORDING_WORD "\" is none of " KNOWN },
	{ "vmsched-recording 1\ncpus 0\n", "load:2: cpus 0 outside 1..1024" },
	{ "vmsched-recording 1\ncpus 1\ncpus 1\n", "load:3: cpus is given twice" },
	{ "vmsched-recording 1\npool a cpus 0 scheduler rr\n",
	  "load:2: cpus must stand above the first pool" },
	{ "vmsched-recording 1\ncpus 2\npool a cpus 2 scheduler rr\n",
	  "load:3: cpus 2: there are pCPUs 0 to 1 only" },
	{ "vmsched-recording 1\ncpus 2\npool a cpus 0\n", "load:3: scheduler needs a value" },
	{ "vmsched-recording 1\ncpus 2\npool a scheduler rr\n",
	  "load:3: \"scheduler\" where cpus was expected" },
	{ HEAD "pool a cpus 1 scheduler rr\n", "load:4: pCPU 1 is in another pool already" },
	{ HEAD "pool default cpus 1 scheduler rr\n",
	  "load:4: there is a pool \"default\" already" },
	{ "vmsched-recording 1\ncpus 2\nvm 1 a pool default\n",
	  "load:3: cpus and pools must stand above VMs and events" },
	{ "vmsched-recording 1\nwake 1ns 1/0\n",
	  "load:2: cpus and pools must stand above VMs and events" },
	{ HEAD "vm x a pool default\n", "load:4: vm \"x\" is not a whole number" },
	{ HEAD "vm 1 a pool p\n", "load:4: no pool \"p\": it must stand above its VMs" },
	{ HEAD "vm 1 a/b pool default\n",
	  "load:4: vm \"a/b\": letters, digits, '.', '_' and '-' only" },
	{ VMS "vm 9 c pool default\n", "load:6: VM 9 is given twice" },
	{ HEAD "vm 1 a pool default colour 1\n", "load:4: \"colour\" is no parameter" },
	{ HEAD "vm 1 a pool default mask 0\n", "load:4: \"mask\" is no parameter" },
	{ HEAD "vm 1 a pool default weight 0\n", "load:4: weight 0 outside 1..10000" },
	{ HEAD "vm 1 a pool default period 1000us budget 2000us\n",
	  "load:4: budget 2ms exceeds period 1ms" },
	{ HEAD "vcpu 1/0\n", "load:4: VM 1 must stand above its vCPUs" },
	{ VMS "vcpu 7\n", "load:6: \"7\" is not a vCPU such as 3/0" },
	{ VMS "vcpu 7/\n", "load:6: \"7/\" is not a vCPU such as 3/0" },
	{ VMS "vcpu 7/4294967296\n", "load:6: \"7/4294967296\" is not a vCPU such as 3/0" },
	{ VMS "vcpu 7/9999999999999999999\n",
	  "load:6: \"7/9999999999999999999\" is not a vCPU such as 3/0" },
	{ VMS "vcpu 7/0\nvcpu 7/0\n", "load:7: vCPU 7/0 is given twice" },
	{ VMS "vcpu 7/0 ran 5ns\n", "load:6: ran needs a value" },
	{ VMS "vcpu 7/0 ran 5ns tired\n", "load:6: \"tired\" is neither awake nor asleep" },
	{ VMS "vcpu 7/0 mask 0-2\n", "load:6: mask 0-2: there are pCPUs 0 to 1 only" },
	{ VMS "vcpu 7/0 budget 1ms\n", "load:6: budget 1ms exceeds period 0s" },
	{ VMS "wake\n", "load:6: time needs a value" },
	{ VMS "wake 5\n", "load:6: time 5 has no unit: write 5us, ms or s" },
	{ VMS "wake 5ns\n", "load:6: vCPU needs a value" },
	{ VMS "wake 5ns 7/0 1\n", "load:6: \"1\" does not belong here" },
	{ VMS "block 5ns 7/0\n", "load:6: block needs a value" },
	{ VMS "block 5ns 7/0 soon\n",
	  "load:6: block \"soon\" is not a time such as 100us, 2.5ms or 1s" },
	{ VMS "ran 7/0\n", "load:6: ran needs a value" },
	{ VMS "end 0ns lost 0\n", "load:6: end 0ns outside 1us..86400s" },
	{ VMS "end 1s\n", "load:6: lost needs a value" },
	{ VMS END, "load: there is no vCPU in this recording" },
	{ VMS END "wake 5ns 7/0\n", "load:7: there is something behind the end" },
	{ VMS "block 2s 7/0 1s\n" END, "load:6: an event at 2s, but the end is at 1s" },
	{ VMS "block 2ms 7/0 2ms\nwake 3ms 7/0\nblock 4ms 7/0 1ms\n" END,
	  "load:8: it has executed 1ms, but 2ms before" },
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

TEST(what_is_right_is_understood)
{
	static const char text[] =
		"vmsched-recording 1\ncpus 4\npool default cpus 0,2 scheduler native\n"
		"pool p cpus 3 scheduler bvt\n"
		"vm 3 web pool p weight 200 cap 50.0 warp 1000us time-critical on affinity 0-3\n"
		"vm 12 web pool default weight 100\n"
		"vcpu 3/0 ran 5000ns awake mask 2-3\n"
		"vcpu 3/4 ran 0ns asleep mask 0-3 weight 50 affinity 3\n"
		"vcpu 12/1 ran 70ns asleep\n"
		"wake 1000ns 40/0\n"
		"vm 40 late pool default weight 300\nvcpu 40/0 mask 0\n"
		"ran 3/0 9000ns\nran 12/1 70ns\nend 2s lost 17\n";
	struct workload wl;
	struct wl_vm *vm;
	char why[500];

	ASSERT_TRUE(read_text(&wl, text, sizeof(text) - 1, why, sizeof(why))) TH_LOG("%s", why);
	EXPECT_TRUE(wl.recorded);
	EXPECT_EQ(2 * S, wl.duration);
	EXPECT_EQ(2, wl.nr_pools);
	ASSERT_EQ(3, wl.nr_vms);
	EXPECT_EQ(4, wl.nr_vcpus);
	vm = &wl.vms[0];
	EXPECT_STREQ("web", vm->name);
	EXPECT_EQ(1, vm->pool);
	ASSERT_EQ(2, vm->vcpus);
	EXPECT_EQ(500, vm->params.cap);
	EXPECT_EQ(1000, vm->params.warp_us);
	EXPECT_EQ(VMSCHED_HONOURS_WEIGHT | VMSCHED_HONOURS_CAP | VMSCHED_HONOURS_WARP |
		  VMSCHED_HONOURS_TIME_CRITICAL | VMSCHED_HONOURS_AFFINITY, vm->asks);
	EXPECT_EQ(200, vm->replay[0].params.weight);
	EXPECT_EQ(2, cpumask_weight(&vm->replay[0].affinity));
	EXPECT_EQ(0, vm->replay[0].start);
	EXPECT_EQ(U64_MAX, vm->replay[0].phases[0].run);
	EXPECT_EQ(50, vm->replay[1].params.weight);
	EXPECT_EQ(500, vm->replay[1].params.cap);
	EXPECT_EQ(1, cpumask_weight(&vm->replay[1].affinity));
	EXPECT_EQ(U64_MAX, vm->replay[1].start);
	/* The name is taken. */
	EXPECT_STREQ("vm12", wl.vms[1].name);
	EXPECT_EQ(U64_MAX, wl.vms[1].replay[0].start);
	EXPECT_STREQ("late", wl.vms[2].name);
	EXPECT_EQ(300, wl.vms[2].replay[0].params.weight);
	EXPECT_EQ(US, wl.vms[2].replay[0].start);
	workload_free(&wl);
}

struct phases {
	const char *events;
	u64 start;
	struct wl_phase phases[3];
	size_t nr;
};

/* Of vCPU 7/0, which had executed 10 ms */
static const struct phases cases[] = {
	{ "", U64_MAX, { }, 0 },
	{ "ran 7/0 10ms\n", U64_MAX, { }, 0 },
	{ "ran 7/0 11ms\n", 0, { { U64_MAX } }, 1 },
	{ "wake 5ms 7/0\n", 5 * MS, { { U64_MAX } }, 1 },
	{ "block 5ms 7/0 12ms\n", 0, { { 2 * MS, U64_MAX } }, 1 },
	{ "wake 5ms 7/0\nblock 8ms 7/0 12ms\nwake 9ms 7/0\n", 5 * MS,
	  { { 2 * MS, MS }, { U64_MAX } }, 2 },
	/* Not in order */
	{ "block 8ms 7/0 12ms\nwake 9ms 7/0\nwake 5ms 7/0\n", 5 * MS,
	  { { 2 * MS, MS }, { U64_MAX } }, 2 },
	/* A block was lost */
	{ "wake 5ms 7/0\nwake 7ms 7/0\nblock 9ms 7/0 13ms\n", 5 * MS,
	  { { 3 * MS, U64_MAX } }, 1 },
	/* A wake was lost: it woke as late as it can have */
	{ "block 5ms 7/0 12ms\nblock 9ms 7/0 13ms\n", 0,
	  { { 2 * MS, 3 * MS }, { MS, U64_MAX } }, 2 },
	/* It blocked while it was asked what it had executed. */
	{ "block 1us 7/0 9999us\nwake 2us 7/0\nblock 9ms 7/0 14ms\n", 0,
	  { { 0, US }, { 4 * MS, U64_MAX } }, 2 },
};

TEST(phases_are_what_was_seen)
{
	struct wl_replay *replay;
	struct workload wl;
	char text[1000], why[500];
	size_t i, j, n;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		n = snprintf(text, sizeof(text), "%svcpu 7/0 ran 10ms asleep\n%s%s", VMS,
			     cases[i].events, END);
		ASSERT_TRUE(read_text(&wl, text, n, why, sizeof(why))) TH_LOG("%s", why);
		replay = wl.vms[0].replay;
		EXPECT_EQ(cases[i].start, replay->start) TH_LOG("%s", text);
		ASSERT_EQ(cases[i].nr, replay->nr_phases) TH_LOG("%s", text);
		for (j = 0; j < replay->nr_phases; j++) {
			EXPECT_EQ(cases[i].phases[j].run, replay->phases[j].run)
				TH_LOG("%s", text);
			if (replay->phases[j].run != U64_MAX)
				EXPECT_EQ(cases[i].phases[j].sleep, replay->phases[j].sleep)
					TH_LOG("%s", text);
		}
		workload_free(&wl);
	}
}

/* Runs of 2 ms with sleeps of 3 ms, and one that never sleeps, on @mask */
static void replay_both(struct result *r, struct workload *wl, const char *mask)
{
	char text[30000], *at = text, *end = text + sizeof(text);
	unsigned int i;

	at += snprintf(at, end - at, "%svcpu 7/0 ran 0s awake mask %s\n"
		       "vcpu 9/0 ran 50ms asleep mask 0\nran 7/0 1ms\n", VMS, mask);
	for (i = 0; i < 200; i++)
		at += snprintf(at, end - at, "wake %ums 9/0\nblock %ums 9/0 %ums\n",
			       5 * i + 3, 5 * i + 5 - (i == 199), 52 + 2 * i);
	snprintf(at, end - at, END);
	run_text(r, wl, "bvt", NULL, "%s", text);
}

TEST(it_does_what_was_recorded)
{
	struct workload wl;
	struct result r;

	replay_both(&r, &wl, "1");
	EXPECT_TRUE(adds_up(&r));
	EXPECT_EQ(S, r.vms[0].run_ns);
	EXPECT_EQ(400 * MS, r.vms[1].run_ns);
	EXPECT_EQ(200, r.vms[1].wakes.count);
	EXPECT_EQ(0, r.vms[1].wait_ns);
	run_free(&r, &wl);

	/* Beside the other it waits for up to 2 ms, and does the same later. */
	replay_both(&r, &wl, "0");
	EXPECT_TRUE(adds_up(&r));
	EXPECT_EQ(S, r.vms[0].run_ns + r.vms[1].run_ns);
	EXPECT_GE(r.vms[1].wakes.count, 1000 / 7);
	EXPECT_EQ(r.vms[1].wakes.count, (r.vms[1].run_ns + 2 * MS - 1) / (2 * MS));
	run_free(&r, &wl);
}

static u64 chance = 5;

static u64 below(u64 limit)
{
	return rng_next(&chance) % limit;
}

static size_t some_text(char *text, size_t size)
{
	static const char *const words[] = {
		"\nwake", "\nblock", "\nwake", "\nblock", "\nran", "\nvcpu", "\nvm", "\npool",
		"\nend", "\ncpus", "ran", "awake", "asleep", "mask", "affinity", "0-1", "1",
		"7/0", "7/0", "7/1", "9/0", "3/3", "1ms", "2ms", "3ms", "4ms", "5ms", "900us",
		"0ns", "lost", "weight", "50", "default", "a", "/", "7/", "-1", "0", "\n ",
		"18446744073709551615ns",
	};
	static const char *const events[] = {
		"wake %ums %u/%u\n", "block %ums %u/%u %ums\n", "wake %ums %u/%u\n",
		"block %ums %u/%u %ums\n", "vcpu 9/%u mask %u\n",
	};
	size_t used = snprintf(text, size, "%s", VMS), n = below(20), i;
	unsigned int now = 0;

	for (i = 0; i < n; i++) {
		now += below(5);
		used += snprintf(text + used, size - used, events[below(5 - !!below(9))], now,
				 7 + 2 * (unsigned int)below(2), (unsigned int)below(2),
				 now / 2);
	}
	n = below(3) ? 0 : below(6);
	for (i = 0; i < n; i++)
		used += snprintf(text + used, size - used, " %s", words[below(ARRAY_SIZE(words))]);
	return used + snprintf(text + used, size - used, "%s",
			       below(9) ? "\nend 90ms lost 0\n" : "");
}

/* Whatever stands there, and wherever it is cut off, is refused in a line, or runs. */
TEST(anything_may_stand_there)
{
	struct workload wl;
	struct result r;
	char text[3000], why[500];
	int round, ran = 0;

	for (round = 0; round < 20000; round++) {
		size_t length = some_text(text, sizeof(text));

		if (!below(6))
			text[below(length)] = below(256);
		if (!below(6))
			length = below(length);
		if (!read_text(&wl, text, length, why, sizeof(why))) {
			ASSERT_EQ(0, strncmp(why, "load:", 5)) TH_LOG("%s", text);
			ASSERT_EQ(NULL, strchr(why, '\n')) TH_LOG("%s", text);
		} else if (wl.recorded) {
			simulate(&r, &wl, scheds[below(nr_scheds)], NULL);
			/* Unless there are pCPUs in no pool */
			ASSERT_TRUE(wl.cpus != 2 || adds_up(&r)) TH_LOG("%s", text);
			result_free(&r);
			ran++;
		}
		workload_free(&wl);
	}
	EXPECT_GT(ran, 2000);
}

/* A recording that is cut off anywhere is none. */
TEST(cut_off_is_told)
{
	static const char text[] = VMS
		"vcpu 7/0 ran 5ns asleep\nwake 1ms 7/0\nblock 3ms 7/0 1005000ns\nend 5ms lost 12";
	struct workload wl;
	char why[500];
	size_t length;

	/* The last digit may be missing: who ever wrote it has written the newline, too. */
	for (length = strlen("vmsched-recording 1"); length < sizeof(text) - 3; length++) {
		ASSERT_FALSE(read_text(&wl, text, length, why, sizeof(why))) TH_LOG("%zu", length);
		ASSERT_NE(NULL, strstr(why, "load:")) TH_LOG("%s", why);
		workload_free(&wl);
	}
	ASSERT_TRUE(read_text(&wl, text, sizeof(text) - 1, why, sizeof(why))) TH_LOG("%s", why);
	workload_free(&wl);
}

/* A pCPU in no pool is nobody's. */
TEST(pcpus_in_no_pool)
{
	static const char text[] =
		"vmsched-recording 1\ncpus 4\npool default cpus 0,2 scheduler rr\n"
		"vm 1 a pool default\nvcpu 1/0 ran 0s awake mask 1\nvcpu 1/1 ran 0s awake\n"
		"ran 1/0 1ms\nran 1/1 1ms\nend 1s lost 0\n";
	struct pool_result total;
	struct workload wl;
	struct result r;

	run_text(&r, &wl, "rr", NULL, "%s", text);
	result_total(&r, &total);
	EXPECT_EQ(2 * S, total.cpu_ns);
	EXPECT_EQ(2 * S, r.vms[0].run_ns);
	stats_free(&total.stats);
	run_free(&r, &wl);
}

TEST_HARNESS_MAIN
