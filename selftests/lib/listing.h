/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lists of VMs and vCPUs as the kernel gives them: what was in one, in its
 * order.
 */
#ifndef SELFTESTS_LISTING_H
#define SELFTESTS_LISTING_H

#include "genl.h"

#define LISTING_MAX	4096

struct listing {
	struct listed {
		uint64_t vm;
		uint32_t index;		/* 0 in a list of VMs */
	} list[LISTING_MAX];
	unsigned int n;			/* objects; those beyond the last are counted */
};

/* genl_fn: take one object into a struct listing */
void listing_vm(const struct nlmsghdr *msg, void *arg);
void listing_vcpu(const struct nlmsghdr *msg, void *arg);

/* A whole list of VMs or vCPUs, those of VM @only if it is not 0; -errno */
int listing_vms(struct genl *g, struct listing *l, struct genl_ack *ack);
int listing_vcpus(struct genl *g, uint64_t only, struct listing *l,
		  struct genl_ack *ack);

/* By ids and numbers, each object once; else says what is not */
bool listing_in_order(const struct listing *l);

bool listing_has(const struct listing *l, uint64_t vm, uint32_t index);

#endif /* SELFTESTS_LISTING_H */
