// SPDX-License-Identifier: GPL-2.0
/*
 * For how long guest entries are looked at: while a pool is managed or held, while
 * somebody is about to change that, and a moment longer, since the next one may come.
 *
 * To begin and to end takes long: symbols are looked up and code is patched. So it is
 * done in the thread of whoever asks for a switch, and by a worker of Linux; if the
 * thread that switches did it, the VMs of its pCPU would stand still meanwhile.
 *
 * Locking: watch_mutex, outside of the hotplug lock and of vms_mutex.
 */
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "cease.h"
#include "vmsched.h"

/* How long guest entries are looked at after the last switch to native. */
#define ON_FOR	HZ

static void idle_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(idle_work, idle_fn);
static DEFINE_MUTEX(watch_mutex);	/* see above */
static unsigned int users;		/* under watch_mutex */

/**
 * vms_watch_get() - look at guest entries until vms_watch_put()
 *
 * Context: process, may sleep; vms_mutex not held.
 * Return: 0 or a negative errno, without a reference then.
 */
int vms_watch_get(void)
{
	int err;

	mutex_lock(&watch_mutex);
	err = vms_kvm_watch(true);
	if (!err)
		users++;
	mutex_unlock(&watch_mutex);
	return err;
}

/* Undo vms_watch_get(). What is in force by now decides. */
void vms_watch_put(void)
{
	mutex_lock(&watch_mutex);
	users--;
	mutex_unlock(&watch_mutex);
	vms_watch_look();
}

/* Something was changed: see in a while whether anybody wants to look. */
void vms_watch_look(void)
{
	mod_delayed_work(system_long_wq, &idle_work, ON_FOR);
}

static void idle_fn(struct work_struct *work)
{
	struct vms_pool *pool;
	bool managed = false, held = false;

	mutex_lock(&watch_mutex);
	mutex_lock(&vms_mutex);
	list_for_each_entry(pool, &vms_pools, node) {
		managed |= pool->managed;
		held |= vms_is_held(pool);
	}
	mutex_unlock(&vms_mutex);
	/* Who makes one managed, or holds one, has a reference until that is so. */
	if (!users && !managed && !held)
		vms_kvm_watch(false);
	mutex_unlock(&watch_mutex);
	if (held)
		vms_watch_look();
}

/* From here on nobody starts to look at guest entries. */
void vms_watch_exit(void)
{
	cancel_delayed_work_sync(&idle_work);
}
