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
#include "rawvm.h"

static inline void metric(const char *name, double value, const char *unit)
{
	printf("# %s: %.6g %s\n", name, value, unit);
}

/* Skip a test that needs a KVM host and root, and say what is missing */
#define REQUIRE_KVM_HOST() do {						\
	if (geteuid())							\
		SKIP(return, "needs root: run it through scripts/vm");	\
	if (access("/dev/kvm", R_OK | W_OK))				\
		SKIP(return, "no usable /dev/kvm: run it through scripts/vm"); \
} while (0)

#endif /* SELFTESTS_TEST_H */
