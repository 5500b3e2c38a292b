// SPDX-License-Identifier: GPL-2.0
/*
 * Cease: no vCPU of a pool may enter guest mode any more, and every pCPU takes
 * an interrupt, which makes it leave guest mode. After that all vCPUs are
 * outside, and those that try to enter wait at the gate.
 *
 * Locking: vms_mutex throughout, so that there is one at a time; the pool lock
 * for the right to run. Interrupts of a cease that was given up are waited for
 * before the next.
 */
#include <linux/completion.h>
#include <linux/error-injection.h>
#include <linux/smp.h>

#include "vmsched.h"

/* Of the cease under way; serialised by vms_mutex. */
static atomic_t cease_left;
static DECLARE_COMPLETION(cease_done);

static void cease_fn(void *unused)
{
	if (atomic_dec_and_test(&cease_left))
		complete(&cease_done);
}

static noinline int vms_await_cease(u32 timeout_ms)
{
	if (!wait_for_completion_timeout(&cease_done,
					 msecs_to_jiffies(timeout_ms) + 1))
		return -ETIMEDOUT;
	return 0;
}
ALLOW_ERROR_INJECTION(vms_await_cease, ERRNO);

/**
 * vms_cease_wait() - make every pCPU of a pool leave guest mode
 * @pool: the pool, after vms_cease()
 * @timeout_ms: how long to wait
 *
 * Return: 0 or -ETIMEDOUT; then vms_cease_cancel() must follow.
 */
int vms_cease_wait(struct vms_pool *pool, u32 timeout_ms)
{
	int cpu;

	reinit_completion(&cease_done);
	atomic_set(&cease_left, 1);
	for_each_cpu(cpu, &pool->online) {
		call_single_data_t *csd = &vms_pcpu(cpu)->cease_csd;

		csd->func = cease_fn;
		atomic_inc(&cease_left);
		/* A pCPU that just goes offline has left guest mode. */
		preempt_disable();
		if (smp_call_function_single_async(cpu, csd))
			cease_fn(NULL);
		preempt_enable();
	}
	cease_fn(NULL);
	return vms_await_cease(timeout_ms);
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

/**
 * vms_cease() - take the right to run away
 * @pool: the pool
 * @now: vms_now()
 *
 * Notes which pCPUs lose something by it. Where this thread runs, that is the one
 * that it has displaced.
 */
void vms_cease(struct vms_pool *pool, u64 now)
{
	struct vms_vcpu *v;
	struct vms_pcpu *pc;

	raw_spin_lock_irq(&pool->lock);
	pool->ceased = true;
	pool->held_ns = 0;
	pc = this_cpu_ptr(&vms_pcpus);
	if (pc->pool == pool && vms_wants_to_run(pool, pc))
		WRITE_ONCE(pc->held_from, now);
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		if (test_bit(VMS_F_DEAD, &v->flags))
			continue;
		v->waited = v->parked;
		if (READ_ONCE(v->on_cpu) && vms_inside(v->task))
			WRITE_ONCE(vms_pcpu(task_cpu(v->task))->held_from, now);
		WRITE_ONCE(v->pass, VMS_PASS_NONE);
	}
	raw_spin_unlock_irq(&pool->lock);
}

/**
 * __vms_resume() - give each vCPU back what it may do under the scheduler in force
 * @pool: the pool, lock held
 * @later: those that had waited before are woken later, if it is native
 * @now: vms_now()
 */
void __vms_resume(struct vms_pool *pool, bool later, u64 now)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&pool->lock);
	pool->ceased = false;
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		bool wait = later && !pool->managed && v->waited;

		if (!pool->managed)
			WRITE_ONCE(v->pass, VMS_PASS_ANY);
		else if (v->state == VMS_GRANTED)
			WRITE_ONCE(v->pass, v->cpu);
		if (v->parked && v->pass != VMS_PASS_NONE && !wait)
			vms_wake_later(v);
		v->waited = false;
	}
}

/**
 * vms_cease_cancel() - after vms_cease_wait() has failed: the VMs go on
 * @pool: the pool
 */
void vms_cease_cancel(struct vms_pool *pool)
{
	u64 now;

	raw_spin_lock_irq(&pool->lock);
	now = vms_now();
	__vms_resume(pool, false, now);
	/* Slices may have ended meanwhile. */
	__vms_resched_all(pool, now);
	raw_spin_unlock_irq(&pool->lock);
	/* The VMs go on; the interrupts must be over before the next. */
	wait_for_completion(&cease_done);
}
