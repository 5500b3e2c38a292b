// SPDX-License-Identifier: GPL-2.0
/*
 * vmschedctl from a test; see cli.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clock.h"
#include "exact.h"
#include "genl.h"
#include "modules.h"

#define LINE_SIZE	512

/* Between two looks, each of which starts a program */
#define ASK_MS		100

static int cli_line(struct cli *c, uid_t uid, const char *fmt, va_list ap)
{
	char line[LINE_SIZE];
	int n = snprintf(line, sizeof(line), "vmschedctl -j ");
	int ret;

	memset(c, 0, sizeof(*c));
	if (vsnprintf(line + n, sizeof(line) - n, fmt, ap) >=
	    (int)sizeof(line) - n)
		return -E2BIG;
	ret = run_words(&c->run, uid, line);
	if (ret) {
		printf("# %s: %s\n", line, strerror(-ret));
		return ret;
	}
	c->json = json_tokener_parse(c->run.out);
	return c->run.status;
}

int cli(struct cli *c, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = cli_line(c, 0, fmt, ap);
	va_end(ap);
	return ret;
}

int cli_as(struct cli *c, uid_t uid, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = cli_line(c, uid, fmt, ap);
	va_end(ap);
	return ret;
}

void cli_free(struct cli *c)
{
	json_object_put(c->json);
	c->json = NULL;
	run_free(&c->run);
}

/* Print a command's stderr so that the log tells why a test failed */
static void cli_complain(const struct cli *c, const char *what, int ret)
{
	printf("# vmschedctl %s: status %d: %.*s\n", what, ret,
	       c->run.err ? (int)strcspn(c->run.err, "\n") : 0,
	       c->run.err ?: "");
}

int cli_do(const char *fmt, ...)
{
	struct cli c;
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = cli_line(&c, 0, fmt, ap);
	va_end(ap);
	if (ret)
		cli_complain(&c, fmt, ret);
	cli_free(&c);
	return ret;
}

bool cli_one_line_error(const struct cli *c)
{
	static const char prefix[] = "vmschedctl: ";
	const char *err = c->run.err ?: "";
	size_t line = strcspn(err, "\n");

	if (!strncmp(err, prefix, strlen(prefix)) && line > strlen(prefix) &&
	    err[line] == '\n' && !err[line + 1])
		return true;
	printf("# stderr is not one line `vmschedctl: ...`, but: '%s'\n", err);
	return false;
}

static int json_u64(json_object *obj, const char *key, uint64_t *value)
{
	json_object *field;

	if (!json_object_object_get_ex(obj, key, &field) ||
	    !json_object_is_type(field, json_type_int))
		return -ENOENT;
	*value = json_object_get_uint64(field);
	return 0;
}

/* The entry of array @list whose @key is @want; NULL if there is none */
static json_object *json_find(json_object *list, const char *key, uint64_t want)
{
	size_t i, n;

	if (!json_object_is_type(list, json_type_array))
		return NULL;
	n = json_object_array_length(list);
	for (i = 0; i < n; i++) {
		json_object *obj = json_object_array_get_idx(list, i);
		uint64_t value;

		if (!json_u64(obj, key, &value) && value == want)
			return obj;
	}
	return NULL;
}

int sched_switch(const char *name, struct sched_switched *s)
{
	struct sched_switched got;
	struct cli c;
	int ret;

	ret = cli(&c, "sched switch %s", name);
	if (ret) {
		cli_complain(&c, "sched switch", ret);
	} else if (json_u64(c.json, "cease_ns", &got.cease_ns) ||
		   json_u64(c.json, "blackout_ns", &got.blackout_ns) ||
		   json_u64(c.json, "vcpus", &got.vcpus)) {
		printf("# sched switch %s: bad JSON: %s\n", name, c.run.out);
		ret = -EPROTO;
	} else if (s) {
		*s = got;
	}
	cli_free(&c);
	return ret;
}

int sched_active(char *buf, size_t size)
{
	json_object *pools, *name;
	struct cli c;
	int ret;

	ret = cli(&c, "status");
	if (!ret) {
		ret = -EPROTO;
		if (json_object_object_get_ex(c.json, "pools", &pools) &&
		    json_object_is_type(pools, json_type_array) &&
		    json_object_object_get_ex(json_object_array_get_idx(pools, 0),
					      "scheduler", &name)) {
			snprintf(buf, size, "%s", json_object_get_string(name));
			ret = 0;
		}
	}
	cli_free(&c);
	return ret;
}

bool sched_is_active(const char *name)
{
	char active[32] = "?";

	if (!sched_active(active, sizeof(active)) && !strcmp(active, name))
		return true;
	printf("# active is %s, not %s\n", active, name);
	return false;
}

bool sched_becomes(const char *name, unsigned int ms)
{
	uint64_t end = clock_ns() + ms * NSEC_PER_MSEC;
	char active[32];

	/* The program that asks takes time from the guests, which does not count. */
	while (clock_ns() < end) {
		if (!sched_active(active, sizeof(active)) && !strcmp(active, name))
			return true;
		clock_sleep_ms(ASK_MS);
	}
	return sched_is_active(name);
}

int kernel_lacks(const char *what)
{
	json_object *missing, *item;
	struct cli c;
	size_t i;
	int ret;

	ret = cli(&c, "status");
	if (!ret && (!json_object_object_get_ex(c.json, "missing", &missing) ||
		     !json_object_is_type(missing, json_type_array))) {
		printf("# status does not say what is missing: %s\n",
		       c.run.out);
		ret = -EPROTO;
	}
	for (i = 0; !ret && i < json_object_array_length(missing); i++) {
		item = json_object_array_get_idx(missing, i);
		ret = !strcmp(what, json_object_get_string(item));
	}
	cli_free(&c);
	return ret;
}

static int list_u64(const char *object, const char *id, uint64_t want,
		    const char *key, uint64_t *value)
{
	json_object *entry;
	struct cli c;
	int ret;

	ret = cli(&c, "%s list", object);
	if (ret) {
		cli_complain(&c, object, ret);
	} else {
		entry = json_find(c.json, id, want);
		ret = entry ? json_u64(entry, key, value) : -ENOENT;
	}
	cli_free(&c);
	return ret;
}

int vm_u64(pid_t pid, const char *key, uint64_t *value)
{
	return list_u64("vm", "pid", pid, key, value);
}

int vcpu_u64(pid_t tid, const char *key, uint64_t *value)
{
	return list_u64("vcpu", "tid", tid, key, value);
}

struct vm_of_pid {
	pid_t pid;
	uint64_t id;
};

static void take_vm_of_pid(const struct nlmsghdr *msg, void *arg)
{
	struct vm_of_pid *vm = arg;

	/* The first one, if the process has several */
	if (!vm->id &&
	    genl_u32(genl_attr(msg, VMSCHED_A_VM_PID)) == (uint32_t)vm->pid)
		vm->id = genl_u64(genl_attr(msg, VMSCHED_A_VM_ID));
}

int vm_id(pid_t pid, uint64_t *id)
{
	struct vm_of_pid vm = { .pid = pid };
	struct genl_ack ack;
	struct genl_msg m;
	struct genl g;
	int ret;

	if (genl_open(&g))
		return -ENODEV;
	genl_begin(&g, &m, VMSCHED_CMD_VM_GET, NLM_F_DUMP);
	ret = genl_call(&g, &m, &ack, take_vm_of_pid, &vm) ?: ack.error;
	genl_close(&g);
	if (ret)
		return ret;
	*id = vm.id;
	return vm.id ? 0 : -ENOENT;
}

/*
 * An exact clock leaps to the next timer while the machine waits for a file of
 * its host, for seconds if that is busy: one look may take all of the time.
 */
#define MIN_LOOKS	20

bool vm_listed(pid_t pid, bool listed, unsigned int timeout_ms)
{
	uint64_t end = clock_ns() + timeout_ms * NSEC_PER_MSEC;
	unsigned int looks = 0;
	uint64_t id;
	int ret;

	do {
		ret = vm_id(pid, &id);
		if (ret == (listed ? 0 : -ENOENT))
			return true;
		clock_sleep_ms(10);
	} while (++looks < MIN_LOOKS || clock_ns() < end);
	printf("# VM of pid %d is %s after %u ms\n", pid,
	       listed ? "not listed" : "still listed", timeout_ms);
	return false;
}

int vmsched_ready(void)
{
	static const char * const scheds[] = { "rr", "bvt" };
	unsigned int i;
	int ret;

	if (!module_loaded("vmsched")) {
		ret = module_probe("vmsched");
		if (ret)
			return ret;
	}
	ret = module_set_param("vmsched", "watchdog_ms", watchdog_ms());
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(scheds); i++) {
		char name[32];

		snprintf(name, sizeof(name), "vmsched_%s", scheds[i]);
		if (!module_loaded(name) && cli_do("sched load %s", scheds[i]))
			return -ENOENT;
	}
	return sched_switch("native", NULL) ? -EIO : 0;
}
