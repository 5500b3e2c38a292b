// SPDX-License-Identifier: GPL-2.0
/*
 * Pools from a test; see pools.h.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "clock.h"
#include "cpus.h"
#include "pools.h"

#define PATIENT_MS	5000
#define LOOK_MS		20

int pool_call(struct genl *g, uint8_t cmd, const char *name, const char *cpus,
	      struct genl_ack *ack)
{
	struct genl_msg m;

	genl_begin(g, &m, cmd, NLM_F_ACK);
	genl_put_text(&m, VMSCHED_A_POOL_NAME, name);
	if (cpus)
		genl_put_text(&m, VMSCHED_A_POOL_CPUS, cpus);
	return genl_call(g, &m, ack, NULL, NULL) ?: ack->error;
}

int pool_move(struct genl *g, uint64_t id, const char *pool, struct genl_ack *ack)
{
	struct genl_msg m;

	genl_begin(g, &m, VMSCHED_CMD_VM_SET, NLM_F_ACK);
	genl_put_u64(&m, VMSCHED_A_VM_ID, id);
	genl_put_text(&m, VMSCHED_A_VM_POOL, pool);
	return genl_call(g, &m, ack, NULL, NULL) ?: ack->error;
}

int pool_switch(struct genl *g, const char *pool, const char *to, uint32_t activate,
		struct genl_ack *ack)
{
	struct genl_msg m;

	genl_begin(g, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
	genl_put_text(&m, VMSCHED_A_SWITCH_TO, to);
	genl_put_text(&m, VMSCHED_A_SWITCH_POOL, pool);
	genl_put_u32(&m, VMSCHED_A_SWITCH_ACTIVATE, activate);
	genl_put_u32(&m, VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS, PATIENT_MS);
	return genl_call(g, &m, ack, NULL, NULL) ?: ack->error;
}

static bool tells(const char *pool, const char *key, const char *want, bool say)
{
	json_object *value = NULL;
	const char *is = "";
	struct cli c;
	bool same;

	if (!cli(&c, "pool show %s", pool) &&
	    json_object_object_get_ex(c.json, key, &value))
		is = json_object_get_string(value);
	same = !strcmp(is ?: "", want);
	if (!same && say)
		printf("# pool %s: %s is '%s', not '%s'\n", pool, key, is, want);
	cli_free(&c);
	return same;
}

bool pool_tells(const char *pool, const char *key, const char *want)
{
	return tells(pool, key, want, true);
}

bool pool_becomes(const char *pool, const char *scheduler, unsigned int ms)
{
	uint64_t end = clock_ns() + ms * NSEC_PER_MSEC;

	while (!tells(pool, "scheduler", scheduler, false)) {
		if (clock_ns() > end)
			return pool_tells(pool, "scheduler", scheduler);
		clock_sleep_ms(LOOK_MS);
	}
	return true;
}

bool pools_forget(void)
{
	json_object *name;
	bool done = true;
	struct cli c;
	size_t i;

	if (cli(&c, "pool list") || !json_object_is_type(c.json, json_type_array)) {
		cli_free(&c);
		return false;
	}
	for (i = 0; i < json_object_array_length(c.json); i++) {
		if (!json_object_object_get_ex(json_object_array_get_idx(c.json, i),
					       "name", &name) ||
		    !strcmp(json_object_get_string(name), "default"))
			continue;
		done &= !cli_do("pool del %s", json_object_get_string(name));
	}
	cli_free(&c);
	return done;
}

bool vm_is_in(pid_t pid, const char *pool)
{
	json_object *value = NULL;
	const char *is = "";
	struct cli c;
	bool same;

	if (!cli(&c, "vm show pid:%d", pid) &&
	    json_object_object_get_ex(c.json, "pool", &value))
		is = json_object_get_string(value);
	same = !strcmp(is, pool);
	if (!same)
		printf("# the VM of process %d is in pool '%s', not '%s'\n", pid, is,
		       pool);
	cli_free(&c);
	return same;
}

bool vm_masks_are(const struct rawvm *vm, const char *list)
{
	cpu_set_t want, is;
	char text[64];
	unsigned int i;

	if (cpus_parse(list, &want))
		return false;
	for (i = 0; i < rawvm_nr_vcpus(vm); i++) {
		if (!sched_getaffinity(rawvm_tid(vm, i), sizeof(is), &is) &&
		    CPU_EQUAL(&is, &want))
			continue;
		printf("# vCPU %u of %s may use %s, not %s\n", i, rawvm_name(vm),
		       cpus_format(&is, text, sizeof(text)), list);
		return false;
	}
	return true;
}

static bool is_within(const struct rawvm *vm, const cpu_set_t *set)
{
	cpu_set_t is, both;
	unsigned int i;

	for (i = 0; i < rawvm_nr_vcpus(vm); i++) {
		if (sched_getaffinity(rawvm_tid(vm, i), sizeof(is), &is))
			return false;
		CPU_AND(&both, &is, set);
		if (!CPU_EQUAL(&both, &is))
			return false;
	}
	return true;
}

bool vm_stays_on(const struct rawvm *vm, const char *list, unsigned int ms)
{
	uint64_t end = clock_ns() + ms * NSEC_PER_MSEC;
	cpu_set_t set;

	if (cpus_parse(list, &set))
		return false;
	while (!is_within(vm, &set)) {
		if (clock_ns() > end)
			return vm_masks_are(vm, list);
		clock_sleep_ms(LOOK_MS);
	}
	return true;
}
