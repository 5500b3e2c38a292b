/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the core share. */
#ifndef _SIM_INT_H
#define _SIM_INT_H

#include "core.h"

/* core.c */
void core_settle_all(struct pool *pool);
void core_charge(struct pool *pool, struct vms_vcpu *v);
void core_import(struct pool *pool, struct vms_vcpu *v);
void core_set_state(struct pool *pool, struct vms_vcpu *v, enum state state);
void core_place(struct pool *pool, struct vms_vcpu *v, int cpu);
void core_release(struct pool *pool, int cpu);
void core_grant(struct pool *pool, int cpu, struct vms_vcpu *v, u64 slice);
bool core_offer(struct pool *pool, struct vms_vcpu *v);
void core_move(struct pool *pool, struct vms_vcpu *v, int cpu);
void core_limit(struct pool *pool, struct vms_vcpu *v);

/*
 * call.c: the operations that decide who runs. Each is a function of its own in
 * the program, so that a profiler can tell the scheduler from the rest.
 */
struct vmsched_vcpu *sched_pick_next(struct pool *pool, int cpu, u64 *slice);
void sched_enqueue(struct pool *pool, struct vms_vcpu *v, enum vmsched_why why);
void sched_dequeue(struct pool *pool, struct vms_vcpu *v, enum vmsched_why why);
void sched_charge(struct pool *pool, struct vms_vcpu *v, u64 ran);
void sched_block(struct pool *pool, struct vms_vcpu *v);
s64 sched_preempt_in(struct pool *pool, int cpu, struct vms_vcpu *cur,
		     struct vms_vcpu *woken);

#endif
