// SPDX-License-Identifier: GPL-2.0
/*
 * What must be refused: one clear line, the right exit code, and nothing has
 * changed.
 */
#include <limits.h>

#include "lib/fixture.h"

#define NOBODY		65534
/* Seconds for a test of many commands on a slow machine */
#define LIMIT		200
#define STATE_SIZE	2048

/* Fields that must not change through a refused command */
static const char * const pool_keys[] = {
	"name", "cpus", "scheduler", "previous", "activate", "vms", "vcpus",
};

static const char * const vm_keys[] = {
	"id", "pid", "pool", "weight", "cap_permille", "time_critical",
	"slice_us", "warp_us", "affinity",
};

static size_t append_keys(char *buf, size_t size, json_object *list,
			  const char * const keys[], unsigned int n)
{
	size_t used = 0, i, count;
	json_object *field;
	unsigned int k;

	buf[0] = '\0';
	if (!json_object_is_type(list, json_type_array))
		return 0;
	count = json_object_array_length(list);
	for (i = 0; i < count; i++) {
		json_object *obj = json_object_array_get_idx(list, i);

		for (k = 0; k < n; k++) {
			if (!json_object_object_get_ex(obj, keys[k], &field))
				continue;
			used += snprintf(buf + used, size - used, "%s=%s ",
					 keys[k],
					 json_object_to_json_string(field));
			if (used >= size)
				return size - 1;
		}
	}
	return used;
}

/* What status and vm list say, without the counters; false on an error */
static bool read_state(char state[STATE_SIZE])
{
	json_object *pools;
	size_t used = 0;
	struct cli c;
	bool ok;

	state[0] = '\0';
	ok = !cli(&c, "status") &&
	     json_object_object_get_ex(c.json, "pools", &pools);
	if (ok)
		used = append_keys(state, STATE_SIZE, pools, pool_keys,
				   ARRAY_SIZE(pool_keys));
	cli_free(&c);
	ok = !cli(&c, "vm list") && ok && used;
	if (ok)
		append_keys(state + used, STATE_SIZE - used, c.json, vm_keys,
			    ARRAY_SIZE(vm_keys));
	cli_free(&c);
	return ok;
}

/* The command is refused as promised: status, one line, no JSON, all words */
static bool refused(uid_t uid, int status, const char *needs, const char *cmd)
{
	struct cli c;
	int got = cli_as(&c, uid, "%s", cmd);
	bool ok = got == status;

	if (!ok)
		printf("# `%s`: exit %d, should be %d: %s\n", cmd, got, status,
		       c.run.err ?: "");
	if (!cli_one_line_error(&c)) {
		printf("# that was `%s`\n", cmd);
		ok = false;
	} else if (needs && !strstr(c.run.err, needs)) {
		printf("# `%s`: '%s' does not say '%s'\n", cmd, c.run.err, needs);
		ok = false;
	}
	if (c.run.out && *c.run.out) {
		printf("# `%s`: output in spite of the error: %s\n", cmd,
		       c.run.out);
		ok = false;
	}
	cli_free(&c);
	return ok;
}

static struct rawvm *start_guest(void)
{
	return rawvm_spawn(&(struct rawvm_spec) {
		.name = "guest", .kind = RAWVM_TICK });
}

struct refusal {
	const char *cmd;	/* %d is the pid of a guest */
	int status;
	const char *needs;	/* the message must contain it */
};

static const struct refusal refusals[] = {
	{ "sched switch nosuch", CLI_NO_OBJECT, "nosuch" },
	{ "sched load nosuch", CLI_NO_OBJECT, "nosuch" },
	{ "sched load /nonexistent/file.ko", CLI_NO_OBJECT, "/nonexistent/file.ko" },
	{ "sched show nosuch", CLI_NO_OBJECT, "nosuch" },
	{ "sched unload nosuch", CLI_NO_OBJECT, "nosuch" },
	{ "sched switch rr pool nosuch", CLI_NO_OBJECT, "nosuch" },
	{ "vm show 999999", CLI_NO_OBJECT, "999999" },
	{ "vm show pid:1", CLI_NO_OBJECT, "pid:1" },
	{ "vm show nosuch", CLI_NO_OBJECT, "nosuch" },
	{ "vm set 999999 weight 100", CLI_NO_OBJECT, "999999" },
	{ "vcpu set pid:%d/9 weight 100", CLI_NO_OBJECT, NULL },
	{ "vm set pid:%d weight 0", CLI_REFUSED, "10000" },
	{ "vm set pid:%d weight -1", CLI_REFUSED, "10000" },
	{ "vm set pid:%d weight 10001", CLI_REFUSED, "10000" },
	{ "vm set pid:%d weight 99999999999999999999", CLI_REFUSED, "10000" },
	{ "vm set pid:%d slice 99", CLI_REFUSED, "100" },
	{ "vm set pid:%d slice 1000001", CLI_REFUSED, "1000000" },
	{ "vm set pid:%d affinity 4095", CLI_REFUSED, NULL },
	{ "vm set pid:%d weight 200 slice 99", CLI_REFUSED, NULL },
	{ "sched switch rr cease-timeout 0", CLI_REFUSED, NULL },
	{ "vm set pid:%d weight heavy", CLI_USAGE, "heavy" },
	{ "vm set pid:%d nokey 5", CLI_USAGE, "nokey" },
	{ "vm set pid:%d weight", CLI_USAGE, NULL },
	{ "vm set pid:%d", CLI_USAGE, NULL },
	{ "vm set", CLI_USAGE, NULL },
	{ "vm show", CLI_USAGE, NULL },
	{ "sched switch", CLI_USAGE, NULL },
	{ "sched switch rr activate never", CLI_USAGE, NULL },
	{ "frobnicate", CLI_USAGE, "frobnicate" },
	{ "vm frobnicate", CLI_USAGE, "frobnicate" },
};

TEST_F_TIMEOUT(vmsched, refused_and_nothing_changed, LIMIT)
{
	char before[STATE_SIZE], after[STATE_SIZE];
	struct rawvm *vm = start_guest();
	unsigned int i;

	ASSERT_NE(NULL, vm);
	ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, limit_ms(1000)));
	ASSERT_TRUE(read_state(before));
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		char cmd[128];

		snprintf(cmd, sizeof(cmd), r->cmd, rawvm_pid(vm));
		EXPECT_TRUE(refused(0, r->status, r->needs, cmd));
		ASSERT_TRUE(read_state(after));
		EXPECT_STREQ(before, after) {
			TH_LOG("after `%s`", cmd);
		}
	}
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
}

/* What fits to a VM may not fit to the vCPU that has a part of it as its own */
TEST_F_TIMEOUT(vmsched, budget_that_one_vcpu_cannot_have, LIMIT)
{
	char before[STATE_SIZE], after[STATE_SIZE], cmd[64];
	struct rawvm *vm = start_guest();

	ASSERT_NE(NULL, vm);
	ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, limit_ms(1000)));
	ASSERT_EQ(0, cli_do("vcpu set pid:%d/0 period 10000", rawvm_pid(vm)));
	ASSERT_TRUE(read_state(before));
	snprintf(cmd, sizeof(cmd), "vm set pid:%d period 50000 budget 20000",
		 rawvm_pid(vm));
	EXPECT_TRUE(refused(0, CLI_REFUSED, "vCPU 0", cmd));
	ASSERT_TRUE(read_state(after));
	EXPECT_STREQ(before, after);
	EXPECT_EQ(0, cli_do("vm set pid:%d period 50000 budget 10000",
			    rawvm_pid(vm)));
}

/* The same while a scheduler other than native holds the guests */
TEST_F_TIMEOUT(vmsched, refused_switch_keeps_the_scheduler, LIMIT)
{
	char before[STATE_SIZE], after[STATE_SIZE];
	struct rawvm *vm = start_guest();

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, sched_switch("rr", NULL));
	ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, limit_ms(1000)));
	ASSERT_TRUE(read_state(before));
	EXPECT_TRUE(refused(0, CLI_NO_OBJECT, "nosuch", "sched switch nosuch"));
	ASSERT_TRUE(read_state(after));
	EXPECT_STREQ(before, after);
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
}

TEST_F_TIMEOUT(vmsched, no_permission, LIMIT)
{
	static const char * const cmds[] = {
		"status", "vm list", "vcpu list", "sched list",
		"sched switch rr", "sched previous",
	};
	char before[STATE_SIZE], after[STATE_SIZE];
	struct rawvm *vm = start_guest();
	char cmd[64];
	unsigned int i;

	ASSERT_NE(NULL, vm);
	ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, limit_ms(1000)));
	ASSERT_TRUE(read_state(before));
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_TRUE(refused(NOBODY, CLI_NO_PERMISSION, NULL, cmds[i]));
	snprintf(cmd, sizeof(cmd), "vm set pid:%d weight 7", rawvm_pid(vm));
	EXPECT_TRUE(refused(NOBODY, CLI_NO_PERMISSION, NULL, cmd));
	ASSERT_TRUE(read_state(after));
	EXPECT_STREQ(before, after);
}

TEST_F_TIMEOUT(vmsched, module_not_loaded, LIMIT)
{
	static const char * const cmds[] = {
		"status", "vm list", "vcpu list", "sched list", "sched previous",
		"vm set 1 weight 100",
	};
	unsigned int i;

	ASSERT_EQ(0, vmsched_remove_all());
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_TRUE(refused(0, CLI_NOT_LOADED, "modprobe vmsched",
				    cmds[i]));
	EXPECT_TRUE(refused(NOBODY, CLI_NOT_LOADED, "modprobe vmsched",
			    "status"));
	EXPECT_FALSE(module_loaded("vmsched"));
}

TEST_F_TIMEOUT(vmsched, scheduler_in_use, LIMIT)
{
	struct rawvm *vm = start_guest();
	char active[32];
	int ret;

	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, sched_switch("rr", NULL));
	/* The kernel says EWOULDBLOCK for a module with users, rmmod "in use" */
	ret = module_remove("vmsched_rr");
	EXPECT_TRUE(ret == -EBUSY || ret == -EWOULDBLOCK);
	EXPECT_TRUE(refused(0, CLI_REFUSED, "default", "sched unload rr"));
	EXPECT_TRUE(module_loaded("vmsched_rr"));
	ASSERT_EQ(0, sched_active(active, sizeof(active)));
	EXPECT_STREQ("rr", active);
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));

	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_EQ(0, cli_do("sched unload rr"));
	EXPECT_FALSE(module_loaded("vmsched_rr"));
	EXPECT_TRUE(refused(0, CLI_REFUSED, "native", "sched unload native"));
}

/* Insert selftests module @name: the errno, and whether the log says why */
static int insert_bad(const char *name, const char *says, const char *says2)
{
	char path[PATH_MAX + 64];
	struct klog log;
	int ret;

	if (module_own(path, sizeof(path), name) || klog_mark(&log))
		return -errno;
	ret = module_insert(path);
	if (!ret || ret == -ENOENT)
		printf("# %s: %s\n", path, ret ? "is missing" : "was accepted");
	if (!klog_has(&log, says, says2)) {
		printf("# %s: no line with '%s' and '%s' in the kernel log\n",
		       name, says, says2);
		ret = -ENOMSG;
	}
	klog_close(&log);
	return ret;
}

TEST_F_TIMEOUT(vmsched, bad_schedulers_are_refused, LIMIT)
{
	char before[STATE_SIZE], after[STATE_SIZE];
	struct rawvm *vm = start_guest();
	struct cli list;

	ASSERT_NE(NULL, vm);
	ASSERT_TRUE(vm_listed(rawvm_pid(vm), true, limit_ms(1000)));
	ASSERT_TRUE(read_state(before));
	EXPECT_EQ(-EINVAL, insert_bad("bad_op", "bad", "charge"));
	EXPECT_EQ(-EBUSY, insert_bad("bad_name", "native", "taken"));
	EXPECT_EQ(-EINVAL, insert_bad("bad_spelling", "refused", "name"));
	EXPECT_EQ(-EPROTO, insert_bad("bad_api", "bad", "version"));
	EXPECT_EQ(-EINVAL, insert_bad("bad_owner", "bad", "owner"));
	EXPECT_EQ(-EINVAL, insert_bad("bad_size", "bad", "vcpu_size"));
	EXPECT_EQ(-EINVAL, insert_bad("bad_doc", "bad", "doc"));
	EXPECT_FALSE(module_loaded("bad_op"));
	EXPECT_FALSE(module_loaded("bad_owner"));
	EXPECT_FALSE(module_loaded("bad_name"));
	EXPECT_FALSE(module_loaded("bad_spelling"));
	EXPECT_FALSE(module_loaded("bad_api"));
	EXPECT_FALSE(module_loaded("bad_size"));
	EXPECT_FALSE(module_loaded("bad_doc"));
	EXPECT_EQ(0, cli(&list, "sched list"));
	EXPECT_EQ(NULL, strstr(list.run.out, "\"bad\""));
	cli_free(&list);
	EXPECT_TRUE(refused(0, CLI_NO_OBJECT, "bad", "sched switch bad"));
	ASSERT_TRUE(read_state(after));
	EXPECT_STREQ(before, after);

	/* The refusals above are errors in the log that had to be there */
	klog_close(&self->log);
	ASSERT_EQ(0, klog_mark(&self->log));
}

static bool is_listed(const char *name)
{
	struct cli c;
	bool found;

	if (cli(&c, "sched list"))
		return true;
	found = strstr(c.run.out, name);
	cli_free(&c);
	return found;
}

/* Their modules are gone, and nobody looks for them there */
TEST_F_TIMEOUT(vmsched, schedulers_left_behind_are_dropped, LIMIT)
{
	EXPECT_EQ(-ENODEV, insert_bad("bad_late", "bad_late", "unregistered"));
	EXPECT_FALSE(is_listed("\"late\""));
	ASSERT_EQ(0, module_insert_own("bad_forgets"));
	EXPECT_TRUE(is_listed("\"forgets\""));
	ASSERT_EQ(0, module_remove("bad_forgets"));
	EXPECT_TRUE(klog_has(&self->log, "bad_forgets", "scheduler forgets"));
	EXPECT_FALSE(is_listed("\"forgets\""));
	EXPECT_TRUE(refused(0, CLI_NO_OBJECT, "forgets", "sched switch forgets"));
	/* The names can be had again */
	ASSERT_EQ(0, module_insert_own("bad_forgets"));
	ASSERT_EQ(0, module_remove("bad_forgets"));

	/* What was told of them are errors in the log that had to be there */
	klog_close(&self->log);
	ASSERT_EQ(0, klog_mark(&self->log));
}

/* The parameter makes the search for tracepoints fail as on such a kernel */
TEST_F_TIMEOUT(vmsched, kernel_without_tracepoint, LIMIT)
{
	struct run_result r;
	struct rawvm *vm;

	ASSERT_EQ(0, vmsched_remove_all());
	ASSERT_EQ(0, run_words(&r, 0, "modprobe vmsched require=no_such_tp"));
	EXPECT_NE(0, r.status);
	run_free(&r);
	EXPECT_FALSE(module_loaded("vmsched"));
	EXPECT_TRUE(klog_has(&self->log, "no tracepoint no_such_tp", "use one"));

	/* The refusal is an error in the log that had to be there */
	klog_close(&self->log);
	ASSERT_EQ(0, klog_mark(&self->log));

	/* Nothing of it is left: VMs come and go, and it can be loaded */
	vm = start_guest();
	ASSERT_NE(NULL, vm);
	EXPECT_EQ(0, rawvm_kill(vm));
	EXPECT_EQ(0, vmsched_ready());
}

TEST_HARNESS_MAIN
