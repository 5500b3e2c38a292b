// SPDX-License-Identifier: GPL-2.0
/*
 * Pools: a set of pCPUs with one active scheduler. There is always the pool
 * "default", which has all pCPUs that no other pool has.
 *
 * Locking: vms_mutex for the list of pools (readers: RCU) and for hotplug steps,
 * which come with the hotplug lock held: nobody may take that one under vms_mutex.
 */
#include <linux/cpuhotplug.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "vmsched.h"

LIST_HEAD(vms_pools);

static struct vms_pool *default_pool;
static int hotplug_state;

struct vms_pool *vms_pool_default(void)
{
	return default_pool;
}

struct vms_pool *vms_pool_find(const char *name)
{
	struct vms_pool *pool;

	lockdep_assert_held(&vms_mutex);
	list_for_each_entry(pool, &vms_pools, node)
		if (!strcmp(pool->name, name))
			return pool;
	return NULL;
}

/* Number of pools in which a scheduler is active. */
u32 vms_pool_users(const struct vmsched_ops *ops)
{
	struct vms_pool *pool;
	u32 users = 0;

	lockdep_assert_held(&vms_mutex);
	list_for_each_entry(pool, &vms_pools, node)
		users += pool->inst->ops == ops;
	return users;
}

/**
 * vms_pool_create() - make a pool, native, without pCPUs and not listed yet
 * @name: its name
 *
 * Context: process, may sleep.
 * Return: the pool or an ERR_PTR.
 */
struct vms_pool *vms_pool_create(const char *name)
{
	struct vms_pool *pool;

	pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	strscpy(pool->name, name, sizeof(pool->name));
	raw_spin_lock_init(&pool->lock);
	refcount_set(&pool->ref, 1);
	INIT_LIST_HEAD(&pool->vcpus);
	vms_evict_init_pool(pool);
	pool->way = VMS_BY_TABLE;
	pool->inst = vms_inst_create(&vms_native_ops, pool);
	if (IS_ERR(pool->inst)) {
		int err = PTR_ERR(pool->inst);

		kfree(pool);
		return ERR_PTR(err);
	}
	return pool;
}

/* From now on it is found. Context: vms_mutex held, but on load. */
void vms_pool_list(struct vms_pool *pool)
{
	list_add_tail_rcu(&pool->node, &vms_pools);
	vms_generation++;
}

/* From now on it is not. */
void vms_pool_unlist(struct vms_pool *pool)
{
	list_del_rcu(&pool->node);
	vms_generation++;
}

/**
 * vms_pool_put() - give a reference back
 * @pool: the pool
 *
 * What is left of it at the end is memory: a vCPU that is gone may still look at the
 * lock of the pool that it was attached to.
 */
void vms_pool_put(struct vms_pool *pool)
{
	if (refcount_dec_and_test(&pool->ref))
		kfree(pool);
}

/**
 * vms_pool_destroy() - the end of a pool that nobody finds any more
 * @pool: the pool, native, without VMs and pCPUs, not listed for a grace period, or
 *	  everything ends
 *
 * Context: process, may sleep; vms_mutex not held.
 */
void vms_pool_destroy(struct vms_pool *pool)
{
	WARN_ON(!list_empty(&pool->vcpus) || pool->nr_vms);
	vms_inst_destroy(pool->inst);
	pool->inst = NULL;
	vms_pool_put(pool);
}

int vms_pools_init(void)
{
	struct vms_pool *pool = vms_pool_create("default");
	int cpu;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	cpumask_copy(&pool->cpus, cpu_possible_mask);
	for_each_possible_cpu(cpu)
		vms_pcpu_init(cpu, pool);
	vms_pool_list(pool);
	default_pool = pool;
	return 0;
}

void vms_pools_exit(void)
{
	struct vms_pool *pool, *next;

	list_for_each_entry_safe(pool, next, &vms_pools, node) {
		list_del(&pool->node);
		vms_pool_destroy(pool);
	}
}

/* All vCPUs of a pool look anew where they may run. Context: vms_mutex held. */
void vms_pool_refresh(struct vms_pool *pool)
{
	struct vms_vcpu *v, *next;

	lockdep_assert_held(&vms_mutex);
	list_for_each_entry_safe(v, next, &pool->vcpus, pool_node)
		vms_apply_refresh(v);
}

static int cpu_online_step(unsigned int cpu)
{
	struct vms_pcpu *pc = vms_pcpu(cpu);
	struct vms_pool *pool;

	mutex_lock(&vms_mutex);
	pool = pc->pool;
	raw_spin_lock_irq(&pool->lock);
	cpumask_set_cpu(cpu, &pool->online);
	/* It was the last of its pool, and nothing else could be had meanwhile. */
	if (!pc->cur)
		cpumask_set_cpu(cpu, &pool->idle);
	raw_spin_unlock_irq(&pool->lock);
	vms_pool_refresh(pool);
	mutex_unlock(&vms_mutex);
	return 0;
}

static int cpu_offline_step(unsigned int cpu)
{
	struct vms_pcpu *pc = vms_pcpu(cpu);
	struct vms_pool *pool;

	mutex_lock(&vms_mutex);
	pool = pc->pool;
	raw_spin_lock_irq(&pool->lock);
	cpumask_clear_cpu(cpu, &pool->online);
	cpumask_clear_cpu(cpu, &pool->idle);
	if (cpumask_empty(&pool->online))
		__vms_evict_empty(pool, vms_now());
	raw_spin_unlock_irq(&pool->lock);
	if (cpumask_empty(&pool->online))
		vms_evict_empty(pool);
	else
		vms_pool_refresh(pool);
	mutex_unlock(&vms_mutex);
	hrtimer_cancel(&pc->timer);
	return 0;
}

/* From here on the masks of all pools follow the pCPUs that are online. */
int vms_hotplug_init(void)
{
	int state;

	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "vmsched:online",
				  cpu_online_step, cpu_offline_step);
	if (state < 0)
		return state;
	hotplug_state = state;
	return 0;
}

void vms_hotplug_exit(void)
{
	cpuhp_remove_state_nocalls(hotplug_state);
}
