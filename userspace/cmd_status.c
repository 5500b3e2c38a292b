// SPDX-License-Identifier: GPL-2.0
/* The object "status": module, pools, last switch, last fault. */
#include "cmd.h"
#include "json.h"
#include "print.h"

static int show(struct ctx *ctx, const struct status *status)
{
	struct list pools = { .model = &pool_model };
	int code = list_pools(ctx, &pools);

	if (!code && ctx->json)
		code = json_print_status(ctx->pretty, status, &pools);
	else if (!code)
		print_status(status, &pools);
	list_clear(&pools);
	return code;
}

static int cmd_status(struct ctx *ctx, int argc, char **argv)
{
	struct status status = { 0 };
	int code, err;

	if (argc)
		return fail_usage(ctx, "unknown word \"%s\"", argv[0]);
	code = ctx_connect(ctx);
	if (code)
		return code;
	err = conn_call(ctx->nl, VMSCHED_CMD_STATUS_GET, NULL, NULL,
			&status_model, &status);
	code = err ? fail_nl(ctx, err, NULL) : show(ctx, &status);
	model_clear(&status_model, &status);
	return code;
}

const struct command status_commands[] = {
	{ NULL, "status",
	  "module, pools with their scheduler, last switch, last fault",
	  cmd_status },
	{ }
};
