// SPDX-License-Identifier: GPL-2.0
/*
 * vmschedctl console attach, run by a test; see console.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "console.h"
#include "exact.h"

#define MAX_WORDS	16
#define CHUNK		65536
#define POLL_MS		50

/* In the child: become it, with @in and @out */
static void become(const char *words, int in, int out)
{
	char *argv[MAX_WORDS + 1] = { "vmschedctl", "console", "attach" };
	char *line = strdup(words);
	char *save = NULL;
	int n = 3;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	for (argv[n] = strtok_r(line, " ", &save); argv[n] && n < MAX_WORDS;
	     argv[++n] = strtok_r(NULL, " ", &save))
		;
	execvp(argv[0], argv);
	_exit(127);
}

/* in[0] and out[1] are its ends, in[1] and out[0] those of the test */
static int open_ends(int in[2], int out[2], bool terminal)
{
	int master, slave;

	if (!terminal)
		return pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ? -errno : 0;
	if (openpty(&master, &slave, NULL, NULL, NULL))
		return -errno;
	fcntl(master, F_SETFD, FD_CLOEXEC);
	in[0] = slave;
	out[1] = dup(slave);
	in[1] = master;
	out[0] = dup(master);
	return 0;
}

int console_start(struct console *c, const char *words, bool terminal)
{
	int in[2], out[2];
	int ret = open_ends(in, out, terminal);

	memset(c, 0, sizeof(*c));
	if (ret)
		return ret;
	c->in = in[1];
	c->out = out[0];
	fcntl(c->out, F_SETFD, FD_CLOEXEC);
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	c->pid = fork();
	if (!c->pid)
		become(words, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	return c->pid < 0 ? -errno : 0;
}

bool console_read(struct console *c, unsigned int ms)
{
	struct pollfd pfd = { .fd = c->out, .events = POLLIN };
	ssize_t n;

	if (c->size < c->len + CHUNK) {
		c->size = c->size ? 2 * c->size : 4 * CHUNK;
		c->text = realloc(c->text, c->size);
		if (!c->text)
			return false;
		c->text[c->len] = '\0';
	}
	if (poll(&pfd, 1, ms) <= 0)
		return true;
	n = read(c->out, c->text + c->len, c->size - c->len - 1);
	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	c->len += n;
	c->text[c->len] = '\0';
	return true;
}

bool console_expect(struct console *c, const char *text)
{
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;
	bool more = true;

	do {
		char *at = c->text ? memmem(c->text + c->seen, c->len - c->seen,
					    text, strlen(text)) : NULL;

		if (at) {
			c->seen = at - c->text + strlen(text);
			return true;
		}
		if (!more)
			break;
		more = console_read(c, POLL_MS);
	} while (clock_ns() < end);
	printf("# console: '%s' should come, not: '%s'\n", text,
	       c->text ? c->text + c->seen : "");
	return false;
}

bool console_type(struct console *c, const char *text)
{
	return write(c->in, text, strlen(text)) == (ssize_t)strlen(text);
}

int console_wait(struct console *c)
{
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;
	int status;

	while (waitpid(c->pid, &status, WNOHANG) != c->pid) {
		if (clock_ns() > end) {
			kill(c->pid, SIGKILL);
			waitpid(c->pid, NULL, 0);
			c->pid = 0;
			return -ETIME;
		}
		/* At the end of the output poll() does not wait */
		if (!console_read(c, POLL_MS))
			clock_sleep_ms(POLL_MS);
	}
	c->pid = 0;
	while (console_read(c, 0) && poll(&(struct pollfd) {
			.fd = c->out, .events = POLLIN }, 1, 0) > 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void console_free(struct console *c)
{
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	close(c->in);
	close(c->out);
	free(c->text);
	memset(c, 0, sizeof(*c));
}

int console_give(struct genl *g, uint64_t id)
{
	struct genl_ack ack;
	struct genl_msg m;

	genl_begin(g, &m, VMSCHED_CMD_REQUEST, 0);
	genl_put_u32(&m, VMSCHED_A_REQUEST_KIND, VMSCHED_REQUEST_KIND_OWNER);
	genl_put_u64(&m, VMSCHED_A_REQUEST_VM_ID, id);
	return genl_call(g, &m, &ack, NULL, NULL) ?: ack.error;
}
