/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the host scheduler knows of each thread of the system, taken at two
 * moments and compared field by field.
 */
#ifndef SELFTESTS_ATTR_H
#define SELFTESTS_ATTR_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* struct sched_attr of the kernel; glibc 2.36 has none */
struct kernel_sched_attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
	uint32_t util_min;
	uint32_t util_max;
};

struct attr {
	pid_t tid;
	bool kernel_thread;
	bool works;		/* of a workqueue */
	uint64_t start;		/* tells a thread from a later one of that tid */
	char comm[16];
	cpu_set_t mask;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;	/* of a fair thread: its slice */
	uint64_t deadline;
	uint64_t period;
	int ioprio;
};

struct attrs {
	struct attr *list;
	unsigned int n;
};

/* All threads of process @pid, or of the system for 0; -errno */
int attrs_read(struct attrs *a, pid_t pid);
void attrs_free(struct attrs *a);

/*
 * Number of fields that differ in threads that both snapshots have; prints
 * each. The number of threads compared goes to @compared.
 */
unsigned int attrs_compare(const struct attrs *before, const struct attrs *after,
			   unsigned int *compared);

/* The thread in the snapshot, NULL if it is not there */
const struct attr *attrs_find(const struct attrs *a, pid_t tid);

/*
 * Slice of a thread of the fair class, in ns. The kernel may take it and not
 * keep it: 0 is read back then. 0, or -errno.
 */
int attr_set_slice(pid_t tid, uint64_t ns);
int attr_get_slice(pid_t tid, uint64_t *ns);

#endif /* SELFTESTS_ATTR_H */
