// SPDX-License-Identifier: GPL-2.0
/*
 * Thinks about whom to pick for so long that there are never ten such calls within
 * a second.
 */
#include <linux/delay.h>

#include "bad_run.h"

static void think(struct vmsched_inst *inst)
{
	mdelay(130);
}

static const struct bad_way way = { .pick = think };
