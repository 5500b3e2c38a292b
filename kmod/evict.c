// SPDX-License-Identifier: GPL-2.0
/*
 * Leaving a scheduler that is at fault: the thread that switches goes to the one
 * before, else to native, as it would to any other, and the module is let go when
 * nothing of it is in use any more. And what is told of it.
 *
 * Locking: vms_mutex for reports.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>

#include "activate.h"
#include "cease.h"
#include "vmsched.h"

/*
 * Where a pCPU takes no interrupt for a while no scheduler can be put in force. The
 * one before is worth that many tries; the VMs run meanwhile, by Linux, and shall
 * have most of the time between two of them.
 */
#define EVICT_TRIES		4
#define EVICT_PAUSE_MS		100

/* Another pool is held: it has a deadline, and the switch that it waits for comes first. */
#define EVICT_HELD_MS		10

static const char * const kind_names[] = {
	[VMSCHED_FAULT_KIND_INIT] = "could not be set up",
	[VMSCHED_FAULT_KIND_BAD_RETURN] = "gave a wrong answer",
	[VMSCHED_FAULT_KIND_STALL] = "left a vCPU out",
	[VMSCHED_FAULT_KIND_SLOW] = "took too long",
	[VMSCHED_FAULT_KIND_LIST] = "corrupted a list",
	[VMSCHED_FAULT_KIND_LEAVING] = "failed when it was left",
	[VMSCHED_FAULT_KIND_REPORTED] = "cannot go on",
	[VMSCHED_FAULT_KIND_OPERATOR] = "was thrown out by an administrator",
	[VMSCHED_FAULT_KIND_SYSRQ] = "was thrown out by SysRq",
};

/* Text of the callers, while the module that they are in is there. */
static void name_callers(struct vms_fault *f)
{
	struct vms_fault_report *r = &f->report;
	size_t used = 0;
	unsigned int i;

	for (i = 0; i < f->nr_trace; i++)
		used += scnprintf(r->trace + used, sizeof(r->trace) - used,
				  "%pS\n", (void *)f->trace[i]);
}

/**
 * vms_fault_text() - the last fault of a pool in a line
 * @pool: a pool that has had one
 * @text: result
 * @size: of @text, VMS_FAULT_TEXT is enough
 *
 * Context: vms_mutex held.
 */
void vms_fault_text(const struct vms_pool *pool, char *text, size_t size)
{
	const struct vms_fault_report *r = &pool->fault;

	lockdep_assert_held(&vms_mutex);
	scnprintf(text, size, "scheduler %s of pool %s %s: %s; now %s",
		  r->scheduler, pool->name, kind_names[r->kind], r->why, r->to);
}

/* Somebody wanted it, or was told that it cannot be: nothing went wrong. */
static bool is_calm(const struct vms_fault_report *r)
{
	return r->kind == VMSCHED_FAULT_KIND_OPERATOR ||
	       r->kind == VMSCHED_FAULT_KIND_SYSRQ ||
	       r->kind == VMSCHED_FAULT_KIND_INIT;
}

static void print(const struct vms_pool *pool)
{
	const char *line = pool->fault.trace, *end;
	char text[VMS_FAULT_TEXT];

	vms_fault_text(pool, text, sizeof(text));
	if (is_calm(&pool->fault)) {
		pr_notice("%s\n", text);
		return;
	}
	pr_err("%s\n", text);
	for (; (end = strchr(line, '\n')); line = end + 1)
		pr_err("  at %.*s\n", (int)(end - line), line);
}

static void publish(struct vms_pool *pool, const char *scheduler)
{
	struct vms_fault_report *r = &pool->fault;

	lockdep_assert_held(&vms_mutex);
	strscpy(r->scheduler, scheduler, sizeof(r->scheduler));
	strscpy(r->to, pool->inst->ops->name, sizeof(r->to));
	pool->faults++;
	print(pool);
	vms_notify_fault(pool);
}

/**
 * vms_evict_left() - a pool has left an instance
 * @pool: the pool
 * @old: the instance, still there
 *
 * If it was at fault, tell of it, and do not offer it as the previous one.
 *
 * Context: process, vms_mutex held.
 */
void vms_evict_left(struct vms_pool *pool, struct vmsched_inst *old)
{
	struct vms_fault *f = old->fault;

	lockdep_assert_held(&vms_mutex);
	if (atomic_read_acquire(&f->state) != VMS_FAULT_COMPLETE)
		return;
	/* The bypass may be on its way. */
	irq_work_sync(&f->work);
	name_callers(f);
	pool->fault = f->report;
	pool->previous[0] = '\0';
	publish(pool, old->ops->name);
}

/**
 * vms_evict_refused() - a scheduler could not be set up; the old one goes on
 * @pool: the pool
 * @new: its instance, which is to be given up
 * @what: the op that failed
 * @err: what it answered
 *
 * Context: process, vms_mutex held.
 */
void vms_evict_refused(struct vms_pool *pool, struct vmsched_inst *new,
		       const char *what, int err)
{
	struct vms_fault *f = new->fault;

	lockdep_assert_held(&vms_mutex);
	vmsched_fault(new, VMSCHED_FAULT_KIND_INIT, "%s() answered %d", what,
		      err);
	irq_work_sync(&f->work);
	name_callers(f);
	pool->fault = f->report;
	/* It may have said so itself. */
	pool->fault.kind = VMSCHED_FAULT_KIND_INIT;
	publish(pool, new->ops->name);
}

/* There is no pCPU that a scheduler could give. */
static bool is_empty(const struct vms_pool *pool)
{
	return pool->inst->ops != &vms_native_ops && cpumask_empty(&pool->online);
}

/* To the one before, unless that is the one or it is gone; to native otherwise. */
static void choose_next(struct vms_pool *pool, char *to, size_t size)
{
	const struct vmsched_ops *ops = pool->inst->ops;
	bool native = pool->inst->fault->report.kind == VMSCHED_FAULT_KIND_SYSRQ;

	lockdep_assert_held(&vms_mutex);
	/* Without a fault it had no pCPU: it is the one before, soon. */
	if (native || !pool->inst->faulted || !pool->previous[0] ||
	    !strcmp(pool->previous, ops->name))
		strscpy(to, vms_native_ops.name, size);
	else
		strscpy(to, pool->previous, size);
}

/* What is in force is in order. */
static bool is_well(const struct vms_pool *pool)
{
	return pool->inst->ops == &vms_native_ops ||
	       (pool->managed && !pool->inst->faulted);
}

/*
 * Returns 0 if the scheduler at fault is not in force any more, whoever did it. @held:
 * it was not tried, as another pool is held.
 */
static int leave(struct vms_pool *pool, bool native, bool *held)
{
	struct vms_switch req = {
		.activate = VMSCHED_ACTIVATE_TABLE,
		.cease_ms = VMS_CEASE_MS_DFL,
	};
	const char *why;
	bool is_left;

	*held = false;
	mutex_lock(&vms_mutex);
	strscpy(req.pool, pool->name, sizeof(req.pool));
	is_left = is_well(pool);
	if (!is_left) {
		if (native)
			strscpy(req.to, vms_native_ops.name, sizeof(req.to));
		else
			choose_next(pool, req.to, sizeof(req.to));
		/* Whoever has ceased it for a switch of his own comes later. */
		vms_hold_drop(pool);
		*held = vms_hold_check(pool, 0, false, &why);
	}
	mutex_unlock(&vms_mutex);
	return is_left || *held ? 0 : vms_switch_here(&req);
}

/* A pCPU was late, or a module just comes or goes. */
static bool may_pass(int err)
{
	return err == -ETIMEDOUT || err == -EBUSY;
}

/* In the thread that switches: whoever waits for that finds the pool in order. */
static void evict_fn(struct kthread_work *work)
{
	struct kthread_delayed_work *delayed =
		container_of(work, struct kthread_delayed_work, work);
	struct vms_pool *pool = container_of(delayed, struct vms_pool, evict_work);
	unsigned int tries = 1;
	bool held;
	int err;

	/* No hold begins while this thread is here. */
	err = leave(pool, false, &held);
	if (held) {
		vms_switch_queue_later(&pool->evict_work,
				       msecs_to_jiffies(EVICT_HELD_MS));
		return;
	}
	while (may_pass(err) && tries++ < EVICT_TRIES) {
		msleep(EVICT_PAUSE_MS);
		err = leave(pool, false, &held);
	}
	if (err && leave(pool, true, &held))
		vms_switch_queue_later(&pool->evict_work,
				       msecs_to_jiffies(EVICT_PAUSE_MS));
}

/* Its scheduler is at fault, and has not been left. */
static bool is_waiting(const char *name)
{
	struct vms_pool *pool;
	bool waits;

	mutex_lock(&vms_mutex);
	pool = vms_pool_find(name);
	waits = pool && !vms_may_call(pool->inst);
	mutex_unlock(&vms_mutex);
	return waits;
}

/**
 * vms_evict_wait() - wait until a pool has left a scheduler that is at fault
 * @name: the pool, which may go meanwhile
 *
 * Context: process, sleeps; vms_mutex not held.
 * Return: 0, or -EINTR: it will, but a signal came first.
 */
int vms_evict_wait(const char *name)
{
	for (;;) {
		vms_switch_flush();
		if (!is_waiting(name))
			return 0;
		if (msleep_interruptible(EVICT_HELD_MS))
			return -EINTR;
	}
}

/**
 * __vms_evict_empty() - Linux runs the VMs of a pool whose last pCPU goes offline
 * @pool: the pool, lock held
 * @now: vms_now()
 *
 * At once: the thread that switches may have to wait for another pool. The scheduler is
 * not at fault, and so must not have anybody queued that it is not asked for any more.
 */
void __vms_evict_empty(struct vms_pool *pool, u64 now)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&pool->lock);
	if (!pool->managed)
		return;
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		__vms_bring(v, now);
		if (v->state == VMS_WAITING)
			__vms_sched_dequeue(pool, v->ent, VMSCHED_WHY_LEAVE, now);
	}
	__vms_bypass(pool, now);
}

/**
 * vms_evict_empty() - leave the scheduler of a pool that has no pCPU any more
 * @pool: the pool, after __vms_evict_empty()
 *
 * Who wants its scheduler back, once there is a pCPU again, finds it as the previous
 * one.
 *
 * Context: process, vms_mutex held.
 */
void vms_evict_empty(struct vms_pool *pool)
{
	lockdep_assert_held(&vms_mutex);
	if (!is_empty(pool))
		return;
	pr_notice("pool %s has no pCPU online: Linux runs its VMs\n", pool->name);
	vms_switch_queue_later(&pool->evict_work, 0);
}

void vms_evict_init_pool(struct vms_pool *pool)
{
	kthread_init_delayed_work(&pool->evict_work, evict_fn);
}

/* It is native, and stays so. Context: vms_mutex not held. */
void vms_evict_exit_pool(struct vms_pool *pool)
{
	kthread_cancel_delayed_work_sync(&pool->evict_work);
}

/* So are all. */
void vms_evict_exit(void)
{
	struct vms_pool *pool;

	list_for_each_entry(pool, &vms_pools, node)
		vms_evict_exit_pool(pool);
}
