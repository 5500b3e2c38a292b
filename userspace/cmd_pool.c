// SPDX-License-Identifier: GPL-2.0
/* The object "pool": sets of pCPUs with a scheduler each. */
#include "output.h"

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
	return list_objects(ctx, VMSCHED_CMD_POOL_GET, NULL, NULL, pools);
}

static int cmd_list(struct ctx *ctx, int argc, char **argv)
{
	return output_all(ctx, argc, argv, VMSCHED_CMD_POOL_GET, &pool_model,
			  columns);
}

const struct command pool_commands[] = {
	{ "list", "pool list", "all pools", cmd_list },
	{ }
};
