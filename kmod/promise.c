// SPDX-License-Identifier: GPL-2.0
/*
 * What a scheduler has promised to vCPUs (reservations, budgets), where that does not
 * depend on their parameters alone: when a pool loses pCPUs, or one more vCPU comes.
 *
 * Locking: vms_mutex throughout.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "request.h"
#include "vmsched.h"

static bool is_promised(const struct vms_vcpu *v)
{
	return v->params.reservation || v->params.budget_us;
}

static bool anybody(const struct vms_pool *pool)
{
	const struct vms_vcpu *v;

	if (!pool->managed || !pool->inst->ops->admit)
		return false;
	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (is_promised(v))
			return true;
	return false;
}

static int try_all(struct vms_pool *pool, struct vmsched_inst *inst)
{
	struct vmsched_vcpu *ent;
	struct vms_vcpu *v;

	list_for_each_entry(v, &pool->vcpus, pool_node) {
		ent = vms_ent_create(inst, v, v->next_allowed,
				     cpumask_first(v->next_allowed));
		if (IS_ERR(ent))
			return PTR_ERR(ent);
		v->next_ent = ent;
	}
	return 0;
}

/**
 * vms_promise_try() - would its scheduler promise all that a pool has with other pCPUs?
 * @pool: the pool; vms_apply_plan() was done for each of its vCPUs
 * @left: those that would be online
 * @why: VMS_REFUSAL_MAX bytes: what it says if not, or ""
 *
 * Another instance of it is asked, which is never in force.
 *
 * Context: process, may sleep; vms_mutex held.
 * Return: 0 or a negative errno.
 */
int vms_promise_try(struct vms_pool *pool, const struct cpumask *left, char *why)
{
	struct vmsched_inst *inst;
	struct vms_vcpu *v;
	int err;

	lockdep_assert_held(&vms_mutex);
	why[0] = '\0';
	if (!anybody(pool) || cpumask_subset(&pool->online, left))
		return 0;
	inst = vms_inst_create(pool->inst->ops, pool);
	if (IS_ERR(inst))
		return PTR_ERR(inst);
	inst->cpus = left;
	err = try_all(pool, inst);
	if (err)
		strscpy(why, inst->fault->refusal, VMS_REFUSAL_MAX);
	list_for_each_entry(v, &pool->vcpus, pool_node)
		vms_ent_destroy_next(v);
	vms_inst_destroy(inst);
	return err;
}

/**
 * vms_promise_drop() - a vCPU goes on without a promise of its own
 * @v: the vCPU, whose scheduler has just refused it one
 *
 * Others of its VM keep theirs. Counts as if it had been set for this vCPU.
 *
 * Context: process; vms_mutex held.
 */
void vms_promise_drop(struct vms_vcpu *v)
{
	const struct vmsched_inst *inst = v->vm->pool->inst;

	lockdep_assert_held(&vms_mutex);
	pr_notice_ratelimited("vCPU %llu/%u has no reservation: %s: %s\n", v->vm->id,
			      v->index, inst->ops->name, inst->fault->refusal);
	v->params.reservation = 0;
	v->params.period_us = 0;
	v->params.budget_us = 0;
	v->own |= BIT(VMSCHED_A_PARAMS_RESERVATION) | BIT(VMSCHED_A_PARAMS_PERIOD_US) |
		  BIT(VMSCHED_A_PARAMS_BUDGET_US);
}

/**
 * vms_promise_renew() - a pool has other pCPUs: promises may have to move to them
 * @pool: the pool, for which vms_promise_try() was done
 *
 * All fit, as that was found out; but one by one, beside those that stay where they
 * are, some may not.
 *
 * Context: process, may sleep; vms_mutex held.
 */
void vms_promise_renew(struct vms_pool *pool)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&vms_mutex);
	if (!anybody(pool))
		return;
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		if (!is_promised(v))
			continue;
		if (vms_ent_admit(v, &v->params)) {
			vms_promise_drop(v);
			vms_ent_admit(v, &v->params);
		}
		vms_params_enforce(v);
	}
}
