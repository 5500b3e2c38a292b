/* SPDX-License-Identifier: GPL-2.0 */
/* Load and unload kernel modules; the functions return 0 or -errno. */
#ifndef VMSCHEDCTL_KMOD_H
#define VMSCHEDCTL_KMOD_H

#include <stdbool.h>
#include <stddef.h>

/* Load what answers to @alias, and what it needs; -ENOENT: no such module. */
int module_load_alias(const char *alias);

/* What answers to it is loaded, and neither comes nor goes just now. */
bool module_alias_is_loaded(const char *alias);

/* Load the file @path; @name gets the name of the module. */
int module_load_file(const char *path, char *name, size_t size);

/* -EBUSY while something uses it, or it is just coming or going. */
int module_unload(const char *name);

#endif /* VMSCHEDCTL_KMOD_H */
