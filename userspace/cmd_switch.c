// SPDX-License-Identifier: GPL-2.0
/*
 * Change the scheduler of a pool: load the new one, and do with the old one what
 * the user wants. Whatever fails, a scheduler that works is in force, and the
 * message says which.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "loader.h"
#include "print.h"
#include "switch.h"

#define DEFAULT_POOL "default"
#define NATIVE "native"

enum old { OLD_KEEP, OLD_UNLOAD_BEFORE, OLD_UNLOAD_AFTER };

static const char *const old_words[] = {
	[OLD_KEEP] = "keep",
	[OLD_UNLOAD_BEFORE] = "unload-before",
	[OLD_UNLOAD_AFTER] = "unload-after",
	NULL,
};

enum {
	KEY_POOL, KEY_ACTIVATE, KEY_OLD, KEY_CEASE_TIMEOUT, KEY_STRICT,
	KEY_CONSOLE_TIMEOUT, KEY_ON_CONSOLE_TIMEOUT, N_KEYS
};

static const char *const switch_words[N_KEYS + 1] = {
	[KEY_POOL] = "pool",
	[KEY_ACTIVATE] = "activate",
	[KEY_OLD] = "old",
	[KEY_CEASE_TIMEOUT] = "cease-timeout",
	[KEY_STRICT] = "strict-cease",
	[KEY_CONSOLE_TIMEOUT] = "console-timeout",
	[KEY_ON_CONSOLE_TIMEOUT] = "on-console-timeout",
};

static const char *const previous_words[] = { "pool", NULL };

/* A change under way */
struct change {
	struct ctx *ctx;
	const char *image;		/* name or file of the new one */
	struct switch_info want;
	enum old old;
	bool strict;
	struct sched before;		/* the old one, unless it is kept */
	__u32 activate;			/* its way of activation */
	bool left;			/* the pool went to native for the change */
};

static const char *pool_name(const struct switch_info *want)
{
	return want->pool ?: DEFAULT_POOL;
}

static void want_pool(struct switch_info *want, const char *pool)
{
	if (!pool)
		return;
	want->pool = (char *)pool;
	want->have |= MODEL_BIT(VMSCHED_A_SWITCH_POOL);
}

static void want_to(struct switch_info *want, const char *to)
{
	want->to = (char *)to;
	want->have |= MODEL_BIT(VMSCHED_A_SWITCH_TO);
}

static void want_activate(struct switch_info *want, __u32 activate)
{
	want->activate = activate;
	want->have |= MODEL_BIT(VMSCHED_A_SWITCH_ACTIVATE);
}

static int ask(struct ctx *ctx, int cmd, const struct switch_info *want,
	       struct switch_info *done)
{
	return conn_call(ctx->nl, cmd, &switch_model, want, &switch_model, done);
}

static int fail_ask(struct ctx *ctx, int cmd, const struct switch_info *want,
		    int err)
{
	char what[128];

	snprintf(what, sizeof(what), "switch of pool %s to %s", pool_name(want),
		 want->to ?: "the previous one");
	return fail_nl(ctx, err, cmd == VMSCHED_CMD_SCHED_HOLD ?
		       "strict-cease" : what);
}

static int call(struct ctx *ctx, int cmd, const struct switch_info *want,
		struct switch_info *done)
{
	int code = ctx_connect(ctx);
	int err;

	if (code)
		return code;
	err = ask(ctx, cmd, want, done);
	return err ? fail_ask(ctx, cmd, want, err) : EXIT_DONE;
}

/* A switch that is not what the user asked for, but needed for it. */
static int turn(struct ctx *ctx, const char *pool, const char *to,
		__u32 activate)
{
	struct switch_info want = { 0 }, done = { 0 };
	int code;

	want_pool(&want, pool);
	want_to(&want, to);
	want_activate(&want, activate);
	code = call(ctx, VMSCHED_CMD_SCHED_SWITCH, &want, &done);
	model_clear(&switch_model, &done);
	return code;
}

static int print_done(const struct ctx *ctx, const struct switch_info *done)
{
	if (ctx->json)
		return json_print_object(ctx->pretty, &switch_model, done);
	print_switch(done);
	return EXIT_DONE;
}

/* The pool of that name, in @pools, which is filled; NULL if there is none. */
static const struct pool *find_pool(struct ctx *ctx, const char *name,
				    struct list *pools, int *code)
{
	const struct pool *pool = NULL;

	*code = list_pools(ctx, pools);
	while (!*code && (pool = list_next(pools, pool)))
		if (!strcmp(pool->name, name))
			return pool;
	return NULL;
}

/* --- Steps of a change --- */

/* What is active now, so that it can be unloaded, and be active again. */
static int note_before(struct change *c)
{
	struct list pools = { .model = &pool_model };
	const struct pool *pool;
	int code;

	pool = find_pool(c->ctx, pool_name(&c->want), &pools, &code);
	if (pool) {
		c->activate = pool->activate;
		code = get_sched(c->ctx, pool->scheduler, &c->before);
	} else if (!code) {
		code = fail(EXIT_NO_OBJECT, "no pool \"%s\"", pool_name(&c->want));
	}
	list_clear(&pools);
	return code;
}

/* To native, and unload the old one. */
static int make_room(struct change *c)
{
	int code;

	if (loader_is_built_in(&c->before))
		return EXIT_DONE;
	if (loader_is_file(c->image) && access(c->image, R_OK))
		return fail(EXIT_NO_OBJECT, "cannot read %s: %m", c->image);
	code = turn(c->ctx, c->want.pool, NATIVE, VMSCHED_ACTIVATE_TABLE);
	if (code)
		return code;
	c->left = true;
	return loader_remove(c->ctx, &c->before);
}

/* From here to the switch no VM of the pool runs. */
static int hold(struct change *c)
{
	struct switch_info want = { 0 }, done = { 0 };
	int code;

	want_pool(&want, c->want.pool);
	want.cease_timeout_ms = c->want.cease_timeout_ms;
	want.on_console_timeout = c->want.on_console_timeout;
	want.console_timeout_ms = c->want.console_timeout_ms;
	want.have |= c->want.have &
		     (MODEL_BIT(VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS) |
		      MODEL_BIT(VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT) |
		      MODEL_BIT(VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS));
	code = call(c->ctx, VMSCHED_CMD_SCHED_HOLD, &want, &done);
	model_clear(&switch_model, &done);
	c->want.held = 1;
	c->want.have |= MODEL_BIT(VMSCHED_A_SWITCH_HELD);
	return code;
}

/* Its module has gone since it was loaded: "no such scheduler" is what is said. */
static bool has_gone(const struct ctx *ctx, int err)
{
	const struct field *field = conn_error(ctx->nl)->field;

	return err == -ENOENT && field && field->attr == VMSCHED_A_SWITCH_TO;
}

/*
 * Load the new one and make it active. Whoever removes its module in between, or is
 * just about to, does so for a moment: then both once more, ten times at most. A
 * hold ends with the switch for which it was made, so it begins anew.
 */
static int load_and_switch(struct change *c, struct sched *sched,
			   struct switch_info *done)
{
	unsigned int tries = 0;
	int code, err;

	do {
		model_clear(&sched_model, sched);
		code = c->strict ? hold(c) : EXIT_DONE;
		if (!code)
			code = loader_image(c->ctx, c->image, sched);
		if (code)
			return code;
		want_to(&c->want, sched->name);
		err = ask(c->ctx, VMSCHED_CMD_SCHED_SWITCH, &c->want, done);
		/* A file would have to be new to the kernel. */
	} while ((err == -EBUSY || has_gone(c->ctx, err)) &&
		 !loader_is_file(c->image) && loader_wait(&tries));
	if (err && has_gone(c->ctx, err))
		return fail(EXIT_REFUSED,
			    "the module for %s is busy: it was removed before it was used; try again",
			    sched->name);
	return err ? fail_ask(c->ctx, VMSCHED_CMD_SCHED_SWITCH, &c->want, err) :
		     EXIT_DONE;
}

/* The same for one that was active before, or is to be for lack of another. */
static int load_and_turn(struct ctx *ctx, const char *pool, const char *name,
			 __u32 activate)
{
	struct change c = { .ctx = ctx, .image = name };
	struct switch_info done = { 0 };
	struct sched sched = { 0 };
	int code;

	want_pool(&c.want, pool);
	want_activate(&c.want, activate);
	code = load_and_switch(&c, &sched, &done);
	model_clear(&switch_model, &done);
	model_clear(&sched_model, &sched);
	return code;
}

/* If the pool had to leave the old one, it goes back there. */
static void go_back(struct change *c)
{
	/* With the socket its hold ends. */
	if (c->strict) {
		conn_close(c->ctx->nl);
		c->ctx->nl = NULL;
	}
	if (c->left)
		load_and_turn(c->ctx, c->want.pool, c->before.name, c->activate);
}

static int do_change(struct change *c, struct switch_info *done)
{
	struct sched sched = { 0 };
	int code = ctx_connect(c->ctx);

	if (!code && c->old != OLD_KEEP)
		code = note_before(c);
	if (!code && c->old == OLD_UNLOAD_BEFORE)
		code = make_room(c);
	if (!code)
		code = load_and_switch(c, &sched, done);
	if (code)
		go_back(c);
	else if (c->old == OLD_UNLOAD_AFTER && !loader_is_built_in(&c->before) &&
		 strcmp(c->before.module, sched.module))
		code = loader_remove(c->ctx, &c->before);
	model_clear(&sched_model, &sched);
	return code;
}

/* After a failure: who is in force. */
static void say_active(struct ctx *ctx, const char *name, int code)
{
	struct list pools = { .model = &pool_model };
	const struct pool *pool;
	int err;

	if (code != EXIT_REFUSED && code != EXIT_NO_OBJECT)
		return;
	pool = find_pool(ctx, name, &pools, &err);
	if (pool)
		fail(code, "pool %s is on %s", name, pool->scheduler);
	list_clear(&pools);
}

/* --- Commands --- */

static int take_console(const struct ctx *ctx, const char **values,
			struct switch_info *want)
{
	int word;

	if (values[KEY_ON_CONSOLE_TIMEOUT]) {
		word = match_word(ctx, values[KEY_ON_CONSOLE_TIMEOUT],
				  "action", on_console_timeout_words);
		if (word < 0)
			return EXIT_USAGE;
		want->on_console_timeout = word;
		want->have |= MODEL_BIT(VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT);
	}
	if (!values[KEY_CONSOLE_TIMEOUT])
		return EXIT_DONE;
	want->have |= MODEL_BIT(VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS);
	return take_u32(ctx, "console-timeout", values[KEY_CONSOLE_TIMEOUT], 1,
			1000, &want->console_timeout_ms);
}

static int take_words(const struct ctx *ctx, const char **values,
		      struct change *c)
{
	int word, code = EXIT_DONE;

	want_pool(&c->want, values[KEY_POOL]);
	if (values[KEY_ACTIVATE]) {
		word = match_word(ctx, values[KEY_ACTIVATE], "way of activation",
				  activate_words);
		if (word < 0)
			return EXIT_USAGE;
		want_activate(&c->want, word);
	}
	if (values[KEY_OLD]) {
		word = match_word(ctx, values[KEY_OLD], "policy for the old one",
				  old_words);
		if (word < 0)
			return EXIT_USAGE;
		c->old = word;
	}
	if (values[KEY_CEASE_TIMEOUT]) {
		code = take_u32(ctx, "cease-timeout",
				values[KEY_CEASE_TIMEOUT], 1, 10000,
				&c->want.cease_timeout_ms);
		c->want.have |= MODEL_BIT(VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS);
	}
	return code ?: take_console(ctx, values, &c->want);
}

/* Take the words without a value out of those that have one. */
static int take_flags(int argc, char **argv, struct change *c)
{
	int from, to = 0;

	for (from = 0; from < argc; from++) {
		if (match_prefix(argv[from], switch_words) == KEY_STRICT) {
			c->strict = true;
			continue;
		}
		argv[to++] = argv[from];
		if (from + 1 < argc)
			argv[to++] = argv[++from];
	}
	return to;
}

int cmd_switch(struct ctx *ctx, int argc, char **argv)
{
	const char *values[N_KEYS] = { NULL };
	struct change c = { .ctx = ctx };
	struct switch_info done = { 0 };
	int code;

	if (!argc)
		return fail_usage(ctx, "no scheduler is given");
	c.image = argv[0];
	argc = take_flags(argc - 1, argv + 1, &c);
	code = take_pairs(ctx, argc, argv + 1, switch_words, values);
	if (!code)
		code = take_words(ctx, values, &c);
	if (code)
		return code;
	fail_collect();
	code = do_change(&c, &done);
	say_active(ctx, pool_name(&c.want), code);
	/* The old one may have stayed loaded although this was done. */
	if (done.to)
		code = print_done(ctx, &done) ?: code;
	fail_print();
	model_clear(&switch_model, &done);
	model_clear(&sched_model, &c.before);
	return code;
}

/* The one before may have been unloaded meanwhile; without one the kernel says so. */
static int switch_back(struct change *c, struct switch_info *done)
{
	struct list pools = { .model = &pool_model };
	struct sched sched = { 0 };
	const struct pool *pool;
	int code;

	pool = find_pool(c->ctx, pool_name(&c->want), &pools, &code);
	if (!code && pool && pool->previous) {
		c->image = pool->previous;
		code = load_and_switch(c, &sched, done);
	} else if (!code) {
		code = call(c->ctx, VMSCHED_CMD_SCHED_SWITCH, &c->want, done);
	}
	model_clear(&sched_model, &sched);
	list_clear(&pools);
	return code;
}

int cmd_previous(struct ctx *ctx, int argc, char **argv)
{
	const char *values[1] = { NULL };
	struct change c = { .ctx = ctx };
	struct switch_info done = { 0 };
	int code;

	code = take_pairs(ctx, argc, argv, previous_words, values);
	if (code)
		return code;
	want_pool(&c.want, values[0]);
	fail_collect();
	code = ctx_connect(ctx) ?: switch_back(&c, &done);
	if (!code)
		code = print_done(ctx, &done);
	else
		say_active(ctx, pool_name(&c.want), code);
	fail_print();
	model_clear(&switch_model, &done);
	return code;
}

/* The one before if that will do, without a word if not; else native. */
static int leave_pool(struct ctx *ctx, const struct pool *pool)
{
	int code = EXIT_REFUSED;

	if (pool->previous && strcmp(pool->previous, pool->scheduler)) {
		fail_collect();
		code = load_and_turn(ctx, pool->name, pool->previous,
				     pool->activate);
		fail_drop();
	}
	return code ? turn(ctx, pool->name, NATIVE, pool->activate) : EXIT_DONE;
}

int switch_away(struct ctx *ctx, const struct sched *sched)
{
	struct list pools = { .model = &pool_model };
	const struct pool *pool = NULL;
	int code = list_pools(ctx, &pools);

	while (!code && (pool = list_next(&pools, pool)))
		if (!strcmp(pool->scheduler, sched->name))
			code = leave_pool(ctx, pool);
	list_clear(&pools);
	return code;
}
