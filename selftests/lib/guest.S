/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the raw guests execute: 64-bit, ring 0, no stack but for interrupts.
 *
 * The code is linked into the test as data and copied to GUEST_CODE, so it
 * must be position independent. %rdi is the address of the vCPU's area and is
 * never changed. Interrupts are off except between STI and CLI around HLT.
 */
#include "guest_abi.h"

#define MSR_TSC_DEADLINE	0x6e0
#define MSR_X2APIC_EOI		0x80b
#define MSR_X2APIC_SPIV		0x80f
#define MSR_X2APIC_ICR		0x830
#define MSR_X2APIC_LVTT		0x832
#define APIC_ENABLED		0x1ff
#define LVTT_TSC_DEADLINE	(2 << 17)

	.section .rodata
	.code64
	.balign	16
	.globl	guest_code_start, guest_code_end
	.globl	guest_spin, guest_tick, guest_ping, guest_isr, guest_fault
	.globl	guest_io, guest_cpuid, guest_call, guest_obey

/* Leave the TSC in %rax; %rdx is lost */
.macro READ_TSC
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
.endm

guest_code_start:

/*
 * Make a loop GUEST_LOOP instructions long, of which \used are something else.
 * With virtual time each is a nanosecond, but a NOP costs the emulator nothing:
 * a second of a short loop takes it ten, of this one a fraction of a second.
 */
.macro FILL_LOOP used
	.fill	GUEST_LOOP - (\used), 1, 0x90
.endm

/* Busy for ever */
guest_spin:
1:	incq	AREA_COUNT(%rdi)
	FILL_LOOP 2
	jmp	1b

/*
 * Exits one after the other, all with \insn, which may use %rax to %rdx. The
 * shortest batch is kept: one without a tick of the host in it.
 */
.macro EXITS insn:vararg
1:	READ_TSC
	movq	%rax, %r8
	movl	$GUEST_BATCH, %r9d
2:	incq	AREA_COUNT(%rdi)
	xorl	%eax, %eax
	\insn
	decl	%r9d
	jnz	2b
	KEEP_BEST
	jmp	1b
.endm

/* A batch that began at %r8 is over */
.macro KEEP_BEST
	READ_TSC
	subq	%r8, %rax
	movq	AREA_BEST(%rdi), %rdx
	decq	%rdx
	cmpq	%rdx, %rax
	ja	3f
	movq	%rax, AREA_BEST(%rdi)
3:
.endm

/* Let interrupts come; %rax to %rdx are lost */
.macro ENABLE_APIC
	movl	$MSR_X2APIC_SPIV, %ecx
	movl	$APIC_ENABLED, %eax
	xorl	%edx, %edx
	wrmsr
.endm

/* To user space */
guest_io:
	EXITS	outb %al, $GUEST_PORT_IO

/* Handled within KVM: an instruction that it emulates */
guest_cpuid:
	EXITS	cpuid

/* A hypercall that KVM does not know */
guest_call:
	EXITS	vmmcall

/* Busy as guest_spin, but for what the host tells it to do */
guest_obey:
1:	incq	AREA_COUNT(%rdi)
	FILL_LOOP 5
	movq	AREA_ORDER(%rdi), %rcx
	testq	%rcx, %rcx
	jz	1b
	cmpl	$GUEST_ORDER_CALL, %ecx
	je	.Lcall
	cmpl	$GUEST_ORDER_SHUTDOWN, %ecx
	je	.Lshutdown
	cmpl	$GUEST_ORDER_JUMP, %ecx
	je	.Ljump
	cmpl	$GUEST_ORDER_WRMSR, %ecx
	je	.Lwrmsr
	cmpl	$GUEST_ORDER_USER_CALL, %ecx
	je	.Luser
	cmpl	$GUEST_ORDER_PAUSE, %ecx
	je	.Lpause
	outb	%al, $GUEST_PORT_IO
.Lobeyed:
	movq	$0, AREA_ORDER(%rdi)
	jmp	1b

.Lcall:	movq	AREA_RAX(%rdi), %rax
	movq	AREA_RBX(%rdi), %rbx
	/* What the Hyper-V way of it takes */
	movq	%rbx, %rcx
	xorl	%edx, %edx
	xorl	%r8d, %r8d
	vmmcall
	movq	%rax, AREA_RESULT(%rdi)
	incq	AREA_ANSWERS(%rdi)
	testq	%rax, %rax
	js	2f
	btq	$GUEST_HANDLED_BIT, %rax
	adcq	$0, AREA_HANDLED(%rdi)
2:	decq	AREA_TIMES(%rdi)
	jnz	.Lcall
	jmp	.Lobeyed

.Lshutdown:
	pushq	$0
	pushq	$0
	lidt	(%rsp)
	ud2

.Ljump:	movq	AREA_RAX(%rdi), %rax
	jmp	*%rax

.Lwrmsr:
	movl	AREA_RAX(%rdi), %ecx
	movl	AREA_RBX(%rdi), %eax
	movl	(AREA_RBX + 4)(%rdi), %edx
	wrmsr
	jmp	.Lobeyed

.Luser:	movq	%rsp, %rax
	pushq	$GUEST_USER_DS
	pushq	%rax
	pushq	$2
	pushq	$GUEST_USER_CS
	leaq	3f(%rip), %rax
	pushq	%rax
	iretq
3:	movq	AREA_RAX(%rdi), %rax
	movq	AREA_RBX(%rdi), %rbx
	vmmcall
	movq	%rax, AREA_RESULT(%rdi)
	incq	AREA_ANSWERS(%rdi)
	movq	$0, AREA_ORDER(%rdi)
4:	incq	AREA_COUNT(%rdi)
	FILL_LOOP 2
	jmp	4b

.Lpause:
	incq	AREA_COUNT(%rdi)
	FILL_LOOP 3
	pause
	jmp	.Lpause

/* Sleep in HLT until an interrupt has written AREA_WAKE */
wait_for_wake:
1:	sti
.Lhlt:	hlt
	cli
	cmpq	$0, AREA_WAKE(%rdi)
	je	1b
	ret

/* Interrupt vCPU %ebx; %rax to %rdx are lost */
.macro SEND_IPI
	movl	%ebx, %edx
	movl	$GUEST_TIMER_VECTOR, %eax
	movl	$MSR_X2APIC_ICR, %ecx
	wrmsr
.endm

/*
 * Two vCPUs that wake each other in turn and sleep in HLT meanwhile. vCPU 0
 * keeps the shortest batch of rounds, as EXITS does.
 */
guest_ping:
	ENABLE_APIC
	movq	%rdi, %rbx
	subq	$GUEST_AREAS, %rbx
	shrq	$GUEST_AREA_SHIFT, %rbx
	xorl	$1, %ebx
	jz	.Lanswer
	/* The other one must be able to take interrupts */
	incq	AREA_COUNT(%rdi)
1:	pause
	cmpq	$0, (GUEST_AREA_SIZE + AREA_COUNT)(%rdi)
	je	1b

1:	READ_TSC
	movq	%rax, %r8
	movl	$GUEST_PING_BATCH, %r9d
2:	movq	$0, AREA_WAKE(%rdi)
	SEND_IPI
	call	wait_for_wake
	incq	AREA_COUNT(%rdi)
	decl	%r9d
	jnz	2b
	KEEP_BEST
	jmp	1b

.Lanswer:
	incq	AREA_COUNT(%rdi)
1:	call	wait_for_wake
	movq	$0, AREA_WAKE(%rdi)
	incq	AREA_COUNT(%rdi)
	SEND_IPI
	jmp	1b

/*
 * Sleep in HLT until the next deadline, record the wake, spin for AREA_BUSY,
 * then do AREA_LOOPS of work, record that too
 */
guest_tick:
	ENABLE_APIC
	movl	$MSR_X2APIC_LVTT, %ecx
	movl	$(LVTT_TSC_DEADLINE | GUEST_TIMER_VECTOR), %eax
	xorl	%edx, %edx
	wrmsr
	READ_TSC
	movq	%rax, AREA_DEADLINE(%rdi)

.Lnext:	movq	AREA_DEADLINE(%rdi), %rbx
	addq	AREA_PERIOD(%rdi), %rbx
	READ_TSC
	cmpq	%rax, %rbx
	ja	1f
	/* That one is over: start again from now, the delay is on record */
	movq	%rax, %rbx
	addq	AREA_PERIOD(%rdi), %rbx
1:	movq	%rbx, AREA_DEADLINE(%rdi)
	movq	$0, AREA_WAKE(%rdi)
	movq	%rbx, %rax
	movq	%rbx, %rdx
	shrq	$32, %rdx
	movl	$MSR_TSC_DEADLINE, %ecx
	wrmsr

	call	wait_for_wake
	movq	AREA_RING_HEAD(%rdi), %rdx
	andq	$(GUEST_RING_SIZE - 1), %rdx
	shlq	$GUEST_RING_SHIFT, %rdx
	leaq	AREA_RING(%rdi, %rdx), %r9
	movq	%rbx, (%r9)
	movq	AREA_WAKE(%rdi), %r8
	movq	%r8, 8(%r9)
	movq	$0, 16(%r9)
	incq	AREA_RING_HEAD(%rdi)
	incq	AREA_COUNT(%rdi)

	addq	AREA_BUSY(%rdi), %r8
	jmp	2f
1:	incq	AREA_SPINS(%rdi)
	FILL_LOOP 7
2:	READ_TSC
	cmpq	%r8, %rax
	jb	1b

	movq	AREA_LOOPS(%rdi), %rcx
	jmp	2f
1:	FILL_LOOP 3
	incq	AREA_SPINS(%rdi)
2:	subq	$1, %rcx
	jae	1b
	READ_TSC
	movq	%rax, 16(%r9)
	jmp	.Lnext

/* The only interrupt, of timer or IPI: the first thing is to read the clock */
guest_isr:
	pushq	%rax
	pushq	%rdx
	pushq	%rcx
	READ_TSC
	movq	%rax, AREA_WAKE(%rdi)
	movl	$MSR_X2APIC_EOI, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	/*
	 * Nothing comes between STI and the instruction after it, but emulated
	 * SVM forgets that when the guest is left just there. The interrupt
	 * that HLT was to wait for is over then: do not wait for it.
	 */
	leaq	.Lhlt(%rip), %rax
	cmpq	%rax, 24(%rsp)
	jne	1f
	incq	24(%rsp)
1:	popq	%rcx
	popq	%rdx
	popq	%rax
	iretq

/* Any exception: tell the host and stop */
guest_fault:
1:	outb	%al, $GUEST_PORT_FAULT
	jmp	1b

guest_code_end:
	.section .note.GNU-stack, "", @progbits
