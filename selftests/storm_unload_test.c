// SPDX-License-Identifier: GPL-2.0
/*
 * The modules go and come again, over and over, while VMs run and their exits
 * are looked at, and against all that may hold them: rmmod either succeeds, or
 * says that they are in use and succeeds once they are not.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "lib/genl.h"
#include "lib/listing.h"
#include "lib/storm_fixture.h"

#define DEBUG_DIVIDER	5
#define REMOVE_MS	5000
/* So many vCPUs that what tells of them does not fit into one message */
#define LONG_LIST	30
/* vCPUs that are stopped at once, and how many times */
#define STOPPED		16
#define STOPS		6
#define PROBES		32
#define TRACING		"/sys/kernel/tracing/"

static unsigned int count_of(unsigned int few, unsigned int full)
{
	return storm_count(few, kernel_is_debug() ? full / DEBUG_DIVIDER : full);
}

static int insert(const char *name, const char *params)
{
	char path[128];

	module_path(path, sizeof(path), name);
	return module_insert_with(path, params);
}

/* All three modules; -errno after saying which */
static int insert_all(void)
{
	static const char * const names[] = {
		"vmsched", "vmsched_rr", "vmsched_bvt",
	};
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		err = insert(names[i], "");
		if (err && err != -EEXIST) {
			printf("# insmod %s: %s\n", names[i], strerror(-err));
			return err;
		}
	}
	return 0;
}

/* The module's own init fails, after most of it was done */
static int insert_in_vain(void)
{
	int err = insert("vmsched", "require=no_such_tracepoint");

	if (err == -ENOENT && !module_loaded("vmsched"))
		return 0;
	printf("# insmod that must fail: %d\n", err);
	return -EINVAL;
}

/* A random scheduler for a moment, or none, and back */
static int use_for_a_moment(struct storm *s)
{
	static const char * const scheds[] = { "rr", "bvt", "native" };
	struct genl g;
	int err = genl_open(&g);

	if (err)
		return err;
	err = genl_switch(&g, scheds[storm_below(&s->rng, 3)]);
	clock_sleep_ms(storm_below(&s->rng, 30));
	if (!err && storm_below(&s->rng, 4))
		err = genl_switch(&g, scheds[storm_below(&s->rng, 2)]);
	/* Guest entries are still looked at when the module goes */
	err = err ?: genl_switch(&g, "native");
	genl_close(&g);
	return err;
}

TEST_STORM(modules_come_and_go, 240)
{
	struct storm *s = &self->storm;
	unsigned int i, n = count_of(15, 5000), in_vain = 0;
	struct rawvm *io;

	io = rawvm_spawn(&(struct rawvm_spec) {
		.name = "exits", .kind = RAWVM_IO, .nr_vcpus = 2 });
	ASSERT_NE(NULL, io);
	s->expected = "no tracepoint no_such_tracepoint";
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, vmsched_remove_all());
		ASSERT_EQ(-1, slab_vmsched_objects());
		if (!storm_below(&s->rng, 10)) {
			ASSERT_EQ(0, insert_in_vain());
			in_vain++;
		}
		ASSERT_EQ(0, insert_all());
		ASSERT_EQ(0, use_for_a_moment(s));
		if (i % 20 == 19)
			ASSERT_TRUE(storm_witnesses_advance(s));
		ASSERT_TRUE(rawvm_advances(io, HANG_LIMIT_MS));
	}
	storm_done(s, "insmod_and_rmmod", n);
	metric("insmod_in_vain", in_vain, "");
	ASSERT_EQ(0, rawvm_kill(io));
}

/* Refused, as long as somebody holds it, with the errno of Linux for that */
static bool is_held(const char *module)
{
	int err = module_remove(module);

	if (err == -EAGAIN || err == -EBUSY)
		return module_loaded(module);
	printf("# rmmod %s: %d, but it is held\n", module, err);
	return false;
}

/* All modules go now */
static bool goes(void)
{
	uint64_t start = clock_ns();

	if (vmsched_remove_all() || module_loaded("vmsched"))
		return false;
	if (clock_ns() - start < limit_ms(REMOVE_MS) * NSEC_PER_MSEC)
		return true;
	printf("# rmmod took %.0f ms\n", (clock_ns() - start) / 1e6);
	return false;
}

/* Schedulers away: what is left is held by what is tried alone */
static bool core_alone(void)
{
	return !insert_all() && !module_remove("vmsched_rr") &&
	       !module_remove("vmsched_bvt");
}

/* A list of vCPUs has several parts, once enough of them are known */
static bool list_is_long(struct genl *g)
{
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;
	struct genl_ack ack = { 0 };
	struct genl_msg m;

	do {
		genl_begin(g, &m, VMSCHED_CMD_VCPU_GET, NLM_F_DUMP);
		if (genl_call(g, &m, &ack, NULL, NULL) || ack.error)
			return false;
	} while (ack.messages < LONG_LIST && clock_ns() < end);
	return ack.messages >= LONG_LIST && ack.parts > 2;
}

/* A list of which nobody has read the end */
static bool try_dump(struct storm *s)
{
	struct genl_msg m;
	struct genl g;
	bool ok;

	(void)s;
	if (!core_alone() || genl_open(&g))
		return false;
	ok = list_is_long(&g);
	genl_close(&g);
	if (!ok || genl_open(&g))
		return false;
	genl_begin(&g, &m, VMSCHED_CMD_VCPU_GET, NLM_F_DUMP);
	ok = !genl_send(&g, &m) && is_held("vmsched");
	genl_close(&g);
	return ok && goes();
}

/* A listener holds nothing; its socket is of no more use, and does no harm */
static bool try_listener(struct storm *s)
{
	uint8_t part[GENL_PART_SIZE];
	struct genl g;
	bool ok;

	(void)s;
	if (insert_all() || genl_open(&g) || genl_join(&g))
		return false;
	ok = goes() && !insert_all();
	while (recv(g.fd, part, sizeof(part), MSG_DONTWAIT) > 0)
		;
	genl_close(&g);
	return ok && goes();
}

/* An open parameter holds nothing; whoever reads it is waited for */
static bool try_parameter(struct storm *s)
{
	char text[16];
	bool ok = !insert_all();
	int fd = open("/sys/module/vmsched/parameters/unpriv_reads",
		      O_RDONLY | O_CLOEXEC);

	(void)s;
	ok = ok && fd >= 0 && read(fd, text, sizeof(text)) > 0 && goes();
	/* It belongs to a module that has gone */
	ok = ok && pread(fd, text, sizeof(text), 0) < 0 && errno == ENODEV;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* ftrace has its own probes on the very tracepoints */
static bool try_tracing(struct storm *s)
{
	static const char entry[] = TRACING "events/kvm/kvm_entry/enable";
	static const char sched[] =
		TRACING "events/sched/sched_switch/enable";
	bool ok;

	ok = !insert_all() && !file_write(entry, "1") && !file_write(sched, "1") &&
	     !use_for_a_moment(s) && goes() && storm_witnesses_advance(s) &&
	     !insert_all() && !use_for_a_moment(s);
	ok = !file_write(entry, "0") && !file_write(sched, "0") && ok;
	return ok && goes();
}

/* A scheduler in use, and the core below it */
static bool try_active(struct storm *s)
{
	static const char * const scheds[] = { "rr", "bvt" };
	const char *name = scheds[storm_below(&s->rng, 2)];
	char module[32];
	struct genl g;
	bool ok;

	snprintf(module, sizeof(module), "vmsched_%s", name);
	if (insert_all() || genl_open(&g))
		return false;
	ok = !genl_switch(&g, name) && is_held(module) && is_held("vmsched") &&
	     storm_witnesses_advance(s) && !genl_switch(&g, "native");
	genl_close(&g);
	return ok && goes();
}

/*
 * Probes on what a thread does last before it stops, so that this takes as long as
 * a slice: some have to leave their pCPU then, by a work that they do not run.
 */
static bool stop_slowly(bool on)
{
	char text[PROBES * 48] = "";
	unsigned int i;

	for (i = 0; i < PROBES; i++)
		sprintf(text + strlen(text), "p:vmsched_slow/s%u cgroup_enter_frozen\n", i);
	if (on)
		return !file_write(TRACING "kprobe_events", text) &&
		       !file_write(TRACING "events/vmsched_slow/enable", "1");
	/* Opened to be overwritten it forgets all of them */
	return !file_write(TRACING "events/vmsched_slow/enable", "0") &&
	       !file_write(TRACING "kprobe_events", "#");
}

/* All vCPUs stopped by a debugger */
static bool trace_all(struct rawvm *vm)
{
	unsigned int i;

	for (i = 0; i < STOPPED; i++)
		if (ptrace(PTRACE_SEIZE, rawvm_tid(vm, i), NULL, NULL) ||
		    ptrace(PTRACE_INTERRUPT, rawvm_tid(vm, i), NULL, NULL))
			return false;
	for (i = 0; i < STOPPED; i++)
		if (waitpid(rawvm_tid(vm, i), NULL, __WALL) != rawvm_tid(vm, i))
			return false;
	return true;
}

static void go_on(struct rawvm *vm, bool traced)
{
	unsigned int i;

	if (!traced)
		kill(rawvm_pid(vm), SIGCONT);
	for (i = 0; traced && i < STOPPED; i++)
		ptrace(PTRACE_DETACH, rawvm_tid(vm, i), NULL, NULL);
}

static bool unload_while_stopped(struct storm *s, struct rawvm *vm)
{
	bool trace = storm_below(&s->rng, 2);
	struct genl g;
	bool ok;

	if (insert_all() || genl_open(&g))
		return false;
	ok = vm_listed(rawvm_pid(vm), true, HANG_LIMIT_MS) &&
	     !cli_do("vm set pid:%d slice 100", rawvm_pid(vm)) &&
	     !genl_switch(&g, "rr");
	clock_sleep_ms(storm_below(&s->rng, 20));
	ok = ok && (trace ? trace_all(vm) : !kill(rawvm_pid(vm), SIGSTOP));
	ok = ok && !genl_switch(&g, "native");
	genl_close(&g);
	ok = ok && goes();
	go_on(vm, trace);
	return ok && rawvm_advances(vm, HANG_LIMIT_MS);
}

/*
 * Threads that cannot run what is queued for them: stopped by a signal, or by a
 * debugger, in the midst of their run under a scheduler.
 */
static bool try_stopped(struct storm *s)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "stopped", .nr_vcpus = STOPPED });
	bool ok = vm && stop_slowly(true);
	unsigned int i;

	for (i = 0; ok && i < STOPS; i++)
		ok = unload_while_stopped(s, vm);
	return stop_slowly(false) && ok && !rawvm_kill(vm);
}

static void hammer(const char *path)
{
	char text[64];

	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		while (pread(fd, text, sizeof(text), 0) >= 0)
			;
		close(fd);
	}
}

/* The parameter is being read at every moment */
static bool try_readers(struct storm *s)
{
	bool ok = true;
	unsigned int i;
	pid_t pid;

	(void)s;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct sched_param none = { 0 };

		sched_setscheduler(0, SCHED_OTHER, &none);
		hammer("/sys/module/vmsched/parameters/unpriv_reads");
	}
	for (i = 0; i < 3 && ok; i++) {
		ok = !insert_all();
		clock_sleep_ms(5);
		ok = ok && goes();
	}
	kill(pid, SIGKILL);
	return waitpid(pid, NULL, 0) == pid && ok;
}

static const struct {
	const char *name;
	bool (*try)(struct storm *s);
} holders[] = {
	{ "an unread list", try_dump },
	{ "a listener", try_listener },
	{ "an open parameter", try_parameter },
	{ "tracing", try_tracing },
	{ "an active scheduler", try_active },
	{ "stopped vCPUs", try_stopped },
	{ "readers of a parameter", try_readers },
};

TEST_STORM(holders, 240)
{
	struct storm *s = &self->storm;
	unsigned int i, j, n = count_of(2, 500);
	struct rawvm *many[8];

	/* Enough vCPUs that a list of them has several parts */
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = "idles", .kind = RAWVM_TICK, .nr_vcpus = 4,
			.period_us = 50000 });
		ASSERT_NE(NULL, many[i]);
	}
	ASSERT_TRUE(goes());
	for (i = 0; i < n; i++) {
		for (j = 0; j < ARRAY_SIZE(holders); j++) {
			ASSERT_TRUE(holders[j].try(s)) {
				TH_LOG("%s, round %u", holders[j].name, i);
			}
			ASSERT_EQ(-1, slab_vmsched_objects());
		}
		ASSERT_TRUE(storm_witnesses_advance(s));
	}
	storm_done(s, "holders", n * ARRAY_SIZE(holders));
	for (i = 0; i < ARRAY_SIZE(many); i++)
		ASSERT_EQ(0, rawvm_kill(many[i]));
}

TEST_HARNESS_MAIN
