// SPDX-License-Identifier: GPL-2.0
/* Takes long to hear who has a pCPU. */
#include <linux/delay.h>

#define BAD_TAKES
#include "bad_run.h"

static void listen(struct vmsched_inst *inst)
{
	mdelay(1);
}

static const struct bad_way way = { .take = listen };
