// SPDX-License-Identifier: GPL-2.0
/*
 * Several pools: pCPUs and VMs change between them while VMs run, what is refused and
 * in which words, masks, shares, CPUs that go, and a storm of all of it. Wants four
 * CPUs.
 */
#include "lib/file.h"
#include "lib/pool_fixture.h"
#include "lib/storm.h"

#define LIMIT		240
#define BASE		"/sys/kernel/vmsched/pools/"
#define SHARE_MS	4000
#define AWAY_MS		100
/* Of four times as much, with turns of a few milliseconds */
#define SHARE_SLACK	0.25

static bool file_has(const char *path, const char *want)
{
	char text[64] = "";
	FILE *f = fopen(path, "r");

	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	text[strcspn(text, "\n")] = '\0';
	if (!strcmp(text, want))
		return true;
	printf("# %s is '%s', not '%s'\n", path, text, want);
	return false;
}

TEST_F_TIMEOUT(pools, cpus_come_and_go_back, LIMIT)
{
	struct genl_told told;
	struct genl events;
	struct rawvm *vm = start("spin", RAWVM_SPIN, 4);

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, genl_open(&events));
	ASSERT_EQ(0, genl_join(&events));
	ASSERT_EQ(0, SWITCH("default", "bvt"));
	ASSERT_TRUE(genl_next(&events, VMSCHED_CMD_SWITCH_NTF, &told));

	ASSERT_EQ(0, cli_do("pool add b cpus 2-3"));
	EXPECT_TRUE(genl_next(&events, VMSCHED_CMD_POOL_ADD_NTF, &told));
	EXPECT_TRUE(pool_tells("b", "cpus", "2-3"));
	EXPECT_TRUE(pool_tells("b", "scheduler", "native"));
	EXPECT_TRUE(pool_tells("default", "cpus", "0-1"));
	EXPECT_TRUE(file_has(BASE "b/cpus", "2-3"));
	EXPECT_TRUE(file_has(BASE "b/scheduler", "native"));
	EXPECT_TRUE(vm_stays_on(vm, "0-1", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));

	ASSERT_EQ(0, file_write(BASE "b/scheduler", "rr"));
	ASSERT_TRUE(genl_next(&events, VMSCHED_CMD_SWITCH_NTF, &told));
	EXPECT_TRUE(pool_tells("b", "scheduler", "rr"));
	ASSERT_EQ(0, cli_do("pool set b cpus 1,3"));
	EXPECT_TRUE(genl_next(&events, VMSCHED_CMD_POOL_SET_NTF, &told));
	EXPECT_TRUE(pool_tells("b", "cpus", "1,3"));
	EXPECT_TRUE(pool_tells("default", "cpus", "0,2"));
	EXPECT_TRUE(vm_stays_on(vm, "0,2", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));

	ASSERT_EQ(0, cli_do("pool del b"));
	EXPECT_TRUE(genl_next(&events, VMSCHED_CMD_SWITCH_NTF, &told));
	EXPECT_TRUE(genl_next(&events, VMSCHED_CMD_POOL_DEL_NTF, &told));
	EXPECT_TRUE(pool_tells("default", "cpus", "0-3"));
	EXPECT_NE(0, access(BASE "b", F_OK));
	EXPECT_TRUE(goes_on(vm));
	ASSERT_EQ(0, SWITCH("default", "native"));
	EXPECT_TRUE(vm_masks_are(vm, "0-3"));
	genl_close(&events);
}

static const struct refusal {
	uint8_t cmd;
	const char *name;
	const char *cpus;
	int error;
	const char *says;
} refusals[] = {
	{ VMSCHED_CMD_POOL_ADD, "Upper", "3", -EINVAL, "a-z 0-9 _ -" },
	{ VMSCHED_CMD_POOL_ADD, "", "3", -EINVAL, "1 to 31" },
	{ VMSCHED_CMD_POOL_ADD, "../c", "3", -EINVAL, "a-z 0-9 _ -" },
	{ VMSCHED_CMD_POOL_ADD, "default", "3", -EEXIST, "pool set" },
	{ VMSCHED_CMD_POOL_ADD, "b", "1", -EEXIST, "pool b already" },
	{ VMSCHED_CMD_POOL_ADD, "c", "", -EINVAL, "cpus is empty" },
	{ VMSCHED_CMD_POOL_ADD, "c", "x", -EINVAL, "not a list" },
	{ VMSCHED_CMD_POOL_ADD, "c", "3-1", -EINVAL, "not a list" },
	{ VMSCHED_CMD_POOL_ADD, "c", "1,60", -EINVAL, "of pCPUs below 4" },
	{ VMSCHED_CMD_POOL_ADD, "c", "1,3", -EBUSY, "overlap: pCPU 3 is in pool b" },
	{ VMSCHED_CMD_POOL_ADD, "c", "0-1", -EINVAL, "default keeps one" },
	{ VMSCHED_CMD_POOL_ADD, "c", "2", -EINVAL, "none of those pCPUs is online" },
	{ VMSCHED_CMD_POOL_SET, "c", "1", -ENOENT, "no such pool" },
	{ VMSCHED_CMD_POOL_SET, "default", "1", -EINVAL, "change those" },
	{ VMSCHED_CMD_POOL_SET, "b", "", -EINVAL, "cpus is empty" },
	{ VMSCHED_CMD_POOL_SET, "b", "0-3", -EINVAL, "default keeps one" },
	{ VMSCHED_CMD_POOL_SET, "b", "2", -EINVAL, "none of those pCPUs is online" },
	{ VMSCHED_CMD_POOL_DEL, "c", NULL, -ENOENT, "no such pool" },
	{ VMSCHED_CMD_POOL_DEL, "default", NULL, -EINVAL, "cannot be deleted" },
	{ VMSCHED_CMD_POOL_DEL, "b", NULL, -EBUSY, "1 VMs are in it" },
};

TEST_F_TIMEOUT(pools, refusals_say_why, LIMIT)
{
	struct rawvm *vm = start("spin", RAWVM_SPIN, 1);
	unsigned int i;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, ADD("b", "3"));
	ASSERT_EQ(0, MOVE(vm, "b"));
	ASSERT_EQ(0, cpus_set_online(2, false));
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];

		EXPECT_EQ(r->error, pool_call(&self->g, r->cmd, r->name, r->cpus,
					      &self->ack));
		EXPECT_NE(NULL, strstr(self->ack.text, r->says)) {
			TH_LOG("%s %s: '%s'", r->name, r->cpus, self->ack.text);
		}
	}
	EXPECT_EQ(-ENOENT, MOVE(vm, "c"));
	EXPECT_TRUE(pool_tells("b", "cpus", "3"));
	EXPECT_TRUE(pool_tells("default", "cpus", "0-1"));
	ASSERT_EQ(0, cpus_set_online(2, true));
	EXPECT_TRUE(pool_tells("default", "cpus", "0-2"));
	ASSERT_EQ(0, MOVE(vm, "default"));
	EXPECT_EQ(0, DEL("b"));
	EXPECT_TRUE(goes_on(vm));
}

/* Neither pool may be without a pCPU while it has VMs, be it for a moment */
TEST_F_TIMEOUT(pools, cpus_are_exchanged, LIMIT)
{
	struct rawvm *a = start("a", RAWVM_SPIN, 2);
	struct rawvm *b = start("b", RAWVM_SPIN, 2);

	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	ASSERT_EQ(0, SWITCH("default", "bvt"));
	ASSERT_EQ(0, ADD("b", "1-3"));
	ASSERT_EQ(0, SWITCH("b", "bvt"));
	ASSERT_EQ(0, MOVE(b, "b"));
	ASSERT_EQ(0, SET("b", "0,3"));
	EXPECT_TRUE(pool_tells("default", "cpus", "1-2"));
	EXPECT_TRUE(vm_stays_on(a, "1-2", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(a));
	EXPECT_TRUE(goes_on(b));
	ASSERT_EQ(0, SET("b", "1-2"));
	EXPECT_TRUE(pool_tells("default", "cpus", "0,3"));
	EXPECT_TRUE(vm_stays_on(a, "0,3", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(a));
	EXPECT_TRUE(goes_on(b));
	ASSERT_EQ(0, MOVE(b, "default"));
	ASSERT_EQ(0, SET("b", "0,3"));
	EXPECT_TRUE(goes_on(a));
	EXPECT_TRUE(goes_on(b));
}

/* The pool of somebody who has it ceased does not change */
TEST_F_TIMEOUT(pools, held_pools_stay, LIMIT)
{
	struct genl_ack ack;
	struct genl other;

	ASSERT_EQ(0, ADD("b", "3"));
	ASSERT_EQ(0, genl_open(&other));
	ASSERT_EQ(0, genl_switch_in(&other, VMSCHED_CMD_SCHED_HOLD, NULL, 10000, &ack));
	EXPECT_EQ(-EBUSY, SET("b", "2-3"));
	EXPECT_NE(NULL, strstr(self->ack.text, "try again"));
	EXPECT_EQ(-EBUSY, DEL("b"));
	EXPECT_EQ(-EBUSY, ADD("c", "2"));
	genl_close(&other);
}

static int let_use(const struct rawvm *vm, const char *list)
{
	return cli_do("vm set pid:%d affinity %s", rawvm_pid(vm), list);
}

static bool keeps(const struct rawvm *vm, const char *key, uint64_t want)
{
	uint64_t is = 0;

	if (!vm_u64(rawvm_pid(vm), key, &is) && is == want)
		return true;
	printf("# %s of %s is %llu, not %llu\n", key, rawvm_name(vm),
	       (unsigned long long)is, (unsigned long long)want);
	return false;
}

TEST_F_TIMEOUT(pools, vms_move_with_all_they_have, LIMIT)
{
	struct rawvm *vm = start("spin", RAWVM_SPIN, 2);
	uint64_t before = 0, after = 0;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, cli_do("vm set pid:%d weight 300 cap 150 slice 3000",
			    rawvm_pid(vm)));
	ASSERT_EQ(0, cli_do("pool add b cpus 2-3"));
	ASSERT_EQ(0, SWITCH("b", "bvt"));
	ASSERT_EQ(0, vm_u64(rawvm_pid(vm), "run_ns", &before));

	/* From native, between two schedulers, and back to native */
	ASSERT_EQ(0, cli_do("vm set pid:%d pool b", rawvm_pid(vm)));
	EXPECT_TRUE(vm_is_in(rawvm_pid(vm), "b"));
	EXPECT_TRUE(pool_tells("b", "vms", "1"));
	EXPECT_TRUE(pool_tells("b", "vcpus", "2"));
	EXPECT_TRUE(pool_tells("default", "vms", "0"));
	EXPECT_TRUE(vm_stays_on(vm, "2-3", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));
	ASSERT_EQ(0, SWITCH("default", "rr"));
	ASSERT_EQ(0, MOVE(vm, "default"));
	EXPECT_TRUE(vm_stays_on(vm, "0-1", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));
	ASSERT_EQ(0, MOVE(vm, "b"));
	ASSERT_EQ(0, SWITCH("default", "native"));
	ASSERT_EQ(0, MOVE(vm, "default"));
	EXPECT_TRUE(vm_masks_are(vm, "0-3"));
	EXPECT_TRUE(goes_on(vm));
	/* To where it is already, and with something else at once */
	ASSERT_EQ(0, cli_do("vm set pid:%d pool default weight 400 affinity 0",
			    rawvm_pid(vm)));
	EXPECT_NE(0, cli_do("vm set pid:%d pool b weight 500", rawvm_pid(vm)));
	EXPECT_TRUE(keeps(vm, "weight", 400));
	ASSERT_EQ(0, cli_do("vm set pid:%d pool b weight 500 affinity 3",
			    rawvm_pid(vm)));
	EXPECT_TRUE(vm_stays_on(vm, "3", HANG_LIMIT_MS));
	EXPECT_TRUE(keeps(vm, "weight", 500));
	EXPECT_TRUE(keeps(vm, "cap_permille", 1500));
	ASSERT_EQ(0, vm_u64(rawvm_pid(vm), "run_ns", &after));
	EXPECT_GT(after, before);
	EXPECT_TRUE(goes_on(vm));
}

TEST_F_TIMEOUT(pools, users_win, LIMIT)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "pinned", .nr_vcpus = 2, .cpus = "1-2" });

	ASSERT_NE(NULL, vm);
	ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, limit_ms(1000)));
	ASSERT_EQ(0, ADD("b", "3"));
	ASSERT_EQ(0, SWITCH("b", "rr"));
	EXPECT_EQ(-EINVAL, MOVE(vm, "b"));
	EXPECT_NE(NULL, strstr(self->ack.text, "mask 1-2 has none of 3"));
	EXPECT_TRUE(vm_is_in(rawvm_pid(vm), "default"));
	EXPECT_TRUE(vm_masks_are(vm, "1-2"));

	ASSERT_EQ(0, SET("b", "2-3"));
	ASSERT_EQ(0, MOVE(vm, "b"));
	EXPECT_TRUE(vm_stays_on(vm, "2", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));
	/* The one that the user allows has to stay */
	EXPECT_EQ(-EBUSY, SET("b", "3"));
	EXPECT_NE(NULL, strstr(self->ack.text, "may use 1-2 only"));
	/* A new wish is heard in the new pool */
	ASSERT_EQ(0, cpus_pin(rawvm_tid(vm, 0), "3"));
	ASSERT_EQ(0, cpus_pin(rawvm_tid(vm, 1), "3"));
	EXPECT_TRUE(goes_on(vm));
	ASSERT_EQ(0, MOVE(vm, "default") == -EINVAL ? 0 : -1);
	ASSERT_EQ(0, cpus_pin(rawvm_tid(vm, 0), "0-3"));
	ASSERT_EQ(0, cpus_pin(rawvm_tid(vm, 1), "0-3"));
	ASSERT_EQ(0, MOVE(vm, "default"));
	EXPECT_TRUE(vm_masks_are(vm, "0-3"));
	ASSERT_EQ(0, let_use(vm, "0"));
	EXPECT_EQ(-EINVAL, MOVE(vm, "b"));
	EXPECT_NE(NULL, strstr(self->ack.text, "affinity 0 has none of 2-3"));
	ASSERT_EQ(0, let_use(vm, "all"));
	EXPECT_EQ(0, MOVE(vm, "b"));
	EXPECT_TRUE(goes_on(vm));
}

/* Two that spin on one pCPU, one with three times the weight of the other */
TEST_F_TIMEOUT(pools, shares_come_along, LIMIT)
{
	struct rawvm *light = start("light", RAWVM_SPIN, 1);
	struct rawvm *heavy = start("heavy", RAWVM_SPIN, 1);
	uint64_t l[2], h[2];
	double ratio;
	int i;

	ASSERT_NE(NULL, light);
	ASSERT_NE(NULL, heavy);
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, cli_do("vm set pid:%d weight 300", rawvm_pid(heavy)));
	ASSERT_EQ(0, ADD("b", "3"));
	ASSERT_EQ(0, SWITCH("default", "bvt"));
	ASSERT_EQ(0, SWITCH("b", "bvt"));
	ASSERT_EQ(0, MOVE(light, "b"));
	ASSERT_EQ(0, MOVE(heavy, "b"));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, vm_u64(rawvm_pid(light), "run_ns", &l[i]));
		ASSERT_EQ(0, vm_u64(rawvm_pid(heavy), "run_ns", &h[i]));
		if (!i)
			clock_sleep_ms(SHARE_MS);
	}
	ratio = (double)(h[1] - h[0]) / (l[1] - l[0]);
	metric("heavy_to_light", ratio, "");
	EXPECT_GT(ratio, 3 * (1 - SHARE_SLACK));
	EXPECT_LT(ratio, 3 * (1 + SHARE_SLACK));
}

/* Who goes there and back gets no more than its half by it, nor less */
TEST_F_TIMEOUT(pools, moving_gains_nothing, LIMIT)
{
	struct rawvm *stays = start("stays", RAWVM_SPIN, 1);
	struct rawvm *moves = start("moves", RAWVM_SPIN, 1);
	uint64_t s[2], m[2], end;
	unsigned int n = 0;
	double share;

	ASSERT_NE(NULL, stays);
	ASSERT_NE(NULL, moves);
	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, ADD("b", "3"));
	ASSERT_EQ(0, ADD("c", "2"));
	ASSERT_EQ(0, SWITCH("b", "bvt"));
	ASSERT_EQ(0, SWITCH("c", "bvt"));
	ASSERT_EQ(0, MOVE(stays, "b"));
	ASSERT_EQ(0, MOVE(moves, "b"));
	ASSERT_EQ(0, vm_u64(rawvm_pid(stays), "run_ns", &s[0]));
	ASSERT_EQ(0, vm_u64(rawvm_pid(moves), "run_ns", &m[0]));
	for (end = clock_ns() + SHARE_MS * NSEC_PER_MSEC; clock_ns() < end; n++) {
		ASSERT_EQ(0, MOVE(moves, "c"));
		/* Both are alone, and nobody's time is over */
		clock_sleep_ms(AWAY_MS);
		ASSERT_EQ(0, MOVE(moves, "b"));
		clock_sleep_ms(AWAY_MS);
	}
	ASSERT_EQ(0, vm_u64(rawvm_pid(stays), "run_ns", &s[1]));
	ASSERT_EQ(0, vm_u64(rawvm_pid(moves), "run_ns", &m[1]));
	share = (double)(m[1] - m[0]) / (m[1] - m[0] + s[1] - s[0]);
	metric("there_and_back", n, "");
	metric("share_of_who_moves", share * 100, "%");
	EXPECT_GT(n, 5);
	EXPECT_LT(share, 0.6);
	EXPECT_GT(share, 0.4);
}

TEST_F_TIMEOUT(pools, cpus_of_a_pool_go_offline, LIMIT)
{
	struct rawvm *vm = start("spin", RAWVM_SPIN, 2);
	struct rawvm *other = start("tick", RAWVM_TICK, 1);

	ASSERT_NE(NULL, vm);
	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, SWITCH("default", "bvt"));
	ASSERT_EQ(0, ADD("b", "2-3"));
	ASSERT_EQ(0, SWITCH("b", "bvt"));
	ASSERT_EQ(0, MOVE(vm, "b"));
	EXPECT_TRUE(goes_on(vm));
	ASSERT_EQ(0, cpus_set_online(3, false));
	EXPECT_TRUE(goes_on(vm));
	EXPECT_TRUE(pool_tells("b", "scheduler", "bvt"));
	EXPECT_TRUE(pool_tells("b", "cpus", "2"));
	/* None is left: Linux runs the VM elsewhere, and that is said */
	ASSERT_EQ(0, cpus_set_online(2, false));
	EXPECT_TRUE(pool_becomes("b", "native", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));
	EXPECT_TRUE(goes_on(other));
	EXPECT_TRUE(klog_has(&self->log, "pool b has no pCPU online", "Linux"));
	EXPECT_TRUE(pool_tells("default", "scheduler", "bvt"));
	EXPECT_EQ(-EBUSY, SWITCH("b", "rr"));
	EXPECT_NE(NULL, strstr(self->ack.text, "take one online first"));
	EXPECT_EQ(-EBUSY, MOVE(other, "b"));
	EXPECT_NE(NULL, strstr(self->ack.text, "has no pCPU online"));
	ASSERT_EQ(0, cpus_set_online(2, true));
	ASSERT_EQ(0, cpus_set_online(3, true));
	EXPECT_TRUE(pool_tells("b", "cpus", "2-3"));
	ASSERT_EQ(0, cli_do("sched previous pool b"));
	EXPECT_TRUE(pool_tells("b", "scheduler", "bvt"));
	EXPECT_TRUE(vm_stays_on(vm, "2-3", HANG_LIMIT_MS));
	EXPECT_TRUE(goes_on(vm));
	EXPECT_EQ(0, klog_warnings_but(&self->log, KLOG_AFFINE));
}

TEST_F_TIMEOUT(pools, one_pool_is_patched, LIMIT)
{
	struct rawvm *vm = start("spin", RAWVM_SPIN, 2);

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, ADD("b", "2-3"));
	ASSERT_EQ(0, MOVE(vm, "b"));
	ASSERT_EQ(0, pool_switch(&self->g, "default", "bvt", VMSCHED_ACTIVATE_PATCH,
				 &self->ack));
	EXPECT_EQ(-EBUSY, pool_switch(&self->g, "b", "bvt", VMSCHED_ACTIVATE_PATCH,
				      &self->ack));
	EXPECT_NE(NULL, strstr(self->ack.text, "another pool is activated by patch"));
	EXPECT_NE(NULL, strstr(self->ack.text, "use table"));
	EXPECT_TRUE(pool_tells("b", "scheduler", "native"));
	EXPECT_EQ(0, SWITCH("b", "bvt"));
	EXPECT_TRUE(goes_on(vm));
	/* The first one gives it back, and then one that is deleted */
	ASSERT_EQ(0, SWITCH("default", "native"));
	ASSERT_EQ(0, pool_switch(&self->g, "b", "bvt", VMSCHED_ACTIVATE_PATCH,
				 &self->ack));
	EXPECT_TRUE(goes_on(vm));
	ASSERT_EQ(0, MOVE(vm, "default"));
	ASSERT_EQ(0, DEL("b"));
	ASSERT_EQ(0, pool_switch(&self->g, "default", "rr", VMSCHED_ACTIVATE_PATCH,
				 &self->ack));
	EXPECT_TRUE(goes_on(vm));
}

TEST_F_TIMEOUT(pools, unload_leaves_all_pools, LIMIT)
{
	struct rawvm *a = start("a", RAWVM_SPIN, 2);
	struct rawvm *b = start("b", RAWVM_TICK, 2);

	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	ASSERT_EQ(0, ADD("b", "2-3"));
	ASSERT_EQ(0, MOVE(b, "b"));
	ASSERT_EQ(0, SWITCH("default", "bvt"));
	ASSERT_EQ(0, SWITCH("b", "rr"));
	ASSERT_EQ(0, SWITCH("b", "bvt"));
	/* It is in use in the other one */
	EXPECT_NE(0, cli_do("sched switch rr pool b old unload-before"));
	EXPECT_TRUE(module_loaded("vmsched_bvt"));
	ASSERT_EQ(0, SWITCH("b", "bvt"));
	ASSERT_EQ(0, cli_do("sched unload bvt --force"));
	EXPECT_FALSE(module_loaded("vmsched_bvt"));
	EXPECT_TRUE(pool_tells("default", "scheduler", "native"));
	EXPECT_TRUE(goes_on(a));
	EXPECT_TRUE(goes_on(b));
}

static bool has_thrown_out(const char *pool)
{
	json_object *message = NULL;
	struct cli c;
	bool has;

	has = !cli(&c, "fault show %s", pool) &&
	      json_object_object_get_ex(c.json, "message", &message) &&
	      strstr(json_object_get_string(message) ?: "", "no vCPU of this pool");
	cli_free(&c);
	return has;
}

TEST_F_TIMEOUT(pools, picks_of_another_pool_are_a_fault, LIMIT)
{
	struct rawvm *a = start("a", RAWVM_SPIN, 2);
	struct rawvm *b = start("b", RAWVM_SPIN, 2);
	uint64_t end;

	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	ASSERT_EQ(0, module_insert_own("bad_foreign"));
	ASSERT_EQ(0, ADD("b", "3"));
	ASSERT_EQ(0, SWITCH("default", "bad_foreign"));
	ASSERT_EQ(0, SWITCH("b", "bad_foreign"));
	ASSERT_EQ(0, MOVE(b, "b"));
	EXPECT_TRUE(goes_on(a));
	EXPECT_TRUE(goes_on(b));
	ASSERT_EQ(0, module_set_param("bad_foreign", "armed", 1));
	end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;
	while (!has_thrown_out("default") && !has_thrown_out("b") && clock_ns() < end)
		clock_sleep_ms(50);
	EXPECT_TRUE(has_thrown_out("default") || has_thrown_out("b"));
	EXPECT_TRUE(goes_on(a));
	EXPECT_TRUE(goes_on(b));
	ASSERT_EQ(0, SWITCH("default", "native"));
	ASSERT_EQ(0, SWITCH("b", "native"));
	EXPECT_EQ(0, module_remove("bad_foreign"));
}

/* --- The storm --- */

#define STORM_VMS	5

static const char * const names[] = { "default", "b", "c" };
static const char * const scheds[] = { "native", "rr", "bvt" };
static const char * const lists[] = { "1", "2", "3", "1-2", "2-3", "1,3" };

/* Anything that changes a pool; what is refused is refused with a reason */
static int do_something(struct genl *g, struct storm_rng *rng, struct rawvm *vms[],
			struct genl_ack *ack)
{
	const char *name = names[storm_below(rng, ARRAY_SIZE(names))];
	const char *list = lists[storm_below(rng, ARRAY_SIZE(lists))];

	switch (storm_below(rng, 8)) {
	case 0:
		return pool_call(g, VMSCHED_CMD_POOL_ADD, name, list, ack);
	case 1:
		return pool_call(g, VMSCHED_CMD_POOL_DEL, name, NULL, ack);
	case 2:
	case 3:
		return pool_call(g, VMSCHED_CMD_POOL_SET, name, list, ack);
	case 4:
		return pool_switch(g, name, scheds[storm_below(rng, 3)],
				   VMSCHED_ACTIVATE_TABLE, ack);
	default:
		return move_vm(g, vms[storm_below(rng, STORM_VMS)], name, ack);
	}
}

static bool all_go_on(struct rawvm *vms[])
{
	unsigned int i;

	for (i = 0; i < STORM_VMS; i++)
		if (!goes_on(vms[i])) {
			printf("# %s stands still\n", rawvm_name(vms[i]));
			return false;
		}
	return true;
}

TEST_F_TIMEOUT(pools, storm_of_moves, 600)
{
	static const struct rawvm_spec specs[STORM_VMS] = {
		{ .name = "spin", .kind = RAWVM_SPIN, .nr_vcpus = 3 },
		{ .name = "tick", .kind = RAWVM_TICK, .nr_vcpus = 2 },
		{ .name = "io", .kind = RAWVM_IO },
		{ .name = "ping", .kind = RAWVM_PING, .nr_vcpus = 2 },
		{ .name = "cpuid", .kind = RAWVM_CPUID },
	};
	unsigned int i, done = 0, n = storm_count(kernel_is_debug() ? 100 : 400, 5000);
	struct rawvm *vms[STORM_VMS];
	struct storm_rng rng;
	uint64_t seed = getenv("VMSCHED_SEED") ?
			strtoull(getenv("VMSCHED_SEED"), NULL, 0) : 1;

	storm_seed(&rng, seed);
	for (i = 0; i < STORM_VMS; i++) {
		vms[i] = rawvm_spawn(&specs[i]);
		ASSERT_NE(NULL, vms[i]);
		ASSERT_TRUE(vm_listed(rawvm_pid(vms[i]), true, limit_ms(1000)));
	}
	ASSERT_EQ(0, control_first());
	for (i = 0; i < n; i++) {
		int err = do_something(&self->g, &rng, vms, &self->ack);

		done += !err;
		if (err) {
			ASSERT_TRUE(err == -EINVAL || err == -EBUSY ||
				    err == -EEXIST || err == -ENOENT) {
				TH_LOG("error %d '%s'", err, self->ack.text);
			}
			ASSERT_NE('\0', self->ack.text[0]);
		}
		if (i % 20 == 19)
			ASSERT_TRUE(all_go_on(vms)) { TH_LOG("after %u", i); }
	}
	metric("changes", done, "");
	EXPECT_GT(done, n / 5);
	/* With pools, and VMs in them, as they are */
	ASSERT_EQ(0, remove_all(&self->g));
	for (i = 0; i < STORM_VMS; i++)
		EXPECT_TRUE(vm_masks_are(vms[i], "0-3"));
	EXPECT_TRUE(all_go_on(vms));
}

TEST_HARNESS_MAIN
