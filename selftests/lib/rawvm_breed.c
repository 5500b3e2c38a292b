// SPDX-License-Identifier: GPL-2.0
/*
 * Children of vCPU threads, made again and again: what they inherit is seen
 * before they do anything else.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rawvm_int.h"

enum way {
	BY_FORK,
	BY_VFORK,
	BY_CLONE,
	WAYS
};

/* In the child. After vfork() too: nothing here touches memory of the parent */
static void look(struct rawvm_ctl *ctl)
{
	cpu_set_t mask;

	if (sched_getaffinity(0, sizeof(mask), &mask))
		CPU_ZERO(&mask);
	if (CPU_COUNT(&mask) < 2)
		__atomic_add_fetch(&ctl->narrow, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&ctl->children, 1, __ATOMIC_RELAXED);
}

static void *thread_main(void *data)
{
	look(data);
	return NULL;
}

static int by_clone(struct rawvm_ctl *ctl)
{
	pthread_t thread;
	int ret;

	ret = pthread_create(&thread, NULL, thread_main, ctl);
	if (!ret)
		pthread_join(thread, NULL);
	return ret;
}

static int by_process(struct rawvm_ctl *ctl, enum way way)
{
	pid_t pid = way == BY_FORK ? fork() : vfork();

	if (!pid) {
		look(ctl);
		_exit(0);
	}
	if (pid < 0)
		return errno;
	while (waitpid(pid, NULL, 0) < 0) {
		if (errno != EINTR)
			return errno;
	}
	return 0;
}

void rawvm_breed(struct rawvm_ctl *ctl, uint64_t n)
{
	enum way way = n % WAYS;
	int ret = way == BY_CLONE ? by_clone(ctl) : by_process(ctl, way);

	if (ret)
		rawvm_error(ctl, "child of kind %d: %s", way, strerror(ret));
}
