// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler that wants more memory for each vCPU than can be had in one piece.
 */
#define BAD_SIZE	U32_MAX
#include "bad_sched.h"
