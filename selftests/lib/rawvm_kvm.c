// SPDX-License-Identifier: GPL-2.0
/*
 * Set up a VM and its vCPUs through /dev/kvm: memory, page tables, descriptor
 * tables, long mode, x2APIC with TSC-deadline timer, steal time.
 *
 * Knows nothing of threads or commands: rawvm_vmm.c runs what is made here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rawvm_int.h"
#include <kselftest.h>

/* For every privilege level */
#define PTE_PRESENT_RW		0x7
#define PTE_HUGE		0x80

#define CR0_PE_ET_NE_PG		0x80000031ULL
#define CR4_PAE			0x20ULL
#define EFER_LME_LMA		0x500ULL
#define RFLAGS_RESERVED		0x2ULL

#define APIC_BASE_ADDR		0xfee00000ULL
#define APIC_BASE_BSP		(1ULL << 8)
#define APIC_BASE_X2APIC	(1ULL << 10)
#define APIC_BASE_ENABLE	(1ULL << 11)

#define CPUID_1_ECX_X2APIC	(1U << 21)
#define CPUID_1_ECX_DEADLINE	(1U << 24)

#define MSR_KVM_STEAL_TIME	0x4b564d03
#define STEAL_ENABLED		1ULL

#define CPUID_HYPERV_INTERFACE	0x40000001
#define CPUID_HYPERV_SIGNATURE	0x31237648

#define MAX_CPUID_ENTRIES	256

struct idt_gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t ist;
	uint8_t type;
	uint16_t offset_mid;
	uint32_t offset_high;
	uint32_t reserved;
};

static_assert(sizeof(struct idt_gate) == 16, "a gate is 16 bytes");

void rawvm_error(struct rawvm_ctl *ctl, const char *fmt, ...)
{
	char text[sizeof(ctl->error)];
	va_list ap;

	if (ctl->error[0])
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(ctl->error, text, sizeof(text));
}

/* Report what failed with errno and return it negative */
static int kvm_err(struct rawvm_kvm *kvm, const char *what)
{
	int err = errno;

	rawvm_error(kvm->ctl, "%s: %s", what, strerror(err));
	return -err;
}

/* Guest physical address of a label of guest.S */
static uint64_t code_address(const uint8_t *label)
{
	return GUEST_CODE + (uint64_t)(label - guest_code_start);
}

static const uint8_t *entry_point(enum rawvm_kind kind)
{
	switch (kind) {
	case RAWVM_TICK:
		return guest_tick;
	case RAWVM_IO:
		return guest_io;
	case RAWVM_CPUID:
		return guest_cpuid;
	case RAWVM_CALL:
		return guest_call;
	case RAWVM_PING:
		return guest_ping;
	case RAWVM_OBEY:
		return guest_obey;
	case RAWVM_SPIN:
		break;
	}
	return guest_spin;
}

static void fill_page_tables(uint8_t *mem, size_t size)
{
	uint64_t *pml4 = (uint64_t *)(mem + GUEST_PML4);
	uint64_t *pdpt = (uint64_t *)(mem + GUEST_PDPT);
	uint64_t *pd = (uint64_t *)(mem + GUEST_PD);
	unsigned int i;

	pml4[0] = GUEST_PDPT | PTE_PRESENT_RW;
	pdpt[0] = GUEST_PD | PTE_PRESENT_RW;
	/* And one page more, behind the memory */
	for (i = 0; i <= size / GUEST_PAGE_SIZE; i++)
		pd[i] = i * (uint64_t)GUEST_PAGE_SIZE | PTE_PRESENT_RW | PTE_HUGE;
}

/* IRETQ reloads CS and SS, so the tables must hold what set_sregs() claims */
static void fill_descriptors(uint8_t *mem)
{
	struct idt_gate *idt = (struct idt_gate *)(mem + GUEST_IDT);
	uint64_t *gdt = (uint64_t *)(mem + GUEST_GDT);
	unsigned int i;

	gdt[GUEST_CS / 8] = 0x00af9b000000ffffULL;
	gdt[GUEST_DS / 8] = 0x00cf93000000ffffULL;
	gdt[GUEST_USER_CS / 8] = 0x00affb000000ffffULL;
	gdt[GUEST_USER_DS / 8] = 0x00cff3000000ffffULL;
	for (i = 0; i < 256; i++) {
		uint64_t to = code_address(i == GUEST_TIMER_VECTOR ?
					   guest_isr : guest_fault);

		idt[i] = (struct idt_gate) {
			.offset_low = to & 0xffff,
			.offset_mid = (to >> 16) & 0xffff,
			.selector = GUEST_CS,
			.type = 0x8e,
		};
	}
}

static void fill_memory(struct rawvm_kvm *kvm)
{
	size_t code = guest_code_end - guest_code_start;

	/* No more than is used: many VMs must fit into one machine */
	memset(kvm->mem, 0, rawvm_mem_used(kvm->spec->nr_vcpus));
	fill_page_tables(kvm->mem, rawvm_mem_size(kvm->spec->nr_vcpus));
	fill_descriptors(kvm->mem);
	memcpy(kvm->mem + GUEST_CODE, guest_code_start, code);
}

static int create_vm(struct rawvm_kvm *kvm)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = rawvm_mem_size(kvm->spec->nr_vcpus),
		.userspace_addr = (uintptr_t)kvm->mem,
	};

	kvm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm->kvm_fd < 0)
		return kvm_err(kvm, "open /dev/kvm");
	kvm->vm_fd = ioctl(kvm->kvm_fd, KVM_CREATE_VM, 0);
	if (kvm->vm_fd < 0)
		return kvm_err(kvm, "KVM_CREATE_VM");
	if (ioctl(kvm->vm_fd, KVM_CREATE_IRQCHIP, 0))
		return kvm_err(kvm, "KVM_CREATE_IRQCHIP");
	if (ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
		return kvm_err(kvm, "KVM_SET_USER_MEMORY_REGION");
	return 0;
}

bool rawvm_has_hyperv(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	bool has = fd >= 0 &&
		   ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_HYPERV) > 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static int set_cpuid(struct rawvm_kvm *kvm, unsigned int vcpu)
{
	struct kvm_cpuid2 *cpuid;
	int ret = 0;
	uint32_t i;

	cpuid = calloc(1, sizeof(*cpuid) +
		       MAX_CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = MAX_CPUID_ENTRIES;
	if (ioctl(kvm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid)) {
		ret = kvm_err(kvm, "KVM_GET_SUPPORTED_CPUID");
		goto out;
	}
	for (i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == CPUID_HYPERV_INTERFACE &&
		    kvm->spec->hyperv)
			cpuid->entries[i].eax = CPUID_HYPERV_SIGNATURE;
		if (cpuid->entries[i].function != 1)
			continue;
		cpuid->entries[i].ecx |= CPUID_1_ECX_X2APIC |
					 CPUID_1_ECX_DEADLINE;
		cpuid->entries[i].ebx &= 0x00ffffff;
		cpuid->entries[i].ebx |= vcpu << 24;
	}
	if (ioctl(kvm->vcpu_fd[vcpu], KVM_SET_CPUID2, cpuid))
		ret = kvm_err(kvm, "KVM_SET_CPUID2");
out:
	free(cpuid);
	return ret;
}

static int set_sregs(struct rawvm_kvm *kvm, unsigned int vcpu)
{
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = GUEST_CS, .type = 11,
		.present = 1, .s = 1, .l = 1, .g = 1,
	};
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = GUEST_DS, .type = 3,
		.present = 1, .s = 1, .db = 1, .g = 1,
	};
	struct kvm_sregs s;

	if (ioctl(kvm->vcpu_fd[vcpu], KVM_GET_SREGS, &s))
		return kvm_err(kvm, "KVM_GET_SREGS");
	s.cs = code;
	s.ds = data;
	s.es = data;
	s.fs = data;
	s.gs = data;
	s.ss = data;
	s.tr.selector = GUEST_TR;
	s.gdt.base = GUEST_GDT;
	s.gdt.limit = (GUEST_USER_DS | 7);
	s.idt.base = GUEST_IDT;
	s.idt.limit = 256 * sizeof(struct idt_gate) - 1;
	s.cr0 = CR0_PE_ET_NE_PG;
	s.cr3 = GUEST_PML4;
	s.cr4 = CR4_PAE;
	s.efer |= EFER_LME_LMA;
	s.apic_base = APIC_BASE_ADDR | APIC_BASE_ENABLE | APIC_BASE_X2APIC |
		      (vcpu ? 0 : APIC_BASE_BSP);
	if (ioctl(kvm->vcpu_fd[vcpu], KVM_SET_SREGS, &s))
		return kvm_err(kvm, "KVM_SET_SREGS");
	return 0;
}

static int set_regs(struct rawvm_kvm *kvm, unsigned int vcpu)
{
	uint64_t area = GUEST_AREAS + (uint64_t)vcpu * GUEST_AREA_SIZE;
	struct kvm_regs regs = {
		.rip = code_address(entry_point(kvm->spec->kind)),
		.rsp = area + AREA_STACK_TOP,
		.rdi = area,
		.rflags = RFLAGS_RESERVED,
	};
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };

	if (ioctl(kvm->vcpu_fd[vcpu], KVM_SET_REGS, &regs))
		return kvm_err(kvm, "KVM_SET_REGS");
	if (ioctl(kvm->vcpu_fd[vcpu], KVM_SET_MP_STATE, &runnable))
		return kvm_err(kvm, "KVM_SET_MP_STATE");
	return 0;
}

static int enable_steal(struct rawvm_kvm *kvm, unsigned int vcpu)
{
	uint64_t area = GUEST_AREAS + (uint64_t)vcpu * GUEST_AREA_SIZE;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = {
		.head.nmsrs = 1,
		.entry.index = MSR_KVM_STEAL_TIME,
		.entry.data = (area + AREA_STEAL) | STEAL_ENABLED,
	};

	if (ioctl(kvm->vcpu_fd[vcpu], KVM_SET_MSRS, &msr) != 1)
		return kvm_err(kvm, "KVM_SET_MSRS steal time");
	return 0;
}

/* The timer's parameters are in TSC ticks: the guest then needs no division */
static int set_parameters(struct rawvm_kvm *kvm, unsigned int vcpu)
{
	struct guest_area *area = rawvm_area(kvm->mem, vcpu);
	int khz = ioctl(kvm->vcpu_fd[vcpu], KVM_GET_TSC_KHZ);

	if (khz <= 0)
		return kvm_err(kvm, "KVM_GET_TSC_KHZ");
	kvm->ctl->tsc_khz = khz;
	area->period = (uint64_t)kvm->spec->period_us * khz / 1000;
	area->busy = (uint64_t)kvm->spec->busy_us * khz / 1000;
	area->loops = kvm->spec->loops;
	return 0;
}

static int create_vcpu(struct rawvm_kvm *kvm, unsigned int vcpu)
{
	int (*const steps[])(struct rawvm_kvm *, unsigned int) = {
		set_cpuid, set_sregs, set_regs, enable_steal, set_parameters,
	};
	unsigned int i;
	int ret;

	kvm->vcpu_fd[vcpu] = ioctl(kvm->vm_fd, KVM_CREATE_VCPU, vcpu);
	if (kvm->vcpu_fd[vcpu] < 0)
		return kvm_err(kvm, "KVM_CREATE_VCPU");
	kvm->run[vcpu] = mmap(NULL, kvm->run_size, PROT_READ | PROT_WRITE,
			      MAP_SHARED, kvm->vcpu_fd[vcpu], 0);
	if (kvm->run[vcpu] == MAP_FAILED)
		return kvm_err(kvm, "mmap of kvm_run");
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		ret = steps[i](kvm, vcpu);
		if (ret)
			return ret;
	}
	return 0;
}

int rawvm_kvm_create(struct rawvm_kvm *kvm)
{
	unsigned int i;
	int ret;

	fill_memory(kvm);
	ret = create_vm(kvm);
	if (ret)
		return ret;
	kvm->run_size = ioctl(kvm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (kvm->run_size <= 0)
		return kvm_err(kvm, "KVM_GET_VCPU_MMAP_SIZE");
	for (i = 0; i < kvm->spec->nr_vcpus; i++) {
		ret = create_vcpu(kvm, i);
		if (ret)
			return ret;
	}
	return 0;
}

void rawvm_kvm_close(struct rawvm_kvm *kvm)
{
	unsigned int i;

	/* A page that is mapped keeps the VM alive as an open file does */
	for (i = 0; i < kvm->spec->nr_vcpus; i++) {
		munmap(kvm->run[i], kvm->run_size);
		close(kvm->vcpu_fd[i]);
	}
	close(kvm->vm_fd);
	close(kvm->kvm_fd);
}
