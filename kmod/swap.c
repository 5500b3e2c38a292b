// SPDX-License-Identifier: GPL-2.0
/*
 * A change of scheduler at once: in the interrupt that makes vCPUs leave guest
 * mode.
 *
 * The thread that switches would displace a vCPU, wait for the others, and be
 * displaced again, which takes longer than all the rest. So it gets everything
 * ready, sets a timer and goes to sleep. The timer's interrupt forces the exit of
 * the vCPU that runs there, and makes the other pCPUs take an interrupt too. In the
 * last of these nobody is in guest mode, and the change is made there. A vCPU that
 * keeps its pCPU enters guest mode again right after its interrupt.
 *
 * If that is not done within a moment, because a pCPU takes no interrupts, it is
 * called off, and the thread that switches ceases the pool and waits.
 *
 * Locking: vms_mutex throughout, so that there is one at a time; the pool lock for
 * what is decided.
 */
#include <linux/delay.h>
#include <linux/error-injection.h>
#include <linux/hrtimer.h>
#include <linux/smp.h>

#include "cease.h"
#include "compat.h"
#include "vmsched.h"

/* Until then this thread sleeps, and the vCPU that it has displaced runs. */
#define LAUNCH_US	30

/* After that the change was made, and those that it met have gone on. */
#define DONE_US		50

/* So much before a tick and after it there is no change: it would take that along. */
#define TICK_BEFORE_NS	(10 * NSEC_PER_USEC)
#define TICK_AFTER_NS	(40 * NSEC_PER_USEC)

static struct {
	struct hrtimer timer;
	struct vms_pool *pool;
	struct vms_swap *swap;	/* (P) NULL once it is made or called off */
	bool fails;		/* a test wants it to be called off */
	atomic_t left;		/* interrupts to come, and 1 until the last is over */
} now_swap;

/* Of those on a pCPU. In the last one all are outside of guest mode. */
static void one_is_out(void)
{
	struct vms_pool *pool = now_swap.pool;
	struct vms_swap *swap;

	if (atomic_dec_return(&now_swap.left) != 1)
		return;
	raw_spin_lock(&pool->lock);
	swap = now_swap.swap;
	/* Not if somebody has let the vCPUs go on. */
	if (swap && !now_swap.fails && pool->ceased) {
		swap->cease_ns = vms_now() - swap->start;
		swap->commit(pool, swap);
		swap->commit_ns = vms_now() - swap->start;
		now_swap.swap = NULL;
	}
	raw_spin_unlock(&pool->lock);
	/* The next one may begin. */
	atomic_set_release(&now_swap.left, 0);
}

static void out_fn(void *unused)
{
	one_is_out();
}

/* @v could be in guest mode: it executes, and no other one has the right to. */
static bool has_to_exit(const struct vms_pcpu *pc, const struct vms_vcpu *v)
{
	return v && READ_ONCE(v->pool) == pc->pool && READ_ONCE(v->on_cpu) &&
	       vms_inside(v->task) && (!pc->pool->managed || v == pc->cur);
}

/*
 * Nobody enters guest mode from here on: who holds a pCPU loses its pass, and
 * under native, where everybody has one, all look whether the pool has ceased.
 */
static void cease(struct vms_pool *pool, u64 start)
{
	int cpu;

	lockdep_assert_held(&pool->lock);
	pool->ceased = true;
	pool->held_ns = 0;
	for_each_cpu(cpu, &pool->online) {
		struct vms_pcpu *pc = vms_pcpu(cpu);
		struct vms_vcpu *v = READ_ONCE(pc->on);

		pc->ran = NULL;
		if (has_to_exit(pc, v)) {
			pc->ran = v;
			WRITE_ONCE(pc->held_from, start);
		}
		if (pc->cur) {
			pc->cur->waited = pc->cur->parked;
			WRITE_ONCE(pc->cur->pass, VMS_PASS_NONE);
		}
	}
}

static void call_others(struct vms_pool *pool)
{
	int cpu, here = smp_processor_id();

	for_each_cpu(cpu, vms_cease_cpus(pool)) {
		if (cpu == here)
			continue;
		atomic_inc(&now_swap.left);
		/* A pCPU that just goes offline has left guest mode. */
		if (smp_call_function_single_async(cpu,
						   &vms_pcpu(cpu)->swap_csd))
			atomic_dec(&now_swap.left);
	}
}

static enum hrtimer_restart launch_fn(struct hrtimer *timer)
{
	struct vms_pool *pool = now_swap.pool;
	struct vms_swap *swap;

	raw_spin_lock(&pool->lock);
	swap = now_swap.swap;
	if (swap) {
		/* Of a vCPU that runs, this is when it had to exit. */
		swap->start = min_t(u64, vms_now(),
				    ktime_to_ns(hrtimer_get_expires(timer)));
		cease(pool, swap->start);
	}
	raw_spin_unlock(&pool->lock);
	if (swap)
		call_others(pool);
	one_is_out();
	return HRTIMER_NORESTART;
}

/* Unless it was made, it will not be. */
static int call_off(struct vms_pool *pool)
{
	bool made;

	raw_spin_lock_irq(&pool->lock);
	made = !now_swap.swap;
	now_swap.swap = NULL;
	raw_spin_unlock_irq(&pool->lock);
	return made ? 0 : -EAGAIN;
}

/*
 * When to launch: soon, but not where a tick of Linux comes in between, the work of
 * which would keep vCPUs out for longer than the change. Ticks are multiples of the
 * period, if nobody has asked for skewed ones; then this is no worse than any time.
 */
static u64 launch_at(u64 now)
{
	u64 at = now + LAUNCH_US * NSEC_PER_USEC;
	u32 phase;

	div_u64_rem(at, TICK_NSEC, &phase);
	if (phase < TICK_AFTER_NS)
		return at + TICK_AFTER_NS - phase;
	if (phase > TICK_NSEC - TICK_BEFORE_NS)
		return at + TICK_NSEC - phase + TICK_AFTER_NS;
	return at;
}

/**
 * vms_swap_run() - make a change in the interrupt that makes vCPUs exit
 * @pool: the pool
 * @swap: the change
 *
 * Context: process, sleeps; vms_mutex held.
 * Return: 0, or -EAGAIN if it was not made. Then the pool may have ceased: the
 * caller has to cease it, or to let it go on.
 */
noinline int vms_swap_run(struct vms_pool *pool, struct vms_swap *swap)
{
	unsigned long us;
	u64 now, at;
	int cpu;

	lockdep_assert_held(&vms_mutex);
	for_each_cpu(cpu, &pool->cpus)
		vms_pcpu(cpu)->ran = NULL;
	/* Interrupts of the last one, which was called off, are under way. */
	if (atomic_read_acquire(&now_swap.left))
		return -EAGAIN;
	now_swap.pool = pool;
	now_swap.swap = swap;
	now_swap.fails = vms_step_fails(VMS_STEP_SWAP);
	atomic_set(&now_swap.left, 2);
	preempt_disable();
	now = vms_now();
	at = launch_at(now);
	hrtimer_start(&now_swap.timer, ns_to_ktime(at),
		      HRTIMER_MODE_ABS_PINNED_HARD);
	preempt_enable();
	us = DIV_ROUND_UP_ULL(at - now, NSEC_PER_USEC) + DONE_US;
	usleep_range(us, us + 1);
	if (hrtimer_cancel(&now_swap.timer))
		atomic_set(&now_swap.left, 0);
	return call_off(pool);
}
ALLOW_ERROR_INJECTION(vms_swap_run, ERRNO);

void vms_swap_init(void)
{
	int cpu;

	vms_hrtimer_setup(&now_swap.timer, launch_fn, CLOCK_MONOTONIC,
			  HRTIMER_MODE_ABS_PINNED_HARD);
	for_each_possible_cpu(cpu)
		INIT_CSD(&vms_pcpu(cpu)->swap_csd, out_fn, NULL);
}

/* Wait until interrupts of a change that was called off run out. Nobody switches. */
void vms_swap_flush(void)
{
	while (atomic_read(&now_swap.left))
		usleep_range(100, 200);
}
