/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel modules from a test: load, remove, ask.
 */
#ifndef SELFTESTS_MODULES_H
#define SELFTESTS_MODULES_H

#include <stdbool.h>

bool module_loaded(const char *name);

/* modprobe; -errno after printing what it said */
int module_probe(const char *name);

/* Insert one file; -errno of the kernel, nothing printed */
int module_insert(const char *path);

/* Remove without waiting; -errno of the kernel */
int module_remove(const char *name);

/* Remove all scheduler modules, then vmsched; -errno of the first refusal */
int vmsched_remove_all(void);

#endif /* SELFTESTS_MODULES_H */
