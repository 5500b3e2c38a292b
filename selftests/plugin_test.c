// SPDX-License-Identifier: GPL-2.0
/*
 * Schedulers that get one thing wrong each: each is thrown out for that thing, the
 * guests go on, and the host is as it was. See selftests/modules/bad_run.h.
 */
#include "lib/cpus.h"
#include "lib/file.h"
#include "lib/test.h"

#include "lib/cli.h"
#include "lib/klog.h"
#include "lib/modules.h"

#define LIMIT		240
#define GUESTS		5
#define SYSRQ		"/proc/sysrq-trigger"
/* Without exact time, and soon enough for becomes_active() */
#define SLOW_WATCHDOG_MS	2000
/* Looks of the watchdog, and turns of the others before it is one's own */
#define WATCHDOG_SLACK	0.8
#define TURNS_MS	150
#define BYPASS_MS	8.0
#define ASK_MS		100
#define HOG_MS		600
#define SMALL_SHARE_MS	1500

/* What the module says of a scheduler is what is to be said; all else is not. */
#define SAYS	"vmsched: "

struct host {
	struct klog log;
	struct rawvm *vm[GUESTS];
};

/* Guests of all kinds, under bvt; 0 or what went wrong */
static int host_begin(struct host *host)
{
	static const enum rawvm_kind kinds[GUESTS] = {
		RAWVM_SPIN, RAWVM_TICK, RAWVM_IO, RAWVM_SPIN, RAWVM_SPIN,
	};
	int err = klog_mark(&host->log) ?: vmsched_ready() ?:
		  (clock_is_exact() ? 0 : module_set_param("vmsched", "watchdog_ms",
							   SLOW_WATCHDOG_MS));
	unsigned int i;

	for (i = 0; !err && i < GUESTS; i++) {
		host->vm[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = "guest", .kind = kinds[i] });
		if (!host->vm[i] ||
		    !vm_listed(rawvm_pid(host->vm[i]), true, limit_ms(1000)))
			err = -ESRCH;
	}
	return err ?: sched_switch("bvt", NULL);
}

/* Number of things that are not as they were */
static unsigned int host_end(struct host *host)
{
	unsigned int n;

	rawvm_kill_all();
	n = sched_switch("native", NULL) != 0;
	n += klog_warnings_but(&host->log, SAYS);
	klog_close(&host->log);
	return n;
}

struct fault {
	char kind[32];
	char scheduler[32];
	char to[32];
	char message[128];
	char trace[1024];
	char dump[1024];
	uint64_t time_ns;
	uint64_t bypass_ns;
	uint64_t count;
};

static void take_text(char *to, size_t size, json_object *o, const char *key)
{
	json_object *value = json_object_object_get(o, key);

	snprintf(to, size, "%s", value ? json_object_get_string(value) : "");
}

static uint64_t take_u64(json_object *o, const char *key)
{
	return json_object_get_uint64(json_object_object_get(o, key));
}

/* The last fault of pool default; the exit status of the command */
static int last_fault(struct fault *f)
{
	struct cli c;
	int ret = cli(&c, "fault show");

	memset(f, 0, sizeof(*f));
	if (!ret) {
		take_text(f->kind, sizeof(f->kind), c.json, "kind");
		take_text(f->scheduler, sizeof(f->scheduler), c.json, "scheduler");
		take_text(f->to, sizeof(f->to), c.json, "to");
		take_text(f->message, sizeof(f->message), c.json, "message");
		take_text(f->trace, sizeof(f->trace), c.json, "trace");
		take_text(f->dump, sizeof(f->dump), c.json, "dump");
		f->time_ns = take_u64(c.json, "time_ns");
		f->bypass_ns = take_u64(c.json, "bypass_ns");
		f->count = take_u64(c.json, "count");
	}
	cli_free(&c);
	return ret;
}

static bool is_active(const char *name)
{
	char active[32];

	return !sched_active(active, sizeof(active)) && !strcmp(active, name);
}

static bool becomes_active(const char *name)
{
	uint64_t end = clock_ns() + limit_ms(3000) * NSEC_PER_MSEC;

	/* The program that asks takes time from the guests, which does not count. */
	while (!is_active(name)) {
		if (clock_ns() > end)
			return false;
		clock_sleep_ms(ASK_MS);
	}
	return true;
}

static bool go_on(struct rawvm *vm[])
{
	unsigned int i;

	for (i = 0; i < GUESTS; i++)
		if (!rawvm_advances(vm[i], limit_ms(1000)) || rawvm_broken(vm[i]))
			return false;
	return true;
}

/* @f tells of @name, thrown out for being of that kind; says what it tells if not */
static bool tells_of(const struct fault *f, const char *name, const char *kind,
		     const char *to)
{
	if (!strcmp(f->scheduler, name) && !strcmp(f->kind, kind) &&
	    !strcmp(f->to, to) && f->message[0])
		return true;
	printf("# fault of %s: %s (%s), to %s\n", f->scheduler, f->kind,
	       f->message, f->to);
	return false;
}

FIXTURE(sick) {
	struct host host;
};

FIXTURE_VARIANT(sick) {
	const char *name;
	const char *kind;
	bool needs_pcpus;	/* a vCPU that may not run everywhere */
	bool at_once;		/* it is at fault as soon as it is in force */
};

FIXTURE_SETUP(sick)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, host_begin(&self->host));
}

FIXTURE_TEARDOWN(sick)
{
	EXPECT_EQ(0, host_end(&self->host));
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

FIXTURE_VARIANT_ADD(sick, slice) {
	.name = "bad_slice", .kind = "bad-return",
};

FIXTURE_VARIANT_ADD(sick, stall) {
	.name = "bad_stall", .kind = "stall",
};

FIXTURE_VARIANT_ADD(sick, slow) {
	.name = "bad_slow", .kind = "slow",
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

/* Put it in force, and let it misbehave; when is in @armed. */
static int use(const char *name, bool at_once, uint64_t *armed)
{
	int err = module_insert_own(name);

	if (!err && !at_once)
		err = sched_switch(name, NULL);
	*armed = clock_ns();
	err = err ?: module_set_param(name, "armed", 1);
	if (!err && at_once)
		err = sched_switch(name, NULL);
	return err;
}

TEST_F_TIMEOUT(sick, is_thrown_out, LIMIT)
{
	struct fault f, before = { .count = 0 };
	uint64_t armed, id;

	if (variant->needs_pcpus) {
		if (cpus_online() < 2)
			SKIP(return, "needs 2 CPUs, has 1");
		ASSERT_EQ(0, vm_id(rawvm_pid(self->host.vm[0]), &id));
		ASSERT_EQ(0, cli_do("vm set %llu affinity 1", (unsigned long long)id));
	}
	last_fault(&before);
	ASSERT_EQ(0, use(variant->name, variant->at_once, &armed));
	ASSERT_TRUE(becomes_active("bvt"));
	ASSERT_EQ(0, last_fault(&f));
	EXPECT_TRUE(tells_of(&f, variant->name, variant->kind, "bvt"));
	EXPECT_EQ(before.count + 1, f.count);
	EXPECT_NE(NULL, strstr(f.trace, "+0x"));
	EXPECT_NE(NULL, strstr(f.dump, "vCPU "));
	metric("bypass", f.bypass_ns / 1e6, "ms");
	metric("found_after", (f.time_ns - armed) / 1e6, "ms");
	EXPECT_LT(0, f.bypass_ns);
	if (clock_is_exact())
		EXPECT_GE(BYPASS_MS, f.bypass_ns / 1e6);
	EXPECT_TRUE(go_on(self->host.vm));
	/* It is not used any more, and not what "previous" goes back to */
	EXPECT_EQ(CLI_NO_OBJECT, cli_do("sched previous"));
	EXPECT_EQ(0, module_remove(variant->name));
	EXPECT_TRUE(klog_has(&self->host.log, SAYS, variant->name));
}

FIXTURE(plugin) {
	struct host host;
};

FIXTURE_SETUP(plugin)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, host_begin(&self->host));
}

FIXTURE_TEARDOWN(plugin)
{
	EXPECT_EQ(0, host_end(&self->host));
}

/* One that cannot be set up changes nothing, and it is said which it was */
TEST_F_TIMEOUT(plugin, who_cannot_be_set_up_is_refused, LIMIT)
{
	static const char * const names[] = { "bad_init", "bad_vcpu" };
	unsigned int i;
	struct fault f;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		ASSERT_EQ(0, module_insert_own(names[i]));
		ASSERT_EQ(0, module_set_param(names[i], "armed", 1));
		EXPECT_EQ(CLI_REFUSED, sched_switch(names[i], NULL));
		EXPECT_TRUE(is_active("bvt"));
		ASSERT_EQ(0, last_fault(&f));
		EXPECT_TRUE(tells_of(&f, names[i], "init", "bvt"));
		EXPECT_EQ(0, f.bypass_ns);
		EXPECT_TRUE(go_on(self->host.vm));
		EXPECT_EQ(0, module_remove(names[i]));
	}
}

/* What goes wrong while it is left is no reason to stay */
TEST_F_TIMEOUT(plugin, who_fails_while_leaving_is_left, LIMIT)
{
	struct fault f;

	ASSERT_EQ(0, module_insert_own("bad_leave"));
	ASSERT_EQ(0, sched_switch("bad_leave", NULL));
	ASSERT_EQ(0, module_set_param("bad_leave", "armed", 1));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	EXPECT_TRUE(is_active("rr"));
	ASSERT_EQ(0, last_fault(&f));
	EXPECT_TRUE(tells_of(&f, "bad_leave", "leaving", "rr"));
	EXPECT_TRUE(go_on(self->host.vm));
	EXPECT_EQ(0, module_remove("bad_leave"));
}

/* The watchdog takes as long as it is told, and no longer */
TEST_F_TIMEOUT(plugin, stall_is_found_in_time, LIMIT)
{
	static const unsigned int limits[] = { 100, WATCHDOG_MS };
	unsigned int i;
	struct fault f;
	uint64_t armed;

	if (!clock_is_exact())
		SKIP(return, "how long it takes needs exact time");
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		double ms;

		ASSERT_EQ(0, module_set_param("vmsched", "watchdog_ms", limits[i]));
		ASSERT_EQ(0, sched_switch("bvt", NULL));
		ASSERT_EQ(0, use("bad_stall", false, &armed));
		ASSERT_TRUE(becomes_active("bvt"));
		ASSERT_EQ(0, last_fault(&f));
		EXPECT_TRUE(tells_of(&f, "bad_stall", "stall", "bvt"));
		ms = (f.time_ns - armed) / 1e6;
		metric("stall_found_after", ms, "ms");
		EXPECT_LT(limits[i], ms);
		EXPECT_GT(limits[i] * (1 + WATCHDOG_SLACK) + TURNS_MS, ms);
		EXPECT_EQ(0, module_remove("bad_stall"));
	}
	/* It may not be told to take forever, or no time at all */
	EXPECT_GT(0, module_set_param("vmsched", "watchdog_ms", 49));
	EXPECT_GT(0, module_set_param("vmsched", "watchdog_ms", 10001));
}

/* Time that Linux gives to others is not held against the scheduler */
TEST_F_TIMEOUT(plugin, time_of_others_is_no_stall, LIMIT)
{
	struct sched_param fifo = { .sched_priority = 20 };
	uint64_t end;
	struct fault f = { .count = 0 }, after;

	if (!clock_is_exact())
		SKIP(return, "so short a limit needs exact time");
	ASSERT_EQ(0, module_set_param("vmsched", "watchdog_ms", 100));
	last_fault(&f);
	ASSERT_EQ(0, file_write("/proc/sys/kernel/sched_rt_runtime_us", "-1"));
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
	end = clock_ns() + HOG_MS * NSEC_PER_MSEC;
	while (clock_ns() < end)
		;
	fifo.sched_priority = 0;
	EXPECT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &fifo));
	EXPECT_EQ(0, file_write("/proc/sys/kernel/sched_rt_runtime_us", "950000"));
	EXPECT_TRUE(go_on(self->host.vm));
	clock_sleep_ms(300);
	EXPECT_TRUE(is_active("bvt"));
	last_fault(&after);
	EXPECT_EQ(f.count, after.count);
	EXPECT_EQ(0, module_set_param("vmsched", "watchdog_ms", WATCHDOG_MS));
}

/* Nor is the turn of a vCPU with little weight among heavy ones */
TEST_F_TIMEOUT(plugin, small_share_is_no_stall, LIMIT)
{
	struct fault f = { .count = 0 }, after;
	uint64_t id;

	if (!clock_is_exact())
		SKIP(return, "so short a limit needs exact time");
	ASSERT_EQ(0, module_set_param("vmsched", "watchdog_ms", 50));
	last_fault(&f);
	ASSERT_EQ(0, vm_id(rawvm_pid(self->host.vm[0]), &id));
	ASSERT_EQ(0, cli_do("vm set %llu weight 1", (unsigned long long)id));
	clock_sleep_ms(SMALL_SHARE_MS);
	/* Nor is what the heaviest one may have at a stretch too long a slice */
	ASSERT_EQ(0, vm_id(rawvm_pid(self->host.vm[3]), &id));
	ASSERT_EQ(0, cli_do("vm set %llu weight 10000", (unsigned long long)id));
	clock_sleep_ms(SMALL_SHARE_MS);
	EXPECT_TRUE(is_active("bvt"));
	last_fault(&after);
	EXPECT_EQ(f.count, after.count);
	EXPECT_EQ(0, module_set_param("vmsched", "watchdog_ms", WATCHDOG_MS));
}

/* An administrator throws one out: back to the one before, with his reason */
TEST_F_TIMEOUT(plugin, administrator_throws_out, LIMIT)
{
	struct fault f;

	ASSERT_EQ(0, sched_switch("rr", NULL));
	ASSERT_EQ(0, cli_do("sched evict why tired"));
	EXPECT_TRUE(is_active("bvt"));
	ASSERT_EQ(0, last_fault(&f));
	EXPECT_TRUE(tells_of(&f, "rr", "operator", "bvt"));
	EXPECT_STREQ("tired", f.message);
	/* Then there is no other one */
	ASSERT_EQ(0, cli_do("sched evict"));
	EXPECT_TRUE(is_active("native"));
	/* And of native there is nothing to throw out */
	EXPECT_EQ(0, cli_do("sched evict"));
	EXPECT_TRUE(is_active("native"));
	EXPECT_TRUE(go_on(self->host.vm));
}

/* The emergency key: native, whatever was before */
TEST_F_TIMEOUT(plugin, sysrq_makes_all_native, LIMIT)
{
	struct fault f;

	ASSERT_EQ(0, sched_switch("rr", NULL));
	ASSERT_EQ(0, file_write(SYSRQ, "V"));
	EXPECT_TRUE(becomes_active("native"));
	ASSERT_EQ(0, last_fault(&f));
	EXPECT_TRUE(tells_of(&f, "rr", "sysrq", "native"));
	EXPECT_TRUE(go_on(self->host.vm));
	/* Of a pool that is native it takes nothing */
	ASSERT_EQ(0, file_write(SYSRQ, "V"));
	clock_sleep_ms(50);
	EXPECT_TRUE(is_active("native"));
}

TEST_HARNESS_MAIN
