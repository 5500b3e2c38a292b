// SPDX-License-Identifier: GPL-2.0
/*
 * What Linux and vmsched have for a guest that is to run soon after its timer
 * beside others that never sleep: set it, and take it back.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "lib/attr.h"
#include "lib/rawvm.h"

#define PERIOD_NS	10000000

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE	6
#endif

void way_begin(const struct way *way)
{
	if (!way->scheduler)
		return;
	vmsched_load();
	ctl("sched switch %s", way->scheduler);
}

void way_end(const struct way *way)
{
	if (!way->scheduler)
		return;
	ctl("sched switch native");
	vmsched_unload();
}

/*
 * Deadline threads may use all pCPUs only; there is one in this machine. The
 * VM needs nothing set that goes away with it.
 */
void way_favour(const struct way *way, struct rawvm *vm)
{
	struct kernel_sched_attr a = {
		.size = sizeof(a), .policy = way->policy, .nice = way->nice,
		.priority = way->priority, .runtime = way->runtime,
	};

	if (way->scheduler) {
		ctl("vm set pid:%d %s", rawvm_pid(vm), way->params);
		return;
	}
	if (way->policy == SCHED_DEADLINE) {
		a.deadline = PERIOD_NS;
		a.period = PERIOD_NS;
	}
	if (syscall(SYS_sched_setattr, rawvm_tid(vm, 0), &a, 0))
		die("sched_setattr: %s", strerror(errno));
}

void spinners_start(struct rawvm *spin[], int n)
{
	struct rawvm_spec spec = { .name = "spin" };
	int i;

	for (i = 0; i < n; i++) {
		spin[i] = rawvm_spawn(&spec);
		if (!spin[i])
			die("no guest");
	}
}

void spinners_end(struct rawvm *spin[], int n)
{
	int i;

	for (i = 0; i < n; i++) {
		if (rawvm_broken(spin[i]))
			die("a spinning guest failed");
		rawvm_kill(spin[i]);
	}
}

uint64_t spinners_work(struct rawvm *spin[], int n)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < n; i++)
		sum += rawvm_progress_all(spin[i]);
	return sum;
}
