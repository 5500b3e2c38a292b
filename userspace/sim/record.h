/* SPDX-License-Identifier: GPL-2.0 */
/* Who had which pCPU from when to when, for pictures. */
#ifndef VMSCHED_SIM_RECORD_H
#define VMSCHED_SIM_RECORD_H

#include <linux/types.h>

struct span {
	u64 from;
	u64 to;
	unsigned int cpu;
	unsigned int vm;
	unsigned int vcpu;
};

/*
 * What is between @from and @to. When there are more than @most of them, @to becomes
 * the time until which it is complete.
 */
struct record {
	u64 from;
	u64 to;
	size_t most;
	bool full;
	struct span *spans;
	size_t nr;
	size_t max;
};

void record_add(struct record *record, const struct span *span);
void record_free(struct record *record);

#endif /* VMSCHED_SIM_RECORD_H */
