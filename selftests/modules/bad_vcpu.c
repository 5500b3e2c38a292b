// SPDX-License-Identifier: GPL-2.0
/* Cannot take a vCPU over, and says something that asks for another try. */
#include "bad_run.h"

static const struct bad_way way = { .vcpu_init = -EBUSY };
