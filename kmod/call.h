/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who asks, and what a guest has asked for: what vmsched.h keeps of it.
 */
#ifndef _VMS_CALL_H
#define _VMS_CALL_H

#include <linux/types.h>

/* Who asks the active scheduler to decide. */
enum vms_source {
	VMS_FROM_TIMER,		/* the end of a slice */
	VMS_FROM_CORE,		/* wake, block, exit, new vCPU */
	VMS_FROM_SERVICE,	/* user space of the host */
	VMS_FROM_GUEST,
	VMS_SOURCES,
};

/* A request of a guest that is no hypercall of vmsched: PAUSE in a loop */
#define VMS_CALL_SPIN		1

/**
 * struct vms_call - a request of a guest
 * @nr:		VMSCHED_HC_* or VMS_CALL_*, 0 for none
 * @hypercall:	it was made by a hypercall that KVM does not know
 * @arg:	its argument
 */
struct vms_call {
	u32 nr;
	bool hypercall;
	u64 arg;
};

#endif /* _VMS_CALL_H */
