/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What schedulers use of the kernel's <linux/cpumask.h>, for a machine of at
 * most 64 pCPUs.
 */
#ifndef _USER_LINUX_CPUMASK_H
#define _USER_LINUX_CPUMASK_H

#include <linux/types.h>

struct cpumask {
	u64 bits;
};

/* Where a test's machine ends: blobs of pCPUs exist below only. */
extern unsigned int nr_cpu_ids;

static inline bool cpumask_test_cpu(int cpu, const struct cpumask *mask)
{
	return mask->bits >> cpu & 1;
}

static inline int cpumask_next(int cpu, const struct cpumask *mask)
{
	do
		cpu++;
	while (cpu < (int)nr_cpu_ids && !cpumask_test_cpu(cpu, mask));
	return cpu;
}

#define for_each_possible_cpu(cpu)				\
	for ((cpu) = 0; (cpu) < (int)nr_cpu_ids; (cpu)++)

#define for_each_cpu(cpu, mask)					\
	for ((cpu) = cpumask_next(-1, mask);			\
	     (cpu) < (int)nr_cpu_ids;				\
	     (cpu) = cpumask_next(cpu, mask))

#endif
