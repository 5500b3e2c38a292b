/* SPDX-License-Identifier: GPL-2.0 */
/* A switch by a thread of its own, so that the test can be or watch an agent. */
#ifndef SELFTESTS_REQUESTER_H
#define SELFTESTS_REQUESTER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "genl.h"

struct requester {
	pthread_t thread;
	const char *to;
	uint32_t activate;
	uint32_t on_timeout;
	uint32_t timeout_ms;	/* 0: not given */
	bool done;
	int error;
	char text[GENL_TEXT_SIZE];
	uint64_t console_ns;
	uint64_t late;
	uint64_t took_ns;
};

/* Begin; @timeout_ms may be 0. -errno, or a positive one of pthread_create() */
int requester_start(struct requester *r, const char *to, uint32_t on_timeout,
		    uint32_t timeout_ms);
/* The same, in that way */
int requester_start_by(struct requester *r, const char *to, uint32_t activate,
		       uint32_t on_timeout, uint32_t timeout_ms);
bool requester_done(const struct requester *r);

/* Wait for its end: its error */
int requester_end(struct requester *r);

#endif /* SELFTESTS_REQUESTER_H */
