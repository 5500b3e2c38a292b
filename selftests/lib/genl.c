// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink on a plain socket; see genl.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exact.h"
#include "genl.h"

#define ATTRS_AT	(NLMSG_HDRLEN + GENL_HDRLEN)
#define RECV_TIMEOUT_S	30

/* Where the host may stop a CPU of the emulator for longer than 50 ms */
#define CEASE_MS	2000
#define PATIENT_MS	8000

static const struct nlattr *find(const void *attrs, size_t len, uint16_t type)
{
	const uint8_t *p = attrs;

	while (len >= NLA_HDRLEN) {
		const struct nlattr *a = (const struct nlattr *)p;
		size_t step = NLA_ALIGN(a->nla_len);

		if (a->nla_len < NLA_HDRLEN || a->nla_len > len)
			return NULL;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		if (step >= len)
			return NULL;
		p += step;
		len -= step;
	}
	return NULL;
}

const struct nlattr *genl_attr(const struct nlmsghdr *msg, uint16_t type)
{
	if (msg->nlmsg_len < ATTRS_AT)
		return NULL;
	return find((const uint8_t *)msg + ATTRS_AT, msg->nlmsg_len - ATTRS_AT,
		    type);
}

const struct nlattr *genl_nested(const struct nlattr *nest, uint16_t type)
{
	if (!nest)
		return NULL;
	return find((const uint8_t *)nest + NLA_HDRLEN,
		    nest->nla_len - NLA_HDRLEN, type);
}

static const void *payload(const struct nlattr *attr, size_t size)
{
	if (!attr || attr->nla_len < NLA_HDRLEN + size)
		return NULL;
	return (const uint8_t *)attr + NLA_HDRLEN;
}

uint32_t genl_u32(const struct nlattr *attr)
{
	const void *p = payload(attr, sizeof(uint32_t));
	uint32_t value = 0;

	if (p)
		memcpy(&value, p, sizeof(value));
	return value;
}

uint64_t genl_u64(const struct nlattr *attr)
{
	const void *p = payload(attr, sizeof(uint64_t));
	uint64_t value = 0;

	if (p)
		memcpy(&value, p, sizeof(value));
	return value;
}

const char *genl_text(const struct nlattr *attr)
{
	const char *p = payload(attr, 1);

	/* Texts of the kernel end with a NUL */
	return p && !p[attr->nla_len - NLA_HDRLEN - 1] ? p : "";
}

void genl_begin(struct genl *g, struct genl_msg *m, uint8_t cmd,
		uint16_t flags)
{
	struct genlmsghdr *genl = NLMSG_DATA(&m->hdr);

	memset(m, 0, sizeof(*m));
	m->hdr.nlmsg_len = ATTRS_AT;
	m->hdr.nlmsg_type = g->family;
	m->hdr.nlmsg_flags = NLM_F_REQUEST | flags;
	m->hdr.nlmsg_seq = ++g->seq;
	genl->cmd = cmd;
	genl->version = VMSCHED_FAMILY_VERSION;
}

long genl_put(struct genl_msg *m, uint16_t type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(m->hdr.nlmsg_len);
	struct nlattr *a = (struct nlattr *)(m->buf + at);

	if (at + NLA_HDRLEN + NLA_ALIGN(len) > sizeof(m->buf))
		return -E2BIG;
	a->nla_len = NLA_HDRLEN + len;
	a->nla_type = type;
	if (len)
		memcpy(m->buf + at + NLA_HDRLEN, data, len);
	m->hdr.nlmsg_len = at + NLA_HDRLEN + NLA_ALIGN(len);
	return at;
}

long genl_put_u32(struct genl_msg *m, uint16_t type, uint32_t value)
{
	return genl_put(m, type, &value, sizeof(value));
}

long genl_put_u64(struct genl_msg *m, uint16_t type, uint64_t value)
{
	return genl_put(m, type, &value, sizeof(value));
}

long genl_put_text(struct genl_msg *m, uint16_t type, const char *text)
{
	return genl_put(m, type, text, strlen(text) + 1);
}

long genl_nest(struct genl_msg *m, uint16_t type)
{
	return genl_put(m, type | NLA_F_NESTED, NULL, 0);
}

void genl_nest_end(struct genl_msg *m, long nest)
{
	((struct nlattr *)(m->buf + nest))->nla_len = m->hdr.nlmsg_len - nest;
}

int genl_send(struct genl *g, const struct genl_msg *m)
{
	ssize_t n = send(g->fd, m->buf, m->hdr.nlmsg_len, 0);

	return n < 0 ? -errno : 0;
}

static void take_extack(const struct nlmsghdr *msg, size_t skip,
			struct genl_ack *ack)
{
	const uint8_t *attrs = (const uint8_t *)NLMSG_DATA(msg) + skip;
	const struct nlattr *a;
	size_t len;

	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS) ||
	    msg->nlmsg_len < NLMSG_HDRLEN + skip)
		return;
	len = msg->nlmsg_len - NLMSG_HDRLEN - skip;
	snprintf(ack->text, sizeof(ack->text), "%s",
		 genl_text(find(attrs, len, NLMSGERR_ATTR_MSG)));
	a = find(attrs, len, NLMSGERR_ATTR_OFFS);
	if (a)
		ack->offset = genl_u32(a);
	a = find(attrs, len, NLMSGERR_ATTR_MISS_TYPE);
	if (a)
		ack->miss_type = genl_u32(a);
}

bool genl_take(const struct nlmsghdr *msg, struct genl_ack *ack, genl_fn *fn,
	       void *arg)
{
	const struct nlmsgerr *err = NLMSG_DATA(msg);

	if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
		ack->interrupted = true;
	switch (msg->nlmsg_type) {
	case NLMSG_ERROR:
		ack->error = err->error;
		/* NETLINK_CAP_ACK: the request itself is not sent back */
		take_extack(msg, sizeof(*err), ack);
		return true;
	case NLMSG_DONE:
		ack->error = *(const int *)NLMSG_DATA(msg);
		take_extack(msg, sizeof(int), ack);
		return true;
	}
	ack->messages++;
	if (fn)
		fn(msg, arg);
	return false;
}

int genl_read(struct genl *g, struct genl_ack *ack, genl_fn *fn, void *arg)
{
	union {
		struct nlmsghdr hdr;
		uint8_t buf[GENL_PART_SIZE];
	} part;
	const struct nlmsghdr *msg = &part.hdr;
	ssize_t n = recv(g->fd, part.buf, sizeof(part.buf), MSG_TRUNC);
	size_t left = n;

	if (n < 0)
		return -errno;
	if (n > (ssize_t)sizeof(part.buf))
		return -EMSGSIZE;
	ack->parts++;
	for (; NLMSG_OK(msg, left); msg = NLMSG_NEXT(msg, left)) {
		if (genl_take(msg, ack, fn, arg))
			return 1;
	}
	return 0;
}

static void keep_told(const struct nlmsghdr *msg, void *arg)
{
	memcpy(((struct genl_told *)arg)->buf, msg, msg->nlmsg_len);
}

/* What came before it was looked for, or the next message. 0, or -errno */
static int take_next(struct genl *g, struct genl_ack *ack, struct genl_told *told)
{
	if (!g->early)
		return genl_read(g, ack, keep_told, told);
	*told = *g->early;
	ack->messages = 1;
	free(g->early);
	g->early = NULL;
	return 0;
}

bool genl_next(struct genl *g, uint8_t cmd, struct genl_told *told)
{
	struct genl_ack ack = { 0 };
	int ret;

	memset(told, 0, sizeof(*told));
	told->msg.nlmsg_len = NLMSG_HDRLEN;
	ret = take_next(g, &ack, told);
	if (!ret && ack.messages == 1 && told->msg.nlmsg_type == g->family &&
	    genl_cmd(&told->msg) == cmd)
		return true;
	printf("# message %u should come: result %d, %u messages, command %u\n",
	       cmd, ret, ack.messages, genl_cmd(&told->msg));
	return false;
}

/* An answer that is awaited, and what to do with it */
struct awaited {
	struct genl *g;
	genl_fn *fn;
	void *arg;
};

/* What nobody asked for may come before it: one such message is kept */
static void sort(const struct nlmsghdr *msg, void *arg)
{
	struct awaited *a = arg;

	if (!msg->nlmsg_seq && msg->nlmsg_type == a->g->family && !a->g->early) {
		a->g->early = calloc(1, sizeof(*a->g->early));
		if (a->g->early)
			keep_told(msg, a->g->early);
	} else if (a->fn) {
		a->fn(msg, a->arg);
	}
}

int genl_call(struct genl *g, struct genl_msg *m, struct genl_ack *ack,
	      genl_fn *fn, void *arg)
{
	struct awaited a = { .g = g, .fn = fn, .arg = arg };
	int ret;

	*ack = (struct genl_ack) { .offset = -1, .miss_type = -1 };
	if (!(m->hdr.nlmsg_flags & NLM_F_DUMP))
		m->hdr.nlmsg_flags |= NLM_F_ACK;
	ret = genl_send(g, m);
	while (!ret)
		ret = genl_read(g, ack, sort, &a);
	return ret < 0 ? ret : 0;
}

int genl_switch_in(struct genl *g, uint8_t cmd, const char *to, unsigned int ms,
		   struct genl_ack *ack)
{
	struct genl_msg m;

	genl_begin(g, &m, cmd, 0);
	if (to)
		genl_put_text(&m, VMSCHED_A_SWITCH_TO, to);
	if (ms)
		genl_put_u32(&m, VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS, ms);
	return genl_call(g, &m, ack, NULL, NULL) ?: ack->error;
}

int genl_switch_patiently(struct genl *g, const char *to, struct genl_ack *ack)
{
	return genl_switch_in(g, VMSCHED_CMD_SCHED_SWITCH, to, PATIENT_MS, ack);
}

int genl_switch(struct genl *g, const char *to)
{
	struct genl_ack ack;

	return genl_switch_in(g, VMSCHED_CMD_SCHED_SWITCH, to,
			      clock_is_exact() ? 0 : CEASE_MS, &ack);
}

/* Answer of the controller: number of the family, and of its group */
static void take_family(const struct nlmsghdr *msg, void *arg)
{
	const struct nlattr *groups = genl_attr(msg, CTRL_ATTR_MCAST_GROUPS);
	const struct nlattr *first = genl_nested(groups, 1);
	struct genl *g = arg;
	uint16_t id;
	const void *p = payload(genl_attr(msg, CTRL_ATTR_FAMILY_ID), sizeof(id));

	if (!p)
		return;
	memcpy(&id, p, sizeof(id));
	g->family = id;
	g->events = genl_u32(genl_nested(first, CTRL_ATTR_MCAST_GRP_ID));
}

static int find_family(struct genl *g)
{
	struct genl_msg m;
	struct genl_ack ack;
	int ret;

	g->family = GENL_ID_CTRL;
	genl_begin(g, &m, CTRL_CMD_GETFAMILY, 0);
	genl_put_text(&m, CTRL_ATTR_FAMILY_NAME, VMSCHED_FAMILY_NAME);
	ret = genl_call(g, &m, &ack, take_family, g);
	return ret ?: ack.error;
}

static int set_options(int fd)
{
	struct timeval limit = { .tv_sec = RECV_TIMEOUT_S };
	int on = 1;

	if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		return -errno;
	return 0;
}

int genl_open_as(struct genl *g, uint16_t family)
{
	int ret;

	memset(g, 0, sizeof(*g));
	g->family = family;
	g->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (g->fd < 0)
		return -errno;
	ret = set_options(g->fd);
	if (ret)
		genl_close(g);
	return ret;
}

int genl_open(struct genl *g)
{
	int ret = genl_open_as(g, 0) ?: find_family(g);

	if (ret)
		genl_close(g);
	return ret;
}

void genl_close(struct genl *g)
{
	free(g->early);
	g->early = NULL;
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
}

int genl_join(struct genl *g)
{
	if (setsockopt(g->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &g->events,
		       sizeof(g->events)))
		return -errno;
	return 0;
}
