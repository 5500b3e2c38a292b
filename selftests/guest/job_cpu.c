// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs about the processor alone: busy loops whose progress is counted, the
 * same with the guest's own account of stolen time, and doing nothing.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

/* One cache line each: counting must not make the CPUs fight. */
struct spinner {
	uint64_t loops;
} __aligned(64);

static struct spinner *spinners;
static long nr_spinners;

static void *spin(void *arg)
{
	struct spinner *me = arg;

	for (;;)
		__atomic_store_n(&me->loops, me->loops + 1, __ATOMIC_RELAXED);
	return NULL;
}

void start_spinners(void)
{
	pthread_t thread;
	long i;

	nr_spinners = sysconf(_SC_NPROCESSORS_ONLN);
	spinners = aligned_alloc(64, nr_spinners * sizeof(*spinners));
	if (!spinners)
		fail("memory");
	memset(spinners, 0, nr_spinners * sizeof(*spinners));
	for (i = 0; i < nr_spinners; i++)
		if (pthread_create(&thread, NULL, spin, &spinners[i]))
			fail("thread");
}

uint64_t spinners_progress(void)
{
	uint64_t sum = 0;
	long i;

	for (i = 0; i < nr_spinners; i++)
		sum += __atomic_load_n(&spinners[i].loops, __ATOMIC_RELAXED);
	return sum;
}

void job_spin(void)
{
	start_spinners();
	for (;;) {
		next_second();
		printf("progress %llu\n", (unsigned long long)spinners_progress());
	}
}

/* Fields of the line "cpu" in /proc/stat, in USER_HZ. */
static void print_stat(void)
{
	enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, NR };
	unsigned long long v[NR] = {}, total = 0;
	struct timespec now;
	FILE *file;
	int i;

	file = fopen("/proc/stat", "re");
	if (!file)
		fail("/proc/stat");
	if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[USER], &v[NICE],
		   &v[SYSTEM], &v[IDLE], &v[IOWAIT], &v[IRQ], &v[SOFTIRQ], &v[STEAL]) != NR)
		fail("/proc/stat");
	clock_gettime(CLOCK_MONOTONIC, &now);
	fclose(file);
	for (i = 0; i < NR; i++)
		total += v[i];
	printf("steal %llu user %llu total %llu ms %llu\n", v[STEAL], v[USER], total,
	       now.tv_sec * 1000ULL + now.tv_nsec / 1000000);
}

void job_steal(void)
{
	start_spinners();
	for (;;) {
		next_second();
		print_stat();
	}
}

void job_idle(void)
{
	unsigned int seconds = 0;

	for (;;) {
		next_second();
		printf("idle %u\n", ++seconds);
	}
}
