/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private structures of vmsched.ko and what its files offer each other.
 *
 * Names: vms_x() may be called from outside and takes the locks it needs,
 * __vms_x() wants the pool lock held. See Documentation/locking.rst for the
 * order of the locks.
 */
#ifndef _VMS_VMSCHED_H
#define _VMS_VMSCHED_H

#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include <uapi/linux/vmsched.h>
#include <vmsched/sched.h>

#include "call.h"
#include "fault.h"
#include "notify.h"
#include "switch.h"

struct kobject;
struct netlink_ext_ack;
struct seq_file;

#define VMS_VERSION		"0.1.0"

/* vms_vcpu.pass: may enter guest mode nowhere, or anywhere (native). */
#define VMS_PASS_NONE		(-1)
#define VMS_PASS_ANY		(-2)

#define VMS_CEASE_MS_DFL	50
#define VMS_CEASE_MS_MAX	10000

/* Slices shorter than this are not worth a switch. */
#define VMS_SLICE_MIN_NS	(50 * NSEC_PER_USEC)

/**
 * enum vms_state - where a vCPU stands with its scheduler
 * @VMS_OFF:	outside of KVM_RUN, or not attached yet: not queued
 * @VMS_HALTED:	blocked inside of KVM_RUN: not queued
 * @VMS_WAITING: runnable and queued
 * @VMS_GRANTED: holds the grant of vms_vcpu.cpu, or its pool is native
 */
enum vms_state {
	VMS_OFF,
	VMS_HALTED,
	VMS_WAITING,
	VMS_GRANTED,
};

/* How requests reach the scheduler, see activate.c; patches take turns. */
enum vms_way {
	VMS_BY_ID,
	VMS_BY_TABLE,
	VMS_BY_PATCH_A,
	VMS_BY_PATCH_B,
};

/**
 * struct vms_activation - a scheduler, and the way to it
 * @way:	the way
 * @sched_id:	what the registry knows it by
 */
struct vms_activation {
	enum vms_way way;
	u32 sched_id;
};

/* Bits of vms_vcpu.flags */
enum vms_vcpu_flag {
	VMS_F_GATE,		/* gate_work is queued on the task */
	VMS_F_WAKE,		/* wake_node is queued */
	VMS_F_DEAD,		/* unhashed, on its way out */
	VMS_F_AGAIN,		/* attach once more: memory was short */
};

/**
 * struct vms_pool - a set of pCPUs with one active scheduler
 * @node:	in vms_pools; under vms_mutex, readers RCU
 * @ref:	one of the list, one for each vCPU that has been attached to it last
 * @name:	constant
 * @lock:	protects the next fields up to @nr_vcpus, all state of @inst,
 *		the vms_pcpu of its pCPUs, and of its vCPUs what is marked (P).
 *		Taken under runqueue and pi locks of Linux: nothing below it
 *		may wake, print or allocate.
 * @inst:	active instance; changed by switch.c only, under vms_mutex too
 * @way:	how requests reach it, likewise
 * @sched_id:	identifier of its scheduler, likewise
 * @leaving:	instance that was active before, while vCPUs are left behind with
 *		it, see handover.c; else NULL
 * @managed:	the active scheduler gates vCPUs (it is neither native nor at fault)
 * @calls:	of the scheduler, to tell which one is timed
 * @activated_from: when activate() of the last scheduler was called
 * @watch_at:	when the watchdog looked last, 0 if it has to look once more first
 * @held_ns:	longest time from a cease to the first guest entry of a pCPU
 * @ceased:	no grant is given, no vCPU may enter guest mode
 * @online:	pCPUs of @cpus that may be given
 * @idle:	those of them without a grant
 * @vcpus:	attached vCPUs
 * @nr_vcpus:	their number
 * @weights:	sum of their weights
 * @preferred:	number of them that get a grant before their turn, once
 * @requests:	how often the scheduler was asked to decide, by whom; under @lock
 * @limited:	requests of guests that were too many
 * @cpus:	pCPUs of the pool; written under vms_mutex and @lock
 * @dir:	in sysfs, sysfs.c
 * @dying:	it is being deleted: it gets no VMs and no console agents any more; under
 *		vms_mutex
 * @previous:	name of the scheduler before, or ""; under vms_mutex
 * @nr_vms:	under vms_mutex
 * @switches:	under vms_mutex, like the following ones
 * @failed_switches: switches given up
 * @cease_ns:	of the last switch
 * @console_owner: id of the VM that owns the console, or 0; under vms_mutex,
 *		changed by owner.c only
 * @blackout_ns: of the last switch
 * @faults:	schedulers thrown out, or refused because they failed
 * @fault:	the last of them
 * @evict_work:	leaves a scheduler that is at fault
 */
struct vms_pool {
	struct list_head node;
	refcount_t ref;
	char name[VMSCHED_NAME_MAX];
	raw_spinlock_t lock;	/* see above */
	struct vmsched_inst *inst;
	struct vmsched_inst *leaving;
	enum vms_way way;
	u32 sched_id;
	bool managed;
	bool ceased;
	u32 calls;
	u64 activated_from;
	u64 watch_at;
	u64 held_ns;
	struct cpumask online;
	struct cpumask idle;
	struct list_head vcpus;
	u32 nr_vcpus;
	u64 weights;
	u32 preferred;
	u64 requests[VMS_SOURCES];
	atomic64_t limited;
	struct cpumask cpus;
	struct kobject *dir;
	bool dying;
	char previous[VMSCHED_NAME_MAX];
	u32 nr_vms;
	u64 switches;
	u64 failed_switches;
	u64 cease_ns;
	u64 console_owner;
	u64 blackout_ns;
	u32 faults;
	struct vms_fault_report fault;
	struct kthread_delayed_work evict_work;
};

/**
 * struct vms_pcpu - a pCPU
 * @pool:	the pool it belongs to; written under vms_mutex and the locks of both
 *		pools, see vms_pool_lock()
 * @cpu:	its number
 * @cur:	(P) vCPU that holds the grant
 * @slice_ns:	(P) time that @cur may execute, 0 for no limit
 * @slice_base:	(P) vms_vcpu_executed() of @cur when the slice began
 * @ask_at:	(P) nobody has it, and its scheduler is asked again then, or 0
 * @homed:	(P) number of vCPUs whose queue is here
 * @defers:	(P) the slice of @cur ends just now, and it will leave soon
 * @owed:	(P) @cur is parked, and is woken by who was before it, on its way to
 *		the gate; or when that one loses this pCPU, or takes too long. Who
 *		loses it looks without the lock, see locking.rst
 * @open:	(P) since a switch from native nobody has entered guest mode here:
 *		whoever Linux runs first becomes the holder
 * @yielder:	(P) the holder gives up its grant just now: nobody else's turn is
 *		to be had by that, but it is not to be its own again, and
 * @heir:	(P) who of its siblings gets it, if one does, and
 * @heir_ns:	(P) for how long at most, 0 for no limit
 * @timer:	ends the slice
 * @wakes:	vCPUs to wake; lock-free
 * @wake_work:	wakes them once no lock of Linux is held
 * @kick_work:	does nothing but to force an exit from guest mode
 * @cease_csd:	makes this pCPU leave guest mode during a cease
 * @out:	it has done so
 * @swap_csd:	the same when the scheduler is changed in that interrupt
 * @ran:	(P) the vCPU that had to cease here, until the change
 * @held_from:	(P) when the vCPU that ran here had to cease, 0 once one entered
 *		guest mode again
 * @on:		followed vCPU that runs here; written by this pCPU, cleared by
 *		whoever takes a vCPU out
 * @grants:	(P) given so far
 * @keeps:	during a switch, (P): who had this pCPU before it, and
 * @keeps_ns:	the longest time that it may go on
 * @watch_ran:	(P) what the watchdog found: time that vCPUs of this queue executed
 *		since it looked last,
 * @watch_promised: the part of it of those that have a reservation,
 * @watch_weight: weight of those of them that can run,
 * @watch_vcpus: their number,
 * @watch_turns: grants given in that time, and
 * @watch_grants: those given before
 */
struct vms_pcpu {
	struct vms_pool *pool;
	int cpu;
	struct vms_vcpu *cur;
	u64 slice_ns;
	u64 slice_base;
	u64 ask_at;
	u32 homed;
	bool defers;
	bool owed;
	bool open;
	struct vms_vcpu *yielder;
	struct vms_vcpu *heir;
	u64 heir_ns;
	struct hrtimer timer;
	struct llist_head wakes;
	struct irq_work wake_work;
	struct irq_work kick_work;
	call_single_data_t cease_csd;
	bool out;
	call_single_data_t swap_csd;
	struct vms_vcpu *ran;
	u64 held_from;
	struct vms_vcpu *on;
	struct vms_vcpu *keeps;
	u64 keeps_ns;
	u32 grants;
	u64 watch_ran;
	u64 watch_promised;
	u64 watch_weight;
	u32 watch_vcpus;
	u32 watch_turns;
	u32 watch_grants;
};

DECLARE_PER_CPU(struct vms_pcpu, vms_pcpus);

/**
 * struct vms_vm - a VM
 * @node:	in vms_vms; under vms_mutex, readers RCU
 * @vcpus:	its vCPUs by vms_vcpu.vm_node; changed under vms_mutex and the
 *		pool lock, either is enough to look
 * @id:		counts up, never used again
 * @key:	address of KVM's object, never followed
 * @pid:	process of the VMM
 * @comm:	its name when the VM was first seen
 * @pool:	that of all its vCPUs; written under vms_mutex and the locks of both
 * @params:	written under vms_mutex
 * @affinity:	pCPUs it may use; written under vms_mutex and the pool lock
 * @nr_vcpus:	under vms_mutex
 * @weights:	sum of the weights of its vCPUs; under the pool lock
 * @critical:	vCPUs that say of themselves to do time-critical work; under the
 *		pool lock
 * @next_call:	see may_ask()
 * @next_spin:	the same for what it asks for by spinning
 * @set:	which of @params were set, bit N for attribute N; under vms_mutex
 * @announced:	listeners were told of it; under vms_mutex
 * @failed:	it has, and does nothing since; written by hooks without a lock
 * @fails_by:	enum vmsched_owner_why, 0 once that was acted upon; likewise
 * @died:	a signal ends its VMM; likewise
 * @past:	what vCPUs that are gone had used; under vms_mutex
 */
struct vms_vm {
	struct list_head node;
	struct list_head vcpus;
	u64 id;
	const void *key;
	struct pid *pid;
	char comm[TASK_COMM_LEN];
	struct vms_pool *pool;
	struct vmsched_params params;
	struct cpumask affinity;
	u32 nr_vcpus;
	u64 weights;
	u32 critical;
	atomic64_t next_call;
	atomic64_t next_spin;
	u32 set;
	bool announced;
	u32 fails_by;
	bool failed;
	bool died;
	struct vms_usage {
		u64 run_ns;
		u64 guest_ns;
		u64 user_ns;
		u64 wait_ns;
		u64 grants;
		u64 exits;
	} past;
};

/**
 * struct vms_vcpu - a vCPU
 * @ref:	one of the hash, one for each queued work and for who wakes it
 * @flags:	enum vms_vcpu_flag
 * @key:	address of KVM's object, never followed here
 * @vm_key:	address of KVM's VM object, never followed here
 * @index:	number within the VM
 * @task:	its thread, referenced; constant
 * @key_node:	in the hash by @key; under vms_hash_lock, readers RCU
 * @task_node:	in the hash by @task, if it is the one that @task runs
 * @pass:	pCPU on which it may enter guest mode, or VMS_PASS_*; written
 *		under the pool lock, read by its own thread without
 * @on_cpu:	its thread executes; written under the runqueue lock
 * @stamp:	when run_ns was brought up to date; by own thread
 * @use:	run_ns, exits: by its own thread only; wait_ns, grants: (P);
 *		guest_ns, user_ns: 0 before the vCPU is gone, Linux counts them
 * @gtime_base:	guest time of the thread when it was found
 * @utime_base:	user time without that, likewise
 * @call:	request of the guest that is to be served before it goes on; by own
 *		thread
 * @slept_at:	run_ns when its thread blocked last; by own thread
 * @asleep:	its thread has blocked, and no wake was told since; only
 *		if it is attached
 * @queued_at:	when it became runnable and did not run, for native
 * @state:	(P)
 * @cpu:	(P) pCPU to whose queue it belongs, -1 before it has one
 * @parked:	(P) sleeps in the gate, to be woken when it is granted
 * @woken:	(P) woke in KVM_RUN, and its thread has not run since
 * @waited:	(P) was parked already when the last cease began
 * @yields:	(P) one of those that are to give up their grants just now
 * @preferred:	(P) gets a grant before its turn, once
 * @critical:	(P) says to do time-critical work
 * @charged:	(P) part of executed time that the scheduler knows; ahead of that if a
 *		sibling has paid for more
 * @wait_from:	(P) since when it is waiting
 * @served_at:	(P) when it was last seen to have run
 * @migrations:	(P)
 * @watch_sum:	(P) executed time when the watchdog looked last
 * @left_out:	(P) time that it could have run, and was not chosen
 * @ent:	(P) view of the active scheduler
 * @next_ent:	view of the one being switched to; under vms_mutex
 * @carry:	during a switch; under vms_mutex
 * @allowed:	(P) pCPUs it may use now
 * @next_allowed: those in the pool to which its VM is being moved; under vms_mutex
 * @masks:	memory of all its masks, got when the vCPU is attached
 * @pool:	NULL before it is attached, then that of its VM
 * @vm:		under vms_mutex; constant once @pool is set
 * @vm_node:	in vm->vcpus
 * @pool_node:	(P) in pool->vcpus
 * @own:	which of @params are its own, bit N for attribute N
 * @params:	in force; under vms_mutex
 * @affinity:	pCPUs that its parameters or those of its VM allow
 * @mask_lock:	protects @affinity and the next ones; outside of the pool lock
 * @scratch:	to compute a mask in
 * @user_mask:	pCPUs that the user allows the thread
 * @user_req:	what the user had asked for by himself, empty if nothing
 * @pinned:	pCPU to which the thread was bound, -1 if it is not
 * @unbound_at:	when it was given its mask back last
 * @gate_work:	runs in the thread, inside or outside of KVM_RUN
 * @wake_node:	in vms_pcpu.wakes
 * @move_work:	binds the thread to @cpu
 * @dead_node:	list of those to be freed
 * @rcu:	frees it once nobody can look at it any more
 */
struct vms_vcpu {
	refcount_t ref;
	unsigned long flags;
	void *key;
	const void *vm_key;
	u32 index;
	struct task_struct *task;
	struct hlist_node key_node;
	struct hlist_node task_node;

	/* written by its own thread or the switch to it */
	int pass;
	bool on_cpu;
	u64 stamp;
	struct vms_usage use;
	u64 gtime_base;
	u64 utime_base;
	u64 slept_at;
	bool asleep;
	u64 queued_at;
	struct vms_call call;

	enum vms_state state;
	int cpu;
	bool parked;
	bool woken;
	bool waited;
	bool yields;
	bool preferred;
	bool critical;
	u64 charged;
	u64 wait_from;
	u64 served_at;
	u64 migrations;
	u64 watch_sum;
	u64 left_out;
	struct vmsched_vcpu *ent;
	struct vmsched_vcpu *next_ent;
	struct vmsched_carry carry;
	struct cpumask *allowed;
	struct cpumask *next_allowed;

	void *masks;
	struct vms_pool *pool;
	struct vms_vm *vm;
	struct list_head vm_node;
	struct list_head pool_node;
	u32 own;
	struct vmsched_params params;
	struct cpumask *affinity;

	struct mutex mask_lock;	/* see above */
	struct cpumask *scratch;
	struct cpumask *user_mask;
	struct cpumask *user_req;
	int pinned;
	u64 unbound_at;

	struct callback_head gate_work;
	struct llist_node wake_node;
	struct kthread_work move_work;
	struct llist_node dead_node;
	struct rcu_head rcu;
};

/* Serialises all that changes slowly: VMs, pools, parameters, switches. */
extern struct mutex vms_mutex;
extern struct list_head vms_vms;
extern struct list_head vms_pools;

/* Counts what comes and goes, so that a dump can tell; under vms_mutex. */
extern u32 vms_generation;

static inline u64 vms_now(void)
{
	/* It reads what is being written, and knows how to. */
	return data_race(ktime_get_mono_fast_ns());
}

/**
 * vms_inside() - a thread is in an ioctl of a vCPU
 * @task: the thread
 *
 * KVM keeps a preempt notifier on it for that long, and nobody else uses one.
 *
 * Context: any. Exact for the current thread; of another one it may just be
 * over. Inside a task work it means KVM_RUN: the other ioctls run none.
 */
static inline bool vms_inside(const struct task_struct *task)
{
	return READ_ONCE(task->preempt_notifiers.first);
}

static inline struct vms_pcpu *vms_pcpu(int cpu)
{
	return per_cpu_ptr(&vms_pcpus, cpu);
}

/* registry.c */
typedef void (*vms_registry_watch_fn)(const struct vmsched_ops *ops, bool added);
void vms_registry_watch(vms_registry_watch_fn fn);
int vms_registry_init(void);
void vms_registry_exit(void);
const struct vmsched_ops *vms_sched_get(const char *name);
void vms_sched_put(const struct vmsched_ops *ops);
u32 vms_sched_id(const struct vmsched_ops *ops);
const struct vmsched_ops *vms_sched_by_id(u32 id);
int vms_sched_for_each(int (*fn)(const struct vmsched_ops *ops, void *arg),
		       void *arg, unsigned int skip);

/* native.c */
extern const struct vmsched_ops vms_native_ops;

/* inst.c */
struct vmsched_inst *vms_inst_create(const struct vmsched_ops *ops,
				     struct vms_pool *pool);
void vms_inst_destroy(struct vmsched_inst *inst);
int vms_ent_admit(struct vms_vcpu *v, const struct vmsched_params *params);
struct vmsched_vcpu *vms_ent_create(struct vmsched_inst *inst, struct vms_vcpu *v,
				    const struct cpumask *allowed, int cpu);
void vms_ent_destroy(struct vmsched_vcpu *ent);
void vms_ent_destroy_next(struct vms_vcpu *v);

#include "pool.h"
#include "dispatch.h"

/* gate.c */
void vms_gate_init_vcpu(struct vms_vcpu *v);
bool vms_gate_arm(struct vms_vcpu *v);
void vms_gate_cancel(struct vms_vcpu *v);
void vms_gate_drain(void);
int vms_task_work(struct task_struct *task, struct callback_head *work);
void vms_task_work_done(void);

/* track.c: what the hooks report */
void vms_track_enter(struct vms_vcpu *v);
void vms_track_sched_in(struct vms_vcpu *v, u64 now);
void vms_track_sched_out(struct vms_vcpu *v, bool blocks, u64 now);
void vms_track_waking(struct vms_vcpu *v);
void vms_track_sleeps(struct vms_vcpu *v, u64 run_ns);
void vms_track_woken(struct vms_vcpu *v);

/* vcpu.c: finding, making and freeing them */
int vms_vcpus_init(void);
void vms_vcpus_exit(void);
struct vms_vcpu *vms_vcpu_of_task(const struct task_struct *task);
struct vms_vcpu *vms_vcpu_of_key(const void *key);
struct vms_vcpu *vms_vcpu_discover(void *key, const void *vm_key, u32 index);
void vms_vcpu_remove(struct vms_vcpu *v);
void vms_vcpu_put(struct vms_vcpu *v);
void vms_vcpus_drain(void);
u64 vms_vcpus_dropped(void);

/* vm.c */
int vms_vcpu_attach(struct vms_vcpu *v);
void vms_vcpu_detach(struct vms_vcpu *v);
void __vms_weigh(struct vms_vcpu *v, s64 more);
struct vms_vm *vms_vm_find(u64 id);
struct vms_vcpu *vms_vm_vcpu(struct vms_vm *vm, u32 index);
void vms_vm_usage(struct vms_vm *vm, struct vms_usage *use);
void vms_vcpu_usage(struct vms_vcpu *v, struct vms_usage *use);
enum vmsched_vcpu_state vms_vcpu_state(const struct vms_vcpu *v);

/* params.c */
struct nlattr;
void vms_params_default(struct vmsched_params *p);
int vms_params_set_vm(struct vms_vm *vm, struct nlattr *nest, struct vms_pool *to,
		      const struct nlattr *attr, struct netlink_ext_ack *extack);
int vms_params_set_vcpu(struct vms_vcpu *v, struct nlattr *nest,
			struct netlink_ext_ack *extack);

/* apply.c */
int vms_apply_init(void);
void vms_apply_flush(void);
void vms_apply_exit(void);
void vms_apply_init_vcpu(struct vms_vcpu *v);
void vms_apply_capture(struct vms_vcpu *v);
void vms_apply_refresh(struct vms_vcpu *v);
bool vms_apply_plan(struct vms_vcpu *v, const struct cpumask *online,
		    const struct cpumask *affinity);
bool vms_apply_renew(struct vms_vcpu *v);
void vms_apply_pin_self(struct vms_vcpu *v);
void vms_apply_move(struct vms_vcpu *v);
void vms_apply_restore(struct vms_vcpu *v);
void vms_apply_child(struct task_struct *child, struct vms_vcpu *parent);
bool vms_apply_disturbed(const struct vms_vcpu *v);
void vms_apply_user_mask(struct vms_vcpu *v, struct cpumask *mask);

/* activate.c, see also activate.h */
int vms_activate_prepare(struct vms_pool *pool, const char *name, u32 activate);
int vms_activate_find(struct vms_pool *pool, const struct vmsched_ops *ops,
		      u32 activate, struct vms_activation *to);
void vms_activate_settle(struct vms_pool *pool);

static inline enum vmsched_activate vms_activated(const struct vms_pool *pool)
{
	return min_t(u32, pool->way, VMSCHED_ACTIVATE_PATCH);
}

/**
 * __vms_bring() - hand a vCPU over, if a switch has left it behind
 * @v: attached vCPU, pool lock held
 * @now: vms_now()
 *
 * Return: true if it was; who waits then has no pCPU yet.
 */
static inline bool __vms_bring(struct vms_vcpu *v, u64 now)
{
	return unlikely(v->pool->leaving) && __vms_bring_slow(v, now);
}

/* kvm.c, hooks.c */
int vms_kvm_init(void);
int vms_kvm_watch(bool on);
struct vms_vcpu *vms_kvm_leaving(struct vms_vcpu *v);
void vms_kvm_exit(void);
void vms_kvm_flush(void);
int vms_hooks_init(void);
void vms_hooks_exit(void);

/* sysfs.c */
int vms_sysfs_add_pool(struct vms_pool *pool);
void vms_sysfs_del_pool(struct vms_pool *pool);
int vms_sysfs_init(void);
void vms_sysfs_exit(void);

#endif /* _VMS_VMSCHED_H */
