/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Storms: something is done many times, at random, beside VMs that live
 * through it, the witnesses. What must hold after each storm is looked at in
 * one place, storm_end().
 *
 * A test includes storm_fixture.h and has the fixture "storm":
 *
 *	TEST_STORM(kill, 60)
 *	{
 *		struct storm *s = &self->storm;
 *		unsigned int i;
 *
 *		for (i = 0; i < storm_count(100, 2000); i++)
 *			...storm_below(&s->rng, 3)...
 *		storm_done(s, "kills", i);
 *	}
 *
 * Environment: VMSCHED_STORM=N does N times as much as usual, VMSCHED_STORM=full
 * what a long run is to do; VMSCHED_SEED=N is the seed of a run that was seen.
 */
#ifndef SELFTESTS_STORM_H
#define SELFTESTS_STORM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "attr.h"
#include "klog.h"
#include "rawvm.h"
#include "watch.h"

#define STORM_WITNESSES		2
#define STORM_WORKERS		16

/* Numbers that look random, the same ones for the same seed */
struct storm_rng {
	uint64_t state;
};

void storm_seed(struct storm_rng *r, uint64_t seed);
uint64_t storm_random(struct storm_rng *r);

/* One of 0 to @n - 1 */
unsigned int storm_below(struct storm_rng *r, unsigned int n);

/* How often a thing is to be done: usually @few times, @full in a long run */
unsigned int storm_count(unsigned int few, unsigned int full);

/* How long a test may take that usually takes @seconds */
int storm_seconds(int seconds);

struct storm;

/* One process of several that do something at once */
struct storm_worker {
	struct storm *storm;
	struct storm_rng rng;	/* its own */
	unsigned int index;
	void *data;
	uint64_t done;		/* counted by the worker, read by the test */
};

/* 0 if all was well; it leaves when storm_stopped() */
typedef int storm_fn(struct storm_worker *w);

struct storm {
	uint64_t seed;
	struct storm_rng rng;		/* of the test itself */
	/* The test may set it: kernel warnings that the storm causes */
	const char *expected;
	/* The test may set it: Linux itself keeps a guest longer than others do */
	unsigned int stall_ms;
	/* VMs that must go on: one spins on all CPUs, one sleeps and wakes */
	struct rawvm *witness[STORM_WITNESSES];

	/* Private */
	struct klog log;
	struct attrs before;
	struct watch *watch;
	uint64_t start;
	struct storm_shared *shared;
	pid_t pid[STORM_WORKERS];
	unsigned int workers;
	bool begun;
};

/*
 * vmsched is loaded with native active, witnesses run, what the host's
 * scheduler knows of all threads is noted. The caller runs at a higher priority
 * than any guest. 0, or -errno after saying what is wrong.
 */
int storm_begin(struct storm *s);

/* Print what was done, and how fast: `# WHAT: n` and `# WHAT_per_s: n` */
void storm_done(struct storm *s, const char *what, uint64_t n);

/*
 * End what still runs and look: witnesses went on, nothing else is listed,
 * vmsched can be removed, no thread has other attributes than before, no slab
 * cache is left, the kernel log is clean. Number of things that are wrong, each
 * printed.
 */
unsigned int storm_end(struct storm *s);

/*
 * storm_end() consists of these; some are of use in the midst of a storm. False
 * after printing what is wrong.
 */
bool storm_witnesses_advance(const struct storm *s);
bool storm_only_witnesses_listed(const struct storm *s);
bool storm_can_be_removed(void);

/* Threads of process @pid are as in @before, and there are some */
bool storm_unchanged(const struct attrs *before, pid_t pid);

/* Run @fn in @n processes of normal priority; -errno */
int storm_start(struct storm *s, unsigned int n, storm_fn *fn, void *data);

/* True once storm_stop() was called: a worker is to return */
bool storm_stopped(const struct storm_worker *w);

/* What all workers have counted so far */
uint64_t storm_work(const struct storm *s);

/* Wait until they have counted @n; false if one ended, or after @seconds */
bool storm_wait_work(struct storm *s, uint64_t n, unsigned int seconds);

/* End all workers; number of those that failed or had to be killed */
unsigned int storm_stop(struct storm *s);

#endif /* SELFTESTS_STORM_H */
