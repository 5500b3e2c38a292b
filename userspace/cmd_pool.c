// SPDX-License-Identifier: GPL-2.0
/* The object "pool": sets of pCPUs with a scheduler each. */
#include "cmd.h"
#include "json.h"
#include "print.h"

static const struct column columns[] = {
	{ "NAME", VMSCHED_A_POOL_NAME },
	{ "CPUS", VMSCHED_A_POOL_CPUS },
	{ "SCHEDULER", VMSCHED_A_POOL_SCHEDULER },
	{ "PREVIOUS", VMSCHED_A_POOL_PREVIOUS },
	{ "ACTIVATE", VMSCHED_A_POOL_ACTIVATE },
	{ "VMS", VMSCHED_A_POOL_VMS },
	{ "VCPUS", VMSCHED_A_POOL_VCPUS },
	{ "SWITCHES", VMSCHED_A_POOL_SWITCHES },
	{ "FAILED", VMSCHED_A_POOL_FAILED_SWITCHES },
	{ "CEASE", VMSCHED_A_POOL_CEASE_NS },
	{ "BLACKOUT", VMSCHED_A_POOL_BLACKOUT_NS },
	{ "CONSOLE", VMSCHED_A_POOL_CONSOLE_OWNER },
	{ }
};

int list_pools(struct ctx *ctx, struct list *pools)
{
	int code = ctx_connect(ctx);
	int err;

	if (code)
		return code;
	err = conn_dump(ctx->nl, VMSCHED_CMD_POOL_GET, NULL, NULL, pools);
	return err ? fail_nl(ctx, err, NULL) : EXIT_DONE;
}

static int cmd_list(struct ctx *ctx, int argc, char **argv)
{
	struct list pools = { .model = &pool_model };
	int code;

	if (argc)
		return fail_usage(ctx, "unknown word \"%s\"", argv[0]);
	code = list_pools(ctx, &pools);
	if (!code)
		code = ctx->json ? json_print_list(ctx->pretty, &pools) :
		       print_list(&pools, columns);
	list_clear(&pools);
	return code;
}

const struct command pool_commands[] = {
	{ "list", "pool list", "all pools", cmd_list },
	{ }
};
