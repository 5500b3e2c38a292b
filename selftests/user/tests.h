/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _USER_TESTS_H
#define _USER_TESTS_H

#include "core.h"

#define MAX_CPUS	16
#define MAX_VCPUS	40

#define HOUR_NS		(3600 * NSEC_PER_SEC)

/*
 * bed.c: a pool of all pCPUs of a machine of at most 64, and vCPUs that may use
 * those whose bits are set in @mask.
 */
void bed_init(struct pool *pool, const struct vmsched_ops *ops, int cpus,
	      u64 now);
struct vms_vcpu *add_vcpu(struct pool *pool,
			  const struct vmsched_params *params, u64 mask);
void bind_vcpu(struct pool *pool, struct vms_vcpu *v, u64 mask);

#define MAX_SPINNERS	8

/* Spinners on one pCPU. */
struct race {
	struct pool pool;
	struct vms_vcpu *v[MAX_SPINNERS];
	u64 base[MAX_SPINNERS];	/* what was executed when the count began */
	int n;
};

/* With weights of at least @lightest. */
void race_start(struct race *r, const struct vmsched_ops *ops, u32 lightest,
		u32 max_slice_us);
void race_check_lag(const struct race *r);

/* Chance, the same for the same seed; of fuzzers, what they come with. */
u64 any(void);
u64 below(u64 limit);
u64 some_up_to(u64 limit);

/*
 * random.c: a pool of any size and time, and one thing that happens to it, as chance
 * has it. @most is what the first returns: how many vCPUs there may be.
 */
int random_begin(struct pool *pool, const struct vmsched_ops *ops);
void random_step(struct pool *pool, int most);

void test_random(const struct vmsched_ops *ops);
void test_lag(const struct vmsched_ops *ops);
void test_shares(const struct vmsched_ops *ops);
void test_switches(const struct vmsched_ops *ops);
void test_sleeper(const struct vmsched_ops *ops);
void test_warp(const struct vmsched_ops *ops);
void test_ticks(const struct vmsched_ops *ops);
void test_moves(const struct vmsched_ops *ops);
void test_limit(const struct vmsched_ops *ops);
void test_owed(const struct vmsched_ops *ops);
void test_cap(const struct vmsched_ops *ops);
void test_cap_alone(const struct vmsched_ops *ops);
void test_reservation(const struct vmsched_ops *ops);
void test_admission(const struct vmsched_ops *ops);
void test_deadlines(const struct vmsched_ops *ops);
void test_budgets(const struct vmsched_ops *ops);
void test_crowds(const struct vmsched_ops *ops);
void test_late_sleeper(const struct vmsched_ops *ops);
void test_leftover(const struct vmsched_ops *ops);
void test_homes(const struct vmsched_ops *ops);
void test_overload(const struct vmsched_ops *ops);
void test_overload_switch(const struct vmsched_ops *ops);
void test_order(const struct vmsched_ops *ops);
void test_age(const struct vmsched_ops *ops);
void test_starve(const struct vmsched_ops *ops);
void test_cut(const struct vmsched_ops *ops);
void test_equals(const struct vmsched_ops *ops);

#endif
