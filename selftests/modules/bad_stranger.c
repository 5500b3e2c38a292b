// SPDX-License-Identifier: GPL-2.0
/* Picks what looks like a vCPU, and is of no pool. */
#include <vmsched/sched.h>

static struct vmsched_vcpu stranger;

#define BAD_ANSWER(inst, cpu, v) (&stranger)
#include "bad_run.h"
