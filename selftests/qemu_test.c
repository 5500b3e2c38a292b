// SPDX-License-Identifier: GPL-2.0
/*
 * Stock Linux guests under stock QEMU while schedulers change: they go on,
 * see the time they wait as steal time, and can be stopped, saved and killed.
 */
#include <math.h>
#include <sys/stat.h>

#include "lib/clock.h"
#include "lib/fixture.h"
#include "lib/qemu.h"

#define LINE_MS			60000
#define STEAL_SECONDS		20
#define STEAL_LIMIT		0.05
#define OTHERS_LIMIT		0.25
#define USER_HZ			100
/* Seconds for a test: Linux boots under emulated KVM as long as it takes */
#define LIMIT			1500
#define MIGRATE_MS		60000
/* The machine's clock is the host's here, see lib/exact.h: what hangs is told */
#define LISTED_MS		HANG_LIMIT_MS

/* Three guests of different kinds; all are killed whatever a test does */
static struct qemu guests[3];

static void kill_guests(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(guests); i++)
		qemu_kill(&guests[i]);
}

/* A guest that a failed test left would disturb the next */
static int start(unsigned int i, const char *name, const char *job,
		 const char *options)
{
	static bool registered;

	if (!registered)
		registered = !atexit(kill_guests);
	return qemu_start(&guests[i], name, job, options);
}

static bool goes_on(const struct qemu *q, const char *word)
{
	uint64_t numbers[QEMU_MAX_NUMBERS];

	return qemu_next(q, word, numbers, LINE_MS) > 0;
}

TEST_F_TIMEOUT(vmsched, guests_live_through_switches, LIMIT)
{
	static const char * const order[] = { "rr", "bvt", "native" };
	static const char * const words[] = { "progress", "tick", "io" };
	pid_t pid[ARRAY_SIZE(guests)];
	unsigned int i, j;
	char name[32];

	ASSERT_EQ(0, start(0, "busy", "spin", NULL));
	ASSERT_EQ(0, start(1, "idle", "tick", NULL));
	ASSERT_EQ(0, start(2, "disk", "disk", NULL));
	for (i = 0; i < ARRAY_SIZE(guests); i++) {
		pid[i] = guests[i].pid;
		EXPECT_TRUE(vm_listed(pid[i], true, LISTED_MS));
	}
	for (i = 0; i < 2 * ARRAY_SIZE(order); i++) {
		ASSERT_EQ(0, sched_switch(order[i % ARRAY_SIZE(order)], NULL));
		ASSERT_EQ(0, sched_active(name, sizeof(name)));
		ASSERT_STREQ(order[i % ARRAY_SIZE(order)], name);
		for (j = 0; j < ARRAY_SIZE(guests); j++)
			EXPECT_TRUE(goes_on(&guests[j], words[j])) {
				TH_LOG("guest %s under %s", guests[j].name, name);
			}
	}
	kill_guests();
	for (i = 0; i < ARRAY_SIZE(guests); i++)
		EXPECT_TRUE(vm_listed(pid[i], false, LISTED_MS));
}

/* The name is the one that QEMU was given */
TEST_F_TIMEOUT(vmsched, name_of_a_guest, LIMIT)
{
	struct cli c;

	ASSERT_EQ(0, start(0, "named", "idle", NULL));
	ASSERT_TRUE(vm_listed(guests[0].pid, true, LISTED_MS));
	EXPECT_EQ(0, cli(&c, "vm show named"));
	EXPECT_NE(NULL, strstr(c.run.out, "\"named\""));
	cli_free(&c);
	EXPECT_EQ(0, cli_do("vm set named weight 300"));
	kill_guests();
}

/*
 * What the guest counted at a moment of its clock, and what vmsched counted at
 * about the same moment of the host's: a command takes its time, so each is
 * put against the clock it was read with. All in ms.
 */
struct moment {
	double guest, stolen;
	double host, waited;
	/* Executed by all VMs: the rest of the CPU's time went to others */
	double run;
};

static double ms_of(json_object *vm, const char *key)
{
	return json_object_get_uint64(json_object_object_get(vm, key)) / 1e6;
}

static bool take_moment(struct moment *m)
{
	uint64_t numbers[QEMU_MAX_NUMBERS];
	json_object *vm;
	struct cli c;
	size_t i;

	*m = (struct moment) { .waited = -1 };
	if (qemu_next(&guests[0], "steal", numbers, LINE_MS) != 4 ||
	    cli(&c, "vm list"))
		return false;
	m->stolen = numbers[0] * 1000.0 / USER_HZ;
	m->guest = numbers[3];
	m->host = clock_ns() / 1e6;
	for (i = 0; i < json_object_array_length(c.json); i++) {
		vm = json_object_array_get_idx(c.json, i);
		m->run += ms_of(vm, "run_ns");
		if (json_object_get_int(json_object_object_get(vm, "pid")) ==
		    guests[0].pid)
			m->waited = ms_of(vm, "wait_ns");
	}
	cli_free(&c);
	return m->waited >= 0;
}

/*
 * A vCPU that was granted may still wait behind the host's other threads, which
 * is stolen from the guest and no wait at the gate. On one CPU that spins all
 * the time, others had what no vCPU executed: of three vCPUs, it was this one
 * that they kept waiting for a third of that, and a half is allowed for.
 */
TEST_F_TIMEOUT(vmsched, guest_sees_its_wait_as_steal, LIMIT)
{
	uint64_t numbers[QEMU_MAX_NUMBERS];
	struct moment before, after;
	double told, waited, others;
	struct rawvm *vm;
	unsigned int i;

	ASSERT_EQ(0, start(0, "steal", "steal", "--pin 0"));
	for (i = 0; i < 2; i++) {
		vm = rawvm_spawn(&(struct rawvm_spec) {
			.name = "spin", .cpus = "0" });
		ASSERT_NE(NULL, vm);
		ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, LISTED_MS));
	}
	ASSERT_EQ(0, sched_switch("rr", NULL));
	ASSERT_TRUE(take_moment(&before));
	for (i = 0; i < STEAL_SECONDS; i++)
		ASSERT_LT(0, qemu_next(&guests[0], "steal", numbers, LINE_MS));
	ASSERT_TRUE(take_moment(&after));
	told = (after.stolen - before.stolen) / (after.guest - before.guest);
	waited = (after.waited - before.waited) / (after.host - before.host);
	others = 1 - (after.run - before.run) / (after.host - before.host);
	metric("guest_proc_stat_steal", told * 100, "%");
	metric("vmsched_wait", waited * 100, "%");
	metric("others", others * 100, "%");
	metric("difference", (told - waited) / waited * 100, "%");
	EXPECT_GT(waited, 1 / 3.0);
	/* Else this shows nothing */
	EXPECT_LT(others, OTHERS_LIMIT);
	EXPECT_GE(told, waited * (1 - STEAL_LIMIT));
	EXPECT_LE(told, waited * (1 + STEAL_LIMIT) + fmax(others, 0) / 2);
	kill_guests();
}

/* What comes with vmsched for guests, in a Linux guest */
TEST_F_TIMEOUT(vmsched, guest_asks, LIMIT)
{
	enum { ROUNDS, ANSWERS, HANDLED, WEIGHT };
	uint64_t numbers[QEMU_MAX_NUMBERS];
	struct rawvm *other;

	ASSERT_EQ(0, start(0, "asks", "ask", NULL));
	/* Linux decides, so nobody answers */
	ASSERT_EQ(4, qemu_last(&guests[0], "ask", numbers));
	EXPECT_EQ(0, numbers[ANSWERS]);
	other = rawvm_spawn(&(struct rawvm_spec) { .name = "other" });
	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, cli_do("vm set pid:%d weight 200", guests[0].pid));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	ASSERT_EQ(4, qemu_next(&guests[0], "ask", numbers, LINE_MS));
	ASSERT_EQ(4, qemu_next(&guests[0], "ask", numbers, LINE_MS));
	EXPECT_GT(numbers[ANSWERS], 0);
	/* At least that it was asked for its weight, and told */
	EXPECT_GT(numbers[HANDLED], 0);
	EXPECT_EQ(200, numbers[WEIGHT]);
	EXPECT_TRUE(rawvm_advances(other, HANG_LIMIT_MS));
	kill_guests();
}

TEST_F_TIMEOUT(vmsched, monitor_stop_and_cont, LIMIT)
{
	static const char * const order[] = { "rr", "bvt" };
	unsigned int i, j;
	char status[32];

	ASSERT_EQ(0, start(0, "stopped", "spin", NULL));
	ASSERT_EQ(0, start(1, "other", "spin", NULL));
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		ASSERT_EQ(0, sched_switch(order[i], NULL));
		for (j = 0; j < 3; j++) {
			ASSERT_EQ(0, qemu_command(&guests[0], "stop", NULL));
			ASSERT_EQ(0, qemu_query(&guests[0], "query-status",
						"status", status, sizeof(status)));
			EXPECT_STREQ("paused", status);
			EXPECT_TRUE(qemu_silent(&guests[0], 1500));
			EXPECT_TRUE(goes_on(&guests[1], "progress"));
			ASSERT_EQ(0, qemu_command(&guests[0], "cont", NULL));
			ASSERT_TRUE(goes_on(&guests[0], "progress"));
		}
	}
	kill_guests();
}

static bool migration_done(struct qemu *q)
{
	uint64_t end = clock_ns() + MIGRATE_MS * NSEC_PER_MSEC;
	char status[32] = "";

	while (clock_ns() < end) {
		if (qemu_query(q, "query-migrate", "status", status,
			       sizeof(status)))
			return false;
		if (!strcmp(status, "completed"))
			return true;
		if (!strcmp(status, "failed"))
			break;
		clock_sleep_ms(50);
	}
	printf("# guest %s: saving its state: %s\n", q->name, status);
	return false;
}

/* As savevm does: stop, read every vCPU's state out of KVM, go on */
TEST_F_TIMEOUT(vmsched, state_is_saved_and_guest_goes_on, LIMIT)
{
	struct stat st;

	ASSERT_EQ(0, start(0, "saved", "spin", NULL));
	ASSERT_EQ(0, start(1, "other", "spin", NULL));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	ASSERT_EQ(0, qemu_command(&guests[0], "stop", NULL));
	ASSERT_EQ(0, qemu_command(&guests[0], "migrate",
				  "{\"uri\":\"exec:cat >/tmp/vmsched-state\"}"));
	EXPECT_TRUE(goes_on(&guests[1], "progress"));
	ASSERT_TRUE(migration_done(&guests[0]));
	ASSERT_EQ(0, stat("/tmp/vmsched-state", &st));
	metric("state_saved", st.st_size / 1024.0, "KiB");
	EXPECT_GT(st.st_size, 1024);
	ASSERT_EQ(0, qemu_command(&guests[0], "cont", NULL));
	EXPECT_TRUE(goes_on(&guests[0], "progress"));
	kill_guests();
	unlink("/tmp/vmsched-state");
}

TEST_F_TIMEOUT(vmsched, kill_9_of_qemu, LIMIT)
{
	pid_t pid;

	ASSERT_EQ(0, start(0, "killed", "spin", NULL));
	ASSERT_EQ(0, start(1, "other", "spin", NULL));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	pid = guests[0].pid;
	qemu_kill(&guests[0]);
	EXPECT_TRUE(vm_listed(pid, false, LISTED_MS));
	EXPECT_TRUE(goes_on(&guests[1], "progress"));
	kill_guests();
}

TEST_HARNESS_MAIN
