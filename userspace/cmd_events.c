// SPDX-License-Identifier: GPL-2.0
/*
 * The object "events": one line for each thing that happens, as it happens,
 * with the monotonic time at which it was read.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "cmd.h"
#include "json.h"
#include "print.h"
#include "vmname.h"

static int show(const struct event *event, void *arg)
{
	const struct ctx *ctx = arg;
	struct timespec now;
	struct vm *vm;
	__u64 time_ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	time_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	if (event->model == &vm_model) {
		vm = event->obj;
		vm->name = vm_name(vm->pid, vm->comm);
	}
	if (ctx->json)
		json_print_event(time_ns, event);
	else
		print_event(time_ns, event);
	/* A reader that is gone ends it. */
	return fflush(stdout) ? -EPIPE : 0;
}

static int cmd_events(struct ctx *ctx, int argc, char **argv)
{
	int code, err;

	if (argc)
		return fail_usage(ctx, "unknown word \"%s\"", argv[0]);
	code = ctx_connect(ctx);
	if (code)
		return code;
	err = conn_events(ctx->nl, show, ctx);
	if (err == -ENODEV)
		return fail(EXIT_NO_MODULE, "vmsched was unloaded");
	return fail_nl(ctx, err, "events");
}

const struct command events_commands[] = {
	{ NULL, "events",
	  "switch, vm-add, vm-del, sched-add, sched-del; lost: some were lost",
	  cmd_events },
	{ }
};
