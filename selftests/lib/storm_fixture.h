/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of every storm, see storm.h. Included once by a test, in place
 * of test.h.
 */
#ifndef SELFTESTS_STORM_FIXTURE_H
#define SELFTESTS_STORM_FIXTURE_H

#include "test.h"

#include "cli.h"
#include "exact.h"
#include "modules.h"
#include "storm.h"

#define HANG_SECONDS	patience(HANG_LIMIT_MS / 1000)

static inline const char *storm_scheduler(struct storm *s)
{
	static const char * const scheds[] = { "native", "rr", "bvt" };

	return scheds[storm_below(&s->rng, ARRAY_SIZE(scheds))];
}

/*
 * Change to any of the first @which of @schedulers each time that the workers have
 * done @step more, until they have counted @n. False if that fails or hangs.
 */
static inline bool storm_switch_until(struct storm *s,
				      const char * const *schedulers,
				      unsigned int which, uint64_t n,
				      uint64_t step)
{
	while (storm_work(s) < n) {
		uint64_t next = storm_work(s) + step;
		const char *name = schedulers[storm_below(&s->rng, which)];

		if (sched_switch(name, NULL) ||
		    !storm_wait_work(s, next < n ? next : n, HANG_SECONDS))
			return false;
	}
	return true;
}

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
