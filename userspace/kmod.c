// SPDX-License-Identifier: GPL-2.0
/*
 * The only file that knows libkmod. The library's own messages are dropped:
 * callers say what went wrong in one line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <libkmod.h>

#include "kmod.h"

static void drop_log(void *data, int priority, const char *file, int line,
		     const char *fn, const char *format, va_list args)
{
	(void)data;
	(void)priority;
	(void)file;
	(void)line;
	(void)fn;
	(void)format;
	(void)args;
}

static struct kmod_ctx *open_kmod(void)
{
	struct kmod_ctx *kmod = kmod_new(NULL, NULL);

	if (kmod)
		kmod_set_log_fn(kmod, drop_log, NULL);
	return kmod;
}

static int probe(struct kmod_module *module)
{
	int err = kmod_module_probe_insert_module(module, 0, NULL, NULL, NULL,
						  NULL);

	/* Positive: a blacklist holds it back. */
	return err > 0 ? -EACCES : err;
}

int module_load_alias(const char *alias)
{
	struct kmod_list *list = NULL;
	struct kmod_list *pos;
	struct kmod_ctx *kmod = open_kmod();
	struct kmod_module *module;
	int err;

	if (!kmod)
		return -ENOMEM;
	err = kmod_module_new_from_lookup(kmod, alias, &list);
	if (!err && !list)
		err = -ENOENT;
	kmod_list_foreach(pos, list) {
		if (err)
			break;
		module = kmod_module_get_module(pos);
		err = probe(module);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	kmod_unref(kmod);
	return err;
}

bool module_alias_is_loaded(const char *alias)
{
	struct kmod_list *list = NULL;
	struct kmod_list *pos;
	struct kmod_ctx *kmod = open_kmod();
	bool loaded = false;

	if (!kmod)
		return false;
	if (!kmod_module_new_from_lookup(kmod, alias, &list))
		kmod_list_foreach(pos, list) {
			struct kmod_module *module = kmod_module_get_module(pos);

			loaded = kmod_module_get_initstate(module) ==
				 KMOD_MODULE_LIVE;
			kmod_module_unref(module);
		}
	kmod_module_unref_list(list);
	kmod_unref(kmod);
	return loaded;
}

int module_load_file(const char *path, char *name, size_t size)
{
	struct kmod_ctx *kmod = open_kmod();
	struct kmod_module *module = NULL;
	int err;

	if (!kmod)
		return -ENOMEM;
	err = kmod_module_new_from_path(kmod, path, &module);
	if (!err) {
		snprintf(name, size, "%s", kmod_module_get_name(module));
		err = kmod_module_insert_module(module, 0, NULL);
		kmod_module_unref(module);
	}
	kmod_unref(kmod);
	return err;
}

int module_unload(const char *name)
{
	struct kmod_ctx *kmod = open_kmod();
	struct kmod_module *module = NULL;
	int err;

	if (!kmod)
		return -ENOMEM;
	err = kmod_module_new_from_name(kmod, name, &module);
	if (!err) {
		err = kmod_module_remove_module(module, O_NONBLOCK);
		kmod_module_unref(module);
	}
	kmod_unref(kmod);
	return err == -EAGAIN ? -EBUSY : err;
}
