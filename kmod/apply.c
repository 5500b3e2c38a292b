// SPDX-License-Identifier: GPL-2.0
/*
 * The only file that changes scheduling attributes of Linux threads.
 *
 * While its pool is managed, the thread of a vCPU is bound to the pCPU of its
 * queue, so that Linux wakes it where it is granted. The mask that the user
 * gave it is remembered and given back. The user wins: a mask that is not the
 * one set here is a new wish, and is taken over instead of overwritten.
 *
 * Nothing is applied from a hook. The thread does it itself at the gate, or a
 * SCHED_FIFO worker that no VM can starve.
 *
 * Locking: vms_vcpu.mask_lock around all that concerns one thread; the pool
 * lock nests inside of it, and so do locks of Linux.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuset.h>
#include <linux/error-injection.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "compat.h"
#include "vmsched.h"

static struct kthread_worker *worker;

/**
 * vms_apply_disturbed() - somebody else changed the mask of a vCPU's thread
 * @v: the vCPU
 *
 * Context: any. A hint; taking it over is done under mask_lock.
 */
bool vms_apply_disturbed(const struct vms_vcpu *v)
{
	int pinned = READ_ONCE(v->pinned);

	if (pinned < 0)
		return false;
	/* Linux may just be writing them. */
	return data_race(v->task->nr_cpus_allowed != 1 ||
			 !cpumask_test_cpu(pinned, v->task->cpus_ptr));
}

/* Read both masks of the thread: the one in force, and the user's own wish. */
static void read_masks(struct task_struct *task, struct cpumask *mask,
		       struct cpumask *req)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(mask, &task->cpus_mask);
	if (task->user_cpus_ptr)
		cpumask_copy(req, task->user_cpus_ptr);
	else
		cpumask_clear(req);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

/* The user has asked for @mask by himself since it was read last. */
static bool asked(struct vms_vcpu *v)
{
	struct task_struct *task = v->task;
	unsigned long flags;
	bool differs;

	lockdep_assert_held(&v->mask_lock);
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	differs = task->user_cpus_ptr &&
		  !cpumask_equal(task->user_cpus_ptr, v->user_req);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return differs;
}

/* Linux widens the mask of a thread whose only pCPU goes offline. */
static bool lost_its_cpu(const struct vms_vcpu *v)
{
	return v->pinned >= 0 && !cpu_active(v->pinned);
}

/* A thread that is not bound has another mask than was read last. */
static bool moved(struct vms_vcpu *v)
{
	struct task_struct *task = v->task;
	unsigned long flags;
	bool differs;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	differs = !cpumask_equal(&task->cpus_mask, v->user_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return differs;
}

/* Somebody else has set the mask of the thread since it was looked at. */
static bool changed(struct vms_vcpu *v)
{
	if (asked(v))
		return true;
	if (v->pinned < 0)
		return moved(v);
	return vms_apply_disturbed(v) && !lost_its_cpu(v);
}

/*
 * From now on the thread is not bound. Threads that it makes may have been copied
 * when it was: when that was is written first, for inherited() to read last.
 */
static void unbound(struct vms_vcpu *v)
{
	lockdep_assert_held(&v->mask_lock);
	if (v->pinned >= 0)
		WRITE_ONCE(v->unbound_at, vms_now());
	/* Pairs with the acquire in inherited(). */
	smp_store_release(&v->pinned, -1);
}

/*
 * Take over a mask that somebody else has set. True if there was one.
 *
 * Linux forgets what a user had asked for when the last of those pCPUs goes
 * offline, which is the only one for a thread that is bound. The wish is kept
 * here: when the pCPU is back, a cpuset sets all of its own.
 */
static bool take_over(struct vms_vcpu *v)
{
	bool bound = v->pinned >= 0 && !vms_apply_disturbed(v);

	lockdep_assert_held(&v->mask_lock);
	if (!changed(v))
		return false;
	cpumask_copy(v->scratch, v->user_req);
	read_masks(v->task, v->user_mask, v->user_req);
	/* Asked while the thread was being bound: the mask in force is ours. */
	if (bound)
		cpumask_copy(v->user_mask, v->user_req);
	if (cpumask_empty(v->user_req)) {
		if (cpumask_intersects(v->user_mask, v->scratch))
			cpumask_and(v->user_mask, v->user_mask, v->scratch);
		cpumask_copy(v->user_req, v->scratch);
	}
	unbound(v);
	return true;
}

/*
 * Which of those pCPUs @v may use. The user's mask counts first, if need be against
 * all others. True if it allows one at all.
 */
static bool work_out(struct vms_vcpu *v, const struct cpumask *online,
		     const struct cpumask *affinity, struct cpumask *mask)
{
	bool fits;

	lockdep_assert_held(&v->mask_lock);
	fits = cpumask_and(mask, v->user_mask, online);
	if (!fits)
		cpumask_copy(mask, online);
	if (cpumask_intersects(mask, affinity))
		cpumask_and(mask, mask, affinity);
	return fits;
}

/* Work out which pCPUs @v may use now, and let dispatch know. */
static void refresh(struct vms_vcpu *v)
{
	struct vms_pool *pool = vms_pool_lock_irq(&v->vm->pool);

	/* With none online, Linux is about to get them all, see evict.c. */
	if (!cpumask_empty(&pool->online)) {
		work_out(v, &pool->online, v->affinity, v->scratch);
		__vms_set_allowed(v, v->scratch, vms_now());
	}
	raw_spin_unlock_irq(&pool->lock);
}

/**
 * vms_apply_capture() - remember the mask that the user gives a thread
 * @v: vCPU whose thread is not bound
 *
 * Context: process, may sleep.
 */
void vms_apply_capture(struct vms_vcpu *v)
{
	mutex_lock(&v->mask_lock);
	if (v->pinned < 0)
		read_masks(v->task, v->user_mask, v->user_req);
	mutex_unlock(&v->mask_lock);
}

/* Whether the scheduler of its pool wants the thread bound; that may be moved. */
static bool is_managed(const struct vms_vcpu *v)
{
	bool managed;

	rcu_read_lock();
	managed = READ_ONCE(READ_ONCE(v->pool)->managed);
	rcu_read_unlock();
	return managed;
}

/**
 * vms_apply_plan() - work out which pCPUs a vCPU may use with others in its pool
 * @v: the vCPU; gets @next_allowed
 * @online: those that it could have then
 * @affinity: pCPUs that its parameters will allow then
 *
 * It may come to nothing: what the user wants now counts before, too, or the thread
 * would be bound by what he wanted before.
 *
 * Context: process, may sleep; vms_mutex held.
 * Return: false if the user allows it none of them.
 */
bool vms_apply_plan(struct vms_vcpu *v, const struct cpumask *online,
		    const struct cpumask *affinity)
{
	bool fits;

	lockdep_assert_held(&vms_mutex);
	mutex_lock(&v->mask_lock);
	if (v->pinned < 0 && !is_managed(v))
		read_masks(v->task, v->user_mask, v->user_req);
	else if (take_over(v))
		refresh(v);
	fits = work_out(v, online, affinity, v->next_allowed);
	mutex_unlock(&v->mask_lock);
	return fits;
}

/**
 * vms_apply_renew() - the user may have changed a mask while nobody looked
 * @v: vCPU of a native pool
 *
 * Linux runs those wherever their users want, but a scheduler binds them to pCPUs of
 * the pool. One that is offline just now will do: then the user is overridden.
 *
 * Context: process, may sleep; vms_mutex held.
 * Return: false if the user allows it none of its pool.
 */
bool vms_apply_renew(struct vms_vcpu *v)
{
	bool fits = vms_apply_plan(v, &v->pool->cpus, v->affinity);

	vms_apply_refresh(v);
	return fits;
}

/* The mask that the user allows, for show. Context: process, may sleep. */
void vms_apply_user_mask(struct vms_vcpu *v, struct cpumask *mask)
{
	mutex_lock(&v->mask_lock);
	if (v->pinned < 0 || vms_apply_disturbed(v))
		read_masks(v->task, mask, v->scratch);
	else
		cpumask_copy(mask, v->user_mask);
	mutex_unlock(&v->mask_lock);
}

/* For tests: what a pCPU that goes offline answers. */
static noinline int vms_narrow(struct task_struct *task, int cpu)
{
	return set_cpus_allowed_ptr(task, cpumask_of(cpu));
}
ALLOW_ERROR_INJECTION(vms_narrow, ERRNO);

/* Bind the thread to the pCPU of its queue, unless the user objects. */
static int bind(struct vms_vcpu *v)
{
	int before, cpu, err;

	lockdep_assert_held(&v->mask_lock);
	do {
		if (take_over(v))
			refresh(v);
		cpu = READ_ONCE(v->cpu);
		if (!is_managed(v) || cpu < 0)
			return 0;
		if (v->pinned == cpu && !vms_apply_disturbed(v))
			return 0;

		/* First, so that whoever looks sees what is to come. */
		before = v->pinned;
		WRITE_ONCE(v->pinned, cpu);
		err = vms_narrow(v->task, cpu);
		if (err) {
			/* Still bound as before: a mask to be given back. */
			WRITE_ONCE(v->pinned, before);
			return err;
		}
		/* The user may have asked just before his mask was replaced. */
	} while (asked(v));
	return 0;
}

/**
 * vms_apply_refresh() - pCPUs of the pool, or affinity, have changed
 * @v: the vCPU
 *
 * Context: process, may sleep.
 */
void vms_apply_refresh(struct vms_vcpu *v)
{
	mutex_lock(&v->mask_lock);
	take_over(v);
	refresh(v);
	/* A pCPU that goes offline takes its threads along: do not wait. */
	if (v->pinned >= 0 && v->pinned != READ_ONCE(v->cpu))
		bind(v);
	mutex_unlock(&v->mask_lock);
}

/**
 * vms_apply_pin_self() - bind the current thread to the pCPU of its queue
 * @v: its vCPU
 *
 * Context: process, may sleep.
 */
void vms_apply_pin_self(struct vms_vcpu *v)
{
	int err;

	mutex_lock(&v->mask_lock);
	err = bind(v);
	mutex_unlock(&v->mask_lock);
	if (err) {
		/* The pCPU is about to go; its hotplug step gives another. */
		schedule_timeout_killable(1);
	}
}

static void move_fn(struct kthread_work *work)
{
	struct vms_vcpu *v = container_of(work, struct vms_vcpu, move_work);

	mutex_lock(&v->mask_lock);
	if (!test_bit(VMS_F_DEAD, &v->flags))
		bind(v);
	mutex_unlock(&v->mask_lock);
	wake_up_process(v->task);
	vms_vcpu_put(v);
}

/**
 * vms_apply_move() - have a vCPU's thread bound to the pCPU of its queue
 * @v: the vCPU; it is woken afterwards
 *
 * Context: any, no lock of Linux held.
 */
void vms_apply_move(struct vms_vcpu *v)
{
	refcount_inc(&v->ref);
	if (!kthread_queue_work(worker, &v->move_work))
		vms_vcpu_put(v);
}

/* A mask of pCPUs that are all offline by now is refused: then any will do. */
static void set_user_mask(struct task_struct *task, const struct cpumask *mask)
{
	if (set_cpus_allowed_ptr(task, mask))
		set_cpus_allowed_ptr(task, cpu_possible_mask);
}

/**
 * vms_apply_restore() - give a thread the mask back that it was found with
 * @v: the vCPU; its pool is native, or it is on its way out
 *
 * Context: process, may sleep.
 */
void vms_apply_restore(struct vms_vcpu *v)
{
	bool bound;

	mutex_lock(&v->mask_lock);
	bound = v->pinned >= 0 && (!vms_apply_disturbed(v) || lost_its_cpu(v));
	take_over(v);
	unbound(v);
	while (bound) {
		set_user_mask(v->task, v->user_mask);
		if (!asked(v))
			break;
		/* Just before his mask was replaced: what he wants counts. */
		read_masks(v->task, v->scratch, v->user_req);
		cpumask_copy(v->user_mask, v->user_req);
	}
	mutex_unlock(&v->mask_lock);
}

/* A thread that was made by a vCPU's thread while that was bound. */
struct child {
	struct callback_head work;
	struct llist_node node;
	struct vms_vcpu *parent;
	int pinned;
};

/* No memory can be had in the hook: so many threads may be new at a time. */
#define CHILDREN	512

/* No thread takes longer to be copied, as long as its parent runs. */
#define COPY_MAX_NS	(2ULL * NSEC_PER_SEC)

static struct child *children;
static LLIST_HEAD(free_children);
static DEFINE_RAW_SPINLOCK(children_lock);	/* who takes one; a leaf */

/* In the new thread, before its first instruction in user space. */
static void child_fn(struct callback_head *work)
{
	struct child *c = container_of(work, struct child, work);
	struct vms_vcpu *v = c->parent;

	mutex_lock(&v->mask_lock);
	/* Unless somebody has set another one by now. */
	if (cpumask_equal(current->cpus_ptr, cpumask_of(c->pinned)))
		set_user_mask(current, v->user_mask);
	mutex_unlock(&v->mask_lock);
	vms_vcpu_put(v);
	llist_add(&c->node, &free_children);
	vms_task_work_done();
}

static struct child *child_get(void)
{
	struct llist_node *node;
	unsigned long flags;

	raw_spin_lock_irqsave(&children_lock, flags);
	node = llist_del_first(&free_children);
	raw_spin_unlock_irqrestore(&children_lock, flags);
	return node ? llist_entry(node, struct child, node) : NULL;
}

/*
 * The pCPU to which a new thread is bound because its parent was when it was
 * copied, -1 for none. The parent may have been bound elsewhere, or freed,
 * since then: copying takes long.
 */
static int inherited(struct task_struct *child, const struct vms_vcpu *parent)
{
	if (child->nr_cpus_allowed != 1 || !READ_ONCE(parent->pool))
		return -1;
	/* Pairs with the release in unbound(). */
	if (smp_load_acquire(&parent->pinned) < 0 &&
	    vms_now() - READ_ONCE(parent->unbound_at) > COPY_MAX_NS)
		return -1;
	/* That is what the user wants. */
	if (child->user_cpus_ptr &&
	    cpumask_equal(child->user_cpus_ptr, child->cpus_ptr))
		return -1;
	return cpumask_first(child->cpus_ptr);
}

/**
 * vms_apply_child() - do not let a new thread inherit a mask set here
 * @child: the new thread, not yet woken
 * @parent: vCPU of the thread that makes it
 *
 * Context: preemption off, no lock of Linux held.
 */
void vms_apply_child(struct task_struct *child, struct vms_vcpu *parent)
{
	int pinned = inherited(child, parent);
	struct child *c;

	if (pinned < 0)
		return;
	c = child_get();
	if (!c) {
		pr_warn_ratelimited("more than %d new threads at a time: %s-%d keeps the mask of a vCPU\n",
				    CHILDREN, child->comm, child->pid);
		return;
	}
	init_task_work(&c->work, child_fn);
	c->parent = parent;
	c->pinned = pinned;
	refcount_inc(&parent->ref);
	if (!vms_task_work(child, &c->work))
		return;
	vms_vcpu_put(parent);
	llist_add(&c->node, &free_children);
}

void vms_apply_init_vcpu(struct vms_vcpu *v)
{
	mutex_init(&v->mask_lock);
	v->pinned = -1;
	kthread_init_work(&v->move_work, move_fn);
}

int vms_apply_init(void)
{
	int i;

	children = kcalloc(CHILDREN, sizeof(*children), GFP_KERNEL);
	if (!children)
		return -ENOMEM;
	for (i = 0; i < CHILDREN; i++)
		llist_add(&children[i].node, &free_children);

	worker = kthread_create_worker(0, "vmsched_apply");
	if (IS_ERR(worker)) {
		kfree(children);
		return PTR_ERR(worker);
	}
	sched_set_fifo(worker->task);
	return 0;
}

/* Wait until nothing is queued; new work does not come any more. */
void vms_apply_flush(void)
{
	kthread_flush_worker(worker);
}

/* No new thread is on its way any more, see vms_gate_drain(). */
void vms_apply_exit(void)
{
	kthread_destroy_worker(worker);
	kfree(children);
}
