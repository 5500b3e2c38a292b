// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of insmod and rmmod fails once: either nothing of the module
 * is left, or it is there and works. Guests go on in any case, and the debug
 * kernel finds nothing that is lost (scripts/checks/debug).
 *
 * For n = 1, 2, 3 ... the n-th allocation fails, until there is none left to
 * fail.
 */
#include "lib/fault_bed.h"
#include "lib/fixture.h"

#define LIMIT		150

/* Is there a line with @text in @path? */
static bool file_has(const char *path, const char *text)
{
	FILE *f = fopen(path, "re");
	bool found = false;
	char line[512];

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, text);
	if (f)
		fclose(f);
	return found;
}

static bool wrong(bool is, const char *what)
{
	if (is)
		printf("# %s\n", what);
	return is;
}

/* Nothing tells that the module has ever been loaded */
static bool no_trace_left(struct bed *b)
{
	unsigned int differ, compared;
	struct attrs now;
	struct genl g;
	bool bad;

	bad = wrong(module_loaded("vmsched"), "the module is left") ||
	      wrong(slab_vmsched_objects() != -1, "a slab cache is left") ||
	      wrong(genl_open(&g) != -ENOENT, "the netlink family is left") ||
	      wrong(file_has("/sys/kernel/tracing/enabled_functions",
			     "kvm_arch_vcpu_destroy"), "a probe is left");
	if (attrs_read(&now, 0))
		return false;
	bad = bad ||
	      wrong(bed_kernel_thread(&now, "vmsched_switch") > 0 ||
		    bed_kernel_thread(&now, "vmsched_apply") > 0, "a thread is left");
	differ = attrs_compare(&b->attrs, &now, &compared);
	attrs_free(&now);
	return !bad && !differ && compared > 3;
}

/* insmod with the n-th allocation of the module's init failed; 1: it fired */
static int insmod_once(struct bed *b, const char *name, unsigned int nth)
{
	char path[128];
	int ret, fired;

	module_path(path, sizeof(path), name);
	fault_arm(&b->self, nth);
	ret = module_insert(path);
	fired = fault_disarm(&b->self);
	b->fired += fired > 0;
	b->refused += ret != 0;
	if (ret && (!fired || (ret != -ENOMEM && ret != -ENOSPC))) {
		printf("# insmod %s with fault %u: %s\n", name, nth,
		       strerror(-ret));
		return -1;
	}
	if (!ret && !module_loaded(name))
		return -1;
	if (ret && strcmp(name, "vmsched") && module_loaded(name))
		return -1;
	return fired;
}

TEST_F_TIMEOUT(vmsched, insmod, 2 * LIMIT)
{
	struct fault_range init;
	unsigned int nth;
	int fired = 1;
	struct bed b;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	ASSERT_TRUE(bed_make(&b));
	ASSERT_EQ(0, vmsched_remove_all());
	/* All that vmsched's init calls; the loader is Linux's business */
	ASSERT_EQ(0, fault_function("do_one_initcall", &init));
	ASSERT_EQ(0, faults_within(&init));
	for (nth = 1; fired && nth < MAX_NTH; nth++) {
		unsigned int refused = b.refused;

		fired = insmod_once(&b, "vmsched", nth);
		ASSERT_GE(fired, 0);
		if (b.refused == refused) {
			/* It can do without: a vCPU in store, say */
			ASSERT_EQ(0, vmsched_remove_all());
			continue;
		}
		ASSERT_TRUE(no_trace_left(&b)) {
			TH_LOG("after fault %u", nth);
		}
		ASSERT_TRUE(bed_guests_go_on(&b));
	}
	ASSERT_TRUE(no_trace_left(&b));
	EXPECT_EQ(0, fired);
	EXPECT_GT(b.refused, 10);
	bed_end(&b, "insmod");
}

/* There is no error that rmmod could return: it must cope with all of them */
TEST_F_TIMEOUT(vmsched, rmmod, LIMIT)
{
	unsigned int nth;
	int fired = 1;
	struct bed b;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	ASSERT_TRUE(bed_make(&b));
	for (nth = 1; fired && nth < MAX_NTH; nth++) {
		ASSERT_EQ(0, vmsched_ready());
		ASSERT_EQ(0, sched_switch("rr", NULL));
		ASSERT_EQ(0, sched_switch("native", NULL));
		ASSERT_TRUE(vm_listed(b.pid[0], true, HANG_LIMIT_MS));
		ASSERT_EQ(0, fault_module("vmsched", &b.own));
		ASSERT_EQ(0, faults_within(&b.own));
		ASSERT_EQ(0, schedulers_remove_all());
		fault_arm(&b.self, nth);
		ASSERT_EQ(0, module_remove("vmsched"));
		fired = fault_disarm(&b.self);
		b.fired += fired;
		ASSERT_TRUE(no_trace_left(&b)) {
			TH_LOG("after fault %u", nth);
		}
		ASSERT_TRUE(bed_guests_go_on(&b));
	}
	EXPECT_EQ(0, fired);
	bed_end(&b, "rmmod");
}

/* A scheduler that cannot be registered is not there; the others are */
TEST_F_TIMEOUT(vmsched, schedulers_come_and_go, LIMIT)
{
	struct fault_range init;
	unsigned int nth;
	int fired = 1, gone;
	bool refused;
	struct bed b;

	if (faults_missing())
		SKIP(return, "%s", faults_missing());
	ASSERT_TRUE(bed_make(&b));
	ASSERT_EQ(0, fault_function("do_one_initcall", &init));
	ASSERT_EQ(0, module_remove("vmsched_rr"));
	ASSERT_EQ(0, snapshot_take(&b.before, &b.g));
	for (nth = 1; fired && nth < MAX_NTH; nth++) {
		ASSERT_EQ(0, faults_within(&init));
		fired = insmod_once(&b, "vmsched_rr", nth);
		ASSERT_GE(fired, 0);
		refused = !module_loaded("vmsched_rr");
		if (!refused) {
			ASSERT_EQ(0, faults_within(&b.own));
			fault_arm(&b.self, nth);
			ASSERT_EQ(0, module_remove("vmsched_rr"));
			gone = fault_disarm(&b.self);
			ASSERT_GE(gone, 0);
			b.fired += gone;
			fired |= gone;
		}
		ASSERT_TRUE(bed_state_kept(&b, 0));
		/* Told that it came, or went, or that something was lost */
		ASSERT_TRUE(bed_was_told(&b, VMSCHED_CMD_SCHED_DEL_NTF) || refused);
	}
	EXPECT_EQ(0, fired);
	EXPECT_GT(b.refused, 0);
	snapshot_free(&b.before);
	bed_end(&b, "scheduler");
}

TEST_HARNESS_MAIN
