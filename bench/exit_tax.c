// SPDX-License-Identifier: GPL-2.0
/*
 * What vmsched adds to an exit of a guest: instructions from one exit to the
 * next, of three kinds, of a guest that is alone on its pCPU.
 *
 * Peers: the kernel alone; two probes on kvm_entry and kvm_exit that do
 * nothing, the least that anything costs which looks at every exit; ftrace
 * recording both, which is what perf kvm and trace-cmd do.
 */
#include <stdio.h>

#include "bench.h"
#include "lib/clock.h"
#include "lib/rawvm.h"

#define MEASURE_MS	400
#define EVENTS		"/sys/kernel/tracing/events/kvm/"

static const struct kind {
	const char *name;
	enum rawvm_kind kind;
} kinds[] = {
	{ "cpuid", RAWVM_CPUID },
	{ "hypercall", RAWVM_CALL },
	{ "user", RAWVM_IO },
};

static void measure(const char *who, double *first)
{
	struct rawvm_spec spec = { .name = "exits", .cpus = "0" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct rawvm *vm;
		double ticks;

		spec.kind = kinds[i].kind;
		vm = rawvm_spawn(&spec);
		if (!vm)
			die("no guest");
		clock_sleep_ms(MEASURE_MS);
		ticks = rawvm_exit_ticks(vm, 0);
		if (!ticks || rawvm_broken(vm) || rawvm_stop(vm))
			die("guest with exits of kind %s failed", kinds[i].name);
		figure("exit-tax", who, kinds[i].name, ticks, "insn");
		if (!first[i])
			first[i] = ticks;
		else
			figure("exit-tax", who, kinds[i].name, ticks - first[i],
			       "insn-added");
	}
}

void bench_exit_tax(void)
{
	double stock[ARRAY_SIZE(kinds)] = { 0 };

	measure("absent", stock);

	peer_load("probes=1");
	measure("two-empty-probes", stock);
	peer_unload();

	write_file(EVENTS "kvm_entry/enable", "1");
	write_file(EVENTS "kvm_exit/enable", "1");
	measure("ftrace", stock);
	write_file(EVENTS "kvm_entry/enable", "0");
	write_file(EVENTS "kvm_exit/enable", "0");

	vmsched_load();
	measure("vmsched-native", stock);
	ctl("sched switch rr");
	measure("vmsched-rr", stock);
	ctl("sched switch bvt");
	measure("vmsched-bvt", stock);
	ctl("sched switch native");
	/* vmsched looks on for a second, in case it is switched back */
	clock_sleep_ms(1500);
	measure("vmsched-native-again", stock);
	vmsched_unload();
}
