// SPDX-License-Identifier: GPL-2.0
/*
 * What happens is told to those who listen: each thing once, with the right
 * content, as messages of the group "events" and as lines of vmschedctl.
 */
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/fixture.h"
#include "lib/genl.h"

#define VCPUS		2
#define LIMIT		200
#define LINE_SIZE	4096
#define MAX_LINES	16
/* A line for each would be twice as much as a dump may be */
#define MANY_VCPUS	24
#define DUMP_SIZE	1024

static const char *text_of(const struct genl_told *event, uint16_t type)
{
	return genl_text(genl_attr(&event->msg, type));
}

static uint32_t u32_of(const struct genl_told *event, uint16_t type)
{
	return genl_u32(genl_attr(&event->msg, type));
}

static uint64_t u64_of(const struct genl_told *event, uint16_t type)
{
	return genl_u64(genl_attr(&event->msg, type));
}

static uint32_t weight_of(const struct genl_told *event)
{
	return genl_u32(genl_nested(genl_attr(&event->msg, VMSCHED_A_VM_PARAMS),
				    VMSCHED_A_PARAMS_WEIGHT));
}

static struct rawvm *start_guest(void)
{
	return rawvm_spawn(&(struct rawvm_spec) {
		.name = "guest", .kind = RAWVM_TICK, .nr_vcpus = VCPUS });
}

TEST_F_TIMEOUT(vmsched, vm_comes_and_goes, LIMIT)
{
	struct genl_told event;
	struct rawvm *vm;
	struct genl g;
	uint64_t id;
	pid_t pid;

	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, genl_join(&g));
	vm = start_guest();
	ASSERT_NE(NULL, vm);
	pid = rawvm_pid(vm);
	ASSERT_TRUE(genl_next(&g, VMSCHED_CMD_VM_ADD_NTF, &event));
	id = u64_of(&event, VMSCHED_A_VM_ID);
	EXPECT_GT(id, 0);
	EXPECT_EQ(pid, u32_of(&event, VMSCHED_A_VM_PID));
	EXPECT_STREQ("guest", text_of(&event, VMSCHED_A_VM_COMM));
	EXPECT_STREQ("default", text_of(&event, VMSCHED_A_VM_POOL));
	EXPECT_EQ(100, weight_of(&event));
	EXPECT_GE(u32_of(&event, VMSCHED_A_VM_VCPUS), 1);

	/* Its second vCPU is no new VM, and other parameters are no event */
	ASSERT_EQ(0, cli_do("vm set pid:%d weight 300", pid));
	ASSERT_EQ(0, rawvm_kill(vm));
	ASSERT_TRUE(genl_next(&g, VMSCHED_CMD_VM_DEL_NTF, &event));
	EXPECT_EQ(id, u64_of(&event, VMSCHED_A_VM_ID));
	EXPECT_EQ(pid, u32_of(&event, VMSCHED_A_VM_PID));
	EXPECT_EQ(300, weight_of(&event));
	EXPECT_EQ(0, u32_of(&event, VMSCHED_A_VM_VCPUS));
	/* What its vCPUs used is told for the last time */
	EXPECT_GT(u64_of(&event, VMSCHED_A_VM_RUN_NS), 0);
	genl_close(&g);
}

TEST_F_TIMEOUT(vmsched, switches_and_refusals, LIMIT)
{
	struct sched_switched told;
	struct genl g, control;
	struct genl_told event;

	ASSERT_NE(NULL, start_guest());
	ASSERT_EQ(0, genl_open(&control));
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, genl_join(&g));
	ASSERT_EQ(0, sched_switch("rr", &told));
	ASSERT_TRUE(genl_next(&g, VMSCHED_CMD_SWITCH_NTF, &event));
	EXPECT_STREQ("native", text_of(&event, VMSCHED_A_SWITCH_FROM));
	EXPECT_STREQ("rr", text_of(&event, VMSCHED_A_SWITCH_TO));
	EXPECT_STREQ("default", text_of(&event, VMSCHED_A_SWITCH_POOL));
	EXPECT_EQ(VMSCHED_ACTIVATE_TABLE,
		  u32_of(&event, VMSCHED_A_SWITCH_ACTIVATE));
	EXPECT_EQ(VCPUS, u32_of(&event, VMSCHED_A_SWITCH_VCPUS));
	EXPECT_EQ(told.cease_ns, u64_of(&event, VMSCHED_A_SWITCH_CEASE_NS));
	EXPECT_EQ(told.blackout_ns,
		  u64_of(&event, VMSCHED_A_SWITCH_BLACKOUT_NS));
	EXPECT_GT(told.cease_ns, 0);
	EXPECT_GE(told.blackout_ns, told.cease_ns);
	EXPECT_EQ(NULL, genl_attr(&event.msg, VMSCHED_A_SWITCH_ERROR));

	EXPECT_EQ(-ENOENT, genl_switch(&control, "nosuch"));
	ASSERT_TRUE(genl_next(&g, VMSCHED_CMD_SWITCH_NTF, &event));
	EXPECT_STREQ("rr", text_of(&event, VMSCHED_A_SWITCH_FROM));
	EXPECT_STREQ("nosuch", text_of(&event, VMSCHED_A_SWITCH_TO));
	EXPECT_EQ(ENOENT, u32_of(&event, VMSCHED_A_SWITCH_ERROR));
	genl_close(&control);
	genl_close(&g);
}

TEST_F_TIMEOUT(vmsched, schedulers_come_and_go, LIMIT)
{
	struct genl_told event;
	struct genl g;

	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, genl_join(&g));
	ASSERT_EQ(0, cli_do("sched unload rr"));
	ASSERT_TRUE(genl_next(&g, VMSCHED_CMD_SCHED_DEL_NTF, &event));
	EXPECT_STREQ("rr", text_of(&event, VMSCHED_A_SCHED_NAME));
	ASSERT_EQ(0, cli_do("sched load rr"));
	ASSERT_TRUE(genl_next(&g, VMSCHED_CMD_SCHED_ADD_NTF, &event));
	EXPECT_STREQ("rr", text_of(&event, VMSCHED_A_SCHED_NAME));
	EXPECT_STREQ("vmsched_rr", text_of(&event, VMSCHED_A_SCHED_MODULE));
	genl_close(&g);
}

/* One who says "not today" once it is armed; there are more vCPUs than can be told of */
static bool misbehaves(void)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "many", .kind = RAWVM_TICK, .nr_vcpus = MANY_VCPUS });

	return vm && !module_insert_own("bad_report") &&
	       !sched_switch("rr", NULL) && !sched_switch("bad_report", NULL);
}

TEST_F_TIMEOUT(vmsched, scheduler_is_thrown_out, LIMIT)
{
	struct genl_told told;
	const char *dump;
	uint64_t armed;
	struct genl g;

	ASSERT_TRUE(misbehaves());
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, genl_join(&g));
	armed = clock_ns();
	ASSERT_EQ(0, module_set_param("bad_report", "armed", 1));
	ASSERT_TRUE(genl_next(&g, VMSCHED_CMD_FAULT_NTF, &told));
	EXPECT_STREQ("default", text_of(&told, VMSCHED_A_FAULT_POOL));
	EXPECT_EQ(VMSCHED_FAULT_KIND_REPORTED, u32_of(&told, VMSCHED_A_FAULT_KIND));
	EXPECT_STREQ("bad_report", text_of(&told, VMSCHED_A_FAULT_SCHEDULER));
	EXPECT_STREQ("not today", text_of(&told, VMSCHED_A_FAULT_MESSAGE));
	EXPECT_STREQ("rr", text_of(&told, VMSCHED_A_FAULT_TO));
	EXPECT_GE(u32_of(&told, VMSCHED_A_FAULT_COUNT), 1);
	EXPECT_GT(u64_of(&told, VMSCHED_A_FAULT_TIME_NS), armed);
	EXPECT_LT(u64_of(&told, VMSCHED_A_FAULT_TIME_NS), clock_ns());
	EXPECT_GT(u64_of(&told, VMSCHED_A_FAULT_BYPASS_NS), 0);
	EXPECT_NE(NULL, strstr(text_of(&told, VMSCHED_A_FAULT_TRACE),
			       "[bad_report]\n"));
	dump = text_of(&told, VMSCHED_A_FAULT_DUMP);
	EXPECT_EQ(dump, strstr(dump, "pCPU 0: holder "));
	EXPECT_NE(NULL, strstr(dump, "\nvCPU "));
	/* As much of it as there is room for */
	EXPECT_GT(strlen(dump), DUMP_SIZE / 2);
	EXPECT_LT(strlen(dump), DUMP_SIZE);
	/* And then of the switch to the one before */
	ASSERT_TRUE(genl_next(&g, VMSCHED_CMD_SWITCH_NTF, &told));
	EXPECT_STREQ("bad_report", text_of(&told, VMSCHED_A_SWITCH_FROM));
	EXPECT_STREQ("rr", text_of(&told, VMSCHED_A_SWITCH_TO));
	EXPECT_EQ(NULL, genl_attr(&told.msg, VMSCHED_A_SWITCH_ERROR));
	genl_close(&g);
	EXPECT_EQ(0, module_remove("bad_report"));
	EXPECT_EQ(0, klog_warnings_but(&self->log, "vmsched: "));
}

/* vmschedctl that prints events, and what it has printed */
struct reader {
	pid_t pid;
	FILE *out;
};

static int reader_start(struct reader *r)
{
	int fd[2];

	if (pipe(fd))
		return -errno;
	r->pid = fork();
	if (!r->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd[1], 1);
		close(fd[0]);
		close(fd[1]);
		execlp("vmschedctl", "vmschedctl", "-j", "events", NULL);
		_exit(127);
	}
	close(fd[1]);
	r->out = fdopen(fd[0], "r");
	if (r->pid < 0 || !r->out)
		return -errno;
	/* What is read ahead would be hidden from poll() */
	return setvbuf(r->out, NULL, _IONBF, 0);
}

static bool reader_has_line(struct reader *r, unsigned int ms)
{
	struct pollfd pfd = { .fd = fileno(r->out), .events = POLLIN };

	return poll(&pfd, 1, ms) > 0;
}

/* The next line, which must be one JSON object; NULL if it is none */
static json_object *reader_next(struct reader *r)
{
	json_object *json;
	char line[LINE_SIZE];

	if (!reader_has_line(r, HANG_LIMIT_MS) ||
	    !fgets(line, sizeof(line), r->out) || !strchr(line, '\n'))
		return NULL;
	json = json_tokener_parse(line);
	if (json_object_is_type(json, json_type_object))
		return json;
	printf("# no JSON object on a line: %s", line);
	json_object_put(json);
	return NULL;
}

static bool holds(json_object *json, const char *key, const char *want)
{
	json_object *field;

	if (!json_object_object_get_ex(json, key, &field))
		return false;
	/* That of a number is its digits */
	return !strcmp(json_object_get_string(field) ?: "null", want);
}

/* The next line about @event, the switches of reader_wait() left out */
static json_object *reader_event(struct reader *r, const char *event)
{
	json_object *json;
	int i;

	for (i = 0; i < MAX_LINES; i++) {
		json = reader_next(r);
		if (!json || holds(json, "event", event))
			return json;
		if (!holds(json, "event", "switch") ||
		    !holds(json, "from", "native"))
			printf("# event %s should come, not %s\n", event,
			       json_object_to_json_string(json));
		json_object_put(json);
	}
	return NULL;
}

/* It does not say when it has begun to listen: give it something to tell */
static bool reader_wait(struct reader *r)
{
	int i;

	for (i = 0; i < MAX_LINES; i++) {
		if (sched_switch("native", NULL))
			return false;
		if (reader_has_line(r, 200))
			return true;
	}
	return false;
}

/* Exit status of the program, which must have ended its output */
static int reader_end(struct reader *r)
{
	json_object *json;
	int status, i;

	for (i = 0; i < MAX_LINES; i++) {
		json = reader_next(r);
		if (!json)
			break;
		json_object_put(json);
	}
	if (waitpid(r->pid, &status, 0) != r->pid)
		return -errno;
	fclose(r->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* A line about the VM @vm: @more is something else that it holds */
static bool tells_of_vm(struct reader *r, const char *event, struct rawvm *vm,
			const char *key, const char *more)
{
	json_object *json = reader_event(r, event);
	char pid[16], name[32];
	bool ok;

	snprintf(pid, sizeof(pid), "%d", rawvm_pid(vm));
	snprintf(name, sizeof(name), "guest-%s", pid);
	ok = json && holds(json, "pid", pid) && holds(json, "comm", "guest") &&
	     holds(json, "name", name) && holds(json, key, more);
	if (!ok)
		printf("# %s: %s\n", event, json_object_to_json_string(json));
	json_object_put(json);
	return ok;
}

static bool tells_of_switch(struct reader *r, const char *to)
{
	json_object *json;
	bool ok;

	do {
		json = reader_event(r, "switch");
		ok = json && !holds(json, "to", "native");
		if (json && !ok)
			json_object_put(json);
	} while (json && !ok);
	ok = json && holds(json, "from", "native") && holds(json, "to", to) &&
	     holds(json, "pool", "default") && holds(json, "vcpus", "2") &&
	     holds(json, "error", "null");
	if (!ok)
		printf("# switch: %s\n", json_object_to_json_string(json));
	json_object_put(json);
	return ok;
}

TEST_F_TIMEOUT(vmsched, lines_of_vmschedctl, LIMIT)
{
	json_object *json, *time;
	uint64_t start = clock_ns();
	struct rawvm *vm;
	struct reader r;

	ASSERT_EQ(0, reader_start(&r));
	ASSERT_TRUE(reader_wait(&r));
	json = reader_event(&r, "switch");
	ASSERT_NE(NULL, json);
	ASSERT_TRUE(json_object_object_get_ex(json, "time_ns", &time));
	EXPECT_GE(json_object_get_uint64(time), start);
	EXPECT_LE(json_object_get_uint64(time), clock_ns());
	json_object_put(json);

	vm = start_guest();
	ASSERT_NE(NULL, vm);
	EXPECT_TRUE(tells_of_vm(&r, "vm-add", vm, "weight", "100"));
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	EXPECT_TRUE(tells_of_switch(&r, "bvt"));
	/* Its process is on its way out, but not its name */
	kill(rawvm_pid(vm), SIGKILL);
	EXPECT_TRUE(tells_of_vm(&r, "vm-del", vm, "vcpus", "0"));
	ASSERT_EQ(0, rawvm_kill(vm));
	ASSERT_EQ(0, sched_switch("native", NULL));
	ASSERT_EQ(0, vmsched_remove_all());
	EXPECT_EQ(CLI_NOT_LOADED, reader_end(&r));
}

TEST_F_TIMEOUT(vmsched, line_of_a_fault, LIMIT)
{
	json_object *json;
	struct reader r;

	ASSERT_TRUE(misbehaves());
	ASSERT_EQ(0, reader_start(&r));
	/* This makes it native, and so not the one that is at fault */
	ASSERT_TRUE(reader_wait(&r));
	ASSERT_EQ(0, sched_switch("bad_report", NULL));
	ASSERT_EQ(0, module_set_param("bad_report", "armed", 1));
	json = reader_event(&r, "fault");
	ASSERT_NE(NULL, json);
	EXPECT_TRUE(holds(json, "pool", "default"));
	EXPECT_TRUE(holds(json, "kind", "reported"));
	EXPECT_TRUE(holds(json, "scheduler", "bad_report"));
	EXPECT_TRUE(holds(json, "message", "not today"));
	EXPECT_TRUE(holds(json, "to", "native"));
	json_object_put(json);
	EXPECT_TRUE(sched_becomes("native", HANG_LIMIT_MS));
	EXPECT_EQ(0, module_remove("bad_report"));
	ASSERT_EQ(0, vmsched_remove_all());
	EXPECT_EQ(CLI_NOT_LOADED, reader_end(&r));
	EXPECT_EQ(0, klog_warnings_but(&self->log, "vmsched: "));
}

TEST_HARNESS_MAIN
