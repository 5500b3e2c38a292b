/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A console agent: connects this terminal to the console of the VM that owns
 * the console of a pool, and follows the owner. What it promises:
 *
 * - What was typed before the line that names the next owner is written goes to
 *   the owner before, what is typed after that line to the next one; each
 *   byte once, in order, or it is said that it could not be delivered.
 * - What stands between the line of an owner and the next such line was printed
 *   by that VM. A VM stays connected when another one becomes the owner; what it
 *   prints then is shown when it is the owner again, or at the end.
 * - From the announcement of a cease to the end of the switch nothing that is
 *   typed is handed on; it waits.
 */
#ifndef VMSCHEDCTL_CONSOLE_H
#define VMSCHEDCTL_CONSOLE_H

#include "cmd.h"

#define CONSOLE_NO_ESCAPE (-1)

struct console_options {
	const char *pool;
	const char *socket;	/* pattern of paths, NULL: look for them */
	int escape;		/* ends it; or CONSOLE_NO_ESCAPE */
};

/* Until the operator, a signal or the module ends it. Returns the exit code. */
int console_run(struct ctx *ctx, const struct console_options *options);

#endif /* VMSCHEDCTL_CONSOLE_H */
