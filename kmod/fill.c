// SPDX-License-Identifier: GPL-2.0
/*
 * Objects as netlink attributes, for replies and events alike. Only reads.
 * -EMSGSIZE: does not fit into this message, a dump goes on in the next one;
 * -ENOMEM: memory is short.
 */
#include <linux/pid.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "netlink_gen.h"
#include "request.h"
#include "vmsched.h"

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, 0);
}

/* The id of a VM, nothing if it is none. */
static int put_vm(struct sk_buff *skb, int attr, u64 id)
{
	return id ? put_u64(skb, attr, id) : 0;
}

/* A mask as a list of pCPUs; one that is too long ends with what fits. */
static int put_cpus(struct sk_buff *skb, int attr, const struct cpumask *mask)
{
	char *text;
	int err;

	text = kasprintf(GFP_KERNEL, "%*pbl", cpumask_pr_args(mask));
	if (!text)
		return -ENOMEM;
	err = nla_put_string(skb, attr, text);
	kfree(text);
	return err;
}

static int put_params(struct sk_buff *skb, int attr,
		      const struct vmsched_params *p,
		      const struct cpumask *affinity)
{
	struct nlattr *nest = nla_nest_start(skb, attr);
	int err;

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, VMSCHED_A_PARAMS_WEIGHT, p->weight) ||
	    nla_put_u32(skb, VMSCHED_A_PARAMS_CAP, p->cap) ||
	    nla_put_u32(skb, VMSCHED_A_PARAMS_RESERVATION, p->reservation) ||
	    nla_put_u32(skb, VMSCHED_A_PARAMS_PERIOD_US, p->period_us) ||
	    nla_put_u32(skb, VMSCHED_A_PARAMS_BUDGET_US, p->budget_us) ||
	    nla_put_u32(skb, VMSCHED_A_PARAMS_SLICE_US, p->slice_us) ||
	    nla_put_u32(skb, VMSCHED_A_PARAMS_WARP_US, p->warp_us) ||
	    nla_put_u32(skb, VMSCHED_A_PARAMS_WARP_LIMIT_US,
			p->warp_limit_us) ||
	    nla_put_u32(skb, VMSCHED_A_PARAMS_UNWARP_US, p->unwarp_us) ||
	    nla_put_u32(skb, VMSCHED_A_PARAMS_TIME_CRITICAL,
			p->time_critical))
		return -EMSGSIZE;
	if (cpumask_equal(affinity, cpu_possible_mask))
		err = nla_put_string(skb, VMSCHED_A_PARAMS_AFFINITY, "");
	else
		err = put_cpus(skb, VMSCHED_A_PARAMS_AFFINITY, affinity);
	if (err)
		return err;
	nla_nest_end(skb, nest);
	return 0;
}

int vms_fill_sched(struct sk_buff *skb, const struct vmsched_ops *ops,
		   u32 users)
{
	if (nla_put_string(skb, VMSCHED_A_SCHED_NAME, ops->name) ||
	    nla_put_string(skb, VMSCHED_A_SCHED_MODULE,
			   ops->owner ? ops->owner->name : KBUILD_MODNAME) ||
	    nla_put_u32(skb, VMSCHED_A_SCHED_VERSION, ops->version) ||
	    nla_put_u32(skb, VMSCHED_A_SCHED_USERS, users) ||
	    nla_put_u32(skb, VMSCHED_A_SCHED_HONOURS, ops->honours) ||
	    nla_put_string(skb, VMSCHED_A_SCHED_DOC, ops->doc ?: ""))
		return -EMSGSIZE;
	return 0;
}

static int put_requests(struct sk_buff *skb, struct vms_pool *pool)
{
	u64 n[VMS_SOURCES];

	raw_spin_lock_irq(&pool->lock);
	memcpy(n, pool->requests, sizeof(n));
	raw_spin_unlock_irq(&pool->lock);
	return put_u64(skb, VMSCHED_A_POOL_REQUESTS_TIMER, n[VMS_FROM_TIMER]) ?:
	       put_u64(skb, VMSCHED_A_POOL_REQUESTS_CORE, n[VMS_FROM_CORE]) ?:
	       put_u64(skb, VMSCHED_A_POOL_REQUESTS_SERVICE,
		       n[VMS_FROM_SERVICE]) ?:
	       put_u64(skb, VMSCHED_A_POOL_REQUESTS_GUEST, n[VMS_FROM_GUEST]) ?:
	       put_u64(skb, VMSCHED_A_POOL_REQUESTS_LIMITED,
		       atomic64_read(&pool->limited));
}

int vms_fill_pool(struct sk_buff *skb, struct vms_pool *pool)
{
	if (nla_put_string(skb, VMSCHED_A_POOL_NAME, pool->name) ||
	    nla_put_string(skb, VMSCHED_A_POOL_SCHEDULER,
			   pool->inst->ops->name) ||
	    (pool->previous[0] &&
	     nla_put_string(skb, VMSCHED_A_POOL_PREVIOUS, pool->previous)) ||
	    nla_put_u32(skb, VMSCHED_A_POOL_ACTIVATE, vms_activated(pool)) ||
	    nla_put_u32(skb, VMSCHED_A_POOL_VMS, pool->nr_vms) ||
	    nla_put_u32(skb, VMSCHED_A_POOL_VCPUS, pool->nr_vcpus) ||
	    put_u64(skb, VMSCHED_A_POOL_SWITCHES, pool->switches) ||
	    put_u64(skb, VMSCHED_A_POOL_FAILED_SWITCHES,
		    pool->failed_switches) ||
	    put_u64(skb, VMSCHED_A_POOL_CEASE_NS, pool->cease_ns) ||
	    put_u64(skb, VMSCHED_A_POOL_BLACKOUT_NS, pool->blackout_ns) ||
	    put_vm(skb, VMSCHED_A_POOL_CONSOLE_OWNER, pool->console_owner) ||
	    put_requests(skb, pool))
		return -EMSGSIZE;
	return put_cpus(skb, VMSCHED_A_POOL_CPUS, &pool->online);
}

/* @pid: that of the VMM in the namespace of whoever gets the message. */
int vms_fill_vm(struct sk_buff *skb, struct vms_vm *vm, pid_t pid)
{
	struct vmsched_params params = vm->params;
	bool critical = READ_ONCE(vm->critical);
	struct vms_usage use;

	/* What the user has said comes before what the guest says. */
	if (!(vm->set & BIT(VMSCHED_A_PARAMS_TIME_CRITICAL)))
		params.time_critical = critical;
	vms_vm_usage(vm, &use);
	if (put_u64(skb, VMSCHED_A_VM_ID, vm->id) ||
	    nla_put_u32(skb, VMSCHED_A_VM_PID, pid) ||
	    nla_put_string(skb, VMSCHED_A_VM_COMM, vm->comm) ||
	    nla_put_string(skb, VMSCHED_A_VM_POOL, vm->pool->name) ||
	    nla_put_u32(skb, VMSCHED_A_VM_VCPUS, vm->nr_vcpus) ||
	    put_u64(skb, VMSCHED_A_VM_RUN_NS, use.run_ns) ||
	    put_u64(skb, VMSCHED_A_VM_GUEST_NS, use.guest_ns) ||
	    put_u64(skb, VMSCHED_A_VM_USER_NS, use.user_ns) ||
	    put_u64(skb, VMSCHED_A_VM_WAIT_NS, use.wait_ns) ||
	    put_u64(skb, VMSCHED_A_VM_SWITCHES, use.grants) ||
	    put_u64(skb, VMSCHED_A_VM_EXITS, use.exits) ||
	    nla_put_u32(skb, VMSCHED_A_VM_GUEST_CRITICAL, critical))
		return -EMSGSIZE;
	return put_params(skb, VMSCHED_A_VM_PARAMS, &params, &vm->affinity);
}

static int put_user_mask(struct sk_buff *skb, struct vms_vcpu *v)
{
	cpumask_var_t mask;
	int err;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	vms_apply_user_mask(v, mask);
	err = put_cpus(skb, VMSCHED_A_VCPU_MASK, mask);
	free_cpumask_var(mask);
	return err;
}

int vms_fill_vcpu(struct sk_buff *skb, struct vms_vcpu *v)
{
	struct vms_usage use;
	int err;

	vms_vcpu_usage(v, &use);
	if (put_u64(skb, VMSCHED_A_VCPU_VM_ID, v->vm->id) ||
	    nla_put_u32(skb, VMSCHED_A_VCPU_INDEX, v->index) ||
	    nla_put_u32(skb, VMSCHED_A_VCPU_TID, task_pid_vnr(v->task)) ||
	    nla_put_u32(skb, VMSCHED_A_VCPU_STATE, vms_vcpu_state(v)) ||
	    nla_put_u32(skb, VMSCHED_A_VCPU_CPU, task_cpu(v->task)) ||
	    put_u64(skb, VMSCHED_A_VCPU_RUN_NS, use.run_ns) ||
	    put_u64(skb, VMSCHED_A_VCPU_GUEST_NS, use.guest_ns) ||
	    put_u64(skb, VMSCHED_A_VCPU_USER_NS, use.user_ns) ||
	    put_u64(skb, VMSCHED_A_VCPU_WAIT_NS, use.wait_ns) ||
	    put_u64(skb, VMSCHED_A_VCPU_SWITCHES, use.grants) ||
	    put_u64(skb, VMSCHED_A_VCPU_EXITS, use.exits) ||
	    put_u64(skb, VMSCHED_A_VCPU_MIGRATIONS, v->migrations))
		return -EMSGSIZE;
	err = put_params(skb, VMSCHED_A_VCPU_PARAMS, &v->params, v->affinity);
	return err ?: put_user_mask(skb, v);
}

int vms_fill_switch(struct sk_buff *skb, const struct vms_switch *req)
{
	if (nla_put_string(skb, VMSCHED_A_SWITCH_FROM, req->from) ||
	    nla_put_string(skb, VMSCHED_A_SWITCH_TO, req->to) ||
	    nla_put_string(skb, VMSCHED_A_SWITCH_POOL, req->pool) ||
	    nla_put_u32(skb, VMSCHED_A_SWITCH_ACTIVATE, req->activate) ||
	    put_u64(skb, VMSCHED_A_SWITCH_CEASE_NS, req->cease_ns) ||
	    put_u64(skb, VMSCHED_A_SWITCH_BLACKOUT_NS, req->blackout_ns) ||
	    nla_put_u32(skb, VMSCHED_A_SWITCH_VCPUS, req->vcpus) ||
	    put_u64(skb, VMSCHED_A_SWITCH_CONSOLE_NS, req->console_ns) ||
	    nla_put_u32(skb, VMSCHED_A_SWITCH_CONSOLE_LATE, req->console_late) ||
	    (req->err &&
	     (nla_put_u32(skb, VMSCHED_A_SWITCH_ERROR, -req->err) ||
	      nla_put_string(skb, VMSCHED_A_SWITCH_WHY, req->why))) ||
	    (req->late[0] &&
	     nla_put_string(skb, VMSCHED_A_SWITCH_LATE, req->late)))
		return -EMSGSIZE;
	return 0;
}

int vms_fill_fault(struct sk_buff *skb, struct vms_pool *pool)
{
	const struct vms_fault_report *r = &pool->fault;

	if (nla_put_string(skb, VMSCHED_A_FAULT_POOL, pool->name) ||
	    nla_put_u32(skb, VMSCHED_A_FAULT_COUNT, pool->faults))
		return -EMSGSIZE;
	if (!pool->faults)
		return 0;
	if (nla_put_u32(skb, VMSCHED_A_FAULT_KIND, r->kind) ||
	    nla_put_string(skb, VMSCHED_A_FAULT_SCHEDULER, r->scheduler) ||
	    nla_put_string(skb, VMSCHED_A_FAULT_MESSAGE, r->why) ||
	    put_u64(skb, VMSCHED_A_FAULT_TIME_NS, r->at) ||
	    put_u64(skb, VMSCHED_A_FAULT_BYPASS_NS, r->bypass_ns) ||
	    nla_put_string(skb, VMSCHED_A_FAULT_TO, r->to) ||
	    nla_put_string(skb, VMSCHED_A_FAULT_TRACE, r->trace) ||
	    nla_put_string(skb, VMSCHED_A_FAULT_DUMP, r->dump))
		return -EMSGSIZE;
	return 0;
}

int vms_fill_owner(struct sk_buff *skb, struct vms_pool *pool, u64 old,
		   enum vmsched_owner_why why)
{
	if (nla_put_string(skb, VMSCHED_A_OWNER_POOL, pool->name) ||
	    put_vm(skb, VMSCHED_A_OWNER_OLD, old) ||
	    put_vm(skb, VMSCHED_A_OWNER_NEW, pool->console_owner) ||
	    nla_put_u32(skb, VMSCHED_A_OWNER_WHY, why))
		return -EMSGSIZE;
	return 0;
}

int vms_fill_request(struct sk_buff *skb, const struct vms_request *req)
{
	if (nla_put_u32(skb, VMSCHED_A_REQUEST_KIND, req->kind) ||
	    put_u64(skb, VMSCHED_A_REQUEST_VM_ID, req->vm_id) ||
	    nla_put_u32(skb, VMSCHED_A_REQUEST_WEIGHT, req->weight) ||
	    nla_put_u32(skb, VMSCHED_A_REQUEST_HANDLED, req->handled) ||
	    nla_put_u32(skb, VMSCHED_A_REQUEST_REASON, req->reason) ||
	    nla_put_u32(skb, VMSCHED_A_REQUEST_VCPUS, req->vcpus) ||
	    nla_put_u32(skb, VMSCHED_A_REQUEST_SHARE, req->share) ||
	    nla_put_string(skb, VMSCHED_A_REQUEST_POOL, req->pool) ||
	    put_vm(skb, VMSCHED_A_REQUEST_CONSOLE_OWNER, req->console_owner) ||
	    nla_put_string(skb, VMSCHED_A_REQUEST_PCPUS, req->pcpus))
		return -EMSGSIZE;
	return 0;
}
