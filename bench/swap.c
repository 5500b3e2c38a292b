// SPDX-License-Identifier: GPL-2.0
/*
 * What a change of the scheduler costs vCPUs that run: 16 busy ones of 8 VMs, and
 * the same beside 64 VMs that are halted.
 *
 * Of each switch the blackout is taken: from the interrupt that makes guests
 * leave to the next entry into one on that pCPU. How many exits the switches
 * cause, and how much of their work it costs the guests, is counted against as
 * many requests for the scheduler that is in force: those come and go the same
 * way, and change nothing.
 *
 * Peers are what a kernel has to make others see a change: taking probes off
 * and on again with the wait that this needs, a grace period of RCU, patching
 * a static call, stopping all pCPUs.
 */
#include <stdlib.h>

#include "bench.h"
#include "lib/cli.h"
#include "lib/clock.h"
#include "lib/genl.h"
#include "lib/guest_abi.h"
#include "lib/rawvm.h"

#define VMS		8
#define VCPUS		2
#define BUSY		(VMS * VCPUS)
#define HALTED		64
#define SWITCHES	1000

/* A tick is 4 ms: switches come at 1,000 different moments between two of them */
#define PERIOD_US	9907

/* Asleep for longer than all of this takes */
#define WAKE_US		10000
#define NEVER_US	4000000000U

static const struct {
	const char *to, *row;
} order[] = {
	{ "rr", "native to rr" },
	{ "bvt", "rr to bvt" },
	{ "native", "bvt to native" },
};

#define KINDS		ARRAY_SIZE(order)
/* In the order of the cycle: at its end native is in force */
#define CYCLES		((SWITCHES + KINDS - 1) / KINDS)
#define TAKEN		(CYCLES * KINDS)

/* What the guests did in some time, and how long that was */
struct work {
	uint64_t exits[BUSY];
	uint64_t loops;
	uint64_t ns;
};

struct answer {
	uint64_t blackout_ns;
	uint64_t cease_ns;
	uint32_t vcpus;
};

static struct rawvm *busy[VMS];
static struct genl genl;

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print_row(const char *row, uint64_t *ns, unsigned int n)
{
	qsort(ns, n, sizeof(ns[0]), by_value);
	figure("swap", row, "blackout-p50", ns[n / 2], "ns");
	figure("swap", row, "blackout-p99", ns[n * 99 / 100], "ns");
	figure("swap", row, "blackout-max", ns[n - 1], "ns");
}

/* What KVM has counted of each vCPU, as of when its thread left a pCPU last */
static void add_exits(struct work *w, int sign)
{
	uint64_t exits;
	unsigned int i;

	for (i = 0; i < BUSY; i++) {
		if (vcpu_u64(rawvm_tid(busy[i / VCPUS], i % VCPUS), "exits",
			     &exits))
			die("no exits of a vCPU");
		w->exits[i] += sign * exits;
	}
}

/* Next to what is measured: to ask for exits takes long, and the guests go on */
static void add_loops(struct work *w, int sign)
{
	unsigned int i;

	w->ns += sign * clock_ns();
	for (i = 0; i < VMS; i++)
		w->loops += sign * rawvm_progress_all(busy[i]);
}

static void take_answer(const struct nlmsghdr *msg, void *arg)
{
	struct answer *a = arg;

	a->blackout_ns = genl_u64(genl_attr(msg, VMSCHED_A_SWITCH_BLACKOUT_NS));
	a->cease_ns = genl_u64(genl_attr(msg, VMSCHED_A_SWITCH_CEASE_NS));
	a->vcpus = genl_u32(genl_attr(msg, VMSCHED_A_SWITCH_VCPUS));
}

static void ask_for(const char *to, struct answer *a)
{
	struct genl_ack ack;
	struct genl_msg m;

	genl_begin(&genl, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
	genl_put_text(&m, VMSCHED_A_SWITCH_TO, to);
	if (genl_call(&genl, &m, &ack, take_answer, a) || ack.error)
		die("no switch to %s: %s", to, ack.text);
}

/* @n requests for @to, or each for the next of the cycle */
static void requests(unsigned int n, const char *to, struct answer *answers)
{
	uint64_t next = clock_ns();
	unsigned int i;

	for (i = 0; i < n; i++) {
		ask_for(to ? to : order[i % KINDS].to, &answers[i]);
		next += PERIOD_US * NSEC_PER_USEC;
		clock_sleep_until(next);
	}
}

/* The same number of requests under the same schedulers, without a switch */
static void idle_requests(struct work *w, struct answer *answers)
{
	unsigned int i;

	for (i = 0; i < KINDS; i++) {
		ctl("sched switch %s", order[i].to);
		clock_sleep_ms(100);
		add_exits(w, -1);
		add_loops(w, -1);
		requests(CYCLES, order[i].to, answers);
		add_loops(w, 1);
		add_exits(w, 1);
	}
}

static void print_cost(const char *row, const struct work *with,
		       const struct work *without)
{
	double most = 0, sum = 0, loops;
	unsigned int i;

	for (i = 0; i < BUSY; i++) {
		double more = (double)with->exits[i] - without->exits[i];

		sum += more;
		if (more > most)
			most = more;
	}
	figure("swap", row, "exits-of-a-vcpu", sum / BUSY / TAKEN, "added");
	figure("swap", row, "most-of-one", most / TAKEN, "added");
	/* In as much time */
	loops = (double)without->loops / without->ns * with->ns;
	figure("swap", row, "guests'-work",
	       (loops - with->loops) * GUEST_LOOP / TAKEN, "ns-lost");
}

static void measure(const char *row, unsigned int vcpus, bool kinds)
{
	static struct answer answers[TAKEN];
	static uint64_t ns[TAKEN];
	struct work with = {}, without = {};
	unsigned int i, kind;

	idle_requests(&without, answers);
	add_exits(&with, -1);
	/* KVM is hooked again, as it is until there was native for a second */
	ask_for("rr", answers);
	ask_for("native", answers);
	add_loops(&with, -1);
	requests(TAKEN, NULL, answers);
	add_loops(&with, 1);
	add_exits(&with, 1);
	for (i = 0; i < TAKEN; i++) {
		if (answers[i].vcpus != vcpus)
			die("%u vCPUs instead of %u", answers[i].vcpus, vcpus);
		ns[i] = answers[i].blackout_ns;
	}
	print_row(row, ns, TAKEN);
	for (i = 0; i < TAKEN; i++)
		ns[i] = answers[i].cease_ns;
	qsort(ns, TAKEN, sizeof(ns[0]), by_value);
	figure("swap", row, "cease-p50", ns[TAKEN / 2], "ns");
	print_cost(row, &with, &without);
	for (kind = 0; kinds && kind < KINDS; kind++) {
		for (i = 0; i < CYCLES; i++)
			ns[i] = answers[i * KINDS + kind].blackout_ns;
		print_row(order[kind].row, ns, CYCLES);
	}
}

/* They wake often at first, so that vmsched sees them, and then never */
static void start_halted(void)
{
	struct rawvm_spec spec = {
		.name = "halted", .kind = RAWVM_TICK, .period_us = WAKE_US,
	};
	struct rawvm *vms[HALTED];
	int i;

	for (i = 0; i < HALTED; i++) {
		vms[i] = rawvm_spawn(&spec);
		if (!vms[i])
			die("no guest");
	}
	for (i = 0; i < HALTED; i++)
		rawvm_set_period(vms[i], 0, NEVER_US);
	clock_sleep_ms(1000);
}

static void measure_peers(void)
{
	peer_load("measure=1");
	figure("swap", "probes-off-and-on", "time-p50",
	       peer_figure("reregister_ns"), "ns");
	figure("swap", "synchronize_rcu", "time-p50",
	       peer_figure("synchronize_rcu_ns"), "ns");
	figure("swap", "static_call_update", "time-p50",
	       peer_figure("static_call_ns"), "ns");
	figure("swap", "stop_machine", "time-p50",
	       peer_figure("stop_machine_ns"), "ns");
	peer_unload();
}

void bench_swap(void)
{
	struct rawvm_spec spec = { .name = "spin", .nr_vcpus = VCPUS };
	int i;

	for (i = 0; i < VMS; i++) {
		busy[i] = rawvm_spawn(&spec);
		if (!busy[i])
			die("no guest");
	}
	measure_peers();

	vmsched_load();
	if (genl_open(&genl))
		die("no family");
	/* All are found once they have lost their pCPU and got it again */
	clock_sleep_ms(1000);
	measure("vmsched", BUSY, true);
	start_halted();
	measure("beside 64 halted", BUSY + HALTED, false);
	genl_close(&genl);
	rawvm_kill_all();
	vmsched_unload();
}
