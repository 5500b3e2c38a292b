// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of the service side and what comes back: yield, owner, prio; and who
 * owns the console of a pool, also when guests fail or their VMMs die.
 */
#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/guest_abi.h"

#define LIMIT		200
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
	struct rawvm *vm[3], *last;
	uint64_t id[3], last_id;
	struct genl g;
	int i;

	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, genl_join(&g));
	for (i = 0; i < 3; i++) {
		vm[i] = start_obedient(failures[i].name, &id[i]);
		ASSERT_NE(NULL, vm[i]);
	}
	last = start_obedient("last", &last_id);
	ASSERT_NE(NULL, last);
	rawvm_order(vm[2], 0, GUEST_ORDER_WRMSR, MSR_HV_OS_ID, 1, 0);
	ASSERT_TRUE(rawvm_obeyed(vm[2], 0, HANG_LIMIT_MS));
	ASSERT_EQ(CLI_DONE, ask("owner", id[0], "").code);
	ASSERT_TRUE(was_told(&g, 0, id[0], VMSCHED_OWNER_WHY_REQUEST));
	for (i = 0; i < 3; i++) {
		uint64_t next = i < 2 ? id[i + 1] : last_id;

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
