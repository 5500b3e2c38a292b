// SPDX-License-Identifier: GPL-2.0
/*
 * The object "events": one line for each thing that happens, as it happens,
 * with the monotonic time at which it was read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "json.h"
#include "print.h"
#include "vmname.h"

struct watch {
	struct ctx *ctx;
	struct list vms;	/* seen so far, for the names of those gone */
};

static struct vm *find_seen(struct watch *watch, __u64 id)
{
	struct vm *vm = NULL;

	while ((vm = list_next(&watch->vms, vm)))
		if (vm->id == id)
			return vm;
	return NULL;
}

/* A VMM on its way out has no command line any more: use the name it had. */
static void name_vm(struct watch *watch, const struct event *event)
{
	struct vm *seen, *vm = event->obj;

	seen = find_seen(watch, vm->id);
	if (!seen) {
		seen = list_add(&watch->vms);
		if (!seen)
			return;
		seen->id = vm->id;
		seen->name = vm_name(vm->pid, vm->comm);
	}
	vm->name = seen->name ? strdup(seen->name) : NULL;
	/* Ids are never used again, so nobody will ask for it. */
	if (event->cmd == VMSCHED_CMD_VM_DEL_NTF)
		list_remove(&watch->vms, seen);
}

static int show(const struct event *event, void *arg)
{
	struct watch *watch = arg;
	struct timespec now;
	__u64 time_ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	time_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	if (event->model == &vm_model)
		name_vm(watch, event);
	if (watch->ctx->json)
		json_print_event(time_ns, event);
	else
		print_event(time_ns, event);
	/* A reader that is gone ends it. */
	return fflush(stdout) ? -errno : 0;
}

static int cmd_events(struct ctx *ctx, int argc, char **argv)
{
	struct watch watch = { .ctx = ctx, .vms.model = &vm_model };
	int code, err;

	if (argc)
		return fail_usage(ctx, "unknown word \"%s\"", argv[0]);
	code = list_vms(ctx, &watch.vms);
	if (!code) {
		err = conn_events(ctx->nl, show, &watch);
		code = err == -ENODEV ?
		       fail(EXIT_NO_MODULE, "vmsched was unloaded") :
		       fail_nl(ctx, err, "events");
	}
	list_clear(&watch.vms);
	return code;
}

const struct command events_commands[] = {
	{ NULL, "events",
	  "switch, fault, owner, vm-add, vm-del, vm-set, sched-add, sched-del, pool-add,\n"
	  "        pool-set, pool-del; lost: some were lost",
	  cmd_events },
	{ }
};
