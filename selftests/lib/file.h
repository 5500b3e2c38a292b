/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of the kernel: sysfs, cgroups, tracing, what is under /proc.
 */
#ifndef SELFTESTS_FILE_H
#define SELFTESTS_FILE_H

#include <sys/types.h>

/* Write all of @text at once to a file that is there. 0, or -errno */
int file_write(const char *path, const char *text);

/* The same with the number of a process or thread */
int file_write_pid(const char *path, pid_t pid);

#endif /* SELFTESTS_FILE_H */
