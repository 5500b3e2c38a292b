// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler that is registered before the start of its module fails.
 */
#define BAD_NAME	"late"
#define BAD_START	-ENODEV
#include "bad_sched.h"
