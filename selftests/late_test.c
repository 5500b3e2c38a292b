// SPDX-License-Identifier: GPL-2.0
/*
 * Every vCPU out of guest mode: a pCPU that does not come in time is named, and the
 * old scheduler goes on. One that is at fault is left for the one before all the same.
 */
#include <pthread.h>

#include "lib/attr.h"
#include "lib/cpus.h"
#include "lib/fault_bed.h"
#include "lib/fixture.h"
#include "lib/genl.h"

#define LIMIT		120
#define LATE_MS		20
#define DEFAULT_MS	50
#define TRIES		10
/* Two ticks of the stock kernel: what a deadline of 1 ms was once */
#define TICKS_NS	8000000
#define WATCHED		2

struct told {
	int error;
	uint64_t cease_ns;
	char why[128];
	char late[256];
};

static void take_told(const struct nlmsghdr *msg, void *arg)
{
	struct told *told = arg;

	if (genl_cmd(msg) != VMSCHED_CMD_SWITCH_NTF)
		return;
	told->error = genl_u32(genl_attr(msg, VMSCHED_A_SWITCH_ERROR));
	told->cease_ns = genl_u64(genl_attr(msg, VMSCHED_A_SWITCH_CEASE_NS));
	snprintf(told->why, sizeof(told->why), "%s",
		 genl_text(genl_attr(msg, VMSCHED_A_SWITCH_WHY)));
	snprintf(told->late, sizeof(told->late), "%s",
		 genl_text(genl_attr(msg, VMSCHED_A_SWITCH_LATE)));
}

/* On CPU 0, with the thread that switches, without the help of the other ones */
static bool stay_on_first(void)
{
	struct attrs attrs;
	cpu_set_t first;
	bool ok;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (attrs_read(&attrs, 0))
		return false;
	ok = !sched_setaffinity(bed_kernel_thread(&attrs, "vmsched_switch"),
				sizeof(first), &first) &&
	     !sched_setaffinity(0, sizeof(first), &first);
	attrs_free(&attrs);
	return ok;
}

static bool keep(struct rawvm *vm)
{
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;
	char text[16];

	if (module_set_param("late_entry", "tid", rawvm_tid(vm, 0)))
		return false;
	do {
		if (!module_param("late_entry", "held", text, sizeof(text)) &&
		    atoi(text) == rawvm_tid(vm, 0))
			return true;
		clock_sleep_ms(1);
	} while (clock_ns() < end);
	printf("# the vCPU is not kept: held is %s\n", text);
	return false;
}

static int let_go(void)
{
	return module_set_param("late_entry", "tid", 0);
}

/* One on CPU 1 that will be late, one on CPU 0 */
static bool start_two(struct rawvm *vms[WATCHED])
{
	static const struct rawvm_spec specs[WATCHED] = {
		{ .name = "late", .kind = RAWVM_IO, .cpus = "1" },
		{ .name = "other", .kind = RAWVM_SPIN, .cpus = "0" },
	};
	unsigned int i;

	for (i = 0; i < WATCHED; i++) {
		vms[i] = rawvm_spawn(&specs[i]);
		if (!vms[i] ||
		    !vm_listed(rawvm_pid(vms[i]), true, HANG_LIMIT_MS))
			return false;
	}
	return true;
}

/* Each try fails at the deadline. The shortest time that one took, 0 on error */
static uint64_t fail_in_time(struct genl *g, struct genl *events, unsigned int ms)
{
	struct genl_ack ack, none;
	uint64_t least = 0;
	struct told told;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		memset(&told, 0, sizeof(told));
		if (genl_switch_in(g, VMSCHED_CMD_SCHED_SWITCH, "bvt", ms, &ack) != -ETIMEDOUT)
			return 0;
		while (!told.error)
			if (genl_read(events, &none, take_told, &told) < 0)
				return 0;
		if (told.cease_ns < (ms ?: DEFAULT_MS) * NSEC_PER_MSEC)
			return 0;
		if (!least || told.cease_ns < least)
			least = told.cease_ns;
	}
	return least;
}

TEST_F_TIMEOUT(vmsched, late_vcpu_is_named, LIMIT)
{
	struct rawvm *vms[WATCHED];
	struct genl g, events;
	struct told told = {};
	struct genl_ack ack;
	char name[64];
	uint64_t id, least;

	if (cpus_online() < 2)
		SKIP(return, "needs 2 CPUs");
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, genl_open(&events));
	ASSERT_EQ(0, genl_join(&events));
	ASSERT_EQ(0, module_insert_own("late_entry"));
	ASSERT_TRUE(start_two(vms));
	ASSERT_EQ(0, vm_id(rawvm_pid(vms[0]), &id));
	ASSERT_EQ(0, genl_switch_patiently(&g, "rr", &ack));
	ASSERT_TRUE(stay_on_first());
	snprintf(name, sizeof(name), "%llu/0 (thread %d)",
		 (unsigned long long)id, rawvm_tid(vms[0], 0));

	ASSERT_TRUE(keep(vms[0]));
	EXPECT_EQ(-ETIMEDOUT, genl_switch_in(&g, VMSCHED_CMD_SCHED_SWITCH, "bvt",
					     LATE_MS, &ack));
	printf("# %s\n", ack.text);
	EXPECT_NE(NULL, strstr(ack.text, name));
	EXPECT_NE(NULL, strstr(ack.text, "step cease"));
	/* The first event is of the switch to rr */
	while (!told.error)
		ASSERT_GE(genl_read(&events, &ack, take_told, &told), 0);
	EXPECT_EQ(ETIMEDOUT, told.error);
	EXPECT_STREQ(name, told.late);
	EXPECT_NE(NULL, strstr(told.why, name));
	/* The other one goes on, and the next command is refused likewise */
	EXPECT_TRUE(rawvm_advances(vms[1], HANG_LIMIT_MS));
	least = fail_in_time(&g, &events, 1);
	metric("given_up_after", least / 1e6, "ms");
	EXPECT_GT(least, 0);
	/* There it would measure the checkers */
	if (!kernel_is_debug())
		EXPECT_LT(least, TICKS_NS / 2);
	/* And if nothing is said of how long it may take */
	least = fail_in_time(&g, &events, 0);
	metric("given_up_by_default_after", least / 1e6, "ms");
	EXPECT_GT(least, 0);
	if (!kernel_is_debug())
		EXPECT_LT(least, DEFAULT_MS * NSEC_PER_MSEC + TICKS_NS / 2);
	ASSERT_EQ(0, let_go());
	EXPECT_TRUE(sched_is_active("rr"));
	EXPECT_TRUE(rawvm_advances(vms[0], HANG_LIMIT_MS));
	EXPECT_TRUE(rawvm_advances(vms[1], HANG_LIMIT_MS));
	EXPECT_EQ(0, genl_switch_patiently(&g, "bvt", &ack));
	EXPECT_TRUE(rawvm_advances(vms[0], HANG_LIMIT_MS));
	EXPECT_EQ(0, module_remove("late_entry"));
	genl_close(&events);
	genl_close(&g);
}

/* The module can be removed, in its time, while an interrupt has not arrived */
TEST_F_TIMEOUT(vmsched, unload_after_a_late_one, LIMIT)
{
	struct rawvm *vms[WATCHED];
	struct genl_ack ack;
	struct genl g;

	if (cpus_online() < 2)
		SKIP(return, "needs 2 CPUs");
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, module_insert_own("late_entry"));
	ASSERT_TRUE(start_two(vms));
	ASSERT_EQ(0, genl_switch_patiently(&g, "rr", &ack));
	ASSERT_TRUE(stay_on_first());
	ASSERT_TRUE(keep(vms[0]));
	EXPECT_EQ(-ETIMEDOUT, genl_switch_in(&g, VMSCHED_CMD_SCHED_SWITCH, "bvt", 1, &ack));
	ASSERT_EQ(0, let_go());
	EXPECT_EQ(0, genl_switch_patiently(&g, "native", &ack));
	genl_close(&g);
	EXPECT_EQ(0, vmsched_remove_all());
	EXPECT_TRUE(rawvm_advances(vms[0], HANG_LIMIT_MS));
	EXPECT_EQ(0, module_remove("late_entry"));
}

struct eviction {
	pthread_t thread;
	int error;
};

static void *evict_main(void *arg)
{
	struct eviction *e = arg;
	struct genl_ack ack;
	struct genl_msg m;
	struct genl g;

	e->error = genl_open(&g);
	if (e->error)
		return NULL;
	genl_begin(&g, &m, VMSCHED_CMD_SCHED_EVICT, 0);
	e->error = genl_call(&g, &m, &ack, NULL, NULL) ?: ack.error;
	genl_close(&g);
	return NULL;
}

/* Time from when rr was thrown out to when a pCPU came that was late, or 0 */
static uint64_t evict_late(struct rawvm *late)
{
	uint64_t start, after;
	struct eviction e;

	if (!keep(late))
		return 0;
	start = clock_ns();
	if (pthread_create(&e.thread, NULL, evict_main, &e))
		return 0;
	clock_sleep_ms(2 * DEFAULT_MS);
	after = let_go() ? 0 : clock_ns() - start;
	pthread_join(e.thread, NULL);
	return e.error ? 0 : after;
}

/*
 * It is worth more than one try: 50 ms each with 100 ms between them. Rounds in
 * which the host took the time for all of them are not judged.
 */
TEST_F_TIMEOUT(vmsched, back_to_the_one_before_though_late, LIMIT)
{
	unsigned int i, judged = 0;
	struct rawvm *vms[WATCHED];
	uint64_t after;
	struct genl_ack ack;
	struct genl g;

	if (cpus_online() < 2)
		SKIP(return, "needs 2 CPUs");
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, module_insert_own("late_entry"));
	ASSERT_TRUE(start_two(vms));
	ASSERT_TRUE(stay_on_first());
	for (i = 0; i < 2 * TRIES && judged < TRIES / 2; i++) {
		ASSERT_EQ(0, genl_switch_patiently(&g, "bvt", &ack));
		ASSERT_EQ(0, genl_switch_patiently(&g, "rr", &ack));
		after = evict_late(vms[0]);
		ASSERT_LT(0, after);
		if (after > 5 * DEFAULT_MS * NSEC_PER_MSEC)
			continue;
		judged++;
		EXPECT_TRUE(sched_is_active("bvt"));
		EXPECT_TRUE(rawvm_advances(vms[0], HANG_LIMIT_MS));
	}
	metric("judged_rounds", judged, "");
	EXPECT_LT(0, judged);
	genl_close(&g);
	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_EQ(0, module_remove("late_entry"));
}

TEST_HARNESS_MAIN
