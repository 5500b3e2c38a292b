// SPDX-License-Identifier: GPL-2.0
/*
 * A control group with a cpuset; see cpuset.h.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpuset.h"
#include "file.h"

#define CGROUPS		"/sys/fs/cgroup"
#define GROUP		CGROUPS "/vmsched_test"

int cpuset_make(void)
{
	if (file_write(CGROUPS "/cgroup.subtree_control", "+cpuset"))
		return -EOPNOTSUPP;
	return mkdir(GROUP, 0755) && errno != EEXIST ? -errno : 0;
}

int cpuset_set(const char *cpus)
{
	return file_write(GROUP "/cpuset.cpus", cpus);
}

int cpuset_join(pid_t pid)
{
	return file_write_pid(GROUP "/cgroup.procs", pid);
}

int cpuset_leave(pid_t pid)
{
	return file_write_pid(CGROUPS "/cgroup.procs", pid);
}

int cpuset_remove(void)
{
	return rmdir(GROUP) ? -errno : 0;
}
