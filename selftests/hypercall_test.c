// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of guests by hypercall: what RAX says, and that a guest can give
 * away nothing but its own time and cost others nothing.
 *
 * Figures hold where time is exact; then the flood is as long as is asked for.
 */
#include <linux/vmsched_guest.h>

#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/guest_abi.h"

#define LIMIT		200
#define KVM_EPERM	1
#define KVM_ENOSYS	1000
#define RATE		1000
#define FLOOD		1000000
#define FLOOD_SHORT	20000
#define MEASURE_MS	1000
#define FLOOD_MS	3000
#define SETTLE_MS	200
/* Hyper-V's way to say that one spins, which ends where PAUSE does */
#define HV_OS_ID	0x40000000
#define HV_SPIN		8

#define REASON(what)	VMSCHED_REQUEST_REASON_##what

static struct rawvm *start(const char *name, unsigned int vcpus, uint64_t *id)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = name, .kind = RAWVM_OBEY, .nr_vcpus = vcpus,
		.cpus = "0" });

	if (!vm || !vm_listed(rawvm_pid(vm), true, limit_ms(1000)) ||
	    vm_id(rawvm_pid(vm), id))
		return NULL;
	return vm;
}

static bool answered(int64_t rax, bool handled, enum vmsched_request_reason why)
{
	if (rax >= 0 && !(rax >> 31) &&
	    !!(rax & VMSCHED_HC_HANDLED) == handled &&
	    VMSCHED_HC_REASON(rax) == why)
		return true;
	printf("# RAX is %#jx: reason %u, handled %u; not %u, %u\n",
	       (uintmax_t)rax, (unsigned int)VMSCHED_HC_REASON(rax),
	       !!(rax & VMSCHED_HC_HANDLED), why, handled);
	return false;
}

/* A number of pool default */
static uint64_t pool_u64(const char *key)
{
	json_object *field;
	uint64_t value = 0;
	struct cli c;

	if (!cli(&c, "pool list") &&
	    json_object_object_get_ex(json_object_array_get_idx(c.json, 0), key,
				      &field))
		value = json_object_get_uint64(field);
	cli_free(&c);
	return value;
}

static bool vm_flag(pid_t pid, const char *key)
{
	json_object *vms, *field, *of;
	bool value = false;
	struct cli c;
	size_t i;

	if (cli(&c, "vm list"))
		goto out;
	vms = c.json;
	for (i = 0; i < json_object_array_length(vms); i++) {
		json_object *vm = json_object_array_get_idx(vms, i);

		if (json_object_object_get_ex(vm, "pid", &of) &&
		    json_object_get_int(of) == pid &&
		    json_object_object_get_ex(vm, key, &field))
			value = json_object_get_boolean(field);
	}
out:
	cli_free(&c);
	return value;
}

/* Nobody answers before vmsched is there, under native, and after it has gone */
TEST_F_TIMEOUT(vmsched, who_answers, LIMIT)
{
	struct rawvm *vm;
	int64_t rax;
	uint64_t id;

	vm = start("caller", 1, &id);
	ASSERT_NE(NULL, vm);
	EXPECT_EQ(-KVM_ENOSYS, rawvm_hypercall(vm, 0, VMSCHED_HC_PRIO, 0));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	rax = rawvm_hypercall(vm, 0, VMSCHED_HC_PRIO, 0);
	EXPECT_TRUE(answered(rax, true, REASON(DONE)));
	EXPECT_EQ(100, VMSCHED_HC_WEIGHT(rax));
	EXPECT_EQ(1000, VMSCHED_HC_SHARE(rax));
	EXPECT_TRUE(rax & VMSCHED_HC_OWNS_PCPU);
	EXPECT_FALSE(rax & VMSCHED_HC_OWNS_CONSOLE);
	/* Numbers around those that are known */
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 0, VMSCHED_HC_END - 1, 0),
			     false, REASON(UNKNOWN)));
	EXPECT_EQ(-KVM_ENOSYS, rawvm_hypercall(vm, 0, VMSCHED_HC_END, 0));
	EXPECT_EQ(-KVM_ENOSYS, rawvm_hypercall(vm, 0, VMSCHED_HC_BASE - 1, 0));

	/* A program of the guest may not ask */
	rawvm_order(vm, 0, GUEST_ORDER_USER_CALL, VMSCHED_HC_CRITICAL_BEGIN, 0, 1);
	ASSERT_TRUE(rawvm_obeyed(vm, 0, HANG_LIMIT_MS));
	EXPECT_EQ(-KVM_EPERM, rawvm_last_answer(vm, 0));
	EXPECT_FALSE(vm_flag(rawvm_pid(vm), "guest_critical"));
	ASSERT_EQ(0, rawvm_kill(vm));

	vm = start("later", 1, &id);
	ASSERT_NE(NULL, vm);
	EXPECT_GE(rawvm_hypercall(vm, 0, VMSCHED_HC_PRIO, 0), 0);
	ASSERT_EQ(0, sched_switch("native", NULL));
	ASSERT_EQ(0, vmsched_remove_all());
	EXPECT_EQ(-KVM_ENOSYS, rawvm_hypercall(vm, 0, VMSCHED_HC_PRIO, 0));
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
}

TEST_F_TIMEOUT(vmsched, feedback, LIMIT)
{
	uint64_t id, other_id;
	struct rawvm *vm, *other;
	int64_t rax;

	vm = start("caller", 1, &id);
	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	/* Alone */
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 0, VMSCHED_HC_YIELD, 0),
			     false, REASON(NOBODY_WAITS)));
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 0, VMSCHED_HC_YIELD_TO, -1),
			     false, REASON(NO_SIBLING)));

	other = start("other", 1, &other_id);
	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, cli_do("vm set %ju weight 300", (uintmax_t)id));
	ASSERT_EQ(0, cli_do("request owner %ju", (uintmax_t)id));
	rax = rawvm_hypercall(vm, 0, VMSCHED_HC_YIELD, 0);
	EXPECT_TRUE(answered(rax, true, REASON(DONE)));
	EXPECT_FALSE(rax & VMSCHED_HC_OWNS_PCPU);
	EXPECT_TRUE(rax & VMSCHED_HC_OWNS_CONSOLE);
	EXPECT_EQ(300, VMSCHED_HC_WEIGHT(rax));
	EXPECT_EQ(750, VMSCHED_HC_SHARE(rax));
	rax = rawvm_hypercall(other, 0, VMSCHED_HC_PRIO, 0);
	EXPECT_FALSE(rax & VMSCHED_HC_OWNS_CONSOLE);
	EXPECT_EQ(250, VMSCHED_HC_SHARE(rax));
	EXPECT_GE(pool_u64("requests_guest"), 4);
	EXPECT_GE(pool_u64("requests_service"), 1);
	EXPECT_GE(pool_u64("requests_timer"), 1);
	EXPECT_GE(pool_u64("requests_core"), 1);
	EXPECT_EQ(0, pool_u64("requests_limited"));
}

TEST_F_TIMEOUT(vmsched, hints_and_the_user, LIMIT)
{
	struct rawvm *vm;
	uint64_t id;
	pid_t pid;

	vm = start("caller", 2, &id);
	ASSERT_NE(NULL, vm);
	pid = rawvm_pid(vm);
	ASSERT_EQ(0, sched_switch("rr", NULL));
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 0, VMSCHED_HC_CRITICAL_END, 0),
			     true, REASON(UNCHANGED)));
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 0, VMSCHED_HC_CRITICAL_BEGIN, 0),
			     true, REASON(DONE)));
	EXPECT_TRUE(vm_flag(pid, "time_critical"));
	EXPECT_TRUE(vm_flag(pid, "guest_critical"));
	/* What the user says counts, in whatever order */
	ASSERT_EQ(0, cli_do("vm set pid:%d time-critical off", pid));
	EXPECT_FALSE(vm_flag(pid, "time_critical"));
	EXPECT_TRUE(vm_flag(pid, "guest_critical"));
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 1, VMSCHED_HC_CRITICAL_BEGIN, 0),
			     true, REASON(DONE)));
	EXPECT_FALSE(vm_flag(pid, "time_critical"));
	ASSERT_EQ(0, cli_do("vm set pid:%d time-critical on", pid));
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 0, VMSCHED_HC_CRITICAL_END, 0),
			     true, REASON(DONE)));
	EXPECT_TRUE(vm_flag(pid, "guest_critical"));
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 1, VMSCHED_HC_CRITICAL_END, 0),
			     true, REASON(DONE)));
	EXPECT_FALSE(vm_flag(pid, "guest_critical"));
	EXPECT_TRUE(vm_flag(pid, "time_critical"));
}

TEST_F_TIMEOUT(vmsched, siblings, LIMIT)
{
	struct rawvm *vm, *other;
	uint64_t id, other_id;

	/* All on one pCPU, with slices so long that one of them is enough */
	vm = start("siblings", 2, &id);
	other = start("other", 1, &other_id);
	ASSERT_NE(NULL, vm);
	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, cli_do("vm set %ju slice 20000", (uintmax_t)id));
	ASSERT_EQ(0, cli_do("vm set %ju slice 20000", (uintmax_t)other_id));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	clock_sleep_ms(SETTLE_MS);
	/* The other one, itself, one that is not there, any */
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 0, VMSCHED_HC_YIELD_TO, 1),
			     true, REASON(DONE)));
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 0, VMSCHED_HC_YIELD_TO, 0),
			     false, REASON(NO_SIBLING)));
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 0, VMSCHED_HC_YIELD_TO, 7),
			     false, REASON(NO_SIBLING)));
	EXPECT_TRUE(answered(rawvm_hypercall(vm, 1, VMSCHED_HC_YIELD_TO, -1),
			     true, REASON(DONE)));
	/* Vcpus of other VMs wait, but are no siblings */
	EXPECT_TRUE(answered(rawvm_hypercall(other, 0, VMSCHED_HC_YIELD_TO, -1),
			     false, REASON(NO_SIBLING)));
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
	EXPECT_TRUE(rawvm_advances(other, HANG_LIMIT_MS));
}

/* A guest that says in Hyper-V's way that it spins: it goes on, and has yielded */
TEST_F_TIMEOUT(vmsched, spins, LIMIT)
{
	struct rawvm *vm, *other;
	uint64_t guest, id;

	if (kernel_lacks("guest-spins") || !rawvm_has_hyperv())
		SKIP(return, "cannot be seen on this kernel, or not be tried");
	vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "spins", .kind = RAWVM_OBEY, .cpus = "0",
		.hyperv = true });
	ASSERT_NE(NULL, vm);
	other = start("other", 1, &id);
	ASSERT_NE(NULL, other);
	rawvm_order(vm, 0, GUEST_ORDER_WRMSR, HV_OS_ID, 1, 1);
	ASSERT_TRUE(rawvm_obeyed(vm, 0, HANG_LIMIT_MS));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	guest = pool_u64("requests_guest");
	EXPECT_EQ(0, rawvm_hypercall(vm, 0, 0, HV_SPIN));
	EXPECT_EQ(guest + 1, pool_u64("requests_guest"));
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
}

/* --- What it costs others --- */

struct rate {
	double s;		/* measured for so long */
	double loops;		/* of the other VM in a second */
	double asked;		/* by the caller, likewise */
	double heard;		/* of these, what was not too much */
};

struct mark {
	uint64_t ns, loops, asked, heard;
};

static struct mark now(struct rawvm *vm, struct rawvm *other)
{
	return (struct mark) {
		.heard = pool_u64("requests_guest"),
		.ns = clock_ns(),
		.loops = rawvm_progress_all(other),
		.asked = rawvm_answers(vm, 0, NULL),
	};
}

static struct rate since(const struct mark *from, struct rawvm *vm,
			 struct rawvm *other)
{
	struct mark to = now(vm, other);
	double s = (to.ns - from->ns) / 1e9;

	return (struct rate) {
		.s = s,
		.loops = (to.loops - from->loops) / s,
		.asked = (to.asked - from->asked) / s,
		.heard = (to.heard - from->heard) / s,
	};
}

/* Each vCPU of @vm asks @n times, or (0) for a while if there is a call @nr */
static struct rate during(struct rawvm *vm, struct rawvm *other, uint64_t nr,
			  uint64_t n)
{
	struct mark from = now(vm, other);
	unsigned int i;

	for (i = 0; nr && i < rawvm_nr_vcpus(vm); i++)
		rawvm_order(vm, i, GUEST_ORDER_CALL, nr, -1, n ?: UINT64_MAX);
	if (n)
		rawvm_obeyed(vm, 0, LIMIT * 1000);
	else
		clock_sleep_ms(nr ? FLOOD_MS : MEASURE_MS);
	return since(&from, vm, other);
}

FIXTURE(flood) {
	struct klog log;
	struct rawvm *vm, *other;
};

FIXTURE_VARIANT(flood) {
	const char *sched, *what;
	uint64_t nr;
	unsigned int vcpus;
	bool counted;
};

/* What they give away makes them slow, so these go on for a while only */
FIXTURE_VARIANT_ADD(flood, yields) {
	.sched = "bvt", .what = "yield", .nr = VMSCHED_HC_YIELD, .vcpus = 1,
};

FIXTURE_VARIANT_ADD(flood, siblings) {
	.sched = "rr", .what = "yield_to", .nr = VMSCHED_HC_YIELD_TO, .vcpus = 2,
};

/* All of the calls are made, without giving anything away */
FIXTURE_VARIANT_ADD(flood, questions) {
	.sched = "bvt", .what = "prio", .nr = VMSCHED_HC_PRIO, .vcpus = 1,
	.counted = true,
};

FIXTURE_SETUP(flood)
{
	const char *missing = kvm_host_missing();
	uint64_t id;

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, klog_mark(&self->log));
	ASSERT_EQ(0, vmsched_ready());
	ASSERT_EQ(0, control_first());
	self->vm = start("flood", variant->vcpus, &id);
	self->other = start("other", 1, &id);
	ASSERT_NE(NULL, self->vm);
	ASSERT_NE(NULL, self->other);
	ASSERT_EQ(0, sched_switch(variant->sched, NULL));
	clock_sleep_ms(SETTLE_MS);
}

FIXTURE_TEARDOWN(flood)
{
	rawvm_kill_all();
	module_set_param("vmsched", "guest_requests", RATE);
	EXPECT_EQ(0, sched_switch("native", NULL));
	EXPECT_EQ(0, klog_warnings(&self->log));
	klog_close(&self->log);
}

static void print_rate(const char *what, const char *of, double value,
		       const char *unit)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", what, of);
	metric(name, value, unit);
}

TEST_F_TIMEOUT(flood, costs_others_nothing, LIMIT)
{
	uint64_t n = clock_is_exact() ? FLOOD : FLOOD_SHORT;
	struct rate calm, flood;

	n = variant->counted ? n : 0;
	calm = during(self->vm, self->other, 0, 0);
	flood = during(self->vm, self->other, variant->nr, n);
	print_rate(variant->what, "flood", flood.asked, "1/s");
	print_rate(variant->what, "heard", flood.heard, "1/s");
	print_rate(variant->what, "others_progress",
		   100 * flood.loops / calm.loops, "%");
	if (n)
		EXPECT_EQ(n, rawvm_answers(self->vm, 0, NULL));
	/* A tenth of a second's worth may come at once, on top */
	EXPECT_LE(flood.heard * flood.s, RATE * flood.s + RATE / 10 + 2);
	if (n)
		EXPECT_GT(pool_u64("requests_limited"), 0);
	if (clock_is_exact())
		EXPECT_GE(flood.loops, 0.98 * calm.loops);
	EXPECT_TRUE(rawvm_advances(self->other, HANG_LIMIT_MS));
	if (!n)
		return;

	/* The knob: nothing is handled, but everything answered */
	ASSERT_EQ(0, module_set_param("vmsched", "guest_requests", 0));
	EXPECT_TRUE(answered(rawvm_hypercall(self->vm, 0, VMSCHED_HC_PRIO, 0),
			     false, REASON(LIMITED)));
	EXPECT_NE(0, module_set_param("vmsched", "guest_requests", 1000001));
}

TEST_HARNESS_MAIN
