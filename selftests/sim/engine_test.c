// SPDX-License-Identifier: GPL-2.0
/*
 * What a simulation must come to. Time is exact there, so limits follow from what is
 * asked for, and most of them are equalities.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#include "kselftest_harness.h"

#define MS	((u64)NSEC_PER_MSEC)

/* Slices of the two, and what bvt lets one be ahead of another by. */
#define RR_SLICE	(5 * MS)
#define BVT_ALLOWANCE	(2 * MS)

/* What divisions of virtual time leave over, at the largest weight in use, in ns */
#define REST		100

static u64 seed = 1;

static u64 below(u64 limit)
{
	return rng_next(&seed) % limit;
}

/* Some VMs with one vCPU each and any weight, on one pCPU */
static void some_spinners(char *text, size_t size, unsigned int n)
{
	size_t used = snprintf(text, size, "cpus 1\nduration 20s\nwarmup %llums\n",
			       ull(below(1000)));

	while (n--)
		used += snprintf(text + used, size - used, "vm v%u weight %llu\n", n,
				 ull(50 + below(2000)));
}

/*
 * At no time is one ahead of another by more than its allowance. So between two times
 * it gets more by its own, and by that of the other, which was ahead at first.
 */
TEST(bvt_shares_by_weight)
{
	struct workload wl;
	struct result r;
	char text[1000];
	unsigned int i, j, round;

	for (round = 0; round < 20; round++) {
		some_spinners(text, sizeof(text), 2 + below(7));
		run_text(&r, &wl, "bvt", NULL, "%s", text);
		ASSERT_TRUE(adds_up(&r));
		EXPECT_EQ(0, pool_idle_ns(&r.pools[0]));
		for (i = 0; i < wl.nr_vms; i++)
			for (j = 0; j < wl.nr_vms; j++) {
				u64 wi = wl.vms[i].params.weight, wj = wl.vms[j].params.weight;
				u64 most = (r.vms[j].run_ns + BVT_ALLOWANCE) * wi / wj +
					   BVT_ALLOWANCE + REST;

				EXPECT_LE(r.vms[i].run_ns, most) TH_LOG("%s", text);
			}
		run_free(&r, &wl);
	}
}

TEST(rr_shares_equally)
{
	struct workload wl;
	struct result r;
	char text[1000];
	unsigned int i, round;

	for (round = 0; round < 20; round++) {
		u64 least = U64_MAX, most = 0;

		some_spinners(text, sizeof(text), 2 + below(7));
		run_text(&r, &wl, "rr", NULL, "%s", text);
		ASSERT_TRUE(adds_up(&r));
		for (i = 0; i < wl.nr_vms; i++) {
			least = min(least, r.vms[i].run_ns);
			most = max(most, r.vms[i].run_ns);
		}
		EXPECT_LE(most - least, RR_SLICE) TH_LOG("%s", text);
		run_free(&r, &wl);
	}
}

/*
 * What is behind gets 1 ms by age, 100 ms after it began to wait and 10 ms for each that
 * waits with it. That is also what who is before it waits for at most.
 */
TEST(prio_is_strict_but_for_age)
{
	struct workload wl;
	struct result r;
	unsigned int i;

	run_text(&r, &wl, "prio", NULL,
		 "cpus 1\nduration 20s\nvm audio weight 1 time-critical on run 2ms every 10ms\n"
		 "vm web weight 200 run 1ms sleep 2ms\nvm hog weight 150\nvm a copies 4\n");
	ASSERT_TRUE(adds_up(&r));
	EXPECT_EQ(4000 * MS, r.vms[0].run_ns);
	EXPECT_EQ(0, r.vms[0].late);
	EXPECT_LE(r.vms[0].waits.max, MS);
	EXPECT_GT(r.vms[1].run_ns, 4500 * MS);
	EXPECT_LE(r.vms[1].waits.max, 4 * MS);
	for (i = 3; i < 7; i++) {
		EXPECT_GE(r.vms[i].waits.max, 100 * MS);
		EXPECT_LE(r.vms[i].waits.max, 140 * MS);
		EXPECT_LE(r.vms[i].run_ns, 200 * MS);
		EXPECT_GE(r.vms[i].run_ns, 130 * MS);
	}
	run_free(&r, &wl);
}

/* As many as there are pCPUs and one more: each of them shares one at times. */
TEST(prio_is_equal_among_equals)
{
	struct workload wl;
	struct result r;
	unsigned int i;

	run_text(&r, &wl, "prio", NULL, "cpus 4\nduration 40s\nvm a copies 5\n");
	EXPECT_EQ(0, pool_idle_ns(&r.pools[0]));
	EXPECT_LT(r.pools[0].stats.migrations, 40 * 4 * 10);
	for (i = 0; i < 5; i++)
		EXPECT_LE(llabs((long long)(r.vms[i].run_ns - 32000 * MS)), 640 * MS);
	run_free(&r, &wl);
}

/* Each pCPU has as many: on many of them as on one. */
TEST(shares_on_many_pcpus)
{
	static const char *const names[] = { "rr", "bvt" };
	struct workload wl;
	struct result r;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		run_text(&r, &wl, names[i], NULL,
			 "cpus 100\nduration 6s\nvm a vcpus 100\nvm b vcpus 100 weight %u\n",
			 i ? 300 : 100);
		EXPECT_TRUE(adds_up(&r));
		EXPECT_EQ(0, pool_idle_ns(&r.pools[0]));
		EXPECT_LE(llabs((long long)(r.vms[0].run_ns - 600000 * MS / (i ? 4 : 2))),
			  100 * RR_SLICE);
		run_free(&r, &wl);
	}
}

/* @vm got so many permille of one pCPU, give or take @off. */
static bool got_of_pcpu(const struct result *r, unsigned int vm, u64 permille, u64 off)
{
	u64 is = r->vms[vm].run_ns * 1000 / r->time_ns;

	if (is + off >= permille && is <= permille + off)
		return true;
	printf("# %s got %llu permille, not %llu\n", r->wl->vms[vm].name, ull(is),
	       ull(permille));
	return false;
}

/* 12 spinners of unequal weight on 4 pCPUs, where no queues are equal */
TEST(credit_shares_over_all_pcpus)
{
	static const unsigned int weights[] = { 50, 100, 150, 200, 300, 400 };
	struct workload wl;
	struct result r;
	unsigned int i;

	run_text(&r, &wl, "credit", NULL,
		 "cpus 4\nduration 11s\nwarmup 1s\nvm a vcpus 2 weight 50\n"
		 "vm b vcpus 2 weight 100\nvm c vcpus 2 weight 150\n"
		 "vm d vcpus 2 weight 200\nvm e vcpus 2 weight 300\n"
		 "vm f vcpus 2 weight 400\n");
	EXPECT_TRUE(adds_up(&r));
	EXPECT_EQ(0, pool_idle_ns(&r.pools[0]));
	for (i = 0; i < wl.nr_vms; i++) {
		u64 fair = 4000 * weights[i] / 1200;

		EXPECT_TRUE(got_of_pcpu(&r, i, fair, fair / 50));
	}
	run_free(&r, &wl);
}

/* Nor do masks: half of the pCPUs are crowded, and all share what they have. */
TEST(credit_shares_within_masks)
{
	struct workload wl;
	struct result r;

	run_text(&r, &wl, "credit", NULL,
		 "cpus 4\nduration 11s\nwarmup 1s\nvm a vcpus 7 affinity 0-1\n"
		 "vm b vcpus 2 affinity 2-3 weight 300\nvm c affinity 2-3 weight 200\n");
	EXPECT_EQ(0, pool_idle_ns(&r.pools[0]));
	EXPECT_TRUE(got_of_pcpu(&r, 0, 2000, 0));
	EXPECT_TRUE(got_of_pcpu(&r, 1, 1500, 30));
	EXPECT_TRUE(got_of_pcpu(&r, 2, 500, 30));
	run_free(&r, &wl);
}

/* What the cap of one and the reservation of another leave is for the third. */
TEST(credit_keeps_caps_and_reservations)
{
	struct workload wl;
	struct result r;

	run_text(&r, &wl, "credit", NULL,
		 "cpus 2\nduration 11s\nwarmup 1s\nvm a cap 50 weight 1000\n"
		 "vm b reservation 60 weight 1\nvm c cap 20\nvm d vcpus 2 weight 50\n");
	EXPECT_EQ(0, pool_idle_ns(&r.pools[0]));
	EXPECT_TRUE(got_of_pcpu(&r, 0, 500, 10));
	EXPECT_TRUE(got_of_pcpu(&r, 1, 600, 10));
	EXPECT_TRUE(got_of_pcpu(&r, 2, 200, 10));
	EXPECT_TRUE(got_of_pcpu(&r, 3, 700, 10));
	run_free(&r, &wl);

	/* Three of 60 % on two pCPUs */
	run_text(&r, &wl, "credit", NULL,
		 "cpus 2\nduration 11s\nwarmup 1s\nvm a vcpus 3 reservation 60 weight 1\n"
		 "vm b vcpus 4 weight 10000\n");
	EXPECT_TRUE(got_of_pcpu(&r, 0, 1800, 10));
	EXPECT_TRUE(got_of_pcpu(&r, 1, 200, 10));
	run_free(&r, &wl);
}

/* Who wakes with credit does not wait, and has no more than what it asks for. */
TEST(credit_wakes_at_once)
{
	struct workload wl;
	struct result r;

	run_text(&r, &wl, "credit", NULL,
		 "cpus 1\nduration 10s\nvm a run 500us every 10ms start 3ms\nvm b vcpus 3\n");
	EXPECT_LE(hist_permille(&r.vms[0].wakes, 990), 100000);
	EXPECT_LE(r.vms[1].waits.max, 20 * MS);
	run_free(&r, &wl);
}

TEST(idle_is_what_nobody_wants)
{
	struct workload wl;
	struct result r;

	run_text(&r, &wl, "bvt", NULL, "cpus 3\nduration 1s\nvm a vcpus 2\n");
	EXPECT_EQ(1000 * MS, pool_idle_ns(&r.pools[0]));
	EXPECT_EQ(0, r.vms[0].switches);
	EXPECT_EQ(0, r.vms[0].migrations);
	run_free(&r, &wl);
	run_text(&r, &wl, "rr", NULL,
		 "cpus 1\nduration 2s\nwarmup 500ms\nvm a run 1ms every 10ms start 3ms\n");
	EXPECT_EQ(150 * MS, r.vms[0].run_ns);
	EXPECT_EQ(1350 * MS, pool_idle_ns(&r.pools[0]));
	EXPECT_EQ(150, r.vms[0].wakes.count);
	EXPECT_EQ(0, r.vms[0].wakes.max);
	EXPECT_EQ(0, r.vms[0].late);
	run_free(&r, &wl);
}

/* Two in turn: each waits for the other's slice, and loses time when it gets the pCPU. */
TEST(waits_and_switches_are_exact)
{
	struct workload wl;
	struct result r;

	run_text(&r, &wl, "rr", NULL, "cpus 1\nduration 1s\nwarmup 100ms\nvm a\nvm b\n");
	EXPECT_EQ(450 * MS, r.vms[0].run_ns);
	EXPECT_EQ(450 * MS, r.vms[0].wait_ns);
	EXPECT_EQ(5 * MS, r.vms[0].waits.max);
	EXPECT_EQ(5 * MS, hist_permille(&r.vms[0].waits, 500));
	EXPECT_EQ(0, r.vms[0].wakes.count);
	EXPECT_EQ(180, r.vms[0].switches + r.vms[1].switches);
	run_free(&r, &wl);

	run_text(&r, &wl, "rr", NULL,
		 "cpus 1\nduration 1205ms\nwarmup 5ms\nswitch-cost 1ms\nvm a\nvm b\n");
	EXPECT_EQ(200 * MS, r.pools[0].lost_ns);
	EXPECT_EQ(500 * MS, r.vms[0].run_ns);
	EXPECT_EQ(500 * MS, r.vms[1].run_ns);
	EXPECT_EQ(6 * MS, r.vms[0].waits.max);
	EXPECT_EQ(200, r.vms[0].switches + r.vms[1].switches);
	EXPECT_EQ(0, pool_idle_ns(&r.pools[0]));
	run_free(&r, &wl);
}

/* A wait that does not end is seen, not left out. */
TEST(who_starves_is_seen)
{
	struct workload wl;
	struct result r;

	/* From its first wake on, after some two seconds, a is warped beyond all measure. */
	run_text(&r, &wl, "bvt", NULL,
		 "cpus 1\nduration 20s\nvm a warp 10s run 2s sleep 1us\n"
		 "vm b weight 1 run 1ms every 100ms\n");
	EXPECT_TRUE(adds_up(&r));
	EXPECT_GT(r.vms[1].waits.max, 900 * MS);
	EXPECT_GT(r.vms[1].late, 8);
	run_free(&r, &wl);
}

TEST(late_is_counted)
{
	struct workload wl;
	struct result r;

	/* 6 ms of each 5: the job that is due at 5 N is done at 6 (N + 1) */
	run_text(&r, &wl, "rr", NULL, "cpus 1\nduration 60ms\nvm a run 6ms every 5ms\n");
	EXPECT_EQ(60 * MS, r.vms[0].run_ns);
	/* Of 12 due by then, 10 are done, or done just then, and all were late. */
	EXPECT_EQ(11, r.vms[0].late);
	run_free(&r, &wl);
	run_text(&r, &wl, "rr", NULL, "cpus 1\nduration 60ms\nvm a run 5ms every 5ms\n");
	EXPECT_EQ(0, r.vms[0].late);
	run_free(&r, &wl);
}

/* Where nobody waits, schedulers make no difference to what is done. */
TEST(load_is_the_same_under_each)
{
	static const char load[] =
		"cpus 8\nduration 5s\nseed %u\nvm a vcpus 3 run exp 3ms sleep exp 5ms\n"
		"vm b vcpus 3 run uniform 1ms 9ms sleep uniform 0ms 9ms start exp 100ms\n"
		"vm c vcpus 2 run uniform 1us 3ms every 3ms\n";
	struct workload wl[3];
	struct result r[3];
	int i;

	run_text(&r[0], &wl[0], "rr", NULL, load, 5);
	run_text(&r[1], &wl[1], "bvt", NULL, load, 5);
	run_text(&r[2], &wl[2], "bvt", NULL, load, 6);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(r[0].vms[i].run_ns, r[1].vms[i].run_ns);
		EXPECT_EQ(r[0].vms[i].wakes.count, r[1].vms[i].wakes.count);
		EXPECT_NE(r[0].vms[i].run_ns, r[2].vms[i].run_ns);
		EXPECT_EQ(0, r[0].vms[i].waits.max);
	}
	for (i = 0; i < 3; i++)
		run_free(&r[i], &wl[i]);
}

TEST(pools_and_affinity_hold)
{
	struct workload wl;
	struct result r;

	run_text(&r, &wl, "bvt", NULL,
		 "cpus 70\nduration 1s\npool p cpus 0,66-69\n"
		 "vm a pool p vcpus 8 affinity 0-68\nvm b vcpus 2 affinity 65\nvm c pool p\n");
	EXPECT_TRUE(adds_up(&r));
	EXPECT_EQ(65, cpumask_weight(&r.pools[0].pool->cpus));
	EXPECT_EQ(64000 * MS, pool_idle_ns(&r.pools[0]));
	EXPECT_EQ(1000 * MS, r.vms[1].run_ns);
	EXPECT_EQ(0, pool_idle_ns(&r.pools[1]));
	EXPECT_EQ(4000 * MS, r.vms[0].run_ns);
	EXPECT_EQ(1000 * MS, r.vms[2].run_ns);
	run_free(&r, &wl);
}

TEST(idle_pcpus_steal)
{
	struct workload wl;
	struct result r;

	/* Those of one pCPU halt: it takes one of the other's then. */
	run_text(&r, &wl, "rr", NULL,
		 "cpus 2\nduration 1s\nvm a run 20ms sleep 90ms\nvm b\n"
		 "vm c run 20ms sleep 70ms\nvm d\n");
	EXPECT_TRUE(adds_up(&r));
	EXPECT_EQ(0, pool_idle_ns(&r.pools[0]));
	EXPECT_GT(r.vms[1].migrations + r.vms[3].migrations, 0);
	EXPECT_EQ(0, r.vms[0].late);
	run_free(&r, &wl);
}

static int by_place(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return x->from < y->from ? -1 : 1;
}

static int by_vcpu(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	return x->from < y->from ? -1 : 1;
}

/* On a pCPU there is one at a time, and one is on one pCPU at a time. */
TEST(record_is_complete)
{
	struct record record = { .from = 100 * MS, .to = 1000 * MS, .most = 1000000 };
	struct workload wl;
	struct result r;
	u64 sum = 0;
	size_t i;

	run_text(&r, &wl, "bvt", &record,
		 "cpus 4\nduration 1s\nwarmup 100ms\nswitch-cost 3us\n"
		 "vm a vcpus 5\nvm b vcpus 6 weight 300 run exp 2ms sleep exp 3ms\n");
	qsort(record.spans, record.nr, sizeof(*record.spans), by_place);
	for (i = 0; i < record.nr; i++) {
		const struct span *s = &record.spans[i];

		ASSERT_LT(s->from, s->to);
		if (i && s[-1].cpu == s->cpu)
			ASSERT_LE(s[-1].to, s->from);
		sum += s->to - s->from;
	}
	EXPECT_EQ(sum, r.pools[0].stats.run_ns + r.pools[0].lost_ns);
	qsort(record.spans, record.nr, sizeof(*record.spans), by_vcpu);
	for (i = 1; i < record.nr; i++) {
		const struct span *s = &record.spans[i];

		if (s[-1].vm == s->vm && s[-1].vcpu == s->vcpu)
			ASSERT_LE(s[-1].to, s->from);
	}
	EXPECT_GT(record.nr, 1000);
	record_free(&record);
	run_free(&r, &wl);
}

/* What has no room is cut off at one time for all pCPUs. */
TEST(record_is_cut)
{
	struct record record = { .to = 1000 * MS, .most = 100 };
	struct workload wl;
	struct result r;
	u64 sum = 0;
	size_t i;

	run_text(&r, &wl, "rr", &record, "cpus 4\nduration 1s\nvm a vcpus 12\n");
	EXPECT_TRUE(record.full);
	EXPECT_LE(record.nr, 104);
	for (i = 0; i < record.nr; i++)
		if (record.spans[i].from < record.to)
			sum += min(record.spans[i].to, record.to) - record.spans[i].from;
	EXPECT_EQ(4 * record.to, sum);
	record_free(&record);
	run_free(&r, &wl);
}

/* Whatever computes beside it, and has a budget of its own or not */
TEST(edf_answers_in_its_budget)
{
	static const char *const beside[] = {
		"vm b copies 3", "vm b copies 3 period 10ms budget 2.3ms",
		"vm b copies 3 period 10ms budget 2.3ms time-critical on",
		"vm b copies 7 period 1s budget 100ms run 10ms every 70ms",
	};
	struct workload wl;
	struct result r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(beside); i++) {
		run_text(&r, &wl, "edf", NULL,
			 "cpus 1\nduration 100s\nvm a run 3ms every 10ms start 1234us\n"
			 " period 10ms budget 3ms\n%s\n", beside[i]);
		EXPECT_TRUE(adds_up(&r));
		EXPECT_EQ(10000, r.vms[0].wakes.count);
		EXPECT_EQ(0, r.vms[0].late) TH_LOG("%s", beside[i]);
		/* With deadlines of others in between, it may have to wait for them. */
		EXPECT_LE(r.vms[0].wakes.max, i ? 7 * MS : 0) TH_LOG("%s", beside[i]);
		run_free(&r, &wl);
	}
}

/* 3 pCPUs are reserved as a whole; who has no reservation shares the fourth. */
TEST(edf_starves_nobody_while_there_is_time)
{
	struct workload wl;
	struct result r;
	unsigned int i;

	run_text(&r, &wl, "edf", NULL,
		 "cpus 4\nduration 20s\nwarmup 1s\nvm a vcpus 3 period 100ms budget 100ms\n"
		 "vm b copies 6\n");
	EXPECT_TRUE(adds_up(&r));
	EXPECT_EQ(3 * 19000 * MS, r.vms[0].run_ns);
	for (i = 1; i < 7; i++) {
		EXPECT_GT(r.vms[i].run_ns, 19000 * MS / 6 / 2) TH_LOG("VM %u", i);
		EXPECT_LT(r.vms[i].waits.max, 200 * MS) TH_LOG("VM %u", i);
	}
	run_free(&r, &wl);
}

/* What is not reserved goes in turn, to those with extra time as well. */
TEST(edf_extra_time_is_shared)
{
	struct workload wl;
	struct result r;

	run_text(&r, &wl, "edf", NULL,
		 "cpus 1\nduration 20s\nvm a period 20ms budget 10ms\nvm b\n"
		 "vm c period 20ms budget 2ms time-critical on\n");
	/* 50 %, 10 %, and 20 % for each of the two that want more */
	EXPECT_LE(llabs((long long)(r.vms[0].run_ns - 14000 * MS)), 100 * MS);
	EXPECT_LE(llabs((long long)(r.vms[1].run_ns - 4000 * MS)), 100 * MS);
	EXPECT_LE(llabs((long long)(r.vms[2].run_ns - 2000 * MS)), 3 * MS);
	EXPECT_EQ(0, pool_idle_ns(&r.pools[0]));
	run_free(&r, &wl);
}

TEST(million_wakes_a_second)
{
	struct workload wl;
	struct result r;

	run_text(&r, &wl, "bvt", NULL,
		 "cpus 1\nduration 200ms\nvm a run 1us sleep 0us\nvm b run 1us sleep 1us warp 1s\n"
		 "vm c run 1us every 1us\n");
	EXPECT_TRUE(adds_up(&r));
	EXPECT_EQ(0, pool_idle_ns(&r.pools[0]));
	run_free(&r, &wl);
	run_text(&r, &wl, "rr", NULL,
		 "cpus 4\nduration 200ms\nvm a vcpus 4 run 1us sleep 1us\n");
	EXPECT_EQ(400 * MS, r.vms[0].run_ns);
	EXPECT_EQ(400000, r.vms[0].wakes.count);
	run_free(&r, &wl);
}

TEST(histogram_is_as_exact_as_it_says)
{
	static u64 values[5000];
	struct hist h = { }, sum = { };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		u64 value = rng_next(&seed) >> below(64);

		/* In order */
		for (j = i; j && values[j - 1] > value; j--)
			values[j] = values[j - 1];
		values[j] = value;
		hist_add(&h, value);
	}
	EXPECT_EQ(values[ARRAY_SIZE(values) - 1], h.max);
	hist_merge(&sum, &h);
	hist_merge(&sum, &h);
	for (i = 1; i <= 1000; i++) {
		u64 exact = values[(i * ARRAY_SIZE(values) + 999) / 1000 - 1];
		u64 value = hist_permille(&h, i);

		EXPECT_GE(value, exact);
		EXPECT_LE(value - exact, exact / 128);
		EXPECT_EQ(value, hist_permille(&sum, i));
	}
	hist_free(&h);
	hist_free(&sum);
}

TEST(chance_is_as_asked_for)
{
	const struct dist e = { DIST_EXP, 1000000 }, u = { DIST_UNIFORM, 1000, 1009 };
	u64 rng = 7, sum = 0, below_mean = 0, counts[10] = { };
	int i;

	for (i = 0; i < 1000000; i++) {
		u64 value = dist_draw(&e, &rng);

		sum += value;
		below_mean += value < e.a;
		value = dist_draw(&u, &rng);
		ASSERT_TRUE(value >= u.a && value <= u.b);
		counts[value - u.a]++;
	}
	/* The deviation of the mean is 0.1 %, that of a count 0.3 %. */
	EXPECT_LE(llabs((long long)(sum / 1000000 - e.a)), 4000);
	EXPECT_LE(llabs((long long)(below_mean - 632121)), 2000);
	for (i = 0; i < 10; i++)
		EXPECT_LE(llabs((long long)(counts[i] - 100000)), 1200);
}

TEST_HARNESS_MAIN
