// SPDX-License-Identifier: GPL-2.0
/*
 * Decode attributes by the tables of model.h. The attributes of an extended
 * ACK refer to the request by an offset into it; the request is still at hand,
 * so the attribute, also one in a nest, gets the name that users know.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netlink.h>

#include "text.h"
#include "wire.h"

#define MAX_ATTR 63	/* the set of attributes at hand has a bit for each */

struct attr {
	const char *data;	/* NULL if it is not there */
	size_t len;
};

/*
 * Take the attribute at @pos; returns where the next one is, NULL at the end
 * or if the rest is not an attribute.
 */
static const char *next_attr(const char *pos, const char *end,
			     unsigned int *type, struct attr *attr)
{
	struct nlattr hdr;
	size_t step;

	if ((size_t)(end - pos) < sizeof(hdr))
		return NULL;
	memcpy(&hdr, pos, sizeof(hdr));
	if (hdr.nla_len < sizeof(hdr) || hdr.nla_len > end - pos)
		return NULL;
	*type = hdr.nla_type & NLA_TYPE_MASK;
	attr->data = pos + NLA_HDRLEN;
	attr->len = hdr.nla_len - NLA_HDRLEN;
	step = NLA_ALIGN(hdr.nla_len);
	return step < (size_t)(end - pos) ? pos + step : end;
}

static void collect(struct attr *tb, const char *pos, size_t len)
{
	const char *end = pos + len;
	unsigned int type;
	struct attr attr;

	memset(tb, 0, (MAX_ATTR + 1) * sizeof(*tb));
	while ((pos = next_attr(pos, end, &type, &attr)))
		if (type <= MAX_ATTR)
			tb[type] = attr;
}

/* --- Objects --- */

static int malformed(const struct model *model, const struct field *field,
		     const char *what, struct conn_error *error)
{
	snprintf(error->text, sizeof(error->text),
		 "the module's answer %s %s of the %s; vmschedctl and vmsched.ko are of different versions",
		 what, field->key, model->noun);
	return -EPROTO;
}

static int parse_text(char **text, const struct attr *attr)
{
	free(*text);
	*text = text_escape(attr->data, attr->len);
	return *text ? 0 : -ENOMEM;
}

static int parse_field(const struct model *model, const struct field *field,
		       void *obj, const struct attr *attr,
		       struct conn_error *error)
{
	void *place = (char *)obj + field->offset;
	size_t size = sizeof(__u32);

	switch (field->kind) {
	case FIELD_TEXT:
		return parse_text(place, attr);
	case FIELD_PARAMS:
		return wire_parse(&params_model, place, attr->data, attr->len,
				  error);
	case FIELD_U64:
	case FIELD_NS:
		size = sizeof(__u64);
		break;
	default:
		break;
	}
	if (attr->len != size)
		return malformed(model, field, "has a bad", error);
	memcpy(place, attr->data, size);
	return 0;
}

int wire_parse(const struct model *model, void *obj, const void *attrs,
	       size_t len, struct conn_error *error)
{
	struct attr tb[MAX_ATTR + 1];
	const struct field *field;
	__u64 *have = obj;
	int err;

	collect(tb, attrs, len);
	for (field = model->fields; field->key; field++) {
		if (!field->attr)
			continue;
		if (tb[field->attr].data) {
			err = parse_field(model, field, obj, &tb[field->attr],
					  error);
			if (err)
				return err;
			*have |= MODEL_BIT(field->attr);
		} else if (field->need) {
			return malformed(model, field, "lacks", error);
		}
	}
	return 0;
}

/* --- Extended ACK --- */

/*
 * Field of the attribute of the request that begins at @target, and the model
 * of the nest that begins there, if it is one, in *@nest.
 */
static const struct field *
field_at(const struct model *model, const char *pos, size_t len,
	 const char *target, const struct model **nest)
{
	const char *end = pos + len;
	const struct field *field;
	const char *start = pos;
	unsigned int type;
	struct attr attr;

	while ((pos = next_attr(start, end, &type, &attr))) {
		if (target < start || target >= pos) {
			start = pos;
			continue;
		}
		field = model_field(model, type);
		if (!field || field->kind != FIELD_PARAMS)
			return target == start ? field : NULL;
		*nest = &params_model;
		if (target == start)
			return field;
		return field_at(&params_model, attr.data, attr.len, target,
				nest);
	}
	return NULL;
}

static const struct field *request_field(const struct wire_request *request,
					 const struct attr *offset,
					 const struct model **nest)
{
	__u32 at;

	if (offset->len < sizeof(at) || !request->model)
		return NULL;
	memcpy(&at, offset->data, sizeof(at));
	if (at < request->offset || at - request->offset >= request->len)
		return NULL;
	return field_at(request->model, request->attrs, request->len,
			(const char *)request->attrs + at - request->offset,
			nest);
}

/* The attribute that the request should have had, there or in a nest. */
static const struct field *missing_field(const struct wire_request *request,
					 const struct attr *tb)
{
	const struct attr *type = &tb[NLMSGERR_ATTR_MISS_TYPE];
	const struct model *nest = request->model;
	__u32 attr;

	if (type->len < sizeof(attr) || !nest)
		return NULL;
	memcpy(&attr, type->data, sizeof(attr));
	if (tb[NLMSGERR_ATTR_MISS_NEST].data)
		request_field(request, &tb[NLMSGERR_ATTR_MISS_NEST], &nest);
	return model_field(nest, attr);
}

void wire_parse_extack(const struct wire_request *request, const void *attrs,
		       size_t len, struct conn_error *error)
{
	const struct field *field = NULL;
	struct attr tb[MAX_ATTR + 1];
	const struct model *nest;
	char *text = NULL;

	collect(tb, attrs, len);
	if (tb[NLMSGERR_ATTR_MSG].data &&
	    !parse_text(&text, &tb[NLMSGERR_ATTR_MSG]))
		snprintf(error->text, sizeof(error->text), "%s", text);
	free(text);
	if (tb[NLMSGERR_ATTR_OFFS].data) {
		field = request_field(request, &tb[NLMSGERR_ATTR_OFFS], &nest);
	} else if (tb[NLMSGERR_ATTR_MISS_TYPE].data) {
		field = missing_field(request, tb);
		error->missing = field;
	}
	error->field = field;
}
