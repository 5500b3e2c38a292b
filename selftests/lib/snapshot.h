/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that vmsched tells of itself at a moment, but for counters of time and
 * work: what must be the same before and after something that fails.
 */
#ifndef SELFTESTS_SNAPSHOT_H
#define SELFTESTS_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "genl.h"

/* A line for each attribute of each object, in the order of the dumps */
struct snapshot {
	char *text;
	uint64_t failed_switches;	/* sum over the pools; not in @text */
};

/* Through netlink, which is quick; -errno */
int snapshot_take(struct snapshot *s, struct genl *g);

/* What the lists of `vmschedctl -j` show; -errno */
int snapshot_cli(struct snapshot *s);

/* True if they are the same; else the first line that differs is printed */
bool snapshot_same(const struct snapshot *before, const struct snapshot *after);

void snapshot_free(struct snapshot *s);

#endif /* SELFTESTS_SNAPSHOT_H */
