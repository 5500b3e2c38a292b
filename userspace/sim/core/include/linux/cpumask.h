/* SPDX-License-Identifier: GPL-2.0 */
/* What schedulers use of the kernel's <linux/cpumask.h>, and the core. */
#ifndef _USER_LINUX_CPUMASK_H
#define _USER_LINUX_CPUMASK_H

#include <linux/kernel.h>
#include <linux/types.h>

#define MAX_CPU_IDS		1024
#define CPUMASK_BITS	64

struct cpumask {
	u64 bits[MAX_CPU_IDS / CPUMASK_BITS];
};

/* Where the machine ends: blobs of pCPUs exist below only. */
extern unsigned int nr_cpu_ids;

static inline u64 *cpumask_word(int cpu, struct cpumask *mask)
{
	return &mask->bits[cpu / CPUMASK_BITS];
}

static inline u64 cpumask_bit(int cpu)
{
	return 1ULL << cpu % CPUMASK_BITS;
}

static inline bool cpumask_test_cpu(int cpu, const struct cpumask *mask)
{
	return mask->bits[cpu / CPUMASK_BITS] & cpumask_bit(cpu);
}

static inline void cpumask_set_cpu(int cpu, struct cpumask *mask)
{
	*cpumask_word(cpu, mask) |= cpumask_bit(cpu);
}

static inline void cpumask_clear_cpu(int cpu, struct cpumask *mask)
{
	*cpumask_word(cpu, mask) &= ~cpumask_bit(cpu);
}

static inline int cpumask_next_and(int cpu, const struct cpumask *a,
				   const struct cpumask *b)
{
	int end = nr_cpu_ids;

	for (cpu++; cpu < end; cpu = (cpu | (CPUMASK_BITS - 1)) + 1) {
		int word = cpu / CPUMASK_BITS;
		u64 rest = a->bits[word] & b->bits[word] &
			   -cpumask_bit(cpu);

		if (!rest)
			continue;
		cpu = word * CPUMASK_BITS + __builtin_ctzll(rest);
		return cpu < end ? cpu : end;
	}
	return end;
}

static inline int cpumask_next(int cpu, const struct cpumask *mask)
{
	return cpumask_next_and(cpu, mask, mask);
}

static inline bool cpumask_and(struct cpumask *to, const struct cpumask *a,
			       const struct cpumask *b)
{
	u64 any = 0;
	int i;

	for (i = 0; i < MAX_CPU_IDS / CPUMASK_BITS; i++)
		any |= to->bits[i] = a->bits[i] & b->bits[i];
	return any;
}

static inline unsigned int cpumask_weight(const struct cpumask *mask)
{
	unsigned int i, sum = 0;

	for (i = 0; i < MAX_CPU_IDS / CPUMASK_BITS; i++)
		sum += __builtin_popcountll(mask->bits[i]);
	return sum;
}

#define for_each_possible_cpu(cpu)				\
	for ((cpu) = 0; (cpu) < (int)nr_cpu_ids; (cpu)++)

#define for_each_cpu_and(cpu, a, b)				\
	for ((cpu) = cpumask_next_and(-1, a, b);		\
	     (cpu) < (int)nr_cpu_ids;				\
	     (cpu) = cpumask_next_and(cpu, a, b))

#define for_each_cpu(cpu, mask)		for_each_cpu_and(cpu, mask, mask)

#endif
