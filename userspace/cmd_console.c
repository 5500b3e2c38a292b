// SPDX-License-Identifier: GPL-2.0
/* The object "console": the operator's terminal, and which VM owns it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "console.h"
#include "json.h"

#define DEFAULT_POOL "default"
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
		return fail_usage(ctx, "escape \"%s\" is not ^ and a letter, one character or none",
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

/* --- Owner --- */

static int print_owner(struct ctx *ctx, const struct pool *pool)
{
	__u64 id = pool->console_owner;
	struct vm vm = { 0 };
	int code = EXIT_DONE;
	char arg[32];

	snprintf(arg, sizeof(arg), "%llu", id);
	if (id)
		code = find_vm(ctx, arg, &vm);
	if (code)
		return code;
	if (ctx->json)
		code = json_print_owner(ctx->pretty, pool->name, id, vm.name);
	else if (id)
		printf("pool %s: %s (VM %llu)\n", pool->name, vm.name, id);
	else
		printf("pool %s: nobody\n", pool->name);
	model_clear(&vm_model, &vm);
	return code;
}

static int show_owner(struct ctx *ctx, const char *name)
{
	struct list pools = { .model = &pool_model };
	const struct pool *pool = NULL;
	int code = list_pools(ctx, &pools);

	while (!code && (pool = list_next(&pools, pool)))
		if (!strcmp(pool->name, name))
			break;
	if (!code)
		code = pool ? print_owner(ctx, pool) :
			      fail(EXIT_NO_OBJECT, "no pool \"%s\"", name);
	list_clear(&pools);
	return code;
}

static int cmd_owner(struct ctx *ctx, int argc, char **argv)
{
	static const char *const words[] = { "pool", NULL };
	const char *pool = NULL;
	int code = EXIT_DONE;

	if (argc == 1)
		return cmd_request_owner(ctx, argc, argv);
	if (argc)
		code = take_pairs(ctx, argc, argv, words, &pool);
	return code ?: show_owner(ctx, pool ?: DEFAULT_POOL);
}

const struct command console_commands[] = {
	{ "attach", "console attach [pool P] [socket PATH] [escape ^X|none]",
	  "connect this terminal to the console of the VM that owns it, and follow the owner",
	  cmd_attach },
	{ "owner", "console owner [VM] | [pool P]",
	  "which VM owns the console; or give it to VM", cmd_owner },
	{ }
};
