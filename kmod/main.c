// SPDX-License-Identifier: GPL-2.0
/*
 * Start and end of vmsched.ko: the order in which its parts come and go, and
 * nothing else.
 *
 * Loading changes nothing for the VMs: the scheduler of every pool is native.
 * Unloading undoes everything in an order in which no probe, task work, timer
 * or worker can reach module text that is gone.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/tracepoint.h>

#include "cease.h"
#include "console.h"
#include "request.h"
#include "vmsched.h"

/* Nobody can ask for anything any more, all pools are native. */
static void stop(void)
{
	vms_watchdog_exit();
	vms_evict_exit();
	vms_watch_exit();
	vms_hotplug_exit();
	vms_hooks_exit();
	vms_kvm_exit();
	tracepoint_synchronize_unregister();
	vms_kvm_flush();

	vms_pcpus_stop();
	vms_vcpus_drain();
	/* Works that the hooks had left behind may have used them again. */
	vms_apply_flush();
	vms_pcpus_stop();
	vms_owner_exit();
}

static int __init vmsched_init(void)
{
	int err;

	err = vms_registry_init();
	if (err)
		return err;
	err = vms_pools_init();
	if (err)
		goto err_registry;
	err = vms_apply_init();
	if (err)
		goto err_pools;
	err = vms_switch_init();
	if (err)
		goto err_apply;
	err = vms_vcpus_init();
	if (err)
		goto err_switch;
	err = vms_hotplug_init();
	if (err)
		goto err_vcpus;
	/* The hooks ask what is known of KVM from their first call on. */
	err = vms_kvm_init();
	if (err)
		goto err_hotplug;
	err = vms_hooks_init();
	if (err)
		goto err_stop;
	err = vms_console_init();
	if (err)
		goto err_stop;
	err = vms_hold_init();
	if (err)
		goto err_console;
	/* Last: who can ask must find everything in its place. */
	err = vms_sysfs_init();
	if (err)
		goto err_hold;
	err = vms_netlink_init();
	if (err)
		goto err_sysfs;
	vms_sysrq_init();
	return 0;

err_sysfs:
	vms_sysfs_exit();
err_hold:
	vms_hold_exit();
err_console:
	vms_console_exit();
err_stop:
	stop();
	goto err_vcpus;
err_hotplug:
	vms_hotplug_exit();
err_vcpus:
	vms_vcpus_exit();
err_switch:
	vms_switch_exit();
err_apply:
	vms_apply_exit();
err_pools:
	vms_pools_exit();
err_registry:
	vms_registry_exit();
	return err;
}

static void __exit vmsched_exit(void)
{
	vms_sysrq_exit();
	vms_netlink_exit();
	/* Nobody waits for agents from here on. */
	vms_console_exit();
	vms_sysfs_exit();
	vms_hold_exit();
	/* Fails only for want of a little memory, or of a live pCPU. */
	while (vms_switch_all_native())
		msleep(20);
	stop();
	vms_switch_exit();
	vms_apply_exit();
	vms_vcpus_exit();
	vms_pools_exit();
	vms_registry_exit();
}

module_init(vmsched_init);
module_exit(vmsched_exit);

MODULE_DESCRIPTION("VM scheduler layer on top of KVM");
MODULE_AUTHOR("The vmsched authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VMS_VERSION);
MODULE_SOFTDEP("pre: kvm");
