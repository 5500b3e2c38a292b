// SPDX-License-Identifier: GPL-2.0
/*
 * Delay from a guest's timer to its first instruction, beside three guests
 * that spin on the same pCPU: bvt with warp against native, in one run.
 */
#include "lib/fixture.h"

#define SPINNERS	3
#define MEASURE_MS	4000
#define SETTLE_MS	300
#define WARP_US		50000
#define WARP_LIMIT_US	5000
#define UNWARP_US	1000
#define FACTOR		10

struct figures {
	struct rawvm_delay delay;
	uint64_t spun;
};

static int measure(struct rawvm *tick, struct rawvm *spin[], const char *name,
		   struct figures *f)
{
	uint64_t mark, before = 0, after = 0;
	char label[64];
	int i, ret;

	clock_sleep_ms(SETTLE_MS);
	mark = rawvm_delay_mark(tick, 0);
	for (i = 0; i < SPINNERS; i++)
		before += rawvm_progress_all(spin[i]);
	clock_sleep_ms(MEASURE_MS);
	ret = rawvm_delays(tick, 0, mark, &f->delay);
	for (i = 0; i < SPINNERS; i++)
		after += rawvm_progress_all(spin[i]);
	f->spun = after - before;

	snprintf(label, sizeof(label), "%s_wakes", name);
	metric(label, f->delay.n * 1000.0 / MEASURE_MS, "1/s");
	snprintf(label, sizeof(label), "%s_wake_delay_p50", name);
	metric(label, f->delay.p50_ns / 1e3, "us");
	snprintf(label, sizeof(label), "%s_wake_delay_p99", name);
	metric(label, f->delay.p99_ns / 1e3, "us");
	snprintf(label, sizeof(label), "%s_wake_delay_max", name);
	metric(label, f->delay.max_ns / 1e3, "us");
	snprintf(label, sizeof(label), "%s_spinners_progress", name);
	metric(label, f->spun * 1000.0 / MEASURE_MS, "loops/s");
	return ret;
}

TEST_F_TIMEOUT(vmsched, warp_beats_native, 300)
{
	struct rawvm_spec spec = { .name = "spin", .cpus = "0" };
	struct figures native, bvt;
	struct rawvm *spin[SPINNERS];
	struct rawvm *tick;
	int i;

	for (i = 0; i < SPINNERS; i++) {
		spin[i] = rawvm_spawn(&spec);
		ASSERT_NE(NULL, spin[i]);
	}
	spec.name = "tick";
	spec.kind = RAWVM_TICK;
	tick = rawvm_spawn(&spec);
	ASSERT_NE(NULL, tick);

	ASSERT_EQ(0, measure(tick, spin, "native", &native));
	ASSERT_EQ(0, cli_do("vm set pid:%d warp %u warp-limit %u unwarp %u",
			    rawvm_pid(tick), WARP_US, WARP_LIMIT_US, UNWARP_US));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	ASSERT_EQ(0, measure(tick, spin, "bvt", &bvt));

	metric("median_native_over_bvt", (double)native.delay.p50_ns /
	       (bvt.delay.p50_ns ?: 1), "times");
	EXPECT_LE(bvt.delay.p50_ns * FACTOR, native.delay.p50_ns);
	/* Few wakes would mean that delays were lost, not small */
	EXPECT_GE(bvt.delay.n * 1000 / MEASURE_MS, 90);
	EXPECT_GE(bvt.spun * 10, native.spun * 8);
	EXPECT_FALSE(rawvm_broken(tick));
}

TEST_HARNESS_MAIN
