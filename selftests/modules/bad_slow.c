// SPDX-License-Identifier: GPL-2.0
/* Thinks for a millisecond about whom to pick. */
#define BAD_PICK(inst)	udelay(1000)
#include "bad_run.h"
