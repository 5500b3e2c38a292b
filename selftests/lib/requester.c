// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "clock.h"
#include "requester.h"

static void take_answer(const struct nlmsghdr *msg, void *arg)
{
	struct requester *r = arg;

	r->console_ns = genl_u64(genl_attr(msg, VMSCHED_A_SWITCH_CONSOLE_NS));
	r->late = genl_u32(genl_attr(msg, VMSCHED_A_SWITCH_CONSOLE_LATE));
}

static void *request(void *arg)
{
	struct requester *r = arg;
	uint64_t start = clock_ns();
	struct genl_ack a = { 0 };
	struct genl_msg m;
	struct genl g;

	r->error = genl_open(&g);
	if (!r->error) {
		genl_begin(&g, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
		genl_put_text(&m, VMSCHED_A_SWITCH_TO, r->to);
		genl_put_u32(&m, VMSCHED_A_SWITCH_ACTIVATE, r->activate);
		genl_put_u32(&m, VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT, r->on_timeout);
		if (r->timeout_ms)
			genl_put_u32(&m, VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS,
				     r->timeout_ms);
		r->error = genl_call(&g, &m, &a, take_answer, r) ?: a.error;
		snprintf(r->text, sizeof(r->text), "%s", a.text);
		genl_close(&g);
	}
	r->took_ns = clock_ns() - start;
	__atomic_store_n(&r->done, true, __ATOMIC_RELEASE);
	return NULL;
}

bool requester_done(const struct requester *r)
{
	return __atomic_load_n(&r->done, __ATOMIC_ACQUIRE);
}

int requester_start(struct requester *r, const char *to, uint32_t on_timeout,
		    uint32_t timeout_ms)
{
	return requester_start_by(r, to, VMSCHED_ACTIVATE_TABLE, on_timeout,
				  timeout_ms);
}

int requester_start_by(struct requester *r, const char *to, uint32_t activate,
		       uint32_t on_timeout, uint32_t timeout_ms)
{
	*r = (struct requester) {
		.to = to, .activate = activate, .on_timeout = on_timeout,
		.timeout_ms = timeout_ms };
	return pthread_create(&r->thread, NULL, request, r);
}

int requester_end(struct requester *r)
{
	pthread_join(r->thread, NULL);
	return r->error;
}
