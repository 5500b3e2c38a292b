// SPDX-License-Identifier: GPL-2.0
/*
 * SysRq: all pools to native, by a key of the host's keyboard or serial line, or
 * by writing it to /proc/sysrq-trigger, when nothing else answers any more.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/sysrq.h>

#include "compat.h"
#include "vmsched.h"

#define KEY	'V'

static bool registered;

static void on_key(VMS_SYSRQ_KEY key)
{
	vms_fault_all(VMSCHED_FAULT_KIND_SYSRQ, "all pools to native");
}

/* As with the key that makes real-time threads nice: it takes a policy away. */
static const struct sysrq_key_op op = {
	.handler	= on_key,
	.help_msg	= "vmsched-to-native(V)",
	.action_msg	= "All pools of vmsched to native",
	.enable_mask	= SYSRQ_ENABLE_RTNICE,
};

/* Without the key everything else works. */
void vms_sysrq_init(void)
{
	registered = !register_sysrq_key(KEY, &op);
	if (!registered)
		pr_notice("SysRq-%c is taken, or this kernel has no SysRq: no emergency key\n",
			  KEY);
}

/* Waits until the handler is not running. */
void vms_sysrq_exit(void)
{
	if (registered)
		unregister_sysrq_key(KEY, &op);
	registered = false;
}
