// SPDX-License-Identifier: GPL-2.0
/* The object "vm": which VMs there are, what they used, their parameters. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "text.h"
#include "vmname.h"

#define DIGITS "0123456789"

static const struct column columns[] = {
	{ "ID", VMSCHED_A_VM_ID },
	{ "NAME", 0 },
	{ "PID", VMSCHED_A_VM_PID },
	{ "POOL", VMSCHED_A_VM_POOL },
	{ "VCPUS", VMSCHED_A_VM_VCPUS },
	{ "WEIGHT", VMSCHED_A_PARAMS_WEIGHT, true },
	{ "CAP", VMSCHED_A_PARAMS_CAP, true },
	{ "CRITICAL", VMSCHED_A_PARAMS_TIME_CRITICAL, true },
	{ "RUN", VMSCHED_A_VM_RUN_NS },
	{ "GUEST", VMSCHED_A_VM_GUEST_NS },
	{ "WAIT", VMSCHED_A_VM_WAIT_NS },
	{ "SWITCHES", VMSCHED_A_VM_SWITCHES },
	{ }
};

static int name_vm(struct vm *vm)
{
	if (!vm->name)
		vm->name = vm_name(vm->pid, vm->comm);
	return vm->name ? EXIT_DONE : fail(EXIT_REFUSED, "out of memory");
}

int list_vms(struct ctx *ctx, struct list *vms)
{
	int code = list_objects(ctx, VMSCHED_CMD_VM_GET, NULL, NULL, vms);
	struct vm *vm = NULL;

	while (!code && (vm = list_next(vms, vm)))
		code = name_vm(vm);
	return code;
}

/* --- Which one is meant --- */

static int get_vm(struct ctx *ctx, __u64 id, struct vm *vm)
{
	struct vm want = { .have = MODEL_BIT(VMSCHED_A_VM_ID), .id = id };
	char what[32];
	int err;

	snprintf(what, sizeof(what), "VM %llu", id);
	err = conn_call(ctx->nl, VMSCHED_CMD_VM_GET, &vm_model, &want,
			&vm_model, vm);
	return err ? fail_nl(ctx, err, what) : name_vm(vm);
}

static bool same_name(const struct vm *vm, const char *name,
		      const char *escaped)
{
	return !strcmp(vm->name, name) || !strcmp(vm->name, escaped);
}

static int fail_ambiguous(const struct list *vms, const char *arg,
			  const bool *match)
{
	const struct vm *vm = NULL;
	char text[256] = "";
	size_t used = 0;

	while ((vm = list_next(vms, vm))) {
		if (!match[vm - (struct vm *)vms->items] ||
		    used >= sizeof(text))
			continue;
		used += snprintf(text + used, sizeof(text) - used,
				 "%s%llu (pid %u, %s)", used ? ", " : "",
				 vm->id, vm->pid, vm->name);
	}
	return fail(EXIT_REFUSED, "VM \"%s\" may be any of the ids %s", arg,
		    text);
}

/* The id of the one VM with that pid, or if @name is not NULL that name. */
static int search_vm(const struct list *vms, const char *arg, __u32 pid,
		     const char *name, __u64 *id)
{
	char *escaped = name ? text_escape(name, strlen(name)) : NULL;
	bool *match = calloc(vms->n + 1, sizeof(*match));
	const struct vm *vm = NULL;
	int found = 0;
	size_t i = 0;
	int code;

	while ((vm = list_next(vms, vm))) {
		if (!match || (name && !escaped))
			break;
		match[i] = name ? same_name(vm, name, escaped) :
			   vm->pid == pid;
		if (match[i++]) {
			*id = vm->id;
			found++;
		}
	}
	if (found > 1)
		code = fail_ambiguous(vms, arg, match);
	else
		code = found ? EXIT_DONE :
		       fail(EXIT_NO_OBJECT,
			    "no VM \"%s\", see vmschedctl vm list", arg);
	free(escaped);
	free(match);
	return code;
}

static int take_id(const struct ctx *ctx, const char *arg, const char *digits,
		   __u64 max, __u64 *id)
{
	if (!*digits || digits[strspn(digits, DIGITS)])
		return fail_usage(ctx, "\"%s\" is not a number", arg);
	errno = 0;
	*id = strtoull(digits, NULL, 10);
	/* Too big for any VM there can be. */
	if (errno || *id > max)
		return fail(EXIT_NO_OBJECT,
			    "no VM \"%s\", see vmschedctl vm list", arg);
	return EXIT_DONE;
}

int find_vm(struct ctx *ctx, const char *arg, struct vm *vm)
{
	struct list vms = { .model = &vm_model };
	const char *name = NULL;
	__u64 pid = 0;
	__u64 id = 0;
	int code;

	if (*arg && !arg[strspn(arg, DIGITS)]) {
		code = take_id(ctx, arg, arg, -1, &id);
		code = code ?: ctx_connect(ctx);
		return code ?: get_vm(ctx, id, vm);
	}
	if (!strncmp(arg, "pid:", 4)) {
		code = take_id(ctx, arg, arg + 4, (__u32)-1, &pid);
		if (code)
			return code;
	} else {
		name = strncmp(arg, "name:", 5) ? arg : arg + 5;
	}
	code = list_vms(ctx, &vms);
	if (!code)
		code = search_vm(&vms, arg, pid, name, &id);
	list_clear(&vms);
	return code ?: get_vm(ctx, id, vm);
}

/* --- Commands --- */

static int cmd_list(struct ctx *ctx, int argc, char **argv)
{
	struct list vms = { .model = &vm_model };
	int code;

	if (argc)
		return fail_usage(ctx, "unknown word \"%s\"", argv[0]);
	code = list_vms(ctx, &vms);
	if (!code)
		code = output_list(ctx, &vms, columns);
	list_clear(&vms);
	return code;
}

static int cmd_show(struct ctx *ctx, int argc, char **argv)
{
	struct vm vm = { 0 };
	int code;

	if (argc != 1)
		return fail_usage(ctx, "give one VM");
	code = find_vm(ctx, argv[0], &vm);
	if (!code)
		code = output_object(ctx, &vm_model, &vm);
	model_clear(&vm_model, &vm);
	return code;
}

static int set_vm(struct ctx *ctx, const struct vm *vm, struct vm *want)
{
	struct vm now = { 0 };
	char what[320];
	int code, err;

	want->id = vm->id;
	want->have |= MODEL_BIT(VMSCHED_A_VM_ID);
	if (want->params.have)
		want->have |= MODEL_BIT(VMSCHED_A_VM_PARAMS);
	snprintf(what, sizeof(what), "VM %llu (%s)", vm->id, vm->name);
	err = conn_call(ctx->nl, VMSCHED_CMD_VM_SET, &vm_model, want, NULL,
			NULL);
	if (err)
		return fail_nl(ctx, err, what);
	if (!ctx->json)
		return EXIT_DONE;
	code = get_vm(ctx, vm->id, &now);
	if (!code)
		code = output_object(ctx, &vm_model, &now);
	model_clear(&vm_model, &now);
	return code;
}

static int cmd_set(struct ctx *ctx, int argc, char **argv)
{
	const char *pool = NULL;
	struct vm want = { 0 };
	struct vm vm = { 0 };
	int code;

	if (!argc)
		return fail_usage(ctx, "no VM is given");
	code = take_params(ctx, argc - 1, argv + 1, &want.params, &pool);
	if (!code && pool) {
		want.pool = strdup(pool);
		want.have |= MODEL_BIT(VMSCHED_A_VM_POOL);
		if (!want.pool)
			code = fail(EXIT_REFUSED, "out of memory");
	}
	if (!code)
		code = find_vm(ctx, argv[0], &vm);
	if (!code)
		code = set_vm(ctx, &vm, &want);
	model_clear(&vm_model, &want);
	model_clear(&vm_model, &vm);
	return code;
}

const struct command vm_commands[] = {
	{ "list", "vm list", "all VMs", cmd_list },
	{ "show", "vm show VM",
	  "one VM; VM is its id, pid:N or its name", cmd_show },
	{ "set", "vm set VM KEY VALUE...",
	  "keys: weight 1..10000 (100 is one share), cap and reservation in percent of one\n"
	  "        pCPU, period, budget, slice, warp, warp-limit, unwarp in us, affinity LIST or\n"
	  "        all, time-critical on or off, pool NAME",
	  cmd_set },
	{ }
};
