/* SPDX-License-Identifier: GPL-2.0 */
/* A console agent that is a socket of the test, and does what it is told to. */
#ifndef SELFTESTS_AGENT_H
#define SELFTESTS_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "genl.h"

/* Open a socket and make it an agent of pool default; -errno */
int agent_open(struct genl *g);
/* Make it one of @pool, or of the default one if that is NULL; -errno */
int agent_attach(struct genl *g, const char *pool, struct genl_ack *ack);

/* The next message, which must be a @cmd about pool default; its number, or 0 */
uint32_t agent_next(struct genl *g, uint8_t cmd, struct genl_told *told);
/* Wait for an announcement, and return its number; 0 if something else came */
uint32_t agent_next_cease(struct genl *g);
/* The same of one that is over; @error is why it was given up */
uint32_t agent_next_resume(struct genl *g, uint32_t *error);
/* True if there is nothing to read */
bool agent_is_told_nothing(struct genl *g);

/* Say that all has stopped, as announcement @seq wants it; -errno */
int agent_ack(struct genl *g, uint32_t seq);
int agent_acknowledge(struct genl *g, uint32_t seq, struct genl_ack *ack);

#endif /* SELFTESTS_AGENT_H */
