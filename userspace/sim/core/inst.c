// SPDX-License-Identifier: GPL-2.0
/*
 * Instances of the model of the core, see core.h. Blobs are allocated to the byte, so
 * that the address sanitizer sees each access beyond them, or to those freed.
 */
#include <stdlib.h>

#include "core.h"

const struct vmsched_ops *scheds[MAX_SCHEDS];
int nr_scheds;
unsigned int nr_cpu_ids;
char core_refusal[64];

int vmsched_register(const struct vmsched_ops *ops)
{
	if (nr_scheds == MAX_SCHEDS)
		return -1;
	scheds[nr_scheds++] = ops;
	return 0;
}

void vmsched_unregister(const struct vmsched_ops *ops)
{
}

void *zalloc(size_t size)
{
	void *p = calloc(1, size ?: 1);

	if (!p)
		broken("out of memory");
	return p;
}

struct vmsched_inst *inst_create(struct pool *pool,
				 const struct vmsched_ops *ops)
{
	struct vmsched_inst *inst = zalloc(sizeof(*inst));
	int cpu;

	inst->ops = ops;
	inst->cpus = &pool->online;
	inst->priv = zalloc(ops->inst_size);
	inst->pcpu = zalloc(nr_cpu_ids * sizeof(void *));
	for_each_possible_cpu(cpu)
		inst->pcpu[cpu] = zalloc(ops->pcpu_size);
	if (ops->init(inst))
		broken("init() failed");
	return inst;
}

void inst_destroy(struct vmsched_inst *inst)
{
	int cpu;

	inst->ops->exit(inst);
	for_each_possible_cpu(cpu)
		free(inst->pcpu[cpu]);
	free(inst->pcpu);
	free(inst->priv);
	free(inst);
}

struct vmsched_vcpu *ent_create(struct vmsched_inst *inst,
				struct vms_vcpu *v)
{
	struct vmsched_vcpu *ent = zalloc(sizeof(*ent) + inst->ops->vcpu_size);

	ent->inst = inst;
	ent->core = v;
	ent->vm_id = v->vm_id;
	ent->index = v->index;
	ent->cpu = v->cpu;
	ent->allowed = &v->allowed;
	ent->params = v->params;
	core_refusal[0] = '\0';
	if (!inst->ops->vcpu_init(inst, ent))
		return ent;
	if (!core_refusal[0])
		broken("vcpu_init() failed and does not say why");
	free(ent);
	return NULL;
}

void ent_destroy(struct vmsched_vcpu *ent)
{
	ent->inst->ops->vcpu_exit(ent->inst, ent);
	free(ent);
}
