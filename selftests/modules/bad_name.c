// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler whose name is taken, by the built-in one.
 */
#define BAD_NAME	"native"
#include "bad_sched.h"
