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

/* A file of the process, with a NUL behind it; NULL if it cannot be read. */
char *vm_read_file(pid_t pid, const char *name, size_t *len);

/* Cut the next part of "a,b=c,,d" off, with ",," made a comma in place. */
char *vm_next_part(char **rest);

#endif /* VMSCHEDCTL_VMNAME_H */
