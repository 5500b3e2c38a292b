/* SPDX-License-Identifier: GPL-2.0 */
/* What schedulers use of the kernel's <linux/math64.h>. */
#ifndef _USER_LINUX_MATH64_H
#define _USER_LINUX_MATH64_H

#include <linux/types.h>

static inline u64 div_u64_rem(u64 dividend, u32 divisor, u32 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

static inline s64 div_s64(s64 dividend, s32 divisor)
{
	return dividend / divisor;
}

#endif
