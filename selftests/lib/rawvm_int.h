/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private to the raw VM library: what the process of a VM and the test share,
 * and the prototypes between its files.
 */
#ifndef SELFTESTS_RAWVM_INT_H
#define SELFTESTS_RAWVM_INT_H

#include <linux/kvm.h>
#include <pthread.h>

#include "guest_abi.h"
#include "rawvm.h"
#include <kselftest.h>

enum rawvm_op {
	RAWVM_OP_PAUSE,
	RAWVM_OP_RESUME,
	RAWVM_OP_QUIT,
	RAWVM_OP_FORK_EXEC,
	RAWVM_OP_VCPU_FORK,
	RAWVM_OP_VCPU_CLONE,
	RAWVM_OP_VCPU_LEAVE,
	RAWVM_OP_EXEC,
	RAWVM_OP_EXIT,
	RAWVM_OP_SWAP,
	RAWVM_OP_RENEW,
};

struct rawvm_cmd {
	uint32_t op;
	uint32_t vcpu;
};

/* One page (or more) that the VM's process writes and the test reads */
struct rawvm_ctl {
	uint64_t tsc_khz;
	uint64_t exits[RAWVM_MAX_VCPUS];
	pid_t tid[RAWVM_MAX_VCPUS];
	struct rawvm_child child;
	uint64_t children;		/* of a VM that breeds */
	uint64_t narrow;
	char error[160];
};

/* The kernel's view of a VM, owned by the VM's process */
struct rawvm_kvm {
	int kvm_fd;
	int vm_fd;
	int vcpu_fd[RAWVM_MAX_VCPUS];
	struct kvm_run *run[RAWVM_MAX_VCPUS];
	int run_size;
	uint8_t *mem;
	const struct rawvm_spec *spec;
	struct rawvm_ctl *ctl;
};

/* rawvm_kvm.c */
int rawvm_kvm_create(struct rawvm_kvm *kvm);
void rawvm_kvm_close(struct rawvm_kvm *kvm);

/* rawvm_vmm.c: body of the VM's process; never returns */
void rawvm_vmm_main(const struct rawvm_spec *spec, uint8_t *mem,
		    struct rawvm_ctl *ctl, int cmd_fd);

/* rawvm_breed.c: make a child in one of some ways, by @n, and wait for it */
void rawvm_breed(struct rawvm_ctl *ctl, uint64_t n);

/* Keep the first error of a VM for rawvm_broken() */
__printf(2, 3)
void rawvm_error(struct rawvm_ctl *ctl, const char *fmt, ...);

/* Memory in use, and the whole of it, for so many vCPUs */
static inline size_t rawvm_mem_used(unsigned int nr_vcpus)
{
	return GUEST_AREAS + (size_t)nr_vcpus * GUEST_AREA_SIZE;
}

static inline size_t rawvm_mem_size(unsigned int nr_vcpus)
{
	size_t used = rawvm_mem_used(nr_vcpus);

	return (used + GUEST_PAGE_SIZE - 1) / GUEST_PAGE_SIZE * GUEST_PAGE_SIZE;
}

static inline struct guest_area *rawvm_area(uint8_t *mem, unsigned int vcpu)
{
	return (struct guest_area *)(mem + GUEST_AREAS +
				     (size_t)vcpu * GUEST_AREA_SIZE);
}

#endif /* SELFTESTS_RAWVM_INT_H */
