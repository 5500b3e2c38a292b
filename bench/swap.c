// SPDX-License-Identifier: GPL-2.0
/*
 * How long guests are held while the scheduler is changed, 8 busy guests on
 * the pCPUs of the test machine.
 *
 * Peers are what a kernel has to make others see a change: taking probes off
 * and on again with the wait that this needs, a grace period of RCU, patching
 * a static call, stopping all pCPUs.
 */
#include <stdlib.h>

#include "bench.h"
#include "lib/cli.h"
#include "lib/clock.h"
#include "lib/rawvm.h"

#define GUESTS		8
#define SWITCHES	300
#define PERIOD_MS	20

static const struct {
	const char *to, *row;
} order[] = {
	{ "rr", "native to rr" },
	{ "bvt", "rr to bvt" },
	{ "native", "bvt to native" },
};

#define KINDS		ARRAY_SIZE(order)

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print_row(const char *row, uint64_t *ns, unsigned int n)
{
	qsort(ns, n, sizeof(ns[0]), by_value);
	figure("swap", row, "blackout-p50", ns[n / 2], "ns");
	figure("swap", row, "blackout-p99", ns[n * 99 / 100], "ns");
	figure("swap", row, "blackout-max", ns[n - 1], "ns");
}

static void measure_vmsched(void)
{
	static uint64_t blackout[KINDS][SWITCHES / KINDS], all[SWITCHES],
		cease[SWITCHES];
	struct sched_switched s;
	unsigned int i;
	uint64_t next;

	next = clock_ns();
	for (i = 0; i < SWITCHES; i++) {
		if (sched_switch(order[i % KINDS].to, &s))
			die("switch %u failed", i);
		all[i] = s.blackout_ns;
		blackout[i % KINDS][i / KINDS] = s.blackout_ns;
		cease[i] = s.cease_ns;
		next += PERIOD_MS * NSEC_PER_MSEC;
		clock_sleep_until(next);
	}
	print_row("vmsched", all, SWITCHES);
	qsort(cease, SWITCHES, sizeof(cease[0]), by_value);
	figure("swap", "vmsched", "cease-p50", cease[SWITCHES / 2], "ns");
	for (i = 0; i < KINDS; i++)
		print_row(order[i].row, blackout[i], SWITCHES / KINDS);
}

void bench_swap(void)
{
	struct rawvm_spec spec = { .name = "spin" };
	int i;

	for (i = 0; i < GUESTS; i++)
		if (!rawvm_spawn(&spec))
			die("no guest");

	peer_load("measure=1");
	figure("swap", "probes-off-and-on", "time-p50",
	       peer_figure("reregister_ns"), "ns");
	figure("swap", "synchronize_rcu", "time-p50",
	       peer_figure("synchronize_rcu_ns"), "ns");
	figure("swap", "static_call_update", "time-p50",
	       peer_figure("static_call_ns"), "ns");
	figure("swap", "stop_machine", "time-p50",
	       peer_figure("stop_machine_ns"), "ns");
	peer_unload();

	vmsched_load();
	measure_vmsched();
	ctl("sched switch native");
	rawvm_kill_all();
	vmsched_unload();
}
