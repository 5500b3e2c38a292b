/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmschedctl console attach, run by a test: on a terminal or on pipes, what it
 * prints, and who owns the console.
 */
#ifndef SELFTESTS_CONSOLE_H
#define SELFTESTS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "genl.h"

#define CONSOLE_SAYS	"\r\n[vmschedctl] "

struct console {
	pid_t pid;
	int in;			/* what is written here was typed */
	int out;
	char *text;		/* all that it has printed; ends with a NUL */
	size_t len;
	size_t seen;		/* what console_expect() has passed */
	size_t size;
};

/* Start it with words of the command line ("" for none) on a terminal, or pipes */
int console_start(struct console *c, const char *words, bool terminal);

/* Take what it has printed within @ms, if anything; false once it has ended */
bool console_read(struct console *c, unsigned int ms);

/* Wait until it has printed @text behind what was expected before */
bool console_expect(struct console *c, const char *text);

bool console_type(struct console *c, const char *text);

/* Wait for its end: exit status, -signal, or -ETIME after having killed it */
int console_wait(struct console *c);
void console_free(struct console *c);

/* Make VM @id the owner of its pool's console; error of the kernel */
int console_give(struct genl *g, uint64_t id);

#endif /* SELFTESTS_CONSOLE_H */
