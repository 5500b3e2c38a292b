// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler that was built for another version of the interface.
 */
#define BAD_API	(VMSCHED_API + 1)
#include "bad_sched.h"
