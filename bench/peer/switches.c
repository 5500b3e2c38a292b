// SPDX-License-Identifier: GPL-2.0
/*
 * Two threads that wake each other in turn, and how long that takes.
 */
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include "peer.h"

/* Short enough that many batches have no tick in them */
#define BATCH	200
#define BATCHES	100

static struct task_struct *players[2];
static struct preempt_notifier notifiers[2];
static int turn;
static int left;
static bool with_notifier;
static u64 batch_began, best;

static void seen_in(struct preempt_notifier *notifier, int cpu)
{
}

static void seen_out(struct preempt_notifier *notifier, struct task_struct *next)
{
}

static struct preempt_ops seen = {
	.sched_in = seen_in,
	.sched_out = seen_out,
};

/* The next one's turn. Times batches; in it only, the threads alternate. */
static void pass_on(int me)
{
	u64 now;

	if (--left % BATCH == 0) {
		now = ktime_get_ns();
		best = min(best, now - batch_began);
		batch_began = now;
	}
	WRITE_ONCE(turn, !me);
	wake_up_process(players[!me]);
}

static int play(void *data)
{
	int me = (long)data;

	if (with_notifier) {
		preempt_notifier_init(&notifiers[me], &seen);
		preempt_notifier_register(&notifiers[me]);
	}
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(turn) == me && left) {
			__set_current_state(TASK_RUNNING);
			pass_on(me);
			continue;
		}
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	if (with_notifier)
		preempt_notifier_unregister(&notifiers[me]);
	return 0;
}

/**
 * peer_switch_ns() - time from one of two threads to the other
 * @notifier: both have a preempt notifier that does nothing
 *
 * Return: ns of the fastest batch, for one switch; 0: no memory for threads.
 */
ulong peer_switch_ns(bool notifier)
{
	long i;

	with_notifier = notifier;
	if (notifier)
		preempt_notifier_inc();
	best = U64_MAX;
	left = BATCH * BATCHES;
	turn = 0;
	for (i = 0; i < 2; i++) {
		players[i] = kthread_create(play, (void *)i, "vmsched_peer/%ld", i);
		if (IS_ERR(players[i])) {
			if (i)
				kthread_stop(players[0]);
			best = 0;
			goto out;
		}
	}
	batch_began = ktime_get_ns();
	wake_up_process(players[1]);
	wake_up_process(players[0]);
	while (READ_ONCE(left))
		schedule_timeout_uninterruptible(HZ / 10);
	for (i = 0; i < 2; i++)
		kthread_stop(players[i]);
out:
	if (notifier)
		preempt_notifier_dec();
	return best / BATCH;
}
