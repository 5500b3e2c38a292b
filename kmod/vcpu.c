// SPDX-License-Identifier: GPL-2.0
/*
 * Finding, making and freeing the objects that stand for vCPUs.
 *
 * A vCPU is seen for the first time in a hook that may neither sleep nor
 * allocate, so objects are kept in store. The hook only files it; the rest is
 * done by the vCPU's own thread at the gate (vm.c). Removal has two steps:
 * out of the hash at once, memory after everybody has left it.
 *
 * Locking: vms_hash_lock protects both hashes and the store, readers of the
 * hashes use RCU (hooks run with preemption off). It is a leaf, taken with
 * interrupts off.
 */
#include <linux/hashtable.h>
#include <linux/rculist.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "vmsched.h"

#define TABLE_BITS	10
#define STORE_SIZE	64U

static DEFINE_HASHTABLE(by_key, TABLE_BITS);
static DEFINE_HASHTABLE(by_task, TABLE_BITS);
static DEFINE_RAW_SPINLOCK(vms_hash_lock);	/* see above */

static struct kmem_cache *cache;
static LLIST_HEAD(store);
static unsigned int stored;
static u64 dropped;

static LLIST_HEAD(dead);
static atomic_t alive = ATOMIC_INIT(0);

static void store_fill(struct work_struct *work);
static DECLARE_WORK(store_work, store_fill);
static void reap(struct work_struct *work);
static DECLARE_WORK(reap_work, reap);

/* A worker cannot be woken under locks of Linux. */
static void queue_fn(struct irq_work *work)
{
	queue_work(VMS_SYSTEM_WQ, &store_work);
	if (!llist_empty(&dead))
		queue_work(system_long_wq, &reap_work);
}

static struct irq_work queue_irq = IRQ_WORK_INIT_HARD(queue_fn);

static void store_fill(struct work_struct *work)
{
	struct vms_vcpu *v;

	while (READ_ONCE(stored) < STORE_SIZE) {
		v = kmem_cache_zalloc(cache, GFP_KERNEL);
		if (!v)
			return;
		raw_spin_lock_irq(&vms_hash_lock);
		llist_add(&v->wake_node, &store);
		WRITE_ONCE(stored, stored + 1);
		raw_spin_unlock_irq(&vms_hash_lock);
	}
}

static struct vms_vcpu *store_take(void)
{
	struct llist_node *node;

	lockdep_assert_held(&vms_hash_lock);
	node = llist_del_first(&store);
	if (!node) {
		WRITE_ONCE(dropped, dropped + 1);
		return NULL;
	}
	WRITE_ONCE(stored, stored - 1);
	return llist_entry(node, struct vms_vcpu, wake_node);
}

/**
 * vms_vcpu_of_task() - the vCPU that a thread runs
 * @task: the thread
 *
 * Context: preemption off, or RCU read lock held.
 */
struct vms_vcpu *vms_vcpu_of_task(const struct task_struct *task)
{
	struct vms_vcpu *v;

	hash_for_each_possible_rcu_notrace(by_task, v, task_node,
					   (unsigned long)task)
		if (v->task == task)
			return v;
	return NULL;
}

/* The vCPU that belongs to an object of KVM. Context: as above. */
struct vms_vcpu *vms_vcpu_of_key(const void *key)
{
	struct vms_vcpu *v;

	hash_for_each_possible_rcu_notrace(by_key, v, key_node,
					   (unsigned long)key)
		if (v->key == key)
			return v;
	return NULL;
}

static void init_vcpu(struct vms_vcpu *v, void *key, const void *vm_key,
		      u32 index)
{
	u64 now = vms_now();

	refcount_set(&v->ref, 1);
	v->key = key;
	v->vm_key = vm_key;
	v->index = index;
	v->task = get_task_struct(current);
	v->pass = VMS_PASS_NONE;
	v->cpu = -1;
	v->stamp = now;
	v->on_cpu = true;
	v->gtime_base = current->gtime;
	v->utime_base = current->utime > current->gtime ?
			current->utime - current->gtime : 0;
	INIT_LIST_HEAD(&v->vm_node);
	INIT_LIST_HEAD(&v->pool_node);
	vms_gate_init_vcpu(v);
	vms_apply_init_vcpu(v);
}

/* Another vCPU of the same thread is no longer the one that it runs. */
static void step_back(struct vms_vcpu *v)
{
	struct vms_pool *pool;

	raw_spin_lock(&vms_hash_lock);
	hash_del_rcu(&v->task_node);
	raw_spin_unlock(&vms_hash_lock);
	WRITE_ONCE(v->on_cpu, false);
	if (!READ_ONCE(v->pool))
		return;
	vms_track_sleeps(v, v->use.run_ns);
	pool = vms_pool_lock(&v->pool);
	__vms_not_runnable(v, VMS_OFF, vms_now());
	/* The thread may lose its pCPU as one that no pool follows. */
	__vms_hand_over(pool, this_cpu_ptr(&vms_pcpus));
	raw_spin_unlock(&pool->lock);
}

static struct vms_vcpu *make(void *key, const void *vm_key, u32 index)
{
	struct vms_vcpu *v;

	raw_spin_lock(&vms_hash_lock);
	v = store_take();
	if (v) {
		init_vcpu(v, key, vm_key, index);
		hash_add_rcu(by_key, &v->key_node, (unsigned long)key);
		hash_add_rcu(by_task, &v->task_node, (unsigned long)current);
		atomic_inc(&alive);
	}
	raw_spin_unlock(&vms_hash_lock);
	irq_work_queue(&queue_irq);
	return v;
}

/**
 * vms_vcpu_discover() - the current thread runs a vCPU that it did not before
 * @key: KVM's object of the vCPU
 * @vm_key: KVM's object of the VM
 * @index: number within the VM
 *
 * Context: interrupts off, in the thread; its runqueue lock may be held.
 * Return: the vCPU, or NULL if no object is in store just now; it is found at
 * one of its next entries then.
 */
struct vms_vcpu *vms_vcpu_discover(void *key, const void *vm_key, u32 index)
{
	struct vms_vcpu *old = vms_vcpu_of_task(current);
	struct vms_vcpu *v = vms_vcpu_of_key(key);

	if (v && v->task != current) {
		/* The thread that ran it before is not the one any more. */
		vms_vcpu_remove(v);
		v = NULL;
	}
	if (old && old != v)
		step_back(old);
	if (!v)
		return make(key, vm_key, index);
	if (old != v) {
		WRITE_ONCE(v->stamp, vms_now());
		WRITE_ONCE(v->on_cpu, true);
		vms_track_woken(v);
		raw_spin_lock(&vms_hash_lock);
		hash_add_rcu(by_task, &v->task_node, (unsigned long)current);
		raw_spin_unlock(&vms_hash_lock);
	}
	return v;
}

/* No pCPU may think that it runs @v. */
static void forget_on_pcpus(struct vms_vcpu *v)
{
	int cpu;

	for_each_possible_cpu(cpu)
		cmpxchg(&vms_pcpu(cpu)->on, v, NULL);
}

/**
 * vms_vcpu_remove() - a vCPU, or the thread that ran it, is gone
 * @v: the vCPU
 *
 * Step one: nobody finds it any more and it holds no grant. The rest is done
 * by a worker.
 *
 * Context: preemption off; the runqueue lock may be held.
 */
void vms_vcpu_remove(struct vms_vcpu *v)
{
	struct vms_pool *pool;
	unsigned long flags;

	raw_spin_lock_irqsave(&vms_hash_lock, flags);
	if (test_and_set_bit(VMS_F_DEAD, &v->flags)) {
		raw_spin_unlock_irqrestore(&vms_hash_lock, flags);
		return;
	}
	hash_del_rcu(&v->key_node);
	if (!hlist_unhashed(&v->task_node))
		hash_del_rcu(&v->task_node);
	raw_spin_unlock_irqrestore(&vms_hash_lock, flags);

	if (READ_ONCE(v->pool)) {
		local_irq_save(flags);
		pool = vms_pool_lock(&v->pool);
		vms_track_sleeps(v, vms_vcpu_executed(v, vms_now()));
		__vms_not_runnable(v, VMS_OFF, vms_now());
		WRITE_ONCE(v->pass, VMS_PASS_ANY);
		if (v->parked)
			vms_wake_later(v);
		/* Nobody looks at its thread any more when that leaves. */
		__vms_hand_over(pool, vms_pcpu(task_cpu(v->task)));
		raw_spin_unlock_irqrestore(&pool->lock, flags);
	}
	llist_add(&v->dead_node, &dead);
	irq_work_queue(&queue_irq);
}

static void free_vcpu(struct vms_vcpu *v)
{
	put_task_struct(v->task);
	if (v->pool)
		vms_pool_put(v->pool);
	kfree(v->masks);
	kmem_cache_free(cache, v);
	atomic_dec(&alive);
}

static void free_rcu_fn(struct rcu_head *head)
{
	free_vcpu(container_of(head, struct vms_vcpu, rcu));
}

void vms_vcpu_put(struct vms_vcpu *v)
{
	if (refcount_dec_and_test(&v->ref))
		call_rcu(&v->rcu, free_rcu_fn);
}

/* Step two: out of its VM and pool, and free once nobody can look at it. */
static void reap(struct work_struct *work)
{
	struct llist_node *list = llist_del_all(&dead);
	struct vms_vcpu *v, *next;

	if (!list)
		return;
	/* Hooks that had found it are over, and none puts it into "on" again. */
	synchronize_rcu();
	llist_for_each_entry(v, list, dead_node) {
		vms_gate_cancel(v);
		forget_on_pcpus(v);
	}
	/* Those that had read "on", and may look at its VM, are over too. */
	synchronize_rcu();
	llist_for_each_entry(v, list, dead_node)
		vms_vcpu_detach(v);
	synchronize_rcu();
	llist_for_each_entry_safe(v, next, list, dead_node)
		vms_vcpu_put(v);
}

u64 vms_vcpus_dropped(void)
{
	return READ_ONCE(dropped);
}

int vms_vcpus_init(void)
{
	/* Not merged with others: what is left behind shall be seen. */
	cache = kmem_cache_create("vmsched_vcpu", sizeof(struct vms_vcpu), 0,
				  SLAB_HWCACHE_ALIGN | VMS_SLAB_NO_MERGE, NULL);
	if (!cache)
		return -ENOMEM;
	store_fill(NULL);
	return 0;
}

/* No hook runs any more: send all through both steps and wait for them. */
void vms_vcpus_drain(void)
{
	struct vms_vcpu *v;
	int bkt;

	rcu_read_lock();
	hash_for_each_rcu(by_key, bkt, v, key_node)
		vms_gate_cancel(v);
	rcu_read_unlock();
	vms_gate_drain();

	rcu_read_lock();
	preempt_disable();
	hash_for_each_rcu(by_key, bkt, v, key_node)
		vms_vcpu_remove(v);
	preempt_enable();
	rcu_read_unlock();
	irq_work_sync(&queue_irq);
	flush_work(&reap_work);
}

void vms_vcpus_exit(void)
{
	struct vms_vcpu *v, *next;

	irq_work_sync(&queue_irq);
	cancel_work_sync(&store_work);
	flush_work(&reap_work);
	rcu_barrier();
	WARN_ON(atomic_read(&alive));

	llist_for_each_entry_safe(v, next, llist_del_all(&store), wake_node)
		kmem_cache_free(cache, v);
	kmem_cache_destroy(cache);
}
