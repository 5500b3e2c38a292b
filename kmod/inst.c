// SPDX-License-Identifier: GPL-2.0
/*
 * Life of an instance (one scheduler at work in one pool) and of the view
 * that it has of a vCPU. Allocates all memory that a scheduler needs, so that
 * no scheduler has to, and none can fail for lack of it after a switch began.
 *
 * May not know threads, KVM or switches.
 */
#include <linux/error-injection.h>
#include <linux/slab.h>

#include "vmsched.h"

/*
 * What a requester is told of the errno of a scheduler. It may answer nonsense, and
 * what asks for another try, or to load it first, is not for it to say.
 */
static int refusal(int err)
{
	if (err >= 0 || err < -MAX_ERRNO)
		return -EPROTO;
	switch (err) {
	case -EAGAIN:
	case -EBUSY:
	case -EINTR:
	case -ENOENT:
	case -ETIMEDOUT:
		return -EPROTO;
	default:
		return err;
	}
}

static void free_blobs(struct vmsched_inst *inst)
{
	int cpu;

	if (inst->pcpu)
		for_each_possible_cpu(cpu)
			kfree(inst->pcpu[cpu]);
	kfree(inst->pcpu);
	kfree(inst->priv);
	vms_fault_destroy(inst);
	kfree(inst);
}

static int alloc_blobs(struct vmsched_inst *inst)
{
	int cpu;

	inst->priv = kzalloc(max_t(size_t, inst->ops->inst_size, 8), GFP_KERNEL);
	inst->pcpu = kcalloc(nr_cpu_ids, sizeof(void *), GFP_KERNEL);
	if (!inst->priv || !inst->pcpu)
		return -ENOMEM;

	for_each_possible_cpu(cpu) {
		inst->pcpu[cpu] = kzalloc_node(max_t(size_t, inst->ops->pcpu_size, 8),
					       GFP_KERNEL, cpu_to_node(cpu));
		if (!inst->pcpu[cpu])
			return -ENOMEM;
	}
	return 0;
}

/**
 * vms_inst_create() - make an instance of a scheduler
 * @ops: the scheduler, pinned by the caller for as long as the instance lives
 * @pool: the pool that it is meant for
 *
 * Context: process, may sleep.
 * Return: the instance, not yet active, or an ERR_PTR.
 */
struct vmsched_inst *vms_inst_create(const struct vmsched_ops *ops,
				     struct vms_pool *pool)
{
	struct vmsched_inst *inst;
	int err;

	inst = kzalloc(sizeof(*inst), GFP_KERNEL);
	if (!inst)
		return ERR_PTR(-ENOMEM);
	inst->ops = ops;
	inst->cpus = &pool->online;

	err = vms_fault_create(inst, pool) ?: alloc_blobs(inst);
	if (err)
		goto err_free;
	err = ops->init(inst);
	if (err || !vms_may_call(inst))
		goto err_exit;
	return inst;

err_exit:
	vms_evict_refused(pool, inst, "init", err);
	ops->exit(inst);
err_free:
	free_blobs(inst);
	return ERR_PTR(refusal(err));
}
ALLOW_ERROR_INJECTION(vms_inst_create, ERRNO);

/**
 * vms_inst_destroy() - free an instance that is not active
 * @inst: all views of vCPUs are destroyed already
 */
void vms_inst_destroy(struct vmsched_inst *inst)
{
	inst->ops->exit(inst);
	free_blobs(inst);
}

/**
 * vms_ent_create() - make the view that an instance has of a vCPU
 * @inst: the instance, active or not
 * @v: the vCPU
 * @allowed: pCPUs that it may use there; ent->allowed is that, so they must last
 * @cpu: in whose queue it begins
 *
 * Context: process, may sleep; vms_mutex held.
 * Return: the view or an ERR_PTR.
 */
struct vmsched_vcpu *vms_ent_create(struct vmsched_inst *inst, struct vms_vcpu *v,
				    const struct cpumask *allowed, int cpu)
{
	struct vmsched_vcpu *ent;
	int err;

	lockdep_assert_held(&vms_mutex);
	inst->fault->refusal[0] = '\0';

	ent = kzalloc(struct_size(ent, priv,
				  DIV_ROUND_UP(inst->ops->vcpu_size, sizeof(u64))),
		      GFP_KERNEL_ACCOUNT);
	if (!ent)
		return ERR_PTR(-ENOMEM);

	ent->inst = inst;
	ent->core = v;
	ent->vm_id = v->vm->id;
	ent->index = v->index;
	ent->cpu = cpu;
	ent->allowed = allowed;
	ent->params = v->params;

	err = inst->ops->vcpu_init(inst, ent);
	if (err) {
		/*
		 * One that is in force goes on without this vCPU, and to refuse what
		 * there is not enough of is no fault.
		 */
		if (inst != inst->fault->pool->inst && !inst->fault->refusal[0])
			vms_evict_refused(v->vm->pool, inst, "vcpu_init", err);
		kfree(ent);
		return ERR_PTR(refusal(err));
	}
	return ent;
}
ALLOW_ERROR_INJECTION(vms_ent_create, ERRNO);

/**
 * vms_ent_admit() - ask the scheduler whether a vCPU may have parameters
 * @v: attached vCPU
 * @params: all that it is to have
 *
 * If so, they must be set, or it must be asked for the former ones.
 *
 * Context: process, may sleep; vms_mutex held.
 * Return: 0, or a negative errno; why is in the refusal of the instance, or it is "".
 */
int vms_ent_admit(struct vms_vcpu *v, const struct vmsched_params *params)
{
	struct vmsched_inst *inst = v->ent->inst;
	int err;

	lockdep_assert_held(&vms_mutex);
	inst->fault->refusal[0] = '\0';
	if (!inst->ops->admit || !vms_may_call(inst))
		return 0;
	err = inst->ops->admit(inst, v->ent, params);
	return err ? refusal(err) : 0;
}

void vms_ent_destroy(struct vmsched_vcpu *ent)
{
	ent->inst->ops->vcpu_exit(ent->inst, ent);
	/* Should its scheduler come back with it, it shall not look like one. */
	ent->inst = NULL;
	kfree(ent);
}

/* The one that was made for a change of scheduler or pool, if any. Context: as above. */
void vms_ent_destroy_next(struct vms_vcpu *v)
{
	if (v->next_ent)
		vms_ent_destroy(v->next_ent);
	v->next_ent = NULL;
}
