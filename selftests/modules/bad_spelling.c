// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler whose name has characters that no name may have.
 */
#define BAD_NAME	"Bad name"
#include "bad_sched.h"
