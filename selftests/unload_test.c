// SPDX-License-Identifier: GPL-2.0
/*
 * rmmod of everything while guests run: quick, guests unharmed, and every
 * thread of the system has the attributes it had before insmod.
 */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "lib/attr.h"
#include "lib/fixture.h"
#include "lib/watch.h"

#define GUESTS			8
#define ACTIVE_MS		1000
#define UNLOAD_LIMIT_MS		1000
#define WINDOW_MS		1000
#define CYCLES			10
#define IOPRIO_BEST_EFFORT_6	(2 << 13 | 6)
#define CUSTOM_SLICE_NS		5000000
#define LONG_SLICE_MS		1000

static int spawn_guests(struct rawvm *vms[GUESTS])
{
	static const enum rawvm_kind kinds[GUESTS] = {
		RAWVM_SPIN, RAWVM_SPIN, RAWVM_SPIN, RAWVM_SPIN,
		RAWVM_TICK, RAWVM_TICK, RAWVM_IO, RAWVM_IO,
	};
	unsigned int i;

	for (i = 0; i < GUESTS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "guest%u", i);
		vms[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = name, .kind = kinds[i],
			.nr_vcpus = i ? 1 : 2 });
		if (!vms[i])
			return -1;
	}
	return 0;
}

/* Give threads what an administrator may have given them */
static int set_attributes(struct rawvm *vms[GUESTS])
{
	struct sched_param none = { 0 }, fifo = { .sched_priority = 1 };
	cpu_set_t last;

	CPU_ZERO(&last);
	CPU_SET(cpus_online() - 1, &last);
	if (attr_set_slice(rawvm_tid(vms[0], 1), CUSTOM_SLICE_NS) ||
	    setpriority(PRIO_PROCESS, rawvm_tid(vms[1], 0), 5) ||
	    sched_setscheduler(rawvm_tid(vms[2], 0), SCHED_BATCH, &none) ||
	    sched_setaffinity(rawvm_tid(vms[3], 0), sizeof(last), &last) ||
	    sched_setscheduler(rawvm_tid(vms[4], 0), SCHED_FIFO, &fifo) ||
	    syscall(SYS_ioprio_set, 1, rawvm_tid(vms[6], 0),
		    IOPRIO_BEST_EFFORT_6)) {
		printf("# cannot set the attributes of a guest: %s\n",
		       strerror(errno));
		return -errno;
	}
	return 0;
}

/* Load all, have @ms under rr and bvt each */
static int load_and_run(unsigned int ms)
{
	int ret = vmsched_ready();

	if (ret)
		return ret;
	ret = sched_switch("rr", NULL);
	if (ret)
		return ret;
	clock_sleep_ms(ms);
	ret = sched_switch("bvt", NULL);
	if (!ret)
		clock_sleep_ms(ms);
	return ret;
}

/* Time from "native, please" to the last module gone; 0 on failure */
static uint64_t unload_ns(void)
{
	uint64_t start = clock_ns();

	if (sched_switch("native", NULL) || vmsched_remove_all())
		return 0;
	return clock_ns() - start;
}

TEST_F_TIMEOUT(vmsched, host_is_as_before, 300)
{
	struct rawvm *vms[GUESTS];
	struct attrs before, after;
	struct watch_result seen;
	unsigned int compared, i;
	struct watch *watch;
	uint64_t took;
	int ret;

	ASSERT_EQ(0, vmsched_remove_all());
	ASSERT_EQ(0, spawn_guests(vms));
	ASSERT_EQ(0, set_attributes(vms));
	ASSERT_EQ(0, attrs_read(&before, 0));
	watch = watch_start(vms, GUESTS, limit_ms(WINDOW_MS));
	ASSERT_NE(NULL, watch);
	ret = load_and_run(ACTIVE_MS);
	took = unload_ns();
	for (i = 0; i < GUESTS; i++)
		EXPECT_TRUE(rawvm_advances(vms[i], HANG_LIMIT_MS));
	watch_stop(watch, &seen);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, attrs_read(&after, 0));

	metric("unload_limit", limit_ms(UNLOAD_LIMIT_MS), "ms");
	metric("unload", took / 1e6, "ms");
	EXPECT_GT(took, 0);
	EXPECT_LT(took, limit_ms(UNLOAD_LIMIT_MS) * NSEC_PER_MSEC);
	EXPECT_EQ(0, seen.missed);
	EXPECT_EQ(0, attrs_compare(&before, &after, &compared));
	metric("threads_compared", compared, "");
	EXPECT_GE(compared, 2 * GUESTS + 1);
	for (i = 0; i < GUESTS; i++)
		EXPECT_FALSE(rawvm_broken(vms[i]));
	attrs_free(&before);
	attrs_free(&after);
}

/* Ten times insmod, rr, bvt, rmmod under the same guests */
TEST_F_TIMEOUT(vmsched, again_and_again, 600)
{
	struct rawvm *vms[GUESTS];
	struct attrs before, after;
	unsigned int compared, i, j;
	uint64_t took, worst = 0;

	ASSERT_EQ(0, vmsched_remove_all());
	ASSERT_EQ(0, spawn_guests(vms));
	ASSERT_EQ(0, set_attributes(vms));
	ASSERT_EQ(0, attrs_read(&before, 0));
	for (i = 0; i < CYCLES; i++) {
		ASSERT_EQ(0, load_and_run(20));
		took = unload_ns();
		ASSERT_GT(took, 0);
		if (took > worst)
			worst = took;
		ASSERT_EQ(0, attrs_read(&after, 0));
		ASSERT_EQ(0, attrs_compare(&before, &after, &compared));
		attrs_free(&after);
		for (j = 0; j < GUESTS; j++)
			ASSERT_TRUE(rawvm_advances(vms[j], HANG_LIMIT_MS));
	}
	metric("unload_worst", worst / 1e6, "ms");
	EXPECT_LT(worst, limit_ms(UNLOAD_LIMIT_MS) * NSEC_PER_MSEC);
	EXPECT_EQ(-1, slab_vmsched_objects());
	attrs_free(&before);
}

/* A slice that would end long after the module is gone */
TEST_F_TIMEOUT(vmsched, long_slice, 600)
{
	struct rawvm *vms[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vms); i++) {
		vms[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = "spin", .cpus = "0" });
		ASSERT_NE(NULL, vms[i]);
		ASSERT_EQ(0, cli_do("vm set pid:%d slice %u",
				    rawvm_pid(vms[i]), LONG_SLICE_MS * 1000));
	}
	ASSERT_EQ(0, sched_switch("rr", NULL));
	clock_sleep_ms(LONG_SLICE_MS / 10);
	ASSERT_GT(unload_ns(), 0);
	clock_sleep_ms(LONG_SLICE_MS * 2);
	for (i = 0; i < ARRAY_SIZE(vms); i++)
		EXPECT_TRUE(rawvm_advances(vms[i], HANG_LIMIT_MS));
}

/* insmod alone leaves every VM to Linux */
TEST_F_TIMEOUT(vmsched, insmod_changes_nothing, 200)
{
	struct rawvm *vms[GUESTS];
	struct attrs before, after;
	unsigned int compared, i;

	ASSERT_EQ(0, vmsched_remove_all());
	ASSERT_EQ(0, spawn_guests(vms));
	ASSERT_EQ(0, set_attributes(vms));
	ASSERT_EQ(0, attrs_read(&before, 0));
	ASSERT_EQ(0, module_probe("vmsched"));
	for (i = 0; i < GUESTS; i++) {
		EXPECT_TRUE(rawvm_advances(vms[i], HANG_LIMIT_MS));
		/* VMs that ran before are found too */
		EXPECT_TRUE(vm_listed(rawvm_pid(vms[i]), true, limit_ms(1000)));
	}
	ASSERT_EQ(0, attrs_read(&after, 0));
	EXPECT_EQ(0, attrs_compare(&before, &after, &compared));
	EXPECT_GE(compared, 2 * GUESTS + 1);
	attrs_free(&before);
	attrs_free(&after);
}

TEST_HARNESS_MAIN
