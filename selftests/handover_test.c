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
#include "lib/file.h"
#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/watch.h"

#define LIMIT		300
#define BUSY		4
#define SLEEPERS	32
#define SWITCHES	600
/* What is promised of 16 busy vCPUs */
#define MEDIAN_US	5
#define MOST_US		20
/* Of a swap: until it is called off, and what the slower way may take */
#define CALLED_OFF_US	50
#define SLOWER_US	1000
#define FAIL_STEP	"/sys/module/vmsched/parameters/fail_step"
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

static void take_blackout(const struct nlmsghdr *msg, void *ns)
{
	*(uint64_t *)ns = genl_u64(genl_attr(msg, VMSCHED_A_SWITCH_BLACKOUT_NS));
}

static int ask_for(struct genl *g, const char *to, uint64_t *ns)
{
	struct genl_ack ack;
	struct genl_msg m;

	*ns = 0;
	genl_begin(g, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
	genl_put_text(&m, VMSCHED_A_SWITCH_TO, to);
	return genl_call(g, &m, &ack, take_blackout, ns) ?: ack.error;
}

/*
 * Blackouts of switches, sorted. No program is started for each: what one leaves
 * behind when it ends, ksoftirqd frees some ticks later, 80 us long, whether there is
 * a switch at that moment or not.
 */
static int blackouts(uint64_t *ns, unsigned int n)
{
	uint64_t next = clock_ns(), last;
	struct genl g;
	unsigned int i;
	int err = genl_open(&g);

	for (i = 0; !err && i < n; i++) {
		err = ask_for(&g, round_trip[i % ARRAY_SIZE(round_trip)], &ns[i]);
		next += PERIOD_US * NSEC_PER_USEC;
		clock_sleep_until(next);
	}
	qsort(ns, n, sizeof(ns[0]), by_value);
	err = err ?: ask_for(&g, "native", &last);
	genl_close(&g);
	return err;
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
	/* None was told without one */
	EXPECT_GT(alone[0], 0);
	EXPECT_GT(beside[0], 0);
	EXPECT_LE(alone[SWITCHES / 2], MEDIAN_US * NSEC_PER_USEC);
	EXPECT_LE(alone[SWITCHES - 1], MOST_US * NSEC_PER_USEC);
	EXPECT_LE(beside[SWITCHES - 1], MOST_US * NSEC_PER_USEC);
	more = (double)beside[SWITCHES / 2] / alone[SWITCHES / 2] - 1;
	EXPECT_LE(more * 100, 20);
}

/*
 * The interrupt has stopped the vCPU, and is called off 50 us later. The thread that
 * switches makes the change then, and all that time is counted.
 */
TEST_F_TIMEOUT(vmsched, called_off_is_counted, LIMIT)
{
	struct rawvm *busy[BUSY];
	uint64_t ns, most = 0;
	struct genl g;
	unsigned int i;

	if (!clock_is_exact())
		SKIP(return, "what a switch costs needs exact time");
	ASSERT_TRUE(spawn_all(busy, BUSY, &(struct rawvm_spec) {
			      .name = "spins", .cpus = "0" }));
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, control_first());
	for (i = 0; i < 2 * ARRAY_SIZE(round_trip); i++) {
		ASSERT_EQ(0, file_write(FAIL_STEP, "swap"));
		ASSERT_EQ(0, ask_for(&g, round_trip[i % ARRAY_SIZE(round_trip)], &ns));
		EXPECT_LE(CALLED_OFF_US * NSEC_PER_USEC, ns);
		most = ns > most ? ns : most;
		clock_sleep_ms(WINDOW_MS);
	}
	metric("called_off_max", most / 1e3, "us");
	EXPECT_GE(SLOWER_US * NSEC_PER_USEC, most);
	for (i = 0; i < BUSY; i++)
		EXPECT_TRUE(rawvm_advances(busy[i], limit_ms(1000)));
	genl_close(&g);
}

#define FIRSTS		3
/* Longer than KVM stays hooked without need */
#define UNHOOKED_MS	3000

/*
 * To hook KVM takes the first switch long. It does that in the time of who asks for it,
 * which the guests share.
 */
TEST_F_TIMEOUT(vmsched, first_switch_leaves_guests_their_time, LIMIT)
{
	struct rawvm *vm;
	uint64_t work, ns;
	double share;
	struct genl g;
	int i;

	if (!clock_is_exact())
		SKIP(return, "shares need exact time");
	ASSERT_TRUE(spawn_all(&vm, 1, &(struct rawvm_spec) {
			      .name = "spins", .cpus = "0" }));
	ASSERT_EQ(0, genl_open(&g));
	for (i = 0; i < FIRSTS; i++) {
		clock_sleep_ms(UNHOOKED_MS);
		work = rawvm_progress_all(vm);
		ns = clock_ns();
		ASSERT_EQ(0, genl_switch(&g, "rr"));
		ns = clock_ns() - ns;
		/* One instruction is a nanosecond */
		work = (rawvm_progress_all(vm) - work) * RAWVM_LOOP;
		share = 100.0 * work / ns;
		metric("first_switch", ns / 1e6, "ms");
		metric("share_of_guest", share, "%");
		EXPECT_GE(share, 30);
		ASSERT_EQ(0, genl_switch(&g, "native"));
	}
	genl_close(&g);
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
