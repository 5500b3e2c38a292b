// SPDX-License-Identifier: GPL-2.0
/* What tests of the simulator share, see sim.h. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "sim.h"

/* A test runs in a process of its own; and a fuzzer keeps what it has given then. */
static void __noreturn give_up(const char *what, const char *text)
{
	printf("# %s: %s\n", what, text);
	fflush(stdout);
	abort();
}

void broken(const char *fmt, ...)
{
	char text[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	give_up(simulate_where() ?: "broken", text);
}

bool read_text(struct workload *wl, const char *text, size_t length, char *why, size_t size)
{
	FILE *file = length ? fmemopen((void *)text, length, "r") : fopen("/dev/null", "r");
	bool good;

	if (!file)
		give_up("fmemopen", text);
	good = workload_read(wl, file, "load", why, size);
	fclose(file);
	return good;
}

static const struct vmsched_ops *sched(const char *name)
{
	int i;

	for (i = 0; i < nr_scheds; i++)
		if (!strcmp(scheds[i]->name, name))
			return scheds[i];
	give_up("no scheduler", name);
}

void run_text(struct result *result, struct workload *wl, const char *scheduler,
	      struct record *record, const char *fmt, ...)
{
	char *text, why[500];
	va_list args;
	int length;

	va_start(args, fmt);
	length = vasprintf(&text, fmt, args);
	va_end(args);
	if (length < 0)
		give_up("memory", fmt);
	if (!read_text(wl, text, length, why, sizeof(why)))
		give_up(text, why);
	simulate(result, wl, sched(scheduler), record);
	if (result->refused[0])
		give_up(text, result->refused);
	free(text);
}

void run_free(struct result *result, struct workload *wl)
{
	result_free(result);
	workload_free(wl);
}

bool adds_up(const struct result *result)
{
	struct pool_result total;
	u64 run = 0, wait = 0;
	unsigned int nr, cpus = 0;
	bool good;

	/* A recording may have some that are in no pool. */
	for (nr = 0; nr < result->wl->nr_pools; nr++)
		cpus += cpumask_weight(&result->wl->pools[nr].cpus);
	for (nr = 0; nr < result->wl->nr_vms; nr++) {
		run += result->vms[nr].run_ns;
		wait += result->vms[nr].wait_ns;
	}
	result_total(result, &total);
	good = total.stats.run_ns == run && total.stats.wait_ns == wait &&
	       total.cpu_ns == cpus * result->time_ns &&
	       run + total.lost_ns <= total.cpu_ns &&
	       pool_idle_ns(&total) <= total.cpu_ns;
	stats_free(&total.stats);
	return good;
}

int run_tool(char **out, const char *fmt, ...)
{
	const char *tool = getenv("VMSCHED_SIM");
	char *args_text, *command, *text = NULL;
	size_t size = 0;
	va_list args;
	FILE *pipe;
	int status;

	va_start(args, fmt);
	if (!tool || vasprintf(&args_text, fmt, args) < 0 ||
	    asprintf(&command, "exec 2>&1; %s %s", tool, args_text) < 0)
		give_up("VMSCHED_SIM", "names the program to test");
	va_end(args);
	pipe = popen(command, "r");
	if (!pipe)
		give_up("popen", command);
	if (getdelim(&text, &size, '\0', pipe) < 0) {
		free(text);
		text = NULL;
	}
	status = pclose(pipe);
	free(args_text);
	free(command);
	*out = text ?: strdup("");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
