// SPDX-License-Identifier: GPL-2.0
/*
 * Storms: how much, what numbers, and what must hold afterwards; see storm.h.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "exact.h"
#include "modules.h"
#include "storm.h"

#define CONTROL_PRIORITY	10
#define LISTED_MS		1000
#define REMOVED_MS		5000
/* A long run: a test may take so many times as long as usual */
#define FULL_SECONDS		60
/* No guest may stand still for longer, whatever happens around it */
#define STILL_EXACT_MS		1000
#define STILL_MS		5000
#define STILL_DEBUG_MS		15000

void storm_seed(struct storm_rng *r, uint64_t seed)
{
	/* Any but 0, which gives zeros for ever; neighbours far apart */
	r->state = (seed + 1) * 0x9e3779b97f4a7c15ULL ?: 1;
}

/* xorshift64* */
uint64_t storm_random(struct storm_rng *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * 0x2545f4914f6cdd1dULL;
}

unsigned int storm_below(struct storm_rng *r, unsigned int n)
{
	return (storm_random(r) >> 32) % n;
}

static bool storm_is_full(void)
{
	const char *text = getenv("VMSCHED_STORM");

	return text && !strcmp(text, "full");
}

static unsigned int storm_times(void)
{
	const char *text = getenv("VMSCHED_STORM");
	int n = text ? atoi(text) : 1;

	return n > 1 ? n : 1;
}

unsigned int storm_count(unsigned int few, unsigned int full)
{
	return storm_is_full() ? full : few * storm_times();
}

int storm_seconds(int seconds)
{
	return seconds * (storm_is_full() ? FULL_SECONDS : storm_times());
}

static uint64_t choose_seed(void)
{
	const char *text = getenv("VMSCHED_SEED");

	return text && *text ? strtoull(text, NULL, 0) : clock_ns() % 1000000;
}

static int start_witnesses(struct storm *s)
{
	static const struct rawvm_spec spec[STORM_WITNESSES] = {
		{ .name = "busy", .kind = RAWVM_SPIN, .nr_vcpus = 2 },
		{ .name = "wakes", .kind = RAWVM_TICK, .period_us = 20000 },
	};
	unsigned int i;

	for (i = 0; i < STORM_WITNESSES; i++) {
		s->witness[i] = rawvm_spawn(&spec[i]);
		if (!s->witness[i])
			return -ECHILD;
	}
	return 0;
}

static unsigned int still_ms(void)
{
	if (clock_is_exact())
		return STILL_EXACT_MS;
	return kernel_is_debug() ? STILL_DEBUG_MS : STILL_MS;
}

static int watch_witnesses(struct storm *s)
{
	s->watch = watch_start(s->witness, STORM_WITNESSES, still_ms());
	return s->watch ? 0 : -EAGAIN;
}

/* Above all guests, so that on a slow machine it is not the test that waits */
static int control(bool first)
{
	struct sched_param param = {
		.sched_priority = first ? CONTROL_PRIORITY : 0,
	};

	return sched_setscheduler(0, first ? SCHED_FIFO : SCHED_OTHER, &param) ?
	       -errno : 0;
}

int storm_begin(struct storm *s)
{
	int ret;

	memset(s, 0, sizeof(*s));
	s->seed = choose_seed();
	storm_seed(&s->rng, s->seed);
	printf("# seed: %ju\n", (uintmax_t)s->seed);
	ret = klog_mark(&s->log);
	if (ret)
		return ret;
	s->begun = true;
	ret = vmsched_ready() ?: start_witnesses(s) ?: attrs_read(&s->before, 0);
	ret = ret ?: watch_witnesses(s) ?: control(true);
	s->start = clock_ns();
	return ret;
}

void storm_done(struct storm *s, const char *what, uint64_t n)
{
	uint64_t ns = clock_ns() - s->start;

	printf("# %s: %ju\n", what, (uintmax_t)n);
	printf("# %s_per_s: %.4g 1/s\n", what, n * 1e9 / ns);
}

bool storm_witnesses_advance(const struct storm *s)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; i < STORM_WITNESSES; i++) {
		if (!s->witness[i] || rawvm_broken(s->witness[i]) ||
		    !rawvm_advances(s->witness[i], HANG_LIMIT_MS))
			ok = false;
	}
	return ok;
}

static json_object *entry(json_object *list, size_t i, const char *key)
{
	json_object *value = NULL;

	json_object_object_get_ex(json_object_array_get_idx(list, i), key,
				  &value);
	return value;
}

static bool is_witness(const struct storm *s, pid_t pid)
{
	unsigned int i;

	for (i = 0; i < STORM_WITNESSES; i++) {
		if (rawvm_pid(s->witness[i]) == pid)
			return true;
	}
	return false;
}

/* @object ("vm", "vcpu") is listed @want times; with a pid, only witnesses */
static bool listed_as_wanted(const struct storm *s, const char *object,
			     size_t want, bool say)
{
	bool ok = false;
	struct cli c;
	size_t i, n;

	if (!cli(&c, "%s list", object) &&
	    json_object_is_type(c.json, json_type_array)) {
		n = json_object_array_length(c.json);
		ok = n == want;
		for (i = 0; i < n; i++) {
			json_object *pid = entry(c.json, i, "pid");

			if (pid && !is_witness(s, json_object_get_int(pid)))
				ok = false;
		}
	}
	if (!ok && say)
		printf("# `%s list` should show %zu, and is: %s %s\n", object,
		       want, c.run.out ?: "", c.run.err ?: "");
	cli_free(&c);
	return ok;
}

/* Totals of the module are those of its lists */
static bool totals_are(uint64_t vms, uint64_t vcpus, bool say)
{
	json_object *v = NULL, *c = NULL;
	struct cli cmd;
	bool ok;

	ok = !cli(&cmd, "status") &&
	     json_object_object_get_ex(cmd.json, "vms", &v) &&
	     json_object_object_get_ex(cmd.json, "vcpus", &c) &&
	     json_object_get_uint64(v) == vms &&
	     json_object_get_uint64(c) == vcpus;
	if (!ok && say)
		printf("# `status` should show %ju VMs, %ju vCPUs, and is: %s\n",
		       (uintmax_t)vms, (uintmax_t)vcpus, cmd.run.out ?: "");
	cli_free(&cmd);
	return ok;
}

static bool lists_are_right(const struct storm *s, bool say)
{
	size_t vcpus = 0;
	unsigned int i;

	for (i = 0; i < STORM_WITNESSES; i++)
		vcpus += rawvm_nr_vcpus(s->witness[i]);
	return listed_as_wanted(s, "vm", STORM_WITNESSES, say) &&
	       listed_as_wanted(s, "vcpu", vcpus, say) &&
	       totals_are(STORM_WITNESSES, vcpus, say);
}

bool storm_only_witnesses_listed(const struct storm *s)
{
	uint64_t end = clock_ns() + limit_ms(LISTED_MS) * NSEC_PER_MSEC;

	while (clock_ns() < end) {
		if (lists_are_right(s, false))
			return true;
		clock_sleep_ms(20);
	}
	return lists_are_right(s, true);
}

bool storm_can_be_removed(void)
{
	uint64_t end = clock_ns() + limit_ms(REMOVED_MS) * NSEC_PER_MSEC;
	long objects;

	if (module_loaded("vmsched") && sched_switch("native", NULL))
		return false;
	while (vmsched_remove_all()) {
		if (clock_ns() > end) {
			printf("# vmsched cannot be removed\n");
			return false;
		}
		clock_sleep_ms(50);
	}
	objects = slab_vmsched_objects();
	if (objects >= 0)
		printf("# slab caches are left, with %ld objects\n", objects);
	return objects < 0;
}

static bool watch_was_right(struct storm *s)
{
	unsigned int limit = s->stall_ms > still_ms() ? s->stall_ms : still_ms();
	struct watch_result r;
	bool stood;

	if (!s->watch)
		return false;
	watch_stop(s->watch, &r);
	s->watch = NULL;
	stood = r.longest_ns >= limit * NSEC_PER_MSEC;
	if (stood)
		printf("# a guest stood still for %u ms\n", limit);
	return r.samples && !stood;
}

/*
 * Linux gives a thread the base slice, which depends on the number of CPUs,
 * when it next runs: have all threads of the witnesses run.
 */
static bool touch_witnesses(struct storm *s)
{
	unsigned int i;

	for (i = 0; i < STORM_WITNESSES; i++) {
		if (rawvm_pause(s->witness[i]) || rawvm_resume(s->witness[i]))
			return false;
	}
	return true;
}

static bool attributes_are_the_same(struct storm *s)
{
	struct attrs after = { 0 };
	unsigned int changed, compared, i;
	bool ok = true;

	if (control(false) || !touch_witnesses(s) || attrs_read(&after, 0))
		return false;
	changed = attrs_compare(&s->before, &after, &compared);
	for (i = 0; i < STORM_WITNESSES; i++) {
		pid_t tid = rawvm_tid(s->witness[i], 0);

		if (!attrs_find(&s->before, tid) || !attrs_find(&after, tid))
			ok = false;
	}
	if (!ok || !compared)
		printf("# threads of witnesses were not looked at\n");
	attrs_free(&after);
	return ok && compared && !changed;
}

bool storm_unchanged(const struct attrs *before, pid_t pid)
{
	struct attrs after;
	unsigned int changed, compared;

	if (attrs_read(&after, pid))
		return false;
	changed = attrs_compare(before, &after, &compared);
	if (!compared)
		printf("# process %d: no thread of before is left\n", pid);
	attrs_free(&after);
	return compared && !changed;
}

static unsigned int wrong(bool ok, const char *what)
{
	if (!ok)
		printf("# after the storm: %s\n", what);
	return !ok;
}

/* What is asked while vmsched is still there, and after it has gone */
static unsigned int look_around(struct storm *s)
{
	unsigned int n = 0;

	n += wrong(watch_was_right(s), "guests did not go on all the time");
	n += wrong(storm_witnesses_advance(s), "guests do not go on");
	if (module_loaded("vmsched"))
		n += wrong(storm_only_witnesses_listed(s), "stale VMs or vCPUs");
	n += wrong(storm_can_be_removed(), "module does not go without a trace");
	n += wrong(attributes_are_the_same(s), "threads are not as before");
	n += wrong(storm_witnesses_advance(s), "guests end with the module");
	return n;
}

unsigned int storm_end(struct storm *s)
{
	unsigned int n = 0;

	if (!s->begun)
		return 0;
	n += wrong(!storm_stop(s), "workers failed");
	if (s->watch)
		n += look_around(s);
	else
		n += wrong(false, "it did not begin");
	rawvm_kill_all();
	n += wrong(!klog_warnings_but(&s->log, s->expected), "kernel warned");
	klog_close(&s->log);
	attrs_free(&s->before);
	s->begun = false;
	return n;
}
