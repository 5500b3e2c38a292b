/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Monotonic time and sleeping that a signal does not shorten.
 */
#ifndef SELFTESTS_CLOCK_H
#define SELFTESTS_CLOCK_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_USEC	1000ULL

static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline void clock_sleep_until(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = ns / NSEC_PER_SEC,
		.tv_nsec = ns % NSEC_PER_SEC,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static inline void clock_sleep_ms(uint64_t ms)
{
	clock_sleep_until(clock_ns() + ms * NSEC_PER_MSEC);
}

#endif /* SELFTESTS_CLOCK_H */
