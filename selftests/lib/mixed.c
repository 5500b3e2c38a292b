// SPDX-License-Identifier: GPL-2.0
/*
 * Eight VMs of mixed load; see mixed.h.
 */
#include "exact.h"
#include "mixed.h"

bool mixed_spawn(struct rawvm *vms[MIXED_VMS])
{
	static const struct rawvm_spec specs[MIXED_VMS] = {
		{ .name = "spins", .kind = RAWVM_SPIN },
		{ .name = "sleeps", .kind = RAWVM_TICK, .busy_us = 500 },
		{ .name = "exits", .kind = RAWVM_IO },
		{ .name = "idles", .kind = RAWVM_TICK, .period_us = 100000 },
		{ .name = "pings", .kind = RAWVM_PING },
		{ .name = "asks", .kind = RAWVM_CPUID },
		{ .name = "calls", .kind = RAWVM_CALL },
		{ .name = "works", .kind = RAWVM_TICK, .loops = 1000 },
	};
	struct rawvm_spec spec;
	unsigned int i;

	for (i = 0; i < MIXED_VMS; i++) {
		spec = specs[i];
		spec.nr_vcpus = i < MIXED_VMS / 2 ? 4 : 2;
		vms[i] = rawvm_spawn(&spec);
		if (!vms[i])
			return false;
	}
	return true;
}

bool mixed_advance(struct rawvm *const vms[MIXED_VMS])
{
	unsigned int i;

	for (i = 0; i < MIXED_VMS; i++)
		if (rawvm_broken(vms[i]) ||
		    !rawvm_advances(vms[i], HANG_LIMIT_MS))
			return false;
	return true;
}

int mixed_switch(struct genl *g, const char *to, uint32_t activate, genl_fn *fn,
		 void *arg)
{
	struct genl_msg m;
	struct genl_ack ack;

	genl_begin(g, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
	genl_put_text(&m, VMSCHED_A_SWITCH_TO, to);
	genl_put_u32(&m, VMSCHED_A_SWITCH_ACTIVATE, activate);
	genl_put_u32(&m, VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS, MIXED_CEASE_MS);
	return genl_call(g, &m, &ack, fn, arg) ?: ack.error;
}
