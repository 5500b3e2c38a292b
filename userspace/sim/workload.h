/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A workload: which VMs there are on which pCPUs, and what they do. Its text format
 * is described in Documentation/vmsched-sim.rst.
 */
#ifndef VMSCHED_SIM_WORKLOAD_H
#define VMSCHED_SIM_WORKLOAD_H

#include <stdio.h>

#include <vmsched/sched.h>

#define WL_NAME_MAX	32		/* with the closing NUL */
#define WL_MAX_CPUS	MAX_CPU_IDS
#define WL_MAX_POOLS	64
#define WL_MAX_VCPUS	100000		/* of all VMs together */
#define WL_MAX_NS	(24 * 3600 * (u64)NSEC_PER_SEC)

/* A run of less would be more events than time. */
#define WL_MIN_RUN_NS	((u64)NSEC_PER_USEC)

enum dist_kind {
	DIST_NONE,		/* was not given */
	DIST_FOREVER,
	DIST_CONSTANT,		/* a */
	DIST_UNIFORM,		/* a to b */
	DIST_EXP,		/* with mean a */
};

/* Times in ns that are drawn again and again. */
struct dist {
	enum dist_kind kind;
	u64 a;
	u64 b;
};

/* What a vCPU was seen to do: U64_MAX is for ever. */
struct wl_phase {
	u64 run;
	u64 sleep;
};

/* A recorded vCPU; it has phases, and the last one has no end, or it never wakes. */
struct wl_replay {
	struct vmsched_params params;
	struct cpumask affinity;
	u64 start;
	struct wl_phase *phases;
	size_t nr_phases;
};

struct wl_pool {
	char name[WL_NAME_MAX];
	struct cpumask cpus;
};

struct wl_vm {
	char name[WL_NAME_MAX];
	unsigned int pool;
	unsigned int vcpus;
	struct vmsched_params params;
	u32 asks;		/* VMSCHED_HONOURS_* of what differs from default */
	struct cpumask affinity;
	struct dist start;
	struct dist run;
	struct dist sleep;	/* one of these two, or none */
	u64 every;
	struct wl_replay *replay;	/* of each vCPU, instead of these; or NULL */
};

struct workload {
	bool recorded;
	u64 duration;
	u64 warmup;
	u64 switch_cost;
	u64 seed;
	unsigned int cpus;
	struct wl_pool pools[WL_MAX_POOLS];
	unsigned int nr_pools;
	struct wl_vm *vms;
	unsigned int nr_vms;
	unsigned int nr_vcpus;
};

/*
 * Read a workload from @file, which is called @name in messages. False if there is
 * something wrong: then @why says what, where, and what to do, in a line. In either case
 * workload_free() is to be called.
 */
bool workload_read(struct workload *wl, FILE *file, const char *name,
		   char *why, size_t size);
void workload_free(struct workload *wl);

/* How the parameter is called in a workload whose bit in "asks" is BIT(@attr). */
const char *workload_key(unsigned int attr);

/* For printf() */
static inline unsigned long long ull(u64 value)
{
	return value;
}

/* dist.c */
u64 rng_next(u64 *state);
u64 dist_draw(const struct dist *dist, u64 *rng);

#endif /* VMSCHED_SIM_WORKLOAD_H */
