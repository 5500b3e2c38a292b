/* SPDX-License-Identifier: GPL-2.0 */
/* What schedulers use of the kernel's <linux/device/driver.h>. */
#ifndef _USER_LINUX_DEVICE_DRIVER_H
#define _USER_LINUX_DEVICE_DRIVER_H

#define module_driver(ops, add, remove)				\
static void __attribute__((constructor)) load_driver(void)	\
{								\
	add(&(ops));						\
}							\
static void __attribute__((destructor)) unload_driver(void)	\
{								\
	remove(&(ops));						\
}

#endif
