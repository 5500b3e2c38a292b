// SPDX-License-Identifier: GPL-2.0
/*
 * What `status` says is missing in this kernel: exactly what it cannot do.
 */
#include "lib/attr.h"
#include "lib/cpuset.h"
#include "lib/fixture.h"
#include "lib/genl.h"

#define LIMIT		120
#define SLICE_NS	5000000

TEST_F_TIMEOUT(vmsched, nothing_else_is_missing, LIMIT)
{
	static const char *const known[] = {
		"custom-slice", "split-ops", "user-mask",
		"guest-calls", "guest-failures", "guest-spins",
	};
	json_object *missing, *item;
	const char *word;
	size_t i, j, n;
	struct cli c;

	ASSERT_EQ(0, cli(&c, "status"));
	ASSERT_TRUE(json_object_object_get_ex(c.json, "missing", &missing));
	ASSERT_TRUE(json_object_is_type(missing, json_type_array));
	n = json_object_array_length(missing);
	for (i = 0; i < n; i++) {
		item = json_object_array_get_idx(missing, i);
		word = json_object_get_string(item);
		printf("# missing in this kernel: %s\n", word);
		for (j = 0; j < ARRAY_SIZE(known) && strcmp(word, known[j]); j++)
			;
		EXPECT_LT(j, ARRAY_SIZE(known));
	}
	cli_free(&c);
}

/* A thread of the fair class keeps the slice that it is given */
TEST_F_TIMEOUT(vmsched, custom_slice, LIMIT)
{
	int lacks = kernel_lacks("custom-slice");
	uint64_t ns;

	ASSERT_GE(lacks, 0);
	ASSERT_EQ(0, attr_set_slice(0, SLICE_NS));
	ASSERT_EQ(0, attr_get_slice(0, &ns));
	EXPECT_EQ(lacks ? 0 : SLICE_NS, ns);
}

/* A list takes no name, but where it is held to the policy of the other command */
TEST_F_TIMEOUT(vmsched, split_ops, LIMIT)
{
	int lacks = kernel_lacks("split-ops");
	struct genl_ack ack;
	struct genl_msg m;
	struct genl g;

	ASSERT_GE(lacks, 0);
	ASSERT_EQ(0, genl_open(&g));
	genl_begin(&g, &m, VMSCHED_CMD_SCHED_GET, NLM_F_DUMP);
	genl_put_text(&m, VMSCHED_A_SCHED_NAME, "rr");
	ASSERT_EQ(0, genl_call(&g, &m, &ack, NULL, NULL));
	EXPECT_EQ(lacks ? 0 : -EINVAL, ack.error);
	EXPECT_EQ(lacks ? 3 : 0, ack.messages);
	genl_close(&g);
}

static int cpus_of_self(void)
{
	cpu_set_t mask;

	return sched_getaffinity(0, sizeof(mask), &mask) ? -errno :
	       CPU_COUNT(&mask);
}

/* A mask that was asked for stays when a cpuset grows around it */
TEST_F_TIMEOUT(vmsched, user_mask, LIMIT)
{
	int lacks = kernel_lacks("user-mask");
	cpu_set_t first;

	ASSERT_GE(lacks, 0);
	if (cpus_online() < 2)
		SKIP(return, "needs two CPUs");
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	ASSERT_EQ(0, cpuset_make());
	ASSERT_EQ(0, cpuset_set("0"));
	ASSERT_EQ(0, cpuset_join(getpid()));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(first), &first));
	ASSERT_EQ(0, cpuset_set("0-1"));
	EXPECT_EQ(lacks ? 2 : 1, cpus_of_self());
	EXPECT_EQ(0, cpuset_leave(getpid()));
	EXPECT_EQ(0, cpuset_remove());
}

TEST_HARNESS_MAIN
