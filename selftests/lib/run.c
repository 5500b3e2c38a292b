// SPDX-License-Identifier: GPL-2.0
/*
 * Run a program with both outputs captured in unnamed files; see run.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

#define MAX_WORDS	64

static char *slurp(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text;

	if (size < 0)
		return NULL;
	text = calloc(1, size + 1);
	if (text && pread(fd, text, size, 0) != size) {
		free(text);
		text = NULL;
	}
	return text;
}

static void run_child(uid_t uid, char *const argv[], int out, int err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	if (uid && (setgroups(0, NULL) || setgid(uid) || setuid(uid)))
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

static int run_wait(struct run_result *r, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	r->status = WIFEXITED(status) ? WEXITSTATUS(status) :
					128 + WTERMSIG(status);
	return 0;
}

int run(struct run_result *r, uid_t uid, char *const argv[])
{
	int out = memfd_create("out", MFD_CLOEXEC);
	int err = memfd_create("err", MFD_CLOEXEC);
	int ret = -errno;
	pid_t pid;

	memset(r, 0, sizeof(*r));
	if (out < 0 || err < 0)
		goto close;
	pid = fork();
	if (!pid)
		run_child(uid, argv, out, err);
	ret = pid < 0 ? -errno : run_wait(r, pid);
	if (ret)
		goto close;
	r->out = slurp(out);
	r->err = slurp(err);
	if (!r->out || !r->err) {
		run_free(r);
		ret = -ENOMEM;
	}
close:
	if (out >= 0)
		close(out);
	if (err >= 0)
		close(err);
	return ret;
}

int run_words(struct run_result *r, uid_t uid, const char *line)
{
	char *argv[MAX_WORDS + 1];
	char *copy = strdup(line);
	char *save = NULL;
	char *word;
	int n = 0;
	int ret;

	if (!copy)
		return -ENOMEM;
	for (word = strtok_r(copy, " ", &save); word && n < MAX_WORDS;
	     word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	argv[n] = NULL;
	ret = n ? run(r, uid, argv) : -EINVAL;
	free(copy);
	return ret;
}

void run_free(struct run_result *r)
{
	free(r->out);
	free(r->err);
	r->out = NULL;
	r->err = NULL;
}
