/* SPDX-License-Identifier: GPL-2.0 */
/* Results, for people and for programs. */
#ifndef VMSCHED_SIM_OUTPUT_H
#define VMSCHED_SIM_OUTPUT_H

#include <stdio.h>

#include "engine.h"

/* figure.c: what is worked out from results, the same for all forms of output */

/* Millionths of @whole that @part is, rounded */
u64 millionths(u64 part, u64 whole);
u64 pool_idle_ns(const struct pool_result *pool);
/* All pools together */
void result_total(const struct result *result, struct pool_result *total);
/* VMSCHED_HONOURS_* that a VM asks for and the scheduler does not honour */
u32 result_ignored(const struct result *result);

/* text.c */
int print_run(const struct result *result);
int print_compare(const struct result *results, int n);
int print_scheds(const struct vmsched_ops **ops, int n);

/* json.c */
int json_run(const struct result *result, bool pretty);
int json_compare(const struct result *results, int n, bool pretty);
int json_scheds(const struct vmsched_ops **ops, int n, bool pretty);

/*
 * Pictures of a run, whose record is complete and sorted. They return false with errno
 * set if @file cannot be written. chrome_write() writes what ui.perfetto.dev reads.
 */
bool chrome_write(FILE *file, const struct result *result, const struct record *record);
/* @to is set to the time until which there is room. */
bool svg_write(FILE *file, const struct result *result, const struct record *record, u64 *to);

#endif /* VMSCHED_SIM_OUTPUT_H */
