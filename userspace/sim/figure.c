// SPDX-License-Identifier: GPL-2.0
/* Figures that are worked out from results, see output.h. */
#include <string.h>

#include "output.h"

u64 millionths(u64 part, u64 whole)
{
	return whole ? ((__uint128_t)part * 1000000 + whole / 2) / whole : 0;
}

u64 pool_idle_ns(const struct pool_result *pool)
{
	return pool->cpu_ns - pool->stats.run_ns - pool->lost_ns;
}

void result_total(const struct result *result, struct pool_result *total)
{
	unsigned int nr;

	memset(total, 0, sizeof(*total));
	for (nr = 0; nr < result->wl->nr_pools; nr++) {
		total->cpu_ns += result->pools[nr].cpu_ns;
		total->lost_ns += result->pools[nr].lost_ns;
		stats_add(&total->stats, &result->pools[nr].stats);
	}
}

u32 result_ignored(const struct result *result)
{
	unsigned int nr;
	u32 asks = 0;

	for (nr = 0; nr < result->wl->nr_vms; nr++)
		asks |= result->wl->vms[nr].asks;
	return asks & ~result->ops->honours;
}
