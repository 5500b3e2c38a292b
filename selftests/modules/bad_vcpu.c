// SPDX-License-Identifier: GPL-2.0
/* Cannot take a vCPU over. */
#define BAD_VCPU_INIT(inst)	(-ENODEV)
#include "bad_run.h"
