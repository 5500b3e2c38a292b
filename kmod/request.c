// SPDX-License-Identifier: GPL-2.0
/*
 * Requests on behalf of a VM from outside of the run loop, each answered with
 * feedback: whether it was handled and why, who owns the console and the pCPUs
 * now, and what priority and share the VM has.
 *
 * Knows what is asked for, not how it is done: that is left to owner.c for
 * consoles, params.c for priorities, yield.c for grants.
 *
 * Locking: vms_mutex, so that no scheduler is changed meanwhile, and the pool
 * lock for grants.
 */
#include <linux/kernel.h>

#include "request.h"
#include "vmsched.h"

static int refuse(struct vms_request *req, int err, u32 attr, const char *why)
{
	req->attr = attr;
	strscpy(req->why, why, sizeof(req->why));
	return err;
}

static void answer(struct vms_request *req, enum vmsched_request_reason reason)
{
	req->reason = reason;
	req->handled = vms_is_handled(reason);
}

/**
 * __vms_share() - part of its pool that a VM has while all others want theirs
 * @vm: the VM; lock of its pool held, or a look without is good enough
 *
 * Return: permille, by the weights of all vCPUs.
 */
u32 __vms_share(const struct vms_vm *vm)
{
	u64 all = READ_ONCE(READ_ONCE(vm->pool)->weights);

	/* Without the lock the one may be newer than the other. */
	return all ? min(div64_u64(READ_ONCE(vm->weights) * 1000, all), 1000) : 0;
}

/* "pCPU:VM/vCPU" for each pCPU where the VM is; a list too long ends early. */
static void __fill_holders(struct vms_request *req, const struct vms_vm *vm)
{
	static struct cpumask told;	/* under vms_mutex */
	size_t used = 0, left = sizeof(req->pcpus);
	const struct vms_vcpu *v, *cur;
	int n;

	lockdep_assert_held(&vms_mutex);
	cpumask_clear(&told);
	list_for_each_entry(v, &vm->vcpus, vm_node) {
		if (v->cpu < 0 || cpumask_test_and_set_cpu(v->cpu, &told))
			continue;
		cur = vms_pcpu(v->cpu)->cur;
		n = cur ? snprintf(req->pcpus + used, left, "%s%d:%llu/%u",
				   used ? "," : "", v->cpu, cur->vm->id,
				   cur->index) :
			  snprintf(req->pcpus + used, left, "%s%d:-",
				   used ? "," : "", v->cpu);
		if (n >= left) {
			req->pcpus[used] = '\0';
			return;
		}
		used += n;
		left -= n;
	}
}

static void fill_feedback(struct vms_request *req, const struct vms_vm *vm)
{
	struct vms_pool *pool = vm->pool;

	strscpy(req->pool, pool->name, sizeof(req->pool));
	req->console_owner = pool->console_owner;
	req->weight = vm->params.weight;
	raw_spin_lock_irq(&pool->lock);
	pool->requests[VMS_FROM_SERVICE]++;
	req->share = __vms_share(vm);
	if (pool->managed)
		__fill_holders(req, vm);
	raw_spin_unlock_irq(&pool->lock);
}

/* All its vCPUs that hold a grant now give it up, none gives up a sibling's. */
static void run_yield(struct vms_request *req, struct vms_vm *vm)
{
	enum vmsched_request_reason reason = VMSCHED_REQUEST_REASON_NO_GRANT;
	struct vms_pool *pool = vm->pool;
	struct vms_vcpu *v;
	u64 now;

	raw_spin_lock_irq(&pool->lock);
	now = vms_now();
	if (!pool->managed)
		reason = VMSCHED_REQUEST_REASON_NATIVE;
	list_for_each_entry(v, &vm->vcpus, vm_node)
		v->yields = v->state == VMS_GRANTED;
	list_for_each_entry(v, &vm->vcpus, vm_node) {
		if (!pool->managed || !v->yields)
			continue;
		reason = __vms_yield(v, NULL, now);
		req->vcpus += reason == VMSCHED_REQUEST_REASON_DONE;
	}
	raw_spin_unlock_irq(&pool->lock);
	answer(req, req->vcpus ? VMSCHED_REQUEST_REASON_DONE : reason);
}

static void run_owner(struct vms_request *req, struct vms_vm *vm)
{
	struct vms_pool *pool = vm->pool;
	struct vms_vcpu *v;

	answer(req, vms_owner_set(vm) ? VMSCHED_REQUEST_REASON_DONE :
					VMSCHED_REQUEST_REASON_UNCHANGED);
	raw_spin_lock_irq(&pool->lock);
	list_for_each_entry(v, &vm->vcpus, vm_node)
		req->vcpus += __vms_prefer(v);
	raw_spin_unlock_irq(&pool->lock);
}

static void run_prio(struct vms_request *req, struct vms_vm *vm)
{
	if (!req->has_weight || req->weight == vm->params.weight) {
		answer(req, VMSCHED_REQUEST_REASON_UNCHANGED);
		return;
	}
	vms_params_set_weight(vm, req->weight);
	answer(req, VMSCHED_REQUEST_REASON_DONE);
}

static int run_locked(struct vms_request *req)
{
	struct vms_vm *vm = vms_vm_find(req->vm_id);

	if (!vm)
		return refuse(req, -ENOENT, VMSCHED_A_REQUEST_VM_ID,
			      "no VM has that id");
	switch (req->kind) {
	case VMSCHED_REQUEST_KIND_YIELD:
		run_yield(req, vm);
		break;
	case VMSCHED_REQUEST_KIND_OWNER:
		run_owner(req, vm);
		break;
	default:
		run_prio(req, vm);
	}
	fill_feedback(req, vm);
	return 0;
}

static int check(struct vms_request *req)
{
	if (!req->has_weight)
		return 0;
	if (req->kind != VMSCHED_REQUEST_KIND_PRIO)
		return refuse(req, -EINVAL, VMSCHED_A_REQUEST_WEIGHT,
			      "a weight is for requests of the kind prio");
	if (req->weight < VMSCHED_WEIGHT_MIN ||
	    req->weight > VMSCHED_WEIGHT_MAX)
		return refuse(req, -ERANGE, VMSCHED_A_REQUEST_WEIGHT,
			      "weight outside 1.." __stringify(VMSCHED_WEIGHT_MAX));
	return 0;
}

/**
 * vms_request_run() - handle a request of the service side
 * @req: request, and feedback
 *
 * Context: process, may sleep; vms_mutex not held.
 * Return: 0, handled or not, or a negative errno with the reason in @req->why.
 */
int vms_request_run(struct vms_request *req)
{
	bool owner = req->kind == VMSCHED_REQUEST_KIND_OWNER;
	int err = check(req);

	if (err)
		return err;
	err = owner ? vms_owner_begin() : 0;
	if (err)
		return refuse(req, err, 0,
			      "it cannot be seen when guests fail");
	mutex_lock(&vms_mutex);
	err = run_locked(req);
	mutex_unlock(&vms_mutex);
	if (owner)
		vms_owner_end(err);
	return err;
}
