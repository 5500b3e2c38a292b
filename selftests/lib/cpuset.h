/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One control group with a cpuset of its own, for VMs of a test.
 */
#ifndef SELFTESTS_CPUSET_H
#define SELFTESTS_CPUSET_H

#include <sys/types.h>

/* Make the group; -errno, -EOPNOTSUPP if there are no cpusets */
int cpuset_make(void);

/* Its CPUs, a list; -errno */
int cpuset_set(const char *cpus);

/* Put a process into it, with all its threads */
int cpuset_join(pid_t pid);

/* Put process @pid back into the root */
int cpuset_leave(pid_t pid);

/* Remove it, when nobody is in it any more */
int cpuset_remove(void);

#endif /* SELFTESTS_CPUSET_H */
