// SPDX-License-Identifier: GPL-2.0
/* The simulator as its users call it: VMSCHED_SIM names the program, MANUAL its manual. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <json-c/json.h>

#include "sim.h"

#include "kselftest_harness.h"

FIXTURE(tool) {
	char dir[40];
	char *out;
};

FIXTURE_SETUP(tool)
{
	static const char load[] =
		"cpus 4\nduration 2s\nwarmup 100ms\nseed 9\nswitch-cost 1us\n"
		"vm batch copies 2 vcpus 3\nvm web vcpus 4 weight 400 warp 20ms run exp 1ms sleep exp 4ms\n"
		"vm tick weight 50 run 1ms every 10ms start exp 5ms\n";
	char name[60];
	FILE *file;

	snprintf(self->dir, sizeof(self->dir), "/tmp/vmsched-sim.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chdir(self->dir));
	snprintf(name, sizeof(name), "%s/load", self->dir);
	file = fopen(name, "w");
	ASSERT_NE(NULL, file);
	fputs(load, file);
	ASSERT_EQ(0, fclose(file));
}

FIXTURE_TEARDOWN(tool)
{
	char *out;

	chdir("/");
	run_tool(&out, "-V; rm -r %s", self->dir);
	free(out);
}

static struct json_object *get(struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(json, key, &value);
	return value;
}

static u64 number(struct json_object *json, const char *key)
{
	return json_object_get_uint64(get(json, key));
}

/* Shell commands; 0 if they succeed. */
static int shell(const char *command)
{
	char *out;
	int status = run_tool(&out, "-V >/dev/null; %s", command);

	if (status)
		printf("# %s", out);
	free(out);
	return status;
}

TEST_F(tool, same_seed_same_bytes)
{
	EXPECT_EQ(0, shell("$VMSCHED_SIM run -j -s bvt --svg s1 --trace t1 load >j1"));
	EXPECT_EQ(0, shell("$VMSCHED_SIM run -j -s bvt --svg s2 --trace t2 load >j2"));
	EXPECT_EQ(0, shell("cmp j1 j2 && cmp s1 s2 && cmp t1 t2"));
	EXPECT_EQ(0, shell("for n in 1 2; do $VMSCHED_SIM compare -s rr,bvt load >c$n; done"));
	EXPECT_EQ(0, shell("cmp c1 c2 && grep -q batch1 c1"));
	EXPECT_EQ(0, shell("$VMSCHED_SIM run -j -s bvt --seed 10 load >j3 && ! cmp -s j1 j3"));
	EXPECT_EQ(0, shell("$VMSCHED_SIM run -j -s bvt --seed 9 - <load | cmp - j1"));
}

TEST_F(tool, json_has_the_figures)
{
	struct json_object *json, *vms, *vm;
	u64 i, run = 0;

	ASSERT_EQ(0, run_tool(&self->out, "run -j -s rr load"));
	json = json_tokener_parse(self->out);
	ASSERT_NE(NULL, json);
	EXPECT_STREQ("rr", json_object_get_string(get(json, "scheduler")));
	EXPECT_STREQ("[\"weight\",\"warp\"]",
		     json_object_to_json_string_ext(get(json, "ignored"), 0));
	EXPECT_EQ(1900000000, number(json, "time_ns"));
	EXPECT_EQ(11, number(json, "vcpus"));
	vms = get(json, "vms");
	ASSERT_EQ(4, json_object_array_length(vms));
	for (i = 0; i < 4; i++) {
		vm = json_object_array_get_idx(vms, i);
		run += number(vm, "run_ns");
		/* Permille of four pCPUs for 1.9 s, to three decimals */
		EXPECT_EQ(llround(number(vm, "run_ns") / 7600.0),
			  llround(json_object_get_double(get(vm, "share_permille")) * 1000));
		EXPECT_LE(number(vm, "wait_p50_ns"), number(vm, "wait_p99_ns"));
		EXPECT_LE(number(vm, "wait_p99_ns"), number(vm, "wait_max_ns"));
	}
	EXPECT_EQ(run, number(json, "run_ns"));
	vm = json_object_array_get_idx(vms, 0);
	EXPECT_STREQ("batch1", json_object_get_string(get(vm, "name")));
	EXPECT_EQ(NULL, get(vm, "wake_p50_ns"));
	json_object_put(json);
	free(self->out);

	ASSERT_EQ(0, run_tool(&self->out, "-p list"));
	json = json_tokener_parse(self->out);
	vm = json_object_array_get_idx(json, 0);
	EXPECT_STREQ("bvt", json_object_get_string(get(vm, "name")));
	vm = json_object_array_get_idx(get(vm, "honours"), 0);
	EXPECT_STREQ("weight", json_object_get_string(vm));
	json_object_put(json);
	free(self->out);
}

TEST_F(tool, compare_is_two_runs)
{
	struct json_object *both, *one;

	ASSERT_EQ(0, run_tool(&self->out, "compare -j -s bvt,rr load"));
	both = json_tokener_parse(self->out);
	free(self->out);
	ASSERT_EQ(2, json_object_array_length(both));
	ASSERT_EQ(0, run_tool(&self->out, "run -j -s rr load"));
	one = json_tokener_parse(self->out);
	free(self->out);
	EXPECT_TRUE(json_object_equal(one, json_object_array_get_idx(both, 1)));
	EXPECT_FALSE(json_object_equal(one, json_object_array_get_idx(both, 0)));
	json_object_put(both);
	json_object_put(one);
}

TEST_F(tool, tables_have_a_line_for_each)
{
	ASSERT_EQ(0, run_tool(&self->out, "compare -s rr,bvt load"));
	EXPECT_NE(NULL, strstr(self->out, "\nrr "));
	EXPECT_NE(NULL, strstr(self->out, "\nbvt "));
	EXPECT_NE(NULL, strstr(self->out, "SHARE:rr SHARE:bvt"));
	EXPECT_NE(NULL, strstr(self->out, "\nbatch2 "));
	EXPECT_NE(NULL, strstr(self->out, "\nrr does not know of weight, warp, which"));
	free(self->out);
	ASSERT_EQ(0, run_tool(&self->out, "run -s bvt load"));
	EXPECT_NE(NULL, strstr(self->out, "\ntick "));
	EXPECT_EQ(NULL, strstr(self->out, "does not know"));
	free(self->out);
}

/* What was executed or lost is in the trace, for pCPUs and for vCPUs, in order. */
TEST_F(tool, trace_has_all_spans)
{
	struct json_object *trace, *events, *json;
	double on_pcpus = 0, on_vcpus = 0, last = 100000;
	size_t i;

	ASSERT_EQ(0, run_tool(&self->out, "run -s bvt --trace t load"));
	free(self->out);
	trace = json_object_from_file("t");
	ASSERT_NE(NULL, trace);
	events = get(trace, "traceEvents");
	for (i = 0; i < json_object_array_length(events); i++) {
		struct json_object *e = json_object_array_get_idx(events, i);
		double *sum = number(e, "pid") == 1 ? &on_pcpus : &on_vcpus;

		if (strcmp(json_object_get_string(get(e, "ph")), "X"))
			continue;
		EXPECT_GE(json_object_get_double(get(e, "ts")), last);
		last = json_object_get_double(get(e, "ts"));
		*sum += json_object_get_double(get(e, "dur"));
	}
	json_object_put(trace);
	ASSERT_EQ(0, run_tool(&self->out, "run -j -s bvt load"));
	json = json_tokener_parse(self->out);
	free(self->out);
	EXPECT_EQ(llround(on_pcpus), llround(on_vcpus));
	EXPECT_EQ(llround(on_pcpus / 7600),
		  llround(1000 - json_object_get_double(get(json, "idle_permille"))));
	json_object_put(json);
}

/* Boxes of a lane do not overlap by more than what makes the smallest visible. */
TEST_F(tool, picture_has_all_boxes)
{
	double ends[4] = { }, x, width;
	unsigned int y, boxes = 0;
	char line[1000];
	FILE *svg;

	ASSERT_EQ(0, run_tool(&self->out,
			      "run -s rr --svg s --from 1s --to 1.05s load >/dev/null"));
	EXPECT_STREQ("", self->out);
	free(self->out);
	svg = fopen("s", "r");
	ASSERT_NE(NULL, svg);
	while (fgets(line, sizeof(line), svg)) {
		if (!strstr(line, "<title>") ||
		    sscanf(strstr(line, " x="), " x=\"%lf\" y=\"%u\" width=\"%lf\"", &x, &y,
			   &width) != 3)
			continue;
		y = (y - 40) / 20;
		ASSERT_LT(y, 4);
		EXPECT_GE(x, ends[y] - 0.11);
		EXPECT_GE(x, 80);
		EXPECT_LE(x + width, 1280.11);
		ends[y] = x + width;
		boxes++;
	}
	fclose(svg);
	EXPECT_GT(boxes, 40);
	for (y = 0; y < 4; y++)
		EXPECT_GE(ends[y], 1270);
	EXPECT_EQ(0, shell("tail -n 1 s | grep -qx '</svg>'"));
}

TEST_F(tool, picture_without_room_says_so)
{
	ASSERT_EQ(0, run_tool(&self->out, "run -s bvt --duration 60s --svg s load >/dev/null"));
	EXPECT_NE(NULL, strstr(self->out, "vmsched-sim: s ends at "));
	EXPECT_NE(NULL, strstr(self->out, "for want of room: choose a part with --from and --to"));
	free(self->out);
	EXPECT_EQ(0, shell("test \"$(grep -c '<title>' s)\" -eq 20000"));
}

static const struct {
	const char *args;
	int status;
	const char *said;
} wrong[] = {
	{ "run load", 2, "which scheduler?" },
	{ "run -s rr", 2, "run needs one WORKLOAD" },
	{ "run -s rr load load", 2, "run needs one WORKLOAD" },
	{ "run -s rr,bvt load", 2, "run takes one scheduler" },
	{ "run -s none load", 5, "no scheduler \"none\": there are " },
	{ "compare -s rr, load", 5, "no scheduler \"\"" },
	{ "compare -s rr,rr load", 2, "scheduler rr is given twice" },
	{ "compare -s rr --svg s load", 2, "a picture shows one scheduler" },
	{ "list load", 2, "list takes nothing" },
	{ "walk", 2, "no command \"walk\"" },
	{ "run -s rr --seed 1x load", 2, "--seed \"1x\" is not a whole number" },
	{ "run -s rr --seed -1 load", 2, "--seed \"-1\" is not a whole number" },
	{ "run -s rr --duration 5 load", 2, "--duration \"5\" is not a time" },
	{ "run -s rr --duration 0s load", 2, "--duration 0s outside 1us..86400s" },
	{ "run -s rr --duration 50ms load", 1,
	  "load: warmup 100ms leaves nothing of duration 50ms" },
	{ "run -s rr --svg s --from 3s load", 1, "between --from 3s and --to 2s there is nothing" },
	{ "run -s rr --svg no/where load >/dev/null", 1, "no/where: No such file or directory" },
	{ "run -s rr --trace /dev/full load >/dev/null", 1, "/dev/full: No space left on device" },
	{ "check nowhere", 1, "nowhere: No such file or directory" },
	{ "check /", 1, "/: cannot be read: Is a directory" },
	{ "check /dev/null", 1, "/dev/null: there is no VM" },
	{ "run -s rr - </dev/null", 1, "standard input: there is no VM" },
};

TEST_F(tool, wrong_use_is_told_in_a_line)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(wrong[i].status, run_tool(&self->out, "%s", wrong[i].args))
			TH_LOG("%s", wrong[i].args);
		EXPECT_EQ(self->out, strstr(self->out, "vmsched-sim: "))
			TH_LOG("%s: %s", wrong[i].args, self->out);
		EXPECT_NE(NULL, strstr(self->out, wrong[i].said))
			TH_LOG("%s: %s", wrong[i].args, self->out);
		EXPECT_EQ(strlen(self->out) - 1, strcspn(self->out, "\n"))
			TH_LOG("%s: %s", wrong[i].args, self->out);
		free(self->out);
	}
	EXPECT_EQ(1, run_tool(&self->out, "list >/dev/full"));
	EXPECT_STREQ("vmsched-sim: standard output: No space left on device\n", self->out);
	free(self->out);
}

/* Two of 60 % on one pCPU: who promises cannot have both, who does not runs both. */
TEST_F(tool, refused_vm_is_told)
{
	static const char said[] =
		"refuses VM b2: vCPU 0 needs 1200 of 1000 permille of pCPU 0";
	struct json_object *both, *one;

	ASSERT_EQ(0, shell("echo 'cpus 1\nvm b copies 2 period 10ms budget 6ms' >full"));
	EXPECT_EQ(6, run_tool(&self->out, "run -s edf full"));
	EXPECT_EQ(self->out, strstr(self->out, "vmsched-sim: scheduler edf refuses VM b2: "));
	EXPECT_NE(NULL, strstr(self->out, said)) TH_LOG("%s", self->out);
	EXPECT_EQ(strlen(self->out) - 1, strcspn(self->out, "\n"));
	free(self->out);
	EXPECT_EQ(6, run_tool(&self->out, "run -s edf --svg s full 2>/dev/null"));
	EXPECT_EQ(-1, access("s", F_OK));
	free(self->out);
	EXPECT_EQ(0, run_tool(&self->out, "compare -s rr,edf full"));
	EXPECT_NE(NULL, strstr(self->out, "\nedf       refused")) TH_LOG("%s", self->out);
	EXPECT_NE(NULL, strstr(self->out, said)) TH_LOG("%s", self->out);
	free(self->out);
	EXPECT_EQ(0, run_tool(&self->out, "compare -j -s rr,edf full"));
	both = json_tokener_parse(self->out);
	free(self->out);
	one = json_object_array_get_idx(both, 1);
	ASSERT_NE(NULL, get(one, "refused"));
	EXPECT_EQ(0, strncmp(json_object_get_string(get(one, "refused")),
			     said + strlen("refuses "), strlen(said) - strlen("refuses ")));
	EXPECT_EQ(NULL, get(one, "vms"));
	one = json_object_array_get_idx(both, 0);
	EXPECT_EQ(NULL, get(one, "refused"));
	EXPECT_EQ(2, json_object_array_length(get(one, "vms")));
	json_object_put(both);
}

/* What the manual shows is right. */
TEST_F(tool, example_of_the_manual)
{
	ASSERT_EQ(0, shell("sed -n '/# A server beside/,/^The mach/s/^    //p' $MANUAL >example"));
	ASSERT_EQ(0, shell("$VMSCHED_SIM check example >said"));
	EXPECT_EQ(0, shell("grep -q ': 4 VMs with 7 vCPUs on 2 pCPUs, 10s' said"));
}

TEST_HARNESS_MAIN
