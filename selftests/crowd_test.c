// SPDX-License-Identifier: GPL-2.0
/*
 * Twelve vCPUs that spin, of six VMs that weigh 1 to 6, on four pCPUs: under each
 * scheduler that says so they have what they weigh, wherever they run. And caps hold
 * on several pCPUs.
 */
#include "lib/cpus.h"
#include "lib/fixture.h"
#include "lib/rawvm.h"

#define LIMIT			240
#define VMS			6
#define VCPUS			2
#define PCPUS			4
#define SETTLE_MS		1000
#define MEASURE_MS		6000
#define ERROR_PERCENT		5.0
#define CAP_POINTS		2.0

FIXTURE_VARIANT(vmsched) {
	const char *scheduler;
};

FIXTURE_VARIANT_ADD(vmsched, credit) { .scheduler = "credit" };

/* Time that each VM has run, by the clock that it is charged by */
struct sample {
	uint64_t ran[VMS];
	uint64_t at;
	uint64_t migrations;
	struct cpus_time cpus;
};

/* How often their vCPUs went to another pCPU */
static uint64_t migrations(struct rawvm *vm[], unsigned int n)
{
	uint64_t sum = 0;
	unsigned int i, j;
	struct cli c;

	for (i = 0; i < n; i++) {
		if (cli(&c, "vcpu list pid:%d", rawvm_pid(vm[i])))
			return 0;
		for (j = 0; j < json_object_array_length(c.json); j++) {
			json_object *o = json_object_array_get_idx(c.json, j);

			o = json_object_object_get(o, "migrations");
			sum += json_object_get_uint64(o);
		}
		cli_free(&c);
	}
	return sum;
}

static bool take(struct sample *s, struct rawvm *vm[], unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (vm_u64(rawvm_pid(vm[i]), "run_ns", &s->ran[i]))
			return false;
	s->at = clock_ns();
	s->migrations = migrations(vm, n);
	return !cpus_read_time(&s->cpus);
}

static bool start_all(struct rawvm *vm[], unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		vm[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = "spin", .nr_vcpus = VCPUS });
		if (!vm[i] || !vm_listed(rawvm_pid(vm[i]), true, HANG_LIMIT_MS))
			return false;
	}
	return true;
}

/* What @s[1] has more than @s[0], in per cent of all that the VMs have had */
static double share(const struct sample s[2], unsigned int i)
{
	double all = 0;
	unsigned int j;

	for (j = 0; j < VMS; j++)
		all += s[1].ran[j] - s[0].ran[j];
	return 100 * (s[1].ran[i] - s[0].ran[i]) / all;
}

TEST_F_TIMEOUT(vmsched, shares_are_those_of_weights, LIMIT)
{
	struct rawvm *vm[VMS];
	struct sample s[2];
	double idle, most = 0;
	unsigned int i;

	if (cpus_online() != PCPUS)
		SKIP(return, "needs %d CPUs", PCPUS);
	ASSERT_EQ(0, control_first());
	ASSERT_TRUE(start_all(vm, VMS));
	ASSERT_EQ(0, sched_switch(variant->scheduler, NULL));
	for (i = 0; i < VMS; i++)
		ASSERT_EQ(0, cli_do("vm set pid:%d weight %u", rawvm_pid(vm[i]),
				    100 * (i + 1)));
	clock_sleep_ms(SETTLE_MS);
	ASSERT_TRUE(take(&s[0], vm, VMS));
	clock_sleep_ms(MEASURE_MS);
	ASSERT_TRUE(take(&s[1], vm, VMS));
	for (i = 0; i < VMS; i++) {
		double fair = 100.0 * (i + 1) / (VMS * (VMS + 1) / 2);
		double error = 100 * (share(s, i) - fair) / fair;

		if (error < -ERROR_PERCENT || error > ERROR_PERCENT)
			printf("# weight %u has %.2f %%, not %.2f\n", 100 * (i + 1),
			       share(s, i), fair);
		most = error > most ? error : -error > most ? -error : most;
	}
	metric("largest_error_of_share", most, "%");
	metric("migrations", (s[1].migrations - s[0].migrations) * 1e9 /
	       (s[1].at - s[0].at), "1/s");
	EXPECT_GT(ERROR_PERCENT, most);
	idle = s[1].cpus.idle - s[0].cpus.idle;
	idle = 100 * idle / (idle + s[1].cpus.busy - s[0].cpus.busy);
	metric("idle", idle, "%");
}

/* Of a pCPU for each vCPU; there is one left for nobody. */
TEST_F_TIMEOUT(vmsched, caps_hold, LIMIT)
{
	static const unsigned int caps[] = { 10, 20, 30, 40, 50 };
	struct rawvm *vm[ARRAY_SIZE(caps)];
	const unsigned int n = ARRAY_SIZE(caps);
	struct sample s[2];
	double most = 0;
	unsigned int i;

	if (cpus_online() != PCPUS)
		SKIP(return, "needs %d CPUs", PCPUS);
	if (strcmp(variant->scheduler, "credit"))
		SKIP(return, "%s knows no caps", variant->scheduler);
	ASSERT_EQ(0, control_first());
	ASSERT_TRUE(start_all(vm, n));
	ASSERT_EQ(0, sched_switch(variant->scheduler, NULL));
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, cli_do("vm set pid:%d cap %u", rawvm_pid(vm[i]), caps[i]));
	clock_sleep_ms(SETTLE_MS);
	ASSERT_TRUE(take(&s[0], vm, n));
	clock_sleep_ms(MEASURE_MS);
	ASSERT_TRUE(take(&s[1], vm, n));
	for (i = 0; i < n; i++) {
		double ns = s[1].ran[i] - s[0].ran[i];
		double got = 100 * ns / (s[1].at - s[0].at) / VCPUS;
		double error = got - caps[i];

		printf("# cap %u: %.2f %%\n", caps[i], got);
		most = error > most ? error : -error > most ? -error : most;
	}
	metric("largest_error_of_cap", most, "points");
	EXPECT_GT(CAP_POINTS, most);
}

TEST_HARNESS_MAIN
