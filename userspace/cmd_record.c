// SPDX-License-Identifier: GPL-2.0
/*
 * "record": what VMs do, into a file. "advise": the same for a moment, and how it would
 * have gone under other schedulers, which vmsched-sim finds out.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "json.h"
#include "record.h"

#define SIMULATOR	"vmsched-sim"
#define MAX_SECONDS	86400
#define ADVISE_SECONDS	5

static void warn_of_loss(const struct recording *done)
{
	if (done->lost)
		fail(EXIT_DONE,
		     "%llu of %llu events were lost, for want of room: phases next to them run together",
		     done->lost, done->lost + done->events);
}

static int take_seconds(const struct ctx *ctx, const char *text, __u32 *seconds)
{
	int code;

	if (!text)
		return EXIT_DONE;
	code = take_u32(ctx, "seconds", text, 1, MAX_SECONDS, seconds);
	if (!code && (!*seconds || *seconds > MAX_SECONDS))
		code = fail(EXIT_REFUSED, "seconds %s outside 1..%u", text,
			    MAX_SECONDS);
	return code;
}

static int print_done(const struct ctx *ctx, const struct recording *done)
{
	if (ctx->json)
		return json_print_recording(ctx->pretty, done);
	printf("%llu events of %llu VMs in %.1f s, %llu lost\n", done->events,
	       done->vms, done->time_ns / 1e9, done->lost);
	return EXIT_DONE;
}

static int cmd_record(struct ctx *ctx, int argc, char **argv)
{
	static const char *const words[] = { "seconds", NULL };
	const char *values[1] = { NULL };
	struct recording done;
	__u32 seconds = 0;
	FILE *file;
	int code;

	if (!argc)
		return fail_usage(ctx, "no FILE is given");
	code = take_pairs(ctx, argc - 1, argv + 1, words, values) ?:
	       take_seconds(ctx, values[0], &seconds) ?: ctx_connect(ctx);
	if (code)
		return code;
	file = fopen(argv[0], "we");
	if (!file)
		return fail(EXIT_REFUSED, "%s: %m", argv[0]);
	code = record(ctx, file, seconds, &done);
	if (fclose(file) && !code)
		code = fail(EXIT_REFUSED, "%s: %m", argv[0]);
	if (code)
		return code;
	warn_of_loss(&done);
	return print_done(ctx, &done);
}

/* --- Advice --- */

/* Become the simulator: the one beside this program, or else of PATH. */
static void run_simulator(const struct ctx *ctx, const char *schedulers)
{
	static const char *const places[] = { "", "../bin/" };
	const char *form = ctx->pretty ? "-p" : ctx->json ? "-j" : NULL;
	char *const argv[] = { SIMULATOR, "compare", "-s", (char *)schedulers,
			       "-", (char *)form, NULL };
	char self[4000], path[4096];
	ssize_t length;
	size_t i;

	length = readlink("/proc/self/exe", self, sizeof(self));
	while (length > 0 && self[length - 1] != '/')
		length--;
	for (i = 0; length > 0 && i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%.*s%s" SIMULATOR, (int)length,
			 self, places[i]);
		execv(path, argv);
	}
	execvp(SIMULATOR, argv);
	fail(EXIT_REFUSED, SIMULATOR ": %m");
	_exit(127);
}

/* What it prints is the answer; its messages and exit codes are as ours. */
static int simulate(const struct ctx *ctx, FILE *recording,
		    const char *schedulers)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return fail(EXIT_REFUSED, "fork: %m");
	if (!pid) {
		signal(SIGINT, SIG_DFL);
		if (fseek(recording, 0, SEEK_SET) ||
		    dup2(fileno(recording), STDIN_FILENO) < 0)
			_exit(127);
		run_simulator(ctx, schedulers);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(EXIT_REFUSED, "waitpid: %m");
	if (WIFEXITED(status) && WEXITSTATUS(status) <= EXIT_NO_OBJECT)
		return WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		fail(0, SIMULATOR " was ended by signal %d", WTERMSIG(status));
	return EXIT_REFUSED;
}

static int cmd_advise(struct ctx *ctx, int argc, char **argv)
{
	static const char *const words[] = { "seconds", "schedulers", NULL };
	const char *values[2] = { NULL };
	__u32 seconds = ADVISE_SECONDS;
	struct recording done;
	FILE *file;
	int code;

	code = take_pairs(ctx, argc, argv, words, values) ?:
	       take_seconds(ctx, values[0], &seconds) ?: ctx_connect(ctx);
	if (code)
		return code;
	file = tmpfile();
	if (!file)
		return fail(EXIT_REFUSED, "cannot make a temporary file: %m");
	code = record(ctx, file, seconds, &done);
	if (!code && !done.vms)
		code = fail(EXIT_REFUSED, "there was no VM to give advice about");
	if (!code) {
		warn_of_loss(&done);
		code = simulate(ctx, file, values[1] ?: "all");
	}
	fclose(file);
	return code;
}

const struct command record_commands[] = {
	{ NULL, "record FILE [seconds N]",
	  "record what all VMs do, until interrupted or for N seconds; vmsched-sim takes\n"
	  "        FILE in place of a workload",
	  cmd_record },
	{ }
};

const struct command advise_commands[] = {
	{ NULL, "advise [seconds N] [schedulers A,B,...]",
	  "record for N seconds (5), and compare how it had gone under these schedulers, or\n"
	  "        all that vmsched-sim knows",
	  cmd_advise },
	{ }
};
