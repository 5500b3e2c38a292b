/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of schedulers that misbehave (modules/bad_*.c) work with: guests of all
 * kinds, a scheduler that is armed, and what is told of it once it was thrown out.
 */
#ifndef SELFTESTS_PLUGIN_H
#define SELFTESTS_PLUGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "klog.h"
#include "rawvm.h"

#define PLUGIN_GUESTS	5

/* What the module says of a scheduler is what is to be said; all else is not. */
#define PLUGIN_SAYS	"vmsched: "

struct plugin_host {
	struct klog log;
	struct rawvm *vm[PLUGIN_GUESTS];
};

/* The last fault of pool default */
struct plugin_fault {
	char kind[32];
	char scheduler[32];
	char to[32];
	char message[128];
	char trace[1024];
	char dump[1024];
	uint64_t time_ns;
	uint64_t bypass_ns;
	uint64_t count;
};

/* Guests of all kinds, under bvt; 0 or what went wrong */
int plugin_host_begin(struct plugin_host *host);

/* Number of things that are not as they were */
unsigned int plugin_host_end(struct plugin_host *host);

/* Each of them, and none is broken */
bool plugin_guests_go_on(const struct plugin_host *host);

/* Exit status of the command that asks */
int plugin_last_fault(struct plugin_fault *f);

/* @f tells of @name, thrown out for being of that kind; says what it tells if not */
bool plugin_tells_of(const struct plugin_fault *f, const char *name,
		     const char *kind, const char *to);

/*
 * Put it in force, and let it misbehave; when is in @armed. One that does so as it
 * comes into force is armed before.
 */
int plugin_use(const char *name, bool at_once, uint64_t *armed);

/* Within the time that it takes to throw one out */
bool plugin_becomes_active(const char *name);

#endif /* SELFTESTS_PLUGIN_H */
