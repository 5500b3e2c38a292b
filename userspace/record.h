/* SPDX-License-Identifier: GPL-2.0 */
/* What the VMs of this host do, as a file for vmsched-sim; see vmsched-sim.rst. */
#ifndef VMSCHEDCTL_RECORD_H
#define VMSCHEDCTL_RECORD_H

#include <stdio.h>

#include "cmd.h"

struct recording {
	__u64 time_ns;
	__u64 events;
	__u64 lost;		/* of them, for want of room */
	__u64 vms;
};

/*
 * Record into @file for so many seconds, or until a signal says so (0). Returns an
 * exit code.
 */
int record(struct ctx *ctx, FILE *file, __u32 seconds, struct recording *done);

#endif /* VMSCHEDCTL_RECORD_H */
