/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Eight VMs of mixed load, and switches under them with a deadline that a busy
 * emulator meets.
 */
#ifndef SELFTESTS_MIXED_H
#define SELFTESTS_MIXED_H

#include "genl.h"
#include "rawvm.h"

#define MIXED_VMS	8
/* Four of each of the first half of the VMs, two of each of the others */
#define MIXED_VCPUS	24
#define MIXED_CEASE_MS	2000

/* They spin, sleep, exit, and sleep long; and with fewer vCPUs, other things, too */
bool mixed_spawn(struct rawvm *vms[MIXED_VMS]);

/* All of them go on, and none has failed */
bool mixed_advance(struct rawvm *const vms[MIXED_VMS]);

/* Switch pool default in that way; error of the kernel. @fn: see genl_call() */
int mixed_switch(struct genl *g, const char *to, uint32_t activate, genl_fn *fn,
		 void *arg);

#endif /* SELFTESTS_MIXED_H */
