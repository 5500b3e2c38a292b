// SPDX-License-Identifier: GPL-2.0
/*
 * Process 1 of the guest: mount what is needed, load the job's drivers, do the
 * job. Linked statically; nothing else is in the initramfs but modules.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define NSEC_PER_SEC 1000000000ull

static const struct job {
	const char *name;
	void (*run)(void);
} jobs[] = {
	{ "spin", job_spin },
	{ "steal", job_steal },
	{ "tick", job_tick },
	{ "disk", job_disk },
	{ "net", job_net },
	{ "idle", job_idle },
	{ "echo", job_echo },
	{ "ask", job_ask },
};

void fail(const char *what)
{
	printf("error %s: %s\n", what, strerror(errno));
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void next_second(void)
{
	static struct timespec next;

	if (!next.tv_sec)
		clock_gettime(CLOCK_MONOTONIC, &next);
	next.tv_sec++;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL))
		;
}

static void make_console_raw(void)
{
	struct termios tio;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (tcgetattr(STDOUT_FILENO, &tio))
		return;
	tio.c_oflag &= ~OPOST;
	tcsetattr(STDOUT_FILENO, TCSANOW, &tio);
}

static void mount_at(const char *type, const char *where)
{
	mkdir(where, 0755);
	/* devtmpfs may be there already: CONFIG_DEVTMPFS_MOUNT */
	if (mount(type, where, type, 0, NULL) && errno != EBUSY)
		fail(where);
}

/* The files of a job's folder are numbered in the order of their dependencies. */
static void load_modules(const char *job)
{
	char pattern[64];
	glob_t found;
	size_t i;
	int fd;

	snprintf(pattern, sizeof(pattern), "/modules/%s/*.ko", job);
	if (glob(pattern, 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++) {
		fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			fail(found.gl_pathv[i]);
		close(fd);
	}
	globfree(&found);
}

bool cmdline_value(const char *key, char *value, size_t size)
{
	char line[2048], *word, *save;
	size_t len = strlen(key);
	FILE *file;

	file = fopen("/proc/cmdline", "re");
	if (!file || !fgets(line, sizeof(line), file))
		fail("/proc/cmdline");
	fclose(file);
	for (word = strtok_r(line, "\n ", &save); word; word = strtok_r(NULL, "\n ", &save)) {
		if (!strncmp(word, key, len) && word[len] == '=') {
			snprintf(value, size, "%s", word + len + 1);
			return true;
		}
	}
	return false;
}

int main(void)
{
	char name[32];
	size_t i;

	make_console_raw();
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	errno = EINVAL;
	if (!cmdline_value("vmsched.job", name, sizeof(name)))
		fail("no vmsched.job= on the kernel command line");
	for (i = 0; i < ARRAY_SIZE(jobs); i++) {
		if (strcmp(jobs[i].name, name))
			continue;
		load_modules(name);
		printf("ready %s cpus %ld\n", name, sysconf(_SC_NPROCESSORS_ONLN));
		jobs[i].run();
	}
	errno = EINVAL;
	fail(name);
}
