// SPDX-License-Identifier: GPL-2.0
/*
 * Lists of VMs and vCPUs; see listing.h.
 */
#include <stdio.h>

#include "listing.h"

static void add(struct listing *l, uint64_t vm, uint32_t index)
{
	if (l->n < LISTING_MAX)
		l->list[l->n] = (struct listed) { .vm = vm, .index = index };
	l->n++;
}

void listing_vm(const struct nlmsghdr *msg, void *arg)
{
	add(arg, genl_u64(genl_attr(msg, VMSCHED_A_VM_ID)), 0);
}

void listing_vcpu(const struct nlmsghdr *msg, void *arg)
{
	add(arg, genl_u64(genl_attr(msg, VMSCHED_A_VCPU_VM_ID)),
	    genl_u32(genl_attr(msg, VMSCHED_A_VCPU_INDEX)));
}

int listing_vms(struct genl *g, struct listing *l, struct genl_ack *ack)
{
	struct genl_msg m;

	l->n = 0;
	genl_begin(g, &m, VMSCHED_CMD_VM_GET, NLM_F_DUMP);
	return genl_call(g, &m, ack, listing_vm, l) ?: ack->error;
}

int listing_vcpus(struct genl *g, uint64_t only, struct listing *l,
		  struct genl_ack *ack)
{
	struct genl_msg m;

	l->n = 0;
	genl_begin(g, &m, VMSCHED_CMD_VCPU_GET, NLM_F_DUMP);
	if (only)
		genl_put_u64(&m, VMSCHED_A_VCPU_VM_ID, only);
	return genl_call(g, &m, ack, listing_vcpu, l) ?: ack->error;
}

static unsigned int kept(const struct listing *l)
{
	return l->n < LISTING_MAX ? l->n : LISTING_MAX;
}

bool listing_in_order(const struct listing *l)
{
	unsigned int i;

	for (i = 1; i < kept(l); i++) {
		const struct listed *a = &l->list[i - 1], *b = &l->list[i];

		if (a->vm < b->vm || (a->vm == b->vm && a->index < b->index))
			continue;
		printf("# %ju/%u comes before %ju/%u\n", (uintmax_t)a->vm,
		       a->index, (uintmax_t)b->vm, b->index);
		return false;
	}
	return true;
}

bool listing_has(const struct listing *l, uint64_t vm, uint32_t index)
{
	unsigned int i;

	for (i = 0; i < kept(l); i++) {
		if (l->list[i].vm == vm && l->list[i].index == index)
			return true;
	}
	return false;
}
