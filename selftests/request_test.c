// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of the service side and what comes back: yield, owner, prio; and who
 * owns the console of a pool, also when guests fail or their VMMs die.
 */
#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/guest_abi.h"

#define LIMIT		200
#define SETTLE_MS	200
#define ANSWER_MS	3000
#define TOLD_MS		5000
#define HOLE		GUEST_PAGE_SIZE	/* where the memory of a guest with one vCPU ends */
#define MSR_HV_OS_ID	0x40000000
#define MSR_HV_CRASH	0x40000105
#define HV_CRASH_NOW	(1ULL << 63)

/* The feedback to a request */
struct feedback {
	int code;
	bool handled;
	char reason[32];
	uint64_t vm, vcpus, weight, share, console;
	char pcpus[64];
};

static uint64_t u64_of(json_object *json, const char *key)
{
	json_object *field;

	return json_object_object_get_ex(json, key, &field) ?
	       json_object_get_uint64(field) : 0;
}

static void text_of(json_object *json, const char *key, char *buf, size_t size)
{
	json_object *field;

	if (!json_object_object_get_ex(json, key, &field))
		field = NULL;
	snprintf(buf, size, "%s", json_object_get_string(field) ?: "");
}

/* `vmschedctl request @what VM @more` */
static struct feedback ask(const char *what, uint64_t vm, const char *more)
{
	struct feedback f = { 0 };
	json_object *handled;
	struct cli c;

	f.code = cli(&c, "request %s %ju%s", what, (uintmax_t)vm, more);
	if (c.json) {
		if (json_object_object_get_ex(c.json, "handled", &handled))
			f.handled = json_object_get_boolean(handled);
		text_of(c.json, "reason", f.reason, sizeof(f.reason));
		text_of(c.json, "pcpus", f.pcpus, sizeof(f.pcpus));
		f.vm = u64_of(c.json, "vm");
		f.vcpus = u64_of(c.json, "vcpus");
		f.weight = u64_of(c.json, "weight");
		f.share = u64_of(c.json, "share_permille");
		f.console = u64_of(c.json, "console_owner");
		printf("# request %s: %s", what, c.run.out);
	}
	cli_free(&c);
	return f;
}

static void take_feedback(const struct nlmsghdr *msg, void *arg)
{
	struct feedback *f = arg;

	f->handled = genl_u32(genl_attr(msg, VMSCHED_A_REQUEST_HANDLED));
	f->vcpus = genl_u32(genl_attr(msg, VMSCHED_A_REQUEST_VCPUS));
	snprintf(f->pcpus, sizeof(f->pcpus), "%s",
		 genl_text(genl_attr(msg, VMSCHED_A_REQUEST_PCPUS)));
}

/* The same without a program, where a slice must not end meanwhile */
static struct feedback ask_fast(struct genl *g, enum vmsched_request_kind kind,
				uint64_t vm)
{
	struct feedback f = { 0 };
	struct genl_ack ack;
	struct genl_msg m;

	genl_begin(g, &m, VMSCHED_CMD_REQUEST, 0);
	genl_put_u32(&m, VMSCHED_A_REQUEST_KIND, kind);
	genl_put_u64(&m, VMSCHED_A_REQUEST_VM_ID, vm);
	f.code = genl_call(g, &m, &ack, take_feedback, &f) ?: ack.error;
	return f;
}

/* Id of the VM that owns the console of pool default, 0 for none */
static uint64_t console_owner(void)
{
	uint64_t id = 0;
	struct cli c;

	if (!cli(&c, "pool list"))
		id = u64_of(json_object_array_get_idx(c.json, 0),
			    "console_owner");
	cli_free(&c);
	return id;
}

static struct rawvm *start_obedient(const char *name, uint64_t *id)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = name, .kind = RAWVM_OBEY, .lingers = true,
		.hyperv = true });

	if (!vm || !vm_listed(rawvm_pid(vm), true, limit_ms(1000)) ||
	    vm_id(rawvm_pid(vm), id))
		return NULL;
	return vm;
}

/* --- Grants and priorities --- */

/* One pCPU for all, so that exactly one of them holds it */
static struct rawvm *start_on_0(const char *name, unsigned int vcpus,
				uint64_t *id)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = name, .nr_vcpus = vcpus, .cpus = "0" });

	if (!vm || !vm_listed(rawvm_pid(vm), true, limit_ms(1000)) ||
	    vm_id(rawvm_pid(vm), id))
		return NULL;
	return vm;
}

/* Who holds pCPU 0 by the answer, "VM/vCPU" */
static bool holds_0(const struct feedback *f, uint64_t vm)
{
	unsigned long long id;

	return sscanf(f->pcpus, "0:%llu/", &id) == 1 && id == vm;
}

TEST_F_TIMEOUT(vmsched, yield, LIMIT)
{
	unsigned int done = 0, none = 0;
	struct feedback f;
	struct rawvm *vm;
	uint64_t a, b;
	int i;

	/* The requests are of the other pCPU, so that guests go on meanwhile */
	ASSERT_EQ(0, cpus_online() > 1 ? cpus_pin(0, "1") : 0);
	ASSERT_NE(NULL, start_on_0("a", 1, &a));
	EXPECT_STREQ("native", ask("yield", a, "").reason);
	ASSERT_EQ(0, cli_do("sched switch bvt"));
	/* Nobody else */
	f = ask("yield", a, "");
	EXPECT_EQ(CLI_REFUSED, f.code);
	EXPECT_FALSE(f.handled);
	EXPECT_STREQ("nobody-waits", f.reason);
	EXPECT_TRUE(holds_0(&f, a));

	vm = start_on_0("b", 1, &b);
	ASSERT_NE(NULL, vm);
	/* Slices so long that it stays with whom it was given to */
	ASSERT_EQ(0, cli_do("vm set %ju slice 50000", (uintmax_t)a));
	ASSERT_EQ(0, cli_do("vm set %ju slice 50000", (uintmax_t)b));
	ASSERT_EQ(0, cli_do("sched switch rr"));
	for (i = 0; i < 20; i++) {
		f = ask("yield", a, "");
		if (!strcmp(f.reason, "done")) {
			EXPECT_TRUE(f.handled);
			EXPECT_EQ(1, f.vcpus);
			done++;
		} else {
			EXPECT_STREQ("no-grant", f.reason);
			EXPECT_EQ(CLI_REFUSED, f.code);
			EXPECT_EQ(0, f.vcpus);
			none++;
		}
		/* Now, not later */
		EXPECT_TRUE(holds_0(&f, b));
		f = ask("yield", b, "");
		EXPECT_TRUE(holds_0(&f, a));
	}
	metric("yield_done", done, "");
	metric("yield_without_grant", none, "");
	EXPECT_GT(done, 0);
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
}

/* How often the vCPUs of @vms have been granted a pCPU that they had not */
static uint64_t grants_of(struct rawvm *const vms[], unsigned int n)
{
	uint64_t sum = 0, one;
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!vcpu_u64(rawvm_tid(vms[i], 0), "switches", &one))
			sum += one;
	return sum;
}

/* A number of pool default */
static uint64_t pool_u64(const char *key)
{
	uint64_t value = 0;
	struct cli c;

	if (!cli(&c, "pool list"))
		value = u64_of(json_object_array_get_idx(c.json, 0), key);
	cli_free(&c);
	return value;
}

/*
 * The answer to the end of a slice, to a wake and to a block is who has the pCPU then:
 * between two that always want it, each end of a slice is a grant of the other one.
 */
TEST_F_TIMEOUT(vmsched, timer_and_core_are_answered, LIMIT)
{
	uint64_t id, grants, timer, core;
	struct rawvm *vms[3];

	ASSERT_EQ(0, cpus_online() > 1 ? cpus_pin(0, "1") : 0);
	vms[0] = start_on_0("a", 1, &id);
	vms[1] = start_on_0("b", 1, &id);
	ASSERT_TRUE(vms[0] && vms[1]);
	ASSERT_EQ(0, sched_switch("rr", NULL));
	clock_sleep_ms(SETTLE_MS);
	timer = pool_u64("requests_timer");
	core = pool_u64("requests_core");
	grants = grants_of(vms, 2);
	clock_sleep_ms(ANSWER_MS);
	timer = pool_u64("requests_timer") - timer;
	core = pool_u64("requests_core") - core;
	grants = grants_of(vms, 2) - grants;
	metric("slices_over", timer, "");
	metric("grants_then", grants, "");
	EXPECT_GT(timer, 20);
	EXPECT_GT(grants, timer * 0.85);
	EXPECT_LT(grants, timer * 1.15);
	/* They never sleep, and nobody comes or goes */
	EXPECT_GT(timer / 4, core);

	/* One that sleeps asks at each wake and each block, and is granted each time */
	vms[2] = rawvm_spawn(&(struct rawvm_spec) {
		.name = "ticks", .kind = RAWVM_TICK, .cpus = "0" });
	ASSERT_NE(NULL, vms[2]);
	ASSERT_TRUE(vm_listed(rawvm_pid(vms[2]), true, limit_ms(1000)));
	clock_sleep_ms(SETTLE_MS);
	core = pool_u64("requests_core");
	grants = grants_of(vms + 2, 1);
	clock_sleep_ms(ANSWER_MS);
	core = pool_u64("requests_core") - core;
	grants = grants_of(vms + 2, 1) - grants;
	metric("wakes_and_blocks", core, "");
	metric("grants_of_who_woke", grants, "");
	EXPECT_GT(grants, 20);
	EXPECT_GT(core, 2 * grants * 0.8);
	EXPECT_LT(core, 2 * grants * 1.25);
}

/* Of three that want it the one that was made owner is next, once */
TEST_F_TIMEOUT(vmsched, owner_comes_next, LIMIT)
{
	static const int order[] = { 0, 1, 2, 2, 1, 0 };
	int i, j, next = 0, rounds = 0;
	struct feedback f;
	uint64_t id[3];
	struct genl g;

	ASSERT_EQ(0, cpus_online() > 1 ? cpus_pin(0, "1") : 0);
	ASSERT_EQ(0, genl_open(&g));
	for (i = 0; i < 3; i++) {
		ASSERT_NE(NULL, start_on_0("vm", 1, &id[i]));
		ASSERT_EQ(0, cli_do("vm set %ju slice 1000000",
				    (uintmax_t)id[i]));
	}
	ASSERT_EQ(0, sched_switch("rr", NULL));
	/* In the order of the queue and against it */
	for (i = 0; i < 30; i++) {
		uint64_t who = id[order[i % 6]];

		f = ask_fast(&g, VMSCHED_REQUEST_KIND_OWNER, who);
		EXPECT_TRUE(f.handled);
		if (!f.vcpus)
			continue;
		rounds++;
		for (j = 0, f.handled = false; j < 3 && !f.handled; j++)
			f = ask_fast(&g, VMSCHED_REQUEST_KIND_YIELD, id[j]);
		next += f.handled && holds_0(&f, who);
	}
	metric("owner_rounds", rounds, "");
	metric("owner_next", next, "");
	EXPECT_GT(rounds, 10);
	/* A slice may end in between on a machine that stood still */
	EXPECT_GE(next, clock_is_exact() ? rounds : rounds - 2);
	genl_close(&g);
}

TEST_F_TIMEOUT(vmsched, prio, LIMIT)
{
	struct feedback f;
	uint64_t a, b, w;
	struct rawvm *vm;

	vm = start_on_0("a", 1, &a);
	ASSERT_NE(NULL, vm);
	ASSERT_NE(NULL, start_on_0("b", 3, &b));
	f = ask("prio", a, "");
	EXPECT_EQ(CLI_DONE, f.code);
	EXPECT_STREQ("unchanged", f.reason);
	EXPECT_EQ(100, f.weight);
	EXPECT_EQ(250, f.share);
	f = ask("prio", a, " weight 500");
	EXPECT_STREQ("done", f.reason);
	EXPECT_EQ(500, f.weight);
	EXPECT_EQ(625, f.share);
	ASSERT_EQ(0, vm_u64(rawvm_pid(vm), "weight", &w));
	EXPECT_EQ(500, w);
	/* That of a vCPU of its own stays */
	ASSERT_EQ(0, cli_do("vcpu set %ju/0 weight 100", (uintmax_t)b));
	f = ask("prio", b, " weight 200");
	EXPECT_EQ(500, f.share);
	EXPECT_EQ(CLI_REFUSED, ask("prio", a, " weight 0").code);
	EXPECT_EQ(CLI_REFUSED, ask("prio", a, " weight 10001").code);
	EXPECT_EQ(500, ask("prio", a, "").weight);
}

/* --- Console --- */

struct told {
	bool yes;
	uint64_t old, new;
	uint32_t why;
	char pool[32];
};

static void take_owner(const struct nlmsghdr *msg, void *arg)
{
	struct told *t = arg;

	if (genl_cmd(msg) != VMSCHED_CMD_OWNER_NTF)
		return;
	t->yes = true;
	t->old = genl_u64(genl_attr(msg, VMSCHED_A_OWNER_OLD));
	t->new = genl_u64(genl_attr(msg, VMSCHED_A_OWNER_NEW));
	t->why = genl_u32(genl_attr(msg, VMSCHED_A_OWNER_WHY));
	snprintf(t->pool, sizeof(t->pool), "%s",
		 genl_text(genl_attr(msg, VMSCHED_A_OWNER_POOL)));
}

/* The next change of an owner; others are passed over */
static bool was_told(struct genl *g, uint64_t old, uint64_t new,
		     enum vmsched_owner_why why)
{
	struct genl_ack ack = { 0 };
	struct told t = { 0 };
	int tries = 10;

	while (!t.yes && tries-- && genl_read(g, &ack, take_owner, &t) >= 0)
		;
	if (t.yes && t.old == old && t.new == new && t.why == why &&
	    !strcmp(t.pool, "default"))
		return true;
	printf("# owner: %ju to %ju, why %u, pool '%s'; not %ju to %ju, why %u\n",
	       (uintmax_t)t.old, (uintmax_t)t.new, t.why, t.pool,
	       (uintmax_t)old, (uintmax_t)new, why);
	return false;
}

TEST_F_TIMEOUT(vmsched, console_is_asked_for, LIMIT)
{
	struct feedback f;
	uint64_t a, b;
	struct genl g;

	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, genl_join(&g));
	ASSERT_NE(NULL, start_obedient("a", &a));
	ASSERT_NE(NULL, start_obedient("b", &b));
	/* VMs that come do not take it */
	EXPECT_EQ(0, console_owner());

	f = ask("owner", b, "");
	EXPECT_EQ(CLI_DONE, f.code);
	EXPECT_TRUE(f.handled);
	EXPECT_STREQ("done", f.reason);
	EXPECT_EQ(b, f.console);
	EXPECT_EQ(b, console_owner());
	EXPECT_TRUE(was_told(&g, 0, b, VMSCHED_OWNER_WHY_REQUEST));

	f = ask("owner", b, "");
	EXPECT_EQ(CLI_DONE, f.code);
	EXPECT_STREQ("unchanged", f.reason);
	f = ask("owner", a, "");
	EXPECT_STREQ("done", f.reason);
	EXPECT_EQ(a, f.console);
	EXPECT_TRUE(was_told(&g, b, a, VMSCHED_OWNER_WHY_REQUEST));
	f = ask("owner", b + 1000, "");
	EXPECT_EQ(CLI_NO_OBJECT, f.code);
	EXPECT_EQ(a, console_owner());
	genl_close(&g);
}

/* From the first of three to the next by id each time, then round, then none */
TEST_F_TIMEOUT(vmsched, console_of_who_dies, LIMIT)
{
	struct rawvm *vm[3];
	uint64_t id[3];
	struct genl g;
	int i;

	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, genl_join(&g));
	for (i = 0; i < 3; i++) {
		vm[i] = start_obedient("dies", &id[i]);
		ASSERT_NE(NULL, vm[i]);
	}
	ASSERT_EQ(CLI_DONE, ask("owner", id[1], "").code);
	ASSERT_TRUE(was_told(&g, 0, id[1], VMSCHED_OWNER_WHY_REQUEST));
	ASSERT_EQ(0, rawvm_kill(vm[1]));
	EXPECT_TRUE(was_told(&g, id[1], id[2], VMSCHED_OWNER_WHY_DIED));
	EXPECT_EQ(id[2], console_owner());
	ASSERT_EQ(0, rawvm_stop(vm[2]));
	EXPECT_TRUE(was_told(&g, id[2], id[0], VMSCHED_OWNER_WHY_GONE));
	EXPECT_EQ(id[0], console_owner());
	ASSERT_EQ(0, rawvm_kill(vm[0]));
	EXPECT_TRUE(was_told(&g, id[0], 0, VMSCHED_OWNER_WHY_DIED));
	EXPECT_EQ(0, console_owner());
	genl_close(&g);
}

struct failure {
	const char *name;
	unsigned int order;
	uint64_t rax, rbx;
	enum vmsched_owner_why why;
};

static const struct failure failures[] = {
	{ "shutdown", GUEST_ORDER_SHUTDOWN, 0, 0, VMSCHED_OWNER_WHY_SHUTDOWN },
	{ "error", GUEST_ORDER_JUMP, HOLE, 0, VMSCHED_OWNER_WHY_ERROR },
	{ "crash", GUEST_ORDER_WRMSR, MSR_HV_CRASH, HV_CRASH_NOW,
	  VMSCHED_OWNER_WHY_CRASH },
};

/* Under native as under a scheduler, and those that have failed are passed over */
TEST_F_TIMEOUT(vmsched, console_of_who_fails, LIMIT)
{
	static const char * const scheds[] = { "native", "rr", "bvt" };
	/* The last one needs Hyper-V's interface */
	int i, n = rawvm_has_hyperv() ? 3 : 2;
	struct rawvm *vm[3], *last;
	uint64_t id[3], last_id;
	struct genl g;

	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, genl_join(&g));
	for (i = 0; i < n; i++) {
		vm[i] = start_obedient(failures[i].name, &id[i]);
		ASSERT_NE(NULL, vm[i]);
	}
	last = start_obedient("last", &last_id);
	ASSERT_NE(NULL, last);
	if (n > 2) {
		rawvm_order(vm[2], 0, GUEST_ORDER_WRMSR, MSR_HV_OS_ID, 1, 0);
		ASSERT_TRUE(rawvm_obeyed(vm[2], 0, HANG_LIMIT_MS));
	}
	ASSERT_EQ(CLI_DONE, ask("owner", id[0], "").code);
	ASSERT_TRUE(was_told(&g, 0, id[0], VMSCHED_OWNER_WHY_REQUEST));
	for (i = 0; i < n; i++) {
		uint64_t next = i < n - 1 ? id[i + 1] : last_id;

		ASSERT_EQ(0, sched_switch(scheds[i], NULL));
		rawvm_order(vm[i], 0, failures[i].order, failures[i].rax,
			    failures[i].rbx, 0);
		EXPECT_TRUE(was_told(&g, id[i], next, failures[i].why));
		EXPECT_EQ(next, console_owner());
		EXPECT_TRUE(vm_listed(rawvm_pid(vm[i]), true, limit_ms(1000)));
	}
	EXPECT_TRUE(rawvm_advances(last, HANG_LIMIT_MS));
	/* Round, but not to one that has failed */
	ASSERT_EQ(0, rawvm_kill(last));
	EXPECT_TRUE(was_told(&g, last_id, 0, VMSCHED_OWNER_WHY_DIED));
	/* Unless somebody knows better */
	EXPECT_EQ(CLI_DONE, ask("owner", id[1], "").code);
	EXPECT_TRUE(was_told(&g, 0, id[1], VMSCHED_OWNER_WHY_REQUEST));
	genl_close(&g);
}

TEST_HARNESS_MAIN
