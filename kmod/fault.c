// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler is never trusted: what is wrong with one is noted once, and the
 * pool is taken out of its hands.
 *
 * Three steps. The fault itself may come under any lock: it fills the record of
 * the instance and marks that, and none of its ops is called from then on. Bypass,
 * in an interrupt as soon as the locks are dropped: Linux runs all vCPUs. The third,
 * to leave the instance, is that of evict.c.
 *
 * Locking: the first to change vms_fault.state owns the record until it says that
 * it is complete. Bypass takes the pool lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>
#include <linux/stacktrace.h>
#include <linux/uaccess.h>

#include "request.h"
#include "vmsched.h"

/* Nobody is ahead or behind by more than an hour. */
#define LAG_MAX_NS		(3600LL * NSEC_PER_SEC)

#define SKIP_SELF		1

__printf(3, 0)
static void note(struct vms_fault *f, enum vmsched_fault_kind kind,
		 const char *fmt, va_list args)
{
	/* A scheduler may say anything. */
	f->report.kind = (u32)kind <= VMSCHED_FAULT_KIND_SYSRQ ? kind :
			 VMSCHED_FAULT_KIND_REPORTED;
	f->report.at = vms_now();
	vsnprintf(f->report.why, sizeof(f->report.why), fmt, args);
	f->nr_trace = stack_trace_save(f->trace, ARRAY_SIZE(f->trace), SKIP_SELF);
}

void vmsched_fault(struct vmsched_inst *inst, enum vmsched_fault_kind kind,
		   const char *fmt, ...)
{
	struct vms_fault *f = inst->fault;
	va_list args;

	if (atomic_cmpxchg(&f->state, VMS_FAULT_NONE, VMS_FAULT_WRITING) != VMS_FAULT_NONE)
		return;
	va_start(args, fmt);
	note(f, kind, fmt, args);
	va_end(args);
	WRITE_ONCE(inst->faulted, true);
	atomic_set_release(&f->state, VMS_FAULT_COMPLETE);
	/* Whose instance it is can only be told under the lock. */
	irq_work_queue(&f->work);
}
EXPORT_SYMBOL_GPL(vmsched_fault);

/* Room for another line of at least @n characters in a dump. */
static size_t dump_room(const struct vms_fault_report *r, size_t used)
{
	return used < sizeof(r->dump) ? sizeof(r->dump) - used : 0;
}

static void dump(struct vms_pool *pool, struct vms_fault_report *r, u64 now)
{
	size_t used = 0;
	struct vms_vcpu *v;
	int cpu;

	lockdep_assert_held(&pool->lock);
	for_each_cpu(cpu, &pool->online) {
		struct vms_pcpu *pc = vms_pcpu(cpu);

		used += scnprintf(r->dump + used, dump_room(r, used),
				  "pCPU %d: holder %d, slice %llu us, left %llu us, vCPUs %u\n",
				  cpu, pc->cur ? task_pid_nr(pc->cur->task) : 0,
				  pc->slice_ns / NSEC_PER_USEC,
				  pc->cur ? __vms_slice_left(pc, now) / NSEC_PER_USEC : 0,
				  pc->homed);
		if (used > sizeof(r->dump) / 2)
			break;
	}
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		if (dump_room(r, used) < 2)
			break;
		used += scnprintf(r->dump + used, dump_room(r, used),
				  "vCPU %llu/%u: thread %d, state %d, pCPU %d, %s, not served for %lld us\n",
				  v->vm->id, v->index, task_pid_nr(v->task), v->state,
				  v->cpu, v->parked ? "at the gate" : "not at the gate",
				  (s64)(now - v->served_at) / NSEC_PER_USEC);
	}
}

/**
 * __vms_bypass() - Linux decides from now on who runs; the instance is left later
 * @pool: the pool, which is managed, lock held
 * @now: vms_now()
 *
 * Who waits stays queued: either the instance is at fault, or nobody is.
 */
void __vms_bypass(struct vms_pool *pool, u64 now)
{
	struct vms_vcpu *v;
	int cpu;

	lockdep_assert_held(&pool->lock);
	WRITE_ONCE(pool->managed, false);
	for_each_cpu(cpu, &pool->cpus) {
		struct vms_pcpu *pc = vms_pcpu(cpu);

		pc->open = false;
		pc->keeps = NULL;
		__vms_release(pc);
	}
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		__vms_bring(v, now);
		__vms_unprefer(v);
		if (v->state == VMS_WAITING) {
			v->use.wait_ns += max_t(s64, now - v->wait_from, 0);
			WRITE_ONCE(v->state, VMS_GRANTED);
		}
		/* During a cease nobody enters; its end lets them all. */
		if (pool->ceased || test_bit(VMS_F_DEAD, &v->flags))
			continue;
		WRITE_ONCE(v->pass, VMS_PASS_ANY);
		if (v->parked)
			vms_wake_later(v);
	}
}

static void bypass_fn(struct irq_work *work)
{
	struct vms_fault *f = container_of(work, struct vms_fault, work);
	struct vms_pool *pool = f->pool;
	bool mine;
	u64 now;

	raw_spin_lock(&pool->lock);
	mine = pool->inst->fault == f && pool->managed;
	if (mine) {
		now = vms_now();
		dump(pool, &f->report, now);
		__vms_bypass(pool, now);
		f->report.bypass_ns = vms_now() - f->report.at;
	}
	raw_spin_unlock(&pool->lock);
	if (mine)
		vms_switch_queue_later(&pool->evict_work, 0);
}

/* An instance that was at fault before it was in force. Context: any. */
void vms_fault_again(struct vmsched_inst *inst)
{
	irq_work_queue(&inst->fault->work);
}

/**
 * vms_fault_active() - the active scheduler of a pool is to be thrown out
 * @pool: the pool; where Linux decides already, nothing is changed
 * @kind: why
 * @why: the same for people
 *
 * Context: any, the pool lock not held.
 */
void vms_fault_active(struct vms_pool *pool, enum vmsched_fault_kind kind,
		      const char *why)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	if (pool->managed)
		vmsched_fault(pool->inst, kind, "%s", why);
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * vms_fault_all() - throw the active scheduler out of each pool
 * @kind: why
 * @why: the same for people
 *
 * Context: any.
 */
void vms_fault_all(enum vmsched_fault_kind kind, const char *why)
{
	struct vms_pool *pool;

	rcu_read_lock();
	list_for_each_entry_rcu(pool, &vms_pools, node)
		vms_fault_active(pool, kind, why);
	rcu_read_unlock();
}

static bool is_of(const struct vmsched_inst *inst, struct vmsched_vcpu *ent,
		  struct vms_vcpu **v)
{
	struct {
		struct vmsched_inst *inst;
		struct vms_vcpu *core;
	} head;
	struct vmsched_vcpu *own;

	BUILD_BUG_ON(offsetof(struct vmsched_vcpu, inst) != 0 ||
		     offsetof(struct vmsched_vcpu, core) != sizeof(void *));
	/* It may point anywhere, also to what was one and is gone. */
	if (copy_from_kernel_nofault(&head, ent, sizeof(head)) ||
	    head.inst != inst ||
	    get_kernel_nofault(own, &head.core->ent) || own != ent)
		return false;
	*v = head.core;
	return true;
}

/**
 * __vms_fault_check_pick() - never take a scheduler's word for whom it picks
 * @pool: the pool, lock held
 * @cpu: the pCPU that it was asked for
 * @ent: its answer
 * @slice: its answer too
 *
 * Return: the vCPU, which waits and may run there, or NULL: it is thrown out.
 */
struct vms_vcpu *__vms_fault_check_pick(struct vms_pool *pool, int cpu,
					struct vmsched_vcpu *ent, u64 slice)
{
	struct vmsched_inst *inst = pool->inst;
	struct vms_vcpu *v;

	lockdep_assert_held(&pool->lock);
	if (!is_of(inst, ent, &v)) {
		vmsched_fault(inst, VMSCHED_FAULT_KIND_BAD_RETURN,
			      "pick_next() for pCPU %d returned what is no vCPU of this pool",
			      cpu);
		return NULL;
	}
	if (v->state != VMS_WAITING) {
		vmsched_fault(inst, VMSCHED_FAULT_KIND_BAD_RETURN,
			      "pick_next() for pCPU %d returned vCPU %llu/%u, which does not wait",
			      cpu, v->vm->id, v->index);
		return NULL;
	}
	if (!cpumask_test_cpu(cpu, v->allowed)) {
		vmsched_fault(inst, VMSCHED_FAULT_KIND_BAD_RETURN,
			      "pick_next() for pCPU %d returned vCPU %llu/%u, which may not run there",
			      cpu, v->vm->id, v->index);
		return NULL;
	}
	if (!__vms_fault_check_slice(inst, slice))
		return NULL;
	return v;
}

/* A slice is one that somebody could want. */
bool __vms_fault_check_slice(struct vmsched_inst *inst, u64 slice)
{
	if (likely(slice <= VMSCHED_SLICE_MAX_NS))
		return true;
	vmsched_fault(inst, VMSCHED_FAULT_KIND_BAD_RETURN,
		      "a slice of %llu ns is longer than %llu ns", slice,
		      VMSCHED_SLICE_MAX_NS);
	return false;
}

/* A queue that @v may be in. */
bool __vms_fault_check_cpu(struct vmsched_inst *inst, struct vms_vcpu *v, int cpu)
{
	if (likely(cpu >= 0 && cpu < nr_cpu_ids && cpumask_test_cpu(cpu, v->allowed)))
		return true;
	vmsched_fault(inst, VMSCHED_FAULT_KIND_BAD_RETURN,
		      "select_cpu() answered %d for vCPU %llu/%u, which may not run there",
		      cpu, v->vm->id, v->index);
	return false;
}

/* Why an instance says that something cannot be had; empty if it says nothing. */
void vmsched_refuse(struct vmsched_inst *inst, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(inst->fault->refusal, sizeof(inst->fault->refusal), fmt, args);
	va_end(args);
}
EXPORT_SYMBOL_GPL(vmsched_refuse);

/**
 * __vms_fault_check_carry() - what a vCPU takes along is what somebody could be owed
 * @inst: the instance that has just exported it
 * @v: the vCPU, the lock of its pool held
 *
 * If not, it takes nothing along, and the scheduler is at fault.
 */
void __vms_fault_check_carry(struct vmsched_inst *inst, struct vms_vcpu *v)
{
	if (likely(v->carry.lag_ns <= LAG_MAX_NS && v->carry.lag_ns >= -LAG_MAX_NS))
		return;
	vmsched_fault(inst, VMSCHED_FAULT_KIND_LEAVING,
		      "vCPU %llu/%u is owed %lld ns, which nobody can be",
		      v->vm->id, v->index, v->carry.lag_ns);
	v->carry.lag_ns = 0;
}

/**
 * vms_fault_create() - the record that an instance needs
 * @inst: the instance
 * @pool: the pool that it is meant for
 *
 * Return: 0 or -ENOMEM.
 */
int vms_fault_create(struct vmsched_inst *inst, struct vms_pool *pool)
{
	struct vms_fault *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->pool = pool;
	f->work = IRQ_WORK_INIT_HARD(bypass_fn);
	inst->fault = f;
	return 0;
}

/* Nobody calls the instance any more. */
void vms_fault_destroy(struct vmsched_inst *inst)
{
	if (inst->fault)
		irq_work_sync(&inst->fault->work);
	kfree(inst->fault);
}
