// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to VMs from outside while a scheduler holds them: signals,
 * tracing, freezing, new masks, CPUs that go. Nothing may hang (no wait may
 * last 30 s) and nothing may be left.
 *
 * Two VMs of two vCPUs each spin on all pCPUs, so that on two of them some
 * vCPU always waits in the gate.
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/fixture.h"
#include "lib/genl.h"

#define VCPUS		2
#define ADVANCE_MS	HANG_LIMIT_MS
#define GONE_MS		limit_ms(1000)
/* Seconds for a whole test on a slow machine; each wait has its own limit */
#define LIMIT		240

FIXTURE_VARIANT(vmsched) {
	const char *scheduler;
};

FIXTURE_VARIANT_ADD(vmsched, rr) {
	.scheduler = "rr",
};

FIXTURE_VARIANT_ADD(vmsched, bvt) {
	.scheduler = "bvt",
};

static struct rawvm *vm_a, *vm_b;

static bool start_two(const char *scheduler)
{
	vm_a = rawvm_spawn(&(struct rawvm_spec) {
		.name = "a", .nr_vcpus = VCPUS });
	vm_b = rawvm_spawn(&(struct rawvm_spec) {
		.name = "b", .nr_vcpus = VCPUS });
	return vm_a && vm_b && !control_first() &&
	       !sched_switch(scheduler, NULL);
}

static bool both_advance(void)
{
	bool a = rawvm_advances(vm_a, ADVANCE_MS);
	bool b = rawvm_advances(vm_b, ADVANCE_MS);

	if (!a || !b)
		printf("# VM a %s, VM b %s\n", a ? "advances" : "stands still",
		       b ? "advances" : "stands still");
	return a && b && !rawvm_broken(vm_a) && !rawvm_broken(vm_b);
}

static bool stands_still(const struct rawvm *vm)
{
	uint64_t before;

	clock_sleep_ms(50);
	before = rawvm_progress_all(vm);
	clock_sleep_ms(200);
	return rawvm_progress_all(vm) == before;
}

TEST_F_TIMEOUT(vmsched, kill_9, LIMIT)
{
	pid_t pid;

	ASSERT_TRUE(start_two(variant->scheduler));
	pid = rawvm_pid(vm_a);
	ASSERT_TRUE(vm_listed(pid, true, GONE_MS));
	ASSERT_EQ(0, rawvm_kill(vm_a));
	EXPECT_TRUE(vm_listed(pid, false, GONE_MS));
	EXPECT_TRUE(rawvm_advances(vm_b, ADVANCE_MS));
	pid = rawvm_pid(vm_b);
	ASSERT_EQ(0, rawvm_pause(vm_b));
	ASSERT_EQ(0, rawvm_kill(vm_b));
	EXPECT_TRUE(vm_listed(pid, false, GONE_MS));
}

TEST_F_TIMEOUT(vmsched, kill_9_storm, LIMIT)
{
	struct rawvm_spec spec = { .name = "short", .nr_vcpus = VCPUS };
	int i;

	ASSERT_TRUE(start_two(variant->scheduler));
	for (i = 0; i < 30; i++) {
		struct rawvm *vm;
		pid_t pid;

		spec.kind = i % RAWVM_MIXED;
		vm = rawvm_spawn(&spec);
		ASSERT_NE(NULL, vm);
		pid = rawvm_pid(vm);
		ASSERT_EQ(0, rawvm_kill(vm));
		ASSERT_TRUE(vm_listed(pid, false, GONE_MS));
	}
	EXPECT_TRUE(both_advance());
}

/* Wait for the ptrace stop of @tid; false after 10 s */
static bool wait_stop(pid_t tid)
{
	uint64_t end = clock_ns() + ADVANCE_MS * NSEC_PER_MSEC;
	int status;

	while (clock_ns() < end) {
		pid_t got = waitpid(tid, &status, __WALL | WNOHANG);

		if (got == tid)
			return WIFSTOPPED(status);
		if (got < 0)
			return false;
		clock_sleep_ms(1);
	}
	return false;
}

TEST_F_TIMEOUT(vmsched, ptrace_seize, LIMIT)
{
	unsigned int i;

	ASSERT_TRUE(start_two(variant->scheduler));
	for (i = 0; i < VCPUS; i++) {
		pid_t tid = rawvm_tid(vm_a, i);
		uint64_t before;

		ASSERT_EQ(0, ptrace(PTRACE_SEIZE, tid, NULL, NULL));
		ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, tid, NULL, NULL));
		ASSERT_TRUE(wait_stop(tid));
		before = rawvm_progress(vm_a, i);
		EXPECT_TRUE(rawvm_advances(vm_b, ADVANCE_MS));
		EXPECT_EQ(before, rawvm_progress(vm_a, i));
		ASSERT_EQ(0, ptrace(PTRACE_DETACH, tid, NULL, NULL));
	}
	EXPECT_TRUE(both_advance());
}

TEST_F_TIMEOUT(vmsched, ptrace_attach, LIMIT)
{
	unsigned int i, j;

	ASSERT_TRUE(start_two(variant->scheduler));
	for (j = 0; j < 10; j++) {
		for (i = 0; i < VCPUS; i++) {
			pid_t tid = rawvm_tid(vm_a, i);

			ASSERT_EQ(0, ptrace(PTRACE_ATTACH, tid, NULL, NULL));
			ASSERT_TRUE(wait_stop(tid));
			ASSERT_EQ(0, ptrace(PTRACE_DETACH, tid, NULL, NULL));
		}
	}
	EXPECT_TRUE(both_advance());
}

/* A VMM that dies while it is traced, and its tracer with it */
TEST_F_TIMEOUT(vmsched, ptrace_kill, LIMIT)
{
	pid_t pid;

	ASSERT_TRUE(start_two(variant->scheduler));
	pid = rawvm_pid(vm_a);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, rawvm_tid(vm_a, 0), NULL, NULL));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, rawvm_tid(vm_a, 0), NULL, NULL));
	ASSERT_TRUE(wait_stop(rawvm_tid(vm_a, 0)));
	kill(pid, SIGKILL);
	while (waitpid(rawvm_tid(vm_a, 0), NULL, __WALL) < 0 && errno == EINTR)
		;
	ASSERT_EQ(0, rawvm_kill(vm_a));
	EXPECT_TRUE(vm_listed(pid, false, GONE_MS));
	EXPECT_TRUE(rawvm_advances(vm_b, ADVANCE_MS));
}

TEST_F_TIMEOUT(vmsched, sigstop_sigcont, LIMIT)
{
	int i;

	ASSERT_TRUE(start_two(variant->scheduler));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, kill(rawvm_pid(vm_a), SIGSTOP));
		EXPECT_TRUE(stands_still(vm_a));
		EXPECT_TRUE(rawvm_advances(vm_b, ADVANCE_MS));
		ASSERT_EQ(0, kill(rawvm_pid(vm_a), SIGCONT));
		ASSERT_TRUE(both_advance());
	}
	ASSERT_EQ(0, kill(rawvm_pid(vm_a), SIGSTOP));
	EXPECT_EQ(0, sched_switch("native", NULL));
	ASSERT_EQ(0, sched_switch(variant->scheduler, NULL));
	ASSERT_EQ(0, kill(rawvm_pid(vm_a), SIGCONT));
	EXPECT_TRUE(both_advance());
}

TEST_F_TIMEOUT(vmsched, stop_and_cont, LIMIT)
{
	int i;

	ASSERT_TRUE(start_two(variant->scheduler));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, rawvm_pause(vm_a));
		EXPECT_TRUE(stands_still(vm_a));
		EXPECT_TRUE(rawvm_advances(vm_b, ADVANCE_MS));
		ASSERT_EQ(0, rawvm_resume(vm_a));
		ASSERT_TRUE(both_advance());
	}
}

TEST_F_TIMEOUT(vmsched, signal_storm, LIMIT)
{
	int i;

	ASSERT_TRUE(start_two(variant->scheduler));
	for (i = 0; i < 1000; i++) {
		pid_t tid = rawvm_tid(vm_a, i % VCPUS);

		ASSERT_EQ(0, tgkill(rawvm_pid(vm_a), tid, SIGUSR1));
		if (i % 10 == 0)
			clock_sleep_ms(1);
	}
	EXPECT_TRUE(both_advance());
}

static bool mask_is(pid_t tid, const cpu_set_t *want)
{
	char is[128], wanted[128];
	cpu_set_t mask;

	if (sched_getaffinity(tid, sizeof(mask), &mask))
		return false;
	if (CPU_EQUAL(&mask, want))
		return true;
	printf("# thread %d: CPU mask is %s, should be %s\n", tid,
	       cpus_format(&mask, is, sizeof(is)),
	       cpus_format(want, wanted, sizeof(wanted)));
	return false;
}

TEST_F_TIMEOUT(vmsched, fork_and_exec, LIMIT)
{
	struct rawvm_child child;
	cpu_set_t all;
	unsigned int i;
	pid_t pid;

	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	ASSERT_TRUE(start_two(variant->scheduler));
	EXPECT_EQ(0, rawvm_fork_exec(vm_a));
	for (i = 0; i < VCPUS; i++) {
		EXPECT_EQ(0, rawvm_vcpu_fork(vm_a, i, &child));
		EXPECT_TRUE(CPU_EQUAL(&all, &child.mask));
	}
	EXPECT_TRUE(both_advance());
	pid = rawvm_pid(vm_a);
	ASSERT_EQ(0, rawvm_exec(vm_a));
	EXPECT_TRUE(vm_listed(pid, false, GONE_MS));
	/* The program that took the VMM's place has the VMM's mask */
	EXPECT_TRUE(mask_is(pid, &all));
	EXPECT_EQ(0, rawvm_kill(vm_a));
	EXPECT_TRUE(rawvm_advances(vm_b, ADVANCE_MS));
}

TEST_F_TIMEOUT(vmsched, thread_of_a_vcpu, LIMIT)
{
	struct rawvm_child child[VCPUS];
	cpu_set_t all;
	unsigned int i;

	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	ASSERT_TRUE(start_two(variant->scheduler));
	for (i = 0; i < VCPUS; i++) {
		ASSERT_EQ(0, rawvm_vcpu_clone(vm_a, i, &child[i]));
		EXPECT_TRUE(mask_is(child[i].tid, &all));
	}
	clock_sleep_ms(200);
	for (i = 0; i < VCPUS; i++)
		EXPECT_TRUE(mask_is(child[i].tid, &all));
	ASSERT_EQ(0, sched_switch("native", NULL));
	for (i = 0; i < VCPUS; i++) {
		EXPECT_TRUE(mask_is(child[i].tid, &all));
		EXPECT_TRUE(mask_is(rawvm_tid(vm_a, i), &all));
	}
	EXPECT_TRUE(both_advance());
}

/*
 * Where Linux does not remember what a user had asked for, a mask that happens
 * to be that of the grant cannot be told from it: ask while there is none.
 */
static int set_mask(pid_t tid, const cpu_set_t *mask, const char *scheduler)
{
	int lacks = kernel_lacks("user-mask");
	int ret;

	if (lacks < 0)
		return lacks;
	if (lacks) {
		printf("# user-mask is missing: the mask is set under native\n");
		if (sched_switch("native", NULL))
			return -EIO;
	}
	ret = sched_setaffinity(tid, sizeof(*mask), mask) ? -errno : 0;
	return ret || !lacks ? ret : sched_switch(scheduler, NULL);
}

/* Bind thread @tid to @cpu as a user does; true if it is only seen there then */
static bool bound_to(pid_t tid, unsigned int cpu, const char *scheduler)
{
	cpu_set_t mask;
	uint64_t is;
	int i;

	CPU_ZERO(&mask);
	CPU_SET(cpu, &mask);
	if (set_mask(tid, &mask, scheduler))
		return false;
	clock_sleep_ms(100);
	for (i = 0; i < 20; i++) {
		if (vcpu_u64(tid, "cpu", &is))
			return false;
		if (is != cpu) {
			printf("# thread %d is on CPU %ju, was bound to %u\n",
			       tid, (uintmax_t)is, cpu);
			return false;
		}
		clock_sleep_ms(20);
	}
	return true;
}

/* The user's mask wins at once, and is there when the module is gone */
TEST_F_TIMEOUT(vmsched, taskset, LIMIT)
{
	cpu_set_t last;
	pid_t tid;

	if (cpus_online() < 2)
		SKIP(return, "needs 2 CPUs, has 1");
	CPU_ZERO(&last);
	CPU_SET(cpus_online() - 1, &last);
	ASSERT_TRUE(start_two(variant->scheduler));
	tid = rawvm_tid(vm_a, 0);
	/* One of them is not where it is anyway */
	EXPECT_TRUE(bound_to(tid, 0, variant->scheduler));
	EXPECT_TRUE(both_advance());
	EXPECT_TRUE(bound_to(tid, cpus_online() - 1,
			     variant->scheduler));
	EXPECT_TRUE(both_advance());
	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_TRUE(mask_is(tid, &last));
	ASSERT_EQ(0, sched_switch(variant->scheduler, NULL));
	EXPECT_TRUE(both_advance());
	ASSERT_EQ(0, sched_switch("native", NULL));
	ASSERT_EQ(0, vmsched_remove_all());
	EXPECT_TRUE(mask_is(tid, &last));
	EXPECT_TRUE(both_advance());
}

struct placed {
	uint32_t cpu;
	unsigned int there;
	unsigned int elsewhere;
};

static void take_place(const struct nlmsghdr *msg, void *arg)
{
	struct placed *p = arg;

	if (genl_u32(genl_attr(msg, VMSCHED_A_VCPU_CPU)) == p->cpu)
		p->there++;
	else
		p->elsewhere++;
}

/* True once each vCPU of VM a is on @cpu, and stays there */
static bool all_on(uint32_t cpu)
{
	uint64_t end = clock_ns() + patience(ADVANCE_MS) * NSEC_PER_MSEC;
	struct placed p = { .cpu = cpu };
	unsigned int looks = 0;
	struct genl_ack ack;
	struct genl_msg m;
	uint64_t id;
	struct genl g;

	if (vm_id(rawvm_pid(vm_a), &id) || genl_open(&g))
		return false;
	/* As often as needed for each of them to have had its slice */
	while (p.there < 20 * VCPUS && clock_ns() < end) {
		genl_begin(&g, &m, VMSCHED_CMD_VCPU_GET, NLM_F_DUMP);
		genl_put_u64(&m, VMSCHED_A_VCPU_VM_ID, id);
		p.elsewhere = 0;
		if (genl_call(&g, &m, &ack, take_place, &p) || ack.error)
			break;
		if (p.elsewhere)
			p.there = 0;
		looks++;
		clock_sleep_ms(20);
	}
	genl_close(&g);
	if (p.there < 20 * VCPUS)
		printf("# %u looks at pCPU %u: %u there, then %u elsewhere\n",
		       looks, cpu, p.there, p.elsewhere);
	return p.there >= 20 * VCPUS;
}

/* What the VM's parameters allow counts at once, as does a mask of the user */
TEST_F_TIMEOUT(vmsched, affinity, LIMIT)
{
	unsigned int last = cpus_online() - 1;
	pid_t pid;

	if (!last)
		SKIP(return, "needs 2 CPUs, has 1");
	ASSERT_TRUE(start_two(variant->scheduler));
	pid = rawvm_pid(vm_a);
	ASSERT_EQ(0, cli_do("vm set pid:%d affinity %u", pid, last));
	EXPECT_TRUE(all_on(last));
	EXPECT_TRUE(both_advance());
	ASSERT_EQ(0, cli_do("vm set pid:%d affinity 0", pid));
	EXPECT_TRUE(all_on(0));
	EXPECT_TRUE(both_advance());
	ASSERT_EQ(0, cli_do("vm set pid:%d affinity all", pid));
	EXPECT_TRUE(both_advance());
}

/* A mask that is widened again must be used again */
TEST_F_TIMEOUT(vmsched, taskset_and_back, LIMIT)
{
	cpu_set_t all, first;
	unsigned int i;

	if (cpus_online() < 2)
		SKIP(return, "needs 2 CPUs, has 1");
	ASSERT_EQ(0, cpus_parse("0", &first));
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	ASSERT_TRUE(start_two(variant->scheduler));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, sched_setaffinity(rawvm_tid(vm_a, i % VCPUS),
					       sizeof(first), &first));
		ASSERT_TRUE(both_advance());
		ASSERT_EQ(0, sched_setaffinity(rawvm_tid(vm_a, i % VCPUS),
					       sizeof(all), &all));
		ASSERT_TRUE(both_advance());
	}
	ASSERT_EQ(0, sched_switch("native", NULL));
	for (i = 0; i < VCPUS; i++)
		EXPECT_TRUE(mask_is(rawvm_tid(vm_a, i), &all));
}

TEST_F_TIMEOUT(vmsched, cpu_offline_online, LIMIT)
{
	unsigned int last = cpus_online() - 1;
	struct cpus_time start, end;
	double idle;
	int i, ret;

	if (!last)
		SKIP(return, "needs 2 CPUs, has 1");
	ASSERT_TRUE(start_two(variant->scheduler));
	for (i = 0; i < 3; i++) {
		ret = cpus_set_online(last, false);
		if (ret == -EACCES || ret == -ENOENT)
			SKIP(return, "CPU %u cannot be taken off", last);
		ASSERT_EQ(0, ret);
		EXPECT_TRUE(both_advance());
		ASSERT_EQ(0, cpus_set_online(last, true));
		ASSERT_TRUE(both_advance());
	}
	/* The one that came back is used again */
	clock_sleep_ms(300);
	ASSERT_EQ(0, cpus_read_time(&start));
	clock_sleep_ms(2000);
	ASSERT_EQ(0, cpus_read_time(&end));
	idle = end.idle - start.idle;
	idle = idle / (idle + end.busy - start.busy) * 100;
	metric("idle_after_online", idle, "%");
	EXPECT_LT(idle, 5);
	EXPECT_EQ(0, klog_warnings_but(&self->log, KLOG_AFFINE));
}

/* The only CPU a user's mask allows goes: Linux widens the mask, the VM runs */
TEST_F_TIMEOUT(vmsched, cpu_offline_of_a_pinned_vcpu, LIMIT)
{
	unsigned int cpu = cpus_online() - 1;
	cpu_set_t last;

	if (!cpu)
		SKIP(return, "needs 2 CPUs, has 1");
	CPU_ZERO(&last);
	CPU_SET(cpu, &last);
	ASSERT_TRUE(start_two(variant->scheduler));
	/* vmsched looks when the thread is not where it has bound it itself */
	ASSERT_TRUE(bound_to(rawvm_tid(vm_a, 0), 0, variant->scheduler));
	ASSERT_TRUE(bound_to(rawvm_tid(vm_a, 0), cpu, variant->scheduler));
	ASSERT_TRUE(both_advance());
	ASSERT_EQ(0, cpus_set_online(cpu, false));
	EXPECT_TRUE(both_advance());
	ASSERT_EQ(0, cpus_set_online(cpu, true));
	EXPECT_TRUE(both_advance());
	/* Linux has forgotten what the user wants: vmsched has not */
	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_TRUE(mask_is(rawvm_tid(vm_a, 0), &last));
	EXPECT_EQ(0, klog_warnings_but(&self->log, KLOG_AFFINE));
}

TEST_F_TIMEOUT(vmsched, cgroup_freezer, LIMIT)
{
	static const char group[] = "/sys/fs/cgroup/vmsched_test";
	char procs[64], freeze[64];
	int i;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", group);
	snprintf(freeze, sizeof(freeze), "%s/cgroup.freeze", group);
	if (mkdir(group, 0755) && errno != EEXIST)
		SKIP(return, "no writable cgroup2 at /sys/fs/cgroup");
	if (access(freeze, W_OK))
		SKIP(return, "no cgroup2 freezer at /sys/fs/cgroup");
	ASSERT_TRUE(start_two(variant->scheduler));
	ASSERT_EQ(0, file_write_pid(procs, rawvm_pid(vm_a)));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, file_write(freeze, "1"));
		EXPECT_TRUE(stands_still(vm_a));
		EXPECT_TRUE(rawvm_advances(vm_b, ADVANCE_MS));
		ASSERT_EQ(0, file_write(freeze, "0"));
		ASSERT_TRUE(both_advance());
	}
	ASSERT_EQ(0, rawvm_kill(vm_a));
	rmdir(group);
}

TEST_HARNESS_MAIN
