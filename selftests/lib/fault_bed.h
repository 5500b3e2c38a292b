/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of failing allocations work with: two guests, a connection, a
 * listener, and what must not change.
 */
#ifndef SELFTESTS_FAULT_BED_H
#define SELFTESTS_FAULT_BED_H

#include "attr.h"
#include "fault.h"
#include "genl.h"
#include "rawvm.h"
#include "snapshot.h"

/* More than this many allocations in one operation would be a mistake */
#define MAX_NTH		600

struct bed {
	struct genl g;
	struct genl events;
	struct rawvm *vms[2];
	pid_t pid[2];
	struct fault self;
	struct fault_range own;		/* code of vmsched */
	struct snapshot before;
	struct attrs attrs;		/* of all threads, at the beginning */
	unsigned int fired;		/* allocations that failed */
	unsigned int refused;		/* operations that failed with them */
};

/* Two guests that vmsched knows, a listener; faults count in its code only */
bool bed_make(struct bed *b);

/* No faults any more; prints how many there were of what */
void bed_end(struct bed *b, const char *what);

bool bed_guests_go_on(const struct bed *b);

/* No thread of the system has other attributes than at the beginning */
bool bed_attributes_kept(const struct bed *b);

/* All is as in @before, but for @failed_more switches that have failed */
bool bed_state_kept(struct bed *b, unsigned int failed_more);

/* All that has come: was the listener told of @cmd, or that it missed some? */
bool bed_was_told(struct bed *b, uint8_t cmd);

/* Kernel thread @name; -1 if there is none */
pid_t bed_kernel_thread(const struct attrs *a, const char *name);

#endif /* SELFTESTS_FAULT_BED_H */
