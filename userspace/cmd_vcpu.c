// SPDX-License-Identifier: GPL-2.0
/* The object "vcpu": what each vCPU does, and parameters of its own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

static const struct column columns[] = {
	{ "VM", VMSCHED_A_VCPU_VM_ID },
	{ "INDEX", VMSCHED_A_VCPU_INDEX },
	{ "TID", VMSCHED_A_VCPU_TID },
	{ "STATE", VMSCHED_A_VCPU_STATE },
	{ "CPU", VMSCHED_A_VCPU_CPU },
	{ "MASK", VMSCHED_A_VCPU_MASK },
	{ "WEIGHT", VMSCHED_A_PARAMS_WEIGHT, true },
	{ "RUN", VMSCHED_A_VCPU_RUN_NS },
	{ "GUEST", VMSCHED_A_VCPU_GUEST_NS },
	{ "WAIT", VMSCHED_A_VCPU_WAIT_NS },
	{ "SWITCHES", VMSCHED_A_VCPU_SWITCHES },
	{ "MIGRATIONS", VMSCHED_A_VCPU_MIGRATIONS },
	{ }
};

/* All vCPUs, or those of @vm if it is not NULL. */
static int list_vcpus(struct ctx *ctx, const struct vm *vm, struct list *vcpus)
{
	struct vcpu want = { .have = MODEL_BIT(VMSCHED_A_VCPU_VM_ID) };

	if (!vm)
		return list_objects(ctx, VMSCHED_CMD_VCPU_GET, NULL, NULL, vcpus);
	want.vm_id = vm->id;
	return list_objects(ctx, VMSCHED_CMD_VCPU_GET, &want, vm->name, vcpus);
}

static int cmd_list(struct ctx *ctx, int argc, char **argv)
{
	struct list vcpus = { .model = &vcpu_model };
	struct vm vm = { 0 };
	int code = EXIT_DONE;

	if (argc > 1)
		return fail_usage(ctx, "unknown word \"%s\"", argv[1]);
	if (argc)
		code = find_vm(ctx, argv[0], &vm);
	if (!code)
		code = list_vcpus(ctx, argc ? &vm : NULL, &vcpus);
	if (!code)
		code = output_list(ctx, &vcpus, columns);
	list_clear(&vcpus);
	model_clear(&vm_model, &vm);
	return code;
}

/* Print the vCPU as it is after it was set. */
static int print_vcpu(struct ctx *ctx, const struct vm *vm, __u32 index)
{
	struct list vcpus = { .model = &vcpu_model };
	const struct vcpu *vcpu = NULL;
	int code = list_vcpus(ctx, vm, &vcpus);

	if (!code) {
		code = EXIT_NO_OBJECT;
		while ((vcpu = list_next(&vcpus, vcpu)))
			if (vcpu->index == index)
				code = output_object(ctx, &vcpu_model, vcpu);
		if (code == EXIT_NO_OBJECT)
			fail(code, "vCPU %s/%u is gone", vm->name, index);
	}
	list_clear(&vcpus);
	return code;
}

static int set_vcpu(struct ctx *ctx, const struct vm *vm, struct vcpu *want)
{
	char what[320];
	int err;

	want->vm_id = vm->id;
	want->have = MODEL_BIT(VMSCHED_A_VCPU_VM_ID) |
		     MODEL_BIT(VMSCHED_A_VCPU_INDEX) |
		     MODEL_BIT(VMSCHED_A_VCPU_PARAMS);
	snprintf(what, sizeof(what), "vCPU %llu/%u (%s)", vm->id, want->index,
		 vm->name);
	err = conn_call(ctx->nl, VMSCHED_CMD_VCPU_SET, &vcpu_model, want, NULL,
			NULL);
	if (err)
		return fail_nl(ctx, err, what);
	return ctx->json ? print_vcpu(ctx, vm, want->index) : EXIT_DONE;
}

static int cmd_set(struct ctx *ctx, int argc, char **argv)
{
	struct vcpu want = { 0 };
	struct vm vm = { 0 };
	char *slash;
	int code;

	slash = argc ? strrchr(argv[0], '/') : NULL;
	if (!slash)
		return fail_usage(ctx, "no VM/N is given");
	code = take_u32(ctx, "index", slash + 1, 0, (__u32)-1, &want.index);
	if (!code)
		code = take_params(ctx, argc - 1, argv + 1, &want.params,
				   NULL);
	*slash = '\0';
	if (!code)
		code = find_vm(ctx, argv[0], &vm);
	if (!code)
		code = set_vcpu(ctx, &vm, &want);
	model_clear(&vcpu_model, &want);
	model_clear(&vm_model, &vm);
	return code;
}

const struct command vcpu_commands[] = {
	{ "list", "vcpu list [VM]", "all vCPUs, or those of a VM", cmd_list },
	{ "set", "vcpu set VM/N KEY VALUE...",
	  "set parameters of vCPU N, which then count before its VM's; the keys are those\n"
	  "        of vm set, without pool",
	  cmd_set },
	{ }
};
