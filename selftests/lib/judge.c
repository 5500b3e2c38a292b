// SPDX-License-Identifier: GPL-2.0
/*
 * A second opinion on requests; see judge.h. What is looked at first is in the
 * order in which Linux does it: netlink_rcv_skb(), genl_family_rcv_msg(), and
 * __nla_validate_parse() with strict validation.
 */
#include <errno.h>
#include <string.h>

#include "judge.h"

#define MAX_DEPTH	10
#define KNOWN_FLAGS	(NLM_F_REQUEST | NLM_F_ACK | NLM_F_ECHO)

static bool attrs_ok(const struct policies *p, int policy, const uint8_t *at,
		     size_t left, unsigned int depth);

static bool number_ok(const struct policy_attr *pol, const uint8_t *data,
		      size_t len, size_t want)
{
	uint64_t value = 0;

	if (len != want)
		return false;
	memcpy(&value, data, len);
	return value >= pol->min && value <= pol->max;
}

/* One NUL within what the policy allows, and nothing long hidden behind it */
static bool text_ok(const struct policy_attr *pol, const uint8_t *data,
		    size_t len)
{
	size_t look = pol->max_len && len > pol->max_len + 1 ?
		      pol->max_len + 1 : len;

	if (!look || !memchr(data, 0, look))
		return false;
	if (!data[len - 1])
		len--;
	return !pol->max_len || len <= pol->max_len;
}

static bool value_ok(const struct policies *p, const struct policy_attr *pol,
		     const uint8_t *data, size_t len, unsigned int depth)
{
	switch (pol->type) {
	case NL_ATTR_TYPE_U8:
		return number_ok(pol, data, len, 1);
	case NL_ATTR_TYPE_U16:
		return number_ok(pol, data, len, 2);
	case NL_ATTR_TYPE_U32:
		return number_ok(pol, data, len, 4);
	case NL_ATTR_TYPE_U64:
		return number_ok(pol, data, len, 8);
	case NL_ATTR_TYPE_NUL_STRING:
		return text_ok(pol, data, len);
	case NL_ATTR_TYPE_NESTED:
		return !len || (len >= NLA_HDRLEN &&
				attrs_ok(p, pol->nest, data, len, depth + 1));
	}
	return false;
}

static bool attr_ok(const struct policies *p, int policy,
		    const struct nlattr *a, unsigned int depth)
{
	uint16_t type = a->nla_type & NLA_TYPE_MASK;
	const struct policy_attr *pol;
	bool nest;

	if (policy < 0 || !type || type > p->policy[policy].max)
		return false;
	pol = &p->policy[policy].attr[type];
	nest = pol->type == NL_ATTR_TYPE_NESTED;
	if (nest != !!(a->nla_type & NLA_F_NESTED))
		return false;
	return value_ok(p, pol, (const uint8_t *)a + NLA_HDRLEN,
			a->nla_len - NLA_HDRLEN, depth);
}

static bool attrs_ok(const struct policies *p, int policy, const uint8_t *at,
		     size_t left, unsigned int depth)
{
	if (depth >= MAX_DEPTH)
		return false;
	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const struct nlattr *)at;
		size_t step = NLA_ALIGN(a->nla_len);

		if (a->nla_len < NLA_HDRLEN || a->nla_len > left)
			return false;
		if (!attr_ok(p, policy, a, depth))
			return false;
		if (step >= left)
			return true;
		at += step;
		left -= step;
	}
	/* Bytes that are left over */
	return !left;
}

static void refuse(struct judge *j, int error, bool text)
{
	j->kind = JUDGE_REFUSED;
	j->error = error;
	j->text = text;
}

/* Where request and list are one entry, its right is asked for first of all. */
static int no_op(const struct policies *p, uint8_t cmd, bool dump,
		 enum judge_role role)
{
	const struct policy_op *other = policy_op(p, cmd, !dump);

	return p->joined && role == JUDGE_USER && other &&
	       (other->flags & GENL_ADMIN_PERM) ? -EPERM : -EOPNOTSUPP;
}

/* The header of generic netlink, who asks, and the attributes */
static void judge_request(const struct policies *p, enum judge_role role,
			  const struct nlmsghdr *msg, struct judge *j)
{
	const struct genlmsghdr *genl = NLMSG_DATA(msg);
	uint16_t flags = msg->nlmsg_flags;

	if (role == JUDGE_NETNS) {
		refuse(j, -ENOENT, false);
		return;
	}
	if (msg->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN) {
		refuse(j, -EINVAL, false);
		return;
	}
	if (j->dump)
		flags &= ~NLM_F_DUMP;
	if (genl->reserved || (flags & ~KNOWN_FLAGS)) {
		refuse(j, -EINVAL, true);
		return;
	}
	j->op = policy_op(p, genl->cmd, j->dump);
	if (!j->op) {
		refuse(j, no_op(p, genl->cmd, j->dump, role), false);
		return;
	}
	if (role == JUDGE_USER && (j->op->flags & GENL_ADMIN_PERM)) {
		refuse(j, -EPERM, false);
		return;
	}
	j->kind = attrs_ok(p, j->op->policy,
			   (const uint8_t *)genl + GENL_HDRLEN,
			   msg->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN, 0) ?
		  JUDGE_WELL : JUDGE_BAD_ATTR;
}

size_t judge_message(const struct policies *p, uint16_t family,
		     enum judge_role role, const void *buf, size_t left,
		     struct judge *j)
{
	const struct nlmsghdr *msg = buf;

	memset(j, 0, sizeof(*j));
	if (left < NLMSG_HDRLEN || msg->nlmsg_len < NLMSG_HDRLEN ||
	    msg->nlmsg_len > left)
		return 0;
	j->seq = msg->nlmsg_seq;
	j->ack = msg->nlmsg_flags & NLM_F_ACK;
	j->dump = (msg->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	if (!(msg->nlmsg_flags & NLM_F_REQUEST) ||
	    msg->nlmsg_type < NLMSG_MIN_TYPE)
		j->kind = JUDGE_IGNORED;
	else if (msg->nlmsg_type != family)
		refuse(j, -ENOENT, false);
	else
		judge_request(p, role, msg, j);
	return NLMSG_ALIGN(msg->nlmsg_len) < left ?
	       NLMSG_ALIGN(msg->nlmsg_len) : left;
}
