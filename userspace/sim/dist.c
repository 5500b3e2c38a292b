// SPDX-License-Identifier: GPL-2.0
/*
 * Chance, the same on every machine: whole numbers only, no library that may round
 * otherwise elsewhere.
 */
#include "workload.h"

#define FRACTION	32	/* bits behind the point */
#define LN2		2977044472ULL	/* ln 2 in that form */

/* splitmix64 */
u64 rng_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* 0 to @limit - 1. */
static u64 below(u64 limit, u64 *rng)
{
	return (__uint128_t)rng_next(rng) * limit >> 64;
}

/*
 * -ln(u / 2^64) for u > 0, with FRACTION bits behind the point. The logarithm to
 * base 2 comes bit by bit: squaring doubles it.
 */
static u64 minus_ln(u64 u)
{
	int shift = __builtin_clzll(u), bit;
	u64 m = u << shift, log2 = 0;

	for (bit = 0; bit < FRACTION; bit++) {
		__uint128_t square = (__uint128_t)m * m;

		log2 <<= 1;
		if (square >> 127) {
			log2 |= 1;
			m = square >> 64;
		} else {
			m = square >> 63;
		}
	}
	/* u / 2^64 is 2^-(shift + 1) times 2^log2, which lies in 1 to 2. */
	log2 = ((u64)(shift + 1) << FRACTION) - log2;
	return (__uint128_t)log2 * LN2 >> FRACTION;
}

u64 dist_draw(const struct dist *dist, u64 *rng)
{
	switch (dist->kind) {
	case DIST_CONSTANT:
		return dist->a;
	case DIST_UNIFORM:
		return dist->a + below(dist->b - dist->a + 1, rng);
	case DIST_EXP:
		return (__uint128_t)dist->a * minus_ln(rng_next(rng) | 1) >> FRACTION;
	case DIST_FOREVER:
		return U64_MAX;
	default:
		return 0;
	}
}
