// SPDX-License-Identifier: GPL-2.0
/*
 * What a scheduler may answer when it is asked who runs next, see core.h.
 */
#include <stdarg.h>
#include <stdio.h>

#include "core.h"

/* No scheduler of the tree may say that, whatever happens to it. */
void vmsched_fault(struct vmsched_inst *inst, enum vmsched_fault_kind kind,
		   const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	broken("it reports a fault of kind %d: %s", kind, text);
}

/* For whoever asked */
void vmsched_refuse(struct vmsched_inst *inst, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(core_refusal, sizeof(core_refusal), fmt, args) >=
	    (int)sizeof(core_refusal))
		broken("its refusal is too long: %s", core_refusal);
	va_end(args);
}

/* Who waits may have to do so for reasons of its own. */
static bool throttles(const struct pool *pool)
{
	return pool->inst->ops->honours &
	       (VMSCHED_HONOURS_CAP | VMSCHED_HONOURS_BUDGET);
}

bool is_online(const struct pool *pool, int cpu)
{
	return cpumask_test_cpu(cpu, &pool->online);
}

/* No answer: nobody may wait who could run here, unless it may in @again ns. */
void check_none(const struct pool *pool, int cpu, u64 again)
{
	const struct vms_vcpu *v;

	if (again > VMSCHED_SLICE_MAX_NS)
		broken("pCPU %d is to be asked again after %llu ns, too late", cpu,
		       (unsigned long long)again);
	if (again && throttles(pool))
		return;

	list_for_each_entry(v, &pool->waiting, wait_node)
		if (is_online(pool, v->cpu) &&
		    cpumask_test_cpu(cpu, &v->allowed))
			broken("pCPU %d gets none although vCPU %u waits on %d",
			       cpu, v->index, v->cpu);
}

/* Those of the scheduler before are still to be imported. */
static bool waits_here(const struct pool *pool, int cpu,
		       const struct vms_vcpu *picked)
{
	const struct vms_vcpu *v;

	list_for_each_entry(v, &pool->waiting, wait_node)
		if (v != picked && v->cpu == cpu && v->ent->inst == pool->inst)
			return true;
	return false;
}

/* Somebody else waits, in whatever queue: there may be one for all pCPUs. */
static bool waits_somewhere(const struct pool *pool, const struct vms_vcpu *picked)
{
	const struct vms_vcpu *v;

	list_for_each_entry(v, &pool->waiting, wait_node)
		if (v != picked)
			return true;
	return false;
}

/*
 * A slice has a limit if somebody waits behind it. If nobody does it has none, but
 * for a scheduler that ends slices for other reasons, or looks beyond a pCPU.
 */
void check_slice(const struct pool *pool, int cpu,
		 const struct vms_vcpu *picked, u64 slice)
{
	unsigned int others = pool->pcpus[cpu].waiting - (picked->cpu == cpu);
	bool waits = others && (!pool->inst->partial ||
				waits_here(pool, cpu, picked));

	if (slice > VMSCHED_SLICE_MAX_NS)
		broken("vCPU %u gets %llu ns on pCPU %d, too long a slice",
		       picked->index, (unsigned long long)slice, cpu);
	if (!waits && (throttles(pool) || pool->inst->ops->select_cpu))
		return;
	if (!waits && slice && waits_somewhere(pool, picked))
		return;
	if (waits != !!slice)
		broken("vCPU %u has a slice of %llu on %d, where %s waits",
		       picked->index, (unsigned long long)slice, cpu,
		       waits ? "another one" : "nobody");
}
