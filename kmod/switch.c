// SPDX-License-Identifier: GPL-2.0
/*
 * Changing the scheduler of a pool while its VMs run. The only file that
 * changes vms_pool.inst.
 *
 * Order: check, pin the new module, allocate and init everything new (failure
 * changes nothing) - cease within a deadline (failure: the old one goes on) -
 * commit, in one critical section that cannot fail and hands over who has a
 * pCPU - then hand over all others, drain and free what is old. The commit is made
 * in the interrupt that makes vCPUs cease (swap.c), or else by this thread. Runs in
 * a SCHED_FIFO kthread of its own, so that nothing that it switches can starve it.
 *
 * Locking: vms_mutex throughout, the pool lock for cease and commit.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "cease.h"
#include "console.h"
#include "vmsched.h"

static struct kthread_worker *worker;

struct job {
	struct kthread_work work;
	struct vms_switch *req;
	struct completion done;
};

static void __turn(struct vms_pool *pool, const struct vms_activation *to)
{
	lockdep_assert_held(&pool->lock);
	pool->way = to->way;
	pool->sched_id = to->sched_id;
}

/* To another way to the same scheduler: between two requests, which take the lock. */
static void turn(struct vms_pool *pool, const struct vms_activation *to)
{
	raw_spin_lock_irq(&pool->lock);
	__turn(pool, to);
	raw_spin_unlock_irq(&pool->lock);
}

/* A change of scheduler, and what it turns to */
struct change {
	struct vms_swap swap;
	struct vmsched_inst *new;
	const struct vms_activation *to;
};

/*
 * The change itself: nothing here allocates, sleeps or fails. It takes as long as
 * there are pCPUs, however many vCPUs wait or are halted.
 */
static void commit(struct vms_pool *pool, struct vms_swap *swap)
{
	struct change *c = container_of(swap, struct change, swap);
	bool was_native = !pool->managed;
	u64 now = vms_now();

	lockdep_assert_held(&pool->lock);
	__vms_note_holders(pool, now);
	pool->leaving = pool->inst;
	pool->inst = c->new;
	__turn(pool, c->to);
	WRITE_ONCE(pool->managed, c->new->ops != &vms_native_ops);
	c->new->partial = true;
	if (vms_may_call(c->new))
		c->new->ops->activate(c->new, now);
	WRITE_ONCE(pool->ceased, false);
	__vms_bring_holders(pool, was_native, now);
	/* What it did wrong before it was in force counts now. */
	if (!vms_may_call(c->new))
		vms_fault_again(c->new);
}

/* Unless the VMs go on already: the deadline of a held pool has passed. */
static bool commit_here(struct vms_pool *pool, struct vms_swap *swap)
{
	bool ceased;

	raw_spin_lock_irq(&pool->lock);
	ceased = pool->ceased;
	if (ceased)
		commit(pool, swap);
	raw_spin_unlock_irq(&pool->lock);
	swap->commit_ns = vms_now() - swap->start;
	return ceased;
}

static int fail(struct vms_switch *req, int err, u32 attr, const char *why)
{
	req->attr = attr;
	scnprintf(req->why, sizeof(req->why), "%s (step %s)", why,
		  vms_step_name(req->step));
	return err;
}

/* Go to the next step; an error if a test wants that. */
static int step(struct vms_switch *req, enum vms_step step)
{
	req->step = step;
	if (!vms_step_fails(step))
		return 0;
	return fail(req, -EIO, 0, "an error was injected");
}

static void destroy_next(struct vms_pool *pool)
{
	struct vms_vcpu *v;

	list_for_each_entry(v, &pool->vcpus, pool_node)
		vms_ent_destroy_next(v);
}

static int fail_mask(struct vms_switch *req, const struct vms_vcpu *v)
{
	char why[64];

	snprintf(why, sizeof(why), "thread %d may not use any pCPU of the pool; move VM %llu",
		 task_pid_nr(v->task), v->vm->id);
	return fail(req, -EINVAL, VMSCHED_A_SWITCH_POOL, why);
}

static int create_next(struct vms_pool *pool, struct vmsched_inst *new,
		       struct vms_switch *req)
{
	struct vms_vcpu *v;
	int err;

	list_for_each_entry(v, &pool->vcpus, pool_node) {
		struct vmsched_vcpu *ent;

		err = step(req, VMS_STEP_VCPU);
		if (err)
			return err;
		if (!pool->managed && !vms_apply_renew(v) &&
		    new->ops != &vms_native_ops)
			return fail_mask(req, v);
		ent = vms_ent_create(new, v, v->allowed, v->cpu);
		if (IS_ERR(ent))
			return fail(req, PTR_ERR(ent), VMSCHED_A_SWITCH_TO,
				    new->fault->refusal[0] ? new->fault->refusal :
				    "the scheduler could not take over a vCPU");
		v->next_ent = ent;
	}
	if (vms_may_call(new))
		return 0;
	/* It has said itself that something is wrong. */
	vms_evict_refused(pool, new, "vcpu_init", 0);
	return fail(req, -EPROTO, VMSCHED_A_SWITCH_TO,
		    "the scheduler reported a fault");
}

static void rehome(struct vms_pool *pool)
{
	raw_spin_lock_irq(&pool->lock);
	__vms_rehome_all(pool);
	raw_spin_unlock_irq(&pool->lock);
}

static void restore_all(struct vms_pool *pool)
{
	struct vms_vcpu *v;

	if (pool->managed)
		return;
	list_for_each_entry(v, &pool->vcpus, pool_node)
		vms_apply_restore(v);
}

/* Why the vCPUs did not cease in time: by name those that fit into a line. */
static int fail_late(struct vms_switch *req, int err)
{
	static const char rest[] = " ...";
	const size_t size = 64 - sizeof(rest);
	char why[64];
	char *end;

	/* All of them are in what listeners are told. */
	if (snprintf(why, size, req->late[0] ? "not out in %u ms: vCPU %s" :
		     "a pCPU took no interrupt in %u ms%s", req->cease_ms,
		     req->late) >= size) {
		end = strrchr(why, ')');
		strscpy(end ? end + 1 : why + size - 1, rest, sizeof(rest));
	}
	return fail(req, err, VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS, why);
}

static int cease(struct vms_pool *pool, u64 *start, struct vms_switch *req)
{
	int err;

	*start = vms_now();
	err = vms_cease(pool, *start, req);
	return err ? fail_late(req, err) : 0;
}

/* Make the change @c, once all vCPUs have ceased; or not, and say why. */
static int cease_and_commit(struct vms_pool *pool, struct change *c,
			    struct vms_switch *req)
{
	int err = step(req, VMS_STEP_CEASE);

	if (err)
		return err;
	vms_handover_prepare(pool);
	c->swap.start = vms_hold_since(pool, req);
	if (!c->swap.start) {
		err = vms_swap_run(pool, &c->swap);
		req->cease_ns = c->swap.cease_ns;
		if (!err)
			return 0;
		if (err != -EAGAIN)
			return fail_late(req, err);
		err = cease(pool, &c->swap.start, req);
		if (err)
			return err;
	}
	if (vms_hold_is_over(pool) || !commit_here(pool, &c->swap))
		return fail(req, -ETIMEDOUT, VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS,
			    "held longer than cease-timeout");
	return 0;
}

/* From the old instance to @new, which is ready. */
static int change(struct vms_pool *pool, struct vmsched_inst *new,
		  const struct vms_activation *to, struct vms_switch *req)
{
	struct vmsched_inst *old = pool->inst;
	const struct vmsched_ops *old_ops = old->ops;
	struct change c = { .swap.commit = commit, .new = new, .to = to };
	int err;

	if (!pool->managed)
		rehome(pool);
	err = create_next(pool, new, req) ?: cease_and_commit(pool, &c, req);
	if (err)
		return err;
	vms_hold_taken(pool);
	req->vcpus = pool->nr_vcpus;
	req->blackout_ns = vms_settle(pool, c.swap.commit_ns);

	/* The old instance: each call of it was made under the pool lock. */
	destroy_next(pool);
	restore_all(pool);
	strscpy(pool->previous, old_ops->name, sizeof(pool->previous));
	vms_evict_left(pool, old);
	vms_watchdog_begin(pool);
	vms_inst_destroy(old);
	vms_sched_put(old_ops);
	return 0;
}

static int check(struct vms_pool *pool, struct vms_switch *req)
{
	if (!req->to[0]) {
		if (!pool->previous[0])
			return fail(req, -ENOENT, 0,
				    "there is no previous scheduler");
		strscpy(req->to, pool->previous, sizeof(req->to));
	}
	return 0;
}

static int switch_locked(struct vms_pool *pool, struct vms_switch *req)
{
	const struct vmsched_ops *ops;
	struct vms_activation to;
	struct vmsched_inst *new;
	int err;

	err = step(req, VMS_STEP_PIN);
	if (err)
		return err;
	ops = vms_sched_get(req->to);
	if (IS_ERR(ops))
		return fail(req, PTR_ERR(ops), VMSCHED_A_SWITCH_TO,
			    PTR_ERR(ops) == -ENOENT ?
			    "no such scheduler is registered; load it first" :
			    "its module is just being loaded or removed; try again");
	err = step(req, VMS_STEP_WAY);
	if (err)
		goto err_put;
	if (ops != &vms_native_ops && cpumask_empty(&pool->online)) {
		err = fail(req, -EBUSY, VMSCHED_A_SWITCH_POOL,
			   "no pCPU of the pool is online; take one online first");
		goto err_put;
	}
	err = vms_activate_find(pool, ops, req->activate, &to);
	if (err) {
		fail(req, err, VMSCHED_A_SWITCH_TO,
		     "its module has just been loaded; try again");
		goto err_put;
	}
	if (ops == pool->inst->ops && !vms_may_call(pool->inst)) {
		err = fail(req, -EBUSY, VMSCHED_A_SWITCH_TO,
			   "it is just being thrown out; try again");
		goto err_put;
	}
	if (ops == pool->inst->ops) {
		turn(pool, &to);
		pool->switches++;
		vms_sched_put(ops);
		return 0;
	}
	err = step(req, VMS_STEP_INSTANCE);
	if (err)
		goto err_put;
	new = vms_inst_create(ops, pool);
	if (IS_ERR(new)) {
		err = fail(req, PTR_ERR(new), VMSCHED_A_SWITCH_TO,
			   "the scheduler could not be set up");
		goto err_put;
	}
	err = change(pool, new, &to, req);
	if (err)
		goto err_destroy;
	pool->switches++;
	pool->cease_ns = req->cease_ns;
	pool->blackout_ns = req->blackout_ns;
	return 0;

err_destroy:
	destroy_next(pool);
	vms_inst_destroy(new);
err_put:
	vms_sched_put(ops);
	pool->failed_switches++;
	return err;
}

/* Find the pool. Only this worker changes what is in force there. */
static int look_up(struct vms_switch *req, struct vms_pool **pool)
{
	const char *why;
	int err;

	lockdep_assert_held(&vms_mutex);
	err = step(req, VMS_STEP_LOOKUP);
	if (err)
		return err;
	*pool = vms_pool_find(req->pool);
	if (!*pool)
		return fail(req, -ENOENT, VMSCHED_A_SWITCH_POOL, "no such pool");
	strscpy(req->from, (*pool)->inst->ops->name, sizeof(req->from));
	err = vms_hold_check(*pool, req->portid, req->held, &why);
	return err ? fail(req, err, 0, why) : 0;
}

/* There is nothing to do, and nobody has to wait for it. */
static bool is_in_force(const struct vms_pool *pool, const struct vms_switch *req)
{
	return !strcmp(req->to, req->from) && vms_may_call(pool->inst) &&
	       req->activate == vms_activated(pool);
}

/*
 * No vCPU can be kept out of guest mode but at its entry. Whoever asked for the
 * switch has begun to look at these already; this is for those who have not.
 */
static int watch(struct vms_switch *req)
{
	int err = req->watch_err ?: vms_watch_get();

	req->watched = !err;
	return err ? fail(req, err, 0, "KVM's run loop could not be hooked") : 0;
}

static void unwatch(struct vms_switch *req)
{
	if (req->watched)
		vms_watch_put();
	else
		vms_watch_look();
	req->watched = false;
}

/* What patches code, and takes a while: before anybody waits. */
static int make_ready(struct vms_pool *pool, struct vms_switch *req)
{
	int err = step(req, VMS_STEP_HOOK);

	if (!err && strcmp(req->to, vms_native_ops.name))
		err = watch(req);
	if (!err)
		err = step(req, VMS_STEP_PATCH);
	if (err)
		return err;
	err = vms_activate_prepare(pool, req->to, req->activate);
	if (err)
		return fail(req, err, VMSCHED_A_SWITCH_ACTIVATE,
			    "another pool is activated by patch; only one can be, use table");
	return 0;
}

/*
 * The operators' terminals stop. If that was in vain, whoever was told of it is told
 * to go on when the switch has been given up.
 */
static int stop_consoles(struct vms_pool *pool, struct vms_switch *req)
{
	req->step = VMS_STEP_CONSOLE;
	return vms_console_cease(pool, req) ?: step(req, VMS_STEP_CONSOLE);
}

/**
 * vms_switch_here() - change the scheduler of a pool, in the thread that does that
 * @req: request, and answer
 *
 * Context: a work that vms_switch_queue() has queued; vms_mutex not held.
 * Return: 0 or a negative errno, with the reason in @req->why.
 */
int vms_switch_here(struct vms_switch *req)
{
	struct vms_pool *pool = NULL;
	const char *why;

	mutex_lock(&vms_mutex);
	req->err = look_up(req, &pool) ?: check(pool, req);
	mutex_unlock(&vms_mutex);
	if (!req->err && !is_in_force(pool, req)) {
		int err = make_ready(pool, req) ?: stop_consoles(pool, req);

		mutex_lock(&vms_mutex);
		if (err)
			pool->failed_switches++;
		req->err = err ?: switch_locked(pool, req);
		mutex_unlock(&vms_mutex);
		vms_activate_settle(pool);
		vms_console_resume(pool, req->err);
	}
	mutex_lock(&vms_mutex);
	/* Done or not, this was what it was held for. */
	if (pool && !vms_hold_check(pool, req->portid, true, &why))
		vms_hold_drop(pool);
	vms_notify_switch(req);
	mutex_unlock(&vms_mutex);
	unwatch(req);
	return req->err;
}

static void switch_fn(struct kthread_work *work)
{
	struct job *job = container_of(work, struct job, work);

	vms_switch_here(job->req);
	complete(&job->done);
}

static int begin_hold(struct vms_pool *pool, struct vms_switch *req)
{
	u64 start;
	int err;

	if (vms_is_held(pool))
		return 0;
	err = step(req, VMS_STEP_CEASE) ?: cease(pool, &start, req);
	if (err)
		return err;
	err = step(req, VMS_STEP_HOLD);
	if (err)
		vms_uncease(pool);
	else
		vms_hold_begin(pool, start, req);
	return err;
}

/* Cease, and stay so for the switch that the same requester will ask for. */
static void hold_fn(struct kthread_work *work)
{
	struct job *job = container_of(work, struct job, work);
	struct vms_switch *req = job->req;
	struct vms_pool *pool;
	int err;

	mutex_lock(&vms_mutex);
	err = look_up(req, &pool);
	mutex_unlock(&vms_mutex);
	if (err)
		goto out;
	req->activate = vms_activated(pool);
	err = watch(req) ?: stop_consoles(pool, req);
	if (err)
		goto out_console;
	mutex_lock(&vms_mutex);
	err = begin_hold(pool, req);
	mutex_unlock(&vms_mutex);
out_console:
	unwatch(req);
	if (err)
		vms_console_resume(pool, err);
out:
	req->err = err;
	complete(&job->done);
}

/* What takes long is done in this thread; the worker refuses it then if it failed. */
static int run(struct vms_switch *req, kthread_work_func_t fn)
{
	bool watches = strcmp(req->to, vms_native_ops.name);
	struct job job = { .req = req };

	if (watches)
		req->watch_err = vms_watch_get();
	kthread_init_work(&job.work, fn);
	init_completion(&job.done);
	kthread_queue_work(worker, &job.work);
	wait_for_completion(&job.done);
	if (watches && !req->watch_err)
		vms_watch_put();
	return req->err;
}

/**
 * vms_switch_run() - change the scheduler of a pool
 * @req: request, and answer
 *
 * Context: process, may sleep; vms_mutex not held.
 * Return: 0 or a negative errno, with the reason in @req->why.
 */
int vms_switch_run(struct vms_switch *req)
{
	return run(req, switch_fn);
}

/**
 * vms_switch_hold() - cease a pool, until a switch by the same requester
 * @req: request, and answer; its socket ends the hold when it is closed
 *
 * Context: process, may sleep; vms_mutex not held.
 * Return: 0 or a negative errno, with the reason in @req->why.
 */
int vms_switch_hold(struct vms_switch *req)
{
	return run(req, hold_fn);
}

/* Have the thread that switches do something. Context: any. */
void vms_switch_queue(struct kthread_work *work)
{
	kthread_queue_work(worker, work);
}

/* The same, after @delay jiffies. */
void vms_switch_queue_later(struct kthread_delayed_work *work,
			    unsigned long delay)
{
	kthread_queue_delayed_work(worker, work, delay);
}

/* Wait until it has done what was queued. Context: process, vms_mutex not held. */
void vms_switch_flush(void)
{
	kthread_flush_worker(worker);
}

/* On unload: Linux decides again, everywhere. */
int vms_switch_all_native(void)
{
	struct vms_switch req = {
		.to = "native",
		.activate = VMSCHED_ACTIVATE_TABLE,
		.cease_ms = VMS_CEASE_MS_DFL,
	};
	struct vms_pool *pool;
	int err = 0;

	/* Pools do not come or go any more. */
	list_for_each_entry(pool, &vms_pools, node) {
		strscpy(req.pool, pool->name, sizeof(req.pool));
		err = vms_switch_run(&req) ?: err;
	}
	return err;
}

int vms_switch_init(void)
{
	vms_swap_init();
	vms_cease_init();
	worker = kthread_create_worker(0, "vmsched_switch");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	sched_set_fifo(worker->task);
	return 0;
}

void vms_switch_exit(void)
{
	kthread_destroy_worker(worker);
	vms_swap_flush();
	vms_cease_exit();
}
