// SPDX-License-Identifier: GPL-2.0
/*
 * The mostly idle, time-critical guest: wakes every 10 ms by an absolute timer
 * and measures how late it runs. A wake that comes so late that further
 * deadlines have passed counts for each of them, as a control loop would see it.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "guest.h"

#define PERIOD_NS	10000000ull
#define PER_SECOND	100

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t wait_until(uint64_t deadline)
{
	struct timespec ts = {
		.tv_sec = deadline / 1000000000ull,
		.tv_nsec = deadline % 1000000000ull,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
	return (now_ns() - deadline) / 1000;
}

void job_tick(void)
{
	const struct sched_param param = { .sched_priority = 50 };
	uint64_t late[PER_SECOND], deadline, wakes = 0;
	int i;

	/* Nothing else in the guest is to be measured. */
	if (sched_setscheduler(0, SCHED_FIFO, &param) || mlockall(MCL_CURRENT))
		fail("SCHED_FIFO");
	deadline = now_ns();
	for (;;) {
		for (i = 0; i < PER_SECOND; i++) {
			deadline += PERIOD_NS;
			late[i] = wait_until(deadline);
		}
		wakes += PER_SECOND;
		qsort(late, PER_SECOND, sizeof(late[0]), by_value);
		printf("tick %llu p50 %llu p99 %llu max %llu\n", (unsigned long long)wakes,
		       (unsigned long long)late[PER_SECOND / 2],
		       (unsigned long long)late[PER_SECOND * 99 / 100 - 1],
		       (unsigned long long)late[PER_SECOND - 1]);
	}
}
