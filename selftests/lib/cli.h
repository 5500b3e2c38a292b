/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmschedctl from a test: run it, parse its JSON, ask for one value.
 */
#ifndef SELFTESTS_CLI_H
#define SELFTESTS_CLI_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "run.h"
#include <kselftest.h>

/* Exit codes that vmschedctl promises */
enum cli_exit {
	CLI_DONE,
	CLI_REFUSED,
	CLI_USAGE,
	CLI_NOT_LOADED,
	CLI_NO_PERMISSION,
	CLI_NO_OBJECT,
};

struct cli {
	struct run_result run;
	json_object *json;	/* NULL if the output is not JSON */
};

/* Run `vmschedctl -j WORDS`; exit status, or -errno if it does not run */
__printf(2, 3)
int cli(struct cli *c, const char *fmt, ...);
__printf(3, 4)
int cli_as(struct cli *c, uid_t uid, const char *fmt, ...);
void cli_free(struct cli *c);

/* Run and forget; a failure is printed */
__printf(1, 2)
int cli_do(const char *fmt, ...);

/* True if stderr is one line that begins with `vmschedctl: `; else prints it */
bool cli_one_line_error(const struct cli *c);

struct sched_switched {
	uint64_t cease_ns;
	uint64_t blackout_ns;
	uint64_t vcpus;
};

/* Switch pool default; @s may be NULL. Exit status, -EPROTO for bad JSON */
int sched_switch(const char *name, struct sched_switched *s);

/* Name of the active scheduler of pool default in @buf; -errno */
int sched_active(char *buf, size_t size);

/* That one is; says which one is if not */
bool sched_is_active(const char *name);

/* Within @ms; says which one is then if not */
bool sched_becomes(const char *name, unsigned int ms);

/* `status` says that this kernel lacks @what: 1, 0, or -errno */
int kernel_lacks(const char *what);

/* Value of @key in the `vm list` entry of VMM @pid; -ENOENT without VM or key */
int vm_u64(pid_t pid, const char *key, uint64_t *value);

/* Value of @key in the `vcpu list` entry of thread @tid */
int vcpu_u64(pid_t tid, const char *key, uint64_t *value);

/* Id of the VM of VMM @pid, without a program that asks; -ENOENT without VM */
int vm_id(pid_t pid, uint64_t *id);

/* True once VMM @pid has (or has not) a VM; false after @timeout_ms */
bool vm_listed(pid_t pid, bool listed, unsigned int timeout_ms);

/*
 * Bring vmsched up with native active and rr and bvt loaded, whatever a test
 * before left. 0, or -errno after saying what is wrong.
 */
int vmsched_ready(void);

#endif /* SELFTESTS_CLI_H */
