// SPDX-License-Identifier: GPL-2.0
/*
 * Ways to break a request; see fuzz.h. The message is taken as it stands: it may
 * be broken already.
 */
#include <string.h>

#include "fuzz.h"
#include <kselftest.h>

#define MAX_PLACES	64
#define FIRST_ATTR	(NLMSG_HDRLEN + GENL_HDRLEN)
#define MAX_BREAKS	3
#define DEEP		40

/* Where attributes begin, those inside of others included */
struct places {
	size_t at[MAX_PLACES];
	unsigned int n;
};

static void find_places(const struct fuzz_msg *m, size_t at, size_t end,
			struct places *p)
{
	while (at + NLA_HDRLEN <= end && p->n < MAX_PLACES) {
		const struct nlattr *a = (const struct nlattr *)(m->buf + at);

		if (a->nla_len < NLA_HDRLEN || at + a->nla_len > end)
			return;
		p->at[p->n++] = at;
		if (a->nla_type & NLA_F_NESTED)
			find_places(m, at + NLA_HDRLEN, at + a->nla_len, p);
		at += NLA_ALIGN(a->nla_len);
	}
}

static struct nlattr *pick_attr(struct fuzz *f, struct fuzz_msg *m)
{
	struct places p = { .n = 0 };

	find_places(m, FIRST_ATTR, m->len, &p);
	return p.n ? (struct nlattr *)(m->buf + p.at[fuzz_below(f, p.n)]) : NULL;
}

static void flip_bit(struct fuzz *f, struct fuzz_msg *m)
{
	if (m->len)
		m->buf[fuzz_below(f, m->len)] ^= 1 << fuzz_below(f, 8);
}

static void random_byte(struct fuzz *f, struct fuzz_msg *m)
{
	if (m->len)
		m->buf[fuzz_below(f, m->len)] = fuzz_below(f, 256);
}

static void break_flags(struct fuzz *f, struct fuzz_msg *m)
{
	m->hdr.nlmsg_flags ^= 1 << fuzz_below(f, 16);
}

static void break_type(struct fuzz *f, struct fuzz_msg *m)
{
	m->hdr.nlmsg_type = fuzz_below(f, 2) ? fuzz_below(f, NLMSG_MIN_TYPE) :
					  FUZZ_NO_FAMILY + fuzz_below(f, 0x8000);
}

static void break_genl(struct fuzz *f, struct fuzz_msg *m)
{
	struct genlmsghdr *genl = NLMSG_DATA(&m->hdr);

	switch (fuzz_below(f, 4)) {
	case 0:
		genl->reserved = 1 + fuzz_below(f, 0xffff);
		break;
	case 1:
		genl->version = fuzz_below(f, 256);
		break;
	case 2:
		genl->cmd = fuzz_below(f, 256);
		break;
	default:
		genl->cmd = fuzz_below(f, VMSCHED_CMD_MAX + 3);
	}
}

static void break_length(struct fuzz *f, struct fuzz_msg *m)
{
	switch (fuzz_below(f, 3)) {
	case 0:
		m->hdr.nlmsg_len += fuzz_below(f, 17) - 8;
		break;
	case 1:
		m->hdr.nlmsg_len = storm_random(f->rng);
		break;
	default:
		m->hdr.nlmsg_len = fuzz_below(f, 32);
	}
}

static void break_attr_length(struct fuzz *f, struct fuzz_msg *m)
{
	struct nlattr *a = pick_attr(f, m);

	if (!a)
		return;
	switch (fuzz_below(f, 3)) {
	case 0:
		a->nla_len += fuzz_below(f, 17) - 8;
		break;
	case 1:
		a->nla_len = fuzz_below(f, 9);
		break;
	default:
		a->nla_len = fuzz_below(f, 0x10000);
	}
}

static void break_attr_type(struct fuzz *f, struct fuzz_msg *m)
{
	struct nlattr *a = pick_attr(f, m);

	if (!a)
		return;
	switch (fuzz_below(f, 4)) {
	case 0:
		a->nla_type ^= NLA_F_NESTED;
		break;
	case 1:
		a->nla_type ^= NLA_F_NET_BYTEORDER;
		break;
	case 2:
		a->nla_type = fuzz_below(f, 0x10000);
		break;
	default:
		a->nla_type = (a->nla_type & ~NLA_TYPE_MASK) | fuzz_below(f, 32);
	}
}

static void cut_off(struct fuzz *f, struct fuzz_msg *m)
{
	/* Linux takes no message of no bytes */
	m->len = 1 + fuzz_below(f, m->len);
	/* In the middle of an attribute, or of the whole message */
	if (fuzz_below(f, 4) && m->len >= NLMSG_HDRLEN)
		m->hdr.nlmsg_len = m->len;
}

static void append_bytes(struct fuzz_msg *m, const void *data, size_t n)
{
	if (m->len + n > sizeof(m->buf))
		return;
	memmove(m->buf + m->len, data, n);
	m->len += n;
	m->hdr.nlmsg_len = m->len;
}

static void append_garbage(struct fuzz *f, struct fuzz_msg *m)
{
	size_t i, n = fuzz_below(f, 8) ? 1 + fuzz_below(f, 16) : fuzz_below(f, 8192);
	uint8_t bytes[8192];

	for (i = 0; i < n; i++)
		bytes[i] = fuzz_below(f, 4) ? 0 : fuzz_below(f, 256);
	append_bytes(m, bytes, n);
}

/* One more of them at the end, which may be of an attribute inside of another */
static void repeat_attr(struct fuzz *f, struct fuzz_msg *m)
{
	const struct nlattr *a = pick_attr(f, m);
	unsigned int times = fuzz_below(f, 8) ? 1 : 200;

	while (a && times--)
		append_bytes(m, a, NLA_ALIGN(a->nla_len));
}

static void add_attr(struct fuzz *f, struct fuzz_msg *m)
{
	struct {
		struct nlattr head;
		uint8_t data[28];
	} a = { .head.nla_type = fuzz_below(f, 40) };

	a.head.nla_len = NLA_HDRLEN + fuzz_below(f, sizeof(a.data) + 1);
	if (!fuzz_below(f, 4))
		a.head.nla_type |= NLA_F_NESTED;
	append_bytes(m, &a, NLA_ALIGN(a.head.nla_len));
}

/* A nest in a nest in a nest, of an attribute that may be one */
static void nest_deep(struct fuzz *f, struct fuzz_msg *m)
{
	unsigned int depth = 1 + fuzz_below(f, DEEP);
	const struct nlattr *like = pick_attr(f, m);
	struct nlattr nests[DEEP];
	unsigned int i;

	for (i = 0; i < depth; i++)
		nests[i] = (struct nlattr) {
			.nla_len = (depth - i) * NLA_HDRLEN,
			.nla_type = (like ? like->nla_type : 1) | NLA_F_NESTED };
	append_bytes(m, nests, depth * sizeof(*nests));
}

/* The same attributes, the first one last */
static void reorder(struct fuzz *f, struct fuzz_msg *m)
{
	struct nlattr *first = (struct nlattr *)(m->buf + FIRST_ATTR);
	size_t step, rest;
	uint8_t copy[2048];

	if (m->len < FIRST_ATTR + NLA_HDRLEN)
		return;
	step = NLA_ALIGN(first->nla_len);
	if (step < NLA_HDRLEN || step > sizeof(copy) || FIRST_ATTR + step > m->len)
		return;
	rest = m->len - FIRST_ATTR - step;
	memcpy(copy, first, step);
	memmove(first, (uint8_t *)first + step, rest);
	memcpy((uint8_t *)first + rest, copy, step);
}

/* Padding that is not zero is no error */
static void dirty_padding(struct fuzz *f, struct fuzz_msg *m)
{
	struct nlattr *a = pick_attr(f, m);
	uint8_t *at = (uint8_t *)a + (a ? a->nla_len : 0);

	if (!a || at + NLA_ALIGN(a->nla_len) - a->nla_len > m->buf + m->len)
		return;
	memset(at, 0xff, NLA_ALIGN(a->nla_len) - a->nla_len);
}

void fuzz_break(struct fuzz *f, struct fuzz_msg *m)
{
	static void (*const how[])(struct fuzz *f, struct fuzz_msg *m) = {
		flip_bit, flip_bit, random_byte, break_flags, break_type,
		break_genl, break_genl, break_length, break_attr_length,
		break_attr_length, break_attr_type, break_attr_type, cut_off,
		append_garbage, repeat_attr, add_attr, nest_deep, reorder,
		dirty_padding,
	};
	unsigned int n = 1 + fuzz_below(f, MAX_BREAKS);

	while (n--)
		how[fuzz_below(f, ARRAY_SIZE(how))](f, m);
	/* Other families are none of this test's business */
	if (m->len >= NLMSG_HDRLEN && m->hdr.nlmsg_type >= NLMSG_MIN_TYPE &&
	    m->hdr.nlmsg_type != f->family && m->hdr.nlmsg_type < FUZZ_NO_FAMILY)
		m->hdr.nlmsg_type |= FUZZ_NO_FAMILY;
}
