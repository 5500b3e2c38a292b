// SPDX-License-Identifier: GPL-2.0
/*
 * Results as JSON: times in ns, shares in permille with three decimals, null for what did
 * not occur. The same run gives the same bytes.
 */
#include <string.h>
#include <json-c/json.h>

#include "output.h"

static int print(struct json_object *json, bool pretty)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text;

	flags |= pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED :
		 JSON_C_TO_STRING_PLAIN;
	text = json ? json_object_to_json_string_ext(json, flags) : NULL;
	if (text)
		puts(text);
	else
		fputs("vmsched-sim: out of memory\n", stderr);
	json_object_put(json);
	return !text;
}

static void add_u64(struct json_object *json, const char *key, u64 value)
{
	json_object_object_add(json, key, json_object_new_uint64(value));
}

static void add_text(struct json_object *json, const char *key, const char *text)
{
	json_object_object_add(json, key, json_object_new_string(text));
}

static void add_permille(struct json_object *json, const char *key, u64 part, u64 whole)
{
	u64 m = millionths(part, whole);
	char text[40];

	snprintf(text, sizeof(text), "%llu.%03llu", ull(m / 1000),
		 ull(m % 1000));
	json_object_object_add(json, key, json_object_new_double_s(m / 1000.0, text));
}

static void add_hist(struct json_object *json, const char *what, const struct hist *h)
{
	static const struct {
		const char *name;
		unsigned int permille;
	} points[] = {
		{ "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "p999", 999 }, { "max", 1000 },
	};
	char key[32];
	size_t i;

	snprintf(key, sizeof(key), "%ss", what);
	add_u64(json, key, h->count);
	for (i = 0; i < ARRAY_SIZE(points); i++) {
		snprintf(key, sizeof(key), "%s_%s_ns", what, points[i].name);
		json_object_object_add(json, key, !h->count ? NULL :
				       json_object_new_uint64(hist_permille(h,
									    points[i].permille)));
	}
}

static void add_stats(struct json_object *json, const struct stats *stats)
{
	add_u64(json, "run_ns", stats->run_ns);
	add_u64(json, "wait_ns", stats->wait_ns);
	add_hist(json, "wait", &stats->waits);
	add_hist(json, "wake", &stats->wakes);
	add_u64(json, "switches", stats->switches);
	add_u64(json, "migrations", stats->migrations);
	add_u64(json, "late", stats->late);
}

static void add_pool_stats(struct json_object *json, const struct pool_result *pool)
{
	add_permille(json, "idle_permille", pool_idle_ns(pool), pool->cpu_ns);
	add_permille(json, "lost_permille", pool->lost_ns, pool->cpu_ns);
	add_stats(json, &pool->stats);
}

static struct json_object *pools(const struct result *result)
{
	struct json_object *array = json_object_new_array();
	unsigned int nr;

	for (nr = 0; nr < result->wl->nr_pools; nr++) {
		const struct pool_result *pool = &result->pools[nr];
		struct json_object *json = json_object_new_object();

		add_text(json, "name", pool->pool->name);
		add_u64(json, "cpus", cpumask_weight(&pool->pool->cpus));
		add_pool_stats(json, pool);
		json_object_array_add(array, json);
	}
	return array;
}

static struct json_object *vms(const struct result *result)
{
	struct json_object *array = json_object_new_array();
	const struct workload *wl = result->wl;
	unsigned int nr;

	for (nr = 0; nr < wl->nr_vms; nr++) {
		const struct wl_vm *vm = &wl->vms[nr];
		struct json_object *json = json_object_new_object();

		add_text(json, "name", vm->name);
		add_text(json, "pool", wl->pools[vm->pool].name);
		add_u64(json, "vcpus", vm->vcpus);
		add_u64(json, "weight", vm->params.weight);
		add_u64(json, "cap_permille", vm->params.cap);
		add_permille(json, "share_permille", result->vms[nr].run_ns,
			     result->pools[vm->pool].cpu_ns);
		add_stats(json, &result->vms[nr]);
		json_object_array_add(array, json);
	}
	return array;
}

static struct json_object *keys(u32 mask)
{
	struct json_object *array = json_object_new_array();
	unsigned int attr;

	for (attr = 0; attr < 32; attr++)
		if (mask & BIT(attr) && workload_key(attr))
			json_object_array_add(array, json_object_new_string(workload_key(attr)));
	return array;
}

static struct json_object *run(const struct result *result)
{
	struct json_object *json = json_object_new_object();
	struct pool_result total;

	add_text(json, "scheduler", result->ops->name);
	if (result->refused[0]) {
		add_text(json, "refused", result->refused);
		return json;
	}
	json_object_object_add(json, "ignored", keys(result_ignored(result)));
	add_u64(json, "cpus", result->wl->cpus);
	add_u64(json, "vcpus", result->wl->nr_vcpus);
	add_u64(json, "seed", result->wl->seed);
	add_u64(json, "warmup_ns", result->wl->warmup);
	add_u64(json, "time_ns", result->time_ns);
	add_u64(json, "switch_cost_ns", result->wl->switch_cost);
	add_u64(json, "decisions", result->decisions);
	add_u64(json, "events", result->events);
	result_total(result, &total);
	add_pool_stats(json, &total);
	stats_free(&total.stats);
	json_object_object_add(json, "pools", pools(result));
	json_object_object_add(json, "vms", vms(result));
	return json;
}

int json_run(const struct result *result, bool pretty)
{
	return print(run(result), pretty);
}

int json_compare(const struct result *results, int n, bool pretty)
{
	struct json_object *array = json_object_new_array();
	int i;

	for (i = 0; i < n; i++)
		json_object_array_add(array, run(&results[i]));
	return print(array, pretty);
}

int json_scheds(const struct vmsched_ops **ops, int n, bool pretty)
{
	struct json_object *array = json_object_new_array();
	int i;

	for (i = 0; i < n; i++) {
		struct json_object *json = json_object_new_object();

		add_text(json, "name", ops[i]->name);
		add_u64(json, "version", ops[i]->version);
		json_object_object_add(json, "honours", keys(ops[i]->honours));
		add_text(json, "doc", ops[i]->doc);
		json_object_array_add(array, json);
	}
	return print(array, pretty);
}
