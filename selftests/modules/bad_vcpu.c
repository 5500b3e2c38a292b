// SPDX-License-Identifier: GPL-2.0
/* Cannot take a vCPU over. */
#include "bad_run.h"

static const struct bad_way way = { .vcpu_init = -ENODEV };
