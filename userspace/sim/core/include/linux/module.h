/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What schedulers use of the kernel's <linux/module.h> and what that brings
 * along: a module is loaded when the program starts, and removed at its end.
 */
#ifndef _USER_LINUX_MODULE_H
#define _USER_LINUX_MODULE_H

#include <assert.h>
#include <errno.h>
#include <limits.h>

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/time64.h>
#include <linux/types.h>

#define S64_MAX		((s64)(~0ULL >> 1))
#define S64_MIN		((s64)(-S64_MAX - 1))
#define U64_MAX		((u64)~0ULL)

struct module;

#define THIS_MODULE	((struct module *)0)

#define module_init(fn)						\
static void __attribute__((constructor)) load_##fn(void)	\
{								\
	fn();							\
}

#define module_exit(fn)						\
static void __attribute__((destructor)) remove_##fn(void)	\
{								\
	fn();							\
}

#define MODULE_DESCRIPTION(text)	static_assert(sizeof(text) > 1, #text)
#define MODULE_AUTHOR(text)	static_assert(sizeof(text) > 1, #text)
#define MODULE_LICENSE(text)	static_assert(sizeof(text) > 1, #text)
#define MODULE_ALIAS(text)	static_assert(sizeof(text) > 1, #text)

#endif
