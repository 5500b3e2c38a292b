// SPDX-License-Identifier: GPL-2.0
/*
 * From the timer of a light guest to its first instruction, beside 1, 3 and 7
 * guests that spin on the same pCPU; and what it costs those.
 *
 * The light guest works 0.2 ms each 9.9 ms, and bvt lets it run ahead for 0.5 ms.
 * Peers are what Linux has for it: nothing (EEVDF), a short slice, nice, real-time
 * and deadline scheduling of its thread. Then it turns rogue: it goes on to work
 * at its next wake and never sleeps again. What is left for the others says what
 * the low delay was bought with.
 */
#include <sched.h>
#include <stdio.h>

#include "bench.h"
#include "lib/clock.h"
#include "lib/rawvm.h"

#define PERIOD_US	9900
#define WORK_US		200
#define SETTLE_MS	300
#define MEASURE_MS	4000
#define TURN_MS		100
#define LATER_MS	400
#define LOOK_US		250
#define TURNS		8

#define STRING_OF(x)	#x
#define STRING(x)	STRING_OF(x)

#define LOOPS(us)	((us) * 1000ULL / RAWVM_LOOP)
#define FOR_EVER	UINT64_MAX

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE	6
#endif

static const struct way ways[] = {
	{ .name = "eevdf", .policy = SCHED_OTHER },
	{ .name = "slice-0.1ms", .policy = SCHED_OTHER, .runtime = 100000 },
	{ .name = "nice-20", .policy = SCHED_OTHER, .nice = -20 },
	{ .name = "fifo", .policy = SCHED_FIFO, .priority = 1 },
	{ .name = "deadline-25%", .policy = SCHED_DEADLINE, .runtime = 2500000 },
	{ .name = "vmsched-bvt", .scheduler = "bvt",
	  .params = "warp 50000 warp-limit 500 unwarp 1000" },
};

static void measure_wakes(const char *bench, const struct way *way,
			  struct rawvm *light, struct rawvm *spin[], int n,
			  double *eevdf)
{
	struct rawvm_delay delay;
	uint64_t mark, work;

	clock_sleep_ms(SETTLE_MS);
	mark = rawvm_delay_mark(light, 0);
	work = spinners_work(spin, n);
	clock_sleep_ms(MEASURE_MS);
	work = spinners_work(spin, n) - work;
	if (rawvm_delays(light, 0, mark, &delay))
		die("no wakes");
	figure(bench, way->name, "p50", delay.p50_ns / 1e3, "us");
	figure(bench, way->name, "p99", delay.p99_ns / 1e3, "us");
	figure(bench, way->name, "max", delay.max_ns / 1e3, "us");
	if (!*eevdf)
		*eevdf = work;
	figure(bench, way->name, "spinners-work", work / *eevdf, "of-eevdf");
}

/* Work so far of the light guest and of the others */
struct work {
	double own, theirs;
};

static void take_work(struct work *w, struct rawvm *light,
		      struct rawvm *spin[], int n)
{
	w->own = rawvm_spins(light, 0);
	w->theirs = spinners_work(spin, n);
}

/*
 * Shares of the others since @from, of all guest work: what is not theirs and is
 * not work of the rogue one is no guest's. One loop of each takes the same time.
 */
static double others(const struct work *from, struct rawvm *light,
		     struct rawvm *spin[], int n)
{
	struct work to;

	take_work(&to, light, spin, n);
	to.own -= from->own;
	to.theirs -= from->theirs;
	return to.theirs / (to.theirs + to.own) / (n / (n + 1.0));
}

static struct rawvm *start_light(const struct way *way)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "light", .kind = RAWVM_TICK,
		.period_us = PERIOD_US, .loops = LOOPS(WORK_US),
	});

	if (!vm)
		die("no guest");
	way_favour(way, vm);
	return vm;
}

static void end_light(struct rawvm *vm)
{
	if (rawvm_broken(vm))
		die("the light guest failed");
	rawvm_kill(vm);
}

/*
 * Let the light guest turn at its next wake. Leaves the work that was done until
 * then, as of LOOK_US earlier at most; returns the time of that.
 */
static uint64_t turn(struct work *at, struct rawvm *light,
		     struct rawvm *spin[], int n)
{
	uint64_t mark, now;
	int looks = 2 * PERIOD_US / LOOK_US;

	rawvm_set_loops(light, 0, FOR_EVER);
	mark = rawvm_delay_mark(light, 0);
	do {
		if (!looks--)
			die("the light guest does not wake");
		take_work(at, light, spin, n);
		now = clock_ns();
		clock_sleep_until(now + LOOK_US * 1000);
	} while (rawvm_delay_mark(light, 0) == mark);
	return now;
}

/*
 * It never turns back, so a new one each time. Who has the pCPU when it turns, and
 * for how long yet, decides over a slice of the 100 ms: turn at moments that are
 * spread over a period of the light guest.
 */
static void measure_rogue(const char *bench, const struct way *way,
			  struct rawvm *spin[], int n)
{
	double share, first = 0, least = 1e9, later = 0;
	struct work work;
	uint64_t at;
	unsigned int i;

	for (i = 0; i < TURNS; i++) {
		struct rawvm *light;

		clock_sleep_until(clock_ns() + i * PERIOD_US * 1000ULL / TURNS);
		light = start_light(way);
		clock_sleep_ms(SETTLE_MS);
		at = turn(&work, light, spin, n);
		clock_sleep_until(at + TURN_MS * NSEC_PER_MSEC);
		share = others(&work, light, spin, n);
		first += share / TURNS;
		least = share < least ? share : least;
		take_work(&work, light, spin, n);
		clock_sleep_ms(LATER_MS);
		later += others(&work, light, spin, n) / TURNS;
		end_light(light);
	}
	figure(bench, way->name, "others-first-100ms", first, "of-fair-share");
	figure(bench, way->name, "least-of-" STRING(TURNS), least,
	       "of-fair-share");
	figure(bench, way->name, "others-after-100ms", later, "of-fair-share");
}

static void measure_beside(int n)
{
	struct rawvm *spin[MAX_SPINNERS];
	double eevdf = 0;
	char bench[32];
	unsigned int i;

	snprintf(bench, sizeof(bench), "wake-%d", n);
	spinners_start(spin, n);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct rawvm *light;

		way_begin(&ways[i]);
		light = start_light(&ways[i]);
		measure_wakes(bench, &ways[i], light, spin, n, &eevdf);
		end_light(light);
		measure_rogue(bench, &ways[i], spin, n);
		way_end(&ways[i]);
	}
	spinners_end(spin, n);
}

void bench_wake(void)
{
	measure_beside(1);
	measure_beside(3);
	measure_beside(7);
}
