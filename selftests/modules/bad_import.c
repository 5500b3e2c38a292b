// SPDX-License-Identifier: GPL-2.0
/* Takes long to take each vCPU over. */
#include <linux/delay.h>

#include "bad_run.h"

static void study(struct vmsched_inst *inst)
{
	mdelay(50);
}

static const struct bad_way way = { .import = study };
