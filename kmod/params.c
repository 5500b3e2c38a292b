// SPDX-License-Identifier: GPL-2.0
/*
 * Neutral parameters of VMs and vCPUs: their ranges, and how they are set.
 * All that a message asks for is checked first; then all of it is done.
 *
 * Locking: vms_mutex held; the pool lock for what schedulers see.
 */
#include <linux/cpumask.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "activate.h"
#include "netlink_gen.h"
#include "notify.h"
#include "request.h"
#include "vmsched.h"

/* Ranges in the unit of the attribute; zero_ok: 0 stands for "none" too. */
static const struct limits {
	const char *name;
	u32 min;
	u32 max;
	u16 offset;
	bool zero_ok;
} ranges[VMSCHED_A_PARAMS_MAX + 1] = {
#define RANGE(attr, name, field, lo, hi, zero)				\
	[VMSCHED_A_PARAMS_##attr] = { name, lo, hi,			\
		offsetof(struct vmsched_params, field), zero },
#include <vmsched/ranges.h>
};

/* What a message asks for. */
struct wish {
	struct vmsched_params params;
	cpumask_var_t affinity;
	u32 set;	/* bit N: attribute N is given */
};

void vms_params_default(struct vmsched_params *p)
{
	memset(p, 0, sizeof(*p));
	p->weight = VMSCHED_WEIGHT_DFL;
}

static u32 *field(struct vmsched_params *p, unsigned int attr)
{
	return (void *)p + ranges[attr].offset;
}

static int take_number(struct wish *wish, unsigned int attr,
		       const struct nlattr *nla, struct netlink_ext_ack *extack)
{
	const struct limits *r = &ranges[attr];
	u32 value = nla_get_u32(nla);

	if ((value < r->min || value > r->max) && !(r->zero_ok && !value)) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, nla, "%s %u outside %s%u..%u",
					r->name, value,
					r->zero_ok && r->min ? "0 or " : "",
					r->min, r->max);
		return -ERANGE;
	}
	*field(&wish->params, attr) = value;
	return 0;
}

static int take_affinity(struct wish *wish, const struct nlattr *nla,
			 const struct vms_pool *pool,
			 struct netlink_ext_ack *extack)
{
	const char *list = nla_data(nla);

	if (!*list) {
		cpumask_copy(wish->affinity, cpu_possible_mask);
		return 0;
	}
	if (cpulist_parse(list, wish->affinity)) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, nla,
					"affinity is not a list like 0-3,8 of pCPUs below %u",
					nr_cpu_ids);
		return -EINVAL;
	}
	if (!cpumask_intersects(wish->affinity, &pool->cpus)) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, nla,
					"affinity has no pCPU of pool %s, which has %*pbl",
					pool->name,
					cpumask_pr_args(&pool->cpus));
		return -EINVAL;
	}
	return 0;
}

static int take_all(struct wish *wish, const struct vms_pool *pool,
		    struct nlattr *nest, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[VMSCHED_A_PARAMS_MAX + 1];
	unsigned int attr;
	int err;

	err = nla_parse_nested(tb, VMSCHED_A_PARAMS_MAX, nest,
			       vmsched_params_nl_policy, extack);
	if (err)
		return err;
	for (attr = 1; attr <= VMSCHED_A_PARAMS_MAX; attr++) {
		if (!tb[attr])
			continue;
		if (attr == VMSCHED_A_PARAMS_AFFINITY)
			err = take_affinity(wish, tb[attr], pool, extack);
		else
			err = take_number(wish, attr, tb[attr], extack);
		if (err)
			return err;
		wish->set |= BIT(attr);
	}
	if (!wish->set) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "no parameter to set");
		return -EINVAL;
	}
	if (wish->params.budget_us > wish->params.period_us) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, nest,
					"budget-us %u exceeds period-us %u",
					wish->params.budget_us,
					wish->params.period_us);
		return -EINVAL;
	}
	return 0;
}

static void copy_set(struct vmsched_params *to,
		     const struct vmsched_params *from, u32 which)
{
	unsigned int attr;

	for (attr = 1; attr < VMSCHED_A_PARAMS_AFFINITY; attr++)
		if (which & BIT(attr))
			*field(to, attr) =
				*field((struct vmsched_params *)from, attr);
}

/* Shares are no promise: a scheduler cannot refuse them. */
#define PROMISES	~BIT(VMSCHED_A_PARAMS_WEIGHT)

static int refuse(const struct vms_vcpu *v, struct nlattr *nest,
		  struct netlink_ext_ack *extack, int err)
{
	const struct vmsched_inst *inst = v->ent->inst;

	NL_SET_ERR_MSG_ATTR_FMT(extack, nest, "%s, vCPU %u: %s", inst->ops->name,
				v->index, inst->fault->refusal[0] ?
				inst->fault->refusal : "refused");
	return err;
}

/* May one vCPU have what is given? Then it must be put into force, or taken back. */
static int admit_one(struct vms_vcpu *v, const struct wish *wish, u32 which,
		     struct nlattr *nest, struct netlink_ext_ack *extack)
{
	struct vmsched_params p = v->params;
	int err;

	if (!(which & PROMISES))
		return 0;
	copy_set(&p, &wish->params, which);
	err = vms_ent_admit(v, &p);
	return err ? refuse(v, nest, extack, err) : 0;
}

/* The same for all of a VM: none has it if one may not. */
static int admit_all(struct vms_vm *vm, const struct wish *wish, struct nlattr *nest,
		     struct netlink_ext_ack *extack)
{
	struct vms_vcpu *v;
	int err;

	list_for_each_entry(v, &vm->vcpus, vm_node) {
		err = admit_one(v, wish, wish->set & ~v->own, nest, extack);
		if (!err)
			continue;
		list_for_each_entry_continue_reverse(v, &vm->vcpus, vm_node)
			vms_ent_admit(v, &v->params);
		return err;
	}
	return 0;
}

/**
 * vms_params_enforce() - let the scheduler of a vCPU have its parameters
 * @v: attached vCPU, with what it is to have
 *
 * Context: process, vms_mutex held.
 */
void vms_params_enforce(struct vms_vcpu *v)
{
	struct vms_pool *pool = v->vm->pool;
	u64 now;

	lockdep_assert_held(&vms_mutex);
	raw_spin_lock_irq(&pool->lock);
	now = vms_now();
	/* What it has run until now counts by what it had. */
	if (pool->managed && v->state == VMS_GRANTED)
		__vms_charge(v, now);
	__vms_weigh(v, v->params.weight - (s64)v->ent->params.weight);
	v->ent->params = v->params;
	__vms_sched_set_params(pool, v->ent, now);
	raw_spin_unlock_irq(&pool->lock);
}

/* Put what is given into force for one vCPU. Cannot fail. */
static void apply(struct vms_vcpu *v, const struct wish *wish, u32 which)
{
	copy_set(&v->params, &wish->params, which);
	vms_params_enforce(v);

	if (which & BIT(VMSCHED_A_PARAMS_AFFINITY)) {
		mutex_lock(&v->mask_lock);
		cpumask_copy(v->affinity, wish->affinity);
		mutex_unlock(&v->mask_lock);
		vms_apply_refresh(v);
	}
}

/*
 * To another pool, whose scheduler looks at what the VM is to have there, and imports it
 * with that. What is in force is what the view of the present one has.
 */
static int move(struct vms_vm *vm, const struct wish *wish, struct vms_pool *to,
		const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	bool affine = wish->set & BIT(VMSCHED_A_PARAMS_AFFINITY);
	struct vms_vcpu *v;
	int err;

	list_for_each_entry(v, &vm->vcpus, vm_node)
		copy_set(&v->params, &wish->params, wish->set & ~v->own);
	err = vms_pool_move(vm, to, affine ? wish->affinity : NULL, attr, extack);
	if (!err)
		return 0;
	list_for_each_entry(v, &vm->vcpus, vm_node)
		v->params = v->ent->params;
	return err;
}

/* A vCPU that has one of the two as its own may not fit to the other of its VM. */
static int check_budgets(struct vms_vm *vm, const struct wish *wish,
			 struct nlattr *nest, struct netlink_ext_ack *extack)
{
	struct vmsched_params p;
	struct vms_vcpu *v;

	list_for_each_entry(v, &vm->vcpus, vm_node) {
		p = v->params;
		copy_set(&p, &wish->params, wish->set & ~v->own);
		if (p.budget_us <= p.period_us)
			continue;
		NL_SET_ERR_MSG_ATTR_FMT(extack, nest,
					"vCPU %u: budget-us %u would exceed period-us %u",
					v->index, p.budget_us, p.period_us);
		return -EINVAL;
	}
	return 0;
}

/**
 * vms_params_set_vm() - set parameters of a VM, and its pool
 * @vm: the VM
 * @nest: attributes VMSCHED_A_PARAMS_*, or NULL
 * @to: its pool from now on, or the one that it is in
 * @attr: attribute that asks for that
 * @extack: says what is wrong
 *
 * They count for all its vCPUs but those that have the same one set as their
 * own. On an error nothing is changed.
 *
 * Context: process, vms_mutex held; for another pool in vms_pool_run().
 * Return: 0, -ERANGE, -EINVAL, -ENOMEM, what the scheduler answers that refuses it, or
 * what vms_pool_move() answers.
 */
int vms_params_set_vm(struct vms_vm *vm, struct nlattr *nest, struct vms_pool *to,
		      const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	struct wish wish = { .params = vm->params };
	bool moves = vm->pool != to;
	struct vms_vcpu *v;
	int err = 0;

	lockdep_assert_held(&vms_mutex);
	if (!zalloc_cpumask_var(&wish.affinity, GFP_KERNEL)) {
		NL_SET_ERR_MSG(extack, "out of memory");
		return -ENOMEM;
	}
	if (nest)
		err = take_all(&wish, to, nest, extack) ?:
		      check_budgets(vm, &wish, nest, extack);
	if (!err)
		err = moves ? move(vm, &wish, to, attr, extack) :
			      admit_all(vm, &wish, nest, extack);
	if (err)
		goto out;

	copy_set(&vm->params, &wish.params, wish.set);
	if (wish.set & BIT(VMSCHED_A_PARAMS_AFFINITY))
		cpumask_copy(&vm->affinity, wish.affinity);
	list_for_each_entry(v, &vm->vcpus, vm_node)
		apply(v, &wish, wish.set & ~v->own);
	vm->set |= wish.set;
	if (moves)
		vms_notify_vm(VMSCHED_CMD_VM_SET_NTF, vm);
out:
	free_cpumask_var(wish.affinity);
	return err;
}

/* The same for one parameter, from a request; @weight is within its range. */
void vms_params_set_weight(struct vms_vm *vm, u32 weight)
{
	const struct wish wish = { .params.weight = weight };
	const u32 which = BIT(VMSCHED_A_PARAMS_WEIGHT);
	struct vms_vcpu *v;

	lockdep_assert_held(&vms_mutex);
	vm->params.weight = weight;
	list_for_each_entry(v, &vm->vcpus, vm_node)
		if (!(v->own & which))
			apply(v, &wish, which);
}

/**
 * vms_params_set_vcpu() - set parameters of one vCPU
 * @v: attached vCPU
 * @nest: attributes VMSCHED_A_PARAMS_*
 * @extack: says what is wrong
 *
 * Context: process, vms_mutex held.
 * Return: as vms_params_set_vm().
 */
int vms_params_set_vcpu(struct vms_vcpu *v, struct nlattr *nest,
			struct netlink_ext_ack *extack)
{
	struct wish wish = { .params = v->params };
	int err;

	lockdep_assert_held(&vms_mutex);
	if (!zalloc_cpumask_var(&wish.affinity, GFP_KERNEL)) {
		NL_SET_ERR_MSG(extack, "out of memory");
		return -ENOMEM;
	}
	err = take_all(&wish, v->vm->pool, nest, extack);
	if (err)
		goto out;
	err = admit_one(v, &wish, wish.set, nest, extack);
	if (err)
		goto out;
	v->own |= wish.set;
	apply(v, &wish, wish.set);
out:
	free_cpumask_var(wish.affinity);
	return err;
}
