// SPDX-License-Identifier: GPL-2.0
/*
 * Commands and policies of a family; see policy.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "policy.h"

typedef void each_fn(const struct nlattr *a, void *arg);

/* Call @fn for each attribute in @nest */
static void each_nested(const struct nlattr *nest, each_fn *fn, void *arg)
{
	const uint8_t *p;
	size_t left;

	if (!nest || nest->nla_len < NLA_HDRLEN)
		return;
	p = (const uint8_t *)nest + NLA_HDRLEN;
	left = nest->nla_len - NLA_HDRLEN;
	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const struct nlattr *)p;
		size_t step = NLA_ALIGN(a->nla_len);

		if (a->nla_len < NLA_HDRLEN || a->nla_len > left)
			return;
		fn(a, arg);
		if (step >= left)
			return;
		p += step;
		left -= step;
	}
}

static unsigned int type_of(const struct nlattr *a)
{
	return a->nla_type & NLA_TYPE_MASK;
}

static void add_op(struct policies *p, uint8_t cmd, bool dump, uint32_t flags)
{
	if (p->n_ops < POLICY_OPS)
		p->op[p->n_ops++] = (struct policy_op) {
			.cmd = cmd, .dump = dump, .flags = flags,
			.policy = -1 };
}

static void take_op(const struct nlattr *a, void *arg)
{
	uint32_t cmd = genl_u32(genl_nested(a, CTRL_ATTR_OP_ID));
	uint32_t flags = genl_u32(genl_nested(a, CTRL_ATTR_OP_FLAGS));

	if (flags & GENL_CMD_CAP_DO)
		add_op(arg, cmd, false, flags);
	if (flags & GENL_CMD_CAP_DUMP)
		add_op(arg, cmd, true, flags);
}

static void take_ops(const struct nlmsghdr *msg, void *arg)
{
	each_nested(genl_attr(msg, CTRL_ATTR_OPS), take_op, arg);
}

static int read_ops(struct genl *ctrl, struct policies *p)
{
	struct genl_msg m;
	struct genl_ack ack;
	int ret;

	genl_begin(ctrl, &m, CTRL_CMD_GETFAMILY, 0);
	genl_put_text(&m, CTRL_ATTR_FAMILY_NAME, VMSCHED_FAMILY_NAME);
	ret = genl_call(ctrl, &m, &ack, take_ops, p);
	return ret ?: ack.error;
}

static void set_policy(struct policies *p, uint8_t cmd, bool dump,
		       const struct nlattr *index)
{
	unsigned int i;

	for (i = 0; index && i < p->n_ops; i++) {
		if (p->op[i].cmd == cmd && p->op[i].dump == dump)
			p->op[i].policy = genl_u32(index);
	}
}

static void take_op_policy(const struct nlattr *a, void *arg)
{
	set_policy(arg, type_of(a), false, genl_nested(a, CTRL_ATTR_POLICY_DO));
	set_policy(arg, type_of(a), true, genl_nested(a, CTRL_ATTR_POLICY_DUMP));
}

static void take_policy_attr(const struct nlattr *a, void *arg)
{
	const struct nlattr *nest = genl_nested(a, NL_POLICY_TYPE_ATTR_POLICY_IDX);
	struct policy *policy = arg;
	unsigned int type = type_of(a);
	struct policy_attr *to;

	if (type >= POLICY_ATTRS)
		return;
	to = &policy->attr[type];
	to->type = genl_u32(genl_nested(a, NL_POLICY_TYPE_ATTR_TYPE));
	to->min = genl_u64(genl_nested(a, NL_POLICY_TYPE_ATTR_MIN_VALUE_U));
	to->max = genl_u64(genl_nested(a, NL_POLICY_TYPE_ATTR_MAX_VALUE_U));
	to->min_len = genl_u32(genl_nested(a, NL_POLICY_TYPE_ATTR_MIN_LENGTH));
	to->max_len = genl_u32(genl_nested(a, NL_POLICY_TYPE_ATTR_MAX_LENGTH));
	to->nest = nest ? (int)genl_u32(nest) : -1;
	if (to->type && type > policy->max)
		policy->max = type;
}

static void take_policy(const struct nlattr *a, void *arg)
{
	struct policies *p = arg;

	if (type_of(a) >= POLICY_MAX)
		return;
	p->policy[type_of(a)].used = true;
	each_nested(a, take_policy_attr, &p->policy[type_of(a)]);
}

static void take_policies(const struct nlmsghdr *msg, void *arg)
{
	each_nested(genl_attr(msg, CTRL_ATTR_OP_POLICY), take_op_policy, arg);
	each_nested(genl_attr(msg, CTRL_ATTR_POLICY), take_policy, arg);
}

static int read_policies(struct genl *g, struct policies *p, unsigned int cmd)
{
	struct genl ctrl = *g;
	struct genl_msg m;
	struct genl_ack ack;
	int ret;

	memset(p, 0, sizeof(*p));
	ctrl.family = GENL_ID_CTRL;
	ret = read_ops(&ctrl, p);
	if (!ret) {
		genl_begin(&ctrl, &m, CTRL_CMD_GETPOLICY, NLM_F_DUMP);
		genl_put_text(&m, CTRL_ATTR_FAMILY_NAME, VMSCHED_FAMILY_NAME);
		if (cmd)
			genl_put_u32(&m, CTRL_ATTR_OP, cmd);
		ret = genl_call(&ctrl, &m, &ack, take_policies, p) ?: ack.error;
	}
	g->seq = ctrl.seq;
	return ret;
}

int policies_read(struct genl *g, struct policies *p)
{
	int ret = read_policies(g, p, 0);

	if (ret)
		return ret;
	ret = kernel_lacks("split-ops");
	p->joined = ret > 0;
	return ret < 0 ? ret : 0;
}

int policies_read_one(struct genl *g, uint8_t cmd, struct policies *p)
{
	return read_policies(g, p, cmd);
}

const struct policy_op *policy_op(const struct policies *p, uint8_t cmd,
				  bool dump)
{
	unsigned int i;

	for (i = 0; i < p->n_ops; i++) {
		if (p->op[i].cmd == cmd && p->op[i].dump == dump)
			return &p->op[i];
	}
	return NULL;
}

static unsigned int attr_differs(const struct policy_attr *a,
				 const struct policy_attr *b)
{
	return a->type != b->type || a->min != b->min || a->max != b->max ||
	       a->min_len != b->min_len || a->max_len != b->max_len ||
	       (a->type && (a->nest < 0) != (b->nest < 0));
}

unsigned int policy_differs(const struct policies *a, int in_a,
			    const struct policies *b, int in_b)
{
	const struct policy *x, *y;
	unsigned int i, n = 0;

	if (in_a < 0 || in_b < 0)
		return in_a != in_b;
	x = &a->policy[in_a];
	y = &b->policy[in_b];
	for (i = 0; i < POLICY_ATTRS; i++) {
		n += attr_differs(&x->attr[i], &y->attr[i]);
		if (x->attr[i].type && x->attr[i].nest >= 0 &&
		    y->attr[i].nest >= 0)
			n += policy_differs(a, x->attr[i].nest,
					    b, y->attr[i].nest);
	}
	return n;
}
