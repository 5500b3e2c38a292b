// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that must succeed, and have the effect that they promise.
 */
#include <math.h>

#include "lib/fixture.h"

#define LIMIT			300
#define MEASURE_MS		4000
#define SETTLE_MS		200
#define SHARE_LIMIT_PERCENT	5.0

/* Text or number @key of what @cmd printed, as text; "" if it is not there */
static const char *value_of(struct cli *c, const char *key)
{
	json_object *field;

	if (!json_object_object_get_ex(c->json, key, &field))
		return "";
	return json_object_get_string(field) ?: "null";
}

/* Run a switch and compare what it says of both schedulers */
static bool switches(const char *cmd, const char *from, const char *to)
{
	struct cli c;
	int ret = cli(&c, "%s", cmd);
	bool ok = !ret && !strcmp(value_of(&c, "from"), from) &&
		  !strcmp(value_of(&c, "to"), to);

	if (!ok)
		printf("# %s: status %d: %s%s\n", cmd, ret, c.run.out ?: "",
		       c.run.err ?: "");
	cli_free(&c);
	return ok && sched_is_active(to);
}

static int pool_u64(const char *key, uint64_t *value)
{
	json_object *pool, *field;
	struct cli c;
	int ret = cli(&c, "pool list");

	if (!ret) {
		pool = json_object_array_get_idx(c.json, 0);
		ret = -ENOENT;
		if (json_object_object_get_ex(pool, key, &field)) {
			*value = json_object_get_uint64(field);
			ret = 0;
		}
	}
	cli_free(&c);
	return ret;
}

TEST_F_TIMEOUT(vmsched, previous, LIMIT)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) { .name = "a" });

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, sched_switch("rr", NULL));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	/* To and fro: the one that is left becomes the previous one */
	EXPECT_TRUE(switches("sched previous", "bvt", "rr"));
	EXPECT_TRUE(switches("sched previous", "rr", "bvt"));
	EXPECT_TRUE(switches("sched previous pool default", "bvt", "rr"));
	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_TRUE(switches("sched previous", "native", "rr"));
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
}

/* Nothing changes, least of all what "sched previous" goes back to */
TEST_F_TIMEOUT(vmsched, switch_to_the_active_one, LIMIT)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) { .name = "a" });
	uint64_t before, after, failed, failed_after;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	ASSERT_EQ(0, pool_u64("switches", &before));
	ASSERT_EQ(0, pool_u64("failed_switches", &failed));
	EXPECT_TRUE(switches("sched switch rr", "rr", "rr"));
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
	ASSERT_EQ(0, pool_u64("switches", &after));
	ASSERT_EQ(0, pool_u64("failed_switches", &failed_after));
	EXPECT_EQ(before, after);
	EXPECT_EQ(failed, failed_after);
	EXPECT_TRUE(switches("sched previous", "rr", "bvt"));
	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_TRUE(switches("sched switch native", "native", "native"));
}

/* True if `sched show NAME` says all of that */
static bool shows(const char *name, const char *module, const char *users,
		  const char *honours)
{
	struct cli c;
	int ret = cli(&c, "sched show %s", name);
	bool ok = !ret && !strcmp(value_of(&c, "name"), name) &&
		  !strcmp(value_of(&c, "module"), module) &&
		  !strcmp(value_of(&c, "users"), users) &&
		  strstr(value_of(&c, "honours"), honours) &&
		  strlen(value_of(&c, "doc")) > 5;

	if (!ok)
		printf("# sched show %s: status %d: %s%s\n", name, ret,
		       c.run.out ?: "", c.run.err ?: "");
	cli_free(&c);
	return ok;
}

TEST_F_TIMEOUT(vmsched, show_a_scheduler, LIMIT)
{
	EXPECT_TRUE(shows("native", "vmsched", "1", "[ ]"));
	EXPECT_TRUE(shows("rr", "vmsched_rr", "0", "\"slice\""));
	EXPECT_TRUE(shows("bvt", "vmsched_bvt", "0", "\"weight\""));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	EXPECT_TRUE(shows("native", "vmsched", "0", "[ ]"));
	EXPECT_TRUE(shows("rr", "vmsched_rr", "1", "\"affinity\""));
}

/* Distance of the first vCPU's share from what it should be, in % of that */
static double share_is_off(struct rawvm *vm, double want)
{
	uint64_t done[2], i;
	double share;

	clock_sleep_ms(SETTLE_MS);
	for (i = 0; i < 2; i++)
		done[i] = rawvm_progress(vm, i);
	clock_sleep_ms(MEASURE_MS);
	for (i = 0; i < 2; i++)
		done[i] = rawvm_progress(vm, i) - done[i];
	share = (double)done[0] / (done[0] + done[1]);
	metric("share_of_vcpu_0", share * 100, "%");
	return fabs(share - want) / want * 100;
}

TEST_F_TIMEOUT(vmsched, weight_of_one_vcpu, LIMIT)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "two", .nr_vcpus = 2, .cpus = "0" });
	uint64_t weight;
	pid_t pid;

	if (!clock_is_exact())
		SKIP(return, "shares need exact time");
	ASSERT_NE(NULL, vm);
	pid = rawvm_pid(vm);
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	EXPECT_LE(share_is_off(vm, 1 / 2.0), SHARE_LIMIT_PERCENT);
	ASSERT_EQ(0, cli_do("vcpu set pid:%d/0 weight 300", pid));
	EXPECT_LE(share_is_off(vm, 3 / 4.0), SHARE_LIMIT_PERCENT);

	/* The vCPU's own counts before that of its VM, which is for the other */
	ASSERT_EQ(0, cli_do("vm set pid:%d weight 600", pid));
	EXPECT_LE(share_is_off(vm, 1 / 3.0), SHARE_LIMIT_PERCENT);
	ASSERT_EQ(0, vcpu_u64(rawvm_tid(vm, 0), "weight", &weight));
	EXPECT_EQ(300, weight);
	ASSERT_EQ(0, vcpu_u64(rawvm_tid(vm, 1), "weight", &weight));
	EXPECT_EQ(600, weight);
}

/* Names stand for VMs as ids do, and the answer shows the new value */
TEST_F_TIMEOUT(vmsched, vcpu_set_by_name, LIMIT)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "two", .kind = RAWVM_TICK, .nr_vcpus = 2 });
	struct cli c;

	ASSERT_NE(NULL, vm);
	ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, limit_ms(1000)));
	ASSERT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
	EXPECT_EQ(0, cli(&c, "vcpu set two-%d/1 weight 700 slice 3000",
			 rawvm_pid(vm)));
	EXPECT_STREQ("1", value_of(&c, "index"));
	EXPECT_STREQ("700", value_of(&c, "weight"));
	EXPECT_STREQ("3000000", value_of(&c, "slice_ns"));
	cli_free(&c);
}

TEST_HARNESS_MAIN
