// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler changes all the time, beside everything else that can be asked for
 * at the same time.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lib/mixed.h"
#include "lib/storm_fixture.h"

/* What the processes share */
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
		err = mixed_switch(&g, scheds[storm_below(&w->rng, 4)],
				   VMSCHED_ACTIVATE_TABLE, NULL, NULL);
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
	struct rawvm *vms[MIXED_VMS];
	unsigned int i;

	ASSERT_NE(MAP_FAILED, sh);
	ASSERT_TRUE(mixed_spawn(vms));
	ASSERT_EQ(0, storm_start(s, 8, work, sh));
	for (i = 0; i < seconds; i += 5) {
		clock_sleep_ms(5000);
		ASSERT_TRUE(mixed_advance(vms));
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
	ASSERT_TRUE(mixed_advance(vms));
	for (i = 0; i < MIXED_VMS; i++)
		ASSERT_EQ(0, rawvm_kill(vms[i]));
	munmap(sh, sizeof(*sh));
}

TEST_HARNESS_MAIN
