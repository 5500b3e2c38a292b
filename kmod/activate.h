/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a request gets from the core to the active scheduler of its pool: what
 * is called for each wake, block and end of a slice. The calls that come with a
 * switch, a new vCPU or a parameter go through the table of functions, but for
 * enqueue(); they are here to be timed.
 *
 * May not know what a request means, nor threads, KVM or netlink.
 *
 * All with the pool lock held; what is asked and answered stands at struct
 * vmsched_ops.
 */
#ifndef _VMS_ACTIVATE_H
#define _VMS_ACTIVATE_H

#include <linux/static_call.h>

#include "vmsched.h"

/* Two sets of calls: one is in force while the other is patched. */
DECLARE_STATIC_CALL(vms_a_pick_next, *vms_native_ops.pick_next);
DECLARE_STATIC_CALL(vms_a_enqueue, *vms_native_ops.enqueue);
DECLARE_STATIC_CALL(vms_a_dequeue, *vms_native_ops.dequeue);
DECLARE_STATIC_CALL(vms_a_charge, *vms_native_ops.charge);
DECLARE_STATIC_CALL(vms_a_block, *vms_native_ops.block);
DECLARE_STATIC_CALL(vms_a_preempt_in, *vms_native_ops.preempt_in);
DECLARE_STATIC_CALL(vms_b_pick_next, *vms_native_ops.pick_next);
DECLARE_STATIC_CALL(vms_b_enqueue, *vms_native_ops.enqueue);
DECLARE_STATIC_CALL(vms_b_dequeue, *vms_native_ops.dequeue);
DECLARE_STATIC_CALL(vms_b_charge, *vms_native_ops.charge);
DECLARE_STATIC_CALL(vms_b_block, *vms_native_ops.block);
DECLARE_STATIC_CALL(vms_b_preempt_in, *vms_native_ops.preempt_in);

/* The table of functions, where the callers are not patched. */
static inline const struct vmsched_ops *
__vms_active_ops(const struct vms_pool *pool)
{
	if (pool->way == VMS_BY_ID)
		return vms_sched_by_id(pool->sched_id);
	return pool->inst->ops;
}

/*
 * Of most calls, one of 2^3 is timed, see budget.c. Not each eighth: where a turn has
 * four calls, that would always be the same one of them. Multiples of the golden
 * ratio keep in step with nothing.
 */
#define VMS_GOLDEN		0x9e3779b1U
#define VMS_CALLS_TIMED_BITS	3

static inline u64 __vms_call_begin(struct vms_pool *pool)
{
	u32 turn = ++pool->calls * VMS_GOLDEN;

	return unlikely(!(turn >> (32 - VMS_CALLS_TIMED_BITS))) ? vms_now() : 0;
}

static inline void __vms_call_end(struct vms_pool *pool,
				  struct vmsched_inst *inst, u64 began)
{
	if (unlikely(began))
		__vms_call_took(pool, inst, began, false);
}

/* Where calls are few, the first of them shall be. */
static inline void __vms_time_next(struct vms_pool *pool)
{
	pool->calls = U32_MAX;
}

static inline struct vmsched_vcpu *
__vms_sched_pick_next(struct vms_pool *pool, int cpu, u64 now, u64 *slice)
{
	struct vmsched_inst *inst = pool->inst;
	struct vmsched_vcpu *ent;
	u64 began;

	if (!vms_may_call(inst))
		return NULL;
	began = __vms_call_begin(pool);
	if (pool->way == VMS_BY_PATCH_A)
		ent = static_call(vms_a_pick_next)(inst, cpu, now, slice);
	else if (pool->way == VMS_BY_PATCH_B)
		ent = static_call(vms_b_pick_next)(inst, cpu, now, slice);
	else
		ent = __vms_active_ops(pool)->pick_next(inst, cpu, now, slice);
	__vms_call_end(pool, inst, began);
	return ent;
}

static inline void __vms_sched_enqueue(struct vms_pool *pool,
				       struct vmsched_vcpu *ent,
				       enum vmsched_why why, u64 now)
{
	struct vmsched_inst *inst = pool->inst;
	u64 began;

	if (!vms_may_call(inst))
		return;
	began = __vms_call_begin(pool);
	if (pool->way == VMS_BY_PATCH_A)
		static_call(vms_a_enqueue)(inst, ent, why, now);
	else if (pool->way == VMS_BY_PATCH_B)
		static_call(vms_b_enqueue)(inst, ent, why, now);
	else
		__vms_active_ops(pool)->enqueue(inst, ent, why, now);
	__vms_call_end(pool, inst, began);
}

static inline void __vms_sched_dequeue(struct vms_pool *pool,
				       struct vmsched_vcpu *ent,
				       enum vmsched_why why, u64 now)
{
	struct vmsched_inst *inst = pool->inst;
	u64 began;

	if (!vms_may_call(inst))
		return;
	began = __vms_call_begin(pool);
	if (pool->way == VMS_BY_PATCH_A)
		static_call(vms_a_dequeue)(inst, ent, why, now);
	else if (pool->way == VMS_BY_PATCH_B)
		static_call(vms_b_dequeue)(inst, ent, why, now);
	else
		__vms_active_ops(pool)->dequeue(inst, ent, why, now);
	__vms_call_end(pool, inst, began);
}

static inline void __vms_sched_charge(struct vms_pool *pool,
				      struct vmsched_vcpu *ent, u64 ran, u64 now)
{
	struct vmsched_inst *inst = pool->inst;
	u64 began;

	if (!vms_may_call(inst))
		return;
	began = __vms_call_begin(pool);
	if (pool->way == VMS_BY_PATCH_A)
		static_call(vms_a_charge)(inst, ent, ran, now);
	else if (pool->way == VMS_BY_PATCH_B)
		static_call(vms_b_charge)(inst, ent, ran, now);
	else
		__vms_active_ops(pool)->charge(inst, ent, ran, now);
	__vms_call_end(pool, inst, began);
}

/* Of a scheduler that has take(). Returns the slice. */
static inline u64 __vms_sched_take(struct vms_pool *pool,
				   struct vmsched_vcpu *ent, u64 now)
{
	struct vmsched_inst *inst = pool->inst;
	u64 began, slice;

	if (!vms_may_call(inst))
		return 0;
	began = __vms_call_begin(pool);
	slice = inst->ops->take(inst, ent, now);
	__vms_call_end(pool, inst, began);
	return __vms_fault_check_slice(inst, slice) ? slice : 0;
}

/* Of a scheduler that has select_cpu() */
static inline int __vms_sched_select_cpu(struct vms_pool *pool,
					 struct vmsched_vcpu *ent, u64 now)
{
	struct vmsched_inst *inst = pool->inst;
	u64 began;
	int cpu;

	if (!vms_may_call(inst))
		return ent->cpu;
	began = __vms_call_begin(pool);
	cpu = inst->ops->select_cpu(inst, ent, now);
	__vms_call_end(pool, inst, began);
	return cpu;
}

/* Of a scheduler that has block() */
static inline void __vms_sched_block(struct vms_pool *pool,
				     struct vmsched_vcpu *ent, u64 now)
{
	struct vmsched_inst *inst = pool->inst;
	u64 began;

	if (!vms_may_call(inst))
		return;
	began = __vms_call_begin(pool);
	if (pool->way == VMS_BY_PATCH_A)
		static_call(vms_a_block)(inst, ent, now);
	else if (pool->way == VMS_BY_PATCH_B)
		static_call(vms_b_block)(inst, ent, now);
	else
		__vms_active_ops(pool)->block(inst, ent, now);
	__vms_call_end(pool, inst, began);
}

/* Of a scheduler that has preempt_in() */
static inline s64 __vms_sched_preempt_in(struct vms_pool *pool, int cpu,
					 struct vmsched_vcpu *cur,
					 struct vmsched_vcpu *woken, u64 now)
{
	struct vmsched_inst *inst = pool->inst;
	u64 began;
	s64 in;

	if (!vms_may_call(inst))
		return VMSCHED_NEVER;
	began = __vms_call_begin(pool);
	if (pool->way == VMS_BY_PATCH_A)
		in = static_call(vms_a_preempt_in)(inst, cpu, cur, woken, now);
	else if (pool->way == VMS_BY_PATCH_B)
		in = static_call(vms_b_preempt_in)(inst, cpu, cur, woken, now);
	else
		in = __vms_active_ops(pool)->preempt_in(inst, cpu, cur, woken, now);
	__vms_call_end(pool, inst, began);
	return in;
}

/*
 * Of a new vCPU, or one that a switch hands over. Each one is timed: there may not be
 * another one before the next switch.
 */
static inline void __vms_sched_import(struct vms_pool *pool,
				      struct vmsched_vcpu *ent,
				      const struct vmsched_carry *carry, u64 now)
{
	struct vmsched_inst *inst = ent->inst;
	u64 began;

	if (!inst->ops->vcpu_import || !vms_may_call(inst))
		return;
	began = vms_now();
	inst->ops->vcpu_import(inst, ent, carry, now);
	__vms_call_end(pool, inst, began);
}

static inline void __vms_sched_set_params(struct vms_pool *pool,
					  struct vmsched_vcpu *ent, u64 now)
{
	struct vmsched_inst *inst = ent->inst;
	u64 began;

	if (!vms_may_call(inst))
		return;
	began = __vms_call_begin(pool);
	inst->ops->set_params(inst, ent, now);
	__vms_call_end(pool, inst, began);
}

#endif /* _VMS_ACTIVATE_H */
