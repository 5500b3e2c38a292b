// SPDX-License-Identifier: GPL-2.0
/*
 * Cease: no vCPU of a pool may enter guest mode any more, and every pCPU takes
 * an interrupt, which makes it leave guest mode. After that all vCPUs are
 * outside, and those that try to enter wait at the gate.
 *
 * At the deadline it is given up: the old scheduler goes on, and those that have
 * not come out are named. The deadline is a timer of its own, not a tick: on a
 * machine with 100 ticks a second 5 ms are 5 ms.
 *
 * Locking: vms_mutex throughout, so that there is one at a time; the pool lock
 * for the right to run.
 */
#include <linux/completion.h>
#include <linux/error-injection.h>
#include <linux/pid.h>
#include <linux/smp.h>

#include "cease.h"
#include "compat.h"
#include "vmsched.h"

/*
 * Of the cease under way; serialised by vms_mutex. The last pCPU completes
 * @over, and so does the deadline if it is first. @pending: it was given up, and
 * some pCPU has not taken its interrupt yet; no other one is sent before.
 */
static struct {
	atomic_t left;
	struct completion over;
	struct hrtimer deadline;
	bool pending;
} cease;

static void done_one(void)
{
	if (atomic_dec_and_test(&cease.left))
		complete(&cease.over);
}

/* On a pCPU, which has left guest mode by that. */
static void out_fn(void *info)
{
	struct vms_pcpu *pc = info;

	WRITE_ONCE(pc->out, true);
	done_one();
}

static enum hrtimer_restart deadline_fn(struct hrtimer *timer)
{
	complete(&cease.over);
	return HRTIMER_NORESTART;
}

void vms_cease_init(void)
{
	init_completion(&cease.over);
	vms_hrtimer_setup(&cease.deadline, deadline_fn, CLOCK_MONOTONIC,
			  HRTIMER_MODE_REL_HARD);
}

/* The thread that switches is gone: nobody else comes here. */
void vms_cease_exit(void)
{
	if (cease.pending)
		wait_for_completion(&cease.over);
	cease.pending = false;
}

/* If it fails, one completion is still to come, that of the last pCPU. */
static noinline int vms_await_cease(u32 timeout_ms)
{
	hrtimer_start(&cease.deadline, ms_to_ktime(timeout_ms),
		      HRTIMER_MODE_REL_HARD);
	wait_for_completion(&cease.over);
	if (hrtimer_cancel(&cease.deadline))
		return 0;
	if (atomic_read(&cease.left))
		return -ETIMEDOUT;
	/* Both came at the same time. */
	wait_for_completion(&cease.over);
	return 0;
}
ALLOW_ERROR_INJECTION(vms_await_cease, ERRNO);

/**
 * vms_cease_cpus() - pCPUs that must leave guest mode for a pool to cease
 * @pool: the pool
 *
 * Linux, which binds nobody, runs the vCPUs of a native pool wherever it likes.
 */
const struct cpumask *vms_cease_cpus(const struct vms_pool *pool)
{
	return READ_ONCE(pool->managed) ? &pool->online : cpu_online_mask;
}

/* Make every pCPU where a vCPU of the pool may run leave guest mode. */
static void kick_all(struct vms_pool *pool)
{
	int cpu;

	reinit_completion(&cease.over);
	atomic_set(&cease.left, 1);
	for_each_cpu(cpu, vms_cease_cpus(pool)) {
		struct vms_pcpu *pc = vms_pcpu(cpu);

		pc->out = false;
		INIT_CSD(&pc->cease_csd, out_fn, pc);
		atomic_inc(&cease.left);
		/* A pCPU that just goes offline has left guest mode. */
		preempt_disable();
		if (smp_call_function_single_async(cpu, &pc->cease_csd))
			out_fn(pc);
		preempt_enable();
	}
	done_one();
}

/**
 * vms_wants_to_run() - a vCPU is to run on a pCPU that one held before
 * @pool: the pool, lock held
 * @pc: the pCPU
 */
bool vms_wants_to_run(struct vms_pool *pool, struct vms_pcpu *pc)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&pool->lock);
	if (pool->managed)
		return pc->cur && vms_inside(pc->cur->task);
	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (task_cpu(v->task) == pc->cpu && v->state != VMS_HALTED &&
		    vms_inside(v->task))
			return true;
	return false;
}

/* It counts from the interrupt of a swap that was called off, if there was one. */
static void loses(struct vms_pool *pool, struct vms_pcpu *pc, u64 now)
{
	/* Under native, Linux may run it on a pCPU of another pool. */
	if (pc->pool == pool && !pc->held_from)
		WRITE_ONCE(pc->held_from, now);
}

/*
 * Take the right to run away, and note which pCPUs lose something by it. Where
 * this thread runs, that is the one that it has displaced.
 */
static void stop_all(struct vms_pool *pool, u64 now)
{
	struct vms_vcpu *v;
	struct vms_pcpu *pc;

	raw_spin_lock_irq(&pool->lock);
	pool->ceased = true;
	pool->held_ns = 0;
	pc = this_cpu_ptr(&vms_pcpus);
	if (pc->pool == pool && vms_wants_to_run(pool, pc))
		loses(pool, pc, now);
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		if (test_bit(VMS_F_DEAD, &v->flags))
			continue;
		v->waited = v->parked;
		if (READ_ONCE(v->on_cpu) && vms_inside(v->task))
			loses(pool, vms_pcpu(task_cpu(v->task)), now);
		WRITE_ONCE(v->pass, VMS_PASS_NONE);
	}
	raw_spin_unlock_irq(&pool->lock);
}

/* Give each vCPU back what it may do under the scheduler that is in force. */
static void resume(struct vms_pool *pool)
{
	struct vms_vcpu *v;
	int cpu;

	lockdep_assert_held(&pool->lock);
	pool->ceased = false;
	for_each_cpu(cpu, &pool->cpus) {
		vms_pcpu(cpu)->ran = NULL;
		WRITE_ONCE(vms_pcpu(cpu)->held_from, 0);
	}
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		if (!pool->managed)
			WRITE_ONCE(v->pass, VMS_PASS_ANY);
		else if (v->state == VMS_GRANTED)
			WRITE_ONCE(v->pass, v->cpu);
		if (v->parked && v->pass != VMS_PASS_NONE)
			vms_wake_later(v);
		v->waited = false;
	}
}

/**
 * vms_uncease() - the VMs go on under the scheduler that is in force
 * @pool: the pool; nothing is done if it is not ceased any more
 *
 * Context: any, none of the locks of Linux's scheduler held.
 */
void vms_uncease(struct vms_pool *pool)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	if (pool->ceased) {
		resume(pool);
		/* Slices may have ended meanwhile. */
		__vms_resched_all(pool, vms_now());
	}
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

/* Its pCPU has taken no interrupt, so it may still be in guest mode there. */
static bool is_late(const struct vms_vcpu *v)
{
	return READ_ONCE(v->on_cpu) && vms_inside(v->task) &&
	       !READ_ONCE(vms_pcpu(task_cpu(v->task))->out);
}

/* Name those that did not come out, as many as there is room for. */
static void name_late(struct vms_pool *pool, struct vms_switch *req)
{
	const size_t size = sizeof(req->late), room = size - sizeof("+4294967295");
	unsigned int more = 0;
	struct vms_vcpu *v;
	size_t used = 0;
	char one[48];

	raw_spin_lock_irq(&pool->lock);
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		if (!is_late(v))
			continue;
		scnprintf(one, sizeof(one), "%llu/%u (thread %d), ", v->vm->id,
			  v->index, task_pid_nr(v->task));
		if (more || used + strlen(one) > room)
			more++;
		else
			used += scnprintf(req->late + used, size - used, "%s", one);
	}
	raw_spin_unlock_irq(&pool->lock);
	if (more)
		scnprintf(req->late + used, size - used, "+%u", more);
	else if (used)
		req->late[used - 2] = '\0';
}

/**
 * vms_cease() - all vCPUs of a pool out of guest mode, and kept there
 * @pool: the pool
 * @start: vms_now()
 * @req: within what time; gets how long it took, and who was late
 *
 * Return: 0, and the commit of a switch or vms_uncease() must follow; or -ETIMEDOUT, and
 * the VMs go on already.
 */
int vms_cease(struct vms_pool *pool, u64 start, struct vms_switch *req)
{
	int err = 0;

	lockdep_assert_held(&vms_mutex);
	if (cease.pending)
		err = vms_await_cease(req->cease_ms);
	if (!err) {
		stop_all(pool, start);
		kick_all(pool);
		err = vms_await_cease(req->cease_ms);
	}
	cease.pending = err;
	req->cease_ns = vms_now() - start;
	if (!err)
		return 0;
	name_late(pool, req);
	vms_uncease(pool);
	return err;
}
