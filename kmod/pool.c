// SPDX-License-Identifier: GPL-2.0
/*
 * Pools: a set of pCPUs with one active scheduler. There is the pool
 * "default" with all pCPUs; everything else is written for several.
 *
 * Locking: vms_mutex for the list of pools and for hotplug steps, which come
 * with the hotplug lock held: nobody may take that one under vms_mutex.
 */
#include <linux/cpuhotplug.h>
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

static struct vms_pool *pool_create(const char *name,
				    const struct cpumask *cpus)
{
	struct vms_pool *pool;
	int cpu;

	pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	strscpy(pool->name, name, sizeof(pool->name));
	raw_spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->vcpus);
	vms_evict_init_pool(pool);
	cpumask_copy(&pool->cpus, cpus);
	pool->way = VMS_BY_TABLE;
	pool->inst = vms_inst_create(&vms_native_ops, pool);
	if (IS_ERR(pool->inst)) {
		int err = PTR_ERR(pool->inst);

		kfree(pool);
		return ERR_PTR(err);
	}
	for_each_cpu(cpu, cpus)
		vms_pcpu_init(cpu, pool);
	list_add_tail(&pool->node, &vms_pools);
	return pool;
}

int vms_pools_init(void)
{
	struct vms_pool *pool = pool_create("default", cpu_possible_mask);

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	default_pool = pool;
	return 0;
}

void vms_pools_exit(void)
{
	struct vms_pool *pool, *next;

	list_for_each_entry_safe(pool, next, &vms_pools, node) {
		WARN_ON(!list_empty(&pool->vcpus) || pool->nr_vms);
		list_del(&pool->node);
		vms_inst_destroy(pool->inst);
		kfree(pool);
	}
}

/* All vCPUs of the pool look anew where they may run. */
static void refresh_all(struct vms_pool *pool)
{
	struct vms_vcpu *v, *next;

	lockdep_assert_held(&vms_mutex);
	list_for_each_entry_safe(v, next, &pool->vcpus, pool_node)
		vms_apply_refresh(v);
}

static int cpu_online_step(unsigned int cpu)
{
	struct vms_pcpu *pc = vms_pcpu(cpu);
	struct vms_pool *pool = pc->pool;

	mutex_lock(&vms_mutex);
	raw_spin_lock_irq(&pool->lock);
	cpumask_set_cpu(cpu, &pool->online);
	cpumask_set_cpu(cpu, &pool->idle);
	raw_spin_unlock_irq(&pool->lock);
	refresh_all(pool);
	mutex_unlock(&vms_mutex);
	return 0;
}

static int cpu_offline_step(unsigned int cpu)
{
	struct vms_pcpu *pc = vms_pcpu(cpu);
	struct vms_pool *pool = pc->pool;

	mutex_lock(&vms_mutex);
	raw_spin_lock_irq(&pool->lock);
	cpumask_clear_cpu(cpu, &pool->online);
	cpumask_clear_cpu(cpu, &pool->idle);
	raw_spin_unlock_irq(&pool->lock);
	refresh_all(pool);
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
