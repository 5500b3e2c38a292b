// SPDX-License-Identifier: GPL-2.0
/*
 * The object "sched": registered schedulers, load and unload their modules,
 * change the one that is active in a pool. Modules are loaded from here: the
 * kernel cannot do it while it holds the lock of its netlink families.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "json.h"
#include "kmod.h"
#include "print.h"

#define DEFAULT_POOL "default"
#define BUILT_IN "vmsched"

static const struct column columns[] = {
	{ "NAME", VMSCHED_A_SCHED_NAME },
	{ "MODULE", VMSCHED_A_SCHED_MODULE },
	{ "VERSION", VMSCHED_A_SCHED_VERSION },
	{ "USERS", VMSCHED_A_SCHED_USERS },
	{ "HONOURS", VMSCHED_A_SCHED_HONOURS },
	{ "DOES", VMSCHED_A_SCHED_DOC },
	{ }
};

/* --- Reading --- */

static int fail_no_sched(const char *name)
{
	return fail(EXIT_NO_OBJECT,
		    "no scheduler \"%s\": it is not registered and there is no module vmsched_%s; see vmschedctl sched list",
		    name, name);
}

/* -errno of the kernel, 0 with @sched filled. */
static int try_sched(struct ctx *ctx, const char *name, struct sched *sched)
{
	struct sched want = {
		.have = MODEL_BIT(VMSCHED_A_SCHED_NAME),
		.name = (char *)name,
	};

	/* No name is longer, and the kernel calls a longer one malformed. */
	if (!*name || strlen(name) >= VMSCHED_NAME_LEN)
		return -ENOENT;
	return conn_call(ctx->nl, VMSCHED_CMD_SCHED_GET, &sched_model, &want,
		       &sched_model, sched);
}

int get_sched(struct ctx *ctx, const char *name, struct sched *sched)
{
	int code = ctx_connect(ctx);
	int err;

	if (code)
		return code;
	err = try_sched(ctx, name, sched);
	if (err == -ENOENT)
		return fail(EXIT_NO_OBJECT,
			    "no scheduler \"%s\" is registered, see vmschedctl sched list",
			    name);
	return err ? fail_nl(ctx, err, name) : EXIT_DONE;
}

static int print_sched(const struct ctx *ctx, const struct sched *sched)
{
	if (ctx->json)
		return json_print_object(ctx->pretty, &sched_model, sched);
	print_object(&sched_model, sched);
	return EXIT_DONE;
}

static int cmd_list(struct ctx *ctx, int argc, char **argv)
{
	struct list list = { .model = &sched_model };
	int code, err;

	if (argc)
		return fail_usage(ctx, "unknown word \"%s\"", argv[0]);
	code = ctx_connect(ctx);
	if (code)
		return code;
	err = conn_dump(ctx->nl, VMSCHED_CMD_SCHED_GET, NULL, NULL, &list);
	if (err)
		code = fail_nl(ctx, err, NULL);
	else
		code = ctx->json ? json_print_list(ctx->pretty, &list) :
		       print_list(&list, columns);
	list_clear(&list);
	return code;
}

static int cmd_show(struct ctx *ctx, int argc, char **argv)
{
	struct sched sched = { 0 };
	int code;

	if (argc != 1)
		return fail_usage(ctx, "give one scheduler");
	code = get_sched(ctx, argv[0], &sched);
	if (!code)
		code = print_sched(ctx, &sched);
	model_clear(&sched_model, &sched);
	return code;
}

/* --- Loading --- */

static int fail_load(const char *name, int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return fail(EXIT_NO_PERMISSION,
			    "cannot load %s: no permission, needs CAP_SYS_MODULE (or the module is blacklisted or not signed)",
			    name);
	case -ENOENT:
		return fail(EXIT_NO_OBJECT, "no file %s", name);
	case -ENOEXEC:
	case -EINVAL:
	case -EBUSY:
	case -EEXIST:
		return fail(EXIT_REFUSED,
			    "the kernel refused to load %s: %s; see dmesg",
			    name, strerror(-err));
	default:
		return fail(EXIT_REFUSED, "cannot load %s: %s", name,
			    strerror(-err));
	}
}

/* Make sure that @name is registered and fill @sched. */
static int need_sched(struct ctx *ctx, const char *name, struct sched *sched)
{
	int code = ctx_connect(ctx);
	char alias[64];
	int err;

	if (code)
		return code;
	err = try_sched(ctx, name, sched);
	if (!err)
		return EXIT_DONE;
	if (err != -ENOENT)
		return fail_nl(ctx, err, name);
	if (!*name || strlen(name) >= VMSCHED_NAME_LEN)
		return fail_no_sched(name);
	snprintf(alias, sizeof(alias), "vmsched-sched-%s", name);
	err = module_load_alias(alias);
	if (err == -ENOENT)
		return fail_no_sched(name);
	if (err)
		return fail_load(name, err);
	err = try_sched(ctx, name, sched);
	if (err == -ENOENT)
		return fail(EXIT_REFUSED,
			    "the module for %s is loaded, but registered no scheduler of that name; see dmesg",
			    name);
	return err ? fail_nl(ctx, err, name) : EXIT_DONE;
}

/* Print the schedulers that the module provides. */
static int print_of_module(struct ctx *ctx, const char *module)
{
	struct list list = { .model = &sched_model };
	const struct sched *sched = NULL;
	int err, code = EXIT_DONE;
	bool found = false;

	err = conn_dump(ctx->nl, VMSCHED_CMD_SCHED_GET, NULL, NULL, &list);
	if (err)
		code = fail_nl(ctx, err, module);
	while ((sched = list_next(&list, sched))) {
		if (err || found || strcmp(sched->module, module))
			continue;
		found = true;
		if (ctx->json)
			code = print_sched(ctx, sched);
	}
	if (!err && !found)
		code = fail(EXIT_REFUSED,
			    "module %s is loaded, but registered no scheduler",
			    module);
	list_clear(&list);
	return code;
}

static int load_file(struct ctx *ctx, const char *path)
{
	char module[64] = "";
	int code = ctx_connect(ctx);
	int err;

	if (code)
		return code;
	err = module_load_file(path, module, sizeof(module));
	if (err)
		return fail_load(path, err);
	return print_of_module(ctx, module);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);

	return len >= strlen(end) && !strcmp(text + len - strlen(end), end);
}

static int cmd_load(struct ctx *ctx, int argc, char **argv)
{
	struct sched sched = { 0 };
	int code;

	if (argc != 1)
		return fail_usage(ctx, "give one scheduler");
	if (strchr(argv[0], '/') || ends_with(argv[0], ".ko") ||
	    strstr(argv[0], ".ko."))
		return load_file(ctx, argv[0]);
	code = need_sched(ctx, argv[0], &sched);
	if (!code && ctx->json)
		code = print_sched(ctx, &sched);
	model_clear(&sched_model, &sched);
	return code;
}

/* --- Unloading --- */

static int fail_in_use(struct ctx *ctx, const struct sched *sched)
{
	struct list pools = { .model = &pool_model };
	const struct pool *pool = NULL;
	int code = list_pools(ctx, &pools);

	if (code)
		return code;
	while ((pool = list_next(&pools, pool))) {
		if (strcmp(pool->scheduler, sched->name))
			continue;
		code = fail(EXIT_REFUSED,
			    "%s is active in pool %s; first: vmschedctl sched switch native pool %s",
			    sched->name, pool->name, pool->name);
		break;
	}
	if (!code)
		code = fail(EXIT_REFUSED,
			    "module %s is in use, try again in a moment or see lsmod",
			    sched->module);
	list_clear(&pools);
	return code;
}

static int unload_sched(struct ctx *ctx, const struct sched *sched)
{
	int err;

	if (!strcmp(sched->module, BUILT_IN))
		return fail(EXIT_REFUSED,
			    "%s is built into %s.ko and cannot be unloaded",
			    sched->name, BUILT_IN);
	err = module_unload(sched->module);
	if (err == -EBUSY)
		return fail_in_use(ctx, sched);
	if (err == -EPERM || err == -EACCES)
		return fail(EXIT_NO_PERMISSION,
			    "cannot unload %s: no permission, needs CAP_SYS_MODULE",
			    sched->module);
	if (err)
		return fail(EXIT_REFUSED, "cannot unload %s: %s",
			    sched->module, strerror(-err));
	return ctx->json ? json_print_unload(ctx->pretty, sched->name,
					     sched->module) : EXIT_DONE;
}

static int cmd_unload(struct ctx *ctx, int argc, char **argv)
{
	struct sched sched = { 0 };
	int code;

	if (argc != 1)
		return fail_usage(ctx, "give one scheduler");
	code = get_sched(ctx, argv[0], &sched);
	if (!code)
		code = unload_sched(ctx, &sched);
	model_clear(&sched_model, &sched);
	return code;
}

/* --- Switching --- */

enum {
	KEY_POOL, KEY_ACTIVATE, KEY_CEASE_TIMEOUT, KEY_CONSOLE_TIMEOUT,
	KEY_ON_CONSOLE_TIMEOUT, N_KEYS
};

static const char *const switch_words[N_KEYS + 1] = {
	[KEY_POOL] = "pool",
	[KEY_ACTIVATE] = "activate",
	[KEY_CEASE_TIMEOUT] = "cease-timeout",
	[KEY_CONSOLE_TIMEOUT] = "console-timeout",
	[KEY_ON_CONSOLE_TIMEOUT] = "on-console-timeout",
};

static const char *const previous_words[] = { "pool", NULL };

static int do_switch(struct ctx *ctx, const struct switch_info *want)
{
	struct switch_info done = { 0 };
	int code = ctx_connect(ctx);
	char what[128];
	int err;

	if (code)
		return code;
	snprintf(what, sizeof(what), "switch of pool %s to %s",
		 want->pool ?: DEFAULT_POOL, want->to ?: "the previous one");
	err = conn_call(ctx->nl, VMSCHED_CMD_SCHED_SWITCH, &switch_model, want,
			&switch_model, &done);
	if (err)
		code = fail_nl(ctx, err, what);
	else if (ctx->json)
		code = json_print_object(ctx->pretty, &switch_model, &done);
	else
		print_switch(&done);
	model_clear(&switch_model, &done);
	return code;
}

static void want_pool(struct switch_info *want, const char *pool)
{
	if (!pool)
		return;
	want->pool = (char *)pool;
	want->have |= MODEL_BIT(VMSCHED_A_SWITCH_POOL);
}

static int take_console(const struct ctx *ctx, const char **values,
			struct switch_info *want)
{
	int word;

	if (values[KEY_ON_CONSOLE_TIMEOUT]) {
		word = match_word(ctx, values[KEY_ON_CONSOLE_TIMEOUT],
				  "action", on_console_timeout_words);
		if (word < 0)
			return EXIT_USAGE;
		want->on_console_timeout = word;
		want->have |= MODEL_BIT(VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT);
	}
	if (!values[KEY_CONSOLE_TIMEOUT])
		return EXIT_DONE;
	want->have |= MODEL_BIT(VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS);
	return take_u32(ctx, "console-timeout", values[KEY_CONSOLE_TIMEOUT], 1,
			1000, &want->console_timeout_ms);
}

static int take_switch(const struct ctx *ctx, const char **values,
		       struct switch_info *want)
{
	int word, code = EXIT_DONE;

	want_pool(want, values[KEY_POOL]);
	if (values[KEY_ACTIVATE]) {
		word = match_word(ctx, values[KEY_ACTIVATE], "way of activation",
				  activate_words);
		if (word < 0)
			return EXIT_USAGE;
		want->activate = word;
		want->have |= MODEL_BIT(VMSCHED_A_SWITCH_ACTIVATE);
	}
	if (values[KEY_CEASE_TIMEOUT]) {
		code = take_u32(ctx, "cease-timeout",
				values[KEY_CEASE_TIMEOUT], 1, 10000,
				&want->cease_timeout_ms);
		want->have |= MODEL_BIT(VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS);
	}
	return code ?: take_console(ctx, values, want);
}

static int cmd_switch(struct ctx *ctx, int argc, char **argv)
{
	const char *values[N_KEYS] = { NULL };
	struct switch_info want = { 0 };
	struct sched sched = { 0 };
	int code;

	if (!argc)
		return fail_usage(ctx, "no scheduler is given");
	code = take_pairs(ctx, argc - 1, argv + 1, switch_words, values);
	if (!code)
		code = take_switch(ctx, values, &want);
	if (!code)
		code = need_sched(ctx, argv[0], &sched);
	if (!code) {
		want.to = argv[0];
		want.have |= MODEL_BIT(VMSCHED_A_SWITCH_TO);
		code = do_switch(ctx, &want);
	}
	model_clear(&sched_model, &sched);
	return code;
}

static int cmd_previous(struct ctx *ctx, int argc, char **argv)
{
	const char *values[1] = { NULL };
	struct switch_info want = { 0 };
	int code;

	code = take_pairs(ctx, argc, argv, previous_words, values);
	if (code)
		return code;
	want_pool(&want, values[0]);
	return do_switch(ctx, &want);
}

const struct command sched_commands[] = {
	{ "list", "sched list", "registered schedulers", cmd_list },
	{ "show", "sched show NAME", "one of them", cmd_show },
	{ "load", "sched load NAME|FILE.ko",
	  "load the module of a scheduler, without using it", cmd_load },
	{ "unload", "sched unload NAME",
	  "unload the module of a scheduler that no pool uses", cmd_unload },
	{ "switch",
	  "sched switch NAME [pool P] [activate id|table|patch] [cease-timeout MS] [on-console-timeout go-on|give-up] [console-timeout MS]",
	  "make it the active scheduler while the VMs run; loads it if needed",
	  cmd_switch },
	{ "previous", "sched previous [pool P]",
	  "back to the one before", cmd_previous },
	{ }
};
