// SPDX-License-Identifier: GPL-2.0
/*
 * The operator's terminal; see terminal.h. Its modes are given back however this
 * program ends, but for SIGKILL: signals that end it are read from a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

/* There is one, and atexit() hands nothing over. */
static struct termios saved_modes;
static bool modes_changed;
static int saved_flags = -1;

static void restore(void)
{
	if (modes_changed)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_modes);
	modes_changed = false;
	if (saved_flags >= 0)
		fcntl(STDOUT_FILENO, F_SETFL, saved_flags);
	saved_flags = -1;
}

/*
 * O_NONBLOCK belongs to the open file, which the shell and others have, too. A
 * terminal or a pipe can be opened once more.
 */
static int open_output(void)
{
	struct stat st;
	int fd, flags;

	if (fstat(STDOUT_FILENO, &st))
		return -errno;
	if (S_ISREG(st.st_mode))
		return STDOUT_FILENO;
	fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	flags = fcntl(STDOUT_FILENO, F_GETFL);
	if (flags < 0 || fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	saved_flags = flags;
	return STDOUT_FILENO;
}

static int catch_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int make_raw(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved_modes))
		return -errno;
	raw = saved_modes;
	cfmakeraw(&raw);
	modes_changed = true;
	return tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) ? -errno : 0;
}

int terminal_open(struct terminal *t)
{
	int err = 0;

	t->in = STDIN_FILENO;
	t->is_tty = isatty(STDIN_FILENO);
	signal(SIGPIPE, SIG_IGN);
	if (atexit(restore))
		return -ENOMEM;
	t->signals = catch_signals();
	if (t->signals < 0)
		return t->signals;
	t->out = open_output();
	if (t->out >= 0 && t->is_tty)
		err = make_raw();
	if (t->out >= 0 && !err)
		return 0;
	err = err ?: t->out;
	close(t->signals);
	restore();
	return err;
}

void terminal_close(struct terminal *t)
{
	restore();
	if (t->out != STDOUT_FILENO)
		close(t->out);
	close(t->signals);
}

size_t terminal_typed(const struct terminal *t)
{
	struct stat st;
	int n = 0;

	/* What is in a file was not typed by anybody. */
	if (fstat(t->in, &st) || S_ISREG(st.st_mode) || ioctl(t->in, FIONREAD, &n))
		return 0;
	return n;
}
