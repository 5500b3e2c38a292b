// SPDX-License-Identifier: GPL-2.0
/* Queues a vCPU that is queued already. */
#define BAD_ENQUEUE(inst, v) \
	vmsched_list_add_tail(inst, &bad_of(v)->node, bad_queue(inst, (v)->cpu))
#include "bad_run.h"
