// SPDX-License-Identifier: GPL-2.0
/*
 * The guest that makes requests to vmsched on its host: each of them in turn, by
 * the program that comes with vmsched, and its kernel helper.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define PROGRAM	"/vmsched-guest"

struct feedback {
	int handled, reason, weight;
};

/* There is no shell that could do it. Where the output of the child is read. */
static FILE *start(const char *request)
{
	int fd[2];
	pid_t pid;

	if (pipe(fd))
		fail("pipe");
	pid = fork();
	if (!pid) {
		dup2(fd[1], STDOUT_FILENO);
		execl(PROGRAM, PROGRAM, request, NULL);
		_exit(127);
	}
	close(fd[1]);
	if (pid < 0)
		fail("fork");
	return fdopen(fd[0], "r");
}

/* False if there is no answer */
static bool ask(const char *request, struct feedback *f)
{
	FILE *output = start(request);
	bool ok;

	ok = output &&
	     fscanf(output, "handled %d reason %d weight %d", &f->handled,
		    &f->reason, &f->weight) == 3;
	if (output)
		fclose(output);
	wait(NULL);
	return ok;
}

void job_ask(void)
{
	static const char * const requests[] = {
		"yield", "yield-to", "prio", "critical-begin", "critical-end",
	};
	unsigned long rounds = 0, answers = 0, handled = 0;
	unsigned int i;

	for (;;) {
		struct feedback f = { 0 };

		for (i = 0; i < ARRAY_SIZE(requests); i++) {
			if (!ask(requests[i], &f))
				continue;
			answers++;
			handled += f.handled;
		}
		printf("ask %lu answers %lu handled %lu weight %d\n", ++rounds,
		       answers, handled, f.weight);
		next_second();
	}
}
