// SPDX-License-Identifier: GPL-2.0
/*
 * Schedulers come and go while VMs run: what becomes of the old one, cease before
 * an image is loaded, unload of the active one, and a switch that fails at each
 * of its steps. Whatever fails, a scheduler that works is in force, no VM stops
 * for longer than it has to, and all is as it was.
 */
#include <signal.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/snapshot.h"

#define LIMIT		150
#define LONG_MS		8000
#define DEADLINE_MS	1000
#define IN_TIME		"cease-timeout 8000"
#define STILL_MS	100
#define FAIL_STEP	"/sys/module/vmsched/parameters/fail_step"

static struct rawvm *start_guest(void)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "guest", .kind = RAWVM_SPIN, .nr_vcpus = 2 });

	if (!vm || !vm_listed(rawvm_pid(vm), true, HANG_LIMIT_MS))
		return NULL;
	return vm;
}

/* Modules that are loaded, and the scheduler that is in force */
static bool state_is(bool rr, bool bvt, const char *active)
{
	bool ok = sched_is_active(active);

	if (module_loaded("vmsched_rr") == rr &&
	    module_loaded("vmsched_bvt") == bvt)
		return ok;
	printf("# loaded are:%s%s\n", module_loaded("vmsched_rr") ? " rr" : "",
	       module_loaded("vmsched_bvt") ? " bvt" : "");
	return false;
}

/* It fails with that status, says so in one line, and these words are in it */
__printf(4, 5)
static bool refused(int status, const char *says, const char *also,
		    const char *fmt, ...)
{
	char line[256];
	struct cli c;
	va_list ap;
	bool ok;
	int ret;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	ret = cli(&c, "%s", line);
	ok = ret == status && cli_one_line_error(&c) &&
	     strstr(c.run.err, says) && strstr(c.run.err, also);
	if (!ok)
		printf("# %s: status %d: %s\n", line, ret, c.run.err ?: "");
	cli_free(&c);
	return ok;
}

TEST_F_TIMEOUT(vmsched, the_old_one_stays_or_goes, LIMIT)
{
	struct rawvm *vm = start_guest();
	char path[128];

	ASSERT_NE(NULL, vm);
	module_path(path, sizeof(path), "vmsched_rr");
	/* Nothing of native can go */
	EXPECT_EQ(0, cli_do("sched switch rr old unload-before"));
	EXPECT_TRUE(state_is(true, true, "rr"));
	EXPECT_EQ(0, cli_do("sched switch bvt old keep"));
	EXPECT_TRUE(state_is(true, true, "bvt"));
	EXPECT_EQ(0, cli_do("sched switch rr old unload-after"));
	EXPECT_TRUE(state_is(true, false, "rr"));
	/* Loaded by its alias */
	EXPECT_EQ(0, cli_do("sched switch bvt old unload-before"));
	EXPECT_TRUE(state_is(false, true, "bvt"));
	/* And from a file, also in place of itself */
	EXPECT_EQ(0, cli_do("sched switch %s old unload-after", path));
	EXPECT_TRUE(state_is(true, false, "rr"));
	EXPECT_EQ(0, cli_do("sched switch %s old unload-before", path));
	EXPECT_TRUE(state_is(true, false, "rr"));
	EXPECT_EQ(0, cli_do("sched switch rr old unload-after"));
	EXPECT_TRUE(state_is(true, false, "rr"));
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
}

TEST_F_TIMEOUT(vmsched, what_fails_leaves_one_in_force, LIMIT)
{
	struct rawvm *vm = start_guest();
	char path[128];

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, module_own(path, sizeof(path), "slow_load"));
	ASSERT_EQ(0, cli_do("sched switch rr activate id"));
	EXPECT_TRUE(refused(CLI_NO_OBJECT, "no scheduler", "default is on rr",
			    "sched switch nosuch old unload-before"));
	EXPECT_TRUE(refused(CLI_NO_OBJECT, "no scheduler", "default is on rr",
			    "sched switch nosuch old unload-after strict-cease %s",
			    IN_TIME));
	EXPECT_TRUE(refused(CLI_NO_OBJECT, "/no/such.ko", "default is on rr",
			    "sched switch /no/such.ko old unload-before"));
	EXPECT_TRUE(refused(CLI_REFUSED, "slow_load", "default is on rr",
			    "sched switch %s old unload-before", path));
	module_path(path, sizeof(path), "vmsched_rr");
	EXPECT_TRUE(refused(CLI_REFUSED, "module of that name is loaded",
			    "default is on rr", "sched switch %s", path));
	ASSERT_EQ(0, file_write(FAIL_STEP, "instance:2"));
	/* The first time is to native, the second one to bvt */
	EXPECT_TRUE(refused(CLI_REFUSED, "step instance", "default is on rr",
			    "sched switch bvt old unload-before strict-cease %s",
			    IN_TIME));
	EXPECT_TRUE(state_is(true, true, "rr"));
	EXPECT_TRUE(refused(CLI_USAGE, "unload-before", "unload-after",
			    "sched switch bvt old away"));
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
}

TEST_F_TIMEOUT(vmsched, the_active_one_can_be_unloaded, LIMIT)
{
	struct rawvm *vm = start_guest();

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, cli_do("sched switch bvt"));
	ASSERT_EQ(0, cli_do("sched switch rr"));
	EXPECT_TRUE(refused(CLI_REFUSED, "--force", "default", "sched unload rr"));
	EXPECT_EQ(0, cli_do("sched unload rr --force"));
	EXPECT_TRUE(state_is(false, true, "bvt"));
	/* The one before is gone: it is loaded again */
	EXPECT_EQ(0, cli_do("sched unload bvt --force"));
	EXPECT_TRUE(state_is(true, false, "rr"));
	EXPECT_EQ(0, cli_do("sched previous"));
	EXPECT_TRUE(state_is(true, true, "bvt"));
	/* It does not start: native is left */
	ASSERT_EQ(0, file_write(FAIL_STEP, "instance"));
	EXPECT_EQ(0, cli_do("sched unload bvt --force"));
	EXPECT_TRUE(state_is(true, false, "native"));
	EXPECT_TRUE(refused(CLI_REFUSED, "native", "built into",
			    "sched unload native --force"));
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
}

/* --- Ceased before the image is loaded --- */

static pid_t start_tool(const char *image, const char *timeout, bool strict)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	execlp("vmschedctl", "vmschedctl", "sched", "switch", image,
	       "cease-timeout", timeout, strict ? "strict-cease" : NULL, NULL);
	_exit(127);
}

static bool is_loading(void)
{
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;

	while (!module_loaded("slow_load"))
		if (clock_ns() > end)
			return false;
	return true;
}

static bool stands_still(struct rawvm *vm)
{
	uint64_t before = rawvm_progress_all(vm);

	clock_sleep_ms(STILL_MS);
	return rawvm_progress_all(vm) == before;
}

static int exit_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_F_TIMEOUT(vmsched, strict_is_ceased_while_it_loads, LIMIT)
{
	struct rawvm *vm = start_guest();
	char path[128];
	pid_t pid;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, module_own(path, sizeof(path), "slow_load"));
	ASSERT_EQ(0, cli_do("sched switch rr"));

	pid = start_tool(path, "8000", false);
	ASSERT_TRUE(is_loading());
	EXPECT_FALSE(stands_still(vm));
	EXPECT_EQ(CLI_REFUSED, exit_of(pid));

	pid = start_tool(path, "8000", true);
	ASSERT_TRUE(is_loading());
	EXPECT_TRUE(stands_still(vm));
	EXPECT_EQ(CLI_REFUSED, exit_of(pid));
	EXPECT_TRUE(rawvm_advances(vm, LONG_MS / 4));

	/* At the deadline they go on, although it still loads */
	pid = start_tool(path, "1000", true);
	ASSERT_TRUE(is_loading());
	EXPECT_TRUE(stands_still(vm));
	clock_sleep_ms(DEADLINE_MS);
	EXPECT_FALSE(stands_still(vm));
	EXPECT_TRUE(module_loaded("slow_load"));
	EXPECT_EQ(CLI_REFUSED, exit_of(pid));

	/* Who asked for it dies: nothing stays ceased */
	pid = start_tool(path, "8000", true);
	ASSERT_TRUE(is_loading());
	EXPECT_TRUE(stands_still(vm));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(-SIGKILL, exit_of(pid));
	EXPECT_TRUE(rawvm_advances(vm, LONG_MS / 4));
	EXPECT_TRUE(sched_is_active("rr"));

	ASSERT_EQ(0, cli_do("sched unload bvt"));
	EXPECT_EQ(0, cli_do("sched switch bvt strict-cease cease-timeout 8000"));
	EXPECT_TRUE(state_is(true, true, "bvt"));
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
}

/* --- A switch that fails --- */

static const char * const steps[] = {
	"lookup", "hook", "patch", "console", "pin", "way", "instance", "vcpu",
	"vcpu:2", "vcpu:4", "cease",
};

/* To bvt, called directly: it fails at @step, and all is as before */
static bool fails_at(struct genl *g, const char *step)
{
	int refs = module_references("vmsched_bvt");
	int core = module_references("vmsched");
	struct snapshot before, after;
	struct genl_ack ack;
	struct genl_msg m;
	char says[32];
	bool ok;

	snprintf(says, sizeof(says), "step %.*s)", (int)strcspn(step, ":"), step);
	if (snapshot_take(&before, g) || file_write(FAIL_STEP, step))
		return false;
	genl_begin(g, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
	genl_put_text(&m, VMSCHED_A_SWITCH_TO, "bvt");
	genl_put_u32(&m, VMSCHED_A_SWITCH_ACTIVATE, VMSCHED_ACTIVATE_PATCH);
	genl_put_u32(&m, VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS, LONG_MS);
	if (genl_call(g, &m, &ack, NULL, NULL) || snapshot_take(&after, g))
		return false;
	ok = ack.error == -EIO && strstr(ack.text, says) &&
	     module_references("vmsched_bvt") == refs &&
	     module_references("vmsched") == core &&
	     after.failed_switches <= before.failed_switches + 1;
	if (!ok)
		printf("# %s: %d '%s', references %d %d, were %d %d\n", step,
		       ack.error, ack.text, module_references("vmsched_bvt"),
		       module_references("vmsched"), refs, core);
	ok &= snapshot_same(&before, &after);
	snapshot_free(&before);
	snapshot_free(&after);
	return ok;
}

#define KINDS	3

/* A guest of each of the first kinds, of which vmsched knows */
static bool start_kinds(struct rawvm *vms[KINDS])
{
	unsigned int i;

	for (i = 0; i < KINDS; i++) {
		vms[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = "guest", .kind = (enum rawvm_kind)i, .nr_vcpus = 2 });
		if (!vms[i] || !vm_listed(rawvm_pid(vms[i]), true, HANG_LIMIT_MS))
			return false;
	}
	return true;
}

TEST_F_TIMEOUT(vmsched, each_step_can_fail, LIMIT)
{
	static const char * const from[] = { "native", "rr" };
	struct rawvm *vms[KINDS];
	unsigned int i, j, k;
	struct genl g;

	ASSERT_EQ(0, genl_open(&g));
	ASSERT_TRUE(start_kinds(vms));
	EXPECT_EQ(-EINVAL, file_write(FAIL_STEP, "nosuch"));
	EXPECT_EQ(-EINVAL, file_write(FAIL_STEP, "vcpu:0"));
	for (i = 0; i < ARRAY_SIZE(from); i++) {
		ASSERT_EQ(0, genl_switch(&g, from[i]));
		for (j = 0; j < ARRAY_SIZE(steps); j++) {
			EXPECT_TRUE(fails_at(&g, steps[j]));
			for (k = 0; k < ARRAY_SIZE(vms); k++)
				EXPECT_TRUE(rawvm_advances(vms[k], HANG_LIMIT_MS));
		}
	}
	/* Once each, and no more */
	EXPECT_EQ(0, genl_switch(&g, "bvt"));
	EXPECT_EQ(0, genl_switch(&g, "native"));
	genl_close(&g);
}

/* Who had ceased the pool for a switch that is to come lets it go on */
TEST_F_TIMEOUT(vmsched, a_hold_can_fail, LIMIT)
{
	static const char * const at[] = { "lookup", "console", "cease", "hold" };
	struct rawvm *vm = start_guest();
	struct genl_ack ack;
	struct genl_msg m;
	struct genl g;
	char says[32];
	unsigned int i;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, genl_switch(&g, "rr"));
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		ASSERT_EQ(0, file_write(FAIL_STEP, at[i]));
		genl_begin(&g, &m, VMSCHED_CMD_SCHED_HOLD, 0);
		genl_put_u32(&m, VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS, LONG_MS);
		ASSERT_EQ(0, genl_call(&g, &m, &ack, NULL, NULL));
		EXPECT_EQ(-EIO, ack.error);
		snprintf(says, sizeof(says), "(step %s)", at[i]);
		EXPECT_NE(NULL, strstr(ack.text, says)) {
			TH_LOG("%s: %s", at[i], ack.text);
		}
		/* Long before the time is over for which it would be held */
		EXPECT_TRUE(rawvm_advances(vm, LONG_MS / 4));
		/* And it is not held for that socket */
		genl_begin(&g, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
		genl_put_text(&m, VMSCHED_A_SWITCH_TO, "bvt");
		genl_put_u32(&m, VMSCHED_A_SWITCH_HELD, 1);
		ASSERT_EQ(0, genl_call(&g, &m, &ack, NULL, NULL));
		EXPECT_EQ(-ETIMEDOUT, ack.error);
	}
	ASSERT_EQ(0, file_write(FAIL_STEP, "hold"));
	EXPECT_TRUE(refused(CLI_REFUSED, "step hold", "rr",
			    "sched switch bvt strict-cease %s", IN_TIME));
	EXPECT_TRUE(sched_is_active("rr"));
	EXPECT_TRUE(rawvm_advances(vm, LONG_MS / 4));
	genl_close(&g);
}

static bool nothing_armed(void)
{
	char text[32] = "?";

	return !module_param("vmsched", "fail_step", text, sizeof(text)) &&
	       strspn(text, "\n") == strlen(text);
}

/*
 * The interrupt in which the change is to be made stops the vCPUs, and is called
 * off: the thread that switches makes the change.
 */
TEST_F_TIMEOUT(vmsched, the_slower_way_makes_it, LIMIT)
{
	static const char * const to[] = { "rr", "bvt", "rr", "native" };
	struct rawvm *vms[KINDS];
	unsigned int i, j;
	struct genl g;

	ASSERT_EQ(0, genl_open(&g));
	ASSERT_TRUE(start_kinds(vms));
	for (i = 0; i < 2 * ARRAY_SIZE(to); i++) {
		ASSERT_EQ(0, file_write(FAIL_STEP, "swap"));
		EXPECT_EQ(0, genl_switch(&g, to[i % ARRAY_SIZE(to)]));
		EXPECT_TRUE(nothing_armed());
		EXPECT_TRUE(sched_is_active(to[i % ARRAY_SIZE(to)]));
		for (j = 0; j < ARRAY_SIZE(vms); j++)
			EXPECT_TRUE(rawvm_advances(vms[j], HANG_LIMIT_MS));
	}
	genl_close(&g);
}

TEST_HARNESS_MAIN
