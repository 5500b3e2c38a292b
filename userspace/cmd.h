/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the commands share: the tables by which they are found, exit codes,
 * error messages of one line, and finding the objects that users name.
 */
#ifndef VMSCHEDCTL_CMD_H
#define VMSCHEDCTL_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "model.h"
#include "nl.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_MODULE = 3,
	EXIT_NO_PERMISSION = 4,
	EXIT_NO_OBJECT = 5,
};

struct ctx {
	bool json;
	bool pretty;
	struct conn *nl;		/* after ctx_connect() */
	const char *form;		/* of the command that runs */
};

/* One command of an object; of an object without commands the word is NULL. */
struct command {
	const char *word;
	const char *form;		/* how to call it, without the program */
	const char *help;
	int (*run)(struct ctx *ctx, int argc, char **argv);
};

struct object {
	const char *word;
	const char *help;
	const struct command *commands;	/* ends with one without run() */
};

extern const struct object objects[];	/* ends with one without a word */

int run_command(struct ctx *ctx, int argc, char **argv);
int cmd_help(struct ctx *ctx, int argc, char **argv);

extern const struct command status_commands[];
extern const struct command sched_commands[];
extern const struct command vm_commands[];
extern const struct command vcpu_commands[];
extern const struct command pool_commands[];
extern const struct command events_commands[];
extern const struct command request_commands[];
extern const struct command console_commands[];
extern const struct command fault_commands[];
extern const struct command record_commands[];
extern const struct command advise_commands[];

/* Of the object "sched" */
int cmd_evict(struct ctx *ctx, int argc, char **argv);

/* All return the exit code to give; the message ends up on one line. */
__printf(2, 3) int fail(int code, const char *fmt, ...);
__printf(2, 3) int fail_usage(const struct ctx *ctx, const char *fmt, ...);
/*
 * Keep what fail() has to say from now on, until fail_print() prints all of it
 * as one line, or fail_drop() forgets it.
 */
void fail_collect(void);
void fail_print(void);
void fail_drop(void);
/* @err from a function of nl.h, @what the object or NULL. */
int fail_nl(const struct ctx *ctx, int err, const char *what);

/* Index of the word that @arg is or begins, -1 after having complained. */
int match_word(const struct ctx *ctx, const char *arg, const char *kind,
	       const char *const *words);
/* The same without a complaint: -1 for none, -2 for several. */
int match_prefix(const char *arg, const char *const *words);

/*
 * Take KEY VALUE pairs: values[i] is set to what follows words[i]. Returns an
 * exit code.
 */
int take_pairs(const struct ctx *ctx, int argc, char **argv,
	       const char *const *words, const char **values);

/* 0 for a whole number in the range of @value, else an exit code. */
int take_u32(const struct ctx *ctx, const char *key, const char *arg,
	     __u32 min, __u32 max, __u32 *value);

/* "request owner VM", which is "console owner VM" as well. */
int cmd_request_owner(struct ctx *ctx, int argc, char **argv);

/* Connect to the module, once. Returns an exit code. */
int ctx_connect(struct ctx *ctx);

/* Read objects; each returns an exit code. */
/* All that the kernel dumps for @cmd, or for @want; @what names that, or NULL. */
int list_objects(struct ctx *ctx, __u8 cmd, const void *want, const char *what,
		 struct list *list);
int get_sched(struct ctx *ctx, const char *name, struct sched *sched);
int list_pools(struct ctx *ctx, struct list *pools);
int list_vms(struct ctx *ctx, struct list *vms);
/* @arg is an id, pid:N, name:NAME or a name that only one VM has. */
int find_vm(struct ctx *ctx, const char *arg, struct vm *vm);

/*
 * KEY VALUE pairs into parameters: cap and reservation are given in percent.
 * @pool may be NULL where no pool can be given.
 */
int take_params(const struct ctx *ctx, int argc, char **argv,
		struct params *params, const char **pool);

#endif /* VMSCHEDCTL_CMD_H */
