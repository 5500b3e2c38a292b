// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel modules from a test; see modules.h. Removal and insertion are plain
 * system calls, so that the kernel's own errno is seen and the time is exact.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "modules.h"
#include "run.h"

#define MAX_MODULES	16
#define MODULE_NAME_LEN	56

typedef bool module_fn(const char *name, void *data);

/* Call @fn for the name of each loaded module until it returns true */
static bool find_module(module_fn *fn, void *data)
{
	FILE *f = fopen("/proc/modules", "re");
	bool found = false;
	char line[512];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n ")] = '\0';
		found = fn(line, data);
	}
	fclose(f);
	return found;
}

static bool same_name(const char *name, void *data)
{
	return !strcmp(name, data);
}

bool module_loaded(const char *name)
{
	return find_module(same_name, (void *)name);
}

int module_probe(const char *name)
{
	char *const argv[] = { "modprobe", (char *)name, NULL };
	struct run_result r;
	int ret;

	ret = run(&r, 0, argv);
	if (!ret && r.status) {
		printf("# modprobe %s: %.*s\n", name,
		       (int)strcspn(r.err, "\n"), r.err);
		ret = -ENOEXEC;
	}
	run_free(&r);
	return ret;
}

int module_insert(const char *path)
{
	return module_insert_with(path, "");
}

int module_insert_with(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, params, 0))
		ret = -errno;
	close(fd);
	return ret;
}

void module_path(char *path, size_t size, const char *name)
{
	struct utsname u;

	uname(&u);
	snprintf(path, size, "/lib/modules/%s/updates/%s.ko", u.release, name);
}

/* As built for the kernel that runs: beside the program, or where it is told */
int module_own(char *path, size_t size, const char *name)
{
	const char *dir = getenv("VMSCHED_TEST_MODULES");
	char exe[PATH_MAX];
	ssize_t n;

	if (dir) {
		snprintf(path, size, "%s/%s.ko", dir, name);
		return 0;
	}
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return -errno;
	exe[n] = '\0';
	snprintf(path, size, "%s/modules/%s.ko", dirname(exe), name);
	return 0;
}

int module_insert_own(const char *name)
{
	char path[256];
	int ret = module_own(path, sizeof(path), name);

	return ret ? ret : module_insert(path);
}

static int open_param(const char *module, const char *param, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module,
		 param);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int module_param(const char *module, const char *param, char *buf, size_t size)
{
	int fd = open_param(module, param, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int module_set_param(const char *module, const char *param, long value)
{
	int fd = open_param(module, param, O_WRONLY);
	int ret = 0;

	if (fd < 0)
		return fd;
	if (dprintf(fd, "%ld", value) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

long counted(const char *what)
{
	char text[32];

	if (module_param("vmsched_count", what, text, sizeof(text)))
		return -1;
	return atol(text);
}

bool calls_were_right(void)
{
	char first[80] = "?";

	if (!counted("wrong"))
		return true;
	module_param("vmsched_count", "first", first, sizeof(first));
	printf("# %ld wrong calls, the first one: %s\n", counted("wrong"), first);
	return false;
}

int module_references(const char *name)
{
	char path[64], text[16];
	int references = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	f = fopen(path, "re");
	if (f) {
		if (fgets(text, sizeof(text), f))
			references = atoi(text);
		fclose(f);
	}
	return references;
}

int module_remove(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

struct names {
	char name[MAX_MODULES][MODULE_NAME_LEN];
	int n;
};

static bool collect_scheduler(const char *name, void *data)
{
	struct names *names = data;

	if (!strncmp(name, "vmsched_", strlen("vmsched_")) &&
	    names->n < MAX_MODULES)
		snprintf(names->name[names->n++], MODULE_NAME_LEN, "%.*s",
			 MODULE_NAME_LEN - 1, name);
	return false;
}

unsigned int schedulers_loaded(void)
{
	struct names names = { .n = 0 };

	find_module(collect_scheduler, &names);
	return names.n;
}

int schedulers_remove_all(void)
{
	struct names names = { .n = 0 };
	int ret;
	int i;

	find_module(collect_scheduler, &names);
	for (i = 0; i < names.n; i++) {
		ret = module_remove(names.name[i]);
		if (ret) {
			printf("# rmmod %s: %s\n", names.name[i], strerror(-ret));
			return ret;
		}
	}
	return 0;
}

int vmsched_remove_all(void)
{
	int ret = schedulers_remove_all();

	if (ret || !module_loaded("vmsched"))
		return ret;
	ret = module_remove("vmsched");
	if (ret)
		printf("# rmmod vmsched: %s\n", strerror(-ret));
	return ret;
}
