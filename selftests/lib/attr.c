// SPDX-License-Identifier: GPL-2.0
/*
 * Scheduling attributes of all threads; see attr.h.
 *
 * The name of a kernel thread is left out: workers show there what they do.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attr.h"
#include "cpus.h"

#define PF_KTHREAD		0x00200000
#define PF_WQ_WORKER		0x00000020
#define IOPRIO_WHO_PROCESS	1

/* Fields 3 to 22 of stat: flags is the 9th, the start time the 22nd */
#define STAT_FIELDS	"%*c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u" \
			" %*d %*d %*d %*d %*d %*d %llu"

static int read_stat(struct attr *at, pid_t pid)
{
	char path[64], line[1024];
	unsigned long long start;
	unsigned int flags;
	char *p, *open;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, at->tid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[n] = '\0';
	open = strchr(line, '(');
	p = strrchr(line, ')');
	if (!open || !p)
		return -ESRCH;
	*p = '\0';
	snprintf(at->comm, sizeof(at->comm), "%s", open + 1);
	if (sscanf(p + 2, STAT_FIELDS, &flags, &start) != 2)
		return -EINVAL;
	at->start = start;
	at->kernel_thread = flags & PF_KTHREAD;
	at->works = flags & PF_WQ_WORKER;
	return 0;
}

static int read_thread(struct attr *at, pid_t pid, pid_t tid)
{
	struct kernel_sched_attr sa = { .size = sizeof(sa) };
	int ret;

	memset(at, 0, sizeof(*at));
	at->tid = tid;
	ret = read_stat(at, pid);
	if (ret)
		return ret;
	if (sched_getaffinity(tid, sizeof(at->mask), &at->mask))
		return -errno;
	if (syscall(SYS_sched_getattr, tid, &sa, sizeof(sa), 0))
		return -errno;
	at->policy = sa.policy;
	at->flags = sa.flags;
	at->nice = sa.nice;
	at->priority = sa.priority;
	at->runtime = sa.runtime;
	at->deadline = sa.deadline;
	at->period = sa.period;
	at->ioprio = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, tid);
	return 0;
}

/* Append the threads of @pid; one that ends meanwhile is no error */
static int read_process(struct attrs *a, pid_t pid)
{
	struct dirent *d;
	char path[64];
	DIR *dir;
	int ret = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!ret && (d = readdir(dir))) {
		pid_t tid = atoi(d->d_name);
		struct attr *list;

		if (tid <= 0)
			continue;
		list = realloc(a->list, (a->n + 1) * sizeof(*list));
		if (!list) {
			ret = -ENOMEM;
			break;
		}
		a->list = list;
		if (!read_thread(&list[a->n], pid, tid))
			a->n++;
	}
	closedir(dir);
	return ret;
}

int attrs_read(struct attrs *a, pid_t pid)
{
	struct dirent *d;
	int ret = 0;
	DIR *dir;

	memset(a, 0, sizeof(*a));
	if (pid)
		return read_process(a, pid);
	dir = opendir("/proc");
	if (!dir)
		return -errno;
	while (!ret && (d = readdir(dir))) {
		if (atoi(d->d_name) > 0)
			ret = read_process(a, atoi(d->d_name));
	}
	closedir(dir);
	return ret;
}

void attrs_free(struct attrs *a)
{
	free(a->list);
	a->list = NULL;
	a->n = 0;
}

const struct attr *attrs_find(const struct attrs *a, pid_t tid)
{
	unsigned int i;

	for (i = 0; i < a->n; i++) {
		if (a->list[i].tid == tid)
			return &a->list[i];
	}
	return NULL;
}

/* 1 and a line if the values differ, else 0 */
static unsigned int differ(const struct attr *at, const char *field,
			   int64_t before, int64_t after)
{
	if (before == after)
		return 0;
	printf("# thread %d (%s): %s was %jd, is %jd\n",
	       at->tid, at->comm, field, (intmax_t)before, (intmax_t)after);
	return 1;
}

static unsigned int compare_mask(const struct attr *b, const struct attr *a)
{
	char was[128], is[128];

	if (CPU_EQUAL(&b->mask, &a->mask))
		return 0;
	/* One follows its interrupt, which moves when a CPU goes, the other its work */
	if (a->kernel_thread &&
	    (a->works || !strncmp(a->comm, "irq/", strlen("irq/"))))
		return 0;
	printf("# thread %d (%s): CPU mask was %s, is %s\n", a->tid, a->comm,
	       cpus_format(&b->mask, was, sizeof(was)),
	       cpus_format(&a->mask, is, sizeof(is)));
	return 1;
}

/* The slice that Linux gives to a thread which is woken now; 0 if unknown */
static uint64_t base_slice(void)
{
	const struct sched_param none = { 0 };
	struct attr self;
	uint64_t slice = 0;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return 0;
	pid = fork();
	if (!pid) {
		/* The test may be a real-time one */
		if (!sched_setscheduler(0, SCHED_OTHER, &none) && !usleep(1) &&
		    !read_thread(&self, getpid(), gettid()))
			slice = self.runtime;
		_exit(write(fds[1], &slice, sizeof(slice)) != sizeof(slice));
	}
	close(fds[1]);
	if (pid < 0 || read(fds[0], &slice, sizeof(slice)) != sizeof(slice))
		slice = 0;
	close(fds[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return slice;
}

/*
 * Linux gives a thread the base slice when it is next woken: a kernel thread that
 * slept since the first CPU came up has that of one CPU until then.
 */
static bool slice_is_refreshed(const struct attr *a)
{
	return a->kernel_thread && a->runtime && a->runtime == base_slice();
}

static unsigned int compare_one(const struct attr *b, const struct attr *a)
{
	unsigned int n = compare_mask(b, a);

	n += differ(a, "policy", b->policy, a->policy);
	n += differ(a, "flags", b->flags, a->flags);
	n += differ(a, "nice", b->nice, a->nice);
	n += differ(a, "priority", b->priority, a->priority);
	if (b->runtime != a->runtime && !slice_is_refreshed(a))
		n += differ(a, "slice or runtime", b->runtime, a->runtime);
	n += differ(a, "deadline", b->deadline, a->deadline);
	n += differ(a, "period", b->period, a->period);
	n += differ(a, "I/O priority", b->ioprio, a->ioprio);
	if (!a->kernel_thread && strcmp(b->comm, a->comm)) {
		printf("# thread %d: name was %s, is %s\n", a->tid, b->comm,
		       a->comm);
		n++;
	}
	return n;
}

unsigned int attrs_compare(const struct attrs *before, const struct attrs *after,
			   unsigned int *compared)
{
	unsigned int i, n = 0;

	*compared = 0;
	for (i = 0; i < before->n; i++) {
		const struct attr *b = &before->list[i];
		const struct attr *a = attrs_find(after, b->tid);

		if (!a || a->start != b->start)
			continue;
		n += compare_one(b, a);
		(*compared)++;
	}
	return n;
}

int attr_set_slice(pid_t tid, uint64_t ns)
{
	struct kernel_sched_attr sa = { .size = sizeof(sa), .runtime = ns };

	return syscall(SYS_sched_setattr, tid, &sa, 0) ? -errno : 0;
}

int attr_get_slice(pid_t tid, uint64_t *ns)
{
	struct kernel_sched_attr sa = { .size = sizeof(sa) };

	if (syscall(SYS_sched_getattr, tid, &sa, sizeof(sa), 0))
		return -errno;
	*ns = sa.runtime;
	return 0;
}
