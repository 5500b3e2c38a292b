// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler that misses a mandatory op, charge().
 */
#define BAD_CHARGE	NULL
#include "bad_sched.h"
