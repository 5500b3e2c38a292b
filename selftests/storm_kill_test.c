// SPDX-License-Identifier: GPL-2.0
/*
 * VMs that come and go at random while schedulers change: killed, ended, with
 * a VMM that executes another program, with vCPU threads that end first; and
 * signals, to threads of vCPUs and to vmschedctl in the midst of a command.
 */
#include <signal.h>
#include <sys/mman.h>

#include "lib/cut.h"
#include "lib/storm_fixture.h"

/* Kill a whole VM each time: processes that do so at once */
#define KILLERS		3
/* Without the others: enough for all their threads, and few enough for reuse */
#define FIRST_ID	300
#define FREE_IDS	64
#define MAX_ID		(FIRST_ID + FREE_IDS)
#define PID_MAX		"/proc/sys/kernel/pid_max"
/* A VM that is killed early has lived for so long at most */
#define EARLY_US	60000
/* VMs between two changes of the scheduler */
#define PER_SWITCH	5

static const char * const schedulers[] = { "rr", "bvt", "native" };

/*
 * Linux gives out ids from 300 up again and again once it has come to the
 * limit; the least limit that it takes, 301, leaves it a single one.
 */
static long set_pid_max(long max)
{
	FILE *f = fopen(PID_MAX, "r+e");
	long was = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &was) != 1)
		was = -1;
	rewind(f);
	fprintf(f, "%ld", max);
	return fclose(f) ? -1 : was;
}

/* Use up ids until Linux has come to the last one */
static bool ids_begin_again(void)
{
	pid_t pid, last = 0;
	unsigned int i;

	for (i = 0; i < MAX_ID; i++) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			return false;
		if (pid < last)
			return true;
		last = pid;
	}
	return false;
}

/* Which ids VMs have had; shared by all that kill */
struct ids {
	uint64_t again;
	uint8_t used[MAX_ID];
};

static void note_id(struct ids *ids, pid_t id)
{
	if (id >= FIRST_ID && id < MAX_ID &&
	    __atomic_exchange_n(&ids->used[id], 1, __ATOMIC_RELAXED))
		__atomic_add_fetch(&ids->again, 1, __ATOMIC_RELAXED);
}

static void note_ids(struct ids *ids, const struct rawvm *vm)
{
	unsigned int i;

	note_id(ids, rawvm_pid(vm));
	for (i = 0; i < rawvm_nr_vcpus(vm); i++)
		note_id(ids, rawvm_tid(vm, i));
}

static int exec_and_kill(struct rawvm *vm)
{
	int ret = rawvm_exec(vm);

	return rawvm_kill(vm) ?: ret;
}

static int pause_and_kill(struct rawvm *vm)
{
	int ret = rawvm_pause(vm);

	return rawvm_kill(vm) ?: ret;
}

/* A vCPU thread ends before its VM, then the VM in order */
static int leave_and_stop(struct rawvm *vm)
{
	int ret = rawvm_vcpu_leave(vm, 0);

	return rawvm_stop(vm) ?: ret;
}

/* All of them, the last one first, and nobody closes the VM */
static int all_leave(struct rawvm *vm)
{
	unsigned int i = rawvm_nr_vcpus(vm);
	int ret = 0;

	while (!ret && i)
		ret = rawvm_vcpu_leave(vm, --i);
	return rawvm_exit(vm) ?: ret;
}

/* Its threads have run two VMs when it is killed */
static int renew_and_kill(struct rawvm *vm)
{
	int ret = rawvm_renew(vm);

	return rawvm_kill(vm) ?: ret;
}

static int (*const end_of_vm[])(struct rawvm *vm) = {
	rawvm_kill, rawvm_stop, rawvm_exit, exec_and_kill, pause_and_kill,
	leave_and_stop, all_leave, renew_and_kill,
};

static int kill_early(struct storm_worker *w, const struct rawvm_spec *spec)
{
	uint64_t now = clock_ns();
	struct rawvm *vm = rawvm_launch(spec);

	if (!vm)
		return -EAGAIN;
	clock_sleep_until(now + storm_below(&w->rng, EARLY_US) * NSEC_PER_USEC);
	note_ids(w->data, vm);
	return rawvm_kill(vm);
}

static int one_vm(struct storm_worker *w)
{
	struct rawvm_spec spec = {
		.name = "short",
		.kind = storm_below(&w->rng, RAWVM_MIXED),
		.nr_vcpus = 1 + storm_below(&w->rng, 3),
	};
	struct rawvm *vm;

	if (!storm_below(&w->rng, 3))
		return kill_early(w, &spec);
	vm = rawvm_spawn(&spec);
	if (!vm)
		return -EAGAIN;
	note_ids(w->data, vm);
	return end_of_vm[storm_below(&w->rng, ARRAY_SIZE(end_of_vm))](vm);
}

static int end_vms(struct storm_worker *w)
{
	int ret = 0;

	while (!ret && !storm_stopped(w)) {
		ret = one_vm(w);
		w->done++;
	}
	return ret;
}

/* In rounds, after each of which no VM may be left in the lists */
TEST_STORM(vms_end_in_all_ways, 150)
{
	struct storm *s = &self->storm;
	unsigned int n = storm_count(60, 2000);
	unsigned int per_round = storm_count(30, 100);
	struct ids *ids;
	uint64_t done = 0;
	long was;

	ids = mmap(NULL, sizeof(*ids), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, ids);
	was = set_pid_max(MAX_ID);
	ASSERT_TRUE(ids_begin_again());
	ASSERT_GT(was, 0);
	while (done < n) {
		ASSERT_EQ(0, storm_start(s, KILLERS, end_vms, ids));
		ASSERT_TRUE(storm_switch_until(s, schedulers,
					       ARRAY_SIZE(schedulers),
					       per_round, PER_SWITCH));
		done += storm_work(s);
		ASSERT_EQ(0, storm_stop(s));
		ASSERT_TRUE(storm_only_witnesses_listed(s));
		storm_seed(&s->rng, s->seed += KILLERS + 1);
	}
	storm_done(s, "vms", done);
	EXPECT_EQ(MAX_ID, set_pid_max(was));
	metric("ids_used_again", ids->again, "");
	EXPECT_GT(ids->again, done / 2);
}

#define TARGETS		2
#define TARGET_VCPUS	2
#define SENDERS		2
#define STOP_US		2000

struct targets {
	struct rawvm *vm[TARGETS];
};

/* One in ten stops a whole VMM for a moment */
static int send_signals(struct storm_worker *w)
{
	const struct targets *t = w->data;

	while (!storm_stopped(w)) {
		struct rawvm *vm = t->vm[storm_below(&w->rng, TARGETS)];
		pid_t tid = rawvm_tid(vm, storm_below(&w->rng, TARGET_VCPUS));
		uint64_t now = clock_ns();
		int ret;

		if (storm_below(&w->rng, 10)) {
			ret = tgkill(rawvm_pid(vm), tid, SIGUSR1);
		} else {
			ret = tgkill(rawvm_pid(vm), tid, SIGSTOP);
			clock_sleep_until(now + NSEC_PER_USEC *
					  storm_below(&w->rng, STOP_US));
			ret = tgkill(rawvm_pid(vm), tid, SIGCONT) ?: ret;
			w->done++;
		}
		if (ret)
			return -errno;
		w->done++;
	}
	return 0;
}

TEST_STORM(signals_to_vcpus, 150)
{
	struct storm *s = &self->storm;
	unsigned int n = storm_count(4000, 50000);
	struct attrs before[TARGETS];
	struct targets t;
	unsigned int i;

	for (i = 0; i < TARGETS; i++) {
		t.vm[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = "target", .kind = i ? RAWVM_TICK : RAWVM_SPIN,
			.nr_vcpus = TARGET_VCPUS });
		ASSERT_NE(NULL, t.vm[i]);
		ASSERT_EQ(0, attrs_read(&before[i], rawvm_pid(t.vm[i])));
	}
	ASSERT_EQ(0, storm_start(s, SENDERS, send_signals, &t));
	while (storm_work(s) < n) {
		ASSERT_EQ(0, sched_switch(storm_scheduler(s), NULL));
		ASSERT_TRUE(storm_wait_work(s, storm_work(s) + 100, HANG_SECONDS));
	}
	storm_done(s, "signals", storm_work(s));
	EXPECT_EQ(0, storm_stop(s));
	for (i = 0; i < TARGETS; i++)
		EXPECT_TRUE(rawvm_advances(t.vm[i], HANG_LIMIT_MS));
	ASSERT_EQ(0, sched_switch("native", NULL));
	for (i = 0; i < TARGETS; i++) {
		EXPECT_TRUE(storm_unchanged(&before[i], rawvm_pid(t.vm[i])));
		EXPECT_EQ(0, rawvm_stop(t.vm[i]));
	}
}

/* Parameters that are set together, told from all others by each of them */
#define SETS		1000
/* The last ones, where the work is done after libraries have been loaded */
#define LAST_STOPS	40
#define SET_LINE	"vmschedctl vm set pid:%d weight %u warp %u warp-limit %u unwarp %u"
#define US		NSEC_PER_USEC

static uint64_t value(json_object *vm, const char *key)
{
	json_object *field = NULL;

	json_object_object_get_ex(vm, key, &field);
	return json_object_get_uint64(field);
}

/* Which of the sets VM @pid has, whole; -1: parts of two */
static int set_in_force(pid_t pid)
{
	uint64_t i = 0;
	struct cli c;
	bool whole;

	whole = !cli(&c, "vm show pid:%d", pid) && c.json;
	if (whole) {
		i = value(c.json, "weight") - SETS;
		whole = i < SETS &&
			value(c.json, "warp_ns") == (2000 + i) * US &&
			value(c.json, "warp_limit_ns") == (4000 + i) * US &&
			value(c.json, "unwarp_ns") == (6000 + i) * US;
	}
	if (!whole)
		printf("# no whole set: %s %s\n", c.run.out ?: "", c.run.err ?: "");
	cli_free(&c);
	return whole ? (int)i : -1;
}

static void set_line(char *line, size_t size, pid_t pid, unsigned int i)
{
	snprintf(line, size, SET_LINE, pid, SETS + i, 2000 + i, 4000 + i,
		 6000 + i);
}

/* What a whole run of a command is like */
struct usual {
	unsigned int stops;	/* at system calls */
	uint64_t us;		/* without them */
};

static bool learn(const char *line, struct usual *u)
{
	struct run_result r;
	uint64_t start;
	bool ok;

	if (cut_at_syscall(line, 0, &u->stops) || u->stops < LAST_STOPS)
		return false;
	start = clock_ns();
	ok = !run_words(&r, 0, line) && !r.status;
	u->us = (clock_ns() - start) / US + 1;
	run_free(&r);
	printf("# whole_run: %ju us, %u stops\n", (uintmax_t)u->us, u->stops);
	return ok;
}

static int cut_by_signal(struct storm_rng *r, const char *line,
			 const struct usual *u)
{
	static const int sigs[] = { SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGSTOP };
	unsigned int n = ARRAY_SIZE(sigs);

	/* That one goes on for ever when it was stopped for a moment */
	if (strstr(line, "events"))
		n--;
	return cut_after(line, storm_below(r, u->us), sigs[storm_below(r, n)]);
}

/* At a system call in half the cases, and then mostly near the end */
static int cut_anywhere(struct storm_rng *r, const char *line,
			const struct usual *u)
{
	if (strstr(line, "events") || storm_below(r, 2))
		return cut_by_signal(r, line, u);
	if (storm_below(r, 4))
		return cut_at_syscall(line, u->stops - storm_below(r, LAST_STOPS),
				      NULL);
	return cut_at_syscall(line, 1 + storm_below(r, u->stops), NULL);
}

TEST_STORM(sets_of_parameters_are_whole, 180)
{
	struct storm *s = &self->storm;
	unsigned int n = storm_count(24, 2000);
	unsigned int i, killed = 0, changed = 0;
	pid_t pid = rawvm_pid(s->witness[0]);
	struct usual usual;
	char line[160];
	int is = 0;

	ASSERT_EQ(0, sched_switch("bvt", NULL));
	set_line(line, sizeof(line), pid, 0);
	ASSERT_TRUE(learn(line, &usual));
	ASSERT_EQ(0, set_in_force(pid));
	for (i = 0; i < n; i++) {
		int next = storm_below(&s->rng, SETS), got;

		set_line(line, sizeof(line), pid, next);
		got = cut_anywhere(&s->rng, line, &usual);
		ASSERT_NE(CUT_LOST, got);
		killed += got == CUT_KILLED;
		got = set_in_force(pid);
		ASSERT_TRUE(got == is || got == next);
		changed += got != is;
		is = got;
	}
	storm_done(s, "commands", n);
	metric("killed", killed, "");
	metric("took_effect", changed, "");
	/* Else it is not the midst where they are killed */
	EXPECT_GT(killed, n / 4);
	EXPECT_GT(changed, n / 10);
	EXPECT_GT(n - changed, n / 10);
}

static const char * const lines[] = {
	"vmschedctl sched switch rr",
	"vmschedctl sched switch bvt",
	"vmschedctl sched switch native",
	"vmschedctl vm list",
	"vmschedctl -j vcpu list",
	"vmschedctl status",
	"vmschedctl events",
};

#define SWITCHES	3

/* The scheduler that is active afterwards is the old or the new one, whole */
TEST_STORM(switches_are_whole, 180)
{
	struct storm *s = &self->storm;
	unsigned int n = storm_count(24, 2000);
	unsigned int i, killed = 0;
	char was[32] = "native", is[32];
	struct usual usual;

	ASSERT_TRUE(learn("vmschedctl sched switch native", &usual));
	for (i = 0; i < n; i++) {
		unsigned int k = storm_below(&s->rng, ARRAY_SIZE(lines));
		const char *to = k < SWITCHES ? strrchr(lines[k], ' ') + 1 : was;
		int got = cut_anywhere(&s->rng, lines[k], &usual);

		ASSERT_NE(CUT_LOST, got);
		killed += got == CUT_KILLED;
		ASSERT_EQ(0, sched_active(is, sizeof(is)));
		ASSERT_TRUE(!strcmp(is, was) || !strcmp(is, to)) {
			TH_LOG("%s is active after %s to %s", is, was, to);
		}
		snprintf(was, sizeof(was), "%s", is);
		if (i % 10 == 0)
			ASSERT_TRUE(storm_witnesses_advance(s));
	}
	storm_done(s, "commands", n);
	metric("killed", killed, "");
	EXPECT_GT(killed, n / 4);
}

TEST_HARNESS_MAIN
