/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Changing the scheduler of a pool: the request, and the files that take part.
 * Included by vmsched.h.
 */
#ifndef _VMS_SWITCH_H
#define _VMS_SWITCH_H

#include <linux/kthread.h>
#include <linux/types.h>

#include <vmsched/sched.h>

struct vms_pcpu;
struct vms_pool;
struct vms_vcpu;

/**
 * struct vms_switch - a request to change the scheduler, and its answer
 * @pool:	name of the pool
 * @to:		scheduler wanted, "" for the previous one
 * @activate:	enum vmsched_activate
 * @cease_ms:	longest time to wait for the vCPUs to cease
 * @portid:	socket of the requester, 0 for none
 * @held:	only if the pool is held for that socket
 * @watched:	it looks at guest entries just now
 * @watch_err:	why that could not be begun by the requester, 0 if it was
 * @on_console:	enum vmsched_on_console_timeout
 * @console_ms:	longest time to wait for the console agents before that, 0 for
 *		the usual one
 * @from:	answer: scheduler before
 * @cease_ns:	answer: how long the cease took
 * @blackout_ns: answer: longest time a runnable vCPU was held
 * @vcpus:	answer: number of vCPUs handed over
 * @console_ns:	answer: how long the console agents took
 * @console_late: answer: number of those that were not waited for any more
 * @err:	answer: 0 or a negative errno
 * @attr:	answer: attribute of the request to blame, 0 for none
 * @step:	answer: what was being done, enum vms_step
 * @why:	answer: what went wrong, no longer than an extended ACK can hold
 * @late:	answer: vCPUs that were still in guest mode at the deadline
 */
struct vms_switch {
	char pool[VMSCHED_NAME_MAX];
	char to[VMSCHED_NAME_MAX];
	u32 activate;
	u32 cease_ms;
	u32 portid;
	bool held;
	bool watched;
	int watch_err;
	u32 on_console;
	u32 console_ms;
	char from[VMSCHED_NAME_MAX];
	u64 cease_ns;
	u64 blackout_ns;
	u32 vcpus;
	u64 console_ns;
	u32 console_late;
	int err;
	u32 attr;
	u32 step;
	char why[80];
	char late[192];
};

/* switch.c */
int vms_switch_init(void);
int vms_switch_hold(struct vms_switch *req);
void vms_switch_exit(void);
int vms_switch_run(struct vms_switch *req);
int vms_switch_all_native(void);
void vms_switch_flush(void);
void vms_switch_queue(struct kthread_work *work);
void vms_switch_queue_later(struct kthread_delayed_work *work,
			    unsigned long delay);
int vms_switch_here(struct vms_switch *req);

/* watch.c: whether guest entries are looked at */
int vms_watch_get(void);
void vms_watch_put(void);
void vms_watch_look(void);
void vms_watch_exit(void);

/* settle.c */
u64 vms_settle(struct vms_pool *pool, u64 least);

/* handover.c: from one scheduler to the next */
void vms_handover_prepare(struct vms_pool *pool);
void __vms_note_holders(struct vms_pool *pool, u64 now);
void __vms_bring_holders(struct vms_pool *pool, bool linux_had, u64 now);
void __vms_bring_runnable(struct vms_pool *pool, u64 now);
bool __vms_bring_slow(struct vms_vcpu *v, u64 now);
void vms_handover_finish(struct vms_pool *pool);
void __vms_change_pool(struct vms_vcpu *v, struct vms_pool *to, u64 now);

#endif /* _VMS_SWITCH_H */
