/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What generic netlink tells of a family: its commands, and which attributes
 * each of them takes (CTRL_CMD_GETFAMILY, CTRL_CMD_GETPOLICY). So a test sees
 * commands and attributes that were added after it was written.
 */
#ifndef SELFTESTS_POLICY_H
#define SELFTESTS_POLICY_H

#include "genl.h"

#define POLICY_OPS	48
#define POLICY_ATTRS	32
#define POLICY_MAX	24

struct policy_attr {
	uint32_t type;		/* enum netlink_attribute_type, 0: refused */
	uint64_t min;		/* of numbers */
	uint64_t max;
	uint32_t min_len;	/* of texts, without the NUL */
	uint32_t max_len;
	int nest;		/* policy of what is inside, -1: no nest */
};

struct policy {
	bool used;
	uint16_t max;		/* highest attribute that is accepted */
	struct policy_attr attr[POLICY_ATTRS];
};

struct policy_op {
	uint8_t cmd;
	bool dump;
	uint32_t flags;		/* GENL_* */
	int policy;		/* -1: takes no attribute */
};

struct policies {
	struct policy_op op[POLICY_OPS];
	unsigned int n_ops;
	struct policy policy[POLICY_MAX];
	bool joined;		/* this kernel has one entry for request and list */
};

/* All commands and policies of the family @g talks to; -errno */
int policies_read(struct genl *g, struct policies *p);

/* What Linux tells if it is asked for one command alone */
int policies_read_one(struct genl *g, uint8_t cmd, struct policies *p);

const struct policy_op *policy_op(const struct policies *p, uint8_t cmd,
				  bool dump);

/* Number of differences between two policies, with all that is inside */
unsigned int policy_differs(const struct policies *a, int in_a,
			    const struct policies *b, int in_b);

#endif /* SELFTESTS_POLICY_H */
