// SPDX-License-Identifier: GPL-2.0
/* Picks what is at no address at all. */
#define BAD_ANSWER(inst, cpu, v) ((struct vmsched_vcpu *)0xdead000000000100UL)
#include "bad_run.h"
