// SPDX-License-Identifier: GPL-2.0
/*
 * Three ways in which a request gets to the active scheduler. Each is really
 * taken: an identifier is looked up, a table is followed, calls are patched.
 */
#include "lib/file.h"
#include "lib/fixture.h"
#include "lib/kcore.h"

#define LIMIT		300
#define LOOK_MS		300
#define CHANGES		60
#define CHANGE_EVERY_MS	50
#define SHARE_LIMIT	0.02
#define TRACING		"/sys/kernel/tracing/"
#define PROBE		"vmsched_lookup"
#define CALLED		"vmsched_called"

static const char * const ways[] = { "id", "table", "patch" };
static const char * const schedulers[] = { "rr", "bvt" };
static const char * const targets[] = { "rr", "bvt", "native" };
static const char * const sets[] = { "a", "b" };
static const char * const ops[] = { "enqueue", "dequeue", "charge" };

static int use(const char *name, const char *way)
{
	return cli_do("sched switch %s activate %s", name, way);
}

/* What `status` says of pool default */
static bool is_active(const char *name, const char *way)
{
	json_object *pool;
	const char *has_name, *has_way;
	struct cli c;
	bool ok = false;

	if (!cli(&c, "status")) {
		pool = json_object_array_get_idx(json_object_object_get(c.json, "pools"), 0);
		has_name = json_object_get_string(json_object_object_get(pool, "scheduler"));
		has_way = json_object_get_string(json_object_object_get(pool, "activate"));
		ok = !strcmp(has_name, name) && !strcmp(has_way, way);
		if (!ok)
			printf("# status: %s by %s, not %s by %s\n", has_name,
			       has_way, name, way);
	}
	cli_free(&c);
	return ok;
}

/* Number of sets of calls that lead to a scheduler; -1 if one does in part */
static int sets_patched_to(const char *name)
{
	unsigned int i, j, hits;
	char call[64], fn[64], module[64];
	int n = 0;

	snprintf(module, sizeof(module), "vmsched_%s", name);
	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		for (j = 0, hits = 0; j < ARRAY_SIZE(ops); j++) {
			uint64_t target;

			snprintf(call, sizeof(call), "vms_%s_%s", sets[i], ops[j]);
			snprintf(fn, sizeof(fn), "%s_%s", name, ops[j]);
			target = kcore_static_call(call);
			hits += target && target == kcore_symbol(fn, module);
		}
		if (hits && hits != ARRAY_SIZE(ops))
			return -1;
		n += !!hits;
	}
	return n;
}

static bool goes_on(struct rawvm *vm[], unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!rawvm_advances(vm[i], limit_ms(1000)) || rawvm_broken(vm[i]))
			return false;
	return true;
}

static bool start_guests(struct rawvm *vm[3])
{
	static const enum rawvm_kind kinds[] = { RAWVM_SPIN, RAWVM_TICK, RAWVM_IO };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		vm[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = "guest", .kind = kinds[i], .cpus = "0" });
		if (!vm[i] || !vm_listed(rawvm_pid(vm[i]), true, limit_ms(1000)))
			return false;
	}
	return true;
}

/* From each way to each other, with the same scheduler and with another */
TEST_F_TIMEOUT(vmsched, each_way_to_each_other, LIMIT)
{
	const unsigned int n = ARRAY_SIZE(ways) * ARRAY_SIZE(targets);
	struct rawvm *vm[3];
	unsigned int i, j;

	ASSERT_TRUE(start_guests(vm));
	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++) {
			const char *from = targets[i / ARRAY_SIZE(ways)];
			const char *to = targets[j / ARRAY_SIZE(ways)];

			ASSERT_EQ(0, use(from, ways[i % ARRAY_SIZE(ways)]));
			ASSERT_EQ(0, use(to, ways[j % ARRAY_SIZE(ways)]));
			EXPECT_TRUE(is_active(to, ways[j % ARRAY_SIZE(ways)]));
			EXPECT_TRUE(goes_on(vm, ARRAY_SIZE(vm)));
		}
	}
}

/* Callers are patched to the scheduler in force, and to no other one */
TEST_F_TIMEOUT(vmsched, calls_are_patched, LIMIT)
{
	unsigned int w, s, o;

	if (!kcore_is_there())
		SKIP(return, "this kernel does not show its code");
	for (w = 0; w < 2 * ARRAY_SIZE(ways); w++) {
		const char *way = ways[w % ARRAY_SIZE(ways)];

		for (s = 0; s < ARRAY_SIZE(schedulers); s++) {
			ASSERT_EQ(0, use(schedulers[s], way));
			for (o = 0; o < ARRAY_SIZE(schedulers); o++) {
				int want = o == s && !strcmp(way, "patch");

				EXPECT_EQ(want, sets_patched_to(schedulers[o])) {
					TH_LOG("calls of %s while %s is active by %s",
					       schedulers[o], schedulers[s], way);
				}
			}
		}
	}
}

/* Times that a scheduler was looked up by its identifier meanwhile; -1 */
static long lookups(void)
{
	FILE *f = fopen(TRACING "kprobe_profile", "re");
	char line[256], name[64];
	long hits, n = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " %63s %ld", name, &hits) == 2 &&
		    !strcmp(name, PROBE))
			n = hits;
	if (f)
		fclose(f);
	return n;
}

TEST_F_TIMEOUT(vmsched, identifier_is_looked_up, LIMIT)
{
	struct rawvm *vm[3];
	unsigned int w;
	long n[ARRAY_SIZE(ways)];

	ASSERT_TRUE(start_guests(vm));
	ASSERT_EQ(0, file_write(TRACING "kprobe_events",
				"p:" PROBE " vmsched:vms_sched_by_id"));
	ASSERT_EQ(0, file_write(TRACING "events/kprobes/" PROBE "/enable", "1"));
	for (w = 0; w < ARRAY_SIZE(ways); w++) {
		long before;

		EXPECT_EQ(0, use("rr", ways[w]));
		before = lookups();
		clock_sleep_ms(LOOK_MS);
		n[w] = lookups() - before;
		printf("# lookups_by_%s: %ld\n", ways[w], n[w]);
	}
	EXPECT_EQ(0, file_write(TRACING "events/kprobes/" PROBE "/enable", "0"));
	/* Opened to be overwritten it forgets all of them */
	EXPECT_EQ(0, file_write(TRACING "kprobe_events", "#"));
	EXPECT_EQ(-1, lookups());
	/* A wake and a sleep each 10 ms are four requests or more */
	EXPECT_GT(n[0], 4 * LOOK_MS / 10 / 2);
	EXPECT_EQ(0, n[1]);
	EXPECT_EQ(0, n[2]);
}

/* Where the first call of rr_charge() in the trace came from; 0 if none did */
static uint64_t traced_caller(void)
{
	FILE *f = fopen(TRACING "trace", "re");
	unsigned long long addr = 0;
	char line[512], *at;

	while (f && !addr && fgets(line, sizeof(line), f)) {
		at = strstr(line, "back=");
		if (at)
			sscanf(at, "back=%llx", &addr);
	}
	if (f)
		fclose(f);
	return addr;
}

/* The instruction that called it is a direct call of it */
static bool is_called_directly(void)
{
	uint64_t back = traced_caller();

	return back && kcore_branch(back - KCORE_CALL_SIZE, KCORE_CALL) ==
	       kcore_symbol("rr_charge", "vmsched_rr");
}

TEST_F_TIMEOUT(vmsched, patched_calls_are_taken, LIMIT)
{
	struct rawvm *vm[3];
	unsigned int w;

	if (!kcore_is_there())
		SKIP(return, "this kernel does not show its code");
	ASSERT_TRUE(start_guests(vm));
	ASSERT_EQ(0, file_write(TRACING "kprobe_events",
				"p:" CALLED " vmsched_rr:rr_charge back=$stack0:x64"));
	for (w = 0; w < ARRAY_SIZE(ways); w++) {
		EXPECT_EQ(0, use("rr", ways[w]));
		EXPECT_EQ(0, file_write(TRACING "trace", ""));
		EXPECT_EQ(0, file_write(TRACING "events/kprobes/" CALLED "/enable", "1"));
		clock_sleep_ms(LOOK_MS);
		EXPECT_EQ(0, file_write(TRACING "events/kprobes/" CALLED "/enable", "0"));
		EXPECT_NE(0, traced_caller());
		EXPECT_EQ(!strcmp(ways[w], "patch"), is_called_directly()) {
			TH_LOG("by %s", ways[w]);
		}
	}
	EXPECT_EQ(0, file_write(TRACING "kprobe_events", "#"));
}

/* Nothing keeps the module of one that was left, and "previous" is another one */
TEST_F_TIMEOUT(vmsched, module_is_given_back, LIMIT)
{
	struct cli c;

	ASSERT_EQ(0, use("bvt", "table"));
	ASSERT_EQ(0, use("rr", "patch"));
	ASSERT_EQ(0, use("rr", "id"));
	ASSERT_EQ(0, use("rr", "patch"));
	EXPECT_EQ(CLI_REFUSED, cli(&c, "sched unload rr"));
	cli_free(&c);
	ASSERT_EQ(0, cli_do("sched previous"));
	EXPECT_TRUE(is_active("bvt", "table"));
	EXPECT_EQ(0, cli_do("sched unload rr"));
	EXPECT_FALSE(module_loaded("vmsched_rr"));
	EXPECT_NE(0, cli(&c, "sched switch nobody activate patch"));
	cli_free(&c);
	EXPECT_TRUE(is_active("bvt", "table"));
	EXPECT_EQ(0, cli_do("sched load rr"));
	ASSERT_EQ(0, use("rr", "patch"));
	if (kcore_is_there())
		EXPECT_EQ(1, sets_patched_to("rr"));
}

/* Shares do not depend on the way, nor on how often it changes */
TEST_F_TIMEOUT(vmsched, shares_outlive_changes, LIMIT)
{
	uint64_t before[2], work[2];
	struct rawvm *vm[2];
	unsigned int i;
	double share;

	if (!clock_is_exact())
		SKIP(return, "shares need exact time");
	for (i = 0; i < ARRAY_SIZE(vm); i++) {
		vm[i] = rawvm_spawn(&(struct rawvm_spec) { .name = "spin" });
		ASSERT_NE(NULL, vm[i]);
		ASSERT_TRUE(vm_listed(rawvm_pid(vm[i]), true, 1000));
	}
	ASSERT_EQ(0, cli_do("vm set pid:%d weight 300", rawvm_pid(vm[1])));
	ASSERT_EQ(0, use("bvt", "id"));
	for (i = 0; i < ARRAY_SIZE(vm); i++)
		before[i] = rawvm_progress_all(vm[i]);
	for (i = 0; i < CHANGES; i++) {
		ASSERT_EQ(0, use("bvt", ways[i % ARRAY_SIZE(ways)]));
		clock_sleep_ms(CHANGE_EVERY_MS);
	}
	for (i = 0; i < ARRAY_SIZE(vm); i++)
		work[i] = rawvm_progress_all(vm[i]) - before[i];
	share = (double)work[1] / (work[0] + work[1]);
	metric("share_of_weight_300", share * 100, "%");
	EXPECT_GT(share, 0.75 - SHARE_LIMIT);
	EXPECT_LT(share, 0.75 + SHARE_LIMIT);
}

TEST_HARNESS_MAIN
