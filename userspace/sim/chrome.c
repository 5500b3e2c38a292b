// SPDX-License-Identifier: GPL-2.0
/*
 * A run in Chrome's trace format, which ui.perfetto.dev reads: a track for each pCPU
 * and one for each vCPU. Spans on a track never overlap, as the format wants it.
 */
#include <string.h>
#include <json-c/json.h>

#include "output.h"

/* "Processes" of the trace: that of the pCPUs, and from there on the VMs. */
#define PID_PCPUS	1
#define PID_VMS		2

struct chrome {
	FILE *file;
	bool begun;
	bool failed;
};

static void put(struct chrome *c, struct json_object *json)
{
	const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text || fprintf(c->file, "%s\n%s", c->begun ? "," : "", text) < 0)
		c->failed = true;
	c->begun = true;
	json_object_put(json);
}

static struct json_object *event(const char *phase, const char *name, u64 pid, u64 tid)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "ph", json_object_new_string(phase));
	json_object_object_add(json, "name", json_object_new_string(name));
	json_object_object_add(json, "pid", json_object_new_uint64(pid));
	json_object_object_add(json, "tid", json_object_new_uint64(tid));
	return json;
}

static void put_name(struct chrome *c, const char *what, u64 pid, u64 tid, const char *name)
{
	struct json_object *json = event("M", what, pid, tid);
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "name", json_object_new_string(name));
	json_object_object_add(json, "args", args);
	put(c, json);
}

static void put_order(struct chrome *c, u64 pid)
{
	struct json_object *json = event("M", "process_sort_index", pid, 0);
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "sort_index", json_object_new_uint64(pid));
	json_object_object_add(json, "args", args);
	put(c, json);
}

/* The format has us, of which there may be decimals. */
static void add_time(struct json_object *json, const char *key, u64 ns)
{
	char text[40];

	snprintf(text, sizeof(text), "%llu.%03llu", ull(ns / 1000),
		 ull(ns % 1000));
	json_object_object_add(json, key, json_object_new_double_s(ns / 1e3, text));
}

static void put_span(struct chrome *c, const struct span *span, u64 pid, u64 tid, const char *name)
{
	struct json_object *json = event("X", name, pid, tid);

	add_time(json, "ts", span->from);
	add_time(json, "dur", span->to - span->from);
	put(c, json);
}

static void put_names(struct chrome *c, const struct workload *wl)
{
	unsigned int nr, i;
	char name[64];

	put_name(c, "process_name", PID_PCPUS, 0, "pCPUs");
	put_order(c, PID_PCPUS);
	for (i = 0; i < wl->cpus; i++) {
		snprintf(name, sizeof(name), "pCPU %u", i);
		put_name(c, "thread_name", PID_PCPUS, i, name);
	}
	for (nr = 0; nr < wl->nr_vms; nr++) {
		put_name(c, "process_name", PID_VMS + nr, 0, wl->vms[nr].name);
		put_order(c, PID_VMS + nr);
		for (i = 0; i < wl->vms[nr].vcpus; i++) {
			snprintf(name, sizeof(name), "vCPU %u", i);
			put_name(c, "thread_name", PID_VMS + nr, i, name);
		}
	}
}

bool chrome_write(FILE *file, const struct result *result, const struct record *record)
{
	struct chrome c = { .file = file };
	char name[64];
	size_t i;

	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", file);
	put_names(&c, result->wl);
	for (i = 0; i < record->nr && !c.failed; i++) {
		const struct span *span = &record->spans[i];

		snprintf(name, sizeof(name), "%s/%u", result->wl->vms[span->vm].name, span->vcpu);
		put_span(&c, span, PID_PCPUS, span->cpu, name);
		snprintf(name, sizeof(name), "pCPU %u", span->cpu);
		put_span(&c, span, PID_VMS + span->vm, span->vcpu, name);
	}
	fprintf(file, "\n],\"otherData\":{\"scheduler\":\"%s\",\"seed\":\"%llu\"}}\n",
		result->ops->name, ull(result->wl->seed));
	return !c.failed && !ferror(file);
}
