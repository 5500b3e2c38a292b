// SPDX-License-Identifier: GPL-2.0
/* What tests put into a pool, see tests.h. */
#include "tests.h"

static struct cpumask mask_of(u64 bits)
{
	return (struct cpumask) { .bits = { bits } };
}

void bed_init(struct pool *pool, const struct vmsched_ops *ops, int cpus,
	      u64 now)
{
	struct cpumask all = mask_of((1ULL << cpus) - 1);

	nr_cpu_ids = cpus;
	pool_init(pool, ops, &all, now);
}

struct vms_vcpu *add_vcpu(struct pool *pool,
			  const struct vmsched_params *params, u64 mask)
{
	struct cpumask user = mask_of(mask);
	static u32 index;

	return vcpu_create(pool, 1, index++, params, &user);
}

void bind_vcpu(struct pool *pool, struct vms_vcpu *v, u64 mask)
{
	struct cpumask user = mask_of(mask);

	vcpu_set_mask(pool, v, &user);
}
