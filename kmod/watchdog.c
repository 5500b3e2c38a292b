// SPDX-License-Identifier: GPL-2.0
/*
 * The watchdog: a vCPU that could run, and is not chosen for too long, is the
 * scheduler's fault. Looks a few times within that long, in the thread that
 * switches, which nothing that is scheduled here can starve.
 *
 * What does not count: time in which the pCPU of its queue executed no vCPU at all
 * although one has the grant, because Linux ran something else there (threads with
 * real-time or deadline policy, a CPU quota, a stopped VMM), or what the vCPU owes
 * to its own cap or budget. And who waits for its turn behind others, by weight,
 * waits for as long as that takes.
 *
 * Locking: the pool lock for each look.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>

#include "vmsched.h"

#define LIMIT_MS_DFL	500
#define LIMIT_MS_MIN	50
#define LIMIT_MS_MAX	10000

/* Looks within the limit */
#define LOOKS		4

/* Turns that everybody may have before it, and how long one may be taken to last */
#define ROUNDS		2
#define TURN_MIN_NS	(10 * NSEC_PER_MSEC)
#define TURN_MAX_NS	(100 * NSEC_PER_MSEC)

static unsigned int watchdog_ms = LIMIT_MS_DFL;

static int set_watchdog_ms(const char *text, const struct kernel_param *kp)
{
	return param_set_uint_minmax(text, kp, LIMIT_MS_MIN, LIMIT_MS_MAX);
}

static const struct kernel_param_ops watchdog_ms_ops = {
	.set = set_watchdog_ms,
	.get = param_get_uint,
};
module_param_cb(watchdog_ms, &watchdog_ms_ops, &watchdog_ms, 0644);
MODULE_PARM_DESC(watchdog_ms, "ms after which a vCPU that could run and is not chosen is its scheduler's fault, 50 to 10000");

static void look_fn(struct kthread_work *work);
static DEFINE_KTHREAD_DELAYED_WORK(look_work, look_fn);

static void look_later(void)
{
	unsigned int ms = READ_ONCE(watchdog_ms) / LOOKS;

	vms_switch_queue_later(&look_work, msecs_to_jiffies(ms));
}

/* It has a reservation, which this scheduler keeps: all of a pCPU, if it is for that. */
static bool is_promised(const struct vms_pool *pool, const struct vms_vcpu *v)
{
	u32 honours = pool->inst->ops->honours;

	return (v->params.reservation && honours & VMSCHED_HONOURS_RESERVATION) ||
	       (v->params.budget_us && honours & VMSCHED_HONOURS_BUDGET);
}

/* Who has executed since the last look is not left out. */
static void count_work(struct vms_pool *pool, u64 now)
{
	struct vms_vcpu *v;
	int cpu;

	for_each_cpu(cpu, &pool->cpus) {
		struct vms_pcpu *pc = vms_pcpu(cpu);

		pc->watch_turns = pc->grants - pc->watch_grants;
		pc->watch_grants = pc->grants;
		pc->watch_ran = 0;
		pc->watch_promised = 0;
		pc->watch_weight = 0;
		pc->watch_vcpus = 0;
	}
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		u64 sum = vms_vcpu_executed(v, now);
		struct vms_pcpu *pc;

		if (v->cpu < 0)
			continue;
		pc = vms_pcpu(v->cpu);
		if (sum > v->watch_sum) {
			pc->watch_ran += sum - v->watch_sum;
			if (is_promised(pool, v))
				pc->watch_promised += sum - v->watch_sum;
			v->watch_sum = sum;
			v->left_out = 0;
		}
		if (v->state != VMS_WAITING && v->state != VMS_GRANTED)
			continue;
		pc->watch_weight += v->params.weight;
		pc->watch_vcpus++;
	}
}

/*
 * Part of @elapsed in which the scheduler could have had somebody run there who was
 * promised nothing. Two looks at the most: if it is more, this host has stood still
 * itself (it may be a guest).
 */
static u64 usable(const struct vms_pcpu *pc, u64 elapsed)
{
	u64 most = READ_ONCE(watchdog_ms) * NSEC_PER_MSEC * 2 / LOOKS;
	u64 ns = pc->cur ? min(pc->watch_ran, elapsed) : elapsed;

	return min(ns - min(ns, pc->watch_promised), most);
}

/* It has a limit of its own, which this scheduler keeps. */
static bool limits_itself(const struct vms_pool *pool, const struct vms_vcpu *v)
{
	u32 honours = pool->inst->ops->honours;

	return (v->params.cap && honours & VMSCHED_HONOURS_CAP) ||
	       (v->params.budget_us && honours & VMSCHED_HONOURS_BUDGET);
}

/*
 * How long a turn lasts here: what those since the last look did, on a slow machine
 * more than their slices. But one that never ends is no turn.
 */
static u64 turn_ns(const struct vms_pcpu *pc)
{
	u64 ns = div_u64(pc->watch_ran, max(pc->watch_turns, 1U));

	return max(pc->slice_ns, clamp_t(u64, ns, TURN_MIN_NS, TURN_MAX_NS));
}

/* Turns that others have for each of its own, by weight where that counts. */
static u64 others(const struct vms_pool *pool, const struct vms_pcpu *pc,
		  const struct vms_vcpu *v)
{
	if (!(pool->inst->ops->honours & VMSCHED_HONOURS_WEIGHT))
		return pc->watch_vcpus;
	return DIV_ROUND_UP(pc->watch_weight, max(v->params.weight, 1U));
}

/* How long @v may be left out: the limit, and its turn after all others. */
static u64 may_wait(const struct vms_pool *pool, const struct vms_pcpu *pc,
		    const struct vms_vcpu *v)
{
	return READ_ONCE(watchdog_ms) * NSEC_PER_MSEC +
	       ROUNDS * turn_ns(pc) * others(pool, pc, v);
}

static void look_at(struct vms_pool *pool, u64 elapsed, u64 now)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&pool->lock);
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		struct vms_pcpu *pc;

		if (v->state != VMS_WAITING || limits_itself(pool, v)) {
			v->left_out = 0;
			continue;
		}
		pc = vms_pcpu(v->cpu);
		v->left_out = min(v->left_out + usable(pc, elapsed),
				  now - v->wait_from);
		if (v->left_out > may_wait(pool, pc, v)) {
			vmsched_fault(pool->inst, VMSCHED_FAULT_KIND_STALL,
				      "vCPU %llu/%u could run and was not chosen for %llu ms",
				      v->vm->id, v->index,
				      v->left_out / NSEC_PER_MSEC);
			return;
		}
	}
}

/* Returns whether there is something to watch. */
static bool look(struct vms_pool *pool)
{
	bool managed;
	u64 now;

	raw_spin_lock_irq(&pool->lock);
	now = vms_now();
	managed = pool->managed;
	if (managed) {
		count_work(pool, now);
		if (!pool->ceased && pool->watch_at)
			look_at(pool, now - pool->watch_at, now);
	}
	pool->watch_at = managed ? now : 0;
	raw_spin_unlock_irq(&pool->lock);
	return managed;
}

static void look_fn(struct kthread_work *work)
{
	struct vms_pool *pool;
	bool more = false;

	mutex_lock(&vms_mutex);
	list_for_each_entry(pool, &vms_pools, node)
		more |= look(pool);
	mutex_unlock(&vms_mutex);
	if (more)
		look_later();
}

/**
 * vms_watchdog_begin() - a scheduler is in force now, look after it
 * @pool: its pool
 *
 * Context: process, vms_mutex held.
 */
void vms_watchdog_begin(struct vms_pool *pool)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&vms_mutex);
	if (!pool->managed)
		return;
	raw_spin_lock_irq(&pool->lock);
	pool->watch_at = 0;
	list_for_each_entry(v, &pool->vcpus, pool_node)
		v->left_out = 0;
	raw_spin_unlock_irq(&pool->lock);
	look_later();
}

/* From here on nobody looks; all pools are native. */
void vms_watchdog_exit(void)
{
	kthread_cancel_delayed_work_sync(&look_work);
}
