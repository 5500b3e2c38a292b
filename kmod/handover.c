// SPDX-License-Identifier: GPL-2.0
/*
 * From one scheduler to the next: what the old one knows of each vCPU is taken
 * out of it, and given to the new one. Part of the commit of a switch.
 *
 * Who has a pCPU goes on there, as long as its slice lasts: the change shall cost
 * it nothing but the commit. If Linux had decided, the pCPU that the switching thread
 * has taken goes to the first that it runs there: each other one that came before
 * would have to go to its gate.
 *
 * Locking: the pool lock; nothing here allocates, sleeps or fails.
 */
#include <linux/list_sort.h>

#include "vmsched.h"

/*
 * The thread of @v is inside of KVM_RUN, and not that of another vCPU. Who takes
 * it away from @v does that before it takes the pool lock to say so.
 */
static bool runs(const struct vms_vcpu *v)
{
	return vms_inside(v->task) && !test_bit(VMS_F_DEAD, &v->flags) &&
	       !hlist_unhashed_lockless(&v->task_node);
}

static bool is_on(const struct vms_pcpu *pc, const struct vms_vcpu *v)
{
	return task_cpu(v->task) == pc->cpu && runs(v);
}

/* Linux ran @v when the cease began, and may have sent it to its gate since then. */
static bool has_run(const struct vms_vcpu *v)
{
	return v->parked ? !v->waited : READ_ONCE(v->on_cpu);
}

/* Under native Linux has given the pCPUs; that of this thread it took back. */
static void note_runners(struct vms_pool *pool)
{
	struct vms_vcpu *v;

	list_for_each_entry(v, &pool->vcpus, pool_node) {
		struct vms_pcpu *pc = vms_pcpu(v->cpu);

		if (!has_run(v) || !is_on(pc, v) ||
		    (pc->keeps && READ_ONCE(pc->keeps->on_cpu)))
			continue;
		pc->keeps = v;
		pc->keeps_ns = U64_MAX;
	}
}

static void note_holders(struct vms_pool *pool, u64 now)
{
	int cpu;

	for_each_cpu(cpu, &pool->online) {
		struct vms_pcpu *pc = vms_pcpu(cpu);

		if (!pc->cur || pc->cur->waited || !is_on(pc, pc->cur))
			continue;
		/* Without a slice nobody waits behind it. */
		pc->keeps_ns = pc->slice_ns ? __vms_slice_left(pc, now) : U64_MAX;
		if (pc->keeps_ns >= VMS_SLICE_MIN_NS)
			pc->keeps = pc->cur;
	}
}

static void keep_holders(struct vms_pool *pool, u64 now)
{
	int cpu;

	for_each_cpu(cpu, &pool->cpus) {
		struct vms_pcpu *pc = vms_pcpu(cpu);
		struct vms_vcpu *v = pc->keeps;

		pc->keeps = NULL;
		if (v && v->state == VMS_WAITING && pool->inst->ops->take)
			__vms_take(pc, v, pc->keeps_ns, now);
	}
}

/**
 * __vms_export_all() - take all vCPUs out of the old scheduler's hands
 * @pool: the pool, ceased, lock held
 * @now: vms_now()
 *
 * All pCPUs are free of grants then. What a vCPU is owed depends on all others:
 * first charge who holds a grant, while the rest is still queued, and export when
 * nothing changes any more.
 */
void __vms_export_all(struct vms_pool *pool, u64 now)
{
	struct vmsched_inst *old = pool->inst;
	struct vms_vcpu *v;
	int cpu;

	lockdep_assert_held(&pool->lock);
	if (pool->managed)
		note_holders(pool, now);
	else
		note_runners(pool);
	for_each_cpu(cpu, &pool->cpus) {
		if (vms_pcpu(cpu)->cur)
			__vms_charge(vms_pcpu(cpu)->cur, now);
		__vms_release(vms_pcpu(cpu));
	}
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		if (pool->managed && v->state == VMS_WAITING && vms_may_call(old))
			old->ops->dequeue(old, v->ent, VMSCHED_WHY_LEAVE, now);
		else
			v->wait_from = now;
		__vms_charge(v, now);
	}
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		if (!vms_may_call(old))
			break;
		old->ops->export_state(old, v->ent, &v->carry, now);
		__vms_fault_check_carry(old, v);
	}
	if (vms_may_call(old))
		old->ops->deactivate(old, now);
}

/*
 * Who has not run for the longest time comes first, so that frequent switches
 * starve nobody: one that was granted just before a switch may not have run.
 */
static int by_service(void *unused, const struct list_head *a,
		      const struct list_head *b)
{
	const struct vms_vcpu *va = container_of(a, struct vms_vcpu, pool_node);
	const struct vms_vcpu *vb = container_of(b, struct vms_vcpu, pool_node);

	return va->served_at > vb->served_at;
}

static void import_one(struct vms_vcpu *v, u64 now)
{
	struct vmsched_inst *inst = v->ent->inst;

	if (inst->ops->vcpu_import && vms_may_call(inst))
		inst->ops->vcpu_import(inst, v->ent, &v->carry, now);
	if (!runs(v)) {
		WRITE_ONCE(v->state, VMS_OFF);
		return;
	}
	if (v->state == VMS_HALTED)
		return;
	WRITE_ONCE(v->state, VMS_WAITING);
	WRITE_ONCE(v->pass, VMS_PASS_NONE);
	if (vms_may_call(inst))
		inst->ops->enqueue(inst, v->ent, VMSCHED_WHY_IMPORT, now);
}

/* The pCPU of this thread, which has displaced one of those that wait there. */
static void open_this(struct vms_pool *pool)
{
	struct vms_pcpu *pc = this_cpu_ptr(&vms_pcpus);
	struct vms_vcpu *v;

	/* It may have run another one during the cease, which keeps it. */
	if (pc->pool != pool || pc->cur)
		return;
	list_for_each_entry(v, &pool->vcpus, pool_node)
		if (v->cpu == pc->cpu && v->state == VMS_WAITING &&
		    !v->parked && is_on(pc, v))
			pc->open = true;
}

/**
 * __vms_import_all() - hand all vCPUs to the new scheduler, which is in force
 * @pool: the pool, lock held
 * @linux_had: it was native; __vms_close() must follow soon
 * @now: vms_now()
 */
void __vms_import_all(struct vms_pool *pool, bool linux_had, u64 now)
{
	struct vms_vcpu *v;

	lockdep_assert_held(&pool->lock);
	if (pool->managed)
		list_sort(NULL, &pool->vcpus, by_service);
	list_for_each_entry(v, &pool->vcpus, pool_node) {
		if (pool->managed) {
			import_one(v, now);
			continue;
		}
		if (v->state == VMS_WAITING && now > v->wait_from)
			v->use.wait_ns += now - v->wait_from;
		if (v->state != VMS_HALTED)
			WRITE_ONCE(v->state, VMS_GRANTED);
	}
	keep_holders(pool, now);
	if (linux_had && pool->inst->ops->take)
		open_this(pool);
}
