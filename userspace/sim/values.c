// SPDX-License-Identifier: GPL-2.0
/* Values in a workload file, see reader.h. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"

#define DIGITS "0123456789"

/* How much of a word is repeated in a message */
#define QUOTE "%.40s"

static const struct unit {
	const char *name;
	u64 ns;
} units[] = {
	{ "s", NSEC_PER_SEC },
	{ "ms", NSEC_PER_MSEC },
	{ "us", NSEC_PER_USEC },
	{ "ns", 1 },
};

const char *time_text(u64 ns)
{
	static char texts[4][32];
	static unsigned int next;
	char *text = texts[next++ % ARRAY_SIZE(texts)];
	size_t i = 0;

	while (ns % units[i].ns)
		i++;
	snprintf(text, sizeof(*texts), "%llu%s", ull(ns / units[i].ns),
		 units[i].name);
	return text;
}

bool take_word(struct reader *r, const char *key, const char **word)
{
	*word = take(r);
	return *word || bad(r, "%s needs a value", key);
}

/*
 * Digits, and decimals that are worth @scale for the digit before the point, into
 * @value, which is U64_MAX if it is too large. Returns what follows, NULL if there is
 * no number, or one that is finer than 1.
 */
static const char *parse(const char *text, u64 scale, u64 *value)
{
	size_t whole = strspn(text, DIGITS);
	size_t decimals = 0, i;
	__uint128_t sum = 0;

	if (!whole)
		return NULL;
	for (i = 0; i < whole && sum <= U64_MAX; i++)
		sum = sum * 10 + (text[i] - '0');
	sum = sum > U64_MAX ? U64_MAX : sum * scale;
	text += whole;
	if (*text == '.') {
		decimals = strspn(++text, DIGITS);
		if (!decimals)
			return NULL;
	}
	for (i = 0; i < decimals; i++) {
		if (scale % 10 && text[i] != '0')
			return NULL;
		scale /= 10;
		sum += (text[i] - '0') * scale;
	}
	*value = sum > U64_MAX ? U64_MAX : sum;
	return text + decimals;
}

bool take_number(struct reader *r, const char *key, u64 least, u64 most, u64 *value)
{
	const char *word, *rest;

	if (!take_word(r, key, &word))
		return false;
	rest = parse(word, 1, value);
	if (!rest || *rest)
		return bad(r, "%s \"" QUOTE "\" is not a whole number", key, word);
	if (*value < least || *value > most)
		return bad(r, "%s " QUOTE " outside %llu..%llu", key, word,
			   ull(least), ull(most));
	return true;
}

bool time_parse(const char *text, u64 *ns)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(units); i++) {
		const char *rest = parse(text, units[i].ns, ns);

		if (rest && !strcmp(rest, units[i].name))
			return true;
	}
	return false;
}

/* The word is no time: perhaps only its unit is missing. */
static bool bad_time(struct reader *r, const char *key, const char *word)
{
	if (!word[strspn(word, DIGITS ".")])
		return bad(r, "%s " QUOTE " has no unit: write " QUOTE "us, ms or s", key, word,
			   word);
	return bad(r, "%s \"" QUOTE "\" is not a time such as 100us, 2.5ms or 1s", key, word);
}

static bool in_range(struct reader *r, const char *key, const char *word, u64 least, u64 most,
		     bool zero, u64 ns)
{
	if ((ns >= least && ns <= most) || (!ns && zero))
		return true;
	return bad(r, "%s " QUOTE " outside %s%s..%s", key, word, zero && least ? "0s or " : "",
		   time_text(least), time_text(most));
}

bool take_time(struct reader *r, const char *key, u64 least, u64 most, bool zero, u64 *ns)
{
	const char *word;

	if (!take_word(r, key, &word))
		return false;
	if (!time_parse(word, ns))
		return bad_time(r, key, word);
	return in_range(r, key, word, least, most, zero, *ns);
}

bool take_percent(struct reader *r, const char *key, u64 least, u64 most, bool zero, u64 *permille)
{
	const char *word, *rest;

	if (!take_word(r, key, &word))
		return false;
	rest = parse(word, 10, permille);
	if (!rest || (*rest && strcmp(rest, "%")))
		return bad(r, "%s \"" QUOTE "\" is not a number of percent such as 50 or 12.5",
			   key, word);
	if ((*permille >= least && *permille <= most) || (!*permille && zero))
		return true;
	return bad(r, "%s " QUOTE " outside %s%g..%g percent of a pCPU", key, word,
		   zero && least ? "0 or " : "", least / 10.0, most / 10.0);
}

bool take_flag(struct reader *r, const char *key, u64 *flag)
{
	const char *word;

	if (!take_word(r, key, &word))
		return false;
	*flag = !strcmp(word, "on");
	return *flag || !strcmp(word, "off") ||
	       bad(r, "%s is on or off, not \"" QUOTE "\"", key, word);
}

/* One part of a list: N or N-M. Returns what follows, NULL if it is neither. */
static const char *parse_span(const char *text, u64 *first, u64 *last)
{
	size_t digits = strspn(text, DIGITS);

	if (!digits || digits > 9)
		return NULL;
	*first = *last = strtoul(text, NULL, 10);
	text += digits;
	if (*text != '-')
		return text;
	digits = strspn(++text, DIGITS);
	if (!digits || digits > 9)
		return NULL;
	*last = strtoul(text, NULL, 10);
	return text + digits;
}

bool take_cpus(struct reader *r, const char *key, unsigned int nr, struct cpumask *cpus)
{
	const char *word, *text;
	u64 first, last;

	if (!take_word(r, key, &word))
		return false;
	memset(cpus, 0, sizeof(*cpus));
	for (text = word; ; text++) {
		text = parse_span(text, &first, &last);
		if (!text || (*text && *text != ',') || first > last)
			return bad(r, "%s \"" QUOTE "\" is not a list like 0-3,8 of pCPUs", key,
				   word);
		if (last >= nr)
			return bad(r, "%s " QUOTE ": there are pCPUs 0 to %u only", key, word,
				   nr - 1);
		for (; first <= last; first++)
			cpumask_set_cpu(first, cpus);
		if (!*text)
			return true;
	}
}

bool take_dist(struct reader *r, const char *key, u64 least, bool forever, struct dist *dist)
{
	const char *word = peek(r);

	if (word && !strcmp(word, "forever") && forever) {
		take(r);
		dist->kind = DIST_FOREVER;
		return true;
	}
	if (word && !strcmp(word, "exp")) {
		take(r);
		dist->kind = DIST_EXP;
		return take_time(r, key, max_t(u64, least, 1), WL_MAX_NS, false, &dist->a);
	}
	if (word && !strcmp(word, "uniform")) {
		take(r);
		dist->kind = DIST_UNIFORM;
		if (!take_time(r, key, least, WL_MAX_NS, false, &dist->a) ||
		    !take_time(r, key, least, WL_MAX_NS, false, &dist->b))
			return false;
		return dist->a <= dist->b ||
		       bad(r, "%s uniform: %s is more than %s: write the shorter time first", key,
			   time_text(dist->a), time_text(dist->b));
	}
	dist->kind = DIST_CONSTANT;
	return take_time(r, key, least, WL_MAX_NS, false, &dist->a);
}

bool take_name(struct reader *r, const char *key, size_t max, char *name)
{
	const char *word = take(r);

	if (!word)
		return bad(r, "%s needs a name", key);
	if (strlen(word) > max)
		return bad(r, "%s \"" QUOTE "\" is longer than %zu characters", key, word, max);
	if (word[strspn(word, DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-")])
		return bad(r, "%s \"" QUOTE "\": letters, digits, '.', '_' and '-' only", key,
			   word);
	memcpy(name, word, strlen(word) + 1);
	return true;
}
