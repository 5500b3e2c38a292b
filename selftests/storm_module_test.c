// SPDX-License-Identifier: GPL-2.0
/*
 * The modules of schedulers come and go while others switch to them: a module is in
 * use, or it is not, and nothing else is ever answered.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/agent.h"
#include "lib/mixed.h"
#include "lib/requester.h"
#include "lib/storm_fixture.h"

#define SECONDS		60
/* Starting a program takes a second on the debug kernel */
#define DEBUG_FULL	300
#define FULL		1800
#define AGENT_MS	1000

/* What the workers of a storm have seen */
struct seen {
	uint64_t switched;
	uint64_t loaded;
	uint64_t unloaded;
	uint64_t busy;
	uint64_t gone;
};

static void count(uint64_t *n)
{
	__atomic_add_fetch(n, 1, __ATOMIC_RELAXED);
}

static struct seen *share(void)
{
	void *p = mmap(NULL, sizeof(struct seen), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static const char * const scheds[] = { "native", "rr", "bvt" };
static const char * const ways[] = { "id", "table", "patch" };

/* --- By the tool, which loads what it needs --- */

/* What it says where the kernel has answered EBUSY, or rmmod has */
static bool says_busy(const char *text)
{
	static const char * const busy[] = {
		"its module is just being loaded or removed",
		"its module has just been loaded",
		" is busy: it was removed ",
		"Device or resource busy",
		"is active in pool",
		"is busy or in use",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(busy); i++)
		if (strstr(text, busy[i]))
			return true;
	return false;
}

/* Done, -EBUSY, or anything else, which is printed */
__printf(2, 3)
static int tool(struct seen *seen, const char *fmt, ...)
{
	char line[128];
	struct cli c;
	va_list ap;
	int ret;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	ret = cli(&c, "%s", line);
	if (ret == CLI_REFUSED && says_busy(c.run.err ?: "")) {
		count(&seen->busy);
		ret = -EBUSY;
	} else if (ret) {
		printf("# vmschedctl %s: status %d: %s", line, ret,
		       c.run.err ?: "\n");
	}
	cli_free(&c);
	return ret;
}

static int tool_switches(struct storm_worker *w)
{
	struct seen *seen = w->data;
	int ret = 0;

	while (!ret && !storm_stopped(w)) {
		ret = tool(seen, "sched switch %s activate %s cease-timeout %d",
			   scheds[storm_below(&w->rng, 3)],
			   ways[storm_below(&w->rng, 3)], MIXED_CEASE_MS);
		if (!ret)
			count(&seen->switched);
		if (ret == -EBUSY)
			ret = 0;
		w->done++;
	}
	return ret;
}

/* Load or unload it; as tool() */
typedef int load_fn(struct seen *seen, const char *name, bool load);

static int load_by_tool(struct seen *seen, const char *name, bool load)
{
	return tool(seen, "sched %s %s", load ? "load" : "unload", name);
}

/*
 * The same by system calls, which is far faster. EAGAIN is what rmmod says of a module
 * in use; EEXIST says that the tool of somebody else has loaded it first.
 */
static int load_directly(struct seen *seen, const char *name, bool load)
{
	char module[32], path[128];
	int err;

	snprintf(module, sizeof(module), "vmsched_%s", name);
	module_path(path, sizeof(path), module);
	err = load ? module_insert(path) : module_remove(module);
	if (load && err == -EEXIST)
		return 0;
	if (!load && err == -EAGAIN)
		err = -EBUSY;
	if (err == -EBUSY)
		count(&seen->busy);
	else if (err)
		printf("# %s %s: %s\n", load ? "load" : "unload", name,
		       strerror(-err));
	return err;
}

/* It unloads what it knows to be loaded: no other one does */
static int come_and_go(struct storm_worker *w, const char *name, load_fn *fn)
{
	struct seen *seen = w->data;
	bool load = false;
	int ret = 0;

	while (!ret && !storm_stopped(w)) {
		ret = fn(seen, name, load);
		if (!ret) {
			count(load ? &seen->loaded : &seen->unloaded);
			load = !load;
		}
		if (ret == -EBUSY)
			ret = 0;
		w->done++;
		usleep(storm_below(&w->rng, 2000));
	}
	return ret;
}

/* Before the guests, or on a slow machine those take most of the time */
static int work_by_tool(struct storm_worker *w)
{
	setpriority(PRIO_PROCESS, 0, -20);
	if (w->index < 2)
		return tool_switches(w);
	return w->index == 2 ? come_and_go(w, "rr", load_by_tool) :
			       come_and_go(w, "bvt", load_directly);
}

static void report(struct storm *s, const struct seen *seen)
{
	storm_done(s, "operations", storm_work(s));
	metric("switches", seen->switched, "");
	metric("loaded", seen->loaded, "");
	metric("unloaded", seen->unloaded, "");
	metric("busy", seen->busy, "");
}

TEST_STORM(busy_or_done, SECONDS + 60)
{
	struct storm *s = &self->storm;
	struct seen *seen = share();
	struct rawvm *vm;

	ASSERT_NE(NULL, seen);
	vm = rawvm_spawn(&(struct rawvm_spec) { .name = "spin", .nr_vcpus = 2 });
	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, storm_start(s, 4, work_by_tool, seen));
	clock_sleep_ms(storm_count(SECONDS, kernel_is_debug() ?
				   DEBUG_FULL : FULL) * 1000);
	report(s, seen);
	EXPECT_EQ(0, storm_stop(s));
	EXPECT_GT(seen->switched, 10);
	EXPECT_GT(seen->unloaded, 3);
	EXPECT_GT(seen->busy, 0);
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
	ASSERT_EQ(0, vmsched_ready());
	ASSERT_EQ(0, rawvm_kill(vm));
	munmap(seen, sizeof(*seen));
}

/* --- The kernel alone, which loads nothing by itself --- */

static int switch_among(struct storm_worker *w)
{
	struct seen *seen = w->data;
	struct genl g;
	int err = genl_open(&g);

	while (!err && !storm_stopped(w)) {
		err = mixed_switch(&g, scheds[storm_below(&w->rng, 3)],
				   storm_below(&w->rng, 3), NULL, NULL);
		if (!err)
			count(&seen->switched);
		else if (err == -EBUSY)
			count(&seen->busy);
		else if (err == -ENOENT)	/* not loaded, and not by this */
			count(&seen->gone);
		else
			printf("# switch: %s\n", strerror(-err));
		if (err == -EBUSY || err == -ENOENT)
			err = 0;
		w->done++;
	}
	genl_close(&g);
	return err;
}

static int work_directly(struct storm_worker *w)
{
	if (w->index < 2)
		return switch_among(w);
	return come_and_go(w, w->index == 2 ? "rr" : "bvt", load_directly);
}

TEST_STORM(modules_against_switches, 60)
{
	struct storm *s = &self->storm;
	struct seen *seen = share();
	struct rawvm *vm;

	ASSERT_NE(NULL, seen);
	vm = rawvm_spawn(&(struct rawvm_spec) { .name = "spin", .nr_vcpus = 2 });
	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, storm_start(s, 4, work_directly, seen));
	clock_sleep_ms(storm_count(10, 60) * 1000);
	report(s, seen);
	metric("not_there", seen->gone, "");
	EXPECT_EQ(0, storm_stop(s));
	EXPECT_GT(seen->switched, 10);
	EXPECT_GT(seen->unloaded, 3);
	EXPECT_TRUE(rawvm_advances(vm, HANG_LIMIT_MS));
	ASSERT_EQ(0, vmsched_ready());
	ASSERT_EQ(0, rawvm_kill(vm));
	munmap(seen, sizeof(*seen));
}

/*
 * The calls are patched before the agents are waited for. A scheduler that is loaded
 * only then cannot be called so, which is what busy means, and not so the next time.
 */
TEST_STORM(loaded_during_a_switch, 60)
{
	struct genl agent, g;
	struct requester r;
	char path[128];
	uint32_t seq;

	module_path(path, sizeof(path), "vmsched_bvt");
	ASSERT_EQ(0, module_remove("vmsched_bvt"));
	ASSERT_EQ(0, agent_open(&agent));
	ASSERT_EQ(0, requester_start_by(&r, "bvt", VMSCHED_ACTIVATE_PATCH,
					VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP,
					AGENT_MS));
	seq = agent_next_cease(&agent);
	EXPECT_NE(0, seq);
	EXPECT_EQ(0, module_insert(path));
	EXPECT_EQ(0, agent_ack(&agent, seq));
	EXPECT_EQ(-EBUSY, requester_end(&r));
	EXPECT_NE(NULL, strstr(r.text, "try again"));
	genl_close(&agent);

	ASSERT_EQ(0, genl_open(&g));
	EXPECT_EQ(0, mixed_switch(&g, "bvt", VMSCHED_ACTIVATE_PATCH, NULL, NULL));
	EXPECT_EQ(0, mixed_switch(&g, "native", VMSCHED_ACTIVATE_TABLE, NULL, NULL));
	genl_close(&g);
}

TEST_HARNESS_MAIN
