// SPDX-License-Identifier: GPL-2.0
/*
 * What vmsched adds to a switch of threads. Two threads of the kernel that wake
 * each other in turn: one wake and one switch, nothing else. And two vCPUs of a
 * VM that do so by IPI and HLT: an exit to send, one to sleep, a wake and a
 * switch, of threads that KVM and vmsched both follow.
 *
 * Peers: the kernel alone, and an empty preempt notifier on both threads, which
 * is KVM's own way to see its threads come and go.
 */
#include <stdio.h>

#include "bench.h"
#include "lib/clock.h"
#include "lib/rawvm.h"

#define MEASURE_MS	500

static double stock_threads, stock_vcpus;

static void compare(const char *who, const char *what, double insn,
		    double *stock)
{
	char label[32];

	figure("switch-tax", who, what, insn, "insn");
	if (!*stock) {
		*stock = insn;
		return;
	}
	snprintf(label, sizeof(label), "%s-added", what);
	figure("switch-tax", who, label, (insn / *stock - 1) * 100, "%");
}

static void measure_threads(const char *who, const char *params)
{
	peer_load(params);
	compare(who, "threads", peer_figure("switch_ns"), &stock_threads);
	peer_unload();
}

/* Instructions from one vCPU's turn to the other's */
static double measure_turn(void)
{
	struct rawvm_spec spec = { .name = "ping", .kind = RAWVM_PING,
				   .nr_vcpus = 2 };
	struct rawvm *vm = rawvm_spawn(&spec);
	double ticks;

	if (!vm)
		die("no guest");
	clock_sleep_ms(MEASURE_MS);
	ticks = rawvm_exit_ticks(vm, 0) / 2;
	if (!ticks || rawvm_broken(vm) || rawvm_stop(vm))
		die("the guest whose vCPUs wake each other failed");
	return ticks;
}

static void measure_vcpus(const char *who)
{
	compare(who, "vcpus", measure_turn(), &stock_vcpus);
}

/*
 * The same turn, each with the requests of a sleep, a wake and a grant, by each of
 * the ways that lead to the active scheduler: side by side, and what is above the
 * first of them.
 */
void bench_activation(void)
{
	static const char * const ways[] = { "patch", "table", "id" };
	static const char * const names[] = { "rr", "bvt" };
	double patched = 0;
	unsigned int i, j;
	char above[32];

	vmsched_load();
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (j = 0; j < ARRAY_SIZE(ways); j++) {
			double insn;

			ctl("sched switch %s activate %s", names[i], ways[j]);
			insn = measure_turn();
			figure("activation", names[i], ways[j], insn, "insn");
			if (!j) {
				patched = insn;
				continue;
			}
			snprintf(above, sizeof(above), "%s-above", ways[j]);
			figure("activation", names[i], above, insn - patched,
			       "insn");
		}
	}
	ctl("sched switch native");
	vmsched_unload();
}

void bench_switch_tax(void)
{
	measure_threads("absent", "switches=1");
	measure_vcpus("absent");
	measure_threads("empty-notifier", "switches=1 notifier=1");
	vmsched_load();
	measure_threads("vmsched-native", "switches=1");
	measure_vcpus("vmsched-native");
	ctl("sched switch rr");
	measure_threads("vmsched-rr", "switches=1");
	measure_vcpus("vmsched-rr");
	ctl("sched switch bvt");
	measure_threads("vmsched-bvt", "switches=1");
	measure_vcpus("vmsched-bvt");
	ctl("sched switch native");
	vmsched_unload();
}
