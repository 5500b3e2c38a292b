/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interface between vmsched and its schedulers.
 *
 * A scheduler is one file that includes this header and nothing else of
 * vmsched: it knows pCPUs, vCPUs and time, but neither KVM nor Linux threads.
 * It decides who gets the grant of a pCPU and for how long; the core makes
 * that come true. All state lives in the blobs that the core allocates for
 * an instance, a pCPU and a vCPU, so that two pools can run one scheduler.
 *
 * Times are nanoseconds of one monotonic clock unless a name says otherwise.
 */
#ifndef _VMSCHED_SCHED_H
#define _VMSCHED_SCHED_H

#include <linux/cpumask.h>
#include <linux/device/driver.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include <uapi/linux/vmsched.h>

/* Counts up with each change that a scheduler has to follow. */
#define VMSCHED_API		4

/* Longest name of a scheduler or a pool, with the closing NUL. */
#define VMSCHED_NAME_MAX	32

/* Longest description of a scheduler, likewise. */
#define VMSCHED_DOC_MAX		256

/* Most bytes of private data in one piece. */
#define VMSCHED_PRIV_MAX	(256U << 10)

#define VMSCHED_WEIGHT_MIN	1
#define VMSCHED_WEIGHT_DFL	100
#define VMSCHED_WEIGHT_MAX	10000

/* Answer of preempt_in(): the grant ends when its slice does. */
#define VMSCHED_NEVER		S64_MAX

/* Longest slice that a scheduler may give. */
#define VMSCHED_SLICE_MAX_NS	(10ULL * NSEC_PER_SEC)

struct vmsched_inst;
struct vms_fault;
struct vms_vcpu;

/**
 * struct vmsched_params - parameters that no scheduler owns
 * @weight:		share, VMSCHED_WEIGHT_MIN to _MAX, 100 is one share
 * @cap:		permille of one pCPU at most, 0 for none
 * @reservation:	permille of one pCPU at least, 0 for none
 * @period_us:		period of a reservation
 * @budget_us:		time within @period_us
 * @slice_us:		slice, 0 for the scheduler's own choice
 * @warp_us:		virtual time that a woken vCPU is set ahead
 * @warp_limit_us:	time that it may run warped, 0 for no limit
 * @unwarp_us:		time that must pass unwarped before the next warp
 * @time_critical:	1 if its work is time-critical
 *
 * They belong to the VM or the vCPU and survive each change of scheduler.
 */
struct vmsched_params {
	u32 weight;
	u32 cap;
	u32 reservation;
	u32 period_us;
	u32 budget_us;
	u32 slice_us;
	u32 warp_us;
	u32 warp_limit_us;
	u32 unwarp_us;
	u32 time_critical;
};

/* Bits of vmsched_ops.honours, numbered as the attributes of the protocol. */
#define VMSCHED_HONOURS_WEIGHT		BIT(1)
#define VMSCHED_HONOURS_CAP		BIT(2)
#define VMSCHED_HONOURS_RESERVATION	BIT(3)
#define VMSCHED_HONOURS_PERIOD		BIT(4)
#define VMSCHED_HONOURS_BUDGET		BIT(5)
#define VMSCHED_HONOURS_SLICE		BIT(6)
#define VMSCHED_HONOURS_WARP		BIT(7)
#define VMSCHED_HONOURS_WARP_LIMIT	BIT(8)
#define VMSCHED_HONOURS_UNWARP		BIT(9)
#define VMSCHED_HONOURS_TIME_CRITICAL	BIT(10)
#define VMSCHED_HONOURS_AFFINITY	BIT(11)

/**
 * struct vmsched_vcpu - a vCPU as its scheduler sees it
 * @inst:	the instance that schedules it
 * @core:	for the core only
 * @vm_id:	its VM, equal for siblings
 * @index:	number within the VM
 * @cpu:	pCPU to whose queue it belongs; the core changes it, under the
 *		pool lock, and only while the vCPU is not queued
 * @allowed:	pCPUs it may use, stable under the pool lock
 * @params:	parameters in force, stable under the pool lock
 * @priv:	vmsched_ops.vcpu_size bytes of the scheduler, zeroed at first
 */
struct vmsched_vcpu {
	struct vmsched_inst *inst;
	struct vms_vcpu *core;
	u64 vm_id;
	u32 index;
	int cpu;
	const struct cpumask *allowed;
	struct vmsched_params params;
	u64 priv[];
};

/**
 * struct vmsched_carry - what a vCPU takes along to the next scheduler
 * @lag_ns:	service that it is owed (positive) or got too much (negative)
 *		in comparison with its fair share, in ns of real time
 * @warped_ns:	time that it has run warped since the warp began
 * @unwarped_at: when it was warped last
 * @warping:	it is warped now
 *
 * What a scheduler does not write, because it knows no such thing, stays as
 * the one before had left it.
 */
struct vmsched_carry {
	s64 lag_ns;
	u64 warped_ns;
	u64 unwarped_at;
	bool warping;
};

/* Why a vCPU is queued or taken out of its queue. */
enum vmsched_why {
	VMSCHED_WHY_WAKE,	/* was blocked, has work now */
	VMSCHED_WHY_REQUEUE,	/* lost its grant and could go on */
	VMSCHED_WHY_ENTER,	/* came back from user space */
	VMSCHED_WHY_IMPORT,	/* taken over from another scheduler */
	VMSCHED_WHY_MOVE,	/* its pCPU changes */
	VMSCHED_WHY_LEAVE,	/* went to user space or is gone */
};

/**
 * struct vmsched_ops - a scheduler
 * @pick_next:	required. Take the vCPU that runs next on @cpu out of its
 *		queue, it may come from another pCPU's if it is allowed on
 *		@cpu. Sets the slice in ns, 0 for no limit (nobody else waits).
 *		NULL if there is none: then the slice says after how many ns to
 *		ask again, because who waits may not run before (has reached its
 *		cap, say), 0 for not before something changes.
 * @enqueue:	required. Queue a runnable vCPU on the queue of @v->cpu.
 * @select_cpu:	optional. @v can run from now on, and will be queued: on which of
 *		@v->allowed? Without it, where it was before.
 * @dequeue:	required. Take a queued vCPU out of its queue.
 * @take:	optional. @v, which is queued, gets the pCPU of its queue, though it
 *		may not be its turn: it has it since before the switch to this
 *		scheduler, a sibling gave it away to @v, or somebody asked that
 *		@v comes next. Take it out as pick_next() would, and return its
 *		slice in ns, 0 for no limit. Without it, pick_next() is asked who
 *		shall have the pCPU.
 * @charge:	required. @v ran for @ran ns since the last call. Called
 *		before each enqueue, after each grant, and when a vCPU blocks;
 *		the vCPU is not queued then. Arithmetic only.
 * @block:	optional. @v, which had the grant or was queued, has blocked
 *		(is not queued any more).
 * @preempt_in:	optional. @woken was queued on @cpu, where @cur holds the
 *		grant: ns after which @cur is to be asked to leave, 0 for at
 *		once, VMSCHED_NEVER for at the end of its slice. Without it,
 *		a slice without limit is ended at once, any other is kept.
 * @init:	required. Fill the blob of the instance. May sleep and fail.
 * @exit:	required. Undo init(), also called after it failed. May sleep.
 * @vcpu_init:	required. Fill the blob of a vCPU, which is not queued yet.
 *		May sleep and fail.
 * @admit:	optional. May @v have @params from now on, as far as it has to be
 *		promised something? If so it is promised, and what was before is
 *		taken back; set_params() follows, or, if a sibling was refused,
 *		admit() with the former ones, which must succeed. May sleep. If
 *		not, an error, and vmsched_refuse() says why.
 * @vcpu_exit:	required. Undo vcpu_init(). May sleep. Of an instance at fault,
 *		@v may still be queued, and its neighbours may be freed.
 * @vcpu_import: optional. Called after activate() with what the scheduler
 *		before exported (or zeroes, for a new vCPU), before its first
 *		enqueue(); others may be queued by then.
 * @activate:	required. The instance is in force from now on. Cannot fail.
 * @deactivate:	required. It is not any more; all vCPUs were taken out. Some time
 *		after the next one has been activated.
 * @set_params:	required. @v->params changed. @v may be queued.
 * @export_state: required. Fill @carry; @v is not queued any more, and has been
 *		charged. Others may be queued and charged, and are dequeued and
 *		exported later, but nobody is queued, picked or granted any more:
 *		what @v is owed does not depend on when it is asked.
 * @api:	VMSCHED_API
 * @version:	version of the scheduler
 * @honours:	parameters that it acts on, VMSCHED_HONOURS_*
 * @inst_size:	bytes of private data for an instance, VMSCHED_PRIV_MAX at most
 * @pcpu_size:	bytes of private data for a pCPU of an instance, likewise
 * @vcpu_size:	bytes of private data for a vCPU, likewise
 * @name:	unique, lower case letters, digits, '_' and '-'
 * @doc:	one line that says what it is, shorter than VMSCHED_DOC_MAX, or NULL
 * @owner:	THIS_MODULE
 *
 * Context: all but init, exit, vcpu_init, vcpu_exit and admit are called with the
 * pool lock held and interrupts off, some of them under a runqueue lock of
 * Linux: they may not sleep, wake, print or allocate. Those five are called under
 * the lock of all that changes slowly: nobody else changes anything meanwhile, and
 * they may not wait for CPUs that come or go (cpus_read_lock()). Hottest first.
 */
struct vmsched_ops {
	struct vmsched_vcpu *(*pick_next)(struct vmsched_inst *inst, int cpu,
					  u64 now, u64 *slice);
	void (*enqueue)(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			enum vmsched_why why, u64 now);
	void (*dequeue)(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			enum vmsched_why why, u64 now);
	void (*charge)(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		       u64 ran, u64 now);
	void (*block)(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		      u64 now);
	s64 (*preempt_in)(struct vmsched_inst *inst, int cpu,
			  struct vmsched_vcpu *cur, struct vmsched_vcpu *woken,
			  u64 now);
	u64 (*take)(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		    u64 now);
	int (*select_cpu)(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			  u64 now);

	int (*init)(struct vmsched_inst *inst);
	void (*exit)(struct vmsched_inst *inst);
	int (*vcpu_init)(struct vmsched_inst *inst, struct vmsched_vcpu *v);
	void (*vcpu_exit)(struct vmsched_inst *inst, struct vmsched_vcpu *v);
	int (*admit)(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		     const struct vmsched_params *params);
	void (*vcpu_import)(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			    const struct vmsched_carry *carry, u64 now);
	void (*activate)(struct vmsched_inst *inst, u64 now);
	void (*deactivate)(struct vmsched_inst *inst, u64 now);
	void (*set_params)(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			   u64 now);
	void (*export_state)(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			     struct vmsched_carry *carry, u64 now);

	u32 api;
	u32 version;
	u32 honours;
	u32 inst_size;
	u32 pcpu_size;
	u32 vcpu_size;
	const char *name;
	const char *doc;
	struct module *owner;
};

/**
 * struct vmsched_inst - one scheduler at work in one pool
 * @ops:	the scheduler
 * @cpus:	pCPUs of the pool that are online, stable under the pool lock
 * @partial:	it is in force, and vCPUs of the scheduler before are still to be
 *		imported, some of which may be queued then; stable under the
 *		pool lock
 * @priv:	vmsched_ops.inst_size bytes, zeroed before init()
 * @pcpu:	vmsched_ops.pcpu_size bytes for each possible pCPU, zeroed
 * @faulted:	for the core: none of the ops is called any more but those that
 *		undo init() and vcpu_init()
 * @fault:	for the core
 */
struct vmsched_inst {
	const struct vmsched_ops *ops;
	const struct cpumask *cpus;
	bool partial;
	void *priv;
	void **pcpu;
	bool faulted;
	struct vms_fault *fault;
};

/**
 * vmsched_register() - make a scheduler known
 * @ops: the scheduler, constant from now on
 *
 * The last step of a scheduler's module_init(). Changes no pool.
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL (an op or the name is missing or wrong), -EPROTO (other
 * version of the interface), -EBUSY (name is taken), -ENOMEM; the kernel
 * log says which.
 */
int vmsched_register(const struct vmsched_ops *ops);

/**
 * vmsched_unregister() - take a scheduler back
 * @ops: as registered
 *
 * The first step of module_exit(). A scheduler in use pins its module, so
 * that this is not reached before the last pool has left it.
 *
 * Context: process, may sleep.
 */
void vmsched_unregister(const struct vmsched_ops *ops);

/**
 * vmsched_fault() - this instance cannot go on
 * @inst: the instance
 * @kind: for a scheduler, VMSCHED_FAULT_KIND_REPORTED or _LIST
 * @fmt: what is wrong, in a line of less than 96 characters
 *
 * The first one counts. Linux runs the vCPUs of the pool as soon as its lock is
 * dropped, until the scheduler before, or native, is in force instead.
 *
 * Context: any, with the pool lock held or not; does not sleep.
 */
void vmsched_fault(struct vmsched_inst *inst, enum vmsched_fault_kind kind,
		   const char *fmt, ...) __printf(3, 4);

/**
 * vmsched_refuse() - why init(), vcpu_init() or admit() is about to fail
 * @inst: the instance
 * @fmt: what cannot be had and what there is, in figures; less than 64 characters
 *
 * Whoever asked for it is told. The last one counts, until the op is over.
 *
 * Context: these ops; process, does not sleep.
 */
void vmsched_refuse(struct vmsched_inst *inst, const char *fmt, ...) __printf(2, 3);

/**
 * vmsched_link_ok() - the neighbours of a list entry know it
 * @inst: the instance that is at fault if not
 * @e: entry, or head
 *
 * The functions below look at each entry that they change, and leave a list that
 * is broken as it is: Linux stops the whole host for one.
 */
static inline bool vmsched_link_ok(struct vmsched_inst *inst,
				   const struct list_head *e)
{
	if (likely(e->next && e->prev && e->next->prev == e &&
		   e->prev->next == e))
		return true;
	vmsched_fault(inst, VMSCHED_FAULT_KIND_LIST,
		      "an entry of a list and its neighbours do not agree");
	return false;
}

/* Take an entry out of its list, and make it an empty list. */
static inline void vmsched_list_del(struct vmsched_inst *inst,
				    struct list_head *e)
{
	if (vmsched_link_ok(inst, e))
		list_del_init(e);
}

static inline bool vmsched_may_link(struct vmsched_inst *inst,
				    const struct list_head *e,
				    const struct list_head *head)
{
	if (unlikely(e->next && !list_empty(e))) {
		vmsched_fault(inst, VMSCHED_FAULT_KIND_LIST,
			      "an entry is put into a list while it is in one");
		return false;
	}
	return vmsched_link_ok(inst, head);
}

/* Put @e, an empty list or zeroes, at the begin or the end of a list. */
static inline void vmsched_list_add(struct vmsched_inst *inst,
				    struct list_head *e, struct list_head *head)
{
	if (vmsched_may_link(inst, e, head))
		list_add(e, head);
}

static inline void vmsched_list_add_tail(struct vmsched_inst *inst,
					 struct list_head *e,
					 struct list_head *head)
{
	if (vmsched_may_link(inst, e, head))
		list_add_tail(e, head);
}

#include <vmsched/sched_lib.h>

#endif /* _VMSCHED_SCHED_H */
