// SPDX-License-Identifier: GPL-2.0
/* The object "pool": sets of pCPUs with a scheduler each. */
#include <stdio.h>

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

static int cmd_show(struct ctx *ctx, int argc, char **argv)
{
	struct pool want = { .have = MODEL_BIT(VMSCHED_A_POOL_NAME) };
	struct pool pool = { 0 };
	char what[64];
	int code, err;

	if (argc != 1)
		return fail_usage(ctx, "give one pool");
	code = ctx_connect(ctx);
	if (code)
		return code;
	want.name = argv[0];
	err = conn_call(ctx->nl, VMSCHED_CMD_POOL_GET, &pool_model, &want,
			&pool_model, &pool);
	snprintf(what, sizeof(what), "pool %.48s", argv[0]);
	code = err ? fail_nl(ctx, err, what) :
		     output_object(ctx, &pool_model, &pool);
	model_clear(&pool_model, &pool);
	return code;
}

static int change(struct ctx *ctx, __u8 cmd, char *name, char *cpus)
{
	struct pool want = { .have = MODEL_BIT(VMSCHED_A_POOL_NAME) };
	char what[64];
	int code, err;

	code = ctx_connect(ctx);
	if (code)
		return code;
	want.name = name;
	want.cpus = cpus;
	if (cpus)
		want.have |= MODEL_BIT(VMSCHED_A_POOL_CPUS);
	err = conn_call(ctx->nl, cmd, &pool_model, &want, NULL, NULL);
	snprintf(what, sizeof(what), "pool %.48s", name);
	return err ? fail_nl(ctx, err, what) : EXIT_DONE;
}

static int change_cpus(struct ctx *ctx, int argc, char **argv, __u8 cmd)
{
	static const char *const words[] = { "cpus", NULL };
	const char *cpus = NULL;
	int code;

	if (!argc)
		return fail_usage(ctx, "no pool is given");
	code = take_pairs(ctx, argc - 1, argv + 1, words, &cpus);
	if (!code && !cpus)
		code = fail_usage(ctx, "no cpus LIST is given");
	return code ?: change(ctx, cmd, argv[0], (char *)cpus);
}

static int cmd_add(struct ctx *ctx, int argc, char **argv)
{
	return change_cpus(ctx, argc, argv, VMSCHED_CMD_POOL_ADD);
}

static int cmd_set(struct ctx *ctx, int argc, char **argv)
{
	return change_cpus(ctx, argc, argv, VMSCHED_CMD_POOL_SET);
}

static int cmd_del(struct ctx *ctx, int argc, char **argv)
{
	if (argc != 1)
		return fail_usage(ctx, "give one pool");
	return change(ctx, VMSCHED_CMD_POOL_DEL, argv[0], NULL);
}

const struct command pool_commands[] = {
	{ "list", "pool list", "all pools", cmd_list },
	{ "show", "pool show NAME", "one pool", cmd_show },
	{ "add", "pool add NAME cpus LIST",
	  "a new pool, native, with pCPUs of the pool default", cmd_add },
	{ "set", "pool set NAME cpus LIST",
	  "its pCPUs from now on; others go back to the pool default", cmd_set },
	{ "del", "pool del NAME", "delete a pool without VMs", cmd_del },
	{ }
};
