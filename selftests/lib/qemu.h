/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real Linux guests under stock QEMU, started by selftests/guest/run: what
 * they print, and their monitor (QMP).
 */
#ifndef SELFTESTS_QEMU_H
#define SELFTESTS_QEMU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define QEMU_MAX_NUMBERS	4

struct qemu {
	char name[32];
	char log[128];
	char socket[128];
	pid_t pid;
	int monitor;
};

/* Start a guest and wait until its job prints; -errno after saying why not */
int qemu_start(struct qemu *q, const char *name, const char *job,
	       const char *options);

/* kill -9 and wait until the process is gone */
void qemu_kill(struct qemu *q);

/*
 * Numbers of the last full line the guest printed that begins with @word;
 * the count of them, 0 without such a line.
 */
int qemu_last(const struct qemu *q, const char *word,
	      uint64_t numbers[QEMU_MAX_NUMBERS]);

/* Wait for the next line that begins with @word; the count, 0: none came */
int qemu_next(const struct qemu *q, const char *word,
	      uint64_t numbers[QEMU_MAX_NUMBERS], unsigned int timeout_ms);

/* True if nothing more is printed for @ms */
bool qemu_silent(const struct qemu *q, unsigned int ms);

/* Send one QMP command without arguments or with @args (JSON); -errno */
int qemu_command(struct qemu *q, const char *command, const char *args);

/* Value of string @key in the answer to @command */
int qemu_query(struct qemu *q, const char *command, const char *key,
	       char *value, size_t size);

#endif /* SELFTESTS_QEMU_H */
