/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools from a test: made, changed and deleted by messages, which cost far less than
 * a program, and what is told of them.
 */
#ifndef SELFTESTS_POOLS_H
#define SELFTESTS_POOLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "genl.h"
#include "rawvm.h"

/* VMSCHED_CMD_POOL_ADD, _SET or _DEL; error of the kernel, its words in @ack */
int pool_call(struct genl *g, uint8_t cmd, const char *name, const char *cpus,
	      struct genl_ack *ack);

/* Move VM @id; likewise */
int pool_move(struct genl *g, uint64_t id, const char *pool, struct genl_ack *ack);

/* Switch the scheduler of a pool, with time enough for any vCPU; likewise */
int pool_switch(struct genl *g, const char *pool, const char *to, uint32_t activate,
		struct genl_ack *ack);

/* What is told of a pool as `pool show` has it; false, and said, if it is not @want */
bool pool_tells(const char *pool, const char *key, const char *want);

/* Within @ms */
bool pool_becomes(const char *pool, const char *scheduler, unsigned int ms);

/* Delete all pools but "default", in which all VMs are by now */
bool pools_forget(void);

/* Pool of the VM of VMM @pid */
bool vm_is_in(pid_t pid, const char *pool);

/* All vCPU threads of a VM have the mask @list; else says which */
bool vm_masks_are(const struct rawvm *vm, const char *list);

/* Each of them may use pCPUs of @list only, within @ms */
bool vm_stays_on(const struct rawvm *vm, const char *list, unsigned int ms);

#endif /* SELFTESTS_POOLS_H */
