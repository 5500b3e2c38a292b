/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPU lists ("0", "0-1,3"), masks, and what sysfs and /proc/stat tell of CPUs.
 */
#ifndef SELFTESTS_CPUS_H
#define SELFTESTS_CPUS_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Parse a CPU list; -EINVAL if it is none */
int cpus_parse(const char *list, cpu_set_t *set);

/* Write @set as a list into @buf and return @buf */
char *cpus_format(const cpu_set_t *set, char *buf, size_t size);

/* Pin thread @tid (0: the caller) to a CPU list; -errno */
int cpus_pin(pid_t tid, const char *list);

/* Number of CPUs that are online */
unsigned int cpus_online(void);

/* Take a CPU off or on through sysfs; -errno */
int cpus_set_online(unsigned int cpu, bool online);

/* Busy and idle time of all online CPUs since boot, in USER_HZ ticks */
struct cpus_time {
	uint64_t busy;
	uint64_t idle;
};

int cpus_read_time(struct cpus_time *time);

#endif /* SELFTESTS_CPUS_H */
