/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults on demand: the Nth allocation (or copy from and to user space) of a
 * thread fails, or some percent of all. Only the debug kernel can do that.
 */
#ifndef SELFTESTS_FAULT_H
#define SELFTESTS_FAULT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Code in the kernel, from @start up to and without @end; all of it if 0, 0 */
struct fault_range {
	uint64_t start;
	uint64_t end;
};

/* Why no faults can be had on this kernel; NULL if they can */
const char *faults_missing(void);

/*
 * Let all kinds of allocations fail that may fail, without a word in the log,
 * if the code that asks was called from @range; -errno. What the checkers of
 * the kernel need for themselves is spared.
 */
int faults_within(const struct fault_range *range);

/* Not one of the Nth, but @percent of all of them fail; 0 ends that */
int faults_percent(unsigned int percent);

/* Back to how the kernel came up */
void faults_off(void);

/* A thread whose Nth allocation is to fail; the fd of its file */
struct fault {
	int fd;
};

int fault_open(struct fault *f, pid_t pid, pid_t tid);
void fault_close(struct fault *f);
int fault_arm(struct fault *f, unsigned int nth);
/* Whether it has failed; nothing fails from here on; -errno */
int fault_disarm(struct fault *f);

/* Where a function of the kernel is, or all code of a module; -errno */
int fault_function(const char *name, struct fault_range *range);
int fault_module(const char *name, struct fault_range *range);

/*
 * Have function @name of a module return @error whenever it is called; -errno. It may
 * be several at once, each with its own error.
 */
int fault_return(const char *name, int error);

/* All of them together so many times at most; and how often they have, -errno */
int fault_return_most(unsigned int times);
int fault_returned(unsigned int most);
void fault_return_off(void);

#endif /* SELFTESTS_FAULT_H */
