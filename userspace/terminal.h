/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The operator's terminal, or whatever standard input and output are instead:
 * pipes, files, sockets.
 */
#ifndef VMSCHEDCTL_TERMINAL_H
#define VMSCHEDCTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

struct terminal {
	int in;
	int out;	/* takes what it can, without blocking */
	int signals;	/* can be read once this program is asked to end */
	bool is_tty;	/* the input is one, and raw now */
};

/* 0 or -errno. Everything is as before after terminal_close(). */
int terminal_open(struct terminal *terminal);
void terminal_close(struct terminal *terminal);

/* Number of bytes that were typed and have not been read */
size_t terminal_typed(const struct terminal *terminal);

#endif /* VMSCHEDCTL_TERMINAL_H */
