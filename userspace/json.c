// SPDX-License-Identifier: GPL-2.0
/*
 * JSON by the tables of fields: times in ns, shares in permille, words for
 * enumerations, null for what is not known. Parameters stand among the fields
 * of their VM or vCPU.
 */
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>

#include "cmd.h"
#include "json.h"
#include "record.h"

static int print(bool pretty, struct json_object *json)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text;

	flags |= pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED :
		 JSON_C_TO_STRING_PLAIN;
	text = json ? json_object_to_json_string_ext(json, flags) : NULL;
	if (text)
		puts(text);
	json_object_put(json);
	return text ? EXIT_DONE : fail(EXIT_REFUSED, "out of memory");
}

static struct json_object *keys(__u32 mask)
{
	struct json_object *array = json_object_new_array();
	const struct field *field;

	for (field = params_model.fields; field->key; field++)
		if (mask & MODEL_BIT(field->attr))
			json_object_array_add(array,
					      json_object_new_string(field->key));
	return array;
}

static struct json_object *set(const struct field *field, const void *obj)
{
	struct json_object *array = json_object_new_array();
	const char *word;
	__u32 n;

	for (n = 0; n < 32; n++) {
		word = field_set_word(field, obj, n);
		if (word)
			json_object_array_add(array, json_object_new_string(word));
	}
	return array;
}

static struct json_object *text_or_null(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static struct json_object *value(const struct field *field, const void *obj)
{
	switch (field->kind) {
	case FIELD_TEXT:
		return json_object_new_string(*field_text(field, obj));
	case FIELD_U64:
	case FIELD_NS:
		return json_object_new_uint64(field_u64(field, obj));
	case FIELD_US:
		return json_object_new_uint64(field_u32(field, obj) * 1000ULL);
	case FIELD_FLAG:
		return json_object_new_boolean(!!field_u32(field, obj));
	case FIELD_WORD:
		return text_or_null(field_word(field, obj));
	case FIELD_SET:
		return set(field, obj);
	case FIELD_KEYS:
		return keys(field_u32(field, obj));
	case FIELD_ERRNO:
		return text_or_null(strerrorname_np(field_u32(field, obj)));
	default:
		return json_object_new_uint64(field_u32(field, obj));
	}
}

static void add_fields(struct json_object *json, const struct model *model,
		       const void *obj)
{
	const struct field *field;

	for (field = model->fields; field->key; field++) {
		if (field->kind == FIELD_PARAMS)
			add_fields(json, &params_model,
				   (const char *)obj + field->offset);
		else if (field->json)
			json_object_object_add(json, field->json,
					       field_present(field, obj) ?
					       value(field, obj) : NULL);
	}
}

static struct json_object *object(const struct model *model, const void *obj)
{
	struct json_object *json = json_object_new_object();

	if (json)
		add_fields(json, model, obj);
	return json;
}

static struct json_object *array(const struct list *list)
{
	struct json_object *json = json_object_new_array();
	size_t i;

	for (i = 0; json && i < list->n; i++)
		json_object_array_add(json,
				      object(list->model,
					     (const char *)list->items +
					     i * list->model->size));
	return json;
}

int json_print_object(bool pretty, const struct model *model, const void *obj)
{
	return print(pretty, object(model, obj));
}

int json_print_list(bool pretty, const struct list *list)
{
	return print(pretty, array(list));
}

int json_print_status(bool pretty, const struct status *status,
		      const struct list *pools)
{
	struct json_object *json = object(&status_model, status);
	struct json_object *resmgr = json_object_new_object();

	json_object_object_add(json, "pools", array(pools));
	/* The module has none as yet, so there is nothing to ask it. */
	json_object_object_add(resmgr, "mode", json_object_new_string("off"));
	json_object_object_add(json, "resmgr", resmgr);
	return print(pretty, json);
}

int json_print_version(bool pretty, const char *version)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "version",
			       json_object_new_string(version));
	return print(pretty, json);
}

int json_print_unload(bool pretty, const char *name, const char *module)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "name", json_object_new_string(name));
	json_object_object_add(json, "module", json_object_new_string(module));
	json_object_object_add(json, "unloaded", json_object_new_boolean(true));
	return print(pretty, json);
}

int json_print_owner(bool pretty, const char *pool, __u64 id, const char *name)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "pool", json_object_new_string(pool));
	json_object_object_add(json, "console_owner",
			       id ? json_object_new_uint64(id) : NULL);
	json_object_object_add(json, "name",
			       id ? json_object_new_string(name) : NULL);
	return print(pretty, json);
}

int json_print_recording(bool pretty, const struct recording *done)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "time_ns",
			       json_object_new_uint64(done->time_ns));
	json_object_object_add(json, "vms", json_object_new_uint64(done->vms));
	json_object_object_add(json, "events",
			       json_object_new_uint64(done->events));
	json_object_object_add(json, "lost", json_object_new_uint64(done->lost));
	return print(pretty, json);
}

/* One line each, pretty or not: readers take line by line. */
int json_print_event(__u64 time_ns, const struct event *event)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "time_ns",
			       json_object_new_uint64(time_ns));
	if (event->name)
		json_object_object_add(json, "event",
				       json_object_new_string(event->name));
	else
		json_object_object_add(json, "event",
				       json_object_new_int(event->cmd));
	if (event->model)
		add_fields(json, event->model, event->obj);
	return print(false, json);
}
