/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs that are killed in the midst of what they do.
 */
#ifndef SELFTESTS_CUT_H
#define SELFTESTS_CUT_H

#include <stdint.h>

/* What became of a program; else its exit status */
#define CUT_KILLED	(-1)
#define CUT_LOST	(-2)	/* it could not be started or followed */

/*
 * Run a line of words up to its @stop-th entry to or return from a system
 * call, and kill it there; 0: to its end. How many there were goes to @stops.
 */
int cut_at_syscall(const char *line, unsigned int stop, unsigned int *stops);

/* Run it for @us at most, then end it with signal @sig (SIGKILL if that fails) */
int cut_after(const char *line, uint64_t us, int sig);

#endif /* SELFTESTS_CUT_H */
