// SPDX-License-Identifier: GPL-2.0
/*
 * Pools and vCPUs of the model of the core, and where these may run; see core.h.
 */
#include <stdlib.h>
#include <string.h>

#include "int.h"

static int pick_home(const struct pool *pool, const struct vms_vcpu *v)
{
	int best = -1, cpu;

	for_each_cpu(cpu, &v->allowed)
		if (best < 0 ||
		    pool->pcpus[cpu].homed < pool->pcpus[best].homed)
			best = cpu;
	return best;
}

static void update_mask(const struct pool *pool, struct vms_vcpu *v)
{
	if (!cpumask_and(&v->allowed, &v->user, &pool->online))
		v->allowed = pool->online;
}

static void refresh(struct pool *pool, struct vms_vcpu *v)
{
	update_mask(pool, v);
	if (!cpumask_test_cpu(v->cpu, &v->allowed))
		core_move(pool, v, pick_home(pool, v));
	else if (v->state == WAITING)
		core_offer(pool, v);
}

void vcpu_set_mask(struct pool *pool, struct vms_vcpu *v,
		   const struct cpumask *user)
{
	v->user = *user;
	refresh(pool, v);
}

int vcpu_set_params(struct pool *pool, struct vms_vcpu *v,
		    const struct vmsched_params *params)
{
	const struct vmsched_ops *ops = pool->inst->ops;
	int err;

	core_refusal[0] = '\0';
	err = ops->admit ? ops->admit(pool->inst, v->ent, params) : 0;
	if (err && !core_refusal[0])
		broken("admit() answers %d and does not say why", err);
	if (err)
		return err;
	if (v->state == GRANTED)
		core_charge(pool, v);
	v->params = *params;
	v->ent->params = *params;
	ops->set_params(pool->inst, v->ent, pool->now);
	return 0;
}

static void add(struct pool *pool, struct vms_vcpu *v)
{
	if (pool->nr_vcpus == pool->max_vcpus) {
		int max = pool->max_vcpus * 2 + 16;
		void *bigger = realloc(pool->vcpus, max * sizeof(v));

		if (!bigger)
			broken("out of memory");
		pool->vcpus = bigger;
		pool->max_vcpus = max;
	}
	pool->vcpus[pool->nr_vcpus++] = v;
}

struct vms_vcpu *vcpu_create(struct pool *pool, u64 vm_id, u32 index,
			     const struct vmsched_params *params,
			     const struct cpumask *user)
{
	struct vms_vcpu *v = zalloc(sizeof(*v));

	INIT_LIST_HEAD(&v->wait_node);
	v->vm_id = vm_id;
	v->index = index;
	v->params = *params;
	v->user = *user;
	update_mask(pool, v);
	v->cpu = -1;
	core_place(pool, v, pick_home(pool, v));
	v->ent = ent_create(pool->inst, v);
	if (!v->ent) {
		core_place(pool, v, -1);
		free(v);
		return NULL;
	}
	add(pool, v);
	core_import(pool, v);
	return v;
}

void vcpu_destroy(struct pool *pool, struct vms_vcpu *v)
{
	int i;

	vcpu_stop(pool, v, OFF);
	for (i = 0; pool->vcpus[i] != v; i++)
		;
	pool->vcpus[i] = pool->vcpus[--pool->nr_vcpus];
	core_place(pool, v, -1);
	ent_destroy(v->ent);
	free(v);
}

void pool_online(struct pool *pool, int cpu, bool online)
{
	int i;

	if (online) {
		cpumask_set_cpu(cpu, &pool->online);
		cpumask_set_cpu(cpu, &pool->idle);
	} else {
		cpumask_clear_cpu(cpu, &pool->online);
		cpumask_clear_cpu(cpu, &pool->idle);
	}
	for (i = 0; i < pool->nr_vcpus; i++)
		refresh(pool, pool->vcpus[i]);
}

/* @cpus: those of the pool, below nr_cpu_ids, which its user has set. */
void pool_init(struct pool *pool, const struct vmsched_ops *ops,
	       const struct cpumask *cpus, u64 now)
{
	int cpu;

	memset(pool, 0, sizeof(*pool));
	INIT_LIST_HEAD(&pool->waiting);
	pool->cpus = *cpus;
	pool->online = *cpus;
	pool->idle = *cpus;
	pool->pcpus = zalloc(nr_cpu_ids * sizeof(*pool->pcpus));
	for_each_possible_cpu(cpu)
		pool->pcpus[cpu].ask_at = U64_MAX;
	pool->now = now;
	pool->inst = inst_create(pool, ops);
	ops->activate(pool->inst, now);
}

void pool_exit(struct pool *pool)
{
	pool->watch = NULL;
	while (pool->nr_vcpus)
		vcpu_destroy(pool, pool->vcpus[0]);
	pool->inst->ops->deactivate(pool->inst, pool->now);
	inst_destroy(pool->inst);
	free(pool->vcpus);
	free(pool->pcpus);
}
