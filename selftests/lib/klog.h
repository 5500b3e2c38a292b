/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel log and kernel memory: what a test must leave as it found it.
 */
#ifndef SELFTESTS_KLOG_H
#define SELFTESTS_KLOG_H

#include <stdbool.h>
#include <stdint.h>

/* A place in the kernel log; close it with klog_close() */
struct klog {
	int fd;
};

/* Mark the end of the log as it is now; -errno */
int klog_mark(struct klog *k);

/*
 * Number of records since the mark that are warnings or worse; prints them.
 * Records in which any kernel tells of a slow machine, an out-of-tree module
 * or a register that a guest tried do not count.
 */
unsigned int klog_warnings(struct klog *k);

/* The same, but records that contain @expected do not count */
unsigned int klog_warnings_but(struct klog *k, const char *expected);

/* True if a record contains both texts; what it has read is not read again */
bool klog_has(struct klog *k, const char *text, const char *text2);

void klog_close(struct klog *k);

/*
 * A test makes allocations fail from here on, or does so no more. What Linux
 * has to say of that in between is no warning, neither here nor for
 * scripts/vm-scan; a report of a mistake still is one there.
 */
void klog_memory_is_short(bool is);

/*
 * Linux says so at level warning whenever a CPU goes that was the only one in a
 * thread's mask, be it the user's mask or that of a grant.
 */
#define KLOG_AFFINE	"no longer affine to cpu"

/* Objects in use in slab caches whose name begins with "vmsched"; -1: none */
long slab_vmsched_objects(void);

/* A line of /proc/meminfo in KiB ("SUnreclaim"); -1 if it is not there */
long meminfo_kib(const char *key);

/* What the kernel has handed out; -1 where it does not tell */
struct kmem {
	long objects;		/* by kmalloc(), exactly */
	long own;		/* of vmsched's slab caches, exactly */
	long kib;		/* all slabs that cannot be reclaimed, and per CPU */
	long vmalloc_kib;	/* modules, and stacks of threads */
};

/* Each page of spare objects is given back first, which is why the count is exact */
void kmem_read(struct kmem *m);

#endif /* SELFTESTS_KLOG_H */
