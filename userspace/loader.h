/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Schedulers and their modules: find one, load it if need be, take it away. All
 * but loader_try() return an exit code and complain.
 */
#ifndef VMSCHEDCTL_LOADER_H
#define VMSCHEDCTL_LOADER_H

#include "cmd.h"

/*
 * Wait for a moment, longer each time (@tries is 0 at first): a module that is just
 * being loaded or removed will have come or gone. False once that was a second.
 */
bool loader_wait(unsigned int *tries);

/*
 * It is registered: 0 with @sched filled, or -errno of the kernel; -EBUSY if its
 * module comes or goes for longer than loader_wait() waits.
 */
int loader_try(struct ctx *ctx, const char *name, struct sched *sched);

/*
 * Make sure that @name is registered, by its alias; fill @sched. Somebody else may
 * remove it all the same before it is used.
 */
int loader_need(struct ctx *ctx, const char *name, struct sched *sched);

/* It is the path of a file rather than the name of a scheduler. */
bool loader_is_file(const char *arg);

/* Load the file, which must be new to the kernel; fill @sched. */
int loader_file(struct ctx *ctx, const char *path, struct sched *sched);

/* By name or from a file. */
int loader_image(struct ctx *ctx, const char *arg, struct sched *sched);

/* It is part of vmsched itself. */
bool loader_is_built_in(const struct sched *sched);

/* Unload the module of @sched, which no pool uses; it may be gone already. */
int loader_remove(struct ctx *ctx, const struct sched *sched);

#endif /* VMSCHEDCTL_LOADER_H */
