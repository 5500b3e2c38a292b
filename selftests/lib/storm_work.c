// SPDX-License-Identifier: GPL-2.0
/*
 * Workers of a storm: processes that do something at once; see storm.h.
 *
 * They share one mapping with the test, for counters and the order to stop.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "exact.h"
#include "storm.h"

struct storm_shared {
	bool stop;
	struct storm_worker worker[STORM_WORKERS];
};

static int share(struct storm *s)
{
	void *p;

	if (s->shared) {
		memset(s->shared, 0, sizeof(*s->shared));
		return 0;
	}
	p = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	s->shared = p;
	return 0;
}

/* Body of a worker's process, which ends with the test */
static void work(struct storm_worker *w, storm_fn *fn)
{
	struct sched_param none = { .sched_priority = 0 };
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sched_setscheduler(0, SCHED_OTHER, &none);
	ret = fn(w);
	if (ret)
		printf("# worker %u: ended with %d after %ju\n", w->index, ret,
		       (uintmax_t)w->done);
	fflush(stdout);
	_exit(ret ? 1 : 0);
}

int storm_start(struct storm *s, unsigned int n, storm_fn *fn, void *data)
{
	unsigned int i;
	int ret;

	if (s->workers || n > STORM_WORKERS)
		return -EINVAL;
	ret = share(s);
	if (ret)
		return ret;
	/* What is buffered would be printed by each of them */
	fflush(stdout);
	for (i = 0; i < n; i++) {
		struct storm_worker *w = &s->shared->worker[i];

		*w = (struct storm_worker) {
			.storm = s, .index = i, .data = data,
		};
		storm_seed(&w->rng, s->seed + 1 + i);
		s->pid[i] = fork();
		if (s->pid[i] < 0)
			return -errno;
		if (!s->pid[i])
			work(w, fn);
		s->workers++;
	}
	return 0;
}

bool storm_stopped(const struct storm_worker *w)
{
	return __atomic_load_n(&w->storm->shared->stop, __ATOMIC_RELAXED);
}

uint64_t storm_work(const struct storm *s)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < s->workers; i++)
		sum += __atomic_load_n(&s->shared->worker[i].done,
				       __ATOMIC_RELAXED);
	return sum;
}

/* One has ended by itself; it stays to be reaped by storm_stop() */
static bool worker_ended(const struct storm *s)
{
	unsigned int i;

	for (i = 0; i < s->workers; i++) {
		siginfo_t info = { 0 };

		if (waitid(P_PID, s->pid[i], &info,
			   WEXITED | WNOHANG | WNOWAIT) || info.si_pid)
			return true;
	}
	return false;
}

bool storm_wait_work(struct storm *s, uint64_t n, unsigned int seconds)
{
	uint64_t end = clock_ns() + seconds * NSEC_PER_SEC;

	while (storm_work(s) < n) {
		if (worker_ended(s)) {
			/* Its last count may have come just before its end */
			if (storm_work(s) >= n)
				break;
			printf("# a worker ended too early\n");
			return false;
		}
		if (clock_ns() > end) {
			printf("# workers did %ju of %ju in %u s\n",
			       (uintmax_t)storm_work(s), (uintmax_t)n, seconds);
			return false;
		}
		clock_sleep_ms(10);
	}
	return true;
}

/* 0 if the worker ended well within the time that is left, else 1 */
static unsigned int reap(pid_t pid, unsigned int index, uint64_t end)
{
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (clock_ns() > end) {
			printf("# worker %u does not end\n", index);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return 1;
		}
		clock_sleep_ms(2);
	}
	if (WIFSIGNALED(status))
		printf("# worker %u: killed by signal %d\n", index,
		       WTERMSIG(status));
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

unsigned int storm_stop(struct storm *s)
{
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;
	unsigned int i, failed = 0;

	if (!s->workers)
		return 0;
	__atomic_store_n(&s->shared->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < s->workers; i++)
		failed += reap(s->pid[i], i, end);
	s->workers = 0;
	return failed;
}
