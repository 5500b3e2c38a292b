// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler changes all the time: under load, beside everything else that
 * can be asked for at the same time, and to one that counts how it is called.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lib/genl.h"
#include "lib/storm_fixture.h"

#define VMS		8
#define VCPUS		4
/* All of the first half of the VMs, two of each of the others */
#define ALL_VCPUS	(VMS / 2 * (VCPUS + 2))
#define CEASE_MS	2000
#define FULL		10000
#define POLICY_EACH	20
/* On the debug kernel a switch takes longer than the minute of a short run */
#define DEBUG_FULL	1000

static unsigned int full(void)
{
	return kernel_is_debug() ? DEBUG_FULL : FULL;
}

/* They spin, sleep, exit, and sleep long; and with fewer vCPUs, other things, too */
static bool spawn_mixed(struct rawvm *vms[VMS])
{
	static const struct rawvm_spec specs[VMS] = {
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

	for (i = 0; i < VMS; i++) {
		spec = specs[i];
		spec.nr_vcpus = i < VMS / 2 ? VCPUS : 2;
		vms[i] = rawvm_spawn(&spec);
		if (!vms[i])
			return false;
	}
	return true;
}

static bool all_advance(struct rawvm *const vms[VMS])
{
	unsigned int i;

	for (i = 0; i < VMS; i++)
		if (rawvm_broken(vms[i]) ||
		    !rawvm_advances(vms[i], HANG_LIMIT_MS))
			return false;
	return true;
}

/* Switch with a deadline that a busy emulator meets; error of the kernel */
static int switch_by(struct genl *g, const char *to, uint32_t activate)
{
	struct genl_msg m;
	struct genl_ack ack;

	genl_begin(g, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
	genl_put_text(&m, VMSCHED_A_SWITCH_TO, to);
	genl_put_u32(&m, VMSCHED_A_SWITCH_ACTIVATE, activate);
	genl_put_u32(&m, VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS, CEASE_MS);
	return genl_call(g, &m, &ack, NULL, NULL) ?: ack.error;
}

static int switch_to(struct genl *g, const char *to)
{
	return switch_by(g, to, VMSCHED_ACTIVATE_TABLE);
}

static bool same(const char *a, long na, const char *b, long nb)
{
	if (na != nb)
		printf("# %s: %ld, but %s: %ld\n", a, na, b, nb);
	return na == nb;
}

/* All that was begun has been ended, once */
static bool calls_add_up(long switches)
{
	return same("init", counted("init"), "exit", counted("exit")) &
	       same("activate", counted("activate"), "switches", switches) &
	       same("deactivate", counted("deactivate"), "switches", switches) &
	       same("vcpu_init", counted("vcpu_init"),
		    "vcpu_exit", counted("vcpu_exit")) &
	       same("enqueue", counted("enqueue"), "dequeue and pick",
		    counted("dequeue") + counted("pick"));
}

/* A switch to the counting scheduler that must fail half way */
static int failing_switch(struct storm *s, struct genl *g)
{
	int vcpu = storm_below(&s->rng, 2);
	long before = counted("activate");
	int err;

	module_set_param("vmsched_count", vcpu ? "fail_vcpu" : "fail_init",
			 vcpu ? 1 + storm_below(&s->rng, ALL_VCPUS) : 1);
	err = switch_to(g, "count");
	if (err != -ENOSPC || counted("activate") != before) {
		printf("# a switch that had to fail: %d\n", err);
		return -EINVAL;
	}
	return 0;
}

static const char * const scheds[] = { "count", "native", "rr", "bvt" };

enum { COUNT, NATIVE, FIRST_MODULE };

/* The tool unloads the old one, or not; who is gone is loaded again afterwards */
static int switch_with_policy(struct storm *s, unsigned int to, bool may_unload)
{
	static const char * const policies[] = {
		"keep", "unload-after", "unload-before",
	};
	static const char * const ways[] = { "id", "table", "patch" };
	unsigned int i;
	int ret;

	ret = cli_do("sched switch %s activate %s old %s cease-timeout %d%s",
		     scheds[to], ways[storm_below(&s->rng, 3)],
		     policies[may_unload ? storm_below(&s->rng, 3) : 0], CEASE_MS,
		     storm_below(&s->rng, 2) ? " strict-cease" : "");
	for (i = FIRST_MODULE; i < ARRAY_SIZE(scheds); i++)
		ret = ret ?: cli_do("sched load %s", scheds[i]);
	return ret;
}

/*
 * From a random scheduler to another one, in a random way, each POLICY_EACHth time
 * by the tool with a policy for the old one; each tenth way into the counting one
 * fails. Number of times that it came into force, -1 on an error.
 */
static long do_switches(struct storm *s, struct genl *g, unsigned int n,
			struct rawvm *const vms[VMS])
{
	unsigned int i, to, now = NATIVE;
	long counting = 0;
	int ret;

	for (i = 0; i < n; i++) {
		do {
			to = storm_below(&s->rng, ARRAY_SIZE(scheds));
		} while (to == now);
		if (!to && !storm_below(&s->rng, 10) && failing_switch(s, g))
			return -1;
		if (to >= FIRST_MODULE && i % POLICY_EACH == 0)
			ret = switch_with_policy(s, to, now >= FIRST_MODULE);
		else
			ret = switch_by(g, scheds[to], storm_below(&s->rng, 3));
		if (ret) {
			printf("# switch %u to %s failed: %d\n", i, scheds[to], ret);
			return -1;
		}
		now = to;
		counting += !to;
		if (storm_below(&s->rng, 2))
			clock_sleep_ms(storm_below(&s->rng, 20));
		if (i % 50 == 49 && !all_advance(vms))
			return -1;
	}
	return counting;
}

TEST_STORM(switches_are_called_in_order, 90)
{
	struct storm *s = &self->storm;
	unsigned int n = storm_count(400, full());
	struct rawvm *vms[VMS];
	struct genl g;
	long counting;
	unsigned int i;

	ASSERT_TRUE(spawn_mixed(vms));
	ASSERT_EQ(0, module_insert_own("vmsched_count"));
	ASSERT_EQ(0, genl_open(&g));
	counting = do_switches(s, &g, n, vms);
	ASSERT_GT(counting, 0);
	storm_done(s, "switches", n);
	/* VMs that end while it is in force are taken from it one by one */
	ASSERT_EQ(0, switch_to(&g, "native"));
	ASSERT_EQ(0, switch_to(&g, "count"));
	ASSERT_TRUE(all_advance(vms));
	for (i = 0; i < VMS / 2; i++)
		ASSERT_EQ(0, i % 2 ? rawvm_stop(vms[i]) : rawvm_kill(vms[i]));
	for (i = VMS / 2; i < VMS; i++)
		EXPECT_TRUE(rawvm_advances(vms[i], HANG_LIMIT_MS));
	ASSERT_EQ(0, switch_to(&g, "native"));
	for (i = VMS / 2; i < VMS; i++)
		ASSERT_EQ(0, rawvm_kill(vms[i]));
	EXPECT_TRUE(calls_were_right());
	EXPECT_TRUE(calls_add_up(counting + 1));
	metric("enqueued", counted("enqueue"), "");
	metric("charged", counted("charge"), "");
	EXPECT_GT(counted("pick"), counting);
	genl_close(&g);
}

/* What the processes of the next storm share */
struct shared {
	uint64_t asked;		/* switches that the kernel was asked for */
	uint64_t maybe;		/* those through the tool, which may refuse by itself */
	uint64_t listens;	/* who counts the events of switches is a member */
	uint64_t told;		/* events of switches */
	uint64_t lost;		/* times that the listener missed some */
	uint64_t ended;		/* processes that will not switch any more */
};

#define SWITCHERS	3

static void count(uint64_t *n)
{
	__atomic_add_fetch(n, 1, __ATOMIC_RELAXED);
}

static uint64_t value(const uint64_t *n)
{
	return __atomic_load_n(n, __ATOMIC_RELAXED);
}

/* Errors that a command may meet when others do what they do at that time */
static bool may_be(int err)
{
	switch (err) {
	case 0:
	case -ENOENT:		/* VM or scheduler has gone */
	case -EBUSY:		/* its module comes or goes */
	case -ETIMEDOUT:	/* no time for an emulated CPU to cease */
		return true;
	}
	printf("# error %d: %s\n", err, strerror(-err));
	return false;
}

static int work_switch(struct storm_worker *w, struct shared *sh)
{
	static const char * const scheds[] = { "native", "rr", "bvt", "rr" };
	struct genl g;
	int err = genl_open(&g);

	while (!err && !value(&sh->listens) && !storm_stopped(w))
		usleep(1000);
	while (!err && !storm_stopped(w)) {
		err = switch_to(&g, scheds[storm_below(&w->rng, 4)]);
		count(&sh->asked);
		w->done++;
		if (may_be(err))
			err = 0;
	}
	genl_close(&g);
	count(&sh->ended);
	return err;
}

/* Parameters of a VM, or of its first vCPU, the number of which is not known */
static int set_something(struct storm_worker *w, struct genl *g)
{
	bool vcpu = storm_below(&w->rng, 2);
	struct genl_ack ack;
	struct genl_msg m;
	long nest;

	genl_begin(g, &m, vcpu ? VMSCHED_CMD_VCPU_SET : VMSCHED_CMD_VM_SET, 0);
	/* Ids count up: these are of VMs that are there, or were, or will be */
	genl_put_u64(&m, vcpu ? VMSCHED_A_VCPU_VM_ID : VMSCHED_A_VM_ID,
		     1 + storm_below(&w->rng, 8));
	if (vcpu)
		genl_put_u32(&m, VMSCHED_A_VCPU_INDEX, storm_below(&w->rng, 2));
	nest = genl_nest(&m, vcpu ? VMSCHED_A_VCPU_PARAMS : VMSCHED_A_VM_PARAMS);
	genl_put_u32(&m, VMSCHED_A_PARAMS_WEIGHT,
		     1 + storm_below(&w->rng, 10000));
	genl_put_u32(&m, VMSCHED_A_PARAMS_SLICE_US,
		     100 + storm_below(&w->rng, 5000));
	genl_put_u32(&m, VMSCHED_A_PARAMS_WARP_US, storm_below(&w->rng, 90000));
	genl_put_text(&m, VMSCHED_A_PARAMS_AFFINITY,
		      storm_below(&w->rng, 2) ? "0" : "");
	genl_nest_end(&m, nest);
	return genl_call(g, &m, &ack, NULL, NULL) ?: ack.error;
}

static int work_set(struct storm_worker *w, struct shared *sh)
{
	struct genl g;
	int err = genl_open(&g);

	(void)sh;
	while (!err && !storm_stopped(w)) {
		err = set_something(w, &g);
		w->done++;
		if (may_be(err))
			err = 0;
		usleep(storm_below(&w->rng, 2000));
	}
	genl_close(&g);
	return err;
}

static int work_list(struct storm_worker *w, struct shared *sh)
{
	static const uint8_t cmds[] = {
		VMSCHED_CMD_SCHED_GET, VMSCHED_CMD_POOL_GET,
		VMSCHED_CMD_VM_GET, VMSCHED_CMD_VCPU_GET,
	};
	struct genl_ack ack;
	struct genl_msg m;
	struct genl g;
	int err = genl_open(&g);

	(void)sh;
	while (!err && !storm_stopped(w)) {
		genl_begin(&g, &m, cmds[storm_below(&w->rng, 4)], NLM_F_DUMP);
		err = genl_call(&g, &m, &ack, NULL, NULL) ?: ack.error;
		w->done++;
		usleep(storm_below(&w->rng, 2000));
	}
	genl_close(&g);
	return err;
}

static int work_listen(struct storm_worker *w, struct shared *sh)
{
	union {
		struct nlmsghdr hdr;
		uint8_t buf[GENL_PART_SIZE];
	} part;
	struct timeval limit = { .tv_usec = 200000 };
	struct genl g;
	int err = genl_open(&g) ?: genl_join(&g);
	ssize_t n;

	if (!err && setsockopt(g.fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
			       sizeof(limit)))
		err = -errno;
	count(&sh->listens);
	while (!err) {
		bool last = value(&sh->ended) == SWITCHERS;

		n = recv(g.fd, part.buf, sizeof(part), 0);
		if (n < 0 && errno == EAGAIN && last)
			break;
		if (n < 0 && errno == ENOBUFS)
			count(&sh->lost);
		else if (n < 0 && errno != EAGAIN)
			err = -errno;
		else if (n > 0 && genl_cmd(&part.hdr) == VMSCHED_CMD_SWITCH_NTF)
			count(&sh->told);
	}
	genl_close(&g);
	return err;
}

/* VMs that come and go, one way or another */
static int work_vms(struct storm_worker *w, struct shared *sh)
{
	(void)sh;
	while (!storm_stopped(w)) {
		struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
			.name = "short", .kind = storm_below(&w->rng, RAWVM_MIXED),
			.nr_vcpus = 1 + storm_below(&w->rng, 2) });

		if (!vm)
			return -ECHILD;
		usleep(storm_below(&w->rng, 20000));
		if (storm_below(&w->rng, 2) ? rawvm_kill(vm) : rawvm_stop(vm))
			return -ECHILD;
		w->done++;
	}
	return 0;
}

/* The tool, in a process of its own each time; it never dies of a signal */
static int work_tool(struct storm_worker *w, struct shared *sh)
{
	static const char * const words[] = {
		"status", "vm list", "vcpu list", "sched list", "pool list",
		"sched switch rr", "sched previous", "sched show bvt",
	};

	while (!storm_stopped(w)) {
		unsigned int i = storm_below(&w->rng, ARRAY_SIZE(words));
		struct cli c;
		int ret = cli(&c, "%s", words[i]);

		cli_free(&c);
		if (i == 5 || i == 6)
			count(&sh->maybe);
		if (ret < 0 || ret > CLI_NO_OBJECT || ret == CLI_USAGE) {
			printf("# vmschedctl %s: %d\n", words[i], ret);
			return -EINVAL;
		}
		w->done++;
	}
	count(&sh->ended);
	return 0;
}

/* The module of a scheduler goes whenever nobody uses it, and comes again */
static int work_modules(struct storm_worker *w, struct shared *sh)
{
	char path[128];
	int err;

	(void)sh;
	module_path(path, sizeof(path), "vmsched_bvt");
	while (!storm_stopped(w)) {
		err = module_remove("vmsched_bvt");
		if (err && err != -EAGAIN && err != -EBUSY && err != -ENOENT)
			return err;
		usleep(storm_below(&w->rng, 3000));
		err = module_insert(path);
		if (err && err != -EEXIST && err != -EBUSY)
			return err;
		usleep(storm_below(&w->rng, 10000));
		w->done++;
	}
	return 0;
}

static int work(struct storm_worker *w)
{
	static int (* const works[])(struct storm_worker *, struct shared *) = {
		work_listen, work_switch, work_switch, work_set, work_list,
		work_vms, work_tool, work_modules,
	};
	struct shared *sh = w->data;

	return works[w->index](w, sh);
}

TEST_STORM(eight_processes, 90)
{
	struct storm *s = &self->storm;
	struct shared *sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int seconds = storm_count(20, 1800);
	struct rawvm *vms[VMS];
	unsigned int i;

	ASSERT_NE(MAP_FAILED, sh);
	ASSERT_TRUE(spawn_mixed(vms));
	ASSERT_EQ(0, storm_start(s, 8, work, sh));
	for (i = 0; i < seconds; i += 5) {
		clock_sleep_ms(5000);
		ASSERT_TRUE(all_advance(vms));
	}
	storm_done(s, "operations", storm_work(s));
	EXPECT_EQ(0, storm_stop(s));
	metric("switches_asked_for", value(&sh->asked), "");
	metric("switches_by_the_tool", value(&sh->maybe), "");
	metric("switches_told_of", value(&sh->told), "");
	metric("times_events_were_lost", value(&sh->lost), "");
	EXPECT_GT(value(&sh->told), 20);
	/* Of each one it was told, or that there were more */
	EXPECT_LE(value(&sh->told), value(&sh->asked) + value(&sh->maybe));
	EXPECT_TRUE(value(&sh->lost) || value(&sh->told) >= value(&sh->asked));
	ASSERT_TRUE(all_advance(vms));
	for (i = 0; i < VMS; i++)
		ASSERT_EQ(0, rawvm_kill(vms[i]));
	munmap(sh, sizeof(*sh));
}

/*
 * The modules of two schedulers come and go while two processes switch to them:
 * a module is in use, or it is not, and nothing else is ever answered.
 */
static int come_and_go(struct storm_worker *w, const char *module)
{
	char path[128];
	int err;

	module_path(path, sizeof(path), module);
	while (!storm_stopped(w)) {
		err = module_remove(module);
		if (!err)
			err = module_insert(path);
		if (err && err != -EAGAIN && err != -EBUSY) {
			printf("# %s: %s\n", module, strerror(-err));
			return err;
		}
		w->done++;
		usleep(storm_below(&w->rng, 2000));
	}
	return 0;
}

/* In @w->data: how many were done */
static int switch_among(struct storm_worker *w)
{
	struct genl g;
	int err = genl_open(&g);

	while (!err && !storm_stopped(w)) {
		err = switch_by(&g, scheds[NATIVE + storm_below(&w->rng, 3)],
				storm_below(&w->rng, 3));
		if (!err)
			count(w->data);
		/* It comes and goes, or was registered just now */
		if (err == -EAGAIN || may_be(err))
			err = 0;
		w->done++;
	}
	genl_close(&g);
	return err;
}

static int work_against(struct storm_worker *w)
{
	if (w->index < 2)
		return switch_among(w);
	return come_and_go(w, w->index == 2 ? "vmsched_rr" : "vmsched_bvt");
}

TEST_STORM(modules_against_switches, 60)
{
	uint64_t *switched = mmap(NULL, sizeof(*switched), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct storm *s = &self->storm;
	struct rawvm *vm;

	ASSERT_NE(MAP_FAILED, switched);
	vm = rawvm_spawn(&(struct rawvm_spec) { .name = "spin", .nr_vcpus = 2 });
	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, storm_start(s, 4, work_against, switched));
	clock_sleep_ms(storm_count(8, 60) * 1000);
	storm_done(s, "operations", storm_work(s));
	EXPECT_EQ(0, storm_stop(s));
	metric("switches", value(switched), "");
	EXPECT_GT(value(switched), 10);
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
	ASSERT_EQ(0, vmsched_ready());
	ASSERT_EQ(0, rawvm_kill(vm));
	munmap(switched, sizeof(*switched));
}

TEST_HARNESS_MAIN
