// SPDX-License-Identifier: GPL-2.0
/*
 * A console agent; see console.h for what it promises.
 *
 * One loop over the terminal, the consoles and the events of the module. A
 * console is kept for each VM that has owned the console of the pool, with what
 * was typed for it and, while another one is shown, what it has printed. Both
 * are bounded: who is full is not read, so that the terminal or the VM waits.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define TYPED_MAX (64 * 1024)
#define RETRY_MS 1000	/* to connect to the owner's console once more */
#define END_MS 2000	/* for what was typed to reach the VMs, at the end */
#define LOOK_MS 10	/* whether it has */
#define BELL '\a'

__u64 agent_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void agent_end(struct agent *a, int code)
{
	if (a->ending)
		return;
	a->ending = true;
	a->code = code;
	a->end_ns = agent_now_ns() + END_MS * 1000000ULL;
}

void agent_check_memory(struct agent *a, int err)
{
	if (err == -ENOMEM && !a->ending)
		agent_end(a, fail(EXIT_REFUSED, "out of memory"));
}

void agent_say(struct agent *a, const char *fmt, ...)
{
	char line[512] = "\r\n[vmschedctl] ";
	size_t at = strlen(line);
	va_list args;

	va_start(args, fmt);
	vsnprintf(line + at, sizeof(line) - at - 2, fmt, args);
	va_end(args);
	strcat(line, "\r\n");
	agent_check_memory(a, bytes_put(&a->out, line, strlen(line)));
}

/* --- The terminal --- */

/* At most @most bytes of what was typed, for the VM that is shown. */
static void take_typed(struct agent *a, size_t most)
{
	struct bytes in = { 0 };
	char *escape = NULL;
	ssize_t got;

	if (a->no_input || a->ending || !most)
		return;
	got = bytes_read(&in, a->term.in, most);
	if (got <= 0)
		a->no_input = got != -EAGAIN;
	if (got > 0 && a->options->escape != CONSOLE_NO_ESCAPE)
		escape = memchr(in.data, a->options->escape, got);
	if (escape)
		in.len = escape - in.data;
	if (a->shown)
		agent_check_memory(a, bytes_put(&a->shown->typed, in.data, in.len));
	else if (in.len)
		agent_check_memory(a, bytes_put(&a->out, &(char){ BELL }, 1));
	bytes_free(&in);
	/* A terminal that hangs up ends it; a script may want to see the rest. */
	if (escape || (a->no_input && a->term.is_tty))
		agent_end(a, EXIT_DONE);
}

/* All that was typed until now, however much that is. */
static void take_all_typed(struct agent *a)
{
	size_t left = terminal_typed(&a->term);

	while (left && !a->no_input && !a->ending) {
		size_t before = a->shown ? a->shown->typed.len : 0;

		take_typed(a, left);
		if (!a->shown || a->shown->typed.len == before)
			break;
		left -= a->shown->typed.len - before;
	}
}

/* --- Owner --- */

static void say_no_owner(struct agent *a)
{
	agent_say(a, "no VM owns the console of pool %s", a->options->pool);
}

/* The VM @id, or none if that is 0, owns the console from here on. */
static void show_owner(struct agent *a, __u64 id)
{
	if (a->ending || (a->shown ? a->shown->vm.id : 0) == id)
		return;
	if (a->shown) {
		take_all_typed(a);
		console_take_printed(a, a->shown);
	}
	a->shown = NULL;
	if (id) {
		a->shown = console_find(a, id);
		if (!a->shown) {
			agent_check_memory(a, -ENOMEM);
			return;
		}
		agent_say(a, "console of %s (VM %llu)", a->shown->vm.name, id);
		console_show_printed(a, a->shown);
		if (a->shown->fd < 0)
			console_connect(a);
	} else {
		say_no_owner(a);
	}
	console_forget_lost(a);
}

/* --- Cease --- */

static void cease(struct agent *a, __u32 seq)
{
	struct console *c;

	a->cease = seq;
	a->owes = true;
	for (c = a->consoles; c; c = c->next) {
		c->quiet = c->fd < 0;
		console_take_printed(a, c);
	}
}

/* Everything that was printed before the announcement is where it belongs. */
static bool is_quiet(const struct agent *a)
{
	const struct console *c;

	for (c = a->consoles; c; c = c->next)
		if (!c->quiet)
			return false;
	return !a->out.len;
}

static void acknowledge(struct agent *a)
{
	struct console_info info = {
		.have = MODEL_BIT(VMSCHED_A_CONSOLE_SEQ), .seq = a->cease };

	if (!a->owes || !is_quiet(a))
		return;
	a->owes = false;
	/* It may be too late; the end of the switch is told all the same. */
	listener_call(a->listener, VMSCHED_CMD_CONSOLE_ACK, &console_model,
		      &info);
}

/* --- Events --- */

static bool is_mine(const struct agent *a, const char *pool)
{
	return pool && !strcmp(pool, a->options->pool);
}

static int on_event(const struct event *event, void *arg)
{
	const struct console_info *info = event->obj;
	const struct owner *owner = event->obj;
	struct agent *a = arg;

	switch (event->cmd) {
	case VMSCHED_CMD_CONSOLE_CEASE_NTF:
		if (is_mine(a, info->pool))
			cease(a, info->seq);
		break;
	case VMSCHED_CMD_OWNER_NTF:
		if (is_mine(a, owner->pool))
			show_owner(a, owner->new);
		break;
	case VMSCHED_CMD_CONSOLE_RESUME_NTF:
		if (info->seq != a->cease)
			break;
		a->cease = 0;
		a->owes = false;
		break;
	case 0:
		a->lost = true;
	}
	return 0;
}

/* Become an agent, and find out who the owner is. Returns an exit code. */
static int attach(struct agent *a)
{
	struct console_info info = {
		.have = MODEL_BIT(VMSCHED_A_CONSOLE_POOL),
		.pool = (char *)a->options->pool };
	struct list pools = { .model = &pool_model };
	const struct pool *pool = NULL;
	int code, err;

	listener_close(a->listener);
	a->cease = 0;
	a->owes = false;
	a->lost = false;
	err = listener_open(&a->listener, on_event, a);
	if (!err)
		err = listener_call(a->listener, VMSCHED_CMD_CONSOLE_ATTACH,
				    &console_model, &info);
	if (err)
		listener_explain(a->listener, a->ctx->nl);
	if (err)
		return fail_nl(a->ctx, err, "console");
	code = list_pools(a->ctx, &pools);
	while (!code && (pool = list_next(&pools, pool)))
		if (is_mine(a, pool->name))
			show_owner(a, pool->console_owner);
	list_clear(&pools);
	return code;
}

static void take_events(struct agent *a)
{
	int err = listener_read(a->listener);

	if (err == -ENODEV)
		agent_end(a, EXIT_NO_MODULE);
	else if (err)
		agent_end(a, fail_nl(a->ctx, err, "console"));
}

/* --- The loop --- */

enum { FD_SIGNALS, FD_EVENTS, FD_IN, FD_OUT, FD_CONSOLES };

static bool wants_input(const struct agent *a)
{
	if (a->no_input || a->ending)
		return false;
	/* Without an owner only the escape is of use. */
	return a->shown ? a->shown->typed.len < TYPED_MAX : a->term.is_tty;
}

static short console_events(struct agent *a, struct console *c)
{
	short events = 0;

	if (console_has_room(a, c) && !(a->owes && c->quiet))
		events |= POLLIN;
	if (c->typed.len && !a->cease)
		events |= POLLOUT;
	return events;
}

static size_t fill_fds(struct agent *a, struct pollfd **fds)
{
	size_t n = FD_CONSOLES;
	struct pollfd *more;
	struct console *c;

	for (c = a->consoles; c; c = c->next)
		n++;
	more = reallocarray(*fds, n, sizeof(**fds));
	if (!more)
		return 0;
	*fds = more;
	more[FD_SIGNALS] = (struct pollfd){
		a->ending ? -1 : a->term.signals, POLLIN };
	more[FD_EVENTS] = (struct pollfd){
		a->listener ? listener_fd(a->listener) : -1, POLLIN };
	more[FD_IN] = (struct pollfd){ wants_input(a) ? a->term.in : -1, POLLIN };
	more[FD_OUT] = (struct pollfd){ a->term.out, a->out.len ? POLLOUT : 0 };
	for (n = FD_CONSOLES, c = a->consoles; c; c = c->next, n++) {
		short events = console_events(a, c);

		more[n] = (struct pollfd){ events ? c->fd : -1, events };
	}
	return n;
}

static int wait_ms(const struct agent *a)
{
	if (a->ending)
		return LOOK_MS;
	return a->shown && a->shown->fd < 0 ? RETRY_MS : -1;
}

static void write_out(struct agent *a)
{
	int err = bytes_write(&a->out, a->term.out);

	/* Nobody reads it any more. */
	if (err && err != -EAGAIN) {
		bytes_free(&a->out);
		agent_end(a, EXIT_DONE);
	}
}

static void serve_consoles(struct agent *a)
{
	struct console *c;

	for (c = a->consoles; c; c = c->next) {
		console_give_typed(a, c);
		if (!(a->owes && c->quiet))
			console_take_printed(a, c);
	}
}

static void serve(struct agent *a, const struct pollfd *fds)
{
	if (fds[FD_SIGNALS].revents)
		agent_end(a, EXIT_DONE);
	/* Before the input: what was typed until an event belongs before it. */
	if (fds[FD_EVENTS].revents)
		take_events(a);
	/* An event may have taken it, and read() would wait: look anew. */
	else if (fds[FD_IN].revents && wants_input(a))
		take_typed(a, TYPED_MAX);
	if (a->lost && !a->ending) {
		int code = attach(a);

		if (code)
			agent_end(a, code);
	}
	if (fds[FD_OUT].revents & (POLLERR | POLLHUP))
		agent_end(a, EXIT_DONE);
	serve_consoles(a);
	console_retry(a);
	write_out(a);
	acknowledge(a);
}

/* What was typed has been read by the VMMs, or takes too long. */
static bool is_over(struct agent *a)
{
	struct console *c;
	int left;

	if (!a->ending)
		return false;
	/* Nobody is to wait for this one any more. */
	listener_close(a->listener);
	a->listener = NULL;
	a->cease = 0;
	a->owes = false;
	if (agent_now_ns() >= a->end_ns)
		return true;
	for (c = a->consoles; c; c = c->next)
		if (c->fd >= 0 && (c->typed.len ||
				   (!ioctl(c->fd, SIOCOUTQ, &left) && left)))
			return false;
	return true;
}

static void loop(struct agent *a)
{
	struct pollfd *fds = NULL;
	size_t n;

	while (!is_over(a)) {
		n = fill_fds(a, &fds);
		if (!n) {
			fail(EXIT_REFUSED, "out of memory");
			break;
		}
		if (poll(fds, n, wait_ms(a)) >= 0)
			serve(a, fds);
		else if (errno != EINTR)
			break;
	}
	free(fds);
}

/* What is left is shown, and what was not done is said. */
static void finish(struct agent *a)
{
	struct pollfd out = { a->term.out, POLLOUT };
	struct console *c;

	if (a->shown)
		console_take_printed(a, a->shown);
	for (c = a->consoles; c; c = c->next) {
		if (c->printed.len)
			agent_say(a, "meanwhile %s (VM %llu) has printed:",
				  c->vm.name, c->vm.id);
		console_show_printed(a, c);
		if (c->typed.len)
			agent_say(a, "%zu bytes that were typed for %s (VM %llu) are lost",
				  c->typed.len, c->vm.name, c->vm.id);
	}
	agent_say(a, "detached");
	while (a->out.len && poll(&out, 1, END_MS) > 0 &&
	       !(out.revents & (POLLERR | POLLHUP)))
		if (bytes_write(&a->out, a->term.out) == -EPIPE)
			break;
}

static void print_head(struct agent *a)
{
	const struct console_options *o = a->options;

	agent_say(a, "connected to the console of pool %s", o->pool);
	if (o->escape == CONSOLE_NO_ESCAPE)
		return;
	if (o->escape < 0x20)
		agent_say(a, "escape character is ^%c (Ctrl + %c)", o->escape + '@',
			  o->escape + '@');
	else
		agent_say(a, "escape character is %c", o->escape);
}

int console_run(struct ctx *ctx, const struct console_options *options)
{
	struct agent a = { .ctx = ctx, .options = options };
	struct console *c;
	int code, err;

	print_head(&a);
	code = attach(&a);
	if (!code && !a.shown)
		say_no_owner(&a);
	if (!code) {
		err = terminal_open(&a.term);
		code = err ? fail(EXIT_REFUSED, "cannot use the terminal: %s",
				  strerror(-err)) : EXIT_DONE;
		if (!err) {
			loop(&a);
			finish(&a);
			terminal_close(&a.term);
			code = a.code;
			if (code == EXIT_NO_MODULE)
				fail(code, "vmsched was unloaded");
		}
	}
	listener_close(a.listener);
	while ((c = a.consoles)) {
		a.consoles = c->next;
		console_free(c);
	}
	bytes_free(&a.out);
	return code;
}
