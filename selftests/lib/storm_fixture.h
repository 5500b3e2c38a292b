/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of every storm, see storm.h. Included once by a test, in place
 * of test.h.
 */
#ifndef SELFTESTS_STORM_FIXTURE_H
#define SELFTESTS_STORM_FIXTURE_H

#include "test.h"

#include "cli.h"
#include "modules.h"
#include "storm.h"

FIXTURE(storm) {
	struct storm storm;
};

FIXTURE_SETUP(storm)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, storm_begin(&self->storm));
}

FIXTURE_TEARDOWN(storm)
{
	EXPECT_EQ(0, storm_end(&self->storm));
}

/* A storm that usually takes @seconds at most */
#define TEST_STORM(name, seconds) \
	TEST_F_TIMEOUT(storm, name, storm_seconds(seconds))

#endif /* SELFTESTS_STORM_FIXTURE_H */
