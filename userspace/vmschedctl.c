// SPDX-License-Identifier: GPL-2.0
/*
 * vmschedctl: control of vmsched, the VM scheduler layer on top of KVM.
 *
 * This file has the table of objects and reads the options. Each object has
 * a file cmd_*.c of its own with the table of its commands.
 */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>

#include "cmd.h"
#include "json.h"

static int cmd_version(struct ctx *ctx, int argc, char **argv)
{
	(void)argv;
	if (argc)
		return fail_usage(ctx, "version takes no words");
	if (ctx->json)
		return json_print_version(ctx->pretty, VERSION);
	printf("vmschedctl %s\n", VERSION);
	return EXIT_DONE;
}

static const struct command version_commands[] = {
	{ NULL, "version", "version of this program", cmd_version },
	{ }
};

static const struct command help_commands[] = {
	{ NULL, "help [OBJECT]", "list the commands", cmd_help },
	{ }
};

const struct object objects[] = {
	{ "status", "module, pools, last switch, last fault",
	  status_commands },
	{ "sched", "schedulers: load, change, unload", sched_commands },
	{ "vm", "virtual machines and their parameters", vm_commands },
	{ "vcpu", "virtual processors", vcpu_commands },
	{ "pool", "sets of processors with a scheduler each", pool_commands },
	{ "request", "ask for something on behalf of a VM", request_commands },
	{ "console", "the operator's terminal, and which VM has it",
	  console_commands },
	{ "fault", "schedulers that were thrown out", fault_commands },
	{ "events", "what happens, as it happens", events_commands },
	{ "record", "what VMs do, into a file", record_commands },
	{ "advise", "how it would go under other schedulers", advise_commands },
	{ "version", "version of this program", version_commands },
	{ "help", "list the commands of an object", help_commands },
	{ }
};

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ }
};

int main(int argc, char **argv)
{
	struct ctx ctx = { .form = "[-j] [-p] OBJECT COMMAND..." };
	int opt, code;

	setlocale(LC_CTYPE, "");
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "+jphV", options, NULL)) != -1) {
		switch (opt) {
		case 'j':
			ctx.json = true;
			break;
		case 'p':
			ctx.pretty = true;
			break;
		case 'h':
			return cmd_help(&ctx, 0, NULL);
		case 'V':
			return cmd_version(&ctx, 0, NULL);
		default:
			return fail_usage(&ctx, "unknown option %s",
					  argv[optind - 1]);
		}
	}
	code = run_command(&ctx, argc - optind, argv + optind);
	conn_close(ctx.nl);
	if (fflush(stdout) && code == EXIT_DONE)
		code = fail(EXIT_REFUSED, "cannot write the output: %m");
	return code;
}
