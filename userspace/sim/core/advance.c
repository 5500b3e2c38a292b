// SPDX-License-Identifier: GPL-2.0
/*
 * Time of a single pool, for tests that do something between its steps; see core.h.
 * The simulator has a queue of events instead.
 */
#include "int.h"

/* Let time pass, and slices end in it; a timer may be late in a long time. */
void pool_advance(struct pool *pool, u64 ns)
{
	int cpu, ends;

	for (ends = 0; ns && ends < 2000; ends++) {
		u64 step = ns;

		for_each_cpu(cpu, &pool->online)
			step = min(step, pool_ask_in(pool, cpu));
		pool->now += step;
		ns -= step;
		for_each_cpu(cpu, &pool->online)
			if (!pool_ask_in(pool, cpu))
				pool_resched(pool, cpu);
	}
	pool->now += ns;
	core_settle_all(pool);
}
