// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that works 3 ms each 10 ms beside three that spin: how long after its
 * timer the work is done. It is more than its equal share of the pCPU, a quarter.
 *
 * Linux's real-time classes give it what it asks for, whoever it takes it from;
 * others need to be told that it is worth more: by nice, or by weight. With
 * equal weights it cannot be done within the period in the long run, unless
 * those that spin lose their share. A reservation is a promise: kept in each of
 * 10,000 periods, or it is none.
 */
#include <sched.h>
#include <string.h>

#include "bench.h"
#include "lib/clock.h"
#include "lib/rawvm.h"

#define SPINNERS	3
#define PERIOD_US	10000
#define WORK_US		3000
#define SETTLE_MS	300
#define MEASURE_MS	5000
#define EDF		"vmsched-edf-35%"
/* The guest keeps a record of the last 1023 */
#define AT_A_TIME	1000
#define PERIODS		(10 * AT_A_TIME)

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE	6
#endif

/* Nice -4 weighs 2501 to 1024: 45 % of the pCPU; weight 250 the same */
static const struct way ways[] = {
	{ .name = "eevdf", .policy = SCHED_OTHER },
	{ .name = "nice-4", .policy = SCHED_OTHER, .nice = -4 },
	{ .name = "nice-20", .policy = SCHED_OTHER, .nice = -20 },
	{ .name = "fifo", .policy = SCHED_FIFO, .priority = 1 },
	{ .name = "deadline-35%", .policy = SCHED_DEADLINE, .runtime = 3500000 },
	{ .name = EDF, .scheduler = "edf", .params = "period 10000 budget 3500" },
	{ .name = "vmsched-bvt", .scheduler = "bvt",
	  .params = "warp 50000 warp-limit 4000 unwarp 1000" },
	{ .name = "vmsched-bvt-weight-250", .scheduler = "bvt",
	  .params = "weight 250 warp 50000 warp-limit 4000 unwarp 1000" },
};

static void measure(const struct way *way, struct rawvm *vm,
		    struct rawvm *spin[], double *eevdf)
{
	struct rawvm_delay delay;
	uint64_t mark;
	double work;

	clock_sleep_ms(SETTLE_MS);
	mark = rawvm_delay_mark(vm, 0);
	work = spinners_work(spin, SPINNERS);
	clock_sleep_ms(MEASURE_MS);
	work = spinners_work(spin, SPINNERS) - work;
	if (rawvm_responses(vm, 0, mark, &delay))
		die("no work was done");
	figure("heavy", way->name, "p50", delay.p50_ns / 1e6, "ms");
	figure("heavy", way->name, "p99", delay.p99_ns / 1e6, "ms");
	figure("heavy", way->name, "max", delay.max_ns / 1e6, "ms");
	/* One that comes too late leaves the next ones out */
	figure("heavy", way->name, "done",
	       delay.n * (double)PERIOD_US / (MEASURE_MS * 1000), "of-periods");
	if (!*eevdf)
		*eevdf = work;
	figure("heavy", way->name, "spinners-work", work / *eevdf, "of-eevdf");
}

/* Periods in which the work was not done before the next one began */
static void count_missed(const struct way *way, struct rawvm *vm)
{
	struct rawvm_delay delay;
	uint64_t mark;
	int missed = 0;
	double max = 0;
	unsigned int i;

	for (i = 0; i < PERIODS / AT_A_TIME; i++) {
		mark = rawvm_delay_mark(vm, 0);
		clock_sleep_ms(AT_A_TIME * (PERIOD_US / 1000));
		if (rawvm_responses(vm, 0, mark, &delay))
			die("no work was done");
		/* One is under way at each end */
		missed += delay.n + 1 < AT_A_TIME ? AT_A_TIME - delay.n : 0;
		missed += delay.max_ns > PERIOD_US * 1000ULL;
		max = max > delay.max_ns ? max : delay.max_ns;
	}
	figure("heavy", way->name, "max-of-10000", max / 1e6, "ms");
	figure("heavy", way->name, "missed", missed, "of-10000-periods");
}

void bench_heavy(void)
{
	struct rawvm_spec heavy = {
		.name = "heavy", .kind = RAWVM_TICK, .period_us = PERIOD_US,
		.loops = WORK_US * 1000ULL / RAWVM_LOOP,
	};
	struct rawvm *spin[MAX_SPINNERS];
	double eevdf = 0;
	unsigned int i;

	spinners_start(spin, SPINNERS);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct rawvm *vm = rawvm_spawn(&heavy);

		if (!vm)
			die("no guest");
		way_begin(&ways[i]);
		way_favour(&ways[i], vm);
		measure(&ways[i], vm, spin, &eevdf);
		if (!strcmp(ways[i].name, EDF))
			count_missed(&ways[i], vm);
		if (rawvm_broken(vm))
			die("the heavy guest failed");
		rawvm_kill(vm);
		way_end(&ways[i]);
	}
	spinners_end(spin, SPINNERS);
}
