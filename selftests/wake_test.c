// SPDX-License-Identifier: GPL-2.0
/*
 * Delay from a guest's timer to its first instruction, beside three guests
 * that spin on the same pCPU: bvt with warp against native, in one run.
 *
 * Native keeps a woken thread waiting while the running one is within its
 * base slice, at most until the next tick. Linux makes that slice longer with
 * the number of CPUs: 0.7 ms for one, 2.8 ms for eight and more. So the same
 * is measured with the slice of this machine and with that of a larger one,
 * which is what VM hosts are. The wake's period is no multiple of the tick:
 * every phase between the two is met.
 */
#include "lib/fixture.h"

#define SPINNERS	3
#define PERIOD_US	9900
#define MEASURE_MS	4000
#define SETTLE_MS	300
#define WARP_US		50000
#define WARP_LIMIT_US	5000
#define UNWARP_US	1000
#define FACTOR		10
/* kernel/sched/fair.c: 0.7 ms * (1 + ilog2(min(CPUs, 8))) */
#define HOST_SLICE_NS	2800000
#define SLICE_FILE	"/sys/kernel/debug/sched/base_slice_ns"

FIXTURE_VARIANT(vmsched) {
	unsigned int base_slice_ns;	/* 0: leave it */
	bool by_median;
};

FIXTURE_VARIANT_ADD(vmsched, slice_of_this_machine) {
	.base_slice_ns = 0,
	.by_median = false,
};

FIXTURE_VARIANT_ADD(vmsched, slice_of_a_host) {
	.base_slice_ns = HOST_SLICE_NS,
	.by_median = true,
};

static unsigned int read_slice(void)
{
	FILE *f = fopen(SLICE_FILE, "re");
	unsigned int ns = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%u", &ns) != 1)
		ns = 0;
	fclose(f);
	return ns;
}

static bool write_slice(unsigned int ns)
{
	FILE *f = fopen(SLICE_FILE, "we");

	if (!f)
		return false;
	fprintf(f, "%u", ns);
	return !fclose(f) && read_slice() == ns;
}

struct figures {
	struct rawvm_delay delay;
	uint64_t spun;
};

static uint64_t spun(struct rawvm *spin[])
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < SPINNERS; i++)
		sum += rawvm_progress_all(spin[i]);
	return sum;
}

static void print_figure(const char *name, const char *what, double value,
			 const char *unit)
{
	char label[64];

	snprintf(label, sizeof(label), "%s_%s", name, what);
	metric(label, value, unit);
}

static int measure(struct rawvm *tick, struct rawvm *spin[], const char *name,
		   struct figures *f)
{
	uint64_t mark;
	int ret;

	clock_sleep_ms(SETTLE_MS);
	mark = rawvm_delay_mark(tick, 0);
	f->spun = spun(spin);
	clock_sleep_ms(MEASURE_MS);
	ret = rawvm_delays(tick, 0, mark, &f->delay);
	f->spun = spun(spin) - f->spun;

	print_figure(name, "wakes", f->delay.n * 1000.0 / MEASURE_MS, "1/s");
	print_figure(name, "wake_delay_p50", f->delay.p50_ns / 1e3, "us");
	print_figure(name, "wake_delay_p99", f->delay.p99_ns / 1e3, "us");
	print_figure(name, "wake_delay_max", f->delay.max_ns / 1e3, "us");
	print_figure(name, "spinners_progress", f->spun * 1000.0 / MEASURE_MS,
		     "loops/s");
	return ret;
}

/* Start the four guests on CPU 0; false on failure */
static bool start_guests(struct rawvm **tick, struct rawvm *spin[])
{
	struct rawvm_spec spec = { .name = "spin", .cpus = "0",
				   .period_us = PERIOD_US };
	int i;

	for (i = 0; i < SPINNERS; i++) {
		spin[i] = rawvm_spawn(&spec);
		if (!spin[i])
			return false;
	}
	spec.name = "tick";
	spec.kind = RAWVM_TICK;
	*tick = rawvm_spawn(&spec);
	return *tick;
}

TEST_F_TIMEOUT(vmsched, warp_beats_native, 300)
{
	struct figures native, bvt;
	struct rawvm *spin[SPINNERS];
	struct rawvm *tick;
	unsigned int slice = read_slice();

	if (variant->base_slice_ns && !write_slice(variant->base_slice_ns))
		SKIP(return, "cannot write " SLICE_FILE);
	metric("native_base_slice", read_slice() / 1e3, "us");
	ASSERT_TRUE(start_guests(&tick, spin));
	ASSERT_EQ(0, measure(tick, spin, "native", &native));
	ASSERT_EQ(0, cli_do("vm set pid:%d warp %u warp-limit %u unwarp %u",
			    rawvm_pid(tick), WARP_US, WARP_LIMIT_US, UNWARP_US));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	ASSERT_EQ(0, measure(tick, spin, "bvt", &bvt));
	if (variant->base_slice_ns)
		EXPECT_TRUE(write_slice(slice));

	metric("p50_native_over_bvt", (double)native.delay.p50_ns /
	       (bvt.delay.p50_ns ?: 1), "times");
	metric("p99_native_over_bvt", (double)native.delay.p99_ns /
	       (bvt.delay.p99_ns ?: 1), "times");
	if (variant->by_median)
		EXPECT_LE(bvt.delay.p50_ns * FACTOR, native.delay.p50_ns);
	EXPECT_LE(bvt.delay.p99_ns * FACTOR, native.delay.p99_ns);
	/* Few wakes would mean that delays were lost, not small */
	EXPECT_GE(bvt.delay.n * 1000 / MEASURE_MS, 90);
	EXPECT_GE(bvt.spun * 10, native.spun * 8);
	EXPECT_FALSE(rawvm_broken(tick));
}

TEST_HARNESS_MAIN
