/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the console agent share; see console.h and console.c. */
#ifndef VMSCHEDCTL_AGENT_H
#define VMSCHEDCTL_AGENT_H

#include <stdbool.h>

#include "bytes.h"
#include "console.h"
#include "terminal.h"

/* The console of a VM */
struct console {
	struct console *next;
	struct vm vm;
	int fd;			/* -1: not connected */
	bool quiet;		/* all that it printed before the cease is taken */
	struct bytes typed;
	struct bytes printed;	/* while it is not shown */
};

struct agent {
	struct ctx *ctx;
	const struct console_options *options;
	struct listener *listener;
	struct terminal term;
	struct console *consoles;
	struct console *shown;	/* NULL if the pool has no owner */
	struct bytes out;
	__u32 cease;		/* announcement in force, 0 for none */
	bool owes;		/* and not acknowledged */
	bool lost;		/* an event; so all must be asked anew */
	bool no_input;		/* it has ended */
	bool ending;
	__u64 end_ns;		/* at the latest */
	__u64 retry_ns;
	int code;
};

__u64 agent_now_ns(void);
/* Say goodbye as soon as what was typed has reached the VMs. */
void agent_end(struct agent *a, int code);
/* End it if @err is -ENOMEM. */
void agent_check_memory(struct agent *a, int err);
/* A line of its own among what the VMs print. */
__printf(2, 3) void agent_say(struct agent *a, const char *fmt, ...);

/* consoles.c: those of the VMs */
struct console *console_find(struct agent *a, __u64 id);
void console_free(struct console *c);
void console_connect(struct agent *a);
void console_retry(struct agent *a);
void console_forget_lost(struct agent *a);
bool console_has_room(struct agent *a, struct console *c);
void console_take_printed(struct agent *a, struct console *c);
void console_show_printed(struct agent *a, struct console *c);
void console_give_typed(struct agent *a, struct console *c);

#endif /* VMSCHEDCTL_AGENT_H */
