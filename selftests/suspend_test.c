// SPDX-License-Identifier: GPL-2.0
/*
 * Suspend in all its steps and back while VMs run, under any scheduler: they go
 * on, and it is still the one in force. Linux tries it step by step (pm_test).
 */
#include "lib/file.h"
#include "lib/storm_fixture.h"

#define SUSPEND_S	"1"

static bool file_says(const char *path, const char *word)
{
	char text[256] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return strstr(text, word);
}

static const char *suspend_missing(void)
{
	if (access("/sys/power/pm_test", W_OK))
		return "this kernel cannot try suspend: no CONFIG_PM_DEBUG";
	if (!file_says("/sys/power/state", "mem"))
		return "this machine cannot suspend to memory";
	/* The other one ends before CPUs go off, and would wait for a key */
	if (file_write("/sys/power/mem_sleep", "deep"))
		return "this machine has no deep suspend";
	return NULL;
}

/* Suspend up to step @level, one second, and back */
static int suspend_to(const char *level)
{
	int ret = file_write("/sys/power/pm_test", level) ?:
		  file_write("/sys/power/state", "mem");

	if (ret)
		printf("# suspend up to %s: %s\n", level, strerror(-ret));
	return ret;
}

static bool suspend_and_look(struct storm *s, const char *level)
{
	const char *sched = storm_scheduler(s);
	unsigned int cpus = cpus_online();
	char active[32];
	bool ok;

	ok = !sched_switch(sched, NULL) && !suspend_to(level) &&
	     storm_witnesses_advance(s) && cpus == cpus_online() &&
	     !sched_active(active, sizeof(active)) && !strcmp(sched, active);
	if (!ok)
		printf("# suspend up to %s, under %s\n", level, sched);
	return ok;
}

/* All threads of VMMs are frozen wherever they are, and go on */
TEST_STORM(suspend_of_threads, 90)
{
	struct storm *s = &self->storm;
	unsigned int i, n = storm_count(6, 100);

	if (suspend_missing())
		SKIP(return, "%s", suspend_missing());
	file_write("/sys/module/suspend/parameters/pm_test_delay", SUSPEND_S);
	for (i = 0; i < n; i++)
		ASSERT_TRUE(suspend_and_look(s, "freezer"));
	storm_done(s, "suspends", n);
	ASSERT_EQ(0, file_write("/sys/power/pm_test", "none"));
}

/* A root over virtio is lost: Linux's 9p does not set its queues up again */
static bool root_is_9p(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " - 9p ");
	if (f)
		fclose(f);
	return found;
}

/* Devices, and all CPUs but the first, go off while the VMMs are frozen */
TEST_STORM(suspend_of_devices_and_cpus, 90)
{
	static const char * const levels[] = {
		"devices", "platform", "processors", "core",
	};
	struct storm *s = &self->storm;
	unsigned int i, j, n = storm_count(2, 20);

	if (suspend_missing())
		SKIP(return, "%s", suspend_missing());
	if (root_is_9p())
		SKIP(return, "the root of this machine, 9p over virtio, does not outlive it");
	file_write("/sys/module/suspend/parameters/pm_test_delay", SUSPEND_S);
	s->expected = KLOG_AFFINE;
	for (i = 0; i < n; i++)
		for (j = 0; j < ARRAY_SIZE(levels); j++)
			ASSERT_TRUE(suspend_and_look(s, levels[j]));
	storm_done(s, "suspends", n * ARRAY_SIZE(levels));
	ASSERT_EQ(0, file_write("/sys/power/pm_test", "none"));
}

TEST_HARNESS_MAIN
