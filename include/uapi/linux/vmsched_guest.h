/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * Requests of a guest to vmsched on its host: hypercalls of KVM's convention,
 * number in RAX and an argument in RBX, made by VMCALL or VMMCALL in ring 0.
 *
 * RAX afterwards: negative where nobody knows these calls (-KVM_ENOSYS: vmsched
 * is not loaded there, or Linux decides) or the caller may not make any
 * (-KVM_EPERM: not ring 0). Else the feedback, see below; bit 31 and those above
 * are clear, so that 32 bits are enough.
 *
 * A guest with encrypted registers (SEV-ES and later) is never answered.
 */
#ifndef _UAPI_LINUX_VMSCHED_GUEST_H
#define _UAPI_LINUX_VMSCHED_GUEST_H

#define VMSCHED_HC_BASE			0x56530000

/* Give up the pCPU: others come first, then this vCPU again. */
#define VMSCHED_HC_YIELD		(VMSCHED_HC_BASE + 0)
/* The same for a sibling that waits: RBX is its number, -1 for any. */
#define VMSCHED_HC_YIELD_TO		(VMSCHED_HC_BASE + 1)
/* What this vCPU does from here on is time-critical, and is not any more. */
#define VMSCHED_HC_CRITICAL_BEGIN	(VMSCHED_HC_BASE + 2)
#define VMSCHED_HC_CRITICAL_END		(VMSCHED_HC_BASE + 3)
/* Ask for nothing but the feedback. */
#define VMSCHED_HC_PRIO			(VMSCHED_HC_BASE + 4)
/* Numbers below this one are vmsched's and answered, if only as unknown. */
#define VMSCHED_HC_END			(VMSCHED_HC_BASE + 16)

/* Feedback: weight of the VM, and its share of the pool in permille */
#define VMSCHED_HC_WEIGHT(rax)		((rax) & 0x3fff)
#define VMSCHED_HC_SHARE(rax)		(((rax) >> 14) & 0x3ff)
/* enum vmsched_request_reason, and whether the request was handled */
#define VMSCHED_HC_REASON(rax)		(((rax) >> 24) & 0xf)
#define VMSCHED_HC_HANDLED		(1U << 28)
/* The VM owns the console of its pool; the vCPU has kept its pCPU. */
#define VMSCHED_HC_OWNS_CONSOLE		(1U << 29)
#define VMSCHED_HC_OWNS_PCPU		(1U << 30)

#endif /* _UAPI_LINUX_VMSCHED_GUEST_H */
