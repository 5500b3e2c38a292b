// SPDX-License-Identifier: GPL-2.0
/* Says that it cannot go on. */
#define BAD_PICK(inst) \
	vmsched_fault(inst, VMSCHED_FAULT_KIND_REPORTED, "not today")
#include "bad_run.h"
