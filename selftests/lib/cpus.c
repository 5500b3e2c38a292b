// SPDX-License-Identifier: GPL-2.0
/*
 * CPU lists, masks, hotplug and idle time; see cpus.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpus.h"
#include "file.h"

int cpus_parse(const char *list, cpu_set_t *set)
{
	const char *p = list;
	char *end;

	CPU_ZERO(set);
	while (*p) {
		unsigned long first = strtoul(p, &end, 10);
		unsigned long last = first;

		if (end == p)
			return -EINVAL;
		if (*end == '-') {
			p = end + 1;
			last = strtoul(p, &end, 10);
			if (end == p)
				return -EINVAL;
		}
		if (last >= CPU_SETSIZE || first > last)
			return -EINVAL;
		for (; first <= last; first++)
			CPU_SET(first, set);
		if (*end && *end != ',')
			return -EINVAL;
		p = *end ? end + 1 : end;
	}
	return CPU_COUNT(set) ? 0 : -EINVAL;
}

char *cpus_format(const cpu_set_t *set, char *buf, size_t size)
{
	size_t used = 0;
	int cpu;

	buf[0] = '\0';
	for (cpu = 0; cpu < CPU_SETSIZE && used < size; cpu++) {
		int first = cpu;

		if (!CPU_ISSET(cpu, set))
			continue;
		while (cpu + 1 < CPU_SETSIZE && CPU_ISSET(cpu + 1, set))
			cpu++;
		used += snprintf(buf + used, size - used,
				 first == cpu ? "%s%d" : "%s%d-%d",
				 used ? "," : "", first, cpu);
	}
	return buf;
}

int cpus_pin(pid_t tid, const char *list)
{
	cpu_set_t set;
	int ret;

	ret = cpus_parse(list, &set);
	if (ret)
		return ret;
	return sched_setaffinity(tid, sizeof(set), &set) ? -errno : 0;
}

unsigned int cpus_online(void)
{
	return (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
}

int cpus_set_online(unsigned int cpu, bool online)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	return file_write(path, online ? "1" : "0");
}

int cpus_read_time(struct cpus_time *time)
{
	unsigned long long v[8] = { 0 };
	FILE *f = fopen("/proc/stat", "re");
	int n;

	if (!f)
		return -errno;
	n = fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu",
		   &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]);
	fclose(f);
	if (n != 8)
		return -EINVAL;
	time->idle = v[3] + v[4];
	time->busy = v[0] + v[1] + v[2] + v[5] + v[6] + v[7];
	return 0;
}
