// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent.h"

uint32_t agent_next(struct genl *g, uint8_t cmd, struct genl_told *told)
{
	const char *pool;

	if (!genl_next(g, cmd, told))
		return 0;
	pool = genl_text(genl_attr(&told->msg, VMSCHED_A_CONSOLE_POOL));
	if (!strcmp("default", pool))
		return genl_u32(genl_attr(&told->msg, VMSCHED_A_CONSOLE_SEQ));
	printf("# message %u is about pool %s\n", cmd, pool);
	return 0;
}

uint32_t agent_next_cease(struct genl *g)
{
	struct genl_told told;

	return agent_next(g, VMSCHED_CMD_CONSOLE_CEASE_NTF, &told);
}

uint32_t agent_next_resume(struct genl *g, uint32_t *error)
{
	struct genl_told told;
	uint32_t seq = agent_next(g, VMSCHED_CMD_CONSOLE_RESUME_NTF, &told);

	*error = genl_u32(genl_attr(&told.msg, VMSCHED_A_CONSOLE_ERROR));
	return seq;
}

bool agent_is_told_nothing(struct genl *g)
{
	char byte;

	return recv(g->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

int agent_attach(struct genl *g, const char *pool, struct genl_ack *ack)
{
	struct genl_msg m;

	genl_begin(g, &m, VMSCHED_CMD_CONSOLE_ATTACH, 0);
	if (pool)
		genl_put_text(&m, VMSCHED_A_CONSOLE_POOL, pool);
	return genl_call(g, &m, ack, NULL, NULL) ?: ack->error;
}

int agent_acknowledge(struct genl *g, uint32_t seq, struct genl_ack *ack)
{
	struct genl_msg m;

	genl_begin(g, &m, VMSCHED_CMD_CONSOLE_ACK, 0);
	genl_put_u32(&m, VMSCHED_A_CONSOLE_SEQ, seq);
	return genl_call(g, &m, ack, NULL, NULL) ?: ack->error;
}

int agent_ack(struct genl *g, uint32_t seq)
{
	struct genl_ack a;

	return agent_acknowledge(g, seq, &a);
}

int agent_open(struct genl *g)
{
	struct genl_ack a;
	int ret = genl_open(g);

	return ret ?: agent_attach(g, NULL, &a);
}
