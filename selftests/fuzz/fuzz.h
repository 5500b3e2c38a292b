/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _FUZZ_H
#define _FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* What libFuzzer calls with each input, by the name that the makefile gives it. */
int fuzz_one(const uint8_t *data, size_t size);

#endif
