/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that sends requests and looks at what comes back.
 */
#ifndef SELFTESTS_FUZZ_WORKER_H
#define SELFTESTS_FUZZ_WORKER_H

#include "doctable.h"
#include "fuzz.h"
#include "judge.h"

#define FUZZ_WORKERS		4
#define FUZZ_BATCH		8
#define FUZZ_ANSWER_SIZE	65536
#define FUZZ_OUTCOMES		512
/* What stands in a corpus for the number of the family */
#define FUZZ_CORPUS_FAMILY	0xfafa

/* A kind of answer: who did what, and how it ended */
struct fuzz_outcome {
	uint8_t role;
	uint8_t cmd;
	bool dump;
	int error;
	uint32_t text;		/* hash of it */
};

struct fuzz_count {
	uint64_t messages;
	uint64_t kind[JUDGE_WELL + 1];
	uint64_t done;		/* well-formed, and successful */
	uint64_t replies;
	uint64_t complaints;
	unsigned int outcomes;
	struct fuzz_outcome outcome[FUZZ_OUTCOMES];
};

/* What all workers share */
struct fuzz_common {
	struct policies policies;
	struct doc_table errors;
	uint16_t family;
	uint64_t vm[FUZZ_MAX_VMS];
	unsigned int n_vms;
	uint64_t witness[STORM_WITNESSES];
	struct fuzz_count count[FUZZ_WORKERS];
};

/* One request of a batch, and what came back */
struct fuzz_asked {
	struct judge j;
	bool ended;
	unsigned int replies;
	int error;
	char text[GENL_TEXT_SIZE];
};

struct fuzz_worker {
	const struct fuzz_common *common;
	struct fuzz_count *count;
	enum judge_role role;
	struct genl g;
	struct fuzz fuzz;
	struct fuzz_msg msg;	/* what is sent, of several messages */
	struct fuzz_msg one;	/* the next of them */
	struct fuzz_asked asked[FUZZ_BATCH];
	unsigned int n;
	bool tells;		/* prints what ends in a new way */
	unsigned int stray;	/* answers to nothing */
	uint8_t answer[FUZZ_ANSWER_SIZE];
};

/* Become who @role is, and open a socket; -errno */
int fuzz_prepare(struct fuzz_worker *w, struct fuzz_common *c,
		 struct fuzz_count *count, enum judge_role role,
		 struct storm_rng *rng);

/* Put one message or several into w->msg, each good or broken */
void fuzz_make(struct fuzz_worker *w);

/*
 * Guests that are watched keep their parameters: who has a ten thousandth may
 * stand still for long, and rightly so.
 */
void fuzz_spare_witnesses(struct fuzz_worker *w);

/* In each message of @m; the number of the family is not the same everywhere */
void fuzz_rename_family(struct fuzz_msg *m, uint16_t from, uint16_t to);

/* Send what is in w->msg, and look at all that comes back */
int fuzz_exchange(struct fuzz_worker *w);

#endif /* SELFTESTS_FUZZ_WORKER_H */
