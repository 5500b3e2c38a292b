// SPDX-License-Identifier: GPL-2.0
/*
 * Schedulers that misbehave; see plugin.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "clock.h"
#include "exact.h"
#include "modules.h"
#include "plugin.h"

/* Without exact time, and soon enough for plugin_becomes_active() */
#define SLOW_WATCHDOG_MS	2000
#define FOUND_MS		3000

int plugin_host_begin(struct plugin_host *host)
{
	static const enum rawvm_kind kinds[PLUGIN_GUESTS] = {
		RAWVM_SPIN, RAWVM_TICK, RAWVM_IO, RAWVM_SPIN, RAWVM_SPIN,
	};
	int err = klog_mark(&host->log) ?: vmsched_ready() ?:
		  (clock_is_exact() ? 0 : module_set_param("vmsched", "watchdog_ms",
							   SLOW_WATCHDOG_MS));
	unsigned int i;

	for (i = 0; !err && i < PLUGIN_GUESTS; i++) {
		host->vm[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = "guest", .kind = kinds[i] });
		if (!host->vm[i] ||
		    !vm_listed(rawvm_pid(host->vm[i]), true, limit_ms(1000)))
			err = -ESRCH;
	}
	return err ?: sched_switch("bvt", NULL);
}

unsigned int plugin_host_end(struct plugin_host *host)
{
	unsigned int n;

	rawvm_kill_all();
	n = sched_switch("native", NULL) != 0;
	n += module_set_param("vmsched", "watchdog_ms", WATCHDOG_MS) != 0;
	n += klog_warnings_but(&host->log, PLUGIN_SAYS);
	klog_close(&host->log);
	return n;
}

bool plugin_guests_go_on(const struct plugin_host *host)
{
	unsigned int i;

	for (i = 0; i < PLUGIN_GUESTS; i++)
		if (!rawvm_advances(host->vm[i], limit_ms(1000)) ||
		    rawvm_broken(host->vm[i]))
			return false;
	return true;
}

static void take_text(char *to, size_t size, json_object *o, const char *key)
{
	json_object *value = json_object_object_get(o, key);

	snprintf(to, size, "%s", value ? json_object_get_string(value) : "");
}

static uint64_t take_u64(json_object *o, const char *key)
{
	return json_object_get_uint64(json_object_object_get(o, key));
}

int plugin_last_fault(struct plugin_fault *f)
{
	struct cli c;
	int ret = cli(&c, "fault show");

	memset(f, 0, sizeof(*f));
	if (!ret) {
		take_text(f->kind, sizeof(f->kind), c.json, "kind");
		take_text(f->scheduler, sizeof(f->scheduler), c.json, "scheduler");
		take_text(f->to, sizeof(f->to), c.json, "to");
		take_text(f->message, sizeof(f->message), c.json, "message");
		take_text(f->trace, sizeof(f->trace), c.json, "trace");
		take_text(f->dump, sizeof(f->dump), c.json, "dump");
		f->time_ns = take_u64(c.json, "time_ns");
		f->bypass_ns = take_u64(c.json, "bypass_ns");
		f->count = take_u64(c.json, "count");
	}
	cli_free(&c);
	return ret;
}

bool plugin_tells_of(const struct plugin_fault *f, const char *name,
		     const char *kind, const char *to)
{
	if (!strcmp(f->scheduler, name) && !strcmp(f->kind, kind) &&
	    !strcmp(f->to, to) && f->message[0])
		return true;
	printf("# fault of %s: %s (%s), to %s\n", f->scheduler, f->kind,
	       f->message, f->to);
	return false;
}

int plugin_use(const char *name, bool at_once, uint64_t *armed)
{
	int err = module_insert_own(name);

	if (!err && !at_once)
		err = sched_switch(name, NULL);
	*armed = clock_ns();
	err = err ?: module_set_param(name, "armed", 1);
	if (!err && at_once)
		err = sched_switch(name, NULL);
	return err;
}

bool plugin_becomes_active(const char *name)
{
	return sched_becomes(name, limit_ms(FOUND_MS));
}
