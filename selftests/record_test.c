// SPDX-License-Identifier: GPL-2.0
/*
 * Recordings of this host: what vmsched-sim makes of them is what was measured while
 * they were made.
 */
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "lib/fixture.h"
#include "lib/file.h"

#define RECORDING		"/tmp/vmsched-record-test"
#define INSTANCES		"/sys/kernel/tracing/instances"
#define RECORD_MS		5000
#define ADVISE_S		2
#define SETTLE_MS		500
#define LIMIT_PERCENT		3.0
#define TICK_US			10000
#define TURNS			5000
#define AFTER_MS		2500

struct guest {
	struct rawvm_spec spec;
	unsigned int weight;
	struct rawvm *vm;
	uint64_t run_ns;
};

/* Spinners of unequal weight and sleepers; the last ones on a pCPU of their own */
static struct guest guests[] = {
	{ { .name = "a", .cpus = "0" }, 100 },
	{ { .name = "b", .cpus = "0" }, 300 },
	{ { .name = "c", .cpus = "0", .kind = RAWVM_TICK, .period_us = TICK_US,
	    .busy_us = 2000 }, 200 },
	{ { .name = "d", .cpus = "0", .kind = RAWVM_TICK, .period_us = 25000,
	    .busy_us = 3000 }, 50 },
	{ { .name = "e", .cpus = "1" }, 100 },
	{ { .name = "f", .cpus = "1" }, 200 },
	{ { .name = "g", .cpus = "1", .kind = RAWVM_TICK, .period_us = 20000,
	    .busy_us = 3000 }, 400 },
};

#define ON_ONE_PCPU		4

static unsigned int pcpus(void)
{
	return cpus_online() > 1 ? 2 : 1;
}

static unsigned int nr_guests(void)
{
	return pcpus() > 1 ? ARRAY_SIZE(guests) : ON_ONE_PCPU;
}

static int spawn_guests(void)
{
	unsigned int i;

	for (i = 0; i < nr_guests(); i++) {
		guests[i].vm = rawvm_spawn(&guests[i].spec);
		if (!guests[i].vm ||
		    !vm_listed(rawvm_pid(guests[i].vm), true, limit_ms(1000)) ||
		    cli_do("vm set pid:%d weight %u", rawvm_pid(guests[i].vm),
			   guests[i].weight))
			return -1;
	}
	return 0;
}

static uint64_t number(json_object *json, const char *key)
{
	json_object *value = NULL;

	json_object_object_get_ex(json, key, &value);
	return json_object_get_uint64(value);
}

/* How long each has executed by now, or since it was asked last, by one list. */
static int take_runs(bool since)
{
	unsigned int i, j;
	struct cli c;
	int found = 0;

	if (cli(&c, "vm list"))
		return -1;
	for (i = 0; i < nr_guests(); i++) {
		for (j = 0; j < json_object_array_length(c.json); j++) {
			json_object *vm = json_object_array_get_idx(c.json, j);

			if (number(vm, "pid") != (uint64_t)rawvm_pid(guests[i].vm))
				continue;
			guests[i].run_ns = number(vm, "run_ns") -
					   (since ? guests[i].run_ns : 0);
			found++;
		}
	}
	cli_free(&c);
	return found - (int)nr_guests();
}

/* What the simulator says of the recording under @scheduler; NULL if it does not. */
static json_object *replay(const char *scheduler)
{
	json_object *json = NULL;
	struct run_result r;
	char line[100];

	snprintf(line, sizeof(line), "vmsched-sim run -j -s %s " RECORDING,
		 scheduler);
	if (run_words(&r, 0, line))
		return NULL;
	if (r.status)
		printf("# %s: status %d: %s", line, r.status, r.err);
	else
		json = json_tokener_parse(r.out);
	run_free(&r);
	return json;
}

/* VMs stand in the order of their ids, which is that in which they were made. */
static json_object *replayed_vm(json_object *json, size_t i, size_t n)
{
	json_object *vms = NULL;

	if (!json_object_object_get_ex(json, "vms", &vms) ||
	    json_object_array_length(vms) != n)
		return NULL;
	return json_object_array_get_idx(vms, i);
}

/* Lines of the recording that begin with @word */
static unsigned int lines_of(const char *word)
{
	FILE *file = fopen(RECORDING, "r");
	unsigned int n = 0;
	char line[4096];

	while (file && fgets(line, sizeof(line), file))
		n += !strncmp(line, word, strlen(word));
	if (file)
		fclose(file);
	return n;
}

static unsigned int instances(char *name, size_t size)
{
	DIR *dir = opendir(INSTANCES);
	struct dirent *entry;
	unsigned int n = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, size, "%.60s", entry->d_name);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

/* Largest distance of a share, in percent of the pool's time */
static double worst_share(json_object *json, uint64_t time_ns)
{
	double worst = 0;
	unsigned int i;

	for (i = 0; i < nr_guests(); i++) {
		json_object *vm = replayed_vm(json, i, nr_guests());
		double had, has;
		char name[40];

		if (!vm)
			return 100;
		had = 100.0 * guests[i].run_ns / (time_ns * pcpus());
		has = 100.0 * number(vm, "run_ns") /
		      (number(json, "time_ns") * pcpus());
		snprintf(name, sizeof(name), "measured_%s", guests[i].spec.name);
		metric(name, had, "%");
		snprintf(name, sizeof(name), "replayed_%s", guests[i].spec.name);
		metric(name, has, "%");
		worst = fmax(worst, fabs(had - has));
	}
	metric("worst_share", worst, "%");
	return worst;
}

TEST_F_TIMEOUT(vmsched, advice_has_a_row_for_each, 200)
{
	struct run_result r;
	struct cli c;

	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, spawn_guests());
	ASSERT_EQ(0, run_words(&r, 0, "vmschedctl advise seconds 1"));
	EXPECT_EQ(0, r.status);
	EXPECT_NE(NULL, strstr(r.out, "\nrr "));
	EXPECT_NE(NULL, strstr(r.out, "\nbvt "));
	run_free(&r);

	ASSERT_EQ(0, cli(&c, "advise seconds %d schedulers rr", ADVISE_S));
	ASSERT_EQ(1, json_object_array_length(c.json));
	EXPECT_EQ(ADVISE_S * NSEC_PER_SEC,
		  number(json_object_array_get_idx(c.json, 0), "time_ns"));
	cli_free(&c);

	EXPECT_EQ(CLI_NO_OBJECT, cli(&c, "advise seconds 1 schedulers none"));
	EXPECT_NE(NULL, strstr(c.run.err, "no scheduler \"none\""));
	cli_free(&c);
}

/* Linux schedules, and nobody is granted anything: what VMs do is seen all the same. */
TEST_F_TIMEOUT(vmsched, native_is_recorded, 100)
{
	struct rawvm *spins, *ticks;
	json_object *json;
	char name[64];
	uint64_t mark;
	struct cli c;

	ASSERT_EQ(0, control_first());
	spins = rawvm_spawn(&(struct rawvm_spec) { .name = "spins", .cpus = "0" });
	ASSERT_NE(NULL, spins);
	ASSERT_TRUE(vm_listed(rawvm_pid(spins), true, limit_ms(1000)));
	ticks = rawvm_spawn(&(struct rawvm_spec) {
		.name = "ticks", .cpus = pcpus() > 1 ? "1" : "0", .kind = RAWVM_TICK,
		.period_us = TICK_US, .busy_us = 1000 });
	ASSERT_NE(NULL, ticks);
	ASSERT_TRUE(vm_listed(rawvm_pid(ticks), true, limit_ms(1000)));
	mark = rawvm_progress_all(ticks);
	ASSERT_EQ(0, cli(&c, "record " RECORDING " seconds 2"));
	mark = rawvm_progress_all(ticks) - mark;
	EXPECT_EQ(2 * NSEC_PER_SEC, number(c.json, "time_ns"));
	EXPECT_EQ(2, number(c.json, "vms"));
	EXPECT_EQ(0, number(c.json, "lost"));
	EXPECT_EQ(lines_of("wake ") + lines_of("block "),
		  number(c.json, "events"));
	cli_free(&c);
	EXPECT_EQ(0, instances(name, sizeof(name)));

	/* Those of the moments before and after are not in it. */
	metric("ticks", mark, "");
	metric("wakes", lines_of("wake "), "");
	EXPECT_LE(lines_of("wake "), mark + 1);
	EXPECT_GE(lines_of("wake "), 2 * NSEC_PER_SEC / (TICK_US * 2000));
	json = replay("rr");
	ASSERT_NE(NULL, json);
	EXPECT_GE(number(replayed_vm(json, 0, 2), "run_ns"), NSEC_PER_SEC);
	EXPECT_LE(number(replayed_vm(json, 1, 2), "run_ns"), NSEC_PER_SEC);
	EXPECT_GE(number(replayed_vm(json, 1, 2), "wakes"),
		  lines_of("wake ") / 2);
	json_object_put(json);
}

static pid_t record_in_background(void)
{
	pid_t pid;

	unlink(RECORDING);
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("vmschedctl", "vmschedctl", "record", RECORDING, NULL);
		_exit(127);
	}
	return pid;
}

/* True once it does */
static bool records(char *name, size_t size)
{
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;

	while (clock_ns() < end) {
		if (instances(name, size) == 1 && lines_of("pool "))
			return true;
		clock_sleep_ms(50);
	}
	return false;
}

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What else the host does is no part of a replay, so little else is done meanwhile. */
TEST_F_TIMEOUT(vmsched, replay_has_the_same_shares, 200)
{
	json_object *json;
	uint64_t time_ns;
	char name[64];
	double worst;
	pid_t pid;

	ASSERT_EQ(0, control_first());
	ASSERT_EQ(0, spawn_guests());
	ASSERT_EQ(0, sched_switch("bvt", NULL));
	pid = record_in_background();
	ASSERT_TRUE(records(name, sizeof(name)));
	clock_sleep_ms(SETTLE_MS);
	time_ns = clock_ns();
	ASSERT_EQ(0, take_runs(false));
	clock_sleep_ms(RECORD_MS);
	time_ns = clock_ns() - time_ns;
	ASSERT_EQ(0, take_runs(true));
	kill(pid, SIGINT);
	EXPECT_EQ(0, status_of(pid));

	json = replay("bvt");
	ASSERT_NE(NULL, json);
	metric("recorded", number(json, "time_ns") / 1e9, "s");
	worst = worst_share(json, time_ns);
	/* Whom an emulator stops in the midst of a slice has not executed that. */
	EXPECT_LE(worst, clock_is_exact() ? LIMIT_PERCENT : 100);
	json_object_put(json);
}

/* One VM comes and goes within the recording, which a signal ends. */
TEST_F_TIMEOUT(vmsched, guests_come_and_go, 100)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct rawvm *stays, *goes;
	json_object *json, *vm;
	uint64_t life;
	unsigned int i;
	char name[64];
	pid_t pid;

	ASSERT_EQ(0, control_first());
	stays = rawvm_spawn(&(struct rawvm_spec) { .name = "stays", .cpus = "0" });
	ASSERT_NE(NULL, stays);
	ASSERT_TRUE(vm_listed(rawvm_pid(stays), true, limit_ms(1000)));
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		pid = record_in_background();
		EXPECT_TRUE(records(name, sizeof(name)));
		life = clock_ns();
		goes = rawvm_spawn(&(struct rawvm_spec) {
			.name = "goes", .cpus = pcpus() > 1 ? "1" : "0" });
		ASSERT_NE(NULL, goes);
		clock_sleep_ms(1000);
		/* Not from a sleep: it must be told that it is gone. */
		EXPECT_EQ(0, rawvm_kill(goes));
		life = clock_ns() - life;
		/* It would run for longer than it lived, had it half a pCPU. */
		clock_sleep_ms(AFTER_MS);
		kill(pid, signals[i]);
		EXPECT_EQ(0, status_of(pid));
		EXPECT_EQ(0, instances(name, sizeof(name)));

		json = replay("rr");
		ASSERT_NE(NULL, json);
		vm = replayed_vm(json, 1, 2);
		ASSERT_NE(NULL, vm);
		EXPECT_GE(number(json, "time_ns"),
			  life + AFTER_MS * NSEC_PER_MSEC);
		EXPECT_GE(number(vm, "run_ns"), NSEC_PER_SEC / 4);
		EXPECT_LE(number(vm, "run_ns"), life);
		json_object_put(json);
	}
}

/*
 * Who cannot follow says how much it has missed, and what it has can be replayed. On
 * two pCPUs KVM would poll for the answer, and nobody block.
 */
TEST_F_TIMEOUT(vmsched, lost_events_are_told, 100)
{
	struct rawvm *pings;
	char name[64], path[200], line[200] = "";
	unsigned long lost = 0;
	uint64_t end, mark;
	json_object *json;
	FILE *file;
	pid_t pid;

	ASSERT_EQ(0, control_first());
	pings = rawvm_spawn(&(struct rawvm_spec) {
		.name = "pings", .cpus = "0", .kind = RAWVM_PING,
		.nr_vcpus = 2 });
	ASSERT_NE(NULL, pings);
	pid = record_in_background();
	ASSERT_TRUE(records(name, sizeof(name)));
	kill(pid, SIGSTOP);
	snprintf(path, sizeof(path), INSTANCES "/%s/buffer_size_kb", name);
	EXPECT_EQ(0, file_write(path, "8"));
	/* Each turn is a wake and a block, of which there is room for some hundred. */
	end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;
	mark = rawvm_progress_all(pings);
	while (rawvm_progress_all(pings) - mark < TURNS && clock_ns() < end)
		clock_sleep_ms(100);
	kill(pid, SIGCONT);
	clock_sleep_ms(SETTLE_MS);
	kill(pid, SIGINT);
	EXPECT_EQ(0, status_of(pid));

	file = fopen(RECORDING, "r");
	ASSERT_NE(NULL, file);
	while (fgets(line, sizeof(line), file))
		;
	fclose(file);
	ASSERT_EQ(0, strncmp(line, "end ", 4));
	lost = strtoul(strrchr(line, ' '), NULL, 10);
	metric("lost", lost, "");
	EXPECT_GT(lost, 0);
	json = replay("bvt");
	EXPECT_NE(NULL, json);
	json_object_put(json);
}

TEST_F_TIMEOUT(vmsched, refusals_of_record, 60)
{
	static const struct {
		const char *args;
		int status;
		const char *said;
	} wrong[] = {
		{ "record", CLI_USAGE, "no FILE is given" },
		{ "record /tmp/x seconds", CLI_USAGE, "seconds lacks a value" },
		{ "record /tmp/x seconds 0", CLI_REFUSED, "outside 1..86400" },
		{ "record /tmp/x seconds 86401", CLI_REFUSED, "outside 1..86400" },
		{ "record /tmp/x minutes 1", CLI_USAGE, "unknown key" },
		{ "record /no/where seconds 1", CLI_REFUSED, "/no/where: No such file" },
		{ "record /dev/full seconds 1", CLI_REFUSED, "No space left" },
		{ "advise seconds 1", CLI_REFUSED, "there was no VM" },
	};
	struct cli c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(wrong[i].status, cli(&c, "%s", wrong[i].args))
			TH_LOG("%s", wrong[i].args);
		EXPECT_TRUE(cli_one_line_error(&c));
		EXPECT_NE(NULL, strstr(c.run.err, wrong[i].said))
			TH_LOG("%s: %s", wrong[i].args, c.run.err);
		cli_free(&c);
	}
	EXPECT_EQ(CLI_NO_PERMISSION, cli_as(&c, 1000, "record /dev/null seconds 1"));
	cli_free(&c);
}

TEST_HARNESS_MAIN
