// SPDX-License-Identifier: GPL-2.0
/*
 * The raw guests themselves, under KVM without vmsched: each kind runs, is
 * paused, killed and measured. What the other tests conclude rests on this.
 */
#include <signal.h>

#include "lib/test.h"

#define RUN_MS		500
#define LIMIT_MS	HANG_LIMIT_MS

FIXTURE(rawvm) {
	int unused;
};

FIXTURE_SETUP(rawvm)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
}

FIXTURE_TEARDOWN(rawvm)
{
	rawvm_kill_all();
}

TEST_F(rawvm, spin)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "spin", .nr_vcpus = 2 });
	uint64_t before;

	ASSERT_NE(NULL, vm);
	before = rawvm_progress_all(vm);
	clock_sleep_ms(RUN_MS);
	metric("spin_loops_per_s", (rawvm_progress_all(vm) - before) *
	       1000.0 / RUN_MS, "1/s");
	EXPECT_TRUE(rawvm_advances(vm, LIMIT_MS));
	EXPECT_FALSE(rawvm_broken(vm));
	EXPECT_EQ(0, rawvm_exits(vm, 0));
	EXPECT_EQ(0, rawvm_stop(vm));
}

TEST_F(rawvm, tick_sleeps_and_wakes)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "tick", .kind = RAWVM_TICK });
	struct rawvm_delay delay;
	uint64_t mark;

	ASSERT_NE(NULL, vm);
	mark = rawvm_delay_mark(vm, 0);
	clock_sleep_ms(1000);
	ASSERT_EQ(0, rawvm_delays(vm, 0, mark, &delay));
	metric("tick_wakes", delay.n, "1/s");
	metric("tick_alone_delay_p50", delay.p50_ns / 1e3, "us");
	metric("tick_alone_delay_p99", delay.p99_ns / 1e3, "us");
	/* 100 a second; a wake that is late moves the ones after it */
	EXPECT_GE(delay.n, 20);
	EXPECT_LE(delay.n, 110);
	EXPECT_FALSE(rawvm_broken(vm));
	EXPECT_EQ(0, rawvm_stop(vm));
}

TEST_F(rawvm, tick_with_duty)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "mixed", .kind = RAWVM_TICK,
		.period_us = 20000, .busy_us = 5000 });
	uint64_t mark;

	ASSERT_NE(NULL, vm);
	mark = rawvm_delay_mark(vm, 0);
	clock_sleep_ms(1000);
	metric("mixed_wakes", rawvm_delay_mark(vm, 0) - mark, "1/s");
	EXPECT_GE(rawvm_delay_mark(vm, 0) - mark, 10);
	EXPECT_LE(rawvm_delay_mark(vm, 0) - mark, 55);
	EXPECT_EQ(0, rawvm_stop(vm));
}

TEST_F(rawvm, io_exits_to_user_space)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "io", .kind = RAWVM_IO });
	uint64_t exits;

	ASSERT_NE(NULL, vm);
	exits = rawvm_exits(vm, 0);
	clock_sleep_ms(RUN_MS);
	exits = rawvm_exits(vm, 0) - exits;
	metric("io_exits_per_s", exits * 1000.0 / RUN_MS, "1/s");
	EXPECT_GT(exits, 100);
	EXPECT_FALSE(rawvm_broken(vm));
	EXPECT_EQ(0, rawvm_stop(vm));
}

TEST_F(rawvm, steal_is_told)
{
	struct rawvm_spec spec = { .name = "steal", .cpus = "0" };
	struct rawvm *a = rawvm_spawn(&spec);
	struct rawvm *b = rawvm_spawn(&spec);
	uint64_t steal;

	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	steal = rawvm_steal_ns(a, 0);
	clock_sleep_ms(1000);
	steal = rawvm_steal_ns(a, 0) - steal;
	metric("steal_of_two_on_one_cpu", steal / 1e6, "ms/s");
	EXPECT_GT(steal, 300 * NSEC_PER_MSEC);
	EXPECT_LT(steal, 700 * NSEC_PER_MSEC);
}

TEST_F(rawvm, pause_and_resume)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "pause", .nr_vcpus = 3 });
	uint64_t before;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, rawvm_pause(vm));
	before = rawvm_progress_all(vm);
	clock_sleep_ms(200);
	EXPECT_EQ(before, rawvm_progress_all(vm));
	ASSERT_EQ(0, rawvm_resume(vm));
	EXPECT_TRUE(rawvm_advances(vm, LIMIT_MS));
	EXPECT_EQ(0, rawvm_stop(vm));
}

TEST_F(rawvm, children_of_a_vmm)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "fork", .nr_vcpus = 2, .cpus = "0" });
	struct rawvm_child child;
	cpu_set_t pinned;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, cpus_parse("0", &pinned));
	EXPECT_EQ(0, rawvm_fork_exec(vm));
	EXPECT_EQ(0, rawvm_vcpu_fork(vm, 1, &child));
	EXPECT_TRUE(CPU_EQUAL(&pinned, &child.mask));
	EXPECT_EQ(0, rawvm_vcpu_clone(vm, 0, &child));
	EXPECT_TRUE(CPU_EQUAL(&pinned, &child.mask));
	EXPECT_GT(child.tid, rawvm_pid(vm));
	EXPECT_TRUE(rawvm_advances(vm, LIMIT_MS));
	EXPECT_EQ(0, rawvm_exec(vm));
	EXPECT_EQ(0, rawvm_kill(vm));
}

TEST_F(rawvm, native_wake_delay)
{
	struct rawvm_spec spin = { .name = "spin", .cpus = "0" };
	struct rawvm_spec tick = { .name = "tick", .cpus = "0",
				   .kind = RAWVM_TICK };
	struct rawvm_delay delay;
	struct rawvm *vm;
	uint64_t mark;
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_NE(NULL, rawvm_spawn(&spin));
	vm = rawvm_spawn(&tick);
	ASSERT_NE(NULL, vm);
	mark = rawvm_delay_mark(vm, 0);
	clock_sleep_ms(5000);
	ASSERT_EQ(0, rawvm_delays(vm, 0, mark, &delay));
	metric("native_wakes", delay.n / 5.0, "1/s");
	metric("native_wake_delay_p50", delay.p50_ns / 1e3, "us");
	metric("native_wake_delay_p99", delay.p99_ns / 1e3, "us");
	metric("native_wake_delay_max", delay.max_ns / 1e3, "us");
	EXPECT_GT(delay.n, 20);
}

TEST_HARNESS_MAIN
