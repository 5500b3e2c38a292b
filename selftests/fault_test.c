// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation fails once: of each command, of each step of a switch, of a
 * vCPU that is found. What fails has changed nothing, what does not fail is
 * complete, guests go on in any case, and the debug kernel finds nothing that
 * is lost (scripts/checks/debug). For insmod and rmmod see fault_load_test.
 *
 * For n = 1, 2, 3 ... the n-th allocation of the thread at work fails, until
 * there is none left to fail.
 */
#include "lib/fault_bed.h"
#include "lib/fixture.h"

/* Longer than guest entries are looked at after the last managed pool */
#define COLD_MS		1500
#define LIMIT		150

/* What is read is complete and right, or there is an error */
TEST_F_TIMEOUT(vmsched, lists, LIMIT)
{
	struct snapshot cli_before, cli_after, got;
	unsigned int nth;
	int fired = 1, ret;
	struct bed b;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	ASSERT_TRUE(bed_make(&b));
	ASSERT_EQ(0, snapshot_cli(&cli_before));
	ASSERT_EQ(0, snapshot_take(&b.before, &b.g));
	for (nth = 1; fired && nth < MAX_NTH; nth++) {
		fault_arm(&b.self, nth);
		ret = snapshot_take(&got, &b.g);
		fired = fault_disarm(&b.self);
		ASSERT_GE(fired, 0);
		b.fired += fired;
		b.refused += !!ret;
		if (ret) {
			EXPECT_TRUE(fired);
			EXPECT_TRUE(ret == -ENOMEM || ret == -ENOBUFS);
		} else {
			EXPECT_TRUE(snapshot_same(&b.before, &got)) {
				TH_LOG("list with fault %u", nth);
			}
			snapshot_free(&got);
		}
	}
	EXPECT_EQ(0, fired);
	EXPECT_GE(b.refused, 2);
	ASSERT_TRUE(bed_state_kept(&b, 0));
	ASSERT_EQ(0, snapshot_cli(&cli_after));
	EXPECT_TRUE(snapshot_same(&cli_before, &cli_after));
	snapshot_free(&cli_before);
	snapshot_free(&cli_after);
	snapshot_free(&b.before);
	bed_end(&b, "list");
}

struct command {
	const char *name;
	uint8_t cmd;
	uint16_t object;	/* attribute that names the object; 0: none */
	const char *text;	/* its name; NULL: the id of a VM */
	uint16_t nest;		/* of parameters; 0: it only reads */
	uint16_t index;		/* attribute of the number of a vCPU; 0: none */
};

static const struct command commands[] = {
	{ "status", VMSCHED_CMD_STATUS_GET },
	{ "sched", VMSCHED_CMD_SCHED_GET, VMSCHED_A_SCHED_NAME, "bvt" },
	{ "pool", VMSCHED_CMD_POOL_GET, VMSCHED_A_POOL_NAME, "default" },
	{ "vm", VMSCHED_CMD_VM_GET, VMSCHED_A_VM_ID },
	{ "vm_set", VMSCHED_CMD_VM_SET, VMSCHED_A_VM_ID, NULL,
	  VMSCHED_A_VM_PARAMS },
	{ "vcpu_set", VMSCHED_CMD_VCPU_SET, VMSCHED_A_VCPU_VM_ID, NULL,
	  VMSCHED_A_VCPU_PARAMS, VMSCHED_A_VCPU_INDEX },
};

/* Two parameters at once: both or none. Another value each time. */
static void command_fill(struct bed *b, struct genl_msg *m,
			 const struct command *c, uint64_t vm, unsigned int nth)
{
	long nest;

	genl_begin(&b->g, m, c->cmd, 0);
	if (c->text)
		genl_put_text(m, c->object, c->text);
	else if (c->object)
		genl_put_u64(m, c->object, vm);
	if (c->index)
		genl_put_u32(m, c->index, 1);
	if (!c->nest)
		return;
	nest = genl_nest(m, c->nest);
	genl_put_u32(m, VMSCHED_A_PARAMS_WEIGHT, 100 + nth);
	genl_put_text(m, VMSCHED_A_PARAMS_AFFINITY, nth % 2 ? "0" : "0-1");
	genl_nest_end(m, nest);
}

/*
 * One command with one fault; 1 if it fired, -1 if the state is not what the
 * answer says. An answer that was lost says nothing: then all or nothing.
 */
static int command_once(struct bed *b, const struct command *c, uint64_t vm,
			unsigned int nth, bool says_why)
{
	struct genl_ack ack;
	struct genl_msg m;
	int fired, lost;
	bool ok = true;

	if (snapshot_take(&b->before, &b->g))
		return -1;
	command_fill(b, &m, c, vm, nth);
	fault_arm(&b->self, nth);
	lost = genl_call(&b->g, &m, &ack, NULL, NULL);
	fired = fault_disarm(&b->self);
	b->fired += fired > 0;
	b->refused += lost || ack.error;
	if (ack.error || lost)
		ok = fired > 0;
	/* What else there is for this request is not for the next one */
	if (lost) {
		genl_close(&b->g);
		ok = ok && !genl_open(&b->g);
	}
	/* Netlink does not give reasons for its own errors */
	if (ack.error && !ack.text[0] && says_why) {
		printf("# %s: error %d without a text\n", c->name, ack.error);
		ok = false;
	}
	if (!lost && !ack.error)
		ok = ok && (c->nest || ack.messages == 1);
	else if (!c->nest || ack.error)
		ok = ok && bed_state_kept(b, 0);
	snapshot_free(&b->before);
	/* What was set, or not, is set for sure: the next change is one */
	if (c->nest && (lost || ack.error))
		ok = ok && !genl_call(&b->g, &m, &ack, NULL, NULL) && !ack.error;
	if (!ok)
		printf("# %s with fault %u: error %d, lost %d, %u messages\n",
		       c->name, nth, ack.error, lost, ack.messages);
	return ok ? fired : -1;
}

static int command_all(struct bed *b, const struct command *c, uint64_t vm,
		       bool says_why)
{
	unsigned int nth;
	int fired;

	for (nth = 1; nth < MAX_NTH; nth++) {
		fired = command_once(b, c, vm, nth, says_why);
		if (fired <= 0)
			return fired;
	}
	printf("# %s: more than %u allocations\n", c->name, nth);
	return -1;
}

TEST_F_TIMEOUT(vmsched, commands, LIMIT)
{
	struct fault_range answers;
	unsigned int i;
	struct bed b;
	uint64_t vm;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	ASSERT_TRUE(bed_make(&b));
	ASSERT_EQ(0, vm_id(b.pid[0], &vm));
	ASSERT_EQ(0, fault_function("netlink_rcv_skb", &answers));
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		ASSERT_EQ(0, faults_within(&b.own));
		EXPECT_EQ(0, command_all(&b, &commands[i], vm, true));
		/* Now those of netlink as well, the answer among them */
		ASSERT_EQ(0, faults_within(&answers));
		EXPECT_EQ(0, command_all(&b, &commands[i], vm, false));
	}
	EXPECT_GT(b.refused, 10);
	ASSERT_TRUE(bed_guests_go_on(&b));
	bed_end(&b, "command");
}

/* One switch with one fault of thread @f; 1: it fired, -1: not as it should */
static int switch_once(struct bed *b, struct fault *f, const char *to,
		       unsigned int nth)
{
	char active[32];
	int err, fired;
	bool ok;

	if (snapshot_take(&b->before, &b->g))
		return -1;
	fault_arm(f, nth);
	err = genl_switch(&b->g, to);
	fired = fault_disarm(f);
	b->fired += fired > 0;
	b->refused += !!err;
	if (err)
		ok = fired > 0 && bed_state_kept(b, f != &b->self);
	else
		ok = !sched_active(active, sizeof(active)) &&
		     !strcmp(active, to);
	snapshot_free(&b->before);
	if (!bed_was_told(b, VMSCHED_CMD_SWITCH_NTF) && f != &b->self) {
		printf("# the listener was not told\n");
		ok = false;
	}
	if (!ok || !bed_guests_go_on(b)) {
		printf("# switch to %s with fault %u: error %d\n", to, nth, err);
		return -1;
	}
	return fired;
}

static int switch_all(struct bed *b, struct fault *f, const char *from,
		      const char *to, unsigned int cold_ms)
{
	unsigned int nth;
	int fired;

	for (nth = 1; nth < MAX_NTH; nth++) {
		if (genl_switch(&b->g, from))
			return -1;
		clock_sleep_ms(cold_ms);
		fired = switch_once(b, f, to, nth);
		if (fired <= 0)
			return fired;
	}
	return -1;
}

TEST_F_TIMEOUT(vmsched, switches, 2 * LIMIT)
{
	static const struct {
		const char *from, *to;
		unsigned int cold_ms;
	} ways[] = {
		/* From rest: KVM's run loop is hooked first */
		{ "native", "rr", COLD_MS },
		{ "native", "bvt" }, { "rr", "bvt" }, { "bvt", "rr" },
		{ "rr", "native" }, { "bvt", "native" },
	};
	struct fault worker;
	struct bed b;
	unsigned int i;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	ASSERT_TRUE(bed_make(&b));
	ASSERT_GT(bed_kernel_thread(&b.attrs, "vmsched_switch"), 0);
	ASSERT_EQ(0, fault_open(&worker,
				bed_kernel_thread(&b.attrs, "vmsched_switch"),
				bed_kernel_thread(&b.attrs, "vmsched_switch")));
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		EXPECT_EQ(0, switch_all(&b, &worker, ways[i].from, ways[i].to,
					ways[i].cold_ms));
		EXPECT_EQ(0, switch_all(&b, &b.self, ways[i].from, ways[i].to,
					0));
	}
	EXPECT_GT(b.refused, 20);
	ASSERT_EQ(0, genl_switch(&b.g, "native"));
	EXPECT_TRUE(bed_attributes_kept(&b));
	fault_close(&worker);
	bed_end(&b, "switch");
}

/* A vCPU for which there was no memory runs, and is found a little later */
static int attach_once(struct bed *b, unsigned int nth)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "found", .kind = RAWVM_TICK, .held = true });
	struct fault f;
	int fired;
	bool ok;
	pid_t pid;

	if (!vm || fault_open(&f, rawvm_pid(vm), rawvm_tid(vm, 0)))
		return -1;
	pid = rawvm_pid(vm);
	fault_arm(&f, nth);
	ok = !rawvm_resume(vm) && rawvm_advances(vm, HANG_LIMIT_MS) &&
	     vm_listed(pid, true, HANG_LIMIT_MS) &&
	     rawvm_advances(vm, HANG_LIMIT_MS);
	fired = fault_disarm(&f);
	fault_close(&f);
	b->fired += fired > 0;
	ok = ok && !rawvm_broken(vm) && !rawvm_kill(vm) &&
	     vm_listed(pid, false, HANG_LIMIT_MS);
	if (!bed_was_told(b, VMSCHED_CMD_VM_DEL_NTF)) {
		printf("# the listener was not told\n");
		ok = false;
	}
	return ok ? fired : -1;
}

TEST_F_TIMEOUT(vmsched, vcpus_are_found, LIMIT)
{
	static const char * const scheds[] = { "native", "rr", "bvt" };
	unsigned int nth, i;
	struct bed b;
	int fired;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	ASSERT_TRUE(bed_make(&b));
	for (i = 0; i < ARRAY_SIZE(scheds); i++) {
		ASSERT_EQ(0, genl_switch(&b.g, scheds[i]));
		fired = 1;
		for (nth = 1; fired > 0 && nth < MAX_NTH; nth++)
			fired = attach_once(&b, nth);
		EXPECT_EQ(0, fired) {
			TH_LOG("%s, fault %u", scheds[i], nth - 1);
		}
		EXPECT_GT(nth, 3);
	}
	ASSERT_EQ(0, genl_switch(&b.g, "native"));
	EXPECT_TRUE(bed_attributes_kept(&b));
	bed_end(&b, "vcpu");
}

TEST_HARNESS_MAIN
