// SPDX-License-Identifier: GPL-2.0
/* Takes long to come into force. */
#include <linux/delay.h>

#include "bad_run.h"

static void settle(struct vmsched_inst *inst)
{
	mdelay(150);
}

static const struct bad_way way = { .activate = settle };
