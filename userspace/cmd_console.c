// SPDX-License-Identifier: GPL-2.0
/* The object "console": the operator's terminal, and which VM owns it. */
#include <string.h>

#include "cmd.h"
#include "console.h"
#include "json.h"
#include "print.h"

#include <unistd.h>

#define DEFAULT_POOL "default"
#define DEFAULT_ESCAPE ('^' << 8 | ']')
#define CONTROL(c) ((c) & 0x1f)

enum { KEY_POOL, KEY_SOCKET, KEY_ESCAPE, N_KEYS };

static const char *const attach_words[N_KEYS + 1] = {
	[KEY_POOL] = "pool",
	[KEY_SOCKET] = "socket",
	[KEY_ESCAPE] = "escape",
};

/* "^]" is a control character, "none" is none, else one character */
static int take_escape(const struct ctx *ctx, const char *arg, int *escape)
{
	if (!strcmp(arg, "none"))
		*escape = CONSOLE_NO_ESCAPE;
	else if (arg[0] == '^' && arg[1] >= '?' && arg[1] <= '~' && !arg[2])
		*escape = arg[1] == '?' ? 0x7f : CONTROL(arg[1]);
	else if (arg[0] && !arg[1])
		*escape = (unsigned char)arg[0];
	else
		return fail_usage(ctx, "escape \"%s\" is not ^ and a letter, one character, or none",
				  arg);
	return EXIT_DONE;
}

static int cmd_attach(struct ctx *ctx, int argc, char **argv)
{
	/* What comes from a file or a program may hold any byte. */
	struct console_options options = {
		.escape = isatty(STDIN_FILENO) ? CONTROL(']') : CONSOLE_NO_ESCAPE };
	const char *values[N_KEYS] = { NULL };
	int code;

	code = take_pairs(ctx, argc, argv, attach_words, values);
	if (!code && values[KEY_ESCAPE])
		code = take_escape(ctx, values[KEY_ESCAPE], &options.escape);
	if (!code)
		code = ctx_connect(ctx);
	if (code)
		return code;
	options.pool = values[KEY_POOL] ?: DEFAULT_POOL;
	options.socket = values[KEY_SOCKET];
	return console_run(ctx, &options);
}
