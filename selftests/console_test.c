// SPDX-License-Identifier: GPL-2.0
/*
 * Console agents are told of each cease, and are waited for as long as it was
 * asked, and only while they live. Here the agents are sockets of the test;
 * vmschedctl as an agent, and guests that print, are in console_guest_test.c.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/agent.h"
#include "lib/file.h"
#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/requester.h"

#define LIMIT		200
#define AGENTS_MAX	16
/* Longest time that a switch may wait for consoles */
#define LONGEST_MS	1000
#define SHORT_MS	200
#define HELD_MS		8000
#define FAIL_STEP	"/sys/module/vmsched/parameters/fail_step"
#define GIVE_UP		"on-console-timeout give-up"

/* A process that has attached and does nothing; its pid, or -1 */
static pid_t silent_agent(void)
{
	struct genl g;
	int fd[2];
	char byte;
	pid_t pid;

	if (pipe(fd))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!agent_open(&g) && write(fd[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(fd[1]);
	if (pid > 0 && read(fd[0], &byte, 1) != 1)
		pid = -1;
	close(fd[0]);
	return pid;
}

static void kill_agent(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static uint64_t ms(uint64_t n)
{
	return n * NSEC_PER_MSEC;
}

TEST_F_TIMEOUT(vmsched, nobody_is_waited_for_without_agents, LIMIT)
{
	struct requester r;

	ASSERT_EQ(0, requester_start(&r, "rr", VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP,
				     LONGEST_MS));
	EXPECT_EQ(0, requester_end(&r));
	EXPECT_EQ(0, r.console_ns);
	EXPECT_EQ(0, r.late);
	EXPECT_TRUE(sched_is_active("rr"));
}

TEST_F_TIMEOUT(vmsched, all_agents_are_waited_for, LIMIT)
{
	uint32_t seq, error;
	struct genl g[2], group;
	struct requester r;
	struct genl_told told;
	struct rawvm *vm;
	uint64_t now;

	vm = rawvm_spawn(&(struct rawvm_spec) { .name = "guest" });
	ASSERT_NE(NULL, vm);
	/* It runs before it is announced, which may come after those below listen. */
	ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, HANG_LIMIT_MS));
	ASSERT_EQ(0, agent_open(&g[0]));
	ASSERT_EQ(0, agent_open(&g[1]));
	ASSERT_EQ(0, genl_open(&group));
	ASSERT_EQ(0, genl_join(&group));
	now = clock_ns();
	ASSERT_EQ(0, requester_start(&r, "rr", VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP,
				     LONGEST_MS));
	seq = agent_next(&g[0], VMSCHED_CMD_CONSOLE_CEASE_NTF, &told);
	ASSERT_NE(0, seq);
	EXPECT_GE(genl_u64(genl_attr(&told.msg, VMSCHED_A_CONSOLE_DEADLINE_NS)),
		  now + ms(LONGEST_MS));
	EXPECT_LE(genl_u64(genl_attr(&told.msg, VMSCHED_A_CONSOLE_DEADLINE_NS)),
		  clock_ns() + ms(LONGEST_MS));
	EXPECT_EQ(seq, agent_next_cease(&g[1]));
	EXPECT_EQ(0, agent_ack(&g[0], seq));
	/* Its acknowledgment stands for itself, also if it is given twice */
	EXPECT_EQ(-ESTALE, agent_ack(&g[0], seq));
	clock_sleep_ms(20);
	EXPECT_FALSE(requester_done(&r));
	EXPECT_TRUE(agent_is_told_nothing(&g[0]));
	EXPECT_EQ(0, agent_ack(&g[1], seq));
	EXPECT_EQ(0, requester_end(&r)) {
		TH_LOG("%s", r.text);
	}
	EXPECT_EQ(0, r.late);
	EXPECT_GE(r.console_ns, ms(20));
	EXPECT_EQ(seq, agent_next_resume(&g[0], &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(seq, agent_next_resume(&g[1], &error));
	EXPECT_EQ(0, error);
	EXPECT_TRUE(sched_is_active("rr"));
	metric("console", r.console_ns / 1e6, "ms");

	/* Who only listens to events hears of the switch alone */
	ASSERT_TRUE(genl_next(&group, VMSCHED_CMD_SWITCH_NTF, &told));
	EXPECT_EQ(r.console_ns,
		  genl_u64(genl_attr(&told.msg, VMSCHED_A_SWITCH_CONSOLE_NS)));
	EXPECT_TRUE(agent_is_told_nothing(&group));

	/* Another way to the same scheduler makes nobody cease */
	ASSERT_EQ(0, cli_do("sched switch rr activate id"));
	EXPECT_TRUE(agent_is_told_nothing(&g[0]));
	genl_close(&group);
	genl_close(&g[0]);
	genl_close(&g[1]);
}

TEST_F_TIMEOUT(vmsched, late_agent_and_go_on, LIMIT)
{
	uint32_t seq, error;
	struct requester r;
	struct genl g;

	ASSERT_EQ(0, agent_open(&g));
	ASSERT_EQ(0, requester_start(&r, "rr", VMSCHED_ON_CONSOLE_TIMEOUT_GO_ON,
				     SHORT_MS));
	seq = agent_next_cease(&g);
	EXPECT_NE(0, seq);
	EXPECT_EQ(seq, agent_next_resume(&g, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, requester_end(&r));
	EXPECT_EQ(1, r.late);
	EXPECT_GE(r.console_ns, ms(SHORT_MS));
	EXPECT_LE(r.console_ns, ms(limit_ms(SHORT_MS + 50)));
	EXPECT_TRUE(sched_is_active("rr"));
	EXPECT_EQ(-ESTALE, agent_ack(&g, seq));

	/* The next announcement has another number; this one is in time again */
	ASSERT_EQ(0, requester_start(&r, "bvt", VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP,
				     LONGEST_MS));
	EXPECT_EQ(seq + 1, agent_next_cease(&g));
	EXPECT_EQ(-ESTALE, agent_ack(&g, seq));
	EXPECT_EQ(0, agent_ack(&g, seq + 1));
	EXPECT_EQ(0, requester_end(&r));
	EXPECT_EQ(0, r.late);
	genl_close(&g);
}

/* What is not given is "go on after 100 ms" */
TEST_F_TIMEOUT(vmsched, late_agent_by_default, LIMIT)
{
	pid_t pid = silent_agent();
	struct cli c;

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, cli(&c, "sched switch rr"));
	EXPECT_GE(json_object_get_uint64(json_object_object_get(c.json, "console_ns")),
		  ms(100));
	EXPECT_LE(json_object_get_uint64(json_object_object_get(c.json, "console_ns")),
		  ms(limit_ms(150)));
	EXPECT_EQ(1, json_object_get_int(json_object_object_get(c.json, "console_late")));
	cli_free(&c);
	kill_agent(pid);
	EXPECT_EQ(0, cli(&c, "sched switch bvt"));
	EXPECT_EQ(0, json_object_get_int(json_object_object_get(c.json, "console_late")));
	cli_free(&c);
}

/* Switches of pool default that were given up */
static uint64_t failed_switches(void)
{
	json_object *n = NULL;
	struct cli c;
	uint64_t got;

	if (!cli(&c, "pool list"))
		json_object_object_get_ex(json_object_array_get_idx(c.json, 0),
					  "failed_switches", &n);
	got = json_object_get_uint64(n);
	cli_free(&c);
	return got;
}

TEST_F_TIMEOUT(vmsched, late_agent_and_give_up, LIMIT)
{
	uint64_t switches;
	char line[64];
	uint32_t error;
	struct genl g;
	struct cli c;
	pid_t pid;

	ASSERT_EQ(0, sched_switch("rr", NULL));
	/* First the child, which would have a copy of the socket */
	pid = silent_agent();
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, agent_open(&g));
	switches = failed_switches();

	EXPECT_EQ(CLI_REFUSED, cli(&c, "sched switch bvt " GIVE_UP " console-timeout 100"));
	EXPECT_TRUE(cli_one_line_error(&c));
	/* One of both, and the limit */
	EXPECT_NE(NULL, strstr(c.run.err, "in 100 ms (step console)"));
	cli_free(&c);
	EXPECT_TRUE(sched_is_active("rr"));
	EXPECT_NE(0, agent_next_cease(&g));
	EXPECT_NE(0, agent_next_resume(&g, &error));
	EXPECT_EQ(ETIMEDOUT, error);
	genl_close(&g);

	/* Alone it is named */
	EXPECT_EQ(CLI_REFUSED, cli(&c, "sched switch bvt on give console 50"));
	snprintf(line, sizeof(line), "agent pid %d ", pid);
	EXPECT_NE(NULL, strstr(c.run.err, line)) {
		TH_LOG("%s", c.run.err);
	}
	cli_free(&c);
	EXPECT_EQ(switches + 2, failed_switches());
	kill_agent(pid);
	EXPECT_EQ(0, cli_do("sched switch bvt " GIVE_UP));
}

/* Whatever fails after they were told to stop, they are told to go on */
TEST_F_TIMEOUT(vmsched, agents_go_on_when_a_step_fails, LIMIT)
{
	static const char * const at[] = { "console", "instance", "cease" };
	uint32_t seq, error;
	struct requester r;
	struct genl_ack a;
	struct genl_msg m;
	char says[32];
	struct genl g, other;
	unsigned int i;

	ASSERT_EQ(0, sched_switch("rr", NULL));
	ASSERT_EQ(0, agent_open(&g));
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		ASSERT_EQ(0, file_write(FAIL_STEP, at[i]));
		ASSERT_EQ(0, requester_start(&r, "bvt", VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP,
					     LONGEST_MS));
		seq = agent_next_cease(&g);
		EXPECT_NE(0, seq);
		EXPECT_EQ(0, agent_ack(&g, seq));
		EXPECT_EQ(-EIO, requester_end(&r));
		snprintf(says, sizeof(says), "(step %s)", at[i]);
		EXPECT_NE(NULL, strstr(r.text, says)) {
			TH_LOG("%s", r.text);
		}
		EXPECT_EQ(seq, agent_next_resume(&g, &error));
		EXPECT_EQ(EIO, error);
		EXPECT_TRUE(sched_is_active("rr"));
	}
	/* To hold the pool asks them as well. This agent is late. */
	ASSERT_EQ(0, file_write(FAIL_STEP, "hold"));
	ASSERT_EQ(0, genl_open(&other));
	genl_begin(&other, &m, VMSCHED_CMD_SCHED_HOLD, 0);
	genl_put_u32(&m, VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS, SHORT_MS);
	EXPECT_EQ(0, genl_call(&other, &m, &a, NULL, NULL));
	EXPECT_EQ(-EIO, a.error);
	EXPECT_NE(NULL, strstr(a.text, "(step hold)"));
	seq = agent_next_cease(&g);
	EXPECT_NE(0, seq);
	EXPECT_EQ(seq, agent_next_resume(&g, &error));
	EXPECT_EQ(EIO, error);
	genl_close(&other);
	genl_close(&g);
}

TEST_F_TIMEOUT(vmsched, nobody_waits_for_the_dead, LIMIT)
{
	uint32_t seq, error;
	struct requester r;
	struct genl g;
	pid_t pid;

	ASSERT_EQ(0, agent_open(&g));
	pid = silent_agent();
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, requester_start(&r, "rr", VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP,
				     LONGEST_MS));
	seq = agent_next_cease(&g);
	/* First who owes something, and then who does not */
	EXPECT_EQ(0, agent_ack(&g, seq));
	EXPECT_FALSE(requester_done(&r));
	kill_agent(pid);
	EXPECT_EQ(0, requester_end(&r)) {
		TH_LOG("%s", r.text);
	}
	EXPECT_EQ(0, r.late);
	EXPECT_LT(r.console_ns, ms(LONGEST_MS));
	EXPECT_EQ(seq, agent_next_resume(&g, &error));

	/* In the other order: a socket that is closed, then an acknowledgment */
	pid = silent_agent();
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, requester_start(&r, "bvt", VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP,
				     LONGEST_MS));
	seq = agent_next_cease(&g);
	kill_agent(pid);
	EXPECT_FALSE(requester_done(&r));
	EXPECT_EQ(0, agent_ack(&g, seq));
	EXPECT_EQ(0, requester_end(&r));
	EXPECT_EQ(0, r.late);

	/* All of them */
	ASSERT_EQ(0, requester_start(&r, "rr", VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP,
				     LONGEST_MS));
	EXPECT_EQ(seq, agent_next_resume(&g, &error));
	EXPECT_NE(0, agent_next_cease(&g));
	genl_close(&g);
	EXPECT_EQ(0, requester_end(&r));
	EXPECT_LT(r.console_ns, ms(LONGEST_MS));
	EXPECT_TRUE(sched_is_active("rr"));
}

/* It cannot be told any more, and is not waited for in vain; but it is late */
TEST_F_TIMEOUT(vmsched, agent_that_does_not_read, LIMIT)
{
	static const char * const to[] = { "rr", "bvt" };
	struct requester r = { 0 };
	int small = 1, i;
	struct genl g;

	ASSERT_EQ(0, agent_open(&g));
	ASSERT_EQ(0, setsockopt(g.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, requester_start(&r, to[i % 2],
					     VMSCHED_ON_CONSOLE_TIMEOUT_GO_ON, 400));
		EXPECT_EQ(0, requester_end(&r));
		EXPECT_EQ(1, r.late);
		if (r.console_ns < ms(400))
			break;
	}
	EXPECT_LT(i, 20);
	ASSERT_EQ(0, requester_start(&r, to[(i + 1) % 2],
				     VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP, 400));
	EXPECT_EQ(-ETIMEDOUT, requester_end(&r));
	/* It can see that it has missed something */
	for (i = 0; i < 20; i++)
		if (recv(g.fd, &small, 1, MSG_TRUNC | MSG_DONTWAIT) < 0)
			break;
	EXPECT_EQ(ENOBUFS, errno);
	genl_close(&g);
}

TEST_F_TIMEOUT(vmsched, refusals, LIMIT)
{
	struct genl g[AGENTS_MAX], more;
	struct genl_ack a;
	struct genl_msg m;
	unsigned int i;

	ASSERT_EQ(0, genl_open(&more));
	EXPECT_EQ(-ENOENT, agent_attach(&more, "nosuch", &a));
	EXPECT_STREQ("no such pool", a.text);
	EXPECT_LT(0, a.offset);
	EXPECT_EQ(-ENOENT, agent_acknowledge(&more, 1, &a));
	EXPECT_NE(NULL, strstr(a.text, "attach"));
	genl_begin(&more, &m, VMSCHED_CMD_CONSOLE_ACK, 0);
	ASSERT_EQ(0, genl_call(&more, &m, &a, NULL, NULL));
	EXPECT_EQ(-EINVAL, a.error);
	EXPECT_EQ(VMSCHED_A_CONSOLE_SEQ, a.miss_type);

	for (i = 0; i < AGENTS_MAX; i++)
		ASSERT_EQ(0, agent_open(&g[i]));
	EXPECT_EQ(-EEXIST, agent_attach(&g[0], "default", &a));
	EXPECT_NE(NULL, strstr(a.text, "already"));
	EXPECT_EQ(-ESTALE, agent_acknowledge(&g[0], 0, &a));
	EXPECT_LT(0, a.offset);
	EXPECT_EQ(-ENOSPC, agent_attach(&more, NULL, &a));
	EXPECT_NE(NULL, strstr(a.text, "16 console agents"));
	genl_close(&g[3]);
	EXPECT_EQ(0, agent_attach(&more, NULL, &a));
	genl_close(&more);
	for (i = 0; i < AGENTS_MAX; i++)
		genl_close(&g[i]);

	EXPECT_EQ(CLI_REFUSED, cli_do("sched switch rr console-timeout 0"));
	EXPECT_EQ(CLI_REFUSED, cli_do("sched switch rr console-timeout 1001"));
	EXPECT_EQ(CLI_USAGE, cli_do("sched switch rr on-console-timeout maybe"));
	EXPECT_TRUE(sched_is_active("native"));
}

/* Who asked for the switch does not matter to it once it has begun */
TEST_F_TIMEOUT(vmsched, requester_dies, LIMIT)
{
	uint32_t seq, error;
	struct genl g;
	pid_t pid;

	ASSERT_EQ(0, agent_open(&g));
	pid = fork();
	if (!pid) {
		execlp("vmschedctl", "vmschedctl", "sched", "switch", "rr",
		       "console-timeout", "1000", NULL);
		_exit(127);
	}
	seq = agent_next_cease(&g);
	EXPECT_NE(0, seq);
	kill(pid, SIGKILL);
	EXPECT_EQ(0, agent_ack(&g, seq));
	EXPECT_EQ(seq, agent_next_resume(&g, &error));
	EXPECT_EQ(0, error);
	waitpid(pid, NULL, 0);
	EXPECT_TRUE(sched_is_active("rr"));
	genl_close(&g);
	EXPECT_EQ(0, sched_switch("bvt", NULL));
}

TEST_F_TIMEOUT(vmsched, unload_with_agents, LIMIT)
{
	pid_t pid = silent_agent();
	struct genl g;

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, agent_open(&g));
	ASSERT_NE(NULL, rawvm_spawn(&(struct rawvm_spec) { .name = "guest" }));
	/* Both are late for this one; the unload waits for nobody */
	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_EQ(0, vmsched_remove_all());
	kill_agent(pid);
	genl_close(&g);
	ASSERT_EQ(0, vmsched_ready());
	ASSERT_EQ(0, agent_open(&g));
	genl_close(&g);
}

/* A thread that asks for a hold, since that waits for the agents */
struct holder {
	pthread_t thread;
	struct genl g;
	bool done;
	int error;
};

static void *hold_main(void *arg)
{
	struct holder *h = arg;
	struct genl_ack a;
	struct genl_msg m;

	genl_begin(&h->g, &m, VMSCHED_CMD_SCHED_HOLD, 0);
	genl_put_u32(&m, VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS, HELD_MS);
	genl_put_u32(&m, VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT,
		     VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP);
	genl_put_u32(&m, VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS, LONGEST_MS);
	h->error = genl_call(&h->g, &m, &a, NULL, NULL) ?: a.error;
	__atomic_store_n(&h->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static int hold_start(struct holder *h)
{
	*h = (struct holder) { .error = 0 };
	return genl_open(&h->g) ?:
	       -pthread_create(&h->thread, NULL, hold_main, h);
}

static int hold_end(struct holder *h)
{
	pthread_join(h->thread, NULL);
	return h->error;
}

/* The switch that it was for; genl_switch() says nothing of "held" */
static int switch_held(struct genl *g, const char *to)
{
	struct genl_ack a;
	struct genl_msg m;

	genl_begin(g, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
	genl_put_text(&m, VMSCHED_A_SWITCH_TO, to);
	genl_put_u32(&m, VMSCHED_A_SWITCH_HELD, 1);
	return genl_call(g, &m, &a, NULL, NULL) ?: a.error;
}

static bool stands_still(struct rawvm *vm)
{
	uint64_t before = rawvm_progress_all(vm);

	clock_sleep_ms(SHORT_MS);
	return rawvm_progress_all(vm) == before;
}

/* An agent is told before the hold begins, and once more when it is over */
TEST_F_TIMEOUT(vmsched, agent_of_a_pool_that_is_held, LIMIT)
{
	uint32_t seq, error;
	struct rawvm *vm;
	struct holder h;
	struct genl g;

	vm = rawvm_spawn(&(struct rawvm_spec) { .name = "guest" });
	ASSERT_NE(NULL, vm);
	ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, HANG_LIMIT_MS));
	ASSERT_EQ(0, agent_open(&g));
	ASSERT_EQ(0, hold_start(&h));
	seq = agent_next_cease(&g);
	ASSERT_NE(0, seq);
	EXPECT_EQ(0, agent_ack(&g, seq));
	ASSERT_EQ(0, hold_end(&h));
	EXPECT_TRUE(stands_still(vm));
	EXPECT_TRUE(agent_is_told_nothing(&g));
	EXPECT_EQ(0, switch_held(&h.g, "rr"));
	EXPECT_EQ(seq, agent_next_resume(&g, &error));
	EXPECT_EQ(0, error);
	EXPECT_TRUE(agent_is_told_nothing(&g));
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
	genl_close(&h.g);

	/* If the requester goes, nothing stays as it was held */
	ASSERT_EQ(0, hold_start(&h));
	seq = agent_next_cease(&g);
	ASSERT_NE(0, seq);
	/* The guest goes on until the agent has stopped */
	EXPECT_TRUE(rawvm_advances(vm, LONGEST_MS / 2));
	EXPECT_FALSE(__atomic_load_n(&h.done, __ATOMIC_ACQUIRE));
	EXPECT_EQ(0, agent_ack(&g, seq));
	ASSERT_EQ(0, hold_end(&h));
	EXPECT_TRUE(stands_still(vm));
	genl_close(&h.g);
	EXPECT_EQ(seq, agent_next_resume(&g, &error));
	EXPECT_EQ(ETIMEDOUT, error);
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
	EXPECT_TRUE(sched_is_active("rr"));
	genl_close(&g);
}

TEST_HARNESS_MAIN
