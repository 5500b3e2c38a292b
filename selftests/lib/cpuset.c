// SPDX-License-Identifier: GPL-2.0
/*
 * A control group with a cpuset; see cpuset.h.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpuset.h"

#define CGROUPS		"/sys/fs/cgroup"
#define GROUP		CGROUPS "/vmsched_test"

static int write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	int ret;

	if (!f)
		return -errno;
	ret = fputs(text, f) < 0 ? -EIO : 0;
	return fclose(f) ? -errno : ret;
}

int cpuset_make(void)
{
	if (write_text(CGROUPS "/cgroup.subtree_control", "+cpuset"))
		return -EOPNOTSUPP;
	return mkdir(GROUP, 0755) && errno != EEXIST ? -errno : 0;
}

int cpuset_set(const char *cpus)
{
	return write_text(GROUP "/cpuset.cpus", cpus);
}

int cpuset_join(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return write_text(GROUP "/cgroup.procs", text);
}

void cpuset_remove(void)
{
	rmdir(GROUP);
}
