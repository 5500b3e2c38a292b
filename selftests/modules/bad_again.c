// SPDX-License-Identifier: GPL-2.0
/* Cannot be set up, and asks for another try. */
#include "bad_run.h"

static const struct bad_way way = { .init = -EAGAIN };
