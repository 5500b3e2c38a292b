// SPDX-License-Identifier: GPL-2.0
/*
 * What users ask of pools: that there is another one, which pCPUs it has, that it
 * goes, and that a VM changes to it. All that could be wrong is looked at first.
 *
 * It is done by the thread that switches, so that no switch is under way, and nothing
 * that runs here can starve it. But for directories of sysfs: they are made and
 * removed in the thread of who asks, as who writes there waits for that one.
 *
 * Locking: pools_mutex, outermost, from the begin to the end of a pool; vms_mutex.
 */
#include <linux/completion.h>
#include <linux/ctype.h>
#include <net/netlink.h>

#include "cease.h"
#include "compat.h"
#include "console.h"
#include "request.h"
#include "vmsched.h"

static DEFINE_MUTEX(pools_mutex);	/* see above */

/*
 * Under vms_mutex, as they are too large for a stack: what a pool is asked to have,
 * which of that is online, what is online of "default" then, and what changes.
 */
static struct cpumask wanted, own, rest, moves;

struct job {
	struct kthread_work work;
	struct completion done;
	int (*fn)(void *arg);
	void *arg;
	int err;
};

static void job_fn(struct kthread_work *work)
{
	struct job *job = container_of(work, struct job, work);

	job->err = job->fn(job->arg);
	complete(&job->done);
}

/**
 * vms_pool_run() - do something that changes pools
 * @fn: what; it takes vms_mutex itself
 * @arg: for it
 *
 * Context: process, may sleep; vms_mutex not held.
 * Return: that of @fn.
 */
int vms_pool_run(int (*fn)(void *arg), void *arg)
{
	struct job job = { .fn = fn, .arg = arg };

	kthread_init_work(&job.work, job_fn);
	init_completion(&job.done);
	vms_switch_queue(&job.work);
	wait_for_completion(&job.done);
	return job.err;
}

static __printf(4, 5)
int refuse(struct vms_pool_request *req, int err, u32 attr, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(req->why, sizeof(req->why), fmt, args);
	va_end(args);
	req->attr = attr;
	return err;
}

/* No pool is ceased, and none is in the hands of a scheduler that is at fault. */
static int check_calm(struct vms_pool_request *req)
{
	struct vms_pool *pool;
	const char *why;

	list_for_each_entry(pool, &vms_pools, node) {
		int err = vms_hold_check(pool, 0, false, &why);

		if (err)
			return refuse(req, err, 0, "%s", why);
		if (!vms_may_call(pool->inst))
			return refuse(req, -EBUSY, 0,
				      "pool %s: its scheduler is just being thrown out; try again",
				      pool->name);
	}
	return 0;
}

static int check_name(struct vms_pool_request *req)
{
	const char *c;

	for (c = req->name; *c; c++)
		if (!islower(*c) && !isdigit(*c) && *c != '_' && *c != '-')
			break;
	if (*c || c == req->name)
		return refuse(req, -EINVAL, VMSCHED_A_POOL_NAME,
			      "the name of a pool is 1 to %d of a-z 0-9 _ -",
			      VMSCHED_NAME_MAX - 1);
	return 0;
}

static bool is_online(int cpu)
{
	return cpumask_test_cpu(cpu, &vms_pcpu(cpu)->pool->online);
}

/* What stands in @list; some of it must be of use. */
static int parse_cpus(struct vms_pool_request *req)
{
	const u32 attr = VMSCHED_A_POOL_CPUS;
	int cpu;

	if (cpulist_parse(req->list, &wanted))
		return refuse(req, -EINVAL, attr,
			      "cpus is not a list like 0-3,8 of pCPUs below %u",
			      nr_cpu_ids);
	if (cpumask_empty(&wanted))
		return refuse(req, -EINVAL, attr,
			      "cpus is empty; a pool needs one pCPU that is online");
	for_each_cpu(cpu, &wanted)
		if (!cpu_possible(cpu))
			return refuse(req, -EINVAL, attr,
				      "there is no pCPU %d; this host can have %*pbl",
				      cpu, cpumask_pr_args(cpu_possible_mask));
	for_each_cpu(cpu, &wanted)
		if (is_online(cpu))
			return 0;
	return refuse(req, -EINVAL, attr,
		      "none of those pCPUs is online; take one online, or give another");
}

/* The pCPUs that @pool does not have yet must be of the pool "default". */
static int check_overlap(struct vms_pool_request *req, const struct vms_pool *pool)
{
	const struct vms_pool *other;
	int cpu;

	for_each_cpu(cpu, &wanted) {
		other = vms_pcpu(cpu)->pool;
		if (other == pool || other == vms_pool_default())
			continue;
		return refuse(req, -EBUSY, VMSCHED_A_POOL_CPUS,
			      "overlap: pCPU %d is in pool %s; take it out there first",
			      cpu, other->name);
	}
	cpumask_xor(&moves, &pool->cpus, &wanted);
	/* What comes back counts as well. */
	cpumask_or(&rest, &vms_pool_default()->online, &pool->online);
	cpumask_and(&own, &rest, &wanted);
	if (!cpumask_andnot(&rest, &rest, &wanted))
		return refuse(req, -EINVAL, VMSCHED_A_POOL_CPUS,
			      "pool default keeps one pCPU that is online; leave it one");
	return 0;
}

static bool user_allows(struct vms_vcpu *v, const struct cpumask *some)
{
	bool allows;

	mutex_lock(&v->mask_lock);
	allows = cpumask_intersects(v->user_mask, some);
	mutex_unlock(&v->mask_lock);
	return allows;
}

/*
 * What each vCPU may use when @left is online in its pool. Neither its user nor its
 * parameters must be overridden because the pool has other pCPUs.
 */
static int plan_pool(struct vms_pool_request *req, const struct vms_pool *pool,
		     const struct cpumask *left)
{
	struct vms_vcpu *v;

	list_for_each_entry(v, &pool->vcpus, pool_node) {
		bool fits = vms_apply_plan(v, left, v->affinity);

		if (!pool->managed)
			continue;
		if (!fits && user_allows(v, &pool->online))
			return refuse(req, -EBUSY, VMSCHED_A_POOL_CPUS,
				      "thread %d (VM %llu) may use %*pbl only; pool %s has to keep one",
				      task_pid_nr(v->task), v->vm->id,
				      cpumask_pr_args(v->user_mask), pool->name);
		if (cpumask_intersects(v->affinity, &pool->online) &&
		    !cpumask_intersects(v->affinity, left))
			return refuse(req, -EBUSY, VMSCHED_A_POOL_CPUS,
				      "vCPU %llu/%u has the affinity %*pbl; pool %s has to keep one",
				      v->vm->id, v->index,
				      cpumask_pr_args(v->affinity), pool->name);
	}
	return 0;
}

/* What the scheduler has promised must be possible with those that are left. */
static int check_promises(struct vms_pool_request *req, struct vms_pool *pool,
			  const struct cpumask *left)
{
	char why[VMS_REFUSAL_MAX];
	int err = vms_promise_try(pool, left, why);

	if (!err)
		return 0;
	return refuse(req, err, VMSCHED_A_POOL_CPUS, "%s: %s",
		      pool->inst->ops->name,
		      why[0] ? why : "cannot tell whether reservations would hold");
}

static int check_cpus(struct vms_pool_request *req, struct vms_pool *pool)
{
	return parse_cpus(req) ?: check_overlap(req, pool) ?:
	       plan_pool(req, vms_pool_default(), &rest) ?:
	       plan_pool(req, pool, &own) ?:
	       check_promises(req, vms_pool_default(), &rest) ?:
	       check_promises(req, pool, &own);
}

struct change {
	struct vms_pool_request *req;
	struct vms_pool *pool;
};

static int add_fn(void *arg)
{
	struct change *c = arg;
	int err;

	mutex_lock(&vms_mutex);
	err = check_calm(c->req) ?: check_cpus(c->req, c->pool);
	if (!err) {
		vms_pool_list(c->pool);
		vms_regroup_cpus(c->pool, vms_pool_default(), &moves);
		vms_notify_pool(VMSCHED_CMD_POOL_ADD_NTF, c->pool);
	}
	mutex_unlock(&vms_mutex);
	return err;
}

static int check_new(struct vms_pool_request *req)
{
	int err = check_name(req);

	if (err)
		return err;
	mutex_lock(&vms_mutex);
	if (vms_pool_find(req->name))
		err = refuse(req, -EEXIST, VMSCHED_A_POOL_NAME,
			     "there is a pool %s already; change it with pool set",
			     req->name);
	mutex_unlock(&vms_mutex);
	return err;
}

static int add_locked(struct vms_pool_request *req)
{
	struct change c = { .req = req };
	int err = check_new(req);

	lockdep_assert_held(&pools_mutex);
	if (err)
		return err;
	c.pool = vms_pool_create(req->name);
	if (IS_ERR(c.pool))
		return refuse(req, PTR_ERR(c.pool), 0, "out of memory");
	err = vms_sysfs_add_pool(c.pool);
	if (err)
		refuse(req, err, 0, "out of memory");
	err = err ?: vms_pool_run(add_fn, &c);
	if (err) {
		vms_sysfs_del_pool(c.pool);
		vms_pool_destroy(c.pool);
	}
	return err;
}

/**
 * vms_pool_add() - make a pool, with pCPUs of the pool "default"
 * @req: name and pCPUs, and answer
 *
 * Context: process, may sleep; vms_mutex not held.
 * Return: 0 or a negative errno, with the reason in @req->why.
 */
int vms_pool_add(struct vms_pool_request *req)
{
	int err;

	mutex_lock(&pools_mutex);
	err = add_locked(req);
	mutex_unlock(&pools_mutex);
	return err;
}

/* A pool that users may change, or an ERR_PTR. */
static struct vms_pool *find_own(struct vms_pool_request *req, const char *why)
{
	struct vms_pool *pool = vms_pool_find(req->name);

	if (pool && pool != vms_pool_default())
		return pool;
	if (pool)
		return ERR_PTR(refuse(req, -EINVAL, VMSCHED_A_POOL_NAME,
				      "pool default %s", why));
	return ERR_PTR(refuse(req, -ENOENT, VMSCHED_A_POOL_NAME, "no such pool"));
}

static int set_fn(void *arg)
{
	struct vms_pool_request *req = arg;
	struct vms_pool *pool;
	int err;

	mutex_lock(&vms_mutex);
	pool = find_own(req, "has what other pools leave; change those");
	err = PTR_ERR_OR_ZERO(pool) ?: check_calm(req) ?: check_cpus(req, pool);
	if (!err) {
		vms_regroup_cpus(pool, vms_pool_default(), &moves);
		vms_notify_pool(VMSCHED_CMD_POOL_SET_NTF, pool);
	}
	mutex_unlock(&vms_mutex);
	return err;
}

/* Give a pool other pCPUs. Context and return: as above. */
int vms_pool_set(struct vms_pool_request *req)
{
	return vms_pool_run(set_fn, req);
}

/* Nobody but the thread that switches moves VMs, nor does an agent come to who is dying. */
static int check_unused(struct vms_pool_request *req, const struct vms_pool *pool)
{
	u32 agents = vms_console_agents(pool);

	if (pool->nr_vms)
		return refuse(req, -EBUSY, VMSCHED_A_POOL_NAME,
			      "%u VMs are in it; move them first: vm set VM pool default",
			      pool->nr_vms);
	if (agents)
		return refuse(req, -EBUSY, VMSCHED_A_POOL_NAME,
			      "%u console agents are attached to it; end them first",
			      agents);
	return check_calm(req);
}

/*
 * Nobody but this thread moves VMs, so it stays empty; nor does anything else of it begin
 * while it is @dying.
 */
static int leave_scheduler(struct vms_pool_request *req, struct vms_pool *pool)
{
	struct vms_switch to = {
		.activate = VMSCHED_ACTIVATE_TABLE,
		.cease_ms = VMS_CEASE_MS_DFL,
	};
	int err;

	if (pool->inst->ops == &vms_native_ops && pool->way == VMS_BY_TABLE)
		return 0;
	strscpy(to.to, vms_native_ops.name, sizeof(to.to));
	strscpy(to.pool, pool->name, sizeof(to.pool));
	err = vms_switch_here(&to);
	return err ? refuse(req, err, 0, "%s", to.why) : 0;
}

/* All of its pCPUs: "default" does not lose any, so that nobody can have anything against it. */
static void give_back(struct vms_pool *pool)
{
	struct vms_pool *to = vms_pool_default();
	struct vms_vcpu *v;

	WARN_ON_ONCE(pool->nr_vms);
	cpumask_copy(&moves, &pool->cpus);
	cpumask_or(&rest, &to->online, &pool->online);
	list_for_each_entry(v, &to->vcpus, pool_node)
		vms_apply_plan(v, &rest, v->affinity);
	vms_regroup_cpus(pool, to, &moves);
}

static int del_fn(void *arg)
{
	struct change *c = arg;
	int err;

	mutex_lock(&vms_mutex);
	c->pool = find_own(c->req, "cannot be deleted");
	err = PTR_ERR_OR_ZERO(c->pool) ?: check_unused(c->req, c->pool);
	if (!err)
		c->pool->dying = true;
	mutex_unlock(&vms_mutex);
	if (err)
		return err;
	/* The last step that can fail: a pool that stays has its scheduler. */
	err = leave_scheduler(c->req, c->pool);

	mutex_lock(&vms_mutex);
	c->pool->dying = false;
	if (!err) {
		give_back(c->pool);
		vms_pool_unlist(c->pool);
		vms_notify_pool(VMSCHED_CMD_POOL_DEL_NTF, c->pool);
	}
	mutex_unlock(&vms_mutex);
	return err;
}

/**
 * vms_pool_del() - the end of a pool; its pCPUs go to the pool "default"
 * @req: name, and answer
 *
 * Context: process, may sleep; vms_mutex not held.
 * Return: 0 or a negative errno, with the reason in @req->why.
 */
int vms_pool_del(struct vms_pool_request *req)
{
	struct change c = { .req = req };
	int err;

	mutex_lock(&pools_mutex);
	err = vms_pool_run(del_fn, &c);
	if (!err) {
		vms_sysfs_del_pool(c.pool);
		vms_evict_exit_pool(c.pool);
		/* Interrupts of a swap take its lock, too late to do anything. */
		vms_swap_flush();
		/* Hooks, timers and SysRq that had found it are over. */
		synchronize_rcu();
		vms_pool_destroy(c.pool);
	}
	mutex_unlock(&pools_mutex);
	return err;
}

/* What the user of each vCPU, and its parameters, allow of the pool. */
static int plan(struct vms_vm *vm, struct vms_pool *to, const struct cpumask *affinity,
		struct vms_pool_request *req)
{
	struct vms_vcpu *v;

	list_for_each_entry(v, &vm->vcpus, vm_node) {
		const struct cpumask *mask = v->affinity;

		if (affinity && !(v->own & BIT(VMSCHED_A_PARAMS_AFFINITY)))
			mask = affinity;
		if (!vms_apply_plan(v, &to->online, mask))
			return refuse(req, -EINVAL, 0,
				      "vCPU %u: its thread's mask %*pbl has none of %*pbl; change that",
				      v->index, cpumask_pr_args(v->user_mask),
				      cpumask_pr_args(&to->online));
		if (!cpumask_intersects(mask, &to->online))
			return refuse(req, -EINVAL, 0,
				      "vCPU %u: its affinity %*pbl has none of %*pbl; set that too",
				      v->index, cpumask_pr_args(mask),
				      cpumask_pr_args(&to->online));
	}
	return 0;
}

/* Before the move, which looks at it. */
static void set_affinity(struct vms_vm *vm, const struct cpumask *affinity)
{
	struct vms_vcpu *v;

	list_for_each_entry(v, &vm->vcpus, vm_node) {
		if (v->own & BIT(VMSCHED_A_PARAMS_AFFINITY))
			continue;
		mutex_lock(&v->mask_lock);
		cpumask_copy(v->affinity, affinity);
		mutex_unlock(&v->mask_lock);
	}
}

static int move(struct vms_vm *vm, struct vms_pool *to, const struct cpumask *affinity,
		struct vms_pool_request *req)
{
	int err = check_calm(req);

	if (err)
		return err;
	if (cpumask_empty(&to->online))
		return refuse(req, -EBUSY, 0,
			      "pool %s has no pCPU online; take one online first",
			      to->name);
	err = plan(vm, to, affinity, req);
	if (err)
		return err;
	err = vms_regroup_prepare(vm, to);
	if (err && to->inst->fault->refusal[0])
		return refuse(req, err, 0, "%s: %s", to->inst->ops->name,
			      to->inst->fault->refusal);
	if (err)
		return refuse(req, err, 0,
			      "scheduler %s of pool %s could not take over a vCPU",
			      to->inst->ops->name, to->name);
	vms_owner_lost(vm, VMSCHED_OWNER_WHY_MOVED);
	if (affinity)
		set_affinity(vm, affinity);
	vms_regroup_vm(vm, to);
	vms_generation++;
	return 0;
}

/**
 * vms_pool_move() - move a VM to another pool
 * @vm: the VM
 * @to: the pool; nothing is done if it is there already
 * @affinity: the affinity that it will have, NULL if that does not change; so it has
 *	      when it is there
 * @attr: attribute that asks for it
 * @extack: says what is wrong
 *
 * Context: in vms_pool_run(), vms_mutex held.
 * Return: 0 or a negative errno, and the VM has stayed where it is.
 */
int vms_pool_move(struct vms_vm *vm, struct vms_pool *to,
		  const struct cpumask *affinity, const struct nlattr *attr,
		  struct netlink_ext_ack *extack)
{
	struct vms_pool_request req = {};
	int err;

	lockdep_assert_held(&vms_mutex);
	if (vm->pool == to)
		return 0;
	err = move(vm, to, affinity, &req);
	if (!err)
		return 0;
	NL_SET_ERR_MSG_ATTR_FMT(extack, attr, "%s", req.why);
	return err;
}
