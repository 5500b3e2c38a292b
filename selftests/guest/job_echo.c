// SPDX-License-Identifier: GPL-2.0
/*
 * A console with somebody at it: each line that comes on the second serial
 * port is sent back as NAME:LINE, and ten times a second NAME=COUNT is sent
 * unasked. NAME is vmsched.name= of the kernel command line.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "guest.h"

#define PORT		"/dev/ttyS1"
#define PERIOD_NS	100000000ull
#define PER_SECOND	10
#define LINE		512

static int open_port(void)
{
	struct termios tio;
	int fd = open(PORT, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &tio))
		fail(PORT);
	cfmakeraw(&tio);
	cfsetspeed(&tio, B115200);
	tio.c_cflag |= CLOCAL | CREAD;
	if (tcsetattr(fd, TCSANOW, &tio))
		fail(PORT);
	return fd;
}

static void send_all(int fd, const char *text, size_t len)
{
	ssize_t done;

	for (; len; text += done, len -= done) {
		done = write(fd, text, len);
		if (done <= 0)
			fail(PORT);
	}
}

/* Read what has come and send back the lines that are whole; their number. */
static unsigned int echo_lines(int fd, const char *name)
{
	static char line[LINE];
	static size_t have;
	char text[LINE + 64];
	unsigned int lines = 0;
	char *end;
	ssize_t n;
	size_t len;

	n = read(fd, line + have, sizeof(line) - have);
	if (n <= 0)
		fail(PORT);
	have += n;
	while ((end = memchr(line, '\n', have))) {
		len = end - line + 1;
		n = snprintf(text, sizeof(text), "%s:", name);
		memcpy(text + n, line, len);
		send_all(fd, text, n + len);
		have -= len;
		memmove(line, line + len, have);
		lines++;
	}
	if (have == sizeof(line)) {
		errno = EOVERFLOW;
		fail("a line");
	}
	return lines;
}

void job_echo(void)
{
	unsigned long long lines = 0, count = 0;
	struct pollfd port = { .events = POLLIN };
	char name[32], text[64];
	uint64_t next, now;

	errno = EINVAL;
	if (!cmdline_value("vmsched.name", name, sizeof(name)))
		fail("no vmsched.name= on the kernel command line");
	port.fd = open_port();
	for (next = now_ns();;) {
		now = now_ns();
		if (now < next) {
			if (poll(&port, 1, (next - now) / 1000000 + 1) > 0)
				lines += echo_lines(port.fd, name);
			continue;
		}
		next = now + PERIOD_NS;
		send_all(port.fd, text, snprintf(text, sizeof(text), "%s=%llu\n",
						 name, ++count));
		if (count % PER_SECOND == 0)
			printf("echo %llu sent %llu\n", lines, count);
	}
}
