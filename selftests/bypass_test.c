// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler that is thrown out: from when its fault was found, how long until
 * each vCPU that can run executes its guest again. What the module says of itself
 * (bypass_ns) is when they may; this is when they do, as KVM's tracepoints tell it.
 *
 * Two guests that spin share the pCPU. Linux looks at each tick, which is 4 ms
 * here, who is next: with two of them the one that has to wait runs after one tick,
 * or two if the first has just begun. A third would wait for a turn of Linux's more,
 * which nobody promises anything of. So where one wakes after the fault, it is beside
 * one that spins. Nobody looks on meanwhile: whoever wakes to do that gives Linux a
 * reason to choose anew.
 */
#include <math.h>

#include "lib/file.h"
#include "lib/fixture.h"
#include "lib/genl.h"

#define LIMIT		240
#define BUSY		2
#define BYPASS_MS	8.0
#define SETTLE_MS	200
/* Until the watchdog has found a stall, and all has gone on */
#define WAIT_MS		1500
#define AFTER_MS	100
#define PERIOD_US	9907
/* An entry that is to be undone is over in less */
#define RAN_US		5
#define TRACING		"/sys/kernel/tracing/"
/* What the module says of a scheduler is what is to be said; all else is not. */
#define SAYS		"vmsched: "

static struct rawvm *vms[BUSY + 1];

/* When a thread has entered its guest last, and when it was in there for a while */
struct run {
	pid_t tid;
	uint64_t entered;
	uint64_t ran;
};

/* Thread, time and event of a line of the trace; false if it is no such line */
static bool parse(const char *line, pid_t *tid, uint64_t *ns, char event[32])
{
	const char *cpu = strstr(line, " ["), *end = cpu;
	unsigned long long s, us;

	while (end && end > line && end[-1] == ' ')
		end--;
	while (end && end > line && end[-1] != '-')
		end--;
	if (!end || end == line ||
	    sscanf(cpu, " [%*d] %*s %llu.%6llu: %31[a-z_]:", &s, &us, event) != 3)
		return false;
	*tid = atoi(end);
	*ns = s * NSEC_PER_SEC + us * NSEC_PER_USEC;
	return true;
}

static void note(struct run *r, const char *event, uint64_t ns, uint64_t found)
{
	if (!strcmp(event, "kvm_entry"))
		r->entered = ns;
	else if (!r->ran && r->entered > found &&
		 ns >= r->entered + RAN_US * NSEC_PER_USEC)
		r->ran = r->entered;
}

/*
 * Time from @found until the last of the guests from @from on was in guest mode, for
 * longer than a moment; infinite if one never was, or the trace begins too late.
 */
static double runs_after_ms(unsigned int from, uint64_t found)
{
	struct run runs[BUSY + 1] = { 0 };
	FILE *f = fopen(TRACING "trace", "re");
	char line[512], event[32];
	uint64_t ns, first = 0;
	double longest = 0;
	unsigned int i;
	pid_t tid;

	for (i = from; i <= BUSY; i++)
		runs[i].tid = rawvm_tid(vms[i], 0);
	while (f && fgets(line, sizeof(line), f)) {
		if (!parse(line, &tid, &ns, event))
			continue;
		first = first ?: ns;
		for (i = from; i <= BUSY; i++)
			if (runs[i].tid == tid)
				note(&runs[i], event, ns, found);
	}
	if (f)
		fclose(f);
	for (i = from; i <= BUSY; i++)
		longest = fmax(longest, !runs[i].ran || first > found ? INFINITY :
			       (runs[i].ran - found) / 1e6);
	return longest;
}

static int trace(bool on)
{
	const char *to = on ? "1" : "0";

	if (on && (file_write(TRACING "buffer_size_kb", "4096") ||
		   file_write(TRACING "trace_clock", "mono")))
		return -1;
	return file_write(TRACING "events/kvm/kvm_entry/enable", to) ?:
	       file_write(TRACING "events/kvm/kvm_exit/enable", to) ?:
	       file_write(TRACING "tracing_on", to);
}

struct told {
	char to[VMSCHED_NAME_LEN];
	uint64_t found;
	uint64_t bypass_ns;
};

static void take_fault(const struct nlmsghdr *msg, void *arg)
{
	struct told *t = arg;

	t->found = genl_u64(genl_attr(msg, VMSCHED_A_FAULT_TIME_NS));
	t->bypass_ns = genl_u64(genl_attr(msg, VMSCHED_A_FAULT_BYPASS_NS));
	snprintf(t->to, sizeof(t->to), "%s",
		 genl_text(genl_attr(msg, VMSCHED_A_FAULT_TO)));
}

static int last_fault(struct told *t)
{
	struct genl_ack ack;
	struct genl_msg m;
	struct genl g;
	int err = genl_open(&g);

	memset(t, 0, sizeof(*t));
	if (err)
		return err;
	genl_begin(&g, &m, VMSCHED_CMD_FAULT_GET, 0);
	err = genl_call(&g, &m, &ack, take_fault, t) ?: ack.error;
	genl_close(&g);
	return err;
}

FIXTURE(bypass) {
	struct klog log;
};

FIXTURE_VARIANT(bypass) {
	const char *name;
	bool sleeps;	/* one is asleep when it happens, and wakes */
};

FIXTURE_SETUP(bypass)
{
	const char *missing = kvm_host_missing();
	unsigned int i;

	if (missing)
		SKIP(return, "%s", missing);
	if (!clock_is_exact())
		SKIP(return, "8 ms need exact time");
	ASSERT_EQ(0, klog_mark(&self->log));
	ASSERT_EQ(0, vmsched_ready());
	/* The one that wakes comes first: the last one is left out by bad_stall. */
	for (i = 0; i <= BUSY; i++) {
		vms[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = i ? "spins" : "wakes",
			.kind = i ? RAWVM_SPIN : RAWVM_TICK,
			.period_us = PERIOD_US, .cpus = "0" });
		ASSERT_NE(NULL, vms[i]);
		ASSERT_TRUE(vm_listed(rawvm_pid(vms[i]), true, limit_ms(2000)));
	}
	ASSERT_EQ(0, rawvm_pause(vms[variant->sleeps]));
	ASSERT_EQ(0, control_first());
}

FIXTURE_TEARDOWN(bypass)
{
	rawvm_kill_all();
	EXPECT_EQ(0, sched_switch("native", NULL));
	EXPECT_EQ(0, klog_warnings_but(&self->log, SAYS));
	klog_close(&self->log);
}

FIXTURE_VARIANT_ADD(bypass, stall) { .name = "bad_stall" };
FIXTURE_VARIANT_ADD(bypass, wrong_answer) { .name = "bad_stranger" };
FIXTURE_VARIANT_ADD(bypass, wrong_slice) { .name = "bad_slice" };
FIXTURE_VARIANT_ADD(bypass, slow) { .name = "bad_slow" };
FIXTURE_VARIANT_ADD(bypass, list) { .name = "bad_list" };
FIXTURE_VARIANT_ADD(bypass, link) { .name = "bad_link" };
FIXTURE_VARIANT_ADD(bypass, stall_and_wake) { .name = "bad_stall", .sleeps = true };
FIXTURE_VARIANT_ADD(bypass, slow_and_wake) { .name = "bad_slow", .sleeps = true };
FIXTURE_VARIANT_ADD(bypass, list_and_wake) { .name = "bad_list", .sleeps = true };

TEST_F_TIMEOUT(bypass, guests_run_soon, LIMIT)
{
	struct rawvm_delay late;
	uint64_t armed, end, wakes;
	unsigned int i;
	struct told t;
	double runs;

	ASSERT_EQ(0, module_insert_own(variant->name));
	ASSERT_EQ(0, sched_switch(variant->name, NULL));
	clock_sleep_ms(SETTLE_MS);
	ASSERT_EQ(0, trace(true));
	armed = clock_ns();
	EXPECT_EQ(0, module_set_param(variant->name, "armed", 1));
	clock_sleep_ms(WAIT_MS);
	end = clock_ns();
	EXPECT_EQ(0, trace(false));
	ASSERT_EQ(0, last_fault(&t));
	EXPECT_LT(armed, t.found);
	EXPECT_STREQ("native", t.to);
	runs = runs_after_ms(variant->sleeps ? BUSY : 1, t.found);
	metric("may_run", t.bypass_ns / 1e6, "ms");
	metric("runs", runs, "ms");
	EXPECT_GE(BYPASS_MS, runs);
	if (variant->sleeps) {
		/* Due since then: the scheduler may have let it wait before */
		wakes = (end - t.found) / (PERIOD_US * NSEC_PER_USEC);
		ASSERT_EQ(0, rawvm_delays(vms[0], 0, rawvm_delay_mark(vms[0], 0) - wakes,
					  &late));
		metric("late_at_wake", late.max_ns / 1e6, "ms");
		EXPECT_LE(wakes, late.n);
		EXPECT_LT(AFTER_MS * 1000 / PERIOD_US, wakes);
		EXPECT_GE(BYPASS_MS, late.max_ns / 1e6);
	}
	EXPECT_EQ(0, rawvm_resume(vms[variant->sleeps]));
	for (i = 0; i <= BUSY; i++)
		EXPECT_TRUE(rawvm_advances(vms[i], limit_ms(1000)));
	EXPECT_EQ(0, module_remove(variant->name));
}

TEST_HARNESS_MAIN
