// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that are killed in the midst of what they do; see cut.h.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "cut.h"

#define MAX_WORDS	32
#define LINE_SIZE	256
/* A signal that asks, as SIGTERM does, must be followed within that time */
#define OBEY_MS		30000

static void child(const char *line, bool traced)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *argv[MAX_WORDS + 1];
	char copy[LINE_SIZE];
	char *save = NULL;
	char *word;
	int n = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (word = strtok_r(copy, " ", &save); word && n < MAX_WORDS;
	     word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	argv[n] = NULL;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What a shell starts in the background ignores that one */
	signal(SIGINT, SIG_DFL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(null, 2) < 0)
		_exit(126);
	if (traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

static pid_t start(const char *line, bool traced)
{
	pid_t pid = fork();

	if (!pid)
		child(line, traced);
	return pid;
}

/* Next change of @pid, whatever signal comes meanwhile; false if there is none */
static bool next(pid_t pid, int *status)
{
	pid_t got;

	do {
		got = waitpid(pid, status, __WALL);
	} while (got < 0 && errno == EINTR);
	return got == pid;
}

static int ended(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : CUT_KILLED;
}

int cut_at_syscall(const char *line, unsigned int stop, unsigned int *stops)
{
	pid_t pid = start(line, true);
	unsigned int n = 0;
	int status;

	if (pid < 0)
		return CUT_LOST;
	/* It stops first when it has executed the program */
	while (next(pid, &status)) {
		if (!WIFSTOPPED(status)) {
			if (stops)
				*stops = n;
			return ended(status);
		}
		if (n && n == stop)
			kill(pid, SIGKILL);
		n++;
		/* Fails once it is killed: then the end comes next */
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	}
	return CUT_LOST;
}

int cut_after(const char *line, uint64_t us, int sig)
{
	uint64_t now = clock_ns();
	uint64_t end = now + OBEY_MS * NSEC_PER_MSEC;
	pid_t pid = start(line, false);
	int status;

	if (pid < 0)
		return CUT_LOST;
	clock_sleep_until(now + us * NSEC_PER_USEC);
	kill(pid, sig);
	if (sig == SIGSTOP) {
		clock_sleep_ms(us % 10);
		kill(pid, SIGCONT);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		if (clock_ns() > end) {
			kill(pid, SIGKILL);
			next(pid, &status);
			return CUT_LOST;
		}
		clock_sleep_ms(1);
	}
	return ended(status);
}
