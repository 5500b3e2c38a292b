// SPDX-License-Identifier: GPL-2.0
/*
 * Who has no pCPU when the scheduler changes is handed over later: those that
 * sleep go on under the new one with all that they had, whenever they wake, and
 * a switch costs those that run the same, however many there are.
 *
 * One pCPU; with exact time the moments at which guests wake and those of the
 * switches meet in every way.
 */
#include <math.h>

#include "lib/cpus.h"
#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/watch.h"

#define LIMIT		300
#define BUSY		4
#define SLEEPERS	32
#define SWITCHES	150
/* What is promised of 16 busy vCPUs */
#define MEDIAN_US	5
#define MOST_US		20
/* No multiple of the tick, which is 4 ms */
#define PERIOD_US	9907
/* Asleep for longer than a test takes */
#define NEVER_US	4000000000U
#define WINDOW_MS	200

static const char * const round_trip[] = { "rr", "bvt", "native" };

static bool spawn_all(struct rawvm *vms[], unsigned int n,
		      const struct rawvm_spec *spec)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		vms[i] = rawvm_spawn(spec);
		if (!vms[i] || !vm_listed(rawvm_pid(vms[i]), true,
					  limit_ms(2000)))
			return false;
	}
	return true;
}

/* They have woken often enough to be known, and do not any more */
static bool spawn_sleepers(struct rawvm *vms[], unsigned int n)
{
	const struct rawvm_spec spec = {
		.name = "sleeps", .kind = RAWVM_TICK, .cpus = "0",
	};
	unsigned int i;

	if (!spawn_all(vms, n, &spec))
		return false;
	for (i = 0; i < n; i++)
		rawvm_set_period(vms[i], 0, NEVER_US);
	clock_sleep_ms(200);
	return true;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Blackouts of switches, sorted */
static int blackouts(uint64_t *ns, unsigned int n)
{
	uint64_t next = clock_ns();
	struct sched_switched s;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (sched_switch(round_trip[i % ARRAY_SIZE(round_trip)], &s))
			return -1;
		ns[i] = s.blackout_ns;
		next += PERIOD_US * NSEC_PER_USEC;
		clock_sleep_until(next);
	}
	qsort(ns, n, sizeof(ns[0]), by_value);
	return sched_switch("native", NULL);
}

TEST_F_TIMEOUT(vmsched, sleepers_cost_nothing, LIMIT)
{
	struct rawvm *busy[BUSY], *asleep[SLEEPERS];
	uint64_t alone[SWITCHES], beside[SWITCHES];
	double more;

	if (!clock_is_exact())
		SKIP(return, "what a switch costs needs exact time");
	ASSERT_TRUE(spawn_all(busy, BUSY, &(struct rawvm_spec) {
			      .name = "spins", .cpus = "0", .nr_vcpus = 4 }));
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, blackouts(alone, SWITCHES));
	ASSERT_TRUE(spawn_sleepers(asleep, SLEEPERS));
	ASSERT_EQ(0, blackouts(beside, SWITCHES));
	metric("blackout_median", alone[SWITCHES / 2] / 1e3, "us");
	metric("blackout_max", alone[SWITCHES - 1] / 1e3, "us");
	metric("beside_sleepers_median", beside[SWITCHES / 2] / 1e3, "us");
	metric("beside_sleepers_max", beside[SWITCHES - 1] / 1e3, "us");
	EXPECT_LE(alone[SWITCHES / 2], MEDIAN_US * NSEC_PER_USEC);
	/* One may meet what Linux does after a tick, which takes as long as it likes */
	EXPECT_LE(alone[SWITCHES - 2], MOST_US * NSEC_PER_USEC);
	EXPECT_LE(beside[SWITCHES - 2], MOST_US * NSEC_PER_USEC);
	more = (double)beside[SWITCHES / 2] / alone[SWITCHES / 2] - 1;
	EXPECT_LE(more * 100, 20);
}

static long counted(const char *what)
{
	char text[32];

	if (module_param("vmsched_count", what, text, sizeof(text)))
		return -1;
	return atol(text);
}

static bool calls_were_right(void)
{
	char first[80] = "?";

	if (!counted("wrong"))
		return true;
	module_param("vmsched_count", "first", first, sizeof(first));
	printf("# %ld wrong calls, the first one: %s\n", counted("wrong"), first);
	return false;
}

/* Each is handed over once, and given on once, whether it sleeps or not */
TEST_F_TIMEOUT(vmsched, all_are_handed_over, LIMIT)
{
	struct rawvm *busy[BUSY], *asleep[SLEEPERS];
	struct sched_switched s;

	ASSERT_TRUE(spawn_all(busy, BUSY, &(struct rawvm_spec) {
			      .name = "spins", .cpus = "0" }));
	ASSERT_TRUE(spawn_sleepers(asleep, SLEEPERS));
	ASSERT_EQ(0, module_insert_own("vmsched_count"));
	ASSERT_EQ(0, sched_switch("count", &s));
	EXPECT_EQ(BUSY + SLEEPERS, s.vcpus);
	EXPECT_EQ(BUSY + SLEEPERS, counted("import"));
	EXPECT_EQ(0, counted("export"));
	ASSERT_EQ(0, sched_switch("bvt", &s));
	EXPECT_EQ(BUSY + SLEEPERS, s.vcpus);
	EXPECT_EQ(BUSY + SLEEPERS, counted("import"));
	EXPECT_EQ(BUSY + SLEEPERS, counted("export"));
	EXPECT_EQ(1, counted("deactivate"));
	EXPECT_EQ(BUSY + SLEEPERS, counted("vcpu_exit"));
	EXPECT_TRUE(calls_were_right());
	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_EQ(0, module_remove("vmsched_count"));
}

#define WAKERS		8
#define WAKE_US		400
#define STORM_SWITCHES	1000

/*
 * Guests wake, work for a moment and sleep, a wake each 50 us; in the 100 us that
 * a switch takes some wake and some halt.
 */
TEST_F_TIMEOUT(vmsched, wakes_meet_switches, LIMIT)
{
	static const char * const to[] = { "bvt", "count", "rr", "native",
					   "count", "bvt", "rr", "native" };
	struct rawvm *vms[WAKERS + 1];
	unsigned int i, n = clock_is_exact() ? STORM_SWITCHES : 200;
	struct watch_result seen;
	struct watch *w;
	struct genl g;

	ASSERT_TRUE(spawn_all(vms, 1, &(struct rawvm_spec) {
			      .name = "spins", .cpus = "0" }));
	for (i = 1; i <= WAKERS; i++)
		ASSERT_TRUE(spawn_all(&vms[i], 1, &(struct rawvm_spec) {
				      .name = "wakes", .kind = RAWVM_TICK,
				      .cpus = "0", .busy_us = 5,
				      .period_us = WAKE_US + 7 * i }));
	ASSERT_EQ(0, module_insert_own("vmsched_count"));
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, control_first());
	w = watch_start(vms, WAKERS + 1, clock_is_exact() ? WINDOW_MS :
			10 * WINDOW_MS);
	ASSERT_NE(NULL, w);
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, genl_switch(&g, to[i % ARRAY_SIZE(to)]));
		clock_sleep_until(clock_ns() + (i * 7919 % 3000) * NSEC_PER_USEC);
	}
	watch_stop(w, &seen);
	EXPECT_EQ(0, seen.missed);
	ASSERT_EQ(0, genl_switch(&g, "native"));
	EXPECT_TRUE(calls_were_right());
	metric("imported", counted("import"), "");
	EXPECT_EQ(counted("import"), counted("export"));
	EXPECT_EQ(counted("activate"), counted("deactivate"));
	EXPECT_EQ(counted("enqueue"), counted("dequeue") + counted("pick"));
	EXPECT_EQ(0, module_remove("vmsched_count"));
	for (i = 0; i <= WAKERS; i++)
		EXPECT_FALSE(rawvm_broken(vms[i]));
	genl_close(&g);
}

#define PAIR		2
#define WORK_MS		2000

/* Asleep during the switches, they have their weights when they wake */
TEST_F_TIMEOUT(vmsched, who_woke_has_its_weight, LIMIT)
{
	static const unsigned int weight[PAIR] = { 100, 300 };
	struct rawvm *vms[PAIR];
	uint64_t spins[PAIR];
	double share;
	int i;

	if (!clock_is_exact())
		SKIP(return, "shares need exact time");
	for (i = 0; i < PAIR; i++) {
		ASSERT_TRUE(spawn_all(&vms[i], 1, &(struct rawvm_spec) {
				      .name = "sleeps", .kind = RAWVM_TICK,
				      .cpus = "0", .period_us = 3000000,
				      .busy_us = 2500000 }));
		ASSERT_EQ(0, cli_do("vm set pid:%d weight %u", rawvm_pid(vms[i]),
				    weight[i]));
	}
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	ASSERT_TRUE(rawvm_advances(vms[1], 20000));
	/* Both work until then, and sleep now */
	clock_sleep_ms(5650);
	ASSERT_EQ(0, sched_switch("rr", NULL));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	ASSERT_TRUE(rawvm_advances(vms[0], 20000));
	ASSERT_TRUE(rawvm_advances(vms[1], 20000));
	for (i = 0; i < PAIR; i++)
		spins[i] = rawvm_spins(vms[i], 0);
	clock_sleep_ms(WORK_MS);
	for (i = 0; i < PAIR; i++)
		spins[i] = rawvm_spins(vms[i], 0) - spins[i];
	share = 100.0 * spins[0] / (spins[0] + spins[1]);
	metric("share_of_weight_100_of_400", share, "%");
	EXPECT_LE(fabs(share - 25), 3);
	ASSERT_EQ(0, sched_switch("native", NULL));
}

#define LONG_SLICE_US	80000
#define AHEAD_MS	60
#define SHORT_SLICE_US	1000

static int set_slices(struct rawvm *vms[PAIR], unsigned int us)
{
	return cli_do("vm set pid:%d slice %u", rawvm_pid(vms[0]), us) ?:
	       cli_do("vm set pid:%d slice %u", rawvm_pid(vms[1]), us);
}

/* How far the first one is ahead since @from, in ms of its own time */
static double ahead_ms(struct rawvm *vms[PAIR], const uint64_t from[PAIR])
{
	uint64_t a = rawvm_progress_all(vms[0]) - from[0];
	uint64_t b = rawvm_progress_all(vms[1]) - from[1];

	/* One instruction is a nanosecond */
	return ((double)a - b) * RAWVM_LOOP / 1e6;
}

/* Who has had too much holds the pCPU over two switches, and pays it back then */
TEST_F_TIMEOUT(vmsched, lag_of_the_holder, LIMIT)
{
	struct rawvm *vms[PAIR];
	uint64_t from[PAIR];
	double before, after;
	struct genl g;
	int i;

	if (!clock_is_exact())
		SKIP(return, "lags need exact time");
	ASSERT_TRUE(spawn_all(vms, PAIR, &(struct rawvm_spec) {
			      .name = "spins", .cpus = "0" }));
	ASSERT_EQ(0, set_slices(vms, LONG_SLICE_US));
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, genl_switch(&g, "bvt"));
	for (i = 0; i < PAIR; i++)
		from[i] = rawvm_progress_all(vms[i]);
	clock_sleep_ms(AHEAD_MS);
	before = ahead_ms(vms, from);
	ASSERT_EQ(0, genl_switch(&g, "rr"));
	ASSERT_EQ(0, genl_switch(&g, "bvt"));
	ASSERT_EQ(0, set_slices(vms, SHORT_SLICE_US));
	clock_sleep_ms(400);
	after = ahead_ms(vms, from);
	metric("ahead_before", before, "ms");
	metric("ahead_after", after, "ms");
	EXPECT_GE(fabs(before), AHEAD_MS / 2);
	EXPECT_LE(fabs(after), 5);
	ASSERT_EQ(0, genl_switch(&g, "native"));
	genl_close(&g);
}

TEST_HARNESS_MAIN
