/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests made up from the policies of a family, and ways to break them.
 */
#ifndef SELFTESTS_FUZZ_H
#define SELFTESTS_FUZZ_H

#include "policy.h"
#include "storm.h"

#define FUZZ_SIZE	16384
#define FUZZ_MAX_VMS	8
/* Numbers from here on are of no family: those of others are not to be hit */
#define FUZZ_NO_FAMILY	0x8000

struct fuzz_msg {
	union {
		struct nlmsghdr hdr;
		uint8_t buf[FUZZ_SIZE];
	};
	size_t len;		/* bytes to send */
};

struct fuzz {
	struct storm_rng *rng;
	const struct policies *policies;
	uint16_t family;
	uint64_t vm[FUZZ_MAX_VMS];	/* ids that exist */
	unsigned int n_vms;
};

static inline unsigned int fuzz_below(struct fuzz *f, unsigned int n)
{
	return storm_below(f->rng, n);
}

/* A request that no policy refuses */
void fuzz_request(struct fuzz *f, struct fuzz_msg *m);

/* Break something of @m: type, length, nesting, order, flags, header, ... */
void fuzz_break(struct fuzz *f, struct fuzz_msg *m);

#endif /* SELFTESTS_FUZZ_H */
