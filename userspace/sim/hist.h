/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Histogram of times in ns, however long: each power of two in steps of 1/128, so
 * that percentiles are at most 0.8 % too large, and never above the maximum, which is
 * exact. Only those powers take memory that occur.
 */
#ifndef VMSCHED_SIM_HIST_H
#define VMSCHED_SIM_HIST_H

#include <linux/types.h>

#define HIST_POWERS	64
#define HIST_STEPS	128

struct hist {
	u64 count;
	u64 max;
	u64 *steps[HIST_POWERS];
};

void hist_add(struct hist *h, u64 value);
void hist_merge(struct hist *to, const struct hist *from);
/* The value that @permille of all do not exceed, 0 if there are none. */
u64 hist_permille(const struct hist *h, unsigned int permille);
void hist_free(struct hist *h);

#endif /* VMSCHED_SIM_HIST_H */
