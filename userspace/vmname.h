/* SPDX-License-Identifier: GPL-2.0 */
/* Name of a VM, found without help of the kernel or of libvirt. */
#ifndef VMSCHEDCTL_VMNAME_H
#define VMSCHEDCTL_VMNAME_H

#include <sys/types.h>

/*
 * A new string that is fit to be printed; @comm is used if the VMM tells no
 * name. NULL if memory is short.
 */
char *vm_name(pid_t pid, const char *comm);

/* The same from given contents, NULL if there is no name in them. */
char *vm_name_from_cmdline(const char *cmdline, size_t len);
char *vm_name_from_cgroup(const char *cgroup);

#endif /* VMSCHEDCTL_VMNAME_H */
