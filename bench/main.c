// SPDX-License-Identifier: GPL-2.0
/*
 * The benchmark as it runs in the test machine; started by scripts/bench.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "lib/cli.h"
#include "lib/modules.h"
#include "lib/rawvm.h"

#define PEER_PARAMS	"/sys/module/vmsched_peer/parameters/"

static const struct part {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "exit-tax", bench_exit_tax },
	{ "switch-tax", bench_switch_tax },
	{ "activation", bench_activation },
	{ "swap", bench_swap },
	{ "wake", bench_wake },
	{ "heavy", bench_heavy },
	{ "fairness", bench_fairness },
	{ "scale", bench_scale },
};

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "bench: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	rawvm_kill_all();
	exit(1);
}

void figure(const char *bench, const char *who, const char *what, double value,
	    const char *unit)
{
	printf("{\"bench\":\"%s\",\"who\":\"%s\",\"what\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n",
	       bench, who, what, value, unit);
	fflush(stdout);
}

void ctl(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (cli_do("%s", line))
		die("vmschedctl %s failed", line);
}

void vmsched_load(void)
{
	if (vmsched_ready())
		die("cannot load vmsched");
}

void vmsched_unload(void)
{
	int err = vmsched_remove_all();

	if (err)
		die("cannot remove vmsched: %s", strerror(-err));
}

void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f))
		die("cannot write to %s", path);
}

double peer_figure(const char *name)
{
	char path[128];
	double value;
	FILE *f;

	snprintf(path, sizeof(path), PEER_PARAMS "%s", name);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%lf", &value) != 1)
		die("no figure in %s", path);
	fclose(f);
	return value;
}

void peer_load(const char *params)
{
	int fd = open("build/bench/peer/vmsched_peer.ko", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, params, 0))
		die("cannot load vmsched_peer %s: %s", params, strerror(errno));
	close(fd);
}

void peer_unload(void)
{
	if (module_remove("vmsched_peer"))
		die("cannot remove vmsched_peer");
}

/* Whoever measures must run when it is time to */
static void be_first(void)
{
	struct sched_param first = { .sched_priority = 90 };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) ||
	    prctl(PR_SET_TIMERSLACK, 1))
		die("no real-time priority: %s", strerror(errno));
}

/* Parts that are named run, without a name all of them */
int main(int argc, char *argv[])
{
	unsigned int i;
	int j;

	be_first();
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		bool wanted = argc < 2;

		for (j = 1; j < argc; j++)
			wanted |= !strcmp(argv[j], parts[i].name);
		if (wanted)
			parts[i].run();
	}
	return 0;
}
