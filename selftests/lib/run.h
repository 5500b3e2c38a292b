/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Run a program and keep what it printed and how it ended.
 */
#ifndef SELFTESTS_RUN_H
#define SELFTESTS_RUN_H

#include <sys/types.h>

struct run_result {
	int status;	/* exit status, 128 + signal, 127: not found */
	char *out;
	char *err;
};

/* Run @argv as user @uid (0: as the caller); 0, or -errno if it cannot start */
int run(struct run_result *r, uid_t uid, char *const argv[]);

/* Same for a line of words that are separated by single blanks */
int run_words(struct run_result *r, uid_t uid, const char *line);

void run_free(struct run_result *r);

#endif /* SELFTESTS_RUN_H */
