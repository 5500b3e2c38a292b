// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that runs out, for the tool, for a VMM and for all: VMs go on, those
 * that were killed are forgotten, nothing is left half done.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "lib/storm_fixture.h"

#define GROUP		"/sys/fs/cgroup/vmsched_storm"
#define MIB		(1024 * 1024UL)
#define CHUNK		(16 * MIB)

/* A cgroup with @mib of memory, all of which dies together; false: cannot */
static bool group_make(unsigned int kib)
{
	char text[32];

	file_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		return false;
	snprintf(text, sizeof(text), "%uK", kib);
	return !file_write(GROUP "/memory.oom.group", "1") &&
	       !file_write(GROUP "/memory.max", text);
}

/*
 * Take memory until somebody ends it; never returns. At the priority of the
 * test, and by huge pages, or it would take minutes on a slow machine.
 */
static void take_all_memory(const char *adj)
{
	void *p;

	file_write("/proc/self/oom_score_adj", adj);
	for (;;) {
		p = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			continue;
		madvise(p, CHUNK, MADV_HUGEPAGE);
		memset(p, 1, CHUNK);
	}
}

/* Start one, in the cgroup @procs unless that is NULL; true once it is killed */
static bool hog(const char *procs, const char *adj)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (procs && file_write_pid(procs, getpid()))
			_exit(1);
		take_all_memory(adj);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	       WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static int reaped(struct rawvm *vm)
{
	/* It is dead already, or something is wrong */
	if (rawvm_advances(vm, 300)) {
		printf("# the VMM was not killed\n");
		return -EINVAL;
	}
	return 0;
}

/* `vmschedctl WORDS` with @kib of memory; its status, 137 if it was killed */
static int small_tool(unsigned int kib, const char *words)
{
	char line[160];
	char * const argv[] = { "sh", "-c", line, NULL };
	struct run_result r;
	int ret;

	if (!group_make(kib))
		return -EINVAL;
	snprintf(line, sizeof(line),
		 "echo $$ >" GROUP "/cgroup.procs && exec vmschedctl -j %s",
		 words);
	ret = run(&r, 0, argv);
	if (!ret)
		ret = r.status;
	run_free(&r);
	return ret;
}

TEST_STORM(tool_without_memory, 90)
{
	static const unsigned int kib[] = { 32768, 4096, 2048, 1024, 512, 128 };
	struct storm *s = &self->storm;
	unsigned int i, n = storm_count(12, 1000), done = 0, killed = 0;
	char before[32], after[32];

	if (!group_make(kib[0]))
		SKIP(return, "no cgroup2 with a memory controller at /sys/fs/cgroup");
	klog_memory_is_short(true);
	for (i = 0; i < n; i++) {
		const char *to = storm_scheduler(s);
		char words[64];
		int status;

		ASSERT_EQ(0, sched_active(before, sizeof(before)));
		snprintf(words, sizeof(words), "sched switch %s", to);
		status = small_tool(kib[i % ARRAY_SIZE(kib)], words);
		ASSERT_EQ(0, sched_active(after, sizeof(after)));
		/* Done, or not: nothing in between */
		if (!status) {
			ASSERT_STREQ(to, after);
			done++;
		} else if (strcmp(after, to)) {
			ASSERT_STREQ(before, after);
		}
		killed += status == 128 + SIGKILL;
		if (i % ARRAY_SIZE(kib) == 0) {
			ASSERT_EQ(0, status);
			ASSERT_EQ(0, small_tool(kib[0], "vcpu list"));
		}
		ASSERT_TRUE(storm_witnesses_advance(s));
	}
	storm_done(s, "tools", n);
	metric("tools_done", done, "");
	metric("tools_killed", killed, "");
	EXPECT_GT(killed, 0);
	klog_memory_is_short(false);
	rmdir(GROUP);
}

TEST_STORM(vmm_without_memory, 60)
{
	struct storm *s = &self->storm;
	unsigned int i, n = storm_count(6, 50);

	if (!group_make(32768))
		SKIP(return, "no cgroup2 with a memory controller at /sys/fs/cgroup");
	klog_memory_is_short(true);
	for (i = 0; i < n; i++) {
		struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
			.name = "victim", .nr_vcpus = 2, .kind = i % RAWVM_MIXED });
		pid_t pid;

		ASSERT_NE(NULL, vm);
		pid = rawvm_pid(vm);
		ASSERT_EQ(0, sched_switch(storm_scheduler(s), NULL));
		ASSERT_TRUE(vm_listed(pid, true, HANG_LIMIT_MS));
		ASSERT_EQ(0, file_write_pid(GROUP "/cgroup.procs", pid));
		ASSERT_TRUE(hog(GROUP "/cgroup.procs", "0"));
		ASSERT_EQ(0, reaped(vm));
		ASSERT_EQ(0, rawvm_kill(vm));
		ASSERT_TRUE(vm_listed(pid, false, limit_ms(1000)));
		ASSERT_TRUE(storm_witnesses_advance(s));
	}
	storm_done(s, "vmms_killed", n);
	klog_memory_is_short(false);
	rmdir(GROUP);
}

static bool spare(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	return !file_write(path, "-1000");
}

/* Who wants a page waits until Linux has found one, guest or not */
#define STALL_MS	10000

/* The whole machine has none left: first the VMM goes, then who took it all */
TEST_STORM(host_without_memory, 180)
{
	struct storm *s = &self->storm;
	unsigned int i, n = storm_count(1, 50);

	s->stall_ms = STALL_MS;
	ASSERT_TRUE(spare(rawvm_pid(s->witness[0])));
	ASSERT_TRUE(spare(rawvm_pid(s->witness[1])));
	klog_memory_is_short(true);
	for (i = 0; i < n; i++) {
		struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
			.name = "victim", .nr_vcpus = 2, .kind = i % RAWVM_MIXED });
		char path[64];
		pid_t pid;

		ASSERT_NE(NULL, vm);
		pid = rawvm_pid(vm);
		ASSERT_EQ(0, sched_switch(i % 2 ? "bvt" : "rr", NULL));
		ASSERT_TRUE(vm_listed(pid, true, HANG_LIMIT_MS));
		snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
		ASSERT_EQ(0, file_write(path, "1000"));
		ASSERT_TRUE(spare(getpid()));
		ASSERT_TRUE(hog(NULL, "0"));
		ASSERT_EQ(0, file_write("/proc/self/oom_score_adj", "0"));
		ASSERT_EQ(0, reaped(vm));
		ASSERT_EQ(0, rawvm_kill(vm));
		ASSERT_TRUE(vm_listed(pid, false, HANG_LIMIT_MS));
		ASSERT_TRUE(storm_witnesses_advance(s));
	}
	storm_done(s, "hosts_full", n);
	klog_memory_is_short(false);
}

TEST_HARNESS_MAIN
