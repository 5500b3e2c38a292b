// SPDX-License-Identifier: GPL-2.0
/*
 * What clang must warn about when it compiles for the kernel with W=1; gcc
 * does not see the second one. Never linked.
 */
#include <linux/module.h>

static const int only_with_extra_warnings = 1;

int vms_bad_branch(int x);

int vms_bad_branch(int x)
{
	int value;

	if (x)
		value = x;
	return value;
}
