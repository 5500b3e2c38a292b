// SPDX-License-Identifier: GPL-2.0
/*
 * The object "request": ask the active scheduler for something on behalf of a
 * VM, and print the feedback. One that was understood and not handled is
 * answered as well, with a status of its own.
 */
#include <stdio.h>

#include "output.h"

static int show(struct ctx *ctx, const struct request *answer)
{
	int code = output_object(ctx, &request_model, answer);

	return code ?: answer->handled ? EXIT_DONE : EXIT_REFUSED;
}

static int ask(struct ctx *ctx, const char *arg, struct request *want)
{
	struct request answer = { 0 };
	struct vm vm = { 0 };
	char what[320];
	int code, err;

	code = find_vm(ctx, arg, &vm);
	if (!code) {
		want->vm_id = vm.id;
		want->have |= MODEL_BIT(VMSCHED_A_REQUEST_KIND) |
			      MODEL_BIT(VMSCHED_A_REQUEST_VM_ID);
		snprintf(what, sizeof(what), "VM %llu (%s)", vm.id, vm.name);
		err = conn_call(ctx->nl, VMSCHED_CMD_REQUEST, &request_model,
				want, &request_model, &answer);
		code = err ? fail_nl(ctx, err, what) : show(ctx, &answer);
	}
	model_clear(&request_model, &answer);
	model_clear(&vm_model, &vm);
	return code;
}

static int cmd_yield(struct ctx *ctx, int argc, char **argv)
{
	struct request want = { .kind = VMSCHED_REQUEST_KIND_YIELD };

	return argc == 1 ? ask(ctx, argv[0], &want) :
			   fail_usage(ctx, "give one VM");
}

int cmd_request_owner(struct ctx *ctx, int argc, char **argv)
{
	struct request want = { .kind = VMSCHED_REQUEST_KIND_OWNER };

	return argc == 1 ? ask(ctx, argv[0], &want) :
			   fail_usage(ctx, "give one VM");
}

static int cmd_prio(struct ctx *ctx, int argc, char **argv)
{
	static const char *const words[] = { "weight", NULL };
	struct request want = { .kind = VMSCHED_REQUEST_KIND_PRIO };
	const char *weight = NULL;
	int code;

	if (!argc)
		return fail_usage(ctx, "no VM is given");
	code = take_pairs(ctx, argc - 1, argv + 1, words, &weight);
	if (!code && weight) {
		want.have |= MODEL_BIT(VMSCHED_A_REQUEST_WEIGHT);
		code = take_u32(ctx, "weight", weight, 1, 10000, &want.weight);
	}
	return code ?: ask(ctx, argv[0], &want);
}

const struct command request_commands[] = {
	{ "yield", "request yield VM",
	  "the vCPUs of VM give up the pCPUs that they hold", cmd_yield },
	{ "owner", "request owner VM",
	  "VM owns the console of its pool; where its vCPUs wait, they come next, once",
	  cmd_request_owner },
	{ "prio", "request prio VM [weight W]",
	  "the weight of VM is W; without it, ask for weight and share", cmd_prio },
	{ }
};
