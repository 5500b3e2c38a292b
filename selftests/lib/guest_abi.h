/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory layout that the guest code (guest.S) and its VMM (rawvm_kvm.c) share.
 *
 * One memory slot at guest physical address 0, mapped one to one, as large as the
 * areas of all vCPUs make it. Every vCPU
 * has one area of GUEST_AREA_SIZE bytes; %rdi holds its address for ever. The
 * host maps the same pages, so that it reads counters without an exit.
 * Included by assembly: only macros outside of __ASSEMBLER__.
 */
#ifndef SELFTESTS_GUEST_ABI_H
#define SELFTESTS_GUEST_ABI_H

#define GUEST_PML4		0x1000
#define GUEST_PDPT		0x2000
#define GUEST_PD		0x3000
#define GUEST_GDT		0x4000
#define GUEST_IDT		0x5000
#define GUEST_CODE		0x8000
#define GUEST_AREAS		0x20000
#define GUEST_AREA_SHIFT	16
#define GUEST_AREA_SIZE		0x10000
#define GUEST_PAGE_SIZE		0x200000

#define GUEST_CS		0x08
#define GUEST_DS		0x10
#define GUEST_TR		0x18
#define GUEST_USER_CS		(0x20 | 3)
#define GUEST_USER_DS		(0x28 | 3)
#define GUEST_TIMER_VECTOR	0x40

/* Ports: one exit each that is counted, and "an exception happened" */
#define GUEST_PORT_IO		0xf1
#define GUEST_PORT_FAULT	0xfe

/* Offsets in the area of a vCPU; struct guest_area below has the same */
#define AREA_COUNT		0x00
#define AREA_DEADLINE		0x08
#define AREA_WAKE		0x10
#define AREA_PERIOD		0x18
#define AREA_BUSY		0x20
#define AREA_SPINS		0x28
#define AREA_RING_HEAD		0x30
#define AREA_BEST		0x38
#define AREA_STEAL		0x40
#define AREA_LOOPS		0x80
#define AREA_ORDER		0x88
#define AREA_RAX		0x90
#define AREA_RBX		0x98
#define AREA_TIMES		0xa0
#define AREA_RESULT		0xa8
#define AREA_ANSWERS		0xb0
#define AREA_HANDLED		0xb8
#define AREA_STACK_TOP		0x2000
#define AREA_RING		0x8000
#define GUEST_RING_SHIFT	5
#define GUEST_RING_SIZE		1024

/* What a guest that obeys is told to do; it says 0 when that is done */
#define GUEST_ORDER_CALL	1	/* TIMES hypercalls with RAX and RBX */
#define GUEST_ORDER_SHUTDOWN	2	/* a triple fault */
#define GUEST_ORDER_JUMP	3	/* execute what is at RAX */
#define GUEST_ORDER_WRMSR	4	/* write RBX to MSR RAX */
#define GUEST_ORDER_USER_CALL	5	/* one hypercall from CPL 3, where it stays */
#define GUEST_ORDER_IO		6	/* one exit to user space */
#define GUEST_ORDER_PAUSE	7	/* PAUSE in a loop, for ever */

/* The bit of an answer that is counted in HANDLED, see vmsched_guest.h */
#define GUEST_HANDLED_BIT	28

/* Exits that are timed together; short enough to fit between two ticks */
#define GUEST_BATCH		200
#define GUEST_PING_BATCH	50

/* Instructions of a loop that keeps a guest busy, see FILL_LOOP */
#define GUEST_LOOP		100

#ifndef __ASSEMBLER__
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* One wake from HLT: the deadline the guest set and the TSC it then read */
struct guest_wake {
	uint64_t deadline;
	uint64_t tsc;
	uint64_t done;		/* TSC after the work, 0 before that */
	uint64_t pad;
};

/* The part of struct kvm_steal_time that is of interest, same layout */
struct guest_steal {
	uint64_t steal;
	uint32_t version;
	uint32_t flags;
	uint32_t pad[12];
};

struct guest_area {
	uint64_t count;		/* work done: loops, wakes or exits */
	uint64_t deadline;
	uint64_t wake;		/* TSC in the timer interrupt, 0 while armed */
	uint64_t period;	/* TSC ticks between two wakes, set by the host */
	uint64_t busy;		/* TSC ticks to spin after a wake, set by the host */
	uint64_t spins;
	uint64_t ring_head;	/* wakes recorded since start */
	uint64_t best;		/* TSC ticks of the shortest batch of exits, 0: none */
	struct guest_steal steal;
	uint64_t loops;		/* of work after a wake, set by the host */
	uint64_t order;		/* GUEST_ORDER_*, set by the host */
	uint64_t rax;		/* for it, likewise */
	uint64_t rbx;
	uint64_t times;
	uint64_t result;	/* RAX after the last hypercall */
	uint64_t answers;	/* hypercalls made since start */
	uint64_t handled;	/* those of them with GUEST_HANDLED_BIT in RAX */
	uint8_t gap[AREA_RING - AREA_HANDLED - sizeof(uint64_t)];
	struct guest_wake ring[GUEST_RING_SIZE];
};

static_assert(offsetof(struct guest_area, steal) == AREA_STEAL, "steal");
static_assert(offsetof(struct guest_area, ring_head) == AREA_RING_HEAD, "head");
static_assert(offsetof(struct guest_area, best) == AREA_BEST, "best");
static_assert(offsetof(struct guest_area, loops) == AREA_LOOPS, "loops");
static_assert(offsetof(struct guest_area, handled) == AREA_HANDLED, "handled");
static_assert(offsetof(struct guest_area, ring) == AREA_RING, "ring");
static_assert(sizeof(struct guest_wake) == 1 << GUEST_RING_SHIFT, "wake");
static_assert(GUEST_AREA_SIZE == 1 << GUEST_AREA_SHIFT, "shift");
static_assert(sizeof(struct guest_area) == GUEST_AREA_SIZE, "area");

extern const uint8_t guest_code_start[];
extern const uint8_t guest_code_end[];
extern const uint8_t guest_spin[];
extern const uint8_t guest_tick[];
extern const uint8_t guest_ping[];
extern const uint8_t guest_io[];
extern const uint8_t guest_cpuid[];
extern const uint8_t guest_call[];
extern const uint8_t guest_obey[];
extern const uint8_t guest_isr[];
extern const uint8_t guest_fault[];
#endif /* __ASSEMBLER__ */
#endif /* SELFTESTS_GUEST_ABI_H */
