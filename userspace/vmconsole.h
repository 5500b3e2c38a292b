/* SPDX-License-Identifier: GPL-2.0 */
/* The console of a VM: a socket of its VMM (QEMU: -chardev socket,...). */
#ifndef VMSCHEDCTL_VMCONSOLE_H
#define VMSCHEDCTL_VMCONSOLE_H

#include <stddef.h>

#include "model.h"

/*
 * Connect to it: at @pattern with %i, %n and %p replaced by id, name and process
 * of the VM, or if that is NULL where the command line of the VMM says. A socket
 * that never blocks, or -errno after writing the reason to @why.
 */
int vm_console_open(const struct vm *vm, const char *pattern, char *why,
		    size_t size);

/* Path in a command line, a new string; NULL after writing the reason. */
char *vm_console_from_cmdline(const char *cmdline, size_t len, char *why,
			      size_t size);

#endif /* VMSCHEDCTL_VMCONSOLE_H */
