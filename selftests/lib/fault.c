// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on demand; see fault.h. It is Documentation/fault-injection of Linux
 * that says what the files mean.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"
#include <kselftest.h>

#define DEBUGFS		"/sys/kernel/debug"
#define FAIL_FUNCTION	DEBUGFS "/fail_function"

static const char * const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };

static int set(const char *dir, const char *file, uint64_t value)
{
	char path[128], text[32];
	int ret;

	snprintf(path, sizeof(path), "%s/%s/%s", DEBUGFS, dir, file);
	snprintf(text, sizeof(text), "%#jx", (uintmax_t)value);
	ret = file_write(path, text);
	if (ret)
		printf("# %s: %s\n", path, strerror(-ret));
	return ret;
}

static int set_word(const char *dir, const char *file, const char *word)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s/%s", DEBUGFS, dir, file);
	return file_write(path, word);
}

const char *faults_missing(void)
{
	if (access("/proc/self/fail-nth", W_OK) ||
	    access(DEBUGFS "/failslab/require-start", W_OK) ||
	    access(DEBUGFS "/fail_page_alloc/require-start", W_OK))
		return "no fault injection in this kernel: run it through make check-debug";
	return NULL;
}

static int set_all(const char *file, uint64_t value)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(kinds) && !ret; i++)
		ret = set(kinds[i], file, value);
	return ret;
}

/* By themselves they spare who may sleep, and single pages. */
static int spare_nobody(void)
{
	return set_word("failslab", "ignore-gfp-wait", "N") ?:
	       set_word("fail_page_alloc", "ignore-gfp-wait", "N") ?:
	       set_word("fail_page_alloc", "ignore-gfp-highmem", "N") ?:
	       set("fail_page_alloc", "min-order", 0);
}

/* Each object has one of kmemleak, which copes: half of all would be those. */
static int spare_kmemleak(void)
{
	struct fault_range own;

	if (fault_function("__alloc_object", &own))
		return 0;
	return set_all("reject-start", own.start) ?: set_all("reject-end", own.end);
}

int faults_within(const struct fault_range *range)
{
	uint64_t end = range->end ?: UINT64_MAX;

	return set_all("probability", 0) ?: set_all("verbose", 0) ?:
	       spare_nobody() ?: spare_kmemleak() ?:
	       set_all("require-start", range->start) ?:
	       set_all("require-end", end);
}

int faults_percent(unsigned int percent)
{
	return set_all("interval", 1) ?: set_all("times", UINT32_MAX) ?:
	       set("failslab", "probability", percent) ?:
	       set("fail_page_alloc", "probability", percent);
}

void faults_off(void)
{
	static const struct fault_range all = { 0 };

	faults_within(&all);
	set_all("reject-start", 0);
	set_all("reject-end", 0);
	set_word("failslab", "ignore-gfp-wait", "Y");
	set_word("fail_page_alloc", "ignore-gfp-wait", "Y");
	set_word("fail_page_alloc", "ignore-gfp-highmem", "Y");
	set("fail_page_alloc", "min-order", 1);
}

int fault_open(struct fault *f, pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/fail-nth", pid, tid);
	f->fd = open(path, O_RDWR | O_CLOEXEC);
	return f->fd < 0 ? -errno : 0;
}

void fault_close(struct fault *f)
{
	close(f->fd);
	f->fd = -1;
}

int fault_arm(struct fault *f, unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(f->fd, text, n, 0) == n ? 0 : -errno;
}

/*
 * Of the thread that calls it, reading and writing that file may be what
 * fails: then nothing before it had.
 */
int fault_disarm(struct fault *f)
{
	char text[16] = "";
	int fired;

	if (pread(f->fd, text, sizeof(text) - 1, 0) < 0 && errno != EFAULT)
		return -errno;
	fired = text[0] == '0';
	if (pwrite(f->fd, "0", 1, 0) == 1)
		return fired;
	if (errno != EFAULT || pwrite(f->fd, "0", 1, 0) != 1)
		return -errno;
	return 0;
}

int fault_function(const char *name, struct fault_range *range)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	char line[256], symbol[128];

	if (!f)
		return -errno;
	*range = (struct fault_range) { 0 };
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %*c %127s", &address, symbol) != 2)
			continue;
		if (!range->start && !strcmp(symbol, name)) {
			range->start = address;
			range->end = UINT64_MAX;
			rewind(f);
		} else if (range->start && address > range->start &&
			   address < range->end) {
			range->end = address;
		}
	}
	fclose(f);
	return range->start ? 0 : -ENOENT;
}

/* All its symbols; what its init had is freed when it is loaded. */
int fault_module(const char *name, struct fault_range *range)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	char line[256], module[64], type;

	if (!f)
		return -errno;
	*range = (struct fault_range) { .start = UINT64_MAX };
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %*s [%63[^]]]", &address, &type,
			   module) != 3 ||
		    strcmp(module, name) || (type != 't' && type != 'T'))
			continue;
		if (address < range->start)
			range->start = address;
		/* The last function is shorter than a page */
		if (address + 4096 > range->end)
			range->end = address + 4096;
	}
	fclose(f);
	return range->end ? 0 : -ENOENT;
}

int fault_return(const char *name, int error)
{
	char dir[96];
	int ret = file_write(FAIL_FUNCTION "/inject", name);

	if (ret) {
		printf("# %s cannot be made to fail: %s\n", name, strerror(-ret));
		return ret;
	}
	snprintf(dir, sizeof(dir), "fail_function/%s", name);
	return set(dir, "retval", (uint64_t)(int64_t)error) ?:
	       set("fail_function", "verbose", 0) ?:
	       set("fail_function", "interval", 1) ?:
	       set("fail_function", "times", UINT32_MAX) ?:
	       set("fail_function", "probability", 100);
}

int fault_return_most(unsigned int times)
{
	return set("fail_function", "times", times);
}

int fault_returned(unsigned int most)
{
	FILE *f = fopen(FAIL_FUNCTION "/times", "re");
	int left = -EIO;

	if (!f)
		return -errno;
	if (fscanf(f, "%d", &left) != 1 || left < 0)
		left = -EIO;
	fclose(f);
	return left < 0 ? left : (int)most - left;
}

void fault_return_off(void)
{
	set("fail_function", "probability", 0);
	file_write(FAIL_FUNCTION "/inject", "\n");
}
