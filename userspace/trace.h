/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of the module, through an instance of tracefs of our own: other tracers
 * of the host are not disturbed.
 */
#ifndef VMSCHEDCTL_TRACE_H
#define VMSCHEDCTL_TRACE_H

#include <stdbool.h>
#include <linux/types.h>

struct trace;

/* What a thread of a vCPU did. */
struct trace_event {
	__u64 time_ns;		/* CLOCK_MONOTONIC */
	__u64 vm;
	__u64 run_ns;		/* of a block: executed in all */
	__u32 vcpu;
	bool wakes;		/* or else it blocks */
};

/* Non-zero ends the reading. */
typedef int trace_fn(const struct trace_event *event, void *arg);

/* Begin; 0 or a negative errno, -ENOENT if the module has no tracepoints. */
int trace_open(struct trace **trace);
/* Call @fn for all that has come; 0, what @fn returned, or a negative errno. */
int trace_read(struct trace *trace, trace_fn *fn, void *arg);
/* Nothing comes any more; what has come can still be read. */
void trace_stop(struct trace *trace);
/* Events for which there was no room. */
__u64 trace_lost(const struct trace *trace);
/* Remove the instance. @trace may be NULL. */
void trace_close(struct trace *trace);

#endif /* VMSCHEDCTL_TRACE_H */
