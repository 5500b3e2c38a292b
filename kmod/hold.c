// SPDX-License-Identifier: GPL-2.0
/*
 * A pool that stays ceased between two commands: that which ceases it, and the
 * switch for which it was done. In between the requester loads the image of the
 * scheduler, so that no VM runs while code of it is new to the kernel.
 *
 * The image is loaded by user space, as always: the kernel could only ask for
 * one by alias, cannot give a deadline to it, and must not wait for it here. So
 * what holds the pool is the netlink socket of the requester. If that is closed,
 * which the death of a process does, or the deadline passes, the VMs go on.
 *
 * All of it is done by the thread that switches, one after the other, but for the
 * deadline, which lets the VMs go on by itself: a commit looks under the pool lock
 * whether they do. Meanwhile VMs, vCPUs and pCPUs may come and go.
 *
 * Locking: vms_mutex; it is not held in between. A socket that is closed looks
 * at @portid without it, the timer at @pool.
 */
#include <linux/netlink.h>
#include <net/net_namespace.h>

#include "cease.h"
#include "compat.h"
#include "console.h"
#include "vmsched.h"

/*
 * One at a time. @portid: socket, 0 if there is none; @over: that is gone, or
 * the deadline has passed.
 */
static struct {
	struct vms_pool *pool;
	u32 portid;
	bool over;
	u64 cease_ns;
	u64 since;
	struct hrtimer deadline;
	struct kthread_work work;
} hold;

static void forget(void)
{
	lockdep_assert_held(&vms_mutex);
	WRITE_ONCE(hold.pool, NULL);
	WRITE_ONCE(hold.portid, 0);
	hrtimer_cancel(&hold.deadline);
}

/* The deadline has passed, or the requester is gone. */
static void end_fn(struct kthread_work *work)
{
	struct vms_pool *pool;

	mutex_lock(&vms_mutex);
	pool = hold.pool;
	/* It may have been queued for another one before. */
	if (pool && READ_ONCE(hold.over))
		vms_hold_drop(pool);
	mutex_unlock(&vms_mutex);
}

/*
 * The VMs go on at once, whatever the thread that switches is at: a scheduler that
 * is being set up for the held pool may take as long as it likes. That thread does
 * the rest, and finds then that the pool is not ceased any more.
 */
static enum hrtimer_restart deadline_fn(struct hrtimer *timer)
{
	/* Who takes it away waits for this timer. */
	struct vms_pool *pool = READ_ONCE(hold.pool);

	WRITE_ONCE(hold.over, true);
	if (pool)
		vms_uncease(pool);
	vms_switch_queue(&hold.work);
	return HRTIMER_NORESTART;
}

static int socket_closed(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct netlink_notify *n = data;

	if (event != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC ||
	    !net_eq(n->net, &init_net) || n->portid != READ_ONCE(hold.portid))
		return NOTIFY_DONE;
	WRITE_ONCE(hold.over, true);
	vms_switch_queue(&hold.work);
	return NOTIFY_OK;
}

static struct notifier_block on_close = { .notifier_call = socket_closed };

/**
 * vms_hold_begin() - keep a pool ceased for the socket of the requester
 * @pool: the pool, ceased
 * @start: vms_now() when the cease began
 * @req: for how long, from then on, and by whom
 *
 * Context: the thread that switches, vms_mutex held.
 */
void vms_hold_begin(struct vms_pool *pool, u64 start, const struct vms_switch *req)
{
	u64 end = start + (u64)req->cease_ms * NSEC_PER_MSEC;
	u64 now = vms_now();

	lockdep_assert_held(&vms_mutex);
	WRITE_ONCE(hold.pool, pool);
	hold.since = start;
	hold.cease_ns = req->cease_ns;
	WRITE_ONCE(hold.over, false);
	WRITE_ONCE(hold.portid, req->portid);
	hrtimer_start(&hold.deadline,
		      ns_to_ktime(end > now ? end - now : 1),
		      HRTIMER_MODE_REL_HARD);
}

/**
 * vms_hold_check() - may the scheduler of a pool be changed by this requester?
 * @pool: the pool
 * @portid: its socket
 * @held: only if the pool is held for it
 * @why: what is in the way
 *
 * Context: the thread that switches, vms_mutex held.
 * Return: 0, -EBUSY: another requester has one held, or -ETIMEDOUT.
 */
int vms_hold_check(const struct vms_pool *pool, u32 portid, bool held,
		   const char **why)
{
	lockdep_assert_held(&vms_mutex);
	if (hold.pool && (hold.pool != pool || hold.portid != portid)) {
		*why = "strict-cease of another requester; try again";
		return -EBUSY;
	}
	/* Its end may not have had its turn yet. */
	if ((!hold.pool || READ_ONCE(hold.over)) && held) {
		*why = "not held any more: longer than cease-timeout";
		return -ETIMEDOUT;
	}
	return 0;
}

bool vms_is_held(const struct vms_pool *pool)
{
	lockdep_assert_held(&vms_mutex);
	return hold.pool == pool;
}

/* The VMs of a pool should have gone on by now. */
bool vms_hold_is_over(const struct vms_pool *pool)
{
	return vms_is_held(pool) && READ_ONCE(hold.over);
}

/* Since when a pool is held, 0 if it is not; and how long the cease took. */
u64 vms_hold_since(const struct vms_pool *pool, struct vms_switch *req)
{
	if (!vms_is_held(pool))
		return 0;
	req->cease_ns = hold.cease_ns;
	return hold.since;
}

/* The switch is done, and has let the vCPUs go on. */
void vms_hold_taken(struct vms_pool *pool)
{
	lockdep_assert_held(&vms_mutex);
	if (hold.pool == pool)
		forget();
}

/* There will be no switch: the old scheduler goes on. */
void vms_hold_drop(struct vms_pool *pool)
{
	lockdep_assert_held(&vms_mutex);
	if (hold.pool != pool)
		return;
	forget();
	vms_uncease(pool);
	vms_console_resume(pool, -ETIMEDOUT);
}

int vms_hold_init(void)
{
	kthread_init_work(&hold.work, end_fn);
	vms_hrtimer_setup(&hold.deadline, deadline_fn, CLOCK_MONOTONIC,
			  HRTIMER_MODE_REL_HARD);
	return netlink_register_notifier(&on_close);
}

/* Nobody can ask for a hold any more. */
void vms_hold_exit(void)
{
	netlink_unregister_notifier(&on_close);
	mutex_lock(&vms_mutex);
	if (hold.pool)
		vms_hold_drop(hold.pool);
	mutex_unlock(&vms_mutex);
	hrtimer_cancel(&hold.deadline);
	vms_switch_flush();
}
