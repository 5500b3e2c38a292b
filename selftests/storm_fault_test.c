// SPDX-License-Identifier: GPL-2.0
/*
 * Some allocations fail, at random, wherever vmsched is at work, while VMs come
 * and go, schedulers change and everything is asked for; and functions of
 * vmsched fail as if they had met what hardly ever comes. Less may be done than
 * was asked for, but nothing wrong, and all is well once they succeed again.
 */
#include "lib/fault.h"
#include "lib/genl.h"
#include "lib/snapshot.h"
#include "lib/storm_fixture.h"

#define OWN_PERCENT	10
#define NETLINK_PERCENT	3

/* Failed for want of memory, or not at all */
static bool may_be(int err, const char *what)
{
	switch (err) {
	case 0:
	case -ENOMEM:
	case -ENOBUFS:		/* there was none for the answer */
	case -EMSGSIZE:		/* nor for a part of it */
	case -EAGAIN:		/* nor, within 30 s, for saying so */
		return true;
	}
	printf("# %s: error %d: %s\n", what, err, strerror(-err));
	return false;
}

static int do_switch(struct storm *s, struct genl *g)
{
	return genl_switch(g, storm_scheduler(s));
}

static int do_set(struct storm *s, struct genl *g)
{
	struct genl_ack ack;
	struct genl_msg m;
	long nest;

	genl_begin(g, &m, VMSCHED_CMD_VM_SET, 0);
	genl_put_u64(&m, VMSCHED_A_VM_ID, 1);
	nest = genl_nest(&m, VMSCHED_A_VM_PARAMS);
	genl_put_u32(&m, VMSCHED_A_PARAMS_WEIGHT, 1 + storm_below(&s->rng, 999));
	genl_put_text(&m, VMSCHED_A_PARAMS_AFFINITY,
		      storm_below(&s->rng, 2) ? "0" : "");
	genl_nest_end(&m, nest);
	return genl_call(g, &m, &ack, NULL, NULL) ?: ack.error;
}

static int do_list(struct storm *s, struct genl *g)
{
	static const uint8_t cmds[] = {
		VMSCHED_CMD_SCHED_GET, VMSCHED_CMD_POOL_GET,
		VMSCHED_CMD_VM_GET, VMSCHED_CMD_VCPU_GET,
	};
	struct genl_ack ack;
	struct genl_msg m;

	genl_begin(g, &m, cmds[storm_below(&s->rng, 4)], NLM_F_DUMP);
	return genl_call(g, &m, &ack, NULL, NULL) ?: ack.error;
}

/* A VM is found in the end, whatever fails at first, and forgotten */
static int do_vm(struct storm *s, struct genl *g)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "short", .kind = storm_below(&s->rng, RAWVM_MIXED) });
	bool ok;

	(void)g;
	if (!vm)
		return -ECHILD;
	ok = rawvm_advances(vm, HANG_LIMIT_MS);
	return rawvm_kill(vm) ?: ok ? 0 : -ETIMEDOUT;
}

static int do_module(struct storm *s, struct genl *g)
{
	char path[128];
	int err;

	(void)s;
	err = genl_switch(g, "native");
	if (err)
		return err;
	if (module_loaded("vmsched_bvt"))
		err = module_remove("vmsched_bvt");
	module_path(path, sizeof(path), "vmsched_bvt");
	/* Its own code is not that of vmsched: it may or may not be hit */
	return err ?: module_insert(path);
}

static const struct {
	const char *name;
	int (*fn)(struct storm *s, struct genl *g);
	unsigned int odds;
} ops[] = {
	{ "switch", do_switch, 4 }, { "set", do_set, 4 },
	{ "list", do_list, 4 }, { "vm", do_vm, 1 }, { "module", do_module, 1 },
};

/* That asks for the number of the family, which may fail as well */
static int open_again(struct genl *g)
{
	unsigned int tries = 20;
	int err;

	do {
		err = genl_open(g);
	} while (err && --tries);
	if (err)
		printf("# no socket: error %d\n", err);
	return err;
}

/* One of them; a scheduler that could not be loaded is tried again */
static bool do_one(struct storm *s, struct genl *g, uint64_t *failed)
{
	unsigned int i, at = storm_below(&s->rng, 14);
	int err;

	for (i = 0; at >= ops[i].odds; i++)
		at -= ops[i].odds;
	err = ops[i].fn(s, g);
	*failed += !!err;
	/* bvt is gone because loading it has failed */
	if (err == -ENOENT && !module_loaded("vmsched_bvt"))
		return true;
	if (err == -ENOBUFS || err == -EAGAIN) {
		/* What comes late is not for the next request */
		genl_close(g);
		if (open_again(g))
			return false;
	}
	return may_be(err, ops[i].name);
}

static bool fail_some(struct storm *s, const struct fault_range *range,
		      unsigned int percent, unsigned int n)
{
	struct genl g, events;
	uint64_t failed = 0;
	unsigned int i;
	bool ok = true;

	if (genl_open(&g) || genl_open(&events) || genl_join(&events))
		return false;
	ok = !faults_within(range) && !faults_percent(percent);
	for (i = 0; i < n && ok; i++)
		ok = do_one(s, &g, &failed);
	faults_off();
	genl_close(&g);
	genl_close(&events);
	storm_done(s, "operations", n);
	metric("operations_failed", failed, "");
	return ok && failed;
}

TEST_STORM(own_allocations_fail, 120)
{
	struct storm *s = &self->storm;
	struct fault_range range;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	klog_memory_is_short(true);
	ASSERT_EQ(0, fault_module("vmsched", &range));
	EXPECT_TRUE(fail_some(s, &range, OWN_PERCENT, storm_count(200, 3000)));
	klog_memory_is_short(false);
	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_EQ(0, vmsched_ready());
}

/* With those that netlink makes for the family */
TEST_STORM(netlink_allocations_fail, 120)
{
	struct storm *s = &self->storm;
	struct fault_range range;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	klog_memory_is_short(true);
	ASSERT_EQ(0, fault_function("netlink_rcv_skb", &range));
	EXPECT_TRUE(fail_some(s, &range, NETLINK_PERCENT,
			      storm_count(200, 3000)));
	klog_memory_is_short(false);
	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_EQ(0, vmsched_ready());
}

struct failing {
	const char *function;
	int error;
	/* Fails before that one, which nobody would come to otherwise */
	const char *before;
	int before_error;
};

/*
 * Each makes a switch from native fail, and nothing has changed by it. That which
 * awaits a cease is come to only where the change could not be made at once.
 */
static const struct failing in_a_switch[] = {
	{ "vms_hook_entry", -ENOMEM },
	{ "vms_inst_create", -ENOSPC },
	{ "vms_ent_create", -ENODEV },
	{ "vms_swap_run", -ETIMEDOUT },
	{ "vms_await_cease", -ETIMEDOUT, "vms_swap_run", -EAGAIN },
	/* An error that is nobody else's, and what the last one left to be awaited */
	{ "vms_await_cease", -EXDEV, "vms_swap_run", -EAGAIN },
};

/* Times that functions may fail in one switch, so that it can be told how many did */
#define MOST_FAILS	100

static int let_fail(const struct failing *f)
{
	return (f->before ? fault_return(f->before, f->before_error) : 0) ?:
	       fault_return(f->function, f->error) ?:
	       fault_return_most(MOST_FAILS);
}

/* Each of them was come to, and failed, once */
static bool have_failed(const struct failing *f)
{
	int want = 1 + !!f->before, n = fault_returned(MOST_FAILS);

	if (n != want)
		printf("# %d functions have failed, not %d\n", n, want);
	return n == want;
}

static bool switch_fails(struct genl *g, const struct failing *f)
{
	struct snapshot before, after;
	bool ok;
	int err;

	/* Until guest entries are not looked at any more */
	clock_sleep_ms(1500);
	if (snapshot_take(&before, g) || let_fail(f))
		return false;
	err = genl_switch(g, "rr");
	ok = have_failed(f);
	fault_return_off();
	if (snapshot_take(&after, g))
		return false;
	ok = ok && err == f->error && snapshot_same(&before, &after) &&
	     after.failed_switches == before.failed_switches + 1;
	if (!ok)
		printf("# switch with %s failing: %d\n", f->function, err);
	snapshot_free(&before);
	snapshot_free(&after);
	return ok;
}

TEST_STORM(functions_fail_in_a_switch, 90)
{
	struct storm *s = &self->storm;
	unsigned int i;
	struct genl g;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	ASSERT_EQ(0, genl_open(&g));
	for (i = 0; i < ARRAY_SIZE(in_a_switch); i++) {
		EXPECT_TRUE(switch_fails(&g, &in_a_switch[i]));
		EXPECT_TRUE(storm_witnesses_advance(s));
	}
	/* From a scheduler that goes on to hold its guests */
	ASSERT_EQ(0, genl_switch(&g, "bvt"));
	for (i = 1; i < ARRAY_SIZE(in_a_switch); i++) {
		EXPECT_TRUE(switch_fails(&g, &in_a_switch[i]));
		EXPECT_TRUE(storm_witnesses_advance(s));
	}
	genl_close(&g);
}

/* To each of them and back */
#define SLOW_WAYS	12

/*
 * The change is never made at once: each switch has to cease the pool and wait, and
 * is done. The first one finds interrupts of a cease that was given up.
 */
TEST_STORM(none_is_made_at_once, 120)
{
	static const char * const to[] = { "rr", "bvt", "native" };
	const struct failing given_up = {
		"vms_await_cease", -ETIMEDOUT, "vms_swap_run", -EAGAIN,
	};
	struct storm *s = &self->storm;
	unsigned int i;
	struct genl g;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	ASSERT_EQ(0, genl_open(&g));
	EXPECT_TRUE(switch_fails(&g, &given_up));
	ASSERT_EQ(0, fault_return("vms_swap_run", -EAGAIN));
	ASSERT_EQ(0, fault_return_most(MOST_FAILS));
	for (i = 0; i < SLOW_WAYS; i++) {
		EXPECT_EQ(0, genl_switch(&g, to[i % ARRAY_SIZE(to)]));
		EXPECT_TRUE(storm_witnesses_advance(s));
	}
	EXPECT_EQ(SLOW_WAYS, fault_returned(MOST_FAILS));
	fault_return_off();
	genl_close(&g);
}

/* Threads that cannot be bound wait for it; those of other VMs do not */
TEST_STORM(threads_cannot_be_bound, 60)
{
	struct storm *s = &self->storm;
	struct genl g;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, fault_return("vms_narrow", -EINVAL));
	ASSERT_EQ(0, genl_switch(&g, "rr"));
	clock_sleep_ms(500);
	/* A way back there must be, all the same */
	ASSERT_EQ(0, genl_switch(&g, "native"));
	EXPECT_TRUE(storm_witnesses_advance(s));
	ASSERT_EQ(0, genl_switch(&g, "bvt"));
	clock_sleep_ms(500);
	fault_return_off();
	EXPECT_TRUE(storm_witnesses_advance(s));
	genl_close(&g);
}

TEST_HARNESS_MAIN
