// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler that is accepted, and does not unregister when its module goes.
 */
#define BAD_NAME	"forgets"
#define BAD_FORGETS
#include "bad_sched.h"
