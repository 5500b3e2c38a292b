/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An operator at the consoles of some VMs, through vmschedctl console attach, while
 * the console changes hands. He types numbered lines, and each VM sends them back
 * with its name (NAME:N) and prints numbered lines of its own (NAME=N). Of each
 * line is known for whom it was typed, so that nothing can be lost, doubled or at
 * the wrong VM without being found.
 */
#ifndef SELFTESTS_OPERATOR_H
#define SELFTESTS_OPERATOR_H

#include "console.h"

#define OPERATOR_VMS	4
#define OPERATOR_LINES	200000

/*
 * Changes of the owner are numbered, and those that were shown as well. A line
 * that was typed when change @after had been seen and change @before had been asked
 * for belongs to one of those in between, mostly to the only one.
 */
struct operator_typed {
	unsigned int after;
	unsigned int before;
};

/* What one VM has printed, as far as it was shown */
struct operator_printed {
	char *text;
	size_t len;
	uint64_t last;		/* number of the last line of its own */
	unsigned int own;	/* such lines */
	unsigned int back;	/* lines that it has sent back */
};

struct operator {
	/* Whom he looks at, by turns; set by the test */
	const char *names[OPERATOR_VMS];
	uint64_t ids[OPERATOR_VMS];
	unsigned int vms;

	struct console console;
	struct operator_printed printed[OPERATOR_VMS];
	struct operator_typed typed[OPERATOR_LINES];
	/* Who sent line N back: 1 + number of the VM; 0 nobody yet */
	unsigned char sender[OPERATOR_LINES + 1];
	unsigned int lines;
	unsigned int asked;	/* changes asked for */
	unsigned int shown;	/* owners that were shown */
	unsigned int exact;	/* lines with one possible owner */
	size_t looked;		/* up to here in what was printed */
	uint64_t next_ns;
};

/* Attach, with the first of them as the owner; @words as of console_start() */
bool operator_begin(struct operator *o, struct genl *g, const char *words);

/* Until @end_ns: take what is printed, type a line each @ms; false on an error */
bool operator_work(struct operator *o, uint64_t end_ns, unsigned int ms);

/* The next VM gets the console; error of the kernel */
int operator_give(struct operator *o, struct genl *g);

/* Detach: exit status of the tool */
int operator_end(struct operator *o);

/*
 * Each line came back once, from the VM that was shown when it was typed, and none of
 * those that were printed is missing. False after printing what is wrong.
 */
bool operator_judge(struct operator *o);

void operator_free(struct operator *o);

#endif /* SELFTESTS_OPERATOR_H */
