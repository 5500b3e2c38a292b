/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who holds the grant of which pCPU, for how long, and how that is carried out.
 * Included by vmsched.h, behind its structures.
 */
#ifndef _VMS_DISPATCH_H
#define _VMS_DISPATCH_H

#include <linux/types.h>

#include <vmsched/sched.h>

struct cpumask;
struct vms_pcpu;
struct vms_pool;
struct vms_vcpu;

/* dispatch.c: who holds the grant of which pCPU */
u64 vms_vcpu_executed(const struct vms_vcpu *v, u64 now);
void __vms_charge(struct vms_vcpu *v, u64 now);
void __vms_runnable(struct vms_vcpu *v, enum vmsched_why why, u64 now);
void __vms_not_runnable(struct vms_vcpu *v, enum vms_state state, u64 now);
void __vms_resched(struct vms_pool *pool, int cpu, u64 now);
void __vms_resched_all(struct vms_pool *pool, u64 now);
void __vms_fill_all(struct vms_pool *pool, u64 now);
void __vms_rehome_all(struct vms_pool *pool);
void __vms_take(struct vms_pcpu *pc, struct vms_vcpu *v, u64 most, u64 now);
void __vms_take_open(struct vms_pcpu *pc, struct vms_vcpu *v, u64 now);
void __vms_close(struct vms_pool *pool, u64 now);
void __vms_follow(struct vms_vcpu *v, u64 now);
void __vms_limit(struct vms_vcpu *v, u64 now);
void __vms_set_allowed(struct vms_vcpu *v, const struct cpumask *mask, u64 now);
int __vms_pick_home(const struct vms_vcpu *v);
void __vms_place(struct vms_vcpu *v, int cpu);
void __vms_release(struct vms_pcpu *pc);
bool __vms_end_slice(struct vms_pcpu *pc, u64 now);
void __vms_hand_over(struct vms_pool *pool, struct vms_pcpu *pc);
struct vms_vcpu *__vms_take_owed(struct vms_pool *pool, struct vms_vcpu *by);
struct vms_vcpu *__vms_pick(struct vms_pool *pool, int cpu, u64 now,
			    u64 *slice);

/* slice.c */
u64 __vms_slice_left(const struct vms_pcpu *pc, u64 now);
void __vms_arm_slice(struct vms_pcpu *pc, u64 now);
bool __vms_slice_timed(const struct vms_pcpu *pc, u64 late, u64 now);
void __vms_ask_again(struct vms_pcpu *pc, u64 in, u64 now);
void __vms_shorten(struct vms_pcpu *pc, s64 in, u64 now);

/* wake.c: what has to wait until no lock of Linux is held */
void vms_wake_later(struct vms_vcpu *v);
void vms_force_exit(void);
void vms_pcpu_init(int cpu, struct vms_pool *pool);
void vms_pcpus_stop(void);

#endif /* _VMS_DISPATCH_H */
