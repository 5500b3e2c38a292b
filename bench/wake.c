// SPDX-License-Identifier: GPL-2.0
/*
 * From the timer of a light guest to its first instruction, beside 1, 3 and 7
 * guests that spin on the same pCPU; and what it costs those.
 *
 * The light guest works 0.2 ms each 10 ms. Peers are what Linux has for it:
 * nothing (EEVDF), a short slice, nice, real-time and deadline scheduling of
 * its thread. Then it turns rogue and spins: what is left for the others says
 * what the low delay was bought with.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "lib/clock.h"
#include "lib/rawvm.h"

#define MAX_SPINNERS	7
#define PERIOD_US	9900
#define WORK_US		200
#define SETTLE_MS	300
#define MEASURE_MS	1500
#define ROGUE_MS	500

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE	6
#endif

/* linux/sched/types.h collides with sched.h */
struct attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

static const struct way {
	const char *name;
	struct attr attr;
	const char *scheduler;
} ways[] = {
	{ .name = "eevdf", .attr = { .policy = SCHED_OTHER } },
	{ .name = "slice-0.1ms",
	  .attr = { .policy = SCHED_OTHER, .runtime = 100000 } },
	{ .name = "nice-20", .attr = { .policy = SCHED_OTHER, .nice = -20 } },
	{ .name = "fifo", .attr = { .policy = SCHED_FIFO, .priority = 1 } },
	{ .name = "deadline-25%",
	  .attr = { .policy = SCHED_DEADLINE, .runtime = 2500000,
		    .deadline = 10000000, .period = 10000000 } },
	{ .name = "vmsched-bvt", .scheduler = "bvt" },
};

static void set_attr(pid_t tid, const struct attr *attr)
{
	struct attr a = *attr;

	a.size = sizeof(a);
	if (syscall(SYS_sched_setattr, tid, &a, 0))
		die("sched_setattr: %s", strerror(errno));
}

static uint64_t spun(struct rawvm *spin[], int n)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < n; i++)
		sum += rawvm_progress_all(spin[i]);
	return sum;
}

/* Deadline threads may use all pCPUs only; there is one in this machine */
static struct rawvm *start_light(uint32_t busy_us)
{
	struct rawvm_spec spec = {
		.name = "light", .kind = RAWVM_TICK,
		.period_us = PERIOD_US, .busy_us = busy_us,
	};
	struct rawvm *vm = rawvm_spawn(&spec);

	if (!vm)
		die("no guest");
	return vm;
}

static void favour(struct rawvm *vm, const struct way *way)
{
	if (way->scheduler)
		ctl("vm set pid:%d warp 50000 warp-limit 2000 unwarp 1000",
		    rawvm_pid(vm));
	else
		set_attr(rawvm_tid(vm, 0), &way->attr);
}

static void measure_wakes(const char *bench, const struct way *way,
			  struct rawvm *spin[], int n, double *eevdf_spun)
{
	struct rawvm *light = start_light(WORK_US);
	struct rawvm_delay delay;
	uint64_t mark, work;

	favour(light, way);
	clock_sleep_ms(SETTLE_MS);
	mark = rawvm_delay_mark(light, 0);
	work = spun(spin, n);
	clock_sleep_ms(MEASURE_MS);
	work = spun(spin, n) - work;
	if (rawvm_delays(light, 0, mark, &delay))
		die("no wakes");
	figure(bench, way->name, "p50", delay.p50_ns / 1e3, "us");
	figure(bench, way->name, "p99", delay.p99_ns / 1e3, "us");
	figure(bench, way->name, "max", delay.max_ns / 1e3, "us");
	if (!*eevdf_spun)
		*eevdf_spun = work;
	figure(bench, way->name, "spinners-work", work / *eevdf_spun, "of-eevdf");
	rawvm_kill(light);
}

/* The light guest takes all that it gets: how much do the others keep? */
static void measure_rogue(const char *bench, const struct way *way,
			  struct rawvm *spin[], int n, double alone)
{
	struct rawvm *light = start_light(1000000);
	uint64_t work;

	favour(light, way);
	clock_sleep_ms(100);
	work = spun(spin, n);
	clock_sleep_ms(ROGUE_MS);
	work = spun(spin, n) - work;
	figure(bench, way->name, "others-left-by-rogue",
	       work / alone / (n / (n + 1.0)), "of-fair-share");
	rawvm_kill(light);
}

static void measure_beside(int n)
{
	struct rawvm_spec spec = { .name = "spin" };
	struct rawvm *spin[MAX_SPINNERS];
	double eevdf_spun = 0, alone;
	char bench[32];
	unsigned int i;

	snprintf(bench, sizeof(bench), "wake-%d", n);
	for (i = 0; i < (unsigned int)n; i++) {
		spin[i] = rawvm_spawn(&spec);
		if (!spin[i])
			die("no guest");
	}
	clock_sleep_ms(SETTLE_MS);
	alone = spun(spin, n);
	clock_sleep_ms(ROGUE_MS);
	alone = spun(spin, n) - alone;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (ways[i].scheduler) {
			vmsched_load();
			ctl("sched switch %s", ways[i].scheduler);
		}
		measure_wakes(bench, &ways[i], spin, n, &eevdf_spun);
		measure_rogue(bench, &ways[i], spin, n, alone);
		if (ways[i].scheduler) {
			ctl("sched switch native");
			vmsched_unload();
		}
	}
	for (i = 0; i < (unsigned int)n; i++)
		rawvm_kill(spin[i]);
}

void bench_wake(void)
{
	measure_beside(1);
	measure_beside(3);
	measure_beside(7);
}
