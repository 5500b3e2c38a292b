// SPDX-License-Identifier: GPL-2.0
/*
 * Lists that do not fit into one message: complete, in order, each object
 * once. When VMs end between two parts of a list, those that stay are in it,
 * and the reader is told that the list was disturbed.
 */
#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/listing.h"

#define VMS		40
#define VCPUS		3
/* They sleep nearly all the time: many of them must fit into one machine */
#define PERIOD_US	1000000
#define LIMIT		400

/* Number of vCPUs of the VMs in @ids (0: it has ended) that are not listed */
static unsigned int missing(const struct listing *s, const uint64_t ids[VMS],
			    unsigned int vcpus, uint64_t but)
{
	unsigned int i, j, n = 0;

	for (i = 0; i < VMS; i++) {
		for (j = 0; j < vcpus && ids[i] && ids[i] != but; j++) {
			if (listing_has(s, ids[i], j))
				continue;
			printf("# %ju/%u is not in the list\n",
			       (uintmax_t)ids[i], j);
			n++;
		}
	}
	return n;
}

static int start_all(struct rawvm *vms[VMS], uint64_t ids[VMS])
{
	unsigned int i;

	for (i = 0; i < VMS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "guest%u", i);
		vms[i] = rawvm_launch(&(struct rawvm_spec) {
			.name = name, .kind = RAWVM_TICK,
			.nr_vcpus = VCPUS, .period_us = PERIOD_US });
		if (!vms[i])
			return -1;
	}
	for (i = 0; i < VMS; i++) {
		if (!vm_listed(rawvm_pid(vms[i]), true, HANG_LIMIT_MS) ||
		    vm_id(rawvm_pid(vms[i]), &ids[i]))
			return -1;
	}
	return 0;
}

/* Wait until each vCPU of all VMs has been found */
static bool all_found(struct genl *g, struct listing *s, struct genl_ack *ack)
{
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;

	do {
		if (listing_vcpus(g, 0, s, ack))
			return false;
		if (s->n >= VMS * VCPUS)
			return true;
		clock_sleep_ms(20);
	} while (clock_ns() < end);
	printf("# %u of %u vCPUs are listed\n", s->n, VMS * VCPUS);
	return false;
}

TEST_F_TIMEOUT(vmsched, all_once_and_in_order, LIMIT)
{
	struct rawvm *vms[VMS];
	struct genl_ack ack;
	uint64_t ids[VMS];
	struct listing *s;
	struct cli c;
	struct genl g;

	s = calloc(1, sizeof(*s));
	ASSERT_NE(NULL, s);
	ASSERT_EQ(0, start_all(vms, ids));
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_TRUE(all_found(&g, s, &ack));
	metric("parts_of_vcpus", ack.parts, "");
	EXPECT_GT(ack.parts, 2);
	EXPECT_EQ(VMS * VCPUS, s->n);
	EXPECT_TRUE(listing_in_order(s));
	EXPECT_EQ(0, missing(s, ids, VCPUS, 0));

	ASSERT_EQ(0, listing_vms(&g, s, &ack));
	metric("parts_of_vms", ack.parts, "");
	EXPECT_GT(ack.parts, 2);
	EXPECT_EQ(VMS, s->n);
	EXPECT_TRUE(listing_in_order(s));
	EXPECT_EQ(0, missing(s, ids, 1, 0));

	/* The tool puts the parts together */
	EXPECT_EQ(0, cli(&c, "vcpu list"));
	EXPECT_EQ(VMS * VCPUS, json_object_array_length(c.json));
	cli_free(&c);
	EXPECT_EQ(0, cli(&c, "vcpu list pid:%d", rawvm_pid(vms[VMS / 2])));
	EXPECT_EQ(VCPUS, json_object_array_length(c.json));
	cli_free(&c);
	genl_close(&g);
	free(s);
}

/* A list that was begun and is read part by part */
struct slow {
	struct genl g;
	struct genl_ack ack;
	struct listing *seen;
};

/* Begin a list of vCPUs and take @parts of it; the kernel is one part ahead */
static int slow_begin(struct slow *d, unsigned int parts)
{
	struct genl_msg m;
	unsigned int i;
	int ret;

	d->seen->n = 0;
	d->ack = (struct genl_ack) { .offset = -1 };
	genl_begin(&d->g, &m, VMSCHED_CMD_VCPU_GET, NLM_F_DUMP);
	ret = genl_send(&d->g, &m);
	for (i = 0; !ret && i < parts; i++)
		ret = genl_read(&d->g, &d->ack, listing_vcpu, d->seen);
	return ret;
}

static int slow_end(struct slow *d)
{
	int ret = 0;

	while (!ret)
		ret = genl_read(&d->g, &d->ack, listing_vcpu, d->seen);
	return ret < 0 ? ret : d->ack.error;
}

/*
 * Find after how many parts the kernel stands within a VM, some of whose vCPUs
 * are out and some are not: 0 if it never does. That VM is put into @vm.
 */
static unsigned int find_cut(struct slow *d, uint64_t *vm)
{
	unsigned int parts;

	for (parts = 2; parts < VMS; parts++) {
		struct listed *last;
		int ret = slow_begin(d, parts);

		if (ret)
			return 0;
		last = &d->seen->list[d->seen->n - 1];
		*vm = last->vm;
		if (last->index + 1 < VCPUS) {
			slow_end(d);
			return parts - 1;
		}
		slow_end(d);
	}
	return 0;
}

/* End the VM, and wait until vmsched has forgotten it */
static bool end_vm(struct rawvm *vm)
{
	pid_t pid = rawvm_pid(vm);

	return !rawvm_kill(vm) && vm_listed(pid, false, limit_ms(1000));
}

static unsigned int place_of(const uint64_t ids[VMS], uint64_t id)
{
	unsigned int i;

	for (i = 0; i < VMS && ids[i] != id; i++)
		;
	return i;
}

/* The VM at which the list stands ends; the next ones must be there in full */
TEST_F_TIMEOUT(vmsched, vm_ends_at_the_cut, LIMIT)
{
	struct slow d = { .seen = calloc(1, sizeof(*d.seen)) };
	struct rawvm *vms[VMS];
	unsigned int parts, at;
	uint64_t ids[VMS], vm;

	ASSERT_NE(NULL, d.seen);
	ASSERT_EQ(0, start_all(vms, ids));
	ASSERT_EQ(0, genl_open(&d.g));
	ASSERT_TRUE(all_found(&d.g, d.seen, &d.ack));
	parts = find_cut(&d, &vm);
	ASSERT_GT(parts, 0);
	at = place_of(ids, vm);
	ASSERT_LT(at, VMS - 1);

	ASSERT_EQ(0, slow_begin(&d, parts));
	ASSERT_TRUE(end_vm(vms[at]));
	ASSERT_EQ(0, slow_end(&d));
	EXPECT_TRUE(d.ack.interrupted);
	EXPECT_TRUE(listing_in_order(d.seen));
	EXPECT_EQ(0, missing(d.seen, ids, VCPUS, vm));
	genl_close(&d.g);
	free(d.seen);
}

/* VMs end from the first on, wherever the list is cut just then */
TEST_F_TIMEOUT(vmsched, vms_end_within_a_list, LIMIT)
{
	struct slow d = { .seen = calloc(1, sizeof(*d.seen)) };
	struct rawvm *vms[VMS];
	uint64_t ids[VMS];
	unsigned int i;
	int ret;

	ASSERT_NE(NULL, d.seen);
	ASSERT_EQ(0, start_all(vms, ids));
	ASSERT_EQ(0, genl_open(&d.g));
	ASSERT_TRUE(all_found(&d.g, d.seen, &d.ack));
	for (i = 0; i < VMS; i += VMS / 10) {
		ret = slow_begin(&d, 1 + i * VCPUS / 16);
		ASSERT_LE(0, ret);
		ASSERT_TRUE(end_vm(vms[i]));
		ids[i] = 0;
		if (!ret)
			ASSERT_EQ(0, slow_end(&d));
		EXPECT_TRUE(listing_in_order(d.seen));
		EXPECT_EQ(0, missing(d.seen, ids, VCPUS, 0));
	}
	genl_close(&d.g);
	free(d.seen);
}

TEST_HARNESS_MAIN
