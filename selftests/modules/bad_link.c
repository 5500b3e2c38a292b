// SPDX-License-Identifier: GPL-2.0
/* Writes into the list that it keeps its vCPUs in. */
#define BAD_ENQUEUE(inst, v) (bad_of(v)->node.prev = &bad_of(v)->node)
#include "bad_run.h"
