// SPDX-License-Identifier: GPL-2.0
/*
 * CPU masks in the corners: cpusets, pCPUs that go and come back, threads that
 * change their vCPU. Each case is done twice with a VM of its own, without
 * vmsched and under rr: when that is over, the masks must be the same.
 *
 * Three pCPUs, because a cpuset of one alone cannot be told from what vmsched
 * does itself (see "Limits" in the design).
 */
#include "lib/test.h"

#include "lib/cli.h"
#include "lib/cpuset.h"
#include "lib/klog.h"
#include "lib/modules.h"

#define VCPUS		2
#define PCPUS		3
#define LAST		(PCPUS - 1)
#define LIMIT		600
#define SETTLE_MS	100
/* Longer than a case: such a vCPU halts all the time */
#define LONG_US		20000000

FIXTURE(masks) {
	struct klog log;
};

FIXTURE_SETUP(masks)
{
	struct sched_param fifo = { .sched_priority = 10 };
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, klog_mark(&self->log));
	/* Before all guests, which do not inherit it */
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
	ASSERT_EQ(0, vmsched_remove_all());
}

FIXTURE_TEARDOWN(masks)
{
	rawvm_kill_all();
	EXPECT_EQ(0, vmsched_remove_all());
	EXPECT_EQ(0, klog_warnings_but(&self->log, KLOG_AFFINE));
	klog_close(&self->log);
}

static int in_all(struct rawvm *vm)
{
	return cpuset_set("0-2") ?: cpuset_join(rawvm_pid(vm));
}

static int in_two(struct rawvm *vm)
{
	return cpuset_set("0-1") ?: cpuset_join(rawvm_pid(vm));
}

static int nothing(struct rawvm *vm)
{
	return 0;
}

static int narrow(struct rawvm *vm)
{
	return cpuset_set("0-1");
}

static int widen(struct rawvm *vm)
{
	return cpuset_set("0-2");
}

static int narrow_and_widen(struct rawvm *vm)
{
	int ret = cpuset_set("1-2");

	clock_sleep_ms(SETTLE_MS);
	return ret ?: cpuset_set("0-2");
}

/* Two of three, one of which will go */
static int pin_ends(struct rawvm *vm)
{
	return in_all(vm) ?: cpus_pin(rawvm_tid(vm, 0), "0,2");
}

static int pin_last(struct rawvm *vm)
{
	return in_all(vm) ?: cpus_pin(rawvm_tid(vm, 0), "2");
}

static int pin_first(struct rawvm *vm)
{
	return in_all(vm) ?: cpus_pin(rawvm_tid(vm, 0), "0-1");
}

/* Outside of a cpuset but that of all */
static int pin_two(struct rawvm *vm)
{
	return cpus_pin(rawvm_tid(vm, 0), "0-1");
}

static int off_and_on(struct rawvm *vm)
{
	int ret = cpus_set_online(LAST, false);

	clock_sleep_ms(SETTLE_MS);
	return ret ?: cpus_set_online(LAST, true);
}

static int off_and_on_twice(struct rawvm *vm)
{
	int ret = off_and_on(vm);

	clock_sleep_ms(SETTLE_MS);
	return ret ?: off_and_on(vm);
}

/* The user's wish comes while the cpuset is in the way of it */
static int pin_in_narrow(struct rawvm *vm)
{
	int ret = cpuset_set("0-1");

	clock_sleep_ms(SETTLE_MS);
	ret = ret ?: cpus_pin(rawvm_tid(vm, 0), "1-2");
	clock_sleep_ms(SETTLE_MS);
	return ret ?: cpuset_set("0-2");
}

static int swap_once(struct rawvm *vm)
{
	return rawvm_swap(vm);
}

static int swap_and_back(struct rawvm *vm)
{
	int ret = rawvm_swap(vm);

	clock_sleep_ms(SETTLE_MS);
	return ret ?: rawvm_swap(vm);
}

static int renew(struct rawvm *vm)
{
	return rawvm_renew(vm);
}

static int renew_and_pin(struct rawvm *vm)
{
	int ret = rawvm_renew(vm);

	clock_sleep_ms(SETTLE_MS);
	return ret ?: cpus_pin(rawvm_tid(vm, 1), "1-2");
}

struct mask_case {
	const char *name;
	int (*before)(struct rawvm *vm);
	int (*change)(struct rawvm *vm);
	enum rawvm_kind kind;
	bool paused;
	const char *wish;	/* of thread 0, if Linux alone does not keep it */
};

static const struct mask_case cases[] = {
	{ "cpuset narrowed", in_all, narrow },
	{ "cpuset widened", in_two, widen },
	{ "cpuset to and fro", in_all, narrow_and_widen },
	{ "cpuset joined", nothing, in_two },
	{ "cpuset narrowed while paused", in_all, narrow, .paused = true },
	{ "cpuset widened while paused", in_two, widen, .paused = true },
	{ "cpuset narrowed while halted", in_all, narrow, RAWVM_TICK },
	{ "cpuset widened while halted", in_two, widen, RAWVM_TICK },
	{ "pinned, cpuset to and fro", pin_first, narrow_and_widen },
	{ "pinned to the last one, in a cpuset", pin_last, narrow_and_widen },
	{ "pinned while the cpuset is narrow", in_all, pin_in_narrow },
	{ "offline and online", nothing, off_and_on },
	{ "offline and online, in a cpuset", in_all, off_and_on },
	{ "offline and online, pinned to two", pin_ends, off_and_on },
	{ "offline and online twice", pin_ends, off_and_on_twice },
	/* Linux alone forgets what the user wanted; vmsched does not */
	{ "offline and online, pinned to it", pin_last, off_and_on, .wish = "2" },
	{ "offline and online while paused", pin_ends, off_and_on, .paused = true },
	{ "offline and online while halted", pin_ends, off_and_on, RAWVM_TICK },
	{ "vCPU goes to another thread", pin_two, swap_once },
	{ "vCPU goes and comes back", pin_two, swap_and_back },
	{ "threads run another VM", pin_two, renew },
	{ "threads run another VM and are pinned", nothing, renew_and_pin },
};

/* Threads in the order of their start, whatever vCPU each runs in the end */
struct masks {
	pid_t tid[VCPUS];
	cpu_set_t mask[VCPUS];
};

static int read_masks(struct masks *m)
{
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		if (sched_getaffinity(m->tid[i], sizeof(m->mask[i]), &m->mask[i]))
			return -errno;
	}
	return 0;
}

static struct rawvm *start_vm(enum rawvm_kind kind, struct masks *m)
{
	struct rawvm *vm;
	unsigned int i;

	vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "a", .nr_vcpus = VCPUS, .kind = kind,
		.period_us = kind == RAWVM_TICK ? LONG_US : 0 });
	for (i = 0; vm && i < VCPUS; i++)
		m->tid[i] = rawvm_tid(vm, i);
	return vm;
}

/* What happens in a case; then the masks of the VM's threads */
static int play(const struct mask_case *c, struct rawvm *vm, bool managed,
		struct masks *m)
{
	int ret = c->before(vm);

	if (!ret && c->paused)
		ret = rawvm_pause(vm);
	if (!ret && managed)
		ret = sched_switch("rr", NULL);
	clock_sleep_ms(SETTLE_MS);
	ret = ret ?: c->change(vm);
	clock_sleep_ms(SETTLE_MS);
	if (!ret && c->kind == RAWVM_SPIN && !c->paused &&
	    !rawvm_advances(vm, HANG_LIMIT_MS))
		ret = -ETIMEDOUT;
	if (!ret && managed)
		ret = sched_switch("native", NULL);
	return ret ?: read_masks(m);
}

static int run_case(const struct mask_case *c, bool managed, struct masks *m)
{
	struct rawvm *vm;
	int ret;

	ret = cpuset_make();
	if (ret)
		return ret;
	vm = start_vm(c->kind, m);
	if (!vm)
		return -ENODEV;
	ret = play(c, vm, managed, m);
	if (ret)
		printf("# %s: %s\n", c->name, strerror(-ret));
	rawvm_kill(vm);
	cpuset_remove();
	return ret;
}

/* The masks of @managed are those that Linux alone, or @wish, has for them */
static bool same_masks(const struct mask_case *c, const char *wish,
		       const struct masks *plain, const struct masks *managed)
{
	char was[64], is[64];
	unsigned int i;
	bool ok = true;

	for (i = 0; i < VCPUS; i++) {
		cpu_set_t want = plain->mask[i];

		if (!i && wish && cpus_parse(wish, &want))
			return false;
		if (CPU_EQUAL(&want, &managed->mask[i]))
			continue;
		printf("# %s: thread %u should have %s, has %s\n", c->name, i,
		       cpus_format(&want, was, sizeof(was)),
		       cpus_format(&managed->mask[i], is, sizeof(is)));
		ok = false;
	}
	return ok;
}

TEST_F_TIMEOUT(masks, as_without_vmsched, LIMIT)
{
	struct masks plain[ARRAY_SIZE(cases)], managed;
	unsigned int i;
	int lacks;

	if (cpus_online() != PCPUS)
		SKIP(return, "needs %u CPUs, has %u", PCPUS, cpus_online());
	if (cpuset_make() == -EOPNOTSUPP)
		SKIP(return, "no cpusets");
	/* It competes for all pCPUs, so that vCPUs wait and move */
	ASSERT_NE(NULL, rawvm_spawn(&(struct rawvm_spec) {
		.name = "b", .nr_vcpus = PCPUS }));
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		ASSERT_EQ(0, run_case(&cases[i], false, &plain[i]));
	ASSERT_EQ(0, vmsched_ready());
	/* Then vmsched cannot tell either who has widened a mask */
	lacks = kernel_lacks("user-mask");
	ASSERT_LE(0, lacks);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *wish = lacks ? NULL : cases[i].wish;

		ASSERT_EQ(0, run_case(&cases[i], true, &managed));
		EXPECT_TRUE(same_masks(&cases[i], wish, &plain[i], &managed));
	}
}

TEST_HARNESS_MAIN
