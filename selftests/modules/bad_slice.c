// SPDX-License-Identifier: GPL-2.0
/* Gives slices of an hour. */
#define BAD_SLICE(ns)	(3600ULL * NSEC_PER_SEC)
#include "bad_run.h"
