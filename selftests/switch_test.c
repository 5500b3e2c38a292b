// SPDX-License-Identifier: GPL-2.0
/*
 * Change the scheduler again and again while guests of all kinds run: every
 * guest goes on, nothing is printed, nothing is left behind.
 */
#include "lib/cpus.h"
#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/watch.h"

#define SWITCHES		500
/* Each way 25 or ten times, where a command takes half a second or one */
#define SMP_SWITCHES		150
#define DEBUG_SWITCHES		60
#define INTERVAL_MS		20
#define WINDOW_MS		200
/* Without exact time, ten times as long */
#define SLOW_WINDOW_MS		2000
#define WARM_UP_PART		5
/* Noise of slab and per-CPU lists, far below one object a switch */
#define GROWTH_LIMIT_KIB	400
/* The probe on guest entries goes a second after the last switch to native */
#define UNWATCH_MS		1500
#define PROBE_MIN_TICKS		5.0

/* All six ways from one of three schedulers to another */
static const char * const round_trip[] = {
	"rr", "bvt", "native", "bvt", "rr", "native",
};

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print_figures(const char *name, uint64_t *ns, unsigned int n)
{
	char label[64];

	qsort(ns, n, sizeof(*ns), compare_u64);
	snprintf(label, sizeof(label), "%s_median", name);
	metric(label, ns[n / 2] / 1e3, "us");
	snprintf(label, sizeof(label), "%s_max", name);
	metric(label, ns[n - 1] / 1e3, "us");
}

static long kernel_memory_kib(void)
{
	return meminfo_kib("SUnreclaim") + meminfo_kib("Percpu");
}

struct switches {
	uint64_t cease[SWITCHES];
	uint64_t blackout[SWITCHES];
	uint64_t took[SWITCHES];
	long kib_warm;
	long kib_end;
};

/* @n switches, one each INTERVAL_MS or as soon as the one before is done */
static int do_switches(struct switches *s, unsigned int n)
{
	uint64_t next = clock_ns();
	struct sched_switched got;
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		uint64_t start;

		if (i == n / WARM_UP_PART)
			s->kib_warm = kernel_memory_kib();
		clock_sleep_until(next);
		start = clock_ns();
		next = start + INTERVAL_MS * NSEC_PER_MSEC;
		ret = sched_switch(round_trip[i % ARRAY_SIZE(round_trip)], &got);
		if (ret) {
			printf("# switch %u of %u failed\n", i + 1, n);
			return ret;
		}
		s->took[i] = clock_ns() - start;
		s->cease[i] = got.cease_ns;
		s->blackout[i] = got.blackout_ns;
	}
	s->kib_end = kernel_memory_kib();
	return 0;
}

static int spawn_load(struct rawvm *vms[])
{
	static const struct rawvm_spec specs[] = {
		{ .name = "spin", .kind = RAWVM_SPIN },
		{ .name = "spin2", .kind = RAWVM_SPIN, .nr_vcpus = 2 },
		{ .name = "tick", .kind = RAWVM_TICK },
		{ .name = "io", .kind = RAWVM_IO },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(specs); i++) {
		vms[i] = rawvm_spawn(&specs[i]);
		if (!vms[i])
			return -1;
	}
	return ARRAY_SIZE(specs);
}

TEST_F_TIMEOUT(vmsched, switch_under_load, 600)
{
	struct watch_result seen;
	struct rawvm *vms[8];
	struct switches *s;
	struct watch *watch;
	unsigned int window_ms, switches;
	uint64_t start;
	int n, ret;

	switches = clock_is_exact() ? SWITCHES :
		   kernel_is_debug() ? DEBUG_SWITCHES : SMP_SWITCHES;
	s = calloc(1, sizeof(*s));
	ASSERT_NE(NULL, s);
	n = spawn_load(vms);
	ASSERT_GT(n, 0);
	window_ms = clock_is_exact() ? WINDOW_MS : SLOW_WINDOW_MS;
	watch = watch_start(vms, n, window_ms);
	ASSERT_NE(NULL, watch);
	ASSERT_EQ(0, control_first());
	start = clock_ns();
	ret = do_switches(s, switches);
	metric("switches_per_s", switches * 1e9 / (clock_ns() - start), "1/s");
	watch_stop(watch, &seen);
	ASSERT_EQ(0, ret);

	print_figures("blackout", s->blackout, switches);
	print_figures("cease", s->cease, switches);
	print_figures("command", s->took, switches);
	metric("window", window_ms, "ms");
	metric("windows_missed", seen.missed, "");
	metric("kernel_memory_growth", s->kib_end - s->kib_warm, "KiB");
	EXPECT_GT(seen.samples, switches * INTERVAL_MS / window_ms);
	EXPECT_EQ(0, seen.missed);
	EXPECT_GT(s->kib_warm, 0);
	/* Checkers keep freed memory for a while; there kmemleak is the judge */
	if (!kernel_is_debug())
		EXPECT_LE(s->kib_end - s->kib_warm, GROWTH_LIMIT_KIB);
	free(s);
}

/* Guests that start and end while the scheduler changes */
TEST_F_TIMEOUT(vmsched, guests_come_and_go, 300)
{
	struct rawvm_spec spec = { .name = "short", .nr_vcpus = 2 };
	struct rawvm *stays = rawvm_spawn(&spec);
	struct rawvm *vm;
	unsigned int i;

	ASSERT_NE(NULL, stays);
	for (i = 0; i < 4 * ARRAY_SIZE(round_trip); i++) {
		spec.kind = i % RAWVM_MIXED;
		vm = rawvm_spawn(&spec);
		ASSERT_NE(NULL, vm);
		ASSERT_EQ(0, sched_switch(round_trip[i % ARRAY_SIZE(round_trip)],
					  NULL));
		EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
		EXPECT_EQ(0, i % 2 ? rawvm_kill(vm) : rawvm_stop(vm));
	}
	EXPECT_TRUE(rawvm_advances(stays, HANG_LIMIT_MS));
}

#define SPINNERS		4
#define LONG_SLICE_US		100000
#define SLICE_US		40000
#define SHORT_INTERVAL_MS	5
/* Of all others, and a quarter for what the sampler and Linux take */
#define TWO_ROUNDS_MS		(2 * (SPINNERS - 1) * SLICE_US / 1000 * 5 / 4)

/* On rr, with slices of that length */
static bool start_spinners(struct rawvm *vms[], unsigned int slice_us)
{
	unsigned int i;

	for (i = 0; i < SPINNERS; i++) {
		vms[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = "spin", .kind = RAWVM_SPIN });
		if (!vms[i])
			return false;
	}
	if (sched_switch("rr", NULL))
		return false;
	for (i = 0; i < SPINNERS; i++)
		if (cli_do("vm set pid:%d slice %u", rawvm_pid(vms[i]), slice_us))
			return false;
	return true;
}

static int sum_of_grants(struct rawvm *vms[], uint64_t *sum)
{
	uint64_t grants;
	unsigned int i;
	int err;

	*sum = 0;
	for (i = 0; i < SPINNERS; i++) {
		err = vm_u64(rawvm_pid(vms[i]), "switches", &grants);
		if (err)
			return err;
		*sum += grants;
	}
	return 0;
}

/*
 * No slice ends between two switches, and neither scheduler knows what a vCPU is
 * owed: who has not run for the longest time has to be the first. Each second
 * switch comes before anybody could run.
 */
TEST_F_TIMEOUT(vmsched, frequent_switches_starve_nobody, 300)
{
	struct watch_result seen;
	struct rawvm *vms[SPINNERS];
	struct watch *watch;
	unsigned int i;
	struct genl g;

	if (!clock_is_exact())
		SKIP(return, "what runs between two switches needs exact time");
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, module_insert_own("vmsched_count"));
	ASSERT_EQ(0, module_set_param("vmsched_count", "slice_us",
				      LONG_SLICE_US));
	ASSERT_TRUE(start_spinners(vms, LONG_SLICE_US));
	ASSERT_EQ(0, control_first());
	watch = watch_start(vms, SPINNERS, WINDOW_MS);
	ASSERT_NE(NULL, watch);
	for (i = 0; i < SWITCHES / 5; i++) {
		clock_sleep_ms(INTERVAL_MS);
		ASSERT_EQ(0, genl_switch(&g, "count"));
		ASSERT_EQ(0, genl_switch(&g, "rr"));
	}
	watch_stop(watch, &seen);
	EXPECT_EQ(0, seen.missed);
	ASSERT_EQ(0, genl_switch(&g, "native"));
	genl_close(&g);
	EXPECT_EQ(0, module_remove("vmsched_count"));
}

/* Ticks of an exit that KVM handles, as a guest counts them that starts now */
static double exit_ticks(void)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "cpuid", .kind = RAWVM_CPUID });
	double ticks;

	if (!vm)
		return 0;
	clock_sleep_ms(500);
	ticks = rawvm_exit_ticks(vm, 0);
	rawvm_stop(vm);
	return ticks;
}

static bool is_bound(pid_t tid)
{
	uint64_t end = clock_ns() + limit_ms(1000) * NSEC_PER_MSEC;
	cpu_set_t set;

	do {
		if (!sched_getaffinity(tid, sizeof(set), &set) &&
		    CPU_COUNT(&set) == 1)
			return true;
		clock_sleep_ms(10);
	} while (clock_ns() < end);
	return false;
}

/* Nobody is granted a pCPU again here: each has one, without a limit */
TEST_F_TIMEOUT(vmsched, who_keeps_its_pcpu_is_bound, 120)
{
	unsigned int i, n = cpus_online();
	struct rawvm *vm;

	if (n < 2)
		SKIP(return, "needs 2 CPUs, has %u", n);
	vm = rawvm_spawn(&(struct rawvm_spec) { .name = "spin", .nr_vcpus = n });
	ASSERT_NE(NULL, vm);
	ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, limit_ms(1000)));
	clock_sleep_ms(200);
	ASSERT_EQ(0, sched_switch("rr", NULL));
	for (i = 0; i < n; i++)
		EXPECT_TRUE(is_bound(rawvm_tid(vm, i)));
	ASSERT_EQ(0, sched_switch("native", NULL));
	for (i = 0; i < n; i++)
		EXPECT_FALSE(is_bound(rawvm_tid(vm, i)));
}

/*
 * Who has a pCPU keeps it over a switch, but not for longer than its slice: with
 * many switches in a slice there are as many grants as without, and nobody
 * waits for longer than two slices of each other: bvt goes by virtual time, so
 * who came first in one round may come last in the next.
 */
TEST_F_TIMEOUT(vmsched, slices_outlive_switches, 300)
{
	const unsigned int n = 2000 / SHORT_INTERVAL_MS;
	uint64_t before = 0, grants = 0;
	struct rawvm *vms[SPINNERS];
	struct watch_result seen;
	struct watch *watch;
	unsigned int i;
	struct genl g;

	if (!clock_is_exact())
		SKIP(return, "what runs between two switches needs exact time");
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_TRUE(start_spinners(vms, SLICE_US));
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, sum_of_grants(vms, &before));
	watch = watch_start(vms, SPINNERS, TWO_ROUNDS_MS);
	ASSERT_NE(NULL, watch);
	for (i = 0; i < n; i++) {
		clock_sleep_ms(SHORT_INTERVAL_MS);
		ASSERT_EQ(0, genl_switch(&g, i % 2 ? "rr" : "bvt"));
	}
	watch_stop(watch, &seen);
	ASSERT_EQ(0, sum_of_grants(vms, &grants));
	metric("grants", grants - before, "");
	EXPECT_EQ(0, seen.missed);
	EXPECT_LT(grants - before, n / 2);
	EXPECT_GE(grants - before, 2000 / (SLICE_US / 1000) - SPINNERS);
	ASSERT_EQ(0, genl_switch(&g, "native"));
	genl_close(&g);
}

/* Exits cost what they cost before, once all pools are native again */
TEST_F_TIMEOUT(vmsched, native_costs_nothing, 600)
{
	double before, managed, after;

	if (!clock_is_exact())
		SKIP(return, "the cost of an exit needs exact time");
	/* The last switch may have been a moment ago */
	clock_sleep_ms(UNWATCH_MS);
	before = exit_ticks();
	ASSERT_EQ(0, sched_switch("rr", NULL));
	managed = exit_ticks();
	ASSERT_EQ(0, sched_switch("native", NULL));
	clock_sleep_ms(UNWATCH_MS);
	after = exit_ticks();
	metric("exit_before", before, "ticks");
	metric("exit_managed", managed, "ticks");
	metric("exit_after", after, "ticks");
	ASSERT_GT(before, 0);
	/* It is seen by this measure where it is there */
	EXPECT_GT(managed, before + PROBE_MIN_TICKS);
	EXPECT_LT(after, before + PROBE_MIN_TICKS / 2);
}

/* Last: all objects are gone with the module */
TEST_F_TIMEOUT(vmsched, nothing_is_left, 120)
{
	struct rawvm *vms[8];

	ASSERT_GT(spawn_load(vms), 0);
	ASSERT_EQ(0, sched_switch("rr", NULL));
	clock_sleep_ms(200);
	ASSERT_EQ(0, sched_switch("native", NULL));
	rawvm_kill_all();
	metric("slab_objects_loaded", slab_vmsched_objects(), "");
	ASSERT_EQ(0, vmsched_remove_all());
	EXPECT_FALSE(module_loaded("vmsched"));
	EXPECT_FALSE(module_loaded("vmsched_rr"));
	EXPECT_FALSE(module_loaded("vmsched_bvt"));
	EXPECT_EQ(-1, slab_vmsched_objects());
}

TEST_HARNESS_MAIN
