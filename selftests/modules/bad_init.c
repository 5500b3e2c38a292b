// SPDX-License-Identifier: GPL-2.0
/* Cannot be set up. */
#define BAD_INIT(inst)	(-ENODEV)
#include "bad_run.h"
