/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel modules from a test: load, remove, ask.
 */
#ifndef SELFTESTS_MODULES_H
#define SELFTESTS_MODULES_H

#include <stdbool.h>
#include <stddef.h>

bool module_loaded(const char *name);

/* modprobe; -errno after printing what it said */
int module_probe(const char *name);

/* Insert one file; -errno of the kernel, nothing printed */
int module_insert(const char *path);

/* Insert one file with parameters; likewise */
int module_insert_with(const char *path, const char *params);

/* Where the modules of the tree (kmod), and those of selftests/modules, are */
void module_path(char *path, size_t size, const char *name);
int module_own(char *path, size_t size, const char *name);

/* Insert one of selftests/modules */
int module_insert_own(const char *name);

/* A parameter of a module that is loaded; -errno */
int module_param(const char *module, const char *param, char *buf, size_t size);
int module_set_param(const char *module, const char *param, long value);

/*
 * What the scheduler vmsched_count has counted, -1 if it is not loaded; and whether it
 * was called as it was promised: prints the first wrong call.
 */
long counted(const char *what);
bool calls_were_right(void);

/* Who holds a module, as lsmod tells; -1 if it is not loaded */
int module_references(const char *name);

/* Remove without waiting; -errno of the kernel */
int module_remove(const char *name);

/* Scheduler modules that are loaded, whatever the tree has */
unsigned int schedulers_loaded(void);

/* Remove all scheduler modules; -errno of the first refusal */
int schedulers_remove_all(void);

/* The same, then vmsched */
int vmsched_remove_all(void);

#endif /* SELFTESTS_MODULES_H */
