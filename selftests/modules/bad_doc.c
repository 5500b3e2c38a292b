// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler with a description that no message has room for.
 */
#define TEN(text)	text text text text text text text text text text
#define BAD_DOC		TEN(TEN("much to say, "))
#include "bad_sched.h"
