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
 * All of it is done by the thread that switches, one after the other: who ends
 * a hold never meets a commit. Meanwhile VMs, vCPUs and pCPUs may come and go.
 *
 * Locking: vms_mutex; it is not held in between. A socket that is closed looks
 * at @portid without it.
 */
#include <linux/netlink.h>
#include <net/net_namespace.h>

#include "cease.h"
#include "compat.h"
#include "vmsched.h"

/*
 * One at a time. @portid: socket, 0 if there is none; @lapsed: socket of one
 * that ended too early, and was not told yet; @closed: the socket is gone;
 * @end: vms_now() at which it ends.
 */
static struct {
	struct vms_pool *pool;
	u32 portid;
	u32 lapsed;
	bool closed;
	u64 cease_ns;
	u64 since;
	u64 end;
	struct hrtimer deadline;
	struct kthread_work work;
} hold;

static void forget(void)
{
	lockdep_assert_held(&vms_mutex);
	hold.pool = NULL;
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
	if (pool && (READ_ONCE(hold.closed) || vms_now() >= hold.end)) {
		if (!READ_ONCE(hold.closed))
			WRITE_ONCE(hold.lapsed, hold.portid);
		vms_hold_drop(pool);
	}
	mutex_unlock(&vms_mutex);
}

static enum hrtimer_restart deadline_fn(struct hrtimer *timer)
{
	vms_switch_queue(&hold.work);
	return HRTIMER_NORESTART;
}

static int socket_closed(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct netlink_notify *n = data;

	if (event != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC ||
	    !net_eq(n->net, &init_net))
		return NOTIFY_DONE;
	/* The next socket may have the same number. */
	cmpxchg(&hold.lapsed, n->portid, 0);
	if (n->portid != READ_ONCE(hold.portid))
		return NOTIFY_DONE;
	WRITE_ONCE(hold.closed, true);
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
	u64 now = vms_now();

	lockdep_assert_held(&vms_mutex);
	hold.pool = pool;
	hold.since = start;
	hold.cease_ns = req->cease_ns;
	hold.end = start + (u64)req->cease_ms * NSEC_PER_MSEC;
	WRITE_ONCE(hold.lapsed, 0);
	WRITE_ONCE(hold.closed, false);
	WRITE_ONCE(hold.portid, req->portid);
	hrtimer_start(&hold.deadline,
		      ns_to_ktime(hold.end > now ? hold.end - now : 1),
		      HRTIMER_MODE_REL_HARD);
}

/**
 * vms_hold_check() - may the scheduler of a pool be changed by this requester?
 * @pool: the pool
 * @portid: its socket
 * @why: what is in the way
 *
 * Context: the thread that switches, vms_mutex held.
 * Return: 0, -EBUSY: it is held for another requester, or -ETIMEDOUT: it was
 * for this one, which has taken too long; that is told once.
 */
int vms_hold_check(const struct vms_pool *pool, u32 portid, const char **why)
{
	lockdep_assert_held(&vms_mutex);
	if (portid && portid == READ_ONCE(hold.lapsed)) {
		WRITE_ONCE(hold.lapsed, 0);
		*why = "the hold ended at cease-timeout, VMs went on";
		return -ETIMEDOUT;
	}
	if (!hold.pool || (hold.pool == pool && hold.portid == portid))
		return 0;
	*why = "strict-cease of another requester; try again";
	return -EBUSY;
}

bool vms_is_held(const struct vms_pool *pool)
{
	lockdep_assert_held(&vms_mutex);
	return hold.pool == pool;
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
