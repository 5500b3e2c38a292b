// SPDX-License-Identifier: GPL-2.0
/*
 * An operator at the consoles of two Linux guests under stock QEMU, through
 * vmschedctl console attach, while the console changes hands and schedulers
 * change. Bytes stream both ways: the test types numbered lines, which each guest
 * sends back with its name (selftests/guest/job_echo.c), and each guest prints
 * numbered lines of its own. Nothing may be lost, doubled or at the wrong VM.
 */
#include <pthread.h>

#include "lib/fixture.h"
#include "lib/operator.h"
#include "lib/qemu.h"
#include "lib/storm.h"

#define GUESTS		2
#define LIMIT		1500
/* As many as the change is to be tried with; VMSCHED_STORM does more */
#define CHANGES		200
#define SWITCHES	50
#define CHANGE_MS	90
/* What an emulated serial port and its guest can take, with time to spare */
#define TYPE_MS		15
#define SETTLE_MS	90000
#define LONGEST_MS	1000

static const char * const names[GUESTS] = { "alpha", "beta" };

static struct qemu guests[GUESTS];
static uint64_t ids[GUESTS];

static void kill_guests(void)
{
	unsigned int i;

	for (i = 0; i < GUESTS; i++)
		qemu_kill(&guests[i]);
}

static int start_guest(unsigned int i)
{
	char options[64];
	int ret;

	snprintf(options, sizeof(options), "--console /tmp/vmsched-%s.console",
		 names[i]);
	ret = qemu_start(&guests[i], names[i], "echo", options);
	if (!ret && !vm_listed(guests[i].pid, true, HANG_LIMIT_MS))
		ret = -ENOENT;
	return ret ?: vm_id(guests[i].pid, &ids[i]);
}

/* --- Switches, meanwhile --- */

struct switcher {
	pthread_t thread;
	unsigned int wanted;
	unsigned int done;
	unsigned int given_up;
	bool over;
	uint64_t longest_ns;
	int error;
};

static void take_answer(const struct nlmsghdr *msg, void *arg)
{
	uint64_t ns = genl_u64(genl_attr(msg, VMSCHED_A_SWITCH_CONSOLE_NS));
	struct switcher *s = arg;

	if (ns > s->longest_ns)
		s->longest_ns = ns;
	/* Nobody asked the operator's program */
	if (!ns)
		s->error = -EPROTO;
}

static int switch_once(struct genl *g, struct switcher *s, unsigned int i)
{
	static const char * const to[] = { "rr", "bvt", "native" };
	struct genl_ack a;
	struct genl_msg m;

	genl_begin(g, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
	genl_put_text(&m, VMSCHED_A_SWITCH_TO, to[i % ARRAY_SIZE(to)]);
	genl_put_u32(&m, VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT,
		     VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP);
	genl_put_u32(&m, VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS, LONGEST_MS);
	return genl_call(g, &m, &a, take_answer, s) ?: a.error;
}

static void *switch_all(void *arg)
{
	struct switcher *s = arg;
	unsigned int i = 0;
	struct genl g;

	s->error = genl_open(&g);
	while (!s->error && s->done < s->wanted && s->given_up < s->wanted) {
		int ret = switch_once(&g, s, i++);

		if (ret == -ETIMEDOUT)
			s->given_up++;
		else if (ret)
			s->error = ret;
		else
			s->done++;
		clock_sleep_ms(CHANGE_MS * CHANGES / SWITCHES / 2);
	}
	genl_close(&g);
	__atomic_store_n(&s->over, true, __ATOMIC_RELEASE);
	return NULL;
}

/* --- The test --- */

/* Wait until both guests have sent back all that they were given */
static void settle(struct operator *o)
{
	uint64_t end = clock_ns() + SETTLE_MS * NSEC_PER_MSEC;
	uint64_t last[GUESTS][QEMU_MAX_NUMBERS];

	do {
		console_read(&o->console, 500);
		if (qemu_last(&guests[0], "echo", last[0]) == 2 &&
		    qemu_last(&guests[1], "echo", last[1]) == 2 &&
		    last[0][0] + last[1][0] >= o->lines)
			break;
	} while (clock_ns() < end);
	/* And what they had printed is on its way */
	clock_sleep_ms(500);
	console_read(&o->console, 0);
}

TEST_F_TIMEOUT(vmsched, nothing_is_lost, LIMIT)
{
	unsigned int changes = storm_count(CHANGES, 20 * CHANGES), i;
	struct switcher s = { .wanted = storm_count(SWITCHES, 20 * SWITCHES) };
	static struct operator o = { .vms = GUESTS };
	uint64_t begin;
	struct genl g;
	bool ok = true;

	atexit(kill_guests);
	for (i = 0; i < GUESTS; i++) {
		ASSERT_EQ(0, start_guest(i));
		o.names[i] = names[i];
		o.ids[i] = ids[i];
	}
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_TRUE(operator_begin(&o, &g, ""));

	begin = clock_ns();
	ASSERT_EQ(0, pthread_create(&s.thread, NULL, switch_all, &s));
	while (ok && (o.asked < changes ||
		      !__atomic_load_n(&s.over, __ATOMIC_ACQUIRE))) {
		ok = operator_work(&o, clock_ns() + CHANGE_MS * NSEC_PER_MSEC,
				   TYPE_MS);
		ASSERT_EQ(0, operator_give(&o, &g));
	}
	EXPECT_TRUE(ok && operator_work(&o, clock_ns() + CHANGE_MS * NSEC_PER_MSEC,
					TYPE_MS));
	pthread_join(s.thread, NULL);
	metric("streamed", (clock_ns() - begin) / 1e9, "s");
	EXPECT_EQ(0, s.error);
	EXPECT_EQ(s.wanted, s.done);
	settle(&o);
	EXPECT_EQ(0, operator_end(&o));
	metric("owner_changes", o.asked, "");
	metric("scheduler_switches", s.done, "");
	metric("switches_given_up", s.given_up, "");
	metric("longest_wait_for_console", s.longest_ns / 1e6, "ms");
	metric("lines_typed", o.lines, "");

	EXPECT_EQ(o.asked + 1, o.shown);
	EXPECT_TRUE(operator_judge(&o));
	for (i = 0; i < GUESTS; i++) {
		metric("bytes_printed", o.printed[i].len, "");
		metric("lines_of_its_own", o.printed[i].own, "");
		EXPECT_GT(o.printed[i].own, 20);
	}
	metric("lines_with_one_possible_owner", o.exact, "");
	EXPECT_GT(o.exact, o.lines / 2);
	/* The late one is this machine, and now and then at most */
	EXPECT_LE(s.given_up, s.wanted / 10);
	kill_guests();
	operator_free(&o);
	genl_close(&g);
}

TEST_HARNESS_MAIN
