// SPDX-License-Identifier: GPL-2.0
/*
 * A pool that is kept ceased for a requester goes on with the switch, at the
 * deadline, or when the requester is gone.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "lib/fixture.h"
#include "lib/genl.h"

#define LIMIT		120
#define LONG_MS		8000
#define STILL_MS	100
#define SLOW_MS		(60 * STILL_MS)
#define UNWATCH_MS	1500

static int hold(struct genl *g, unsigned int ms)
{
	struct genl_ack ack;
	int err = genl_switch_in(g, VMSCHED_CMD_SCHED_HOLD, NULL, ms, &ack);

	if (err)
		printf("# refused: %s\n", ack.text);
	return err;
}

/* Only if it is still held */
static int switch_held(struct genl *g, const char *to, struct genl_ack *ack)
{
	struct genl_msg m;

	genl_begin(g, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
	genl_put_text(&m, VMSCHED_A_SWITCH_TO, to);
	genl_put_u32(&m, VMSCHED_A_SWITCH_HELD, 1);
	return genl_call(g, &m, ack, NULL, NULL) ?: ack->error;
}

static bool stands_still(struct rawvm *vm)
{
	uint64_t before = rawvm_progress_all(vm);

	clock_sleep_ms(STILL_MS);
	if (rawvm_progress_all(vm) == before)
		return true;
	printf("# %s goes on\n", rawvm_name(vm));
	return false;
}

/* What each of the next tests does under that scheduler */
struct held {
	struct genl g;
	struct rawvm *vm;
};

static bool hold_one(struct held *h, const char *under, unsigned int ms)
{
	struct genl_ack ack;

	h->vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "held", .kind = RAWVM_SPIN, .nr_vcpus = 2 });
	/* Who is forked later has the socket, too */
	if (genl_open(&h->g))
		return false;
	return h->vm && vm_listed(rawvm_pid(h->vm), true, HANG_LIMIT_MS) &&
	       !genl_switch_patiently(&h->g, under, &ack) && !hold(&h->g, ms) &&
	       stands_still(h->vm);
}

static const char * const schedulers[] = { "native", "rr" };

/* Refused to others, granted to the requester, and then it is over */
TEST_F_TIMEOUT(vmsched, held_until_the_switch, LIMIT)
{
	struct genl_ack ack;
	struct genl other;
	struct held h;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(schedulers); i++) {
		ASSERT_TRUE(hold_one(&h, schedulers[i], LONG_MS));
		ASSERT_EQ(0, genl_open(&other));
		EXPECT_EQ(-EBUSY, genl_switch_patiently(&other, "bvt", &ack));
		EXPECT_NE(NULL, strstr(ack.text, "another requester"));
		EXPECT_EQ(-EBUSY, genl_switch_in(&other, VMSCHED_CMD_SCHED_HOLD, NULL,
						 50, &ack));
		genl_close(&other);
		EXPECT_TRUE(stands_still(h.vm));
		EXPECT_EQ(0, switch_held(&h.g, "bvt", &ack));
		EXPECT_TRUE(rawvm_advances(h.vm, HANG_LIMIT_MS));
		EXPECT_TRUE(sched_is_active("bvt"));
		genl_close(&h.g);
		ASSERT_EQ(0, rawvm_kill(h.vm));
	}
}

/* A switch that is refused ends it as well, and the old scheduler goes on */
TEST_F_TIMEOUT(vmsched, held_until_the_refusal, LIMIT)
{
	struct genl_ack ack;
	struct held h;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(schedulers); i++) {
		ASSERT_TRUE(hold_one(&h, schedulers[i], LONG_MS));
		EXPECT_EQ(-ENOENT, genl_switch_patiently(&h.g, "nosuch", &ack));
		EXPECT_TRUE(rawvm_advances(h.vm, HANG_LIMIT_MS));
		EXPECT_TRUE(sched_is_active(schedulers[i]));
		genl_close(&h.g);
		ASSERT_EQ(0, rawvm_kill(h.vm));
	}
}

TEST_F_TIMEOUT(vmsched, held_until_the_deadline, LIMIT)
{
	struct genl_ack ack;
	struct held h;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(schedulers); i++) {
		ASSERT_TRUE(hold_one(&h, schedulers[i], 10 * STILL_MS));
		EXPECT_TRUE(rawvm_advances(h.vm, HANG_LIMIT_MS));
		EXPECT_EQ(-ETIMEDOUT, switch_held(&h.g, "bvt", &ack));
		EXPECT_NE(NULL, strstr(ack.text, "not held any more"));
		EXPECT_TRUE(sched_is_active(schedulers[i]));
		EXPECT_EQ(0, genl_switch_patiently(&h.g, "bvt", &ack));
		genl_close(&h.g);
		ASSERT_EQ(0, rawvm_kill(h.vm));
	}
}

/* A switch for which a pool is held, in a thread: it is answered late */
struct slow_switch {
	pthread_t thread;
	struct held *held;
	struct genl_ack ack;
	int error;
	bool done;
};

static void *slow_main(void *arg)
{
	struct slow_switch *s = arg;

	s->error = switch_held(&s->held->g, "count", &s->ack);
	__atomic_store_n(&s->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* The scheduler for which it is held takes its time to be set up */
TEST_F_TIMEOUT(vmsched, held_until_the_deadline_of_a_slow_switch, LIMIT)
{
	struct slow_switch s;
	struct held h;
	unsigned int i;

	ASSERT_EQ(0, module_insert_own("vmsched_count"));
	ASSERT_EQ(0, module_set_param("vmsched_count", "init_ms", SLOW_MS));
	for (i = 0; i < ARRAY_SIZE(schedulers); i++) {
		ASSERT_TRUE(hold_one(&h, schedulers[i], 10 * STILL_MS));
		s = (struct slow_switch) { .held = &h };
		ASSERT_EQ(0, pthread_create(&s.thread, NULL, slow_main, &s));
		EXPECT_TRUE(rawvm_advances(h.vm, SLOW_MS / 2));
		EXPECT_FALSE(__atomic_load_n(&s.done, __ATOMIC_ACQUIRE));
		ASSERT_EQ(0, pthread_join(s.thread, NULL));
		EXPECT_EQ(-ETIMEDOUT, s.error);
		EXPECT_NE(NULL, strstr(s.ack.text, "held longer than cease-timeout"));
		EXPECT_TRUE(sched_is_active(schedulers[i]));
		EXPECT_TRUE(rawvm_advances(h.vm, HANG_LIMIT_MS));
		genl_close(&h.g);
		ASSERT_EQ(0, rawvm_kill(h.vm));
	}
	ASSERT_EQ(0, module_set_param("vmsched_count", "init_ms", 0));
	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_EQ(0, module_remove("vmsched_count"));
}

/* Long before the deadline: by close(), and by kill -9 of who has the socket */
TEST_F_TIMEOUT(vmsched, held_until_the_requester_is_gone, LIMIT)
{
	int status, fds[2];
	struct held h;
	unsigned int i;
	char byte;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(schedulers); i++) {
		ASSERT_TRUE(hold_one(&h, schedulers[i], LONG_MS));
		genl_close(&h.g);
		EXPECT_TRUE(rawvm_advances(h.vm, LONG_MS / 4));

		ASSERT_EQ(0, pipe(fds));
		pid = fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			byte = genl_open(&h.g) || hold(&h.g, LONG_MS);
			if (write(fds[1], &byte, 1) == 1)
				pause();
			_exit(1);
		}
		ASSERT_EQ(1, read(fds[0], &byte, 1));
		EXPECT_EQ(0, byte);
		EXPECT_TRUE(stands_still(h.vm));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(rawvm_advances(h.vm, LONG_MS / 4));
		EXPECT_TRUE(sched_is_active(schedulers[i]));
		close(fds[0]);
		close(fds[1]);
		ASSERT_EQ(0, rawvm_kill(h.vm));
	}
}

/* VMs and their threads come and go meanwhile, and none gets in */
TEST_F_TIMEOUT(vmsched, held_while_vms_come_and_go, LIMIT)
{
	struct rawvm *vm, *gone;
	struct genl_ack ack;
	struct held h;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(schedulers); i++) {
		gone = rawvm_spawn(&(struct rawvm_spec) { .name = "gone" });
		ASSERT_NE(NULL, gone);
		ASSERT_TRUE(hold_one(&h, schedulers[i], LONG_MS));
		ASSERT_EQ(0, rawvm_kill(gone));
		EXPECT_TRUE(vm_listed(rawvm_pid(gone), false, HANG_LIMIT_MS));
		/* Longer than entries of a native pool are looked at otherwise */
		clock_sleep_ms(UNWATCH_MS);
		vm = rawvm_launch(&(struct rawvm_spec) {
			.name = "new", .kind = RAWVM_SPIN, .nr_vcpus = 2 });
		ASSERT_NE(NULL, vm);
		ASSERT_EQ(0, rawvm_pause(h.vm));
		ASSERT_EQ(0, rawvm_resume(h.vm));
		clock_sleep_ms(STILL_MS);
		EXPECT_TRUE(stands_still(vm));
		EXPECT_TRUE(stands_still(h.vm));
		EXPECT_EQ(0, genl_switch_patiently(&h.g, "bvt", &ack));
		EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
		EXPECT_TRUE(rawvm_advances(h.vm, HANG_LIMIT_MS));
		genl_close(&h.g);
		ASSERT_EQ(0, rawvm_kill(vm));
		ASSERT_EQ(0, rawvm_kill(h.vm));
	}
}

/* Who sleeps in HLT, who is with its VMM, and who goes there and back */
struct outside {
	struct rawvm *halted, *paused, *exits;
};

static bool start_outside(struct outside *o)
{
	o->halted = rawvm_spawn(&(struct rawvm_spec) {
		.name = "halted", .kind = RAWVM_TICK });
	o->paused = rawvm_spawn(&(struct rawvm_spec) {
		.name = "paused", .kind = RAWVM_SPIN, .nr_vcpus = 2 });
	o->exits = rawvm_spawn(&(struct rawvm_spec) {
		.name = "exits", .kind = RAWVM_IO });
	return o->halted && o->paused && o->exits;
}

/* An exit that KVM has made known has been handled, and no other one was */
static bool no_exit_is_lost(struct rawvm *vm)
{
	uint64_t by_guest, by_vmm;

	if (rawvm_pause(vm))
		return false;
	by_guest = rawvm_progress(vm, 0);
	by_vmm = rawvm_exits(vm, 0);
	if (rawvm_resume(vm))
		return false;
	/* It counts before it exits */
	if (by_guest == by_vmm || by_guest == by_vmm + 1)
		return true;
	printf("# %ju exits of the guest, %ju handled\n", (uintmax_t)by_guest,
	       (uintmax_t)by_vmm);
	return false;
}

/* They want to enter while it is held: not before it is over, and nothing is lost */
TEST_F_TIMEOUT(vmsched, held_with_vcpus_outside, LIMIT)
{
	struct rawvm_delay late, done;
	struct genl_ack ack;
	struct outside o;
	unsigned int i;
	uint64_t mark;
	struct genl g;

	ASSERT_TRUE(start_outside(&o));
	ASSERT_EQ(0, genl_open(&g));
	for (i = 0; i < ARRAY_SIZE(schedulers); i++) {
		ASSERT_EQ(0, genl_switch_patiently(&g, schedulers[i], &ack));
		ASSERT_EQ(0, rawvm_pause(o.paused));
		ASSERT_EQ(0, hold(&g, LONG_MS));
		mark = rawvm_delay_mark(o.halted, 0);
		ASSERT_EQ(0, rawvm_resume(o.paused));
		/* Each wakes, or comes back, more than once meanwhile */
		EXPECT_TRUE(stands_still(o.halted));
		EXPECT_TRUE(stands_still(o.paused));
		EXPECT_TRUE(stands_still(o.exits));
		ASSERT_EQ(0, switch_held(&g, "bvt", &ack));
		EXPECT_TRUE(rawvm_advances(o.halted, HANG_LIMIT_MS));
		EXPECT_TRUE(rawvm_advances(o.paused, HANG_LIMIT_MS));
		EXPECT_TRUE(rawvm_advances(o.exits, HANG_LIMIT_MS));
		EXPECT_TRUE(rawvm_advances(o.halted, HANG_LIMIT_MS));
		/* The timer that expired was told of, if late; or it was just over */
		ASSERT_EQ(0, rawvm_delays(o.halted, 0, mark, &late));
		ASSERT_EQ(0, rawvm_responses(o.halted, 0, mark, &done));
		EXPECT_TRUE(late.max_ns > STILL_MS * NSEC_PER_MSEC ||
			    done.max_ns > STILL_MS * NSEC_PER_MSEC);
		EXPECT_TRUE(no_exit_is_lost(o.exits));
	}
	genl_close(&g);
	EXPECT_FALSE(rawvm_broken(o.halted) || rawvm_broken(o.paused) ||
		     rawvm_broken(o.exits));
}

/* Nobody who holds a pool keeps the module */
TEST_F_TIMEOUT(vmsched, held_until_the_module_is_gone, LIMIT)
{
	struct held h;

	ASSERT_TRUE(hold_one(&h, "native", LONG_MS));
	EXPECT_EQ(0, vmsched_remove_all());
	EXPECT_TRUE(rawvm_advances(h.vm, LONG_MS / 4));
	genl_close(&h.g);
}

TEST_HARNESS_MAIN
