// SPDX-License-Identifier: GPL-2.0
/* Says so already when it comes into force. */
#define BAD_ACTIVATE(inst) \
	vmsched_fault(inst, VMSCHED_FAULT_KIND_REPORTED, "not at all")
#include "bad_run.h"
