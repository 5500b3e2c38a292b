// SPDX-License-Identifier: GPL-2.0
/*
 * Schedulers that get one thing wrong each: each is thrown out for that thing, the
 * guests go on, and the host is as it was. See selftests/modules/bad_run.h.
 */
#include "lib/cli.h"
#include "lib/cpus.h"
#include "lib/file.h"
#include "lib/genl.h"
#include "lib/modules.h"
#include "lib/plugin.h"
#include "lib/test.h"

#define LIMIT		240
#define SYSRQ		"/proc/sysrq-trigger"
#define BYPASS_MS	8.0
#define OWNERS		200

FIXTURE(sick) {
	struct plugin_host host;
};

FIXTURE_VARIANT(sick) {
	const char *name;
	const char *kind;
	bool needs_pcpus;	/* a vCPU that may not run everywhere */
	bool at_once;		/* it is at fault as soon as it is in force */
	bool one_goes;		/* once a VM is gone */
	const char *says;	/* part of what is told, NULL: anything */
};

FIXTURE_SETUP(sick)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, plugin_host_begin(&self->host));
}

FIXTURE_TEARDOWN(sick)
{
	EXPECT_EQ(0, plugin_host_end(&self->host));
}

FIXTURE_VARIANT_ADD(sick, stranger) {
	.name = "bad_stranger", .kind = "bad-return",
};

FIXTURE_VARIANT_ADD(sick, wild) {
	.name = "bad_wild", .kind = "bad-return",
};

FIXTURE_VARIANT_ADD(sick, twice) {
	.name = "bad_twice", .kind = "bad-return",
};

FIXTURE_VARIANT_ADD(sick, place) {
	.name = "bad_place", .kind = "bad-return", .needs_pcpus = true,
};

FIXTURE_VARIANT_ADD(sick, select) {
	.name = "bad_select", .kind = "bad-return",
};

FIXTURE_VARIANT_ADD(sick, slice) {
	.name = "bad_slice", .kind = "bad-return",
};

FIXTURE_VARIANT_ADD(sick, stall) {
	.name = "bad_stall", .kind = "stall",
};

FIXTURE_VARIANT_ADD(sick, slow) {
	.name = "bad_slow", .kind = "slow",
};

FIXTURE_VARIANT_ADD(sick, crawl) {
	.name = "bad_crawl", .kind = "slow",
};

FIXTURE_VARIANT_ADD(sick, list) {
	.name = "bad_list", .kind = "list",
};

FIXTURE_VARIANT_ADD(sick, link) {
	.name = "bad_link", .kind = "list",
};

FIXTURE_VARIANT_ADD(sick, report) {
	.name = "bad_report", .kind = "reported",
};

FIXTURE_VARIANT_ADD(sick, start) {
	.name = "bad_start", .kind = "reported", .at_once = true,
};

FIXTURE_VARIANT_ADD(sick, activate) {
	.name = "bad_activate", .kind = "slow", .at_once = true,
	.says = "1 calls took longer",
};

FIXTURE_VARIANT_ADD(sick, import) {
	.name = "bad_import", .kind = "slow", .at_once = true,
	.says = "calls took longer",
};

FIXTURE_VARIANT_ADD(sick, stale) {
	.name = "bad_stale", .kind = "bad-return", .one_goes = true,
	.says = "no vCPU of this pool",
};

FIXTURE_VARIANT_ADD(sick, chorus) {
	.name = "bad_chorus", .kind = "reported", .says = "the first of four",
};

TEST_F_TIMEOUT(sick, is_thrown_out, LIMIT)
{
	struct plugin_fault f, before = { .count = 0 };
	uint64_t armed, id;
	struct klog log;

	/* To look in that of the host would leave no warnings to its end */
	ASSERT_EQ(0, klog_mark(&log));
	if (variant->needs_pcpus) {
		if (cpus_online() < 2)
			SKIP(return, "needs 2 CPUs, has 1");
		ASSERT_EQ(0, vm_id(rawvm_pid(self->host.vm[0]), &id));
		ASSERT_EQ(0, cli_do("vm set %llu affinity 1", (unsigned long long)id));
	}
	plugin_last_fault(&before);
	ASSERT_EQ(0, plugin_use(variant->name, variant->at_once, &armed));
	if (variant->one_goes) {
		ASSERT_EQ(0, rawvm_kill(rawvm_spawn(&(struct rawvm_spec) {
			.name = "gone" })));
	}
	ASSERT_TRUE(plugin_becomes_active("bvt"));
	ASSERT_EQ(0, plugin_last_fault(&f));
	EXPECT_TRUE(plugin_tells_of(&f, variant->name, variant->kind, "bvt"));
	if (variant->says)
		EXPECT_NE(NULL, strstr(f.message, variant->says));
	EXPECT_EQ(before.count + 1, f.count);
	EXPECT_NE(NULL, strstr(f.trace, "+0x"));
	EXPECT_NE(NULL, strstr(f.dump, "vCPU "));
	metric("bypass", f.bypass_ns / 1e6, "ms");
	metric("found_after", (f.time_ns - armed) / 1e6, "ms");
	EXPECT_LT(0, f.bypass_ns);
	if (clock_is_exact())
		EXPECT_GE(BYPASS_MS, f.bypass_ns / 1e6);
	EXPECT_TRUE(plugin_guests_go_on(&self->host));
	/* It is not used any more, and not what "previous" goes back to */
	EXPECT_EQ(CLI_NO_OBJECT, cli_do("sched previous"));
	EXPECT_EQ(0, module_remove(variant->name));
	/* What it did while it was left is not counted, nor put in place of the first */
	ASSERT_EQ(0, plugin_last_fault(&f));
	EXPECT_EQ(before.count + 1, f.count);
	EXPECT_TRUE(plugin_tells_of(&f, variant->name, variant->kind, "bvt"));
	EXPECT_TRUE(klog_has(&log, PLUGIN_SAYS, variant->name));
	klog_close(&log);
}

FIXTURE(plugin) {
	struct plugin_host host;
};

FIXTURE_SETUP(plugin)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, plugin_host_begin(&self->host));
}

FIXTURE_TEARDOWN(plugin)
{
	EXPECT_EQ(0, plugin_host_end(&self->host));
}

/* One that cannot be set up changes nothing, and it is said which it was */
TEST_F_TIMEOUT(plugin, who_cannot_be_set_up_is_refused, LIMIT)
{
	static const char * const names[] = { "bad_init", "bad_vcpu" };
	struct plugin_fault f, before;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		ASSERT_EQ(0, plugin_last_fault(&before));
		ASSERT_EQ(0, module_insert_own(names[i]));
		ASSERT_EQ(0, module_set_param(names[i], "armed", 1));
		EXPECT_EQ(CLI_REFUSED, sched_switch(names[i], NULL));
		EXPECT_TRUE(sched_is_active("bvt"));
		ASSERT_EQ(0, plugin_last_fault(&f));
		EXPECT_TRUE(plugin_tells_of(&f, names[i], "init", "bvt"));
		/* It was tried once */
		EXPECT_EQ(before.count + 1, f.count);
		EXPECT_EQ(0, f.bypass_ns);
		EXPECT_TRUE(plugin_guests_go_on(&self->host));
		EXPECT_EQ(0, module_remove(names[i]));
	}
}

/* The next one to have a pCPU: the scheduler is told so by take() */
static int make_owner(struct genl *g, struct rawvm *vm)
{
	struct genl_ack ack;
	struct genl_msg m;
	uint64_t id;

	if (vm_id(rawvm_pid(vm), &id))
		return -ESRCH;
	genl_begin(g, &m, VMSCHED_CMD_REQUEST, 0);
	genl_put_u32(&m, VMSCHED_A_REQUEST_KIND, VMSCHED_REQUEST_KIND_OWNER);
	genl_put_u64(&m, VMSCHED_A_REQUEST_VM_ID, id);
	return genl_call(g, &m, &ack, NULL, NULL) ?: ack.error;
}

/* Of the calls that are made for requests, one of eight is timed */
TEST_F_TIMEOUT(plugin, who_is_slow_to_take_is_thrown_out, LIMIT)
{
	struct plugin_fault f, before;
	uint64_t armed;
	struct genl g;
	int i;

	plugin_last_fault(&before);
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, plugin_use("bad_take", false, &armed));
	for (i = 0; i < OWNERS; i++) {
		ASSERT_EQ(0, make_owner(&g, self->host.vm[i % 2 ? 3 : 4]));
		clock_sleep_ms(10);
	}
	genl_close(&g);
	ASSERT_TRUE(plugin_becomes_active("bvt"));
	ASSERT_EQ(0, plugin_last_fault(&f));
	EXPECT_TRUE(plugin_tells_of(&f, "bad_take", "slow", "bvt"));
	EXPECT_NE(NULL, strstr(f.trace, "__vms_call_took"));
	EXPECT_EQ(before.count + 1, f.count);
	EXPECT_TRUE(plugin_guests_go_on(&self->host));
	EXPECT_EQ(0, module_remove("bad_take"));
}

/* What `vmschedctl @words` prints for people has all of @texts, which end with NULL */
static bool shows_all(const char *words, const char * const *texts)
{
	struct run_result r;
	char line[64];
	bool ok;

	snprintf(line, sizeof(line), "vmschedctl %s", words);
	if (run_words(&r, 0, line))
		return false;
	for (ok = !r.status; ok && *texts; texts++) {
		ok = strstr(r.out, *texts);
		if (!ok)
			printf("# no '%s' in what %s prints: %s\n", *texts, line,
			       r.out);
	}
	run_free(&r);
	return ok;
}

/* The text of @key in what `vmschedctl -j @words` prints, or "" */
static void json_text(const char *words, const char *key, char *text, size_t size)
{
	json_object *from, *value = NULL;
	struct cli c;

	text[0] = '\0';
	if (!cli(&c, "%s", words)) {
		from = json_object_is_type(c.json, json_type_array) ?
		       json_object_array_get_idx(c.json, 0) : c.json;
		json_object_object_get_ex(from, key, &value);
		snprintf(text, size, "%s", json_object_get_string(value) ?: "");
	}
	cli_free(&c);
}

/* The same for people, for programs, and in the kernel log */
TEST_F_TIMEOUT(plugin, what_is_told, LIMIT)
{
	static const char last[] =
		"scheduler bad_report of pool default cannot go on: not today; now bvt";
	static const char * const status[] = { last, NULL };
	static const char * const list[] = {
		"KIND", "MESSAGE", "default", "bad_report", "reported", "bvt",
		"not today", NULL,
	};
	static const char * const show[] = {
		"default", "bad_report", "reported", "bvt", "not today",
		"[bad_report]", "pCPU 0: holder ", "vCPU ", NULL,
	};
	struct klog log[2];
	char text[256];
	uint64_t armed;

	ASSERT_EQ(0, klog_mark(&log[0]) ?: klog_mark(&log[1]));
	ASSERT_EQ(0, plugin_use("bad_report", false, &armed));
	ASSERT_TRUE(plugin_becomes_active("bvt"));
	EXPECT_TRUE(shows_all("status", status));
	EXPECT_TRUE(shows_all("fault list", list));
	EXPECT_TRUE(shows_all("fault show", show));
	EXPECT_TRUE(shows_all("fault show default", show));
	json_text("status", "last_fault", text, sizeof(text));
	EXPECT_STREQ(last, text);
	json_text("fault list", "kind", text, sizeof(text));
	EXPECT_STREQ("reported", text);
	json_text("fault list", "message", text, sizeof(text));
	EXPECT_STREQ("not today", text);
	EXPECT_TRUE(klog_has(&log[0], PLUGIN_SAYS, last));
	EXPECT_TRUE(klog_has(&log[1], PLUGIN_SAYS, "[bad_report]"));
	klog_close(&log[0]);
	klog_close(&log[1]);
	EXPECT_EQ(CLI_NO_OBJECT, cli_do("fault show nosuch"));
	EXPECT_EQ(0, module_remove("bad_report"));
}

/* What goes wrong while it is left is no reason to stay */
TEST_F_TIMEOUT(plugin, who_fails_while_leaving_is_left, LIMIT)
{
	struct plugin_fault f;

	ASSERT_EQ(0, module_insert_own("bad_leave"));
	ASSERT_EQ(0, sched_switch("bad_leave", NULL));
	ASSERT_EQ(0, module_set_param("bad_leave", "armed", 1));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	EXPECT_TRUE(sched_is_active("rr"));
	ASSERT_EQ(0, plugin_last_fault(&f));
	EXPECT_TRUE(plugin_tells_of(&f, "bad_leave", "leaving", "rr"));
	EXPECT_TRUE(plugin_guests_go_on(&self->host));
	EXPECT_EQ(0, module_remove("bad_leave"));
}

/* An administrator throws one out: back to the one before, with his reason */
TEST_F_TIMEOUT(plugin, administrator_throws_out, LIMIT)
{
	struct plugin_fault f;

	ASSERT_EQ(0, sched_switch("rr", NULL));
	ASSERT_EQ(0, cli_do("sched evict why tired"));
	EXPECT_TRUE(sched_is_active("bvt"));
	ASSERT_EQ(0, plugin_last_fault(&f));
	EXPECT_TRUE(plugin_tells_of(&f, "rr", "operator", "bvt"));
	EXPECT_STREQ("tired", f.message);
	/* Then there is no other one */
	ASSERT_EQ(0, cli_do("sched evict"));
	EXPECT_TRUE(sched_is_active("native"));
	/* And of native there is nothing to throw out */
	EXPECT_EQ(0, cli_do("sched evict"));
	EXPECT_TRUE(sched_is_active("native"));
	EXPECT_TRUE(plugin_guests_go_on(&self->host));
}

/* The emergency key: native, whatever was before */
TEST_F_TIMEOUT(plugin, sysrq_makes_all_native, LIMIT)
{
	struct plugin_fault f;

	ASSERT_EQ(0, sched_switch("rr", NULL));
	ASSERT_EQ(0, file_write(SYSRQ, "V"));
	EXPECT_TRUE(plugin_becomes_active("native"));
	ASSERT_EQ(0, plugin_last_fault(&f));
	EXPECT_TRUE(plugin_tells_of(&f, "rr", "sysrq", "native"));
	EXPECT_TRUE(plugin_guests_go_on(&self->host));
	/* Of a pool that is native it takes nothing */
	ASSERT_EQ(0, file_write(SYSRQ, "V"));
	clock_sleep_ms(50);
	EXPECT_TRUE(sched_is_active("native"));
}

TEST_HARNESS_MAIN
