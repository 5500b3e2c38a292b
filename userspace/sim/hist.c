// SPDX-License-Identifier: GPL-2.0
/* Histograms, see hist.h. */
#include <stdlib.h>

#include <core.h>

#include "hist.h"

#define STEP_BITS	7	/* of HIST_STEPS */

/* Values below HIST_STEPS have a step each, in the row of power 0. */
static unsigned int power_of(u64 value)
{
	return value < HIST_STEPS ? 0 : 64 - STEP_BITS - __builtin_clzll(value);
}

static unsigned int step_of(u64 value, unsigned int power)
{
	return power ? (value >> (power - 1)) - HIST_STEPS : value;
}

/* The largest value of a step. */
static u64 top_of(unsigned int power, unsigned int step)
{
	return power ? (((u64)step + HIST_STEPS + 1) << (power - 1)) - 1 : step;
}

static u64 *row(struct hist *h, unsigned int power)
{
	if (!h->steps[power])
		h->steps[power] = zalloc(HIST_STEPS * sizeof(u64));
	return h->steps[power];
}

void hist_add(struct hist *h, u64 value)
{
	unsigned int power = power_of(value);

	row(h, power)[step_of(value, power)]++;
	h->count++;
	if (value > h->max)
		h->max = value;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	unsigned int power, step;

	for (power = 0; power < HIST_POWERS; power++)
		for (step = 0; from->steps[power] && step < HIST_STEPS; step++)
			row(to, power)[step] += from->steps[power][step];
	to->count += from->count;
	if (from->max > to->max)
		to->max = from->max;
}

u64 hist_permille(const struct hist *h, unsigned int permille)
{
	/* How many are enough: rounded up. */
	u64 need = ((__uint128_t)h->count * permille + 999) / 1000;
	unsigned int power, step;
	u64 sum = 0;

	for (power = 0; power < HIST_POWERS; power++) {
		for (step = 0; h->steps[power] && step < HIST_STEPS; step++) {
			sum += h->steps[power][step];
			if (sum && sum >= need)
				return top_of(power, step) < h->max ?
				       top_of(power, step) : h->max;
		}
	}
	return h->max;
}

void hist_free(struct hist *h)
{
	unsigned int power;

	for (power = 0; power < HIST_POWERS; power++)
		free(h->steps[power]);
}
