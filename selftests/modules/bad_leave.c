// SPDX-License-Identifier: GPL-2.0
/* Says that each vCPU is owed for centuries when it is left. */
#include "bad_run.h"

static const struct bad_way way = { .lag_ns = S64_MAX };
