// SPDX-License-Identifier: GPL-2.0
/*
 * Many VMs, and one of as many vCPUs as there can be: lists stay complete while
 * VMs come and go, or say that they were disturbed; schedulers change; all
 * memory is given back.
 */
#include <fcntl.h>

#include "lib/file.h"
#include "lib/genl.h"
#include "lib/listing.h"
#include "lib/storm_fixture.h"

#define FEW_VMS		64
#define MANY_VMS	512
/* The checkers want memory for each of them, and above all time */
#define FEW_DEBUG_VMS	16
#define MANY_DEBUG_VMS	64
#define DEBUG_VCPUS	64
#define MAX_VMS		MANY_VMS
#define FEW_LISTS	60
#define MANY_LISTS	2000
#define MORE		20
/* More vCPUs than fit into one part of a list */
#define PER_PART	20
#define MOST_VCPUS	RAWVM_MAX_VCPUS
/* They sleep nearly all the time: many of them must fit into one machine */
#define PERIOD_US	1000000
#define LIMIT		90
/* VMs of a worker that live at the same time */
#define CHURN		4
#define LISTED_MS	30000
/* Linux keeps some of it for the next one */
#define KEPT_KIB	4096
#define MAX_SPARE	64

struct crowd {
	struct rawvm *vm[MAX_VMS];
	uint64_t id[MAX_VMS];
	unsigned int n;
};

struct lists {
	unsigned int whole;
	unsigned int disturbed;
	unsigned int wrong;
	unsigned int longest;
};

static struct crowd crowd;

/* Wait until each has done something since the call; they do it side by side */
static bool crowd_advances(const struct crowd *c)
{
	static uint64_t before[MAX_VMS];
	uint64_t end = clock_ns() + patience(HANG_LIMIT_MS) * NSEC_PER_MSEC;
	unsigned int i;

	for (i = 0; i < c->n; i++)
		before[i] = rawvm_progress(c->vm[i], 0);
	for (i = 0; i < c->n; i++) {
		while (rawvm_progress(c->vm[i], 0) == before[i]) {
			if (rawvm_broken(c->vm[i]) || clock_ns() > end) {
				printf("# %s does not go on\n",
				       rawvm_name(c->vm[i]));
				return false;
			}
			clock_sleep_ms(5);
		}
	}
	return true;
}

static bool start_crowd(struct crowd *c, unsigned int n)
{
	for (c->n = 0; c->n < n; c->n++) {
		char name[16];

		snprintf(name, sizeof(name), "vm%u", c->n);
		c->vm[c->n] = rawvm_launch(&(struct rawvm_spec) {
			.name = name, .kind = RAWVM_TICK,
			.period_us = PERIOD_US });
		if (!c->vm[c->n])
			return false;
	}
	return crowd_advances(c);
}

static void end_crowd(struct crowd *c)
{
	while (c->n)
		rawvm_kill(c->vm[--c->n]);
}

struct pids {
	const struct crowd *crowd;
	uint64_t *id;
	unsigned int found;
};

static void take_id(const struct nlmsghdr *msg, void *arg)
{
	pid_t pid = genl_u32(genl_attr(msg, VMSCHED_A_VM_PID));
	struct pids *p = arg;
	unsigned int i;

	for (i = 0; i < p->crowd->n; i++) {
		if (rawvm_pid(p->crowd->vm[i]) != pid)
			continue;
		p->id[i] = genl_u64(genl_attr(msg, VMSCHED_A_VM_ID));
		p->found++;
	}
}

/* Wait until all are listed, and learn their ids */
static bool all_listed(struct genl *g, struct crowd *c)
{
	uint64_t end = clock_ns() + LISTED_MS * NSEC_PER_MSEC;
	struct pids p = { .crowd = c, .id = c->id };
	struct genl_msg m;
	struct genl_ack ack;

	do {
		p.found = 0;
		genl_begin(g, &m, VMSCHED_CMD_VM_GET, NLM_F_DUMP);
		if (genl_call(g, &m, &ack, take_id, &p) || ack.error)
			return false;
		if (p.found == c->n)
			return true;
		clock_sleep_ms(20);
	} while (clock_ns() < end);
	printf("# %u of %u VMs are listed\n", p.found, c->n);
	return false;
}

/* VMs that come and go, beside those that stay */
static int churn(struct storm_worker *w)
{
	struct rawvm *vm[CHURN] = { NULL };
	unsigned int i;

	while (!storm_stopped(w)) {
		i = storm_below(&w->rng, CHURN);
		if (vm[i] && rawvm_kill(vm[i]))
			return -ECHILD;
		vm[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = "comes", .kind = RAWVM_TICK,
			.nr_vcpus = 1 + storm_below(&w->rng, 3),
			.period_us = PERIOD_US / 50 });
		if (!vm[i])
			return -ECHILD;
		__atomic_add_fetch(&w->done, 1, __ATOMIC_RELAXED);
	}
	/* Its own ones: it knows those of the test as well */
	for (i = 0; i < CHURN; i++) {
		if (vm[i])
			rawvm_kill(vm[i]);
	}
	return 0;
}

/* Whatever happened to others: who stays is in the list, once, in order */
static bool list_is_right(const struct listing *l, const struct crowd *c,
			  unsigned int vcpus)
{
	unsigned int i, j;

	if (l->n > LISTING_MAX || !listing_in_order(l))
		return false;
	for (i = 0; i < c->n; i++) {
		for (j = 0; j < vcpus; j++) {
			if (listing_has(l, c->id[i], j))
				continue;
			printf("# %ju/%u is not in the list\n",
			       (uintmax_t)c->id[i], j);
			return false;
		}
	}
	return true;
}

static bool goes_on(const struct lists *sum, unsigned int done, unsigned int n)
{
	return done < n || (done < MORE * n && !sum->whole);
}

/*
 * Read lists of VMs, of vCPUs and of vCPUs of one VM in turn while VMs churn: @n
 * of them, and more until one was not disturbed (dump_test has one that is)
 */
static void read_lists(struct genl *g, const struct crowd *c,
		       unsigned int vcpus, unsigned int n, struct lists *sum)
{
	struct listing *l = malloc(sizeof(*l));
	struct genl_ack ack;
	unsigned int i;
	int ret;

	for (i = 0; l && goes_on(sum, i, n); i++) {
		if (i % 3 == 0)
			ret = listing_vms(g, l, &ack);
		else
			ret = listing_vcpus(g, i % 3 == 2 ? c->id[0] : 0, l,
					    &ack);
		if (ret || (i % 3 == 2 && l->n != vcpus) ||
		    (i % 3 != 2 && !list_is_right(l, c, i % 3 ? vcpus : 1)))
			sum->wrong++;
		else if (ack.interrupted)
			sum->disturbed++;
		else
			sum->whole++;
		if (ack.parts > sum->longest)
			sum->longest = ack.parts;
		/* Let others come and go */
		clock_sleep_ms(10);
	}
	free(l);
}

static void print_lists(const struct lists *sum)
{
	metric("lists_whole", sum->whole, "");
	metric("lists_disturbed", sum->disturbed, "");
	metric("parts_of_the_longest", sum->longest, "");
}

/* Change the scheduler with all of them there; each must go on */
static bool crowd_goes_on(struct genl *g, const struct crowd *c)
{
	static const char * const scheds[] = { "bvt", "rr", "native" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(scheds); i++) {
		uint64_t start = clock_ns();

		if (genl_switch(g, scheds[i]))
			return false;
		printf("# switch_to_%s: %.4g ms\n", scheds[i],
		       (clock_ns() - start) / 1e6);
		if (!crowd_advances(c))
			return false;
		/* All vCPUs, where there are many */
		if (rawvm_nr_vcpus(c->vm[0]) > 1 &&
		    !rawvm_advances(c->vm[0], patience(HANG_LIMIT_MS)))
			return false;
	}
	return true;
}

/* Objects in use, without those that Linux keeps at hand */
static long objects_in_use(void)
{
	if (file_write("/sys/kernel/slab/vmsched_vcpu/shrink", "1"))
		printf("# cannot shrink the cache of vCPUs\n");
	return slab_vmsched_objects();
}

/* Objects of vmsched are as few as before; spare ones may have been made */
static bool given_back(long before)
{
	uint64_t end = clock_ns() + LISTED_MS * NSEC_PER_MSEC;
	long now;

	do {
		now = objects_in_use();
		if (now <= before + MAX_SPARE)
			return true;
		clock_sleep_ms(20);
	} while (clock_ns() < end);
	printf("# objects of vmsched: %ld before, %ld now\n", before, now);
	return false;
}

TEST_STORM(many_vms, LIMIT)
{
	unsigned int n = kernel_is_debug() ?
			 storm_count(FEW_DEBUG_VMS, MANY_DEBUG_VMS) :
			 storm_count(FEW_VMS, MANY_VMS);
	struct storm *s = &self->storm;
	struct lists sum = { 0 };
	long before, kib[2];
	struct genl g;
	unsigned int round;

	n = n < MAX_VMS ? n : MAX_VMS;
	ASSERT_EQ(0, genl_open(&g));
	before = objects_in_use();
	/* The first time Linux gets memory that it keeps */
	for (round = 0; round < 2; round++) {
		ASSERT_TRUE(start_crowd(&crowd, n));
		ASSERT_TRUE(all_listed(&g, &crowd));
		if (!round)
			storm_done(s, "vms", n);
		ASSERT_EQ(0, storm_start(s, 2, churn, NULL));
		read_lists(&g, &crowd, 1,
			   storm_count(FEW_LISTS, MANY_LISTS) / 2, &sum);
		metric("came_and_went", storm_work(s), "");
		EXPECT_EQ(0, storm_stop(s));
		EXPECT_TRUE(crowd_goes_on(&g, &crowd));
		end_crowd(&crowd);
		EXPECT_TRUE(given_back(before));
		kib[round] = meminfo_kib("SUnreclaim");
	}
	print_lists(&sum);
	EXPECT_EQ(0, sum.wrong);
	EXPECT_LT(0, sum.whole);
	EXPECT_LT(2, sum.longest);
	metric("kept_kib", kib[1] - kib[0], "KiB");
	/* Checkers keep freed memory for a while; there kmemleak is the judge */
	if (!kernel_is_debug())
		EXPECT_LT(kib[1] - kib[0], KEPT_KIB);
	genl_close(&g);
}

TEST_STORM(most_vcpus, LIMIT)
{
	unsigned int n = kernel_is_debug() ? DEBUG_VCPUS : MOST_VCPUS;
	struct storm *s = &self->storm;
	struct lists sum = { 0 };
	uint64_t start = clock_ns();
	struct genl g;
	struct cli c;
	long before;

	ASSERT_EQ(0, genl_open(&g));
	before = objects_in_use();
	crowd.vm[0] = rawvm_spawn(&(struct rawvm_spec) {
		.name = "large", .kind = RAWVM_TICK, .nr_vcpus = n,
		.period_us = patience(4) * PERIOD_US });
	ASSERT_NE(NULL, crowd.vm[0]);
	crowd.n = 1;
	ASSERT_TRUE(all_listed(&g, &crowd));
	metric("started_in", (clock_ns() - start) / 1e6, "ms");
	ASSERT_EQ(0, cli(&c, "vcpu list pid:%d", rawvm_pid(crowd.vm[0])));
	EXPECT_EQ(n, json_object_array_length(c.json));
	cli_free(&c);

	ASSERT_EQ(0, storm_start(s, 1, churn, NULL));
	read_lists(&g, &crowd, n, storm_count(FEW_LISTS, MANY_LISTS), &sum);
	metric("came_and_went", storm_work(s), "");
	EXPECT_EQ(0, storm_stop(s));
	print_lists(&sum);
	EXPECT_EQ(0, sum.wrong);
	EXPECT_LT(0, sum.whole);
	EXPECT_LE(n / PER_PART, sum.longest);
	EXPECT_TRUE(crowd_goes_on(&g, &crowd));
	end_crowd(&crowd);
	EXPECT_TRUE(given_back(before));
	genl_close(&g);
}

TEST_HARNESS_MAIN
