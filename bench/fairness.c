// SPDX-License-Identifier: GPL-2.0
/*
 * How far a guest is from its share in the worst window: four guests that spin
 * on one pCPU, equal ones and with weights 1:2:4:8, in windows of 100 ms and
 * 1 s. Peer: EEVDF, with the nice values that come nearest to those weights.
 *
 * The error goes with the slice: slices are those that each scheduler uses by
 * itself, and 0.4 ms for vmsched's in a second run. What shorter ones cost is
 * how much less all four have done together.
 */
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

#include "bench.h"
#include "lib/clock.h"
#include "lib/rawvm.h"

#define GUESTS		4
#define WINDOW_MS	100
#define WINDOWS		50
#define SETTLE_MS	500
#define SLICE_US	400

static const unsigned int equal[GUESTS] = { 100, 100, 100, 100 };
static const unsigned int steps[GUESTS] = { 100, 200, 400, 800 };

/* Weights of nice 0, -3, -6, -9 are about 1:2:4:7.6; shares are of these */
static const double nice_weight[GUESTS] = { 1024, 1991, 3906, 7620 };
static const int nice_value[GUESTS] = { 0, -3, -6, -9 };

/* Worst error of @span windows together, in % of the machine */
static double worst(uint64_t work[WINDOWS + 1][GUESTS], int span,
		    const double share[GUESTS])
{
	double max = 0;
	int i, w;

	for (w = 0; w + span <= WINDOWS; w += span) {
		double sum = 0;

		for (i = 0; i < GUESTS; i++)
			sum += work[w + span][i] - work[w][i];
		for (i = 0; i < GUESTS; i++)
			max = fmax(max, fabs((work[w + span][i] - work[w][i]) /
					     sum - share[i]));
	}
	return max * 100;
}

static void measure(const char *bench, const char *who, struct rawvm *vm[],
		    const double share[GUESTS])
{
	static uint64_t work[WINDOWS + 1][GUESTS];
	uint64_t next;
	double sum = 0;
	int i, w;

	clock_sleep_ms(SETTLE_MS);
	next = clock_ns();
	for (w = 0; w <= WINDOWS; w++) {
		clock_sleep_until(next);
		for (i = 0; i < GUESTS; i++)
			work[w][i] = rawvm_progress_all(vm[i]);
		next += WINDOW_MS * NSEC_PER_MSEC;
	}
	figure(bench, who, "worst-100ms", worst(work, 1, share), "%");
	figure(bench, who, "worst-1s", worst(work, 10, share), "%");
	for (i = 0; i < GUESTS; i++)
		sum += work[WINDOWS][i] - work[0][i];
	figure(bench, who, "guest-time",
	       sum * RAWVM_LOOP / (WINDOWS * WINDOW_MS * 1e6) * 100, "%");
}

static void to_shares(double share[GUESTS], const double weight[GUESTS])
{
	double sum = 0;
	int i;

	for (i = 0; i < GUESTS; i++)
		sum += weight[i];
	for (i = 0; i < GUESTS; i++)
		share[i] = weight[i] / sum;
}

static void measure_native(const char *bench, struct rawvm *vm[], bool weighted)
{
	double weight[GUESTS], share[GUESTS];
	int i;

	for (i = 0; i < GUESTS; i++) {
		weight[i] = weighted ? nice_weight[i] : 1;
		if (setpriority(PRIO_PROCESS, rawvm_tid(vm[i], 0),
				weighted ? nice_value[i] : 0))
			die("setpriority failed");
	}
	to_shares(share, weight);
	measure(bench, "eevdf", vm, share);
	for (i = 0; i < GUESTS; i++)
		setpriority(PRIO_PROCESS, rawvm_tid(vm[i], 0), 0);
}

static void measure_vmsched(const char *bench, struct rawvm *vm[],
			    const unsigned int weights[GUESTS],
			    const char *scheduler, unsigned int slice_us)
{
	double weight[GUESTS], share[GUESTS];
	char who[32];
	int i;

	for (i = 0; i < GUESTS; i++) {
		weight[i] = weights[i];
		ctl("vm set pid:%d weight %u slice %u", rawvm_pid(vm[i]),
		    weights[i], slice_us);
	}
	to_shares(share, weight);
	ctl("sched switch %s", scheduler);
	snprintf(who, sizeof(who), slice_us ? "vmsched-%s-%uus" : "vmsched-%s",
		 scheduler, slice_us);
	measure(bench, who, vm, share);
	ctl("sched switch native");
}

void bench_fairness(void)
{
	struct rawvm_spec spec = { .name = "spin" };
	struct rawvm *vm[GUESTS];
	int i;

	for (i = 0; i < GUESTS; i++) {
		vm[i] = rawvm_spawn(&spec);
		if (!vm[i])
			die("no guest");
	}
	measure_native("fairness-equal", vm, false);
	measure_native("fairness-1248", vm, true);
	vmsched_load();
	measure_vmsched("fairness-equal", vm, equal, "rr", 0);
	measure_vmsched("fairness-equal", vm, equal, "rr", SLICE_US);
	measure_vmsched("fairness-equal", vm, equal, "bvt", 0);
	measure_vmsched("fairness-equal", vm, equal, "bvt", SLICE_US);
	measure_vmsched("fairness-1248", vm, steps, "bvt", 0);
	measure_vmsched("fairness-1248", vm, steps, "bvt", SLICE_US);
	rawvm_kill_all();
	vmsched_unload();
}
