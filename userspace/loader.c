// SPDX-License-Identifier: GPL-2.0
/*
 * Load and unload schedulers. Modules are loaded from here: the kernel cannot do
 * it while it holds the lock of its netlink families, and knows no files.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kmod.h"
#include "loader.h"

#define BUILT_IN "vmsched"
#define TRIES 10	/* 1, 2, 4 ... 512 ms */

static bool is_name(const char *name)
{
	/* No name is longer, and the kernel calls a longer one malformed. */
	return *name && strlen(name) < VMSCHED_NAME_LEN;
}

bool loader_wait(unsigned int *tries)
{
	if (*tries == TRIES)
		return false;
	usleep(1000U << (*tries)++);
	return true;
}

int loader_try(struct ctx *ctx, const char *name, struct sched *sched)
{
	struct sched want = {
		.have = MODEL_BIT(VMSCHED_A_SCHED_NAME),
		.name = (char *)name,
	};
	unsigned int tries = 0;
	int err;

	if (!is_name(name))
		return -ENOENT;
	do {
		err = conn_call(ctx->nl, VMSCHED_CMD_SCHED_GET, &sched_model,
				&want, &sched_model, sched);
	} while (err == -EBUSY && loader_wait(&tries));
	return err;
}

int get_sched(struct ctx *ctx, const char *name, struct sched *sched)
{
	int code = ctx_connect(ctx);
	int err;

	if (code)
		return code;
	err = loader_try(ctx, name, sched);
	if (err == -ENOENT)
		return fail(EXIT_NO_OBJECT,
			    "no scheduler \"%s\" is registered, see vmschedctl sched list",
			    name);
	return err ? fail_nl(ctx, err, name) : EXIT_DONE;
}

/* --- Loading --- */

static int fail_no_sched(const char *name)
{
	return fail(EXIT_NO_OBJECT,
		    "no scheduler \"%s\": it is not registered and there is no module vmsched_%s; see vmschedctl sched list",
		    name, name);
}

static int fail_load(const char *name, int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return fail(EXIT_NO_PERMISSION,
			    "cannot load %s: no permission, needs CAP_SYS_MODULE (or the module is blacklisted or not signed)",
			    name);
	case -ENOENT:
		return fail(EXIT_NO_OBJECT, "no file %s", name);
	case -EEXIST:
		return fail(EXIT_REFUSED,
			    "the kernel refused to load %s: %s; a module of that name is loaded, unload it first",
			    name, strerror(-err));
	case -ENOEXEC:
	case -EINVAL:
	case -EBUSY:
		return fail(EXIT_REFUSED,
			    "the kernel refused to load %s: %s; see dmesg",
			    name, strerror(-err));
	default:
		return fail(EXIT_REFUSED, "cannot load %s: %s", name,
			    strerror(-err));
	}
}

/* It was loaded, and is not registered; or it could not be while the last one goes. */
static int fail_gone(const char *name, const char *alias, int err)
{
	if (err)
		return fail_load(name, err);
	if (module_alias_is_loaded(alias))
		return fail(EXIT_REFUSED,
			    "the module for %s is loaded, but registered no scheduler of that name; see dmesg",
			    name);
	return fail(EXIT_REFUSED,
		    "the module for %s is busy: it was removed each time that it was loaded; try again",
		    name);
}

int loader_need(struct ctx *ctx, const char *name, struct sched *sched)
{
	int code = ctx_connect(ctx);
	unsigned int tries = 0;
	char alias[64];
	int err, load;

	if (code)
		return code;
	do {
		err = loader_try(ctx, name, sched);
		if (err != -ENOENT)
			return err ? fail_nl(ctx, err, name) : EXIT_DONE;
		if (!is_name(name))
			return fail_no_sched(name);
		snprintf(alias, sizeof(alias), "vmsched-sched-%s", name);
		load = module_load_alias(alias);
		if (load == -ENOENT)
			return fail_no_sched(name);
		if (load && load != -EBUSY)
			return fail_load(name, load);
		if (!load && !loader_try(ctx, name, sched))
			return EXIT_DONE;
	} while (loader_wait(&tries));
	return fail_gone(name, alias, load);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);

	return len >= strlen(end) && !strcmp(text + len - strlen(end), end);
}

bool loader_is_file(const char *arg)
{
	return strchr(arg, '/') || ends_with(arg, ".ko") || strstr(arg, ".ko.");
}

/* The scheduler that a module provides, the first one if there are several. */
static int get_of_module(struct ctx *ctx, const char *module,
			 struct sched *sched)
{
	struct list list = { .model = &sched_model };
	struct sched *one = NULL;
	int code = EXIT_DONE;
	int err;

	err = conn_dump(ctx->nl, VMSCHED_CMD_SCHED_GET, NULL, NULL, &list);
	if (err)
		code = fail_nl(ctx, err, module);
	while (!err && (one = list_next(&list, one)))
		if (!strcmp(one->module, module))
			break;
	if (one) {
		*sched = *one;
		memset(one, 0, sizeof(*one));
	} else if (!err) {
		code = fail(EXIT_REFUSED,
			    "module %s is loaded, but registered no scheduler",
			    module);
	}
	list_clear(&list);
	return code;
}

int loader_file(struct ctx *ctx, const char *path, struct sched *sched)
{
	char module[64] = "";
	int code = ctx_connect(ctx);
	int err;

	if (code)
		return code;
	err = module_load_file(path, module, sizeof(module));
	if (err)
		return fail_load(path, err);
	return get_of_module(ctx, module, sched);
}

int loader_image(struct ctx *ctx, const char *arg, struct sched *sched)
{
	return loader_is_file(arg) ? loader_file(ctx, arg, sched) :
				     loader_need(ctx, arg, sched);
}

/* --- Unloading --- */

static int fail_in_use(struct ctx *ctx, const struct sched *sched)
{
	struct list pools = { .model = &pool_model };
	const struct pool *pool = NULL;
	int code = list_pools(ctx, &pools);

	if (code)
		return code;
	while ((pool = list_next(&pools, pool))) {
		if (strcmp(pool->scheduler, sched->name))
			continue;
		code = fail(EXIT_REFUSED,
			    "%s is active in pool %s; give --force, or first: vmschedctl sched switch native pool %s",
			    sched->name, pool->name, pool->name);
		break;
	}
	if (!code)
		code = fail(EXIT_REFUSED,
			    "module %s is busy or in use, try again in a moment or see lsmod",
			    sched->module);
	list_clear(&pools);
	return code;
}

bool loader_is_built_in(const struct sched *sched)
{
	return !strcmp(sched->module, BUILT_IN);
}

int loader_remove(struct ctx *ctx, const struct sched *sched)
{
	int err;

	if (loader_is_built_in(sched))
		return fail(EXIT_REFUSED,
			    "%s is built into %s.ko and cannot be unloaded",
			    sched->name, BUILT_IN);
	err = module_unload(sched->module);
	/* Somebody else was faster. */
	if (err == -ENOENT)
		return EXIT_DONE;
	if (err == -EBUSY)
		return fail_in_use(ctx, sched);
	if (err == -EPERM || err == -EACCES)
		return fail(EXIT_NO_PERMISSION,
			    "cannot unload %s: no permission, needs CAP_SYS_MODULE",
			    sched->module);
	if (err)
		return fail(EXIT_REFUSED, "cannot unload %s: %s",
			    sched->module, strerror(-err));
	return EXIT_DONE;
}
