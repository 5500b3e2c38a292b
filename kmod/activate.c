// SPDX-License-Identifier: GPL-2.0
/*
 * Ways to activate a scheduler: by the identifier that the manager stores, by
 * the pool's pointer to a table of functions, or by direct calls that are patched
 * into the callers. The last is for one pool at a time.
 *
 * To patch takes milliseconds and the hotplug lock, so it is done before
 * anybody waits: there are two sets of calls, of which one is in force at most.
 * The other is made ready, the commit of the switch turns to it, and what is out
 * of force then is cleared before the module it led to may go.
 *
 * Locking: what is static here belongs to the thread that switches. The way of a
 * pool changes under the pool lock.
 */
#include "activate.h"

DEFINE_STATIC_CALL_NULL(vms_a_pick_next, *vms_native_ops.pick_next);
DEFINE_STATIC_CALL_NULL(vms_a_enqueue, *vms_native_ops.enqueue);
DEFINE_STATIC_CALL_NULL(vms_a_dequeue, *vms_native_ops.dequeue);
DEFINE_STATIC_CALL_NULL(vms_a_charge, *vms_native_ops.charge);
DEFINE_STATIC_CALL_NULL(vms_a_block, *vms_native_ops.block);
DEFINE_STATIC_CALL_NULL(vms_a_preempt_in, *vms_native_ops.preempt_in);
DEFINE_STATIC_CALL_NULL(vms_b_pick_next, *vms_native_ops.pick_next);
DEFINE_STATIC_CALL_NULL(vms_b_enqueue, *vms_native_ops.enqueue);
DEFINE_STATIC_CALL_NULL(vms_b_dequeue, *vms_native_ops.dequeue);
DEFINE_STATIC_CALL_NULL(vms_b_charge, *vms_native_ops.charge);
DEFINE_STATIC_CALL_NULL(vms_b_block, *vms_native_ops.block);
DEFINE_STATIC_CALL_NULL(vms_b_preempt_in, *vms_native_ops.preempt_in);

/* Whose functions a set calls, pinned; NULL if it is clear */
static const struct vmsched_ops *called[2];
static struct vms_pool *patched;

static void patch_a(const struct vmsched_ops *ops)
{
	static_call_update(vms_a_pick_next, ops->pick_next);
	static_call_update(vms_a_enqueue, ops->enqueue);
	static_call_update(vms_a_dequeue, ops->dequeue);
	static_call_update(vms_a_charge, ops->charge);
	static_call_update(vms_a_block, ops->block);
	static_call_update(vms_a_preempt_in, ops->preempt_in);
}

static void patch_b(const struct vmsched_ops *ops)
{
	static_call_update(vms_b_pick_next, ops->pick_next);
	static_call_update(vms_b_enqueue, ops->enqueue);
	static_call_update(vms_b_dequeue, ops->dequeue);
	static_call_update(vms_b_charge, ops->charge);
	static_call_update(vms_b_block, ops->block);
	static_call_update(vms_b_preempt_in, ops->preempt_in);
}

static void set_calls(enum vms_way set, const struct vmsched_ops *ops)
{
	if (set == VMS_BY_PATCH_A)
		patch_a(ops);
	else
		patch_b(ops);
}

static const struct vmsched_ops **called_by(enum vms_way set)
{
	return &called[set == VMS_BY_PATCH_B];
}

static enum vms_way spare_set(const struct vms_pool *pool)
{
	return pool->way == VMS_BY_PATCH_A ? VMS_BY_PATCH_B : VMS_BY_PATCH_A;
}

/**
 * vms_activate_prepare() - make the calls ready that a switch will turn to
 * @pool: the pool
 * @name: the scheduler; if there is none of that name it is left to the switch
 *	  to say so
 * @activate: enum vmsched_activate
 *
 * Context: the thread that switches; sleeps, vms_mutex not held.
 * Return: 0, or -EBUSY: another pool is activated so.
 */
int vms_activate_prepare(struct vms_pool *pool, const char *name, u32 activate)
{
	enum vms_way set = spare_set(pool);
	const struct vmsched_ops *ops;

	if (activate != VMSCHED_ACTIVATE_PATCH)
		return 0;
	if (patched && patched != pool)
		return -EBUSY;
	ops = vms_sched_get(name);
	if (IS_ERR(ops))
		return 0;
	set_calls(set, ops);
	*called_by(set) = ops;
	return 0;
}

/**
 * vms_activate_find() - which way a switch is to turn to
 * @pool: the pool
 * @ops: the scheduler, pinned
 * @activate: enum vmsched_activate
 * @to: result
 *
 * Context: the thread that switches, vms_mutex held.
 * Return: 0, or -EBUSY: its module was just being loaded or removed at
 * vms_activate_prepare().
 */
int vms_activate_find(struct vms_pool *pool, const struct vmsched_ops *ops,
		      u32 activate, struct vms_activation *to)
{
	lockdep_assert_held(&vms_mutex);
	to->sched_id = vms_sched_id(ops);
	switch (activate) {
	case VMSCHED_ACTIVATE_ID:
		to->way = VMS_BY_ID;
		break;
	case VMSCHED_ACTIVATE_PATCH:
		to->way = spare_set(pool);
		return *called_by(to->way) == ops ? 0 : -EBUSY;
	default:
		to->way = VMS_BY_TABLE;
	}
	return 0;
}

/**
 * vms_activate_settle() - clear the calls that are out of force
 * @pool: the pool that was to be switched
 *
 * Context: the thread that switches; sleeps, vms_mutex not held.
 */
void vms_activate_settle(struct vms_pool *pool)
{
	static const struct vmsched_ops none;
	enum vms_way set;

	if (vms_activated(pool) == VMSCHED_ACTIVATE_PATCH)
		patched = pool;
	else if (patched == pool)
		patched = NULL;
	for (set = VMS_BY_PATCH_A; set <= VMS_BY_PATCH_B; set++) {
		const struct vmsched_ops *ops = *called_by(set);

		if (!ops || (patched && patched->way == set))
			continue;
		set_calls(set, &none);
		*called_by(set) = NULL;
		vms_sched_put(ops);
	}
}
