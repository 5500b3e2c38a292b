// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel log and kernel memory; see klog.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "klog.h"
#include <kselftest.h>

#define RECORD_SIZE	8192
#define LEVEL_WARNING	4
#define LEVEL_MASK	7

int klog_mark(struct klog *k)
{
	k->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (k->fd < 0)
		return -errno;
	if (lseek(k->fd, 0, SEEK_END) < 0) {
		klog_close(k);
		return -errno;
	}
	return 0;
}

void klog_close(struct klog *k)
{
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
}

/* Next record: its text in @buf, its level returned; -1 at the end */
static int klog_next(struct klog *k, char *buf, size_t size)
{
	char *text;
	ssize_t n;
	int level;

	do {
		n = read(k->fd, buf, size - 1);
	} while (n < 0 && (errno == EPIPE || errno == EINTR));
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	level = atoi(buf) & LEVEL_MASK;
	text = strchr(buf, ';');
	if (text)
		memmove(buf, text + 1, strlen(text + 1) + 1);
	buf[strcspn(buf, "\n")] = '\0';
	return level;
}

#define SHORT_TEXT	"vm-scan: memory is short"
#define BACK_TEXT	"vm-scan: memory is back"

void klog_memory_is_short(bool is)
{
	/* No warning itself, and a whole line: a part is not shown to readers */
	const char *text = is ? "<6>" SHORT_TEXT "\n" : "<6>" BACK_TEXT "\n";
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	/* It cannot be sought in: stdio does not take it */
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("# /dev/kmsg: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* What any kernel says of a slow machine, an own module, a guest's odd MSR */
static bool harmless(const char *text)
{
	static const char * const known[] = {
		"hrtimer: interrupt took",
		"perf: interrupt took too long",
		"clocksource: ",
		"TSC unstable",
		"sched: RT throttling activated",
		"sched: DL replenish lagged too much",
		"tsc: ",
		"module taints kernel",
		"module verification failed",
		"Unhandled WRMSR",
		"Unhandled RDMSR",
		"callbacks suppressed",
		/* An IPI of Linux was on its way to a CPU that went off */
		"APIC: Stale IRR",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (strstr(text, known[i]))
			return true;
	}
	return false;
}

/*
 * Reports of data races stand between two lines of '='. Whose they are only
 * the whole of one tells: scripts/vm-scan judges them, and knows better.
 */
static bool of_race(struct klog *k, char *text, size_t size)
{
	static const char line[] = "==========";

	if (strncmp(text, line, strlen(line)))
		return false;
	if (klog_next(k, text, size) < 0 ||
	    strncmp(text, "BUG: KCSAN:", strlen("BUG: KCSAN:")))
		return false;
	while (klog_next(k, text, size) >= 0) {
		if (!strncmp(text, line, strlen(line)))
			break;
	}
	return true;
}

unsigned int klog_warnings_but(struct klog *k, const char *expected)
{
	char text[RECORD_SIZE];
	bool is_short = false;
	unsigned int n = 0;
	int level;

	while ((level = klog_next(k, text, sizeof(text))) >= 0) {
		if (!strcmp(text, SHORT_TEXT) || !strcmp(text, BACK_TEXT))
			is_short = !strcmp(text, SHORT_TEXT);
		if (is_short || level > LEVEL_WARNING || harmless(text) ||
		    (expected && strstr(text, expected)) ||
		    of_race(k, text, sizeof(text)))
			continue;
		printf("# kernel log: <%d> %s\n", level, text);
		n++;
	}
	return n;
}

unsigned int klog_warnings(struct klog *k)
{
	return klog_warnings_but(k, NULL);
}

bool klog_has(struct klog *k, const char *text, const char *text2)
{
	char record[RECORD_SIZE];
	bool found = false;

	while (klog_next(k, record, sizeof(record)) >= 0) {
		if (strstr(record, text) && strstr(record, text2))
			found = true;
	}
	return found;
}

#define SLABS		"/sys/kernel/slab"

/* Objects in use in slab caches whose name begins with @prefix; -1: none */
static long slab_objects(const char *prefix)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	char line[512], name[64];
	long sum = -1;
	long active;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %ld", name, &active) != 2 ||
		    strncmp(name, prefix, strlen(prefix)))
			continue;
		sum = (sum < 0 ? 0 : sum) + active;
	}
	fclose(f);
	return sum;
}

long slab_vmsched_objects(void)
{
	return slab_objects("vmsched");
}

long meminfo_kib(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[256];
	long kib = -1;
	size_t n = strlen(key);

	if (!f)
		return -1;
	while (kib < 0 && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, n) && line[n] == ':')
			kib = atol(line + n + 1);
	}
	fclose(f);
	return kib;
}

/* Have the slab caches with names that begin with @prefix give back what is free */
static void slab_shrink(const char *prefix)
{
	DIR *dir = opendir(SLABS);
	struct dirent *entry;
	char path[512];

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, sizeof(path), SLABS "/%s/shrink", entry->d_name);
		file_write(path, "1");
	}
	if (dir)
		closedir(dir);
}

void kmem_read(struct kmem *m)
{
	slab_shrink("kmalloc-");
	slab_shrink("vmsched");
	m->objects = slab_objects("kmalloc-");
	m->own = slab_vmsched_objects();
	m->kib = meminfo_kib("SUnreclaim") + meminfo_kib("Percpu");
	m->vmalloc_kib = meminfo_kib("VmallocUsed");
}
