// SPDX-License-Identifier: GPL-2.0
/*
 * A module that makes the kernel report a warning when it is loaded, and
 * otherwise works: proof that scripts/vm fails a run for what the kernel log
 * holds although the command succeeded.
 */
#include <linux/bug.h>
#include <linux/module.h>

static int __init splat_init(void)
{
	WARN(1, "splat: on purpose\n");
	return 0;
}

static void __exit splat_exit(void)
{
}

module_init(splat_init);
module_exit(splat_exit);
MODULE_DESCRIPTION("Makes the kernel report a warning");
MODULE_LICENSE("GPL");
