/* SPDX-License-Identifier: GPL-2.0 */
/* What tests of the simulator share. */
#ifndef _SIM_TEST_H
#define _SIM_TEST_H

#include <output.h>
#include <reader.h>

/* Read a workload from a string, under the name "load". */
bool read_text(struct workload *wl, const char *text, size_t length, char *why, size_t size);

/* Simulate it under a scheduler by name. What is wrong ends the test. */
void run_text(struct result *result, struct workload *wl, const char *scheduler,
	      struct record *record, const char *fmt, ...);
void run_free(struct result *result, struct workload *wl);

/* What is not idle is executed or lost, and pools have what their VMs have. */
bool adds_up(const struct result *result);

/*
 * Run the simulator as a user does, by a shell, which may redirect its output. What
 * is left of that, and its errors, are in @out, which is to be freed. Returns its exit
 * status.
 */
int run_tool(char **out, const char *fmt, ...);

#endif
