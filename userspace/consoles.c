// SPDX-License-Identifier: GPL-2.0
/*
 * The consoles of VMs that own, or have owned, the console of a pool: connect
 * to them, take what they print, give them what was typed for them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "vmconsole.h"
#include "vmname.h"

#define OUT_MAX (64 * 1024)
#define PRINTED_MAX (1024 * 1024)
#define RETRY_MS 1000	/* to connect to the owner's console once more */

static void close_console(struct console *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->quiet = true;
}

/* Where that goes which the console prints, NULL if there is no room. */
static struct bytes *sink(struct agent *a, struct console *c)
{
	if (c == a->shown)
		return a->out.len < OUT_MAX ? &a->out : NULL;
	return c->printed.len < PRINTED_MAX ? &c->printed : NULL;
}

void console_show_printed(struct agent *a, struct console *c)
{
	agent_check_memory(a, bytes_move(&a->out, &c->printed));
}

/* The VMM has closed it. */
static void lose_console(struct agent *a, struct console *c)
{
	close_console(c);
	a->retry_ns = agent_now_ns() + RETRY_MS * 1000000ULL;
	if (c != a->shown && !c->printed.len && !c->typed.len)
		return;
	agent_say(a, "%s (VM %llu) has closed its console", c->vm.name, c->vm.id);
	if (c->typed.len)
		agent_say(a, "%zu bytes that were typed for it are lost", c->typed.len);
	bytes_free(&c->typed);
	if (c == a->shown)
		return;
	if (c->printed.len)
		agent_say(a, "before, %s (VM %llu) had printed:", c->vm.name, c->vm.id);
	console_show_printed(a, c);
	if (a->shown)
		agent_say(a, "console of %s (VM %llu)", a->shown->vm.name,
			  a->shown->vm.id);
}

/* What it has printed, up to now and as far as there is room. */
void console_take_printed(struct agent *a, struct console *c)
{
	struct bytes *to;
	ssize_t got = 1;

	while (c->fd >= 0 && (to = sink(a, c))) {
		got = bytes_read(to, c->fd, OUT_MAX);
		if (got == -EAGAIN)
			c->quiet = true;
		if (got <= 0)
			break;
	}
	agent_check_memory(a, got);
	if (c->fd >= 0 && (!got || (got < 0 && got != -EAGAIN && got != -ENOMEM)))
		lose_console(a, c);
}

void console_give_typed(struct agent *a, struct console *c)
{
	int err;

	if (a->cease || c->fd < 0)
		return;
	err = bytes_write(&c->typed, c->fd);
	if (err && err != -EAGAIN)
		lose_console(a, c);
}

struct console *console_find(struct agent *a, __u64 id)
{
	struct vm want = { .have = MODEL_BIT(VMSCHED_A_VM_ID), .id = id };
	struct console *c;

	for (c = a->consoles; c; c = c->next)
		if (c->vm.id == id)
			return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->fd = -1;
	c->quiet = true;
	/* It may be gone by now, and is shown all the same. */
	conn_call(a->ctx->nl, VMSCHED_CMD_VM_GET, &vm_model, &want, &vm_model,
		  &c->vm);
	c->vm.id = id;
	c->vm.name = vm_name(c->vm.pid, c->vm.comm);
	c->next = a->consoles;
	a->consoles = c;
	return c->vm.name ? c : NULL;
}

void console_free(struct console *c)
{
	close_console(c);
	bytes_free(&c->typed);
	bytes_free(&c->printed);
	model_clear(&vm_model, &c->vm);
	free(c);
}

/* Those of VMs that have closed theirs; but not the one that is shown. */
void console_forget_lost(struct agent *a)
{
	struct console **at = &a->consoles;
	struct console *c;

	while ((c = *at)) {
		if (c->fd >= 0 || c == a->shown) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		if (c->typed.len)
			agent_say(a, "%zu bytes that were typed for %s (VM %llu) are lost",
				  c->typed.len, c->vm.name, c->vm.id);
		console_free(c);
	}
}

bool console_has_room(struct agent *a, struct console *c)
{
	return sink(a, c);
}

void console_connect(struct agent *a)
{
	struct console *c = a->shown;
	char why[256];

	a->retry_ns = agent_now_ns() + RETRY_MS * 1000000ULL;
	c->fd = vm_console_open(&c->vm, a->options->socket, why, sizeof(why));
	if (c->fd < 0)
		agent_say(a, "%s (VM %llu): %s", c->vm.name, c->vm.id, why);
}

void console_retry(struct agent *a)
{
	struct console *c = a->shown;
	char why[256];

	if (!c || c->fd >= 0 || a->ending || agent_now_ns() < a->retry_ns)
		return;
	a->retry_ns = agent_now_ns() + RETRY_MS * 1000000ULL;
	c->fd = vm_console_open(&c->vm, a->options->socket, why, sizeof(why));
	if (c->fd >= 0)
		agent_say(a, "console of %s (VM %llu) again", c->vm.name, c->vm.id);
}
