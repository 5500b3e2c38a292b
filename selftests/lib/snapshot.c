// SPDX-License-Identifier: GPL-2.0
/*
 * State of vmsched as text; see snapshot.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "snapshot.h"

#define MAX_ATTR	32

/* Attributes that change while nobody asks for a change: bit N is type N */
struct dump {
	uint8_t cmd;
	bool list;		/* false: one message */
	const char *name;
	uint32_t moves;
};

static const struct dump dumps[] = {
	{ VMSCHED_CMD_STATUS_GET, false, "status", 0 },
	{ VMSCHED_CMD_SCHED_GET, true, "sched", 0 },
	{ VMSCHED_CMD_POOL_GET, true, "pool",
	  1 << VMSCHED_A_POOL_FAILED_SWITCHES |
	  1 << VMSCHED_A_POOL_REQUESTS_TIMER |
	  1 << VMSCHED_A_POOL_REQUESTS_CORE |
	  1 << VMSCHED_A_POOL_REQUESTS_SERVICE |
	  1 << VMSCHED_A_POOL_REQUESTS_GUEST |
	  1 << VMSCHED_A_POOL_REQUESTS_LIMITED },
	{ VMSCHED_CMD_VM_GET, true, "vm",
	  1 << VMSCHED_A_VM_RUN_NS | 1 << VMSCHED_A_VM_GUEST_NS |
	  1 << VMSCHED_A_VM_USER_NS | 1 << VMSCHED_A_VM_WAIT_NS |
	  1 << VMSCHED_A_VM_SWITCHES | 1 << VMSCHED_A_VM_EXITS },
	{ VMSCHED_CMD_VCPU_GET, true, "vcpu",
	  1 << VMSCHED_A_VCPU_STATE | 1 << VMSCHED_A_VCPU_CPU |
	  1 << VMSCHED_A_VCPU_RUN_NS | 1 << VMSCHED_A_VCPU_GUEST_NS |
	  1 << VMSCHED_A_VCPU_USER_NS | 1 << VMSCHED_A_VCPU_WAIT_NS |
	  1 << VMSCHED_A_VCPU_SWITCHES | 1 << VMSCHED_A_VCPU_EXITS |
	  1 << VMSCHED_A_VCPU_MIGRATIONS },
};

struct writer {
	const struct dump *dump;
	struct snapshot *s;
	FILE *out;
};

static void write_attr(struct writer *w, const struct nlattr *a, uint16_t type)
{
	const uint8_t *data = (const uint8_t *)a + NLA_HDRLEN;
	int len = a->nla_len - NLA_HDRLEN;
	int i;

	fprintf(w->out, "%s.%u=", w->dump->name, type);
	/* Texts end with a NUL; a nest is as good as bytes */
	if (len > 1 && !data[len - 1] && strlen((const char *)data) == len - 1u) {
		fprintf(w->out, "%s\n", (const char *)data);
		return;
	}
	for (i = 0; i < len; i++)
		fprintf(w->out, "%02x", data[i]);
	fputc('\n', w->out);
}

static void write_message(const struct nlmsghdr *msg, void *arg)
{
	struct writer *w = arg;
	uint16_t type;

	for (type = 1; type < MAX_ATTR; type++) {
		const struct nlattr *a = genl_attr(msg, type);

		if (a && !(w->dump->moves & 1u << type))
			write_attr(w, a, type);
	}
	if (w->dump->cmd == VMSCHED_CMD_POOL_GET)
		w->s->failed_switches +=
			genl_u64(genl_attr(msg, VMSCHED_A_POOL_FAILED_SWITCHES));
}

static int take_dump(struct writer *w, struct genl *g)
{
	struct genl_msg m;
	struct genl_ack ack;
	int ret;

	genl_begin(g, &m, w->dump->cmd, w->dump->list ? NLM_F_DUMP : 0);
	ret = genl_call(g, &m, &ack, write_message, w) ?: ack.error;
	if (ret)
		printf("# dump of %s: %s\n", w->dump->name, strerror(-ret));
	return ret;
}

int snapshot_take(struct snapshot *s, struct genl *g)
{
	struct writer w = { .s = s };
	unsigned int i;
	size_t size;
	int ret = 0;

	*s = (struct snapshot) { 0 };
	w.out = open_memstream(&s->text, &size);
	if (!w.out)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(dumps) && !ret; i++) {
		w.dump = &dumps[i];
		ret = take_dump(&w, g);
	}
	fclose(w.out);
	if (ret)
		snapshot_free(s);
	return ret;
}

static bool key_moves(const char *key)
{
	static const char * const keys[] = {
		"state", "cpu", "migrations", "switches", "exits",
		"failed_switches", "run_ns", "guest_ns", "user_ns", "wait_ns",
		"time_ns",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

static void write_json(FILE *out, json_object *json)
{
	size_t i;

	if (json_object_is_type(json, json_type_array)) {
		for (i = 0; i < json_object_array_length(json); i++)
			write_json(out, json_object_array_get_idx(json, i));
		return;
	}
	if (!json_object_is_type(json, json_type_object)) {
		fprintf(out, "%s\n", json_object_to_json_string(json));
		return;
	}
	json_object_object_foreach(json, key, value) {
		if (key_moves(key))
			continue;
		fprintf(out, "%s: ", key);
		write_json(out, value);
	}
}

int snapshot_cli(struct snapshot *s)
{
	static const char * const lists[] = {
		"status", "sched list", "pool list", "vm list", "vcpu list",
	};
	unsigned int i;
	size_t size;
	FILE *out;
	int ret = 0;

	*s = (struct snapshot) { 0 };
	out = open_memstream(&s->text, &size);
	if (!out)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(lists) && !ret; i++) {
		struct cli c;

		ret = cli(&c, "%s", lists[i]);
		if (!ret && !c.json)
			ret = -EPROTO;
		if (!ret)
			write_json(out, c.json);
		else
			printf("# vmschedctl -j %s: %d\n", lists[i], ret);
		cli_free(&c);
	}
	fclose(out);
	if (ret)
		snapshot_free(s);
	return ret;
}

bool snapshot_same(const struct snapshot *before, const struct snapshot *after)
{
	const char *b = before->text, *a = after->text;

	if (!strcmp(b, a))
		return true;
	while (*b && *a) {
		size_t nb = strcspn(b, "\n"), na = strcspn(a, "\n");

		if (nb != na || strncmp(b, a, nb))
			break;
		b += nb + 1;
		a += na + 1;
	}
	printf("# state was '%.*s', is '%.*s'\n", (int)strcspn(b, "\n"), b,
	       (int)strcspn(a, "\n"), a);
	return false;
}

void snapshot_free(struct snapshot *s)
{
	free(s->text);
	s->text = NULL;
}
