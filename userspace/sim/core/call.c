// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of the scheduler in force, see int.h. Optional operations may be absent,
 * where that has one meaning for all callers.
 */
#include "int.h"

struct vmsched_vcpu *sched_pick_next(struct pool *pool, int cpu, u64 *slice)
{
	pool->decisions++;
	return pool->inst->ops->pick_next(pool->inst, cpu, pool->now, slice);
}

void sched_enqueue(struct pool *pool, struct vms_vcpu *v, enum vmsched_why why)
{
	pool->inst->ops->enqueue(pool->inst, v->ent, why, pool->now);
}

void sched_dequeue(struct pool *pool, struct vms_vcpu *v, enum vmsched_why why)
{
	pool->inst->ops->dequeue(pool->inst, v->ent, why, pool->now);
}

void sched_charge(struct pool *pool, struct vms_vcpu *v, u64 ran)
{
	pool->inst->ops->charge(pool->inst, v->ent, ran, pool->now);
}

void sched_block(struct pool *pool, struct vms_vcpu *v)
{
	if (pool->inst->ops->block)
		pool->inst->ops->block(pool->inst, v->ent, pool->now);
}

s64 sched_preempt_in(struct pool *pool, int cpu, struct vms_vcpu *cur,
		     struct vms_vcpu *woken)
{
	return pool->inst->ops->preempt_in(pool->inst, cpu, cur->ent,
					   woken->ent, pool->now);
}
