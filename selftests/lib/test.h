/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every test includes: the kselftest harness and the helpers of lib/.
 *
 * KTAP goes to stdout. A figure is printed as `# name: value unit`, one a
 * line, whether the test passes or not.
 */
#ifndef SELFTESTS_TEST_H
#define SELFTESTS_TEST_H

#include <inttypes.h>
#include <kselftest_harness.h>

#include "clock.h"
#include "cpus.h"
#include "exact.h"
#include "rawvm.h"

static inline void metric(const char *name, double value, const char *unit)
{
	printf("# %s: %.6g %s\n", name, value, unit);
}

#undef TEST_F_TIMEOUT
#define TEST_F_TIMEOUT(fixture, test, seconds) \
	__TEST_F_IMPL(fixture, test, -1, patience(seconds))

/* Why this is no KVM host on which a test may run; NULL if it is one */
static inline const char *kvm_host_missing(void)
{
	if (geteuid())
		return "needs root: run it through scripts/vm";
	if (access("/dev/kvm", R_OK | W_OK))
		return "no usable /dev/kvm: run it through scripts/vm";
	return NULL;
}

#endif /* SELFTESTS_TEST_H */
