// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler that nothing would keep loaded while it is in use.
 */
#define BAD_OWNER	NULL
#include "bad_sched.h"
