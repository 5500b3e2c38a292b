// SPDX-License-Identifier: GPL-2.0
/* Says that each vCPU is owed for centuries when it is left. */
#define BAD_LAG		S64_MAX
#include "bad_run.h"
