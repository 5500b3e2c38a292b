// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that all policies let pass; see fuzz.h, and fuzz_break.c for what
 * becomes of them.
 */
#include <string.h>

#include "fuzz.h"
#include <kselftest.h>

#define LONGEST_TEXT	1024
/* A switch takes a while: one request in so many */
#define SWITCH_RARITY	32
#define MAX_NEST	8

/* True once in @n times */
static bool once_in(struct fuzz *f, unsigned int n)
{
	return !fuzz_below(f, n);
}

static struct nlattr *put(struct fuzz_msg *m, uint16_t type, const void *data,
			  size_t len)
{
	struct nlattr *a = (struct nlattr *)(m->buf + m->len);

	if (m->len + NLA_HDRLEN + NLA_ALIGN(len) > sizeof(m->buf))
		return NULL;
	memset(a, 0, NLA_HDRLEN + NLA_ALIGN(len));
	a->nla_len = NLA_HDRLEN + len;
	a->nla_type = type;
	if (len)
		memcpy(m->buf + m->len + NLA_HDRLEN, data, len);
	m->len += NLA_HDRLEN + NLA_ALIGN(len);
	return a;
}

/* At the edges of what parameters may be, and of what a number can be */
static uint64_t pick_number(struct fuzz *f, const struct policy_attr *pol)
{
	static const uint32_t edges[] = {
		0, 1, 2, 99, 100, 101, 999, 1000, 1001, 9999, 10000, 10001,
		999999, 1000000, 1000001, 9999999, 10000000, 10000001,
		INT32_MAX, INT32_MAX + 1U, UINT32_MAX,
	};
	uint64_t value = pol->min;

	switch (fuzz_below(f, 4)) {
	case 0:
		value = edges[fuzz_below(f, ARRAY_SIZE(edges))];
		break;
	case 1:
		value = storm_random(f->rng);
		break;
	default:
		value += fuzz_below(f, 20000);
	}
	if (value < pol->min || value > pol->max)
		value = pol->max - pol->min < UINT32_MAX ?
			pol->min + fuzz_below(f, pol->max - pol->min + 1) : pol->max;
	return value;
}

/* All numbers of 64 bits are ids of VMs so far */
static uint64_t pick_u64(struct fuzz *f, const struct policy_attr *pol)
{
	static const uint64_t edges[] = {
		0, UINT32_MAX, 1ULL << 32, INT64_MAX, 1ULL << 63, UINT64_MAX,
	};
	uint64_t value = edges[fuzz_below(f, ARRAY_SIZE(edges))];

	if (f->n_vms && !once_in(f, 6))
		value = f->vm[fuzz_below(f, f->n_vms)];
	return value < pol->min ? pol->min :
	       value > pol->max ? pol->max : value;
}

static size_t random_text(struct fuzz *f, char *text, size_t max)
{
	static const char some[] = "0123456789-,,--rbvtnaive_ \t%sx:/";
	size_t len = fuzz_below(f, once_in(f, 8) ? max + 1 : max < 24 ? max : 24);
	size_t i;

	for (i = 0; i < len; i++) {
		text[i] = some[fuzz_below(f, sizeof(some) - 1)];
		if (once_in(f, 16))
			text[i] = 1 + fuzz_below(f, 255);
	}
	text[len] = '\0';
	return len + 1;
}

static void put_text(struct fuzz *f, struct fuzz_msg *m, uint16_t type,
		     const struct policy_attr *pol)
{
	static const char * const words[] = {
		"native", "rr", "bvt", "default", "", "0", "1", "0-1", "0,1",
		"0-8191", "1-0", "0-1:1/2", "all", "N", "nosuch", "%s%n",
	};
	size_t max = pol->max_len && pol->max_len < LONGEST_TEXT ?
		     pol->max_len : LONGEST_TEXT;
	char text[LONGEST_TEXT + 1];
	const char *word = words[fuzz_below(f, ARRAY_SIZE(words))];

	if (!once_in(f, 4) && strlen(word) <= max)
		put(m, type, word, strlen(word) + 1);
	else
		put(m, type, text, random_text(f, text, max));
}

static void put_attrs(struct fuzz *f, struct fuzz_msg *m, int policy,
		      unsigned int depth);

static void put_attr(struct fuzz *f, struct fuzz_msg *m, uint16_t type,
		     const struct policy_attr *pol, unsigned int depth)
{
	uint64_t value = pick_number(f, pol);
	struct nlattr *nest;
	size_t at = m->len;

	switch (pol->type) {
	case NL_ATTR_TYPE_U8:
		put(m, type, &value, 1);
		break;
	case NL_ATTR_TYPE_U16:
		put(m, type, &value, 2);
		break;
	case NL_ATTR_TYPE_U32:
		put(m, type, &value, 4);
		break;
	case NL_ATTR_TYPE_U64:
		value = pick_u64(f, pol);
		put(m, type, &value, 8);
		break;
	case NL_ATTR_TYPE_NUL_STRING:
		put_text(f, m, type, pol);
		break;
	case NL_ATTR_TYPE_NESTED:
		nest = put(m, type | NLA_F_NESTED, NULL, 0);
		if (nest && depth < MAX_NEST)
			put_attrs(f, m, pol->nest, depth + 1);
		if (nest)
			nest->nla_len = m->len - at;
		break;
	}
}

/* Most of the attributes, from a random one on in either direction */
static void put_attrs(struct fuzz *f, struct fuzz_msg *m, int policy,
		      unsigned int depth)
{
	const struct policy *p = &f->policies->policy[policy];
	unsigned int i, start, rarity = depth ? 3 : 12;
	bool down = once_in(f, 2);

	if (!p->max)
		return;
	start = fuzz_below(f, p->max);
	for (i = 0; i < p->max; i++) {
		unsigned int type = 1 + (start + (down ? p->max - i : i)) % p->max;
		bool few = depth && !once_in(f, 3);

		if (!p->attr[type].type || few || once_in(f, rarity))
			continue;
		put_attr(f, m, type, &p->attr[type], depth);
		/* Twice: the last one counts */
		if (once_in(f, 32))
			put_attr(f, m, type, &p->attr[type], depth);
	}
}

static const struct policy_op *pick_op(struct fuzz *f)
{
	const struct policy_op *op;

	do {
		op = &f->policies->op[fuzz_below(f, f->policies->n_ops)];
	} while ((op->cmd == VMSCHED_CMD_SCHED_SWITCH ||
		  op->cmd == VMSCHED_CMD_SCHED_HOLD) &&
		 !once_in(f, SWITCH_RARITY));
	return op;
}

void fuzz_request(struct fuzz *f, struct fuzz_msg *m)
{
	const struct policy_op *op = pick_op(f);
	struct nlmsghdr *hdr = &m->hdr;
	struct genlmsghdr *genl;

	memset(m->buf, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	m->len = NLMSG_HDRLEN + GENL_HDRLEN;
	hdr->nlmsg_type = f->family;
	hdr->nlmsg_flags = NLM_F_REQUEST | (op->dump ? NLM_F_DUMP : 0) |
			   (once_in(f, 4) ? 0 : NLM_F_ACK) |
			   (once_in(f, 8) ? NLM_F_ECHO : 0);
	hdr->nlmsg_seq = storm_random(f->rng);
	hdr->nlmsg_pid = once_in(f, 4) ? storm_random(f->rng) : 0;
	genl = NLMSG_DATA(hdr);
	genl->cmd = op->cmd;
	genl->version = once_in(f, 8) ? fuzz_below(f, 256) : VMSCHED_FAMILY_VERSION;
	if (op->policy >= 0)
		put_attrs(f, m, op->policy, 0);
	hdr->nlmsg_len = m->len;
}
