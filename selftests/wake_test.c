// SPDX-License-Identifier: GPL-2.0
/*
 * Delay from a guest's timer to its first instruction, beside three guests
 * that spin on the same pCPU: bvt with warp against native, in one run.
 *
 * Native lets a thread that slept go first, unless the running one is within
 * its slice; then it waits for the next tick. A guest that does nothing at a
 * wake therefore waits in a part of its wakes only, which the 99th percentile
 * shows. One that works 1 ms at each wake uses a tenth of the pCPU, less than
 * half of its share, and waits in most of them: the median shows it. The
 * period is no multiple of the tick, so that every phase between the two is
 * met.
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
#define WORK_US		1000

FIXTURE_VARIANT(vmsched) {
	unsigned int busy_us;
};

FIXTURE_VARIANT_ADD(vmsched, sleeper) {
	.busy_us = 0,
};

FIXTURE_VARIANT_ADD(vmsched, worker) {
	.busy_us = WORK_US,
};

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
static bool start_guests(struct rawvm **tick, struct rawvm *spin[],
			 unsigned int busy_us)
{
	struct rawvm_spec spec = { .name = "spin", .cpus = "0",
				   .period_us = PERIOD_US,
				   .busy_us = busy_us };
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

	ASSERT_TRUE(start_guests(&tick, spin, variant->busy_us));
	ASSERT_EQ(0, measure(tick, spin, "native", &native));
	ASSERT_EQ(0, cli_do("vm set pid:%d warp %u warp-limit %u unwarp %u",
			    rawvm_pid(tick), WARP_US, WARP_LIMIT_US, UNWARP_US));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	ASSERT_EQ(0, measure(tick, spin, "bvt", &bvt));

	metric("p50_native_over_bvt", (double)native.delay.p50_ns /
	       (bvt.delay.p50_ns ?: 1), "times");
	metric("p99_native_over_bvt", (double)native.delay.p99_ns /
	       (bvt.delay.p99_ns ?: 1), "times");
	if (variant->busy_us)
		EXPECT_LE(bvt.delay.p50_ns * FACTOR, native.delay.p50_ns);
	EXPECT_LE(bvt.delay.p99_ns * FACTOR, native.delay.p99_ns);
	/* Few wakes would mean that delays were lost, not small */
	EXPECT_GE(bvt.delay.n * 1000 / MEASURE_MS, 90);
	EXPECT_GE(bvt.spun * 10, native.spun * 8);
	EXPECT_FALSE(rawvm_broken(tick));
}

TEST_HARNESS_MAIN
