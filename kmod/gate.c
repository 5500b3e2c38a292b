// SPDX-License-Identifier: GPL-2.0
/*
 * The gate: where a vCPU without a grant waits, in its own KVM_RUN.
 *
 * A task work runs in the vCPU thread inside of KVM's run loop, in process
 * context, with KVM's SRCU dropped, and sleeps there until the vCPU is
 * granted. A signal ends the wait, so that KVM_RUN returns EINTR as the VMM
 * expects. The same work also runs when the thread returns to user space;
 * there it must never sleep for a grant, because the thread may hold a lock
 * of the VMM: the next entry is stopped instead (track.c).
 *
 * Locking: the pool lock for the verdict; nothing is held while it sleeps.
 */
#include <linux/sched/signal.h>
#include <linux/task_work.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "request.h"
#include "vmsched.h"

/* Task works that are queued or run, so that unload can wait for them. */
static atomic_t pending = ATOMIC_INIT(0);

enum verdict {
	GATE_PASS,
	GATE_WAIT,
	GATE_MOVE,	/* the thread is not bound to the right pCPU */
};

/**
 * vms_task_work() - have a thread run a function in its own context
 * @task: the thread
 * @work: the function; ends with vms_task_work_done()
 *
 * Context: any.
 * Return: 0, or -ESRCH: the thread is exiting and runs none any more.
 */
int vms_task_work(struct task_struct *task, struct callback_head *work)
{
	int err;

	atomic_inc(&pending);
	err = task_work_add(task, work, TWA_RESUME | VMS_TWAF_NO_ALLOC);
	/* Nobody waits for it while there are still callers: wakes nobody. */
	if (err)
		atomic_dec(&pending);
	return err;
}

/* Last act of a function that was queued with vms_task_work(). */
void vms_task_work_done(void)
{
	if (atomic_dec_and_test(&pending))
		wake_up_var(&pending);
}

/**
 * vms_gate_arm() - send a vCPU through the gate before it enters guest mode
 * @v: the vCPU; if it is in guest mode it is kicked out
 *
 * Context: any, interrupts off.
 * Return: false if it will not come there, as its thread is exiting.
 */
bool vms_gate_arm(struct vms_vcpu *v)
{
	if (test_and_set_bit(VMS_F_GATE, &v->flags))
		return true;
	refcount_inc(&v->ref);
	if (!vms_task_work(v->task, &v->gate_work))
		return true;
	vms_vcpu_put(v);
	clear_bit(VMS_F_GATE, &v->flags);
	return false;
}

static void work_done(struct vms_vcpu *v)
{
	vms_vcpu_put(v);
	vms_task_work_done();
}

/*
 * Take a work out of the list of a thread. What task_work_cancel() does, which
 * Linux keeps to itself: whoever runs the works takes the whole list, and then
 * pi_lock once, before it follows it.
 */
static bool unqueue(struct task_struct *task, struct callback_head *work)
{
	struct callback_head **at = &task->task_works;
	struct callback_head *old;
	unsigned long flags;
	bool found = false;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	old = READ_ONCE(*at);
	while (old && !found) {
		if (old != work) {
			at = &old->next;
			old = READ_ONCE(*at);
		} else {
			/* Another one may have come before it meanwhile. */
			found = try_cmpxchg(at, &old, work->next);
		}
	}
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return found;
}

/**
 * vms_gate_cancel() - do not send a vCPU through the gate any more
 * @v: the vCPU; nobody arms its gate again
 *
 * Its thread may be in no state to run anything for as long as a debugger, or
 * whoever stopped it, likes. If it runs the work just now, that goes on.
 *
 * Context: any, none of the thread's locks held.
 */
void vms_gate_cancel(struct vms_vcpu *v)
{
	if (!test_bit(VMS_F_GATE, &v->flags) ||
	    !unqueue(v->task, &v->gate_work))
		return;
	clear_bit(VMS_F_GATE, &v->flags);
	work_done(v);
}

static enum verdict judge(struct vms_vcpu *v)
{
	struct vms_pool *pool = v->pool;
	int here = raw_smp_processor_id();

	lockdep_assert_held(&pool->lock);
	v->parked = false;
	if (test_bit(VMS_F_DEAD, &v->flags))
		return GATE_PASS;
	if (unlikely(pool->leaving))
		__vms_follow(v, vms_now());
	if (!pool->managed && !pool->ceased) {
		WRITE_ONCE(v->pass, VMS_PASS_ANY);
		return GATE_PASS;
	}
	if (pool->managed && !pool->ceased && vms_apply_disturbed(v))
		return GATE_MOVE;
	if (v->state == VMS_OFF || v->state == VMS_HALTED)
		__vms_runnable(v, VMSCHED_WHY_ENTER, vms_now());
	if (v->pass == here && READ_ONCE(v->pinned) == here)
		return GATE_PASS;
	if (v->pass >= 0)
		return GATE_MOVE;
	v->parked = true;
	return GATE_WAIT;
}

static void wake_owed(struct vms_vcpu *owed)
{
	if (!owed)
		return;
	wake_up_process(owed->task);
	vms_vcpu_put(owed);
}

static enum verdict judge_locked(struct vms_vcpu *v)
{
	struct vms_pool *pool = vms_pool_lock_irq(&v->pool);
	struct vms_vcpu *owed;
	enum verdict verdict;

	owed = __vms_take_owed(pool, v);
	verdict = judge(v);
	raw_spin_unlock_irq(&pool->lock);
	wake_owed(owed);
	return verdict;
}

/* Outside of KVM_RUN there is no gate, but somebody may wait for this pCPU. */
static void pass_by(struct vms_vcpu *v)
{
	struct vms_vcpu *owed;
	struct vms_pool *pool;

	/* What the guest had asked for then is not what the next KVM_RUN answers. */
	v->call.nr = 0;

	pool = vms_pool_lock_irq(&v->pool);
	owed = __vms_take_owed(pool, v);
	raw_spin_unlock_irq(&pool->lock);
	wake_owed(owed);
}

/* A signal ends KVM_RUN: the vCPU does not want to run until the next one. */
static void leave(struct vms_vcpu *v)
{
	struct vms_pool *pool = vms_pool_lock_irq(&v->pool);

	v->parked = false;
	if (v->state == VMS_WAITING && signal_pending(current))
		__vms_not_runnable(v, VMS_OFF, vms_now());
	raw_spin_unlock_irq(&pool->lock);
}

/*
 * Sleep until woken. Returns the time slept, without what Linux counts: it does
 * that whenever the thread is switched to, at each read as well.
 */
static u64 sleep(void)
{
	u64 delay = READ_ONCE(current->sched_info.run_delay);
	u64 start = vms_now();
	u64 gone;

	schedule();
	gone = vms_now() - start;
	delay = READ_ONCE(current->sched_info.run_delay) - delay;
	return gone > delay ? gone - delay : 0;
}

/*
 * Steal time of a guest is the run delay of its thread, which Linux counts
 * while the thread is queued. Waiting in the gate is the same to the guest,
 * so add it there. Only the running thread writes its own run delay, and the
 * switch to it, which cannot happen with preemption off.
 */
static void count_as_steal(u64 ns)
{
	u64 *delay = &current->sched_info.run_delay;

	preempt_disable();
	/* Anybody may read it */
	WRITE_ONCE(*delay, *delay + ns);
	preempt_enable();
}

/*
 * It has its grant, and nothing is to be decided: the lock is not needed for that.
 * Whoever takes the pass away sends it here again, as VMS_F_GATE was cleared before
 * the pass is read.
 */
static bool keeps_grant(const struct vms_vcpu *v)
{
	int here = raw_smp_processor_id();

	return READ_ONCE(v->pass) == here && READ_ONCE(v->pinned) == here &&
	       !READ_ONCE(vms_pcpu(here)->owed) && !vms_apply_disturbed(v) &&
	       !signal_pending(current);
}

static void wait_for_grant(struct vms_vcpu *v)
{
	enum verdict verdict;
	u64 slept = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		verdict = judge_locked(v);
		if (verdict == GATE_PASS || signal_pending(current))
			break;
		if (verdict == GATE_MOVE) {
			__set_current_state(TASK_RUNNING);
			vms_apply_pin_self(v);
			continue;
		}
		slept += sleep();
	}
	__set_current_state(TASK_RUNNING);
	leave(v);
	if (slept)
		count_as_steal(slept);
}

/* The thread, which is inside of KVM_RUN, runs another vCPU there by now. */
static bool is_replaced(const struct vms_vcpu *v)
{
	return hlist_unhashed_lockless(&v->task_node) &&
	       !test_bit(VMS_F_DEAD, &v->flags);
}

static void gate_fn(struct callback_head *head)
{
	struct vms_vcpu *v = container_of(head, struct vms_vcpu, gate_work);

	clear_bit(VMS_F_GATE, &v->flags);
	/* Whoever sees the bit clear and sets it queues the work once more. */
	smp_mb__after_atomic();

	if (!READ_ONCE(v->pool) && !(current->flags & PF_EXITING))
		vms_vcpu_attach(v);
	if (READ_ONCE(v->pool) && vms_inside(current) && !is_replaced(v)) {
		vms_kvm_serve(v);
		if (!keeps_grant(v))
			wait_for_grant(v);
	} else if (READ_ONCE(v->pool)) {
		pass_by(v);
	}
	work_done(v);
}

void vms_gate_init_vcpu(struct vms_vcpu *v)
{
	init_task_work(&v->gate_work, gate_fn);
}

/**
 * vms_gate_drain() - wait until no task work is queued and none runs
 *
 * Nothing arms the gate any more, and what waited for its thread was cancelled.
 */
void vms_gate_drain(void)
{
	wait_var_event(&pending, !atomic_read(&pending));
	/* The tail of the last callback still executes module text. */
	synchronize_rcu_tasks();
}
