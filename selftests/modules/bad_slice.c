// SPDX-License-Identifier: GPL-2.0
/* Gives slices of an hour. */
#include "bad_run.h"

static const struct bad_way way = { .slice_ns = 3600ULL * NSEC_PER_SEC };
