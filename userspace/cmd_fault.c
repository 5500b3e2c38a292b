// SPDX-License-Identifier: GPL-2.0
/*
 * The object "fault": schedulers that were thrown out because of what they did;
 * and "sched evict", which throws one out.
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "output.h"

#define DEFAULT_POOL	"default"

static const struct column columns[] = {
	{ "POOL", VMSCHED_A_FAULT_POOL },
	{ "SCHEDULER", VMSCHED_A_FAULT_SCHEDULER },
	{ "KIND", VMSCHED_A_FAULT_KIND },
	{ "TO", VMSCHED_A_FAULT_TO },
	{ "BYPASS", VMSCHED_A_FAULT_BYPASS_NS },
	{ "MESSAGE", VMSCHED_A_FAULT_MESSAGE },
	{ }
};

static int cmd_list(struct ctx *ctx, int argc, char **argv)
{
	return output_all(ctx, argc, argv, VMSCHED_CMD_FAULT_GET, &fault_model,
			  columns);
}

static int cmd_show(struct ctx *ctx, int argc, char **argv)
{
	struct fault want = { 0 }, fault = { 0 };
	int code, err;

	if (argc > 1)
		return fail_usage(ctx, "unknown word \"%s\"", argv[1]);
	code = ctx_connect(ctx);
	if (code)
		return code;
	want.pool = argc ? argv[0] : (char *)DEFAULT_POOL;
	want.have = MODEL_BIT(VMSCHED_A_FAULT_POOL);
	err = conn_call(ctx->nl, VMSCHED_CMD_FAULT_GET, &fault_model, &want,
			&fault_model, &fault);
	if (err)
		code = fail_nl(ctx, err, want.pool);
	else if (!ctx->json && !fault.count)
		printf("no scheduler was thrown out of pool %s\n", fault.pool);
	else
		code = output_object(ctx, &fault_model, &fault);
	model_clear(&fault_model, &fault);
	return code;
}

const struct command fault_commands[] = {
	{ "list", "fault list", "the last one of each pool", cmd_list },
	{ "show", "fault show [POOL]",
	  "one of them, with where it happened and what the pool was doing",
	  cmd_show },
	{ }
};

static const char *const evict_words[] = { "pool", "why", NULL };

int cmd_evict(struct ctx *ctx, int argc, char **argv)
{
	const char *values[2] = { NULL };
	struct fault want = { 0 };
	char what[64];
	int code, err;

	code = take_pairs(ctx, argc, argv, evict_words, values);
	if (!code)
		code = ctx_connect(ctx);
	if (code)
		return code;
	want.pool = (char *)(values[0] ?: DEFAULT_POOL);
	want.have = MODEL_BIT(VMSCHED_A_FAULT_POOL);
	if (values[1]) {
		want.message = (char *)values[1];
		want.have |= MODEL_BIT(VMSCHED_A_FAULT_MESSAGE);
	}
	err = conn_call(ctx->nl, VMSCHED_CMD_SCHED_EVICT, &fault_model, &want,
			NULL, NULL);
	snprintf(what, sizeof(what), "pool %s", want.pool);
	return err ? fail_nl(ctx, err, what) : EXIT_DONE;
}
