// SPDX-License-Identifier: GPL-2.0
/*
 * Guests that say they spin, in ways that are not vmsched's own: PAUSE in a loop, which
 * the processor reports, and KVM_HC_SCHED_YIELD, which Linux guests call for whom they
 * have sent an IPI. Both give the rest of a slice away, so it is measured what part
 * of a pCPU everybody has, and that others have what they have without.
 *
 * Shares need exact time.
 */
#include <linux/kvm_para.h>

#include "lib/fixture.h"
#include "lib/guest_abi.h"

#define LIMIT		200
#define SETTLE_MS	200
#define MEASURE_MS	1500
#define RATE		1000
/* Part of the time of who has given away all, but to get as far as that */
#define NEARLY_NONE	0.08
/* And of who has what is his, though others come and go */
#define SLACK		0.05

/* A VM of two vCPUs, the first of which spins, and another one */
struct trio {
	struct rawvm *vm, *other;
};

struct shares {
	double spins, sibling, other;
};

/* How a guest says that it spins */
struct way {
	const char *name;
	const char *sched;
	unsigned int order;
	bool pause;
};

/* Who takes part must have the pCPU to themselves */
static bool trio_start(struct trio *t, unsigned int vcpus)
{
	t->vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "spins", .kind = RAWVM_OBEY, .nr_vcpus = vcpus, .cpus = "0" });
	t->other = rawvm_spawn(&(struct rawvm_spec) {
		.name = "other", .kind = RAWVM_OBEY, .cpus = "0" });
	return t->vm && t->other &&
	       vm_listed(rawvm_pid(t->vm), true, limit_ms(1000)) &&
	       vm_listed(rawvm_pid(t->other), true, limit_ms(1000));
}

/* Time that the thread of a vCPU has executed */
static double ran_ns(const struct rawvm *vm, unsigned int vcpu)
{
	char text[96];

	if (vcpu >= rawvm_nr_vcpus(vm))
		return 0;
	rawvm_thread_file(vm, vcpu, "schedstat", text, sizeof(text));
	return strtod(text, NULL);
}

static struct shares measure(const struct trio *t, const char *way,
			     const char *when)
{
	struct shares s;
	char name[64];
	double all;

	clock_sleep_ms(SETTLE_MS);
	s = (struct shares) { -ran_ns(t->vm, 0), -ran_ns(t->vm, 1),
			      -ran_ns(t->other, 0) };
	clock_sleep_ms(MEASURE_MS);
	s.spins += ran_ns(t->vm, 0);
	s.sibling += ran_ns(t->vm, 1);
	s.other += ran_ns(t->other, 0);
	all = s.spins + s.sibling + s.other;
	s.spins /= all;
	s.sibling /= all;
	s.other /= all;
	snprintf(name, sizeof(name), "%s_%s_spinner", way, when);
	metric(name, 100 * s.spins, "%");
	snprintf(name, sizeof(name), "%s_%s_sibling", way, when);
	metric(name, 100 * s.sibling, "%");
	snprintf(name, sizeof(name), "%s_%s_other", way, when);
	metric(name, 100 * s.other, "%");
	return s;
}

/*
 * Where the processor has a PAUSE filter KVM uses it. The emulated one has none; what
 * sees_pause does makes it leave guest mode at each PAUSE instead.
 */
static bool has_filter(void)
{
	char text[16];

	return !module_param("kvm_amd", "pause_filter_count", text, sizeof(text)) ?
	       atoi(text) > 0 : module_loaded("kvm_intel");
}

FIXTURE(spinner) {
	struct klog log;
	struct trio t;
	bool claimed;
};

FIXTURE_VARIANT(spinner) {
	struct way way;
};

FIXTURE_VARIANT_ADD(spinner, pause) {
	.way = { "pause_rr", "rr", GUEST_ORDER_PAUSE, true },
};

FIXTURE_VARIANT_ADD(spinner, pause_bvt) {
	.way = { "pause_bvt", "bvt", GUEST_ORDER_PAUSE, true },
};

FIXTURE_VARIANT_ADD(spinner, kvm_yield) {
	.way = { "kvm_yield_rr", "rr", GUEST_ORDER_CALL, false },
};

FIXTURE_VARIANT_ADD(spinner, kvm_yield_bvt) {
	.way = { "kvm_yield_bvt", "bvt", GUEST_ORDER_CALL, false },
};

FIXTURE_SETUP(spinner)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	if (!clock_is_exact())
		SKIP(return, "shares need exact time");
	ASSERT_EQ(0, klog_mark(&self->log));
	self->claimed = variant->way.pause && !has_filter();
	ASSERT_EQ(0, self->claimed ? module_insert_own("sees_pause") : 0);
	ASSERT_EQ(0, vmsched_ready());
	if (kernel_lacks(variant->way.pause ? "guest-spins" : "guest-calls"))
		SKIP(return, "this kernel does not show it");
	ASSERT_EQ(0, control_first());
}

FIXTURE_TEARDOWN(spinner)
{
	rawvm_kill_all();
	module_set_param("vmsched", "guest_requests", RATE);
	EXPECT_EQ(0, sched_switch("native", NULL));
	if (self->claimed)
		EXPECT_EQ(0, module_remove("sees_pause"));
	EXPECT_EQ(0, klog_warnings(&self->log));
	klog_close(&self->log);
}

/* vCPU 0 begins to spin, for its sibling */
static void spin(const struct trio *t, const struct way *way)
{
	rawvm_order(t->vm, 0, way->order, KVM_HC_SCHED_YIELD, 1, UINT64_MAX);
}

/*
 * What is left of its slices is its sibling's, which may lose a turn of its own for
 * it; and the other VM has what it had, or more.
 */
TEST_F_TIMEOUT(spinner, gives_to_its_sibling, LIMIT)
{
	const struct way *way = &variant->way;
	struct trio *t = &self->t;
	struct shares s;

	ASSERT_TRUE(trio_start(t, 2));
	ASSERT_EQ(0, sched_switch(way->sched, NULL));
	spin(t, way);
	s = measure(t, way->name, "heard");
	EXPECT_GT(NEARLY_NONE, s.spins);
	EXPECT_LT(1.0 / 2 - SLACK, s.sibling);
	EXPECT_LT(1.0 / 3 - SLACK, s.other);

	/* Where guests are not heard, it has what it had, too */
	ASSERT_EQ(0, module_set_param("vmsched", "guest_requests", 0));
	s = measure(t, way->name, "unheard");
	EXPECT_LT(1.0 / 3 - SLACK, s.spins);
	EXPECT_LT(1.0 / 3 - SLACK, s.sibling);
	EXPECT_LT(1.0 / 3 - SLACK, s.other);
	EXPECT_FALSE(rawvm_broken(t->vm));
}

/* Without a sibling that waits, PAUSE is for everybody; a call is for that one alone */
TEST_F_TIMEOUT(spinner, has_no_sibling, LIMIT)
{
	const struct way *way = &variant->way;
	struct trio *t = &self->t;
	struct shares s;

	ASSERT_TRUE(trio_start(t, 1));
	ASSERT_EQ(0, sched_switch(way->sched, NULL));
	spin(t, way);
	s = measure(t, way->name, "alone");
	if (way->pause) {
		EXPECT_GT(NEARLY_NONE, s.spins);
		EXPECT_LT(1 - NEARLY_NONE, s.other);
	} else {
		EXPECT_LT(1.0 / 2 - SLACK, s.spins);
		EXPECT_LT(1.0 / 2 - SLACK, s.other);
	}
	EXPECT_FALSE(rawvm_broken(t->vm));
}

TEST_HARNESS_MAIN
