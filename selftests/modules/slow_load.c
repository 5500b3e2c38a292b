// SPDX-License-Identifier: GPL-2.0
/* No scheduler: takes its time to find that out, and cannot be loaded. */
#include <linux/delay.h>
#include <linux/module.h>

#define TAKES_MS	2000

static int __init slow_load_init(void)
{
	msleep(TAKES_MS);
	return -ENODEV;
}
module_init(slow_load_init);

MODULE_DESCRIPTION("Takes long to fail");
MODULE_LICENSE("GPL");
