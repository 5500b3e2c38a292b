/* SPDX-License-Identifier: GPL-2.0 */
/* A run of a workload under a scheduler. */
#ifndef VMSCHED_SIM_ENGINE_H
#define VMSCHED_SIM_ENGINE_H

#include <core.h>

#include "hist.h"
#include "record.h"
#include "workload.h"

/* What a VM, or several, did after the warm-up. */
struct stats {
	u64 run_ns;		/* executed */
	u64 wait_ns;		/* could run, and had no pCPU */
	struct hist waits;	/* each time that one waited */
	struct hist wakes;	/* those of them that began with a wake */
	u64 switches;		/* got a pCPU that was another's before */
	u64 migrations;		/* got one that was not its own before */
	u64 late;		/* "every" came round before the last was done */
};

struct pool_result {
	const struct wl_pool *pool;
	u64 cpu_ns;		/* what there was to have */
	u64 lost_ns;		/* to switch-cost */
	struct stats stats;
};

/* Of a run, without the warm-up; arrays as in the workload */
struct result {
	const struct workload *wl;
	const struct vmsched_ops *ops;
	u64 time_ns;
	u64 decisions;		/* the scheduler was asked who is next */
	u64 events;
	char refused[160];	/* which VM has no place, and why, or "" */
	struct pool_result *pools;
	struct stats *vms;
};

/*
 * Run all of it, unless a VM is refused: then nothing is, and the figures are 0. @record may
 * be NULL. What goes wrong is a fault of the scheduler or lack of memory, and ends in
 * broken().
 */
void simulate(struct result *result, const struct workload *wl,
	      const struct vmsched_ops *ops, struct record *record);
void stats_add(struct stats *to, const struct stats *from);
void stats_free(struct stats *stats);
void result_free(struct result *result);

struct sim;

/* The part of it that counts, for profilers. */
void simulate_counted(struct sim *sim);

/* What broken() may tell about the run that is under way: NULL if there is none. */
const char *simulate_where(void);

#endif /* VMSCHED_SIM_ENGINE_H */
