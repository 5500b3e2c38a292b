// SPDX-License-Identifier: GPL-2.0
/*
 * Names come from the command lines of other processes, so they may hold
 * anything: control sequences for the terminal, bytes that no JSON parser
 * takes, marks that turn the direction of writing. All that is shown as \xHH.
 * The result does not depend on the locale, as it is also compared and parsed.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static bool is_printable(unsigned int c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	if (c == 0x200e || c == 0x200f || c == 0x2028 || c == 0x2029)
		return false;
	if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return false;
	return c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
}

/* Length of the printable character at @s, 0 if there is none. */
static size_t character(const unsigned char *s, size_t len)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int c = s[0];
	size_t n, i;

	if (c < 0x80)
		return is_printable(c);
	n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || n > len)
		return 0;
	c &= 0x7f >> n;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c >= least[n] && is_printable(c) ? n : 0;
}

char *text_escape(const char *raw, size_t len)
{
	size_t end = strnlen(raw, len);
	char *text = malloc(4 * end + 1);
	char *out = text;
	size_t i, n;

	if (!text)
		return NULL;
	for (i = 0; i < end; i += n ?: 1) {
		n = character((const unsigned char *)raw + i, end - i);
		if (!n)
			out += sprintf(out, "\\x%02x", (unsigned char)raw[i]);
		memcpy(out, raw + i, n);
		out += n;
	}
	*out = '\0';
	return text;
}
