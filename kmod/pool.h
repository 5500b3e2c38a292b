/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools: which one something belongs to, and how that changes. Included by vmsched.h,
 * behind its structures.
 */
#ifndef _VMS_POOL_H
#define _VMS_POOL_H

#include <linux/cpumask.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct nlattr;
struct netlink_ext_ack;
struct vms_pool;
struct vms_vcpu;
struct vms_vm;

/**
 * struct vms_pool_request - a change of pools that somebody asks for
 * @name:	of the pool
 * @list:	pCPUs that it is to have, as text, or NULL
 * @attr:	answer: attribute of the request to blame, 0 for none
 * @why:	answer: what is wrong, no longer than an extended ACK can hold
 */
struct vms_pool_request {
	const char *name;
	const char *list;
	u32 attr;
	char why[80];
};

/* pool.c: pools and their lifetime, pCPUs that come and go */
int vms_pools_init(void);
void vms_pools_exit(void);
int vms_hotplug_init(void);
void vms_hotplug_exit(void);
struct vms_pool *vms_pool_find(const char *name);
struct vms_pool *vms_pool_default(void);
u32 vms_pool_users(const struct vmsched_ops *ops);
struct vms_pool *vms_pool_create(const char *name);
void vms_pool_list(struct vms_pool *pool);
void vms_pool_unlist(struct vms_pool *pool);
void vms_pool_destroy(struct vms_pool *pool);
void vms_pool_put(struct vms_pool *pool);
void vms_pool_refresh(struct vms_pool *pool);

/* regroup.c: pCPUs and VMs that change their pool */
void vms_regroup_cpus(struct vms_pool *a, struct vms_pool *b, const struct cpumask *cpus);
void vms_regroup_vm(struct vms_vm *vm, struct vms_pool *to);
int vms_regroup_prepare(struct vms_vm *vm, struct vms_pool *to);

/* promise.c: reservations when pCPUs change */
int vms_promise_try(struct vms_pool *pool, const struct cpumask *left, char *why);
void vms_promise_drop(struct vms_vcpu *v);
void vms_promise_renew(struct vms_pool *pool);

/* pool_change.c: what users ask for */
int vms_pool_add(struct vms_pool_request *req);
int vms_pool_set(struct vms_pool_request *req);
int vms_pool_del(struct vms_pool_request *req);
int vms_pool_run(int (*fn)(void *arg), void *arg);
int vms_pool_move(struct vms_vm *vm, struct vms_pool *to,
		  const struct cpumask *affinity, const struct nlattr *attr,
		  struct netlink_ext_ack *extack);

/**
 * vms_pool_lock() - lock the pool that something belongs to
 * @of: where that is said; not NULL any more, once it was not
 *
 * Who changes it holds the locks of both pools. A pool is freed a grace period after
 * the last that belonged to it has gone, and interrupts that are off are a reader.
 *
 * Context: interrupts off.
 * Return: the pool, locked; it stays the pool for as long.
 */
static inline struct vms_pool *vms_pool_lock(struct vms_pool *const *of)
	__acquires(&(*of)->lock)
{
	struct vms_pool *pool;

	lockdep_assert_irqs_disabled();
	for (;;) {
		pool = READ_ONCE(*of);
		raw_spin_lock(&pool->lock);
		if (likely(pool == READ_ONCE(*of)))
			return pool;
		raw_spin_unlock(&pool->lock);
	}
}

/* The same where interrupts are on: ends with raw_spin_unlock_irq(). */
static inline struct vms_pool *vms_pool_lock_irq(struct vms_pool *const *of)
	__acquires(&(*of)->lock)
{
	local_irq_disable();
	return vms_pool_lock(of);
}

#endif /* _VMS_POOL_H */
