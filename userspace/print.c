// SPDX-License-Identifier: GPL-2.0
/*
 * Output for people, by the tables of fields: tables drawn by libsmartcols,
 * one object as "key value" lines. Units are written behind the numbers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libsmartcols.h>

#include "cmd.h"
#include "print.h"

#define CELL 1100	/* the longest list of pCPUs that a message may hold */

static void format_ns(char *cell, size_t size, __u64 ns)
{
	static const struct {
		__u64 from;
		double unit;
		const char *name;
	} units[] = {
		{ 1000000000, 1e9, "s" },
		{ 1000000, 1e6, "ms" },
		{ 1000, 1e3, "us" },
	};
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (ns < units[i].from)
			continue;
		snprintf(cell, size, "%.*f%s", ns % units[i].from ? 2 : 0,
			 ns / units[i].unit, units[i].name);
		return;
	}
	snprintf(cell, size, ns ? "%lluns" : "%llu", ns);
}

static void format_keys(char *cell, size_t size, __u32 mask)
{
	const struct field *field;
	size_t used = 0;

	snprintf(cell, size, "-");
	for (field = params_model.fields; field->key && used < size; field++)
		if (mask & MODEL_BIT(field->attr))
			used += snprintf(cell + used, size - used, "%s%s",
					 used ? "," : "", field->key);
}

static void format_set(char *cell, size_t size, const struct field *field,
		       const void *obj)
{
	const char *word;
	size_t used = 0;
	__u32 n;

	snprintf(cell, size, "-");
	for (n = 0; n < 32 && used < size; n++) {
		word = field_set_word(field, obj, n);
		if (word)
			used += snprintf(cell + used, size - used, "%s%s",
					 used ? "," : "", word);
	}
}

static void format(char *cell, size_t size, const struct field *field,
		   const void *obj)
{
	const char *text = "-";

	cell[0] = '\0';
	if (!field_present(field, obj)) {
		snprintf(cell, size, "-");
		return;
	}
	switch (field->kind) {
	case FIELD_TEXT:
		if (**field_text(field, obj))
			text = *field_text(field, obj);
		break;
	case FIELD_U64:
		snprintf(cell, size, "%llu", field_u64(field, obj));
		return;
	case FIELD_NS:
		format_ns(cell, size, field_u64(field, obj));
		return;
	case FIELD_US:
		format_ns(cell, size, field_u32(field, obj) * 1000ULL);
		return;
	case FIELD_PERMILLE:
		snprintf(cell, size, "%g%%", field_u32(field, obj) / 10.0);
		return;
	case FIELD_SET:
		format_set(cell, size, field, obj);
		return;
	case FIELD_KEYS:
		format_keys(cell, size, field_u32(field, obj));
		return;
	case FIELD_FLAG:
		text = field_u32(field, obj) ? "on" : "off";
		break;
	case FIELD_WORD:
		text = field_word(field, obj) ?: "?";
		break;
	case FIELD_ERRNO:
		if (field_u32(field, obj))
			text = strerror(field_u32(field, obj));
		break;
	default:
		snprintf(cell, size, "%u", field_u32(field, obj));
		return;
	}
	snprintf(cell, size, "%s", text);
}

/* Field of a column, and in *@obj the struct that it is in. */
static const struct field *column_field(const struct column *column,
					const struct model *model,
					const void **obj)
{
	const struct field *field = model->fields;

	if (!column->of_params)
		return model_field(model, column->attr);
	while (field->kind != FIELD_PARAMS)
		field++;
	*obj = (const char *)*obj + field->offset;
	return model_field(&params_model, column->attr);
}

static int add_line(struct libscols_table *table, const struct list *list,
		    size_t item, const struct column *columns)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	const struct field *field;
	char cell[CELL];
	const void *obj;
	size_t i;

	for (i = 0; line && columns[i].head; i++) {
		obj = (const char *)list->items + item * list->model->size;
		field = column_field(&columns[i], list->model, &obj);
		format(cell, sizeof(cell), field, obj);
		if (scols_line_set_data(line, i, cell))
			return -1;
	}
	return line ? 0 : -1;
}

static bool is_text(const struct field *field)
{
	return field->kind == FIELD_TEXT || field->kind == FIELD_WORD ||
	       field->kind == FIELD_KEYS || field->kind == FIELD_SET;
}

static int fill_table(struct libscols_table *table, const struct list *list,
		      const struct column *columns)
{
	const struct column *column;
	const struct field *field;
	const void *none = NULL;
	struct libscols_column *cl;
	size_t i;

	if (!table)
		return -1;
	for (column = columns; column->head; column++) {
		field = column_field(column, list->model, &none);
		cl = scols_table_new_column(table, column->head, 0,
					    is_text(field) ? 0 :
					    SCOLS_FL_RIGHT);
		if (!cl)
			return -1;
		/* Names are escaped already, once is enough. */
		scols_column_set_safechars(cl, "\\");
	}
	for (i = 0; i < list->n; i++)
		if (add_line(table, list, i, columns))
			return -1;
	return scols_print_table(table);
}

int print_list(const struct list *list, const struct column *columns)
{
	struct libscols_table *table;
	int err;

	if (!list->n)
		return EXIT_DONE;
	table = scols_new_table();
	err = fill_table(table, list, columns);
	scols_unref_table(table);
	return err ? fail(EXIT_REFUSED, "cannot draw the table") : EXIT_DONE;
}

void print_object(const struct model *model, const void *obj)
{
	const struct field *field;
	char cell[CELL];

	for (field = model->fields; field->key; field++) {
		if (field->kind == FIELD_PARAMS) {
			print_object(&params_model,
				     (const char *)obj + field->offset);
			continue;
		}
		if (!field->json)
			continue;
		format(cell, sizeof(cell), field, obj);
		printf("%-16s%s\n", field->key, cell);
	}
}

static void print_times(__u64 cease_ns, __u64 blackout_ns)
{
	char cease[32], blackout[32];

	format_ns(cease, sizeof(cease), cease_ns);
	format_ns(blackout, sizeof(blackout), blackout_ns);
	printf("cease %s, blackout %s", cease, blackout);
}

void print_switch(const struct switch_info *info)
{
	const struct field *activate =
		model_field(&switch_model, VMSCHED_A_SWITCH_ACTIVATE);

	printf("pool %s: %s -> %s", info->pool, info->from, info->to);
	if (info->error) {
		printf(" given up: %s\n", info->why ?: strerror(info->error));
		if (info->late)
			printf("  late: %s\n", info->late);
		return;
	}
	if (field_present(activate, info))
		printf(" by %s", field_word(activate, info) ?: "?");
	printf(", %u vCPUs, ", info->vcpus);
	print_times(info->cease_ns, info->blackout_ns);
	putchar('\n');
}

static void print_event_object(const struct event *event)
{
	const struct sched *sched = event->obj;
	const struct vm *vm = event->obj;

	if (event->model == &switch_model)
		print_switch(event->obj);
	else if (event->model == &vm_model)
		printf("%llu %s, pid %u, pool %s, %u vCPUs\n", vm->id,
		       vm->name ?: "-", vm->pid, vm->pool, vm->vcpus);
	else if (event->model == &sched_model)
		printf("%s, module %s\n", sched->name, sched->module);
	else
		putchar('\n');
}

void print_event(__u64 time_ns, const struct event *event)
{
	printf("%llu.%06llu ", time_ns / 1000000000,
	       time_ns / 1000 % 1000000);
	if (event->name)
		printf("%s ", event->name);
	else
		printf("event-%d ", event->cmd);
	print_event_object(event);
}

static void print_pool(const struct pool *pool)
{
	const struct field *activate =
		model_field(&pool_model, VMSCHED_A_POOL_ACTIVATE);

	printf("pool %s: cpus %s, scheduler %s by %s, %u VMs, %u vCPUs\n",
	       pool->name, pool->cpus, pool->scheduler,
	       field_word(activate, pool) ?: "?", pool->vms, pool->vcpus);
	if (!pool->switches)
		return;
	printf("  last switch: %s -> %s, ", pool->previous ?: "-",
	       pool->scheduler);
	print_times(pool->cease_ns, pool->blackout_ns);
	printf("; %llu done, %llu given up\n", pool->switches,
	       pool->failed_switches);
}

void print_status(const struct status *status, const struct list *pools)
{
	const struct field *missing =
		model_field(&status_model, VMSCHED_A_STATUS_MISSING);
	const struct pool *pool = NULL;
	char cell[CELL];

	printf("vmsched %s, %u VMs, %u vCPUs\n", status->version, status->vms,
	       status->vcpus);
	while ((pool = list_next(pools, pool)))
		print_pool(pool);
	puts("resource manager: off");
	format(cell, sizeof(cell), missing, status);
	printf("missing in this kernel: %s\n", status->missing ? cell : "nothing");
	printf("last fault: %s\n", status->last_fault ?: "none");
}
