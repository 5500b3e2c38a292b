// SPDX-License-Identifier: GPL-2.0
/*
 * A target of libFuzzer for the scheduler FUZZED: its bytes are the chance of
 * selftests/user/random.c, so they say what happens to a pool. That tries each answer;
 * what is wrong ends the program, and libFuzzer keeps the bytes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "tests.h"

/* What is left of the bytes */
static const uint8_t *bytes;
static size_t nr_bytes;

void broken(const char *fmt, ...)
{
	va_list args;

	printf("# " FUZZED ": ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	abort();
}

/* As few bytes as will do, so that one of them is worth as much as can be. */
u64 below(u64 limit)
{
	u64 value = 0, most;

	for (most = limit - 1; most && nr_bytes; most >>= 8, nr_bytes--)
		value = value << 8 | *bytes++;
	return value % limit;
}

static const struct vmsched_ops *fuzzed(void)
{
	int i;

	for (i = 0; i < nr_scheds; i++)
		if (!strcmp(scheds[i]->name, FUZZED))
			return scheds[i];
	broken("no scheduler of that name");
}

int fuzz_one(const uint8_t *data, size_t size)
{
	struct pool pool;
	int most;

	bytes = data;
	nr_bytes = size;
	most = random_begin(&pool, fuzzed());
	while (nr_bytes)
		random_step(&pool, most);
	pool_exit(&pool);
	return 0;
}
