// SPDX-License-Identifier: GPL-2.0
/*
 * KEY VALUE pairs of "vm set" and "vcpu set" into parameters. Only the form of
 * a value is judged here and whether it fits the message; which values may be
 * set is known to the kernel alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#define MAX_KEYS 16
#define DIGITS "0123456789"
#define U32_MAX ((__u32)-1)

/* Limits as the kernel has them, for values that do not fit the message. */
#define WEIGHT_MIN 1
#define WEIGHT_MAX 10000

/* Percent with at most one decimal into permille. */
static int take_percent(const struct ctx *ctx, const char *key,
			const char *arg, __u32 *permille)
{
	const char *whole = arg + (*arg == '-' || *arg == '+');
	size_t n = strspn(whole, DIGITS);
	const char *rest = whole + n;
	const char *fraction = "";
	unsigned long long value;
	size_t decimals = 0;

	if (*rest == '.') {
		fraction = rest + 1;
		decimals = strspn(fraction, DIGITS);
		rest = fraction + decimals;
	}
	rest += *rest == '%';
	if (*rest || !(n + decimals))
		return fail_usage(ctx, "%s \"%s\" is not a number of percent",
				  key, arg);
	if (decimals > 1 && 1 + strspn(fraction + 1, "0") < decimals)
		return fail(EXIT_REFUSED, "%s %s is finer than 0.1 %%", key,
			    arg);
	errno = 0;
	value = n ? strtoull(whole, NULL, 10) : 0;
	if (errno || value > U32_MAX)
		value = U32_MAX;
	value = value * 10 + (decimals ? *fraction - '0' : 0);
	if ((*arg == '-' && value) || value > U32_MAX)
		return fail(EXIT_REFUSED, "%s %s outside 0..%u %%", key, arg,
			    U32_MAX / 10);
	*permille = value;
	return EXIT_DONE;
}

static int take_flag(const struct ctx *ctx, const char *key, const char *arg,
		     __u32 *flag)
{
	if (strcmp(arg, "on") && strcmp(arg, "off"))
		return fail_usage(ctx, "%s is on or off, not \"%s\"", key, arg);
	*flag = !strcmp(arg, "on");
	return EXIT_DONE;
}

/* "all" stands for the empty list, which lifts the limit. */
static int take_text(const char *arg, char **text)
{
	*text = strdup(strcmp(arg, "all") ? arg : "");
	return *text ? EXIT_DONE : fail(EXIT_REFUSED, "out of memory");
}

static int take_value(const struct ctx *ctx, const struct field *field,
		      const char *arg, struct params *params)
{
	void *place = (char *)params + field->offset;

	switch (field->kind) {
	case FIELD_PERMILLE:
		return take_percent(ctx, field->key, arg, place);
	case FIELD_FLAG:
		return take_flag(ctx, field->key, arg, place);
	case FIELD_TEXT:
		return take_text(arg, place);
	default:
		break;
	}
	if (field->attr == VMSCHED_A_PARAMS_WEIGHT)
		return take_u32(ctx, field->key, arg, WEIGHT_MIN, WEIGHT_MAX,
				place);
	return take_u32(ctx, field->key, arg, 0, U32_MAX, place);
}

int take_params(const struct ctx *ctx, int argc, char **argv,
		struct params *params, const char **pool)
{
	const struct field *fields = params_model.fields;
	const char *values[MAX_KEYS] = { NULL };
	const char *words[MAX_KEYS] = { NULL };
	int i, n, err;

	for (n = 0; fields[n].key; n++)
		words[n] = fields[n].key;
	if (pool)
		words[n] = "pool";
	if (!argc)
		return fail_usage(ctx, "no KEY VALUE is given");
	err = take_pairs(ctx, argc, argv, words, values);
	for (i = 0; i < n && !err; i++) {
		if (!values[i])
			continue;
		err = take_value(ctx, &fields[i], values[i], params);
		params->have |= MODEL_BIT(fields[i].attr);
	}
	if (pool)
		*pool = values[n];
	return err;
}
