// SPDX-License-Identifier: GPL-2.0
/* Thinks for a millisecond about whom to pick. */
#include <linux/delay.h>

#include "bad_run.h"

static void think(struct vmsched_inst *inst)
{
	mdelay(1);
}

static const struct bad_way way = { .pick = think };
