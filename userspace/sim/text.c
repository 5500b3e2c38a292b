// SPDX-License-Identifier: GPL-2.0
/* Results for people: tables, drawn by libsmartcols. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <libsmartcols.h>

#include "output.h"

#define CELL	64

struct table {
	struct libscols_table *table;
	struct libscols_line *line;
	size_t column;
	bool failed;
};

static void add_column(struct table *t, const char *head, bool text)
{
	if (!scols_table_new_column(t->table, head, 0, text ? 0 : SCOLS_FL_RIGHT))
		t->failed = true;
}

static void begin_table(struct table *t)
{
	*t = (struct table) { .table = scols_new_table() };
	t->failed = !t->table;
}

static void begin_line(struct table *t)
{
	t->line = scols_table_new_line(t->table, NULL);
	t->failed |= !t->line;
	t->column = 0;
}

static __printf(2, 3) void cell(struct table *t, const char *fmt, ...)
{
	char text[CELL];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!t->failed && scols_line_set_data(t->line, t->column++, text))
		t->failed = true;
}

static int end_table(struct table *t)
{
	int failed = t->failed || scols_print_table(t->table);

	scols_unref_table(t->table);
	if (failed)
		fputs("vmsched-sim: the table cannot be printed\n", stderr);
	return failed;
}

static void cell_percent(struct table *t, u64 part, u64 whole)
{
	u64 m = millionths(part, whole);

	cell(t, "%llu.%02llu%%", ull((m + 50) / 10000),
	     ull((m + 50) / 100 % 100));
}

static void cell_count(struct table *t, u64 count)
{
	cell(t, "%llu", ull(count));
}

/* Three digits that count, or whole ns. */
static void cell_ns(struct table *t, const struct hist *h, u64 ns)
{
	static const struct {
		u64 from;
		double unit;
		const char *name;
	} units[] = {
		{ NSEC_PER_SEC, 1e9, "s" },
		{ NSEC_PER_MSEC, 1e6, "ms" },
		{ NSEC_PER_USEC, 1e3, "us" },
	};
	size_t i;

	if (!h->count) {
		cell(t, "-");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		double value = ns / units[i].unit;

		if (ns < units[i].from)
			continue;
		cell(t, "%.*f%s", value < 10 ? 2 : value < 100 ? 1 : 0, value, units[i].name);
		return;
	}
	cell(t, ns ? "%lluns" : "%llu", ull(ns));
}

static void cells_hist(struct table *t, const struct hist *h)
{
	cell_ns(t, h, hist_permille(h, 500));
	cell_ns(t, h, hist_permille(h, 990));
	cell_ns(t, h, h->max);
}

static void hist_columns(struct table *t)
{
	static const char *const heads[] = {
		"WAIT-P50", "WAIT-P99", "WAIT-MAX", "WAKE-P50", "WAKE-P99", "WAKE-MAX",
		"SWITCHES", "MIGRATIONS", "LATE",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(heads); i++)
		add_column(t, heads[i], false);
}

static void cells_stats(struct table *t, const struct stats *stats)
{
	cells_hist(t, &stats->waits);
	cells_hist(t, &stats->wakes);
	cell_count(t, stats->switches);
	cell_count(t, stats->migrations);
	cell_count(t, stats->late);
}

static void print_ignored(const struct result *result)
{
	u32 ignored = result_ignored(result);
	const char *before = "";
	unsigned int attr;

	if (!ignored)
		return;
	printf("%s does not know of ", result->ops->name);
	for (attr = 0; attr < 32; attr++)
		if (ignored & BIT(attr)) {
			printf("%s%s", before, workload_key(attr));
			before = ", ";
		}
	puts(", which some VMs have: it runs them as if they had not.");
}

static int print_vms(const struct result *result)
{
	const struct workload *wl = result->wl;
	struct table t;
	unsigned int nr;

	begin_table(&t);
	add_column(&t, "VM", true);
	if (wl->nr_pools > 1)
		add_column(&t, "POOL", true);
	add_column(&t, "VCPUS", false);
	add_column(&t, "WEIGHT", false);
	add_column(&t, "SHARE", false);
	hist_columns(&t);
	for (nr = 0; nr < wl->nr_vms && !t.failed; nr++) {
		const struct wl_vm *vm = &wl->vms[nr];

		begin_line(&t);
		cell(&t, "%s", vm->name);
		if (wl->nr_pools > 1)
			cell(&t, "%s", wl->pools[vm->pool].name);
		cell_count(&t, vm->vcpus);
		cell_count(&t, vm->params.weight);
		cell_percent(&t, result->vms[nr].run_ns, result->pools[vm->pool].cpu_ns);
		cells_stats(&t, &result->vms[nr]);
	}
	return end_table(&t);
}

static void cells_pool(struct table *t, const struct pool_result *pool)
{
	cell_percent(t, pool_idle_ns(pool), pool->cpu_ns);
	cell_percent(t, pool->lost_ns, pool->cpu_ns);
	cells_stats(t, &pool->stats);
}

static int print_pools(const struct result *result)
{
	struct table t;
	unsigned int nr;

	begin_table(&t);
	add_column(&t, "POOL", true);
	add_column(&t, "SCHEDULER", true);
	add_column(&t, "PCPUS", false);
	add_column(&t, "IDLE", false);
	add_column(&t, "LOST", false);
	hist_columns(&t);
	for (nr = 0; nr < result->wl->nr_pools && !t.failed; nr++) {
		const struct pool_result *pool = &result->pools[nr];

		begin_line(&t);
		cell(&t, "%s", pool->pool->name);
		cell(&t, "%s", result->ops->name);
		cell_count(&t, cpumask_weight(&pool->pool->cpus));
		cells_pool(&t, pool);
	}
	return end_table(&t);
}

int print_run(const struct result *result)
{
	if (print_pools(result))
		return 1;
	putchar('\n');
	if (print_vms(result))
		return 1;
	print_ignored(result);
	return 0;
}

static int print_totals(const struct result *results, int n)
{
	struct pool_result total;
	struct table t;
	int i;

	begin_table(&t);
	add_column(&t, "SCHEDULER", true);
	add_column(&t, "IDLE", false);
	add_column(&t, "LOST", false);
	hist_columns(&t);
	for (i = 0; i < n && !t.failed; i++) {
		begin_line(&t);
		cell(&t, "%s", results[i].ops->name);
		if (results[i].refused[0]) {
			cell(&t, "refused");
			continue;
		}
		result_total(&results[i], &total);
		cells_pool(&t, &total);
		stats_free(&total.stats);
	}
	return end_table(&t);
}

/* The same figure of all schedulers stands side by side. */
static const char *const compared[] = { "SHARE", "WAIT-P99", "WAKE-P99", "SWITCHES" };

static void cell_compared(struct table *t, const struct result *result, unsigned int nr,
			  size_t what)
{
	const struct stats *stats = &result->vms[nr];

	if (result->refused[0]) {
		cell(t, "-");
		return;
	}
	switch (what) {
	case 0:
		cell_percent(t, stats->run_ns,
			     result->pools[result->wl->vms[nr].pool].cpu_ns);
		break;
	case 1:
		cell_ns(t, &stats->waits, hist_permille(&stats->waits, 990));
		break;
	case 2:
		cell_ns(t, &stats->wakes, hist_permille(&stats->wakes, 990));
		break;
	default:
		cell_count(t, stats->switches);
	}
}

static void compare_vm(struct table *t, const struct result *results, int n, unsigned int nr)
{
	const struct wl_vm *vm = &results->wl->vms[nr];
	size_t what;
	int i;

	begin_line(t);
	cell(t, "%s", vm->name);
	cell_count(t, vm->vcpus);
	cell_count(t, vm->params.weight);
	for (what = 0; what < ARRAY_SIZE(compared); what++)
		for (i = 0; i < n; i++)
			cell_compared(t, &results[i], nr, what);
}

static int print_compared_vms(const struct result *results, int n)
{
	char head[CELL];
	struct table t;
	unsigned int nr;
	size_t what;
	int i;

	begin_table(&t);
	add_column(&t, "VM", true);
	add_column(&t, "VCPUS", false);
	add_column(&t, "WEIGHT", false);
	for (what = 0; what < ARRAY_SIZE(compared); what++)
		for (i = 0; i < n; i++) {
			snprintf(head, sizeof(head), "%s:%s", compared[what], results[i].ops->name);
			add_column(&t, head, false);
		}
	for (nr = 0; nr < results->wl->nr_vms && !t.failed; nr++)
		compare_vm(&t, results, n, nr);
	return end_table(&t);
}

int print_compare(const struct result *results, int n)
{
	int i;

	if (print_totals(results, n))
		return 1;
	putchar('\n');
	if (print_compared_vms(results, n))
		return 1;
	for (i = 0; i < n; i++)
		if (results[i].refused[0])
			printf("%s refuses %s\n", results[i].ops->name, results[i].refused);
		else
			print_ignored(&results[i]);
	return 0;
}

int print_scheds(const struct vmsched_ops **ops, int n)
{
	struct table t;
	int i;

	begin_table(&t);
	add_column(&t, "NAME", true);
	add_column(&t, "WHAT", true);
	for (i = 0; i < n && !t.failed; i++) {
		begin_line(&t);
		cell(&t, "%s", ops[i]->name);
		cell(&t, "%s", ops[i]->doc);
	}
	return end_table(&t);
}
