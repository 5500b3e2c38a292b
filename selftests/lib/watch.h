/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Watch that every vCPU of some VMs goes on advancing.
 *
 * A SCHED_FIFO thread samples progress ten times per window. It measures in
 * time during which it was itself able to sample: if the machine under the
 * test stops for a while, sampler and guests stop alike and nothing is missed.
 */
#ifndef SELFTESTS_WATCH_H
#define SELFTESTS_WATCH_H

#include <stdint.h>

#include "rawvm.h"

struct watch;

struct watch_result {
	unsigned int samples;
	unsigned int missed;		/* windows in which a vCPU stood still */
	uint64_t longest_ns;		/* longest time one stood still */
	const char *vm;			/* that one */
	unsigned int vcpu;
	/* Of that time its thread executed, and waited for a CPU or at the gate */
	uint64_t ran_ns;
	uint64_t waited_ns;
};

/* Watch @n VMs, which must live until watch_stop(); NULL on error */
struct watch *watch_start(struct rawvm *const vms[], unsigned int n,
			  unsigned int window_ms);

/* End the watch, print the longest standstill, free */
void watch_stop(struct watch *w, struct watch_result *result);

#endif /* SELFTESTS_WATCH_H */
