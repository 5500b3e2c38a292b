// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler with a description that no message has room for.
 */
static const char much[] = { [0 ... 4999] = 'x', '\0' };
#define BAD_DOC		much
#include "bad_sched.h"
