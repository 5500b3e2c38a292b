// SPDX-License-Identifier: GPL-2.0
/*
 * The object "sched": registered schedulers, load and unload their modules. To
 * change the one that is active in a pool: cmd_switch.c.
 */
#include <string.h>

#include "cmd.h"
#include "json.h"
#include "loader.h"
#include "output.h"
#include "switch.h"

static const struct column columns[] = {
	{ "NAME", VMSCHED_A_SCHED_NAME },
	{ "MODULE", VMSCHED_A_SCHED_MODULE },
	{ "VERSION", VMSCHED_A_SCHED_VERSION },
	{ "USERS", VMSCHED_A_SCHED_USERS },
	{ "HONOURS", VMSCHED_A_SCHED_HONOURS },
	{ "DOES", VMSCHED_A_SCHED_DOC },
	{ }
};

static int cmd_list(struct ctx *ctx, int argc, char **argv)
{
	return output_all(ctx, argc, argv, VMSCHED_CMD_SCHED_GET, &sched_model,
			  columns);
}

static int cmd_show(struct ctx *ctx, int argc, char **argv)
{
	struct sched sched = { 0 };
	int code;

	if (argc != 1)
		return fail_usage(ctx, "give one scheduler");
	code = get_sched(ctx, argv[0], &sched);
	if (!code)
		code = output_object(ctx, &sched_model, &sched);
	model_clear(&sched_model, &sched);
	return code;
}

static int cmd_load(struct ctx *ctx, int argc, char **argv)
{
	struct sched sched = { 0 };
	int code;

	if (argc != 1)
		return fail_usage(ctx, "give one scheduler");
	code = loader_image(ctx, argv[0], &sched);
	if (!code && ctx->json)
		code = output_object(ctx, &sched_model, &sched);
	model_clear(&sched_model, &sched);
	return code;
}

static int cmd_unload(struct ctx *ctx, int argc, char **argv)
{
	bool force = argc == 2 && !strcmp(argv[1], "--force");
	struct sched sched = { 0 };
	int code;

	if (argc != 1 + force)
		return fail_usage(ctx, "give one scheduler");
	code = get_sched(ctx, argv[0], &sched);
	if (!code && force && !loader_is_built_in(&sched))
		code = switch_away(ctx, &sched);
	if (!code)
		code = loader_remove(ctx, &sched);
	if (!code && ctx->json)
		code = json_print_unload(ctx->pretty, sched.name, sched.module);
	model_clear(&sched_model, &sched);
	return code;
}

const struct command sched_commands[] = {
	{ "list", "sched list", "registered schedulers", cmd_list },
	{ "show", "sched show NAME", "one of them", cmd_show },
	{ "load", "sched load NAME|FILE.ko",
	  "load the module of a scheduler, without using it", cmd_load },
	{ "unload", "sched unload NAME [--force]",
	  "unload the module of a scheduler; with --force, of one that is active: the previous one is made active first, else native",
	  cmd_unload },
	{ "switch",
	  "sched switch NAME|FILE.ko [pool P] [activate id|table|patch] [old keep|unload-before|unload-after] [cease-timeout MS] [strict-cease] [on-console-timeout go-on|give-up] [console-timeout MS]",
	  "make it the active scheduler while the VMs run; loads it if needed",
	  cmd_switch },
	{ "previous", "sched previous [pool P]",
	  "back to the one before", cmd_previous },
	{ "evict", "sched evict [pool P] [why TEXT]",
	  "throw the active one out at once, as if it had failed", cmd_evict },
	{ }
};
