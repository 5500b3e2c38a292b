/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What Linux and the policies of a family say of a request, found out without
 * the kernel: a second opinion, to be compared with the answer.
 */
#ifndef SELFTESTS_JUDGE_H
#define SELFTESTS_JUDGE_H

#include "policy.h"

/* Who asks */
enum judge_role {
	JUDGE_ROOT,
	JUDGE_USER,	/* without capabilities */
	JUDGE_NETNS,	/* in a user and network namespace of his own */
	JUDGE_ROLES,
};

enum judge_kind {
	JUDGE_SILENT,	/* not looked at, nor is what comes after it */
	JUDGE_IGNORED,	/* not for the kernel: acknowledged if that was asked */
	JUDGE_REFUSED,	/* with @error, and a text if @text */
	JUDGE_BAD_ATTR,	/* EINVAL or ERANGE, with a text */
	JUDGE_WELL,	/* vmsched's to decide */
};

struct judge {
	enum judge_kind kind;
	int error;
	bool text;
	const struct policy_op *op;	/* NULL: no such one */
	uint32_t seq;
	bool ack;
	bool dump;
};

/*
 * Judge the first message in @buf of @left bytes. Returns how far it is to the
 * next one, 0 if there is none.
 */
size_t judge_message(const struct policies *p, uint16_t family,
		     enum judge_role role, const void *buf, size_t left,
		     struct judge *j);

#endif /* SELFTESTS_JUDGE_H */
