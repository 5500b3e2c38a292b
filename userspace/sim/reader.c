// SPDX-License-Identifier: GPL-2.0
/*
 * Statements of a workload file: a line, and those after it that begin with a blank.
 * What follows # is a comment, in which anything may stand that is text.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

static bool vbad(struct reader *r, unsigned int line, const char *fmt, va_list args)
{
	size_t used;

	if (line)
		used = snprintf(r->why, r->why_size, "%s:%u: ", r->name, line);
	else
		used = snprintf(r->why, r->why_size, "%s: ", r->name);
	if (used < r->why_size)
		vsnprintf(r->why + used, r->why_size - used, fmt, args);
	return false;
}

bool bad_line(struct reader *r, unsigned int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vbad(r, line, fmt, args);
	va_end(args);
	return false;
}

bool bad(struct reader *r, const char *fmt, ...)
{
	unsigned int line = r->line_nr;
	va_list args;

	if (r->nr_words)
		line = r->words[r->at ? r->at - 1 : 0].line;
	va_start(args, fmt);
	vbad(r, line, fmt, args);
	va_end(args);
	return false;
}

static void drop_words(struct reader *r)
{
	while (r->nr_words)
		free(r->words[--r->nr_words].text);
	r->at = 0;
}

void reader_free(struct reader *r)
{
	drop_words(r);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Cut the comment off, and see that there is nothing but text. */
static bool clean(struct reader *r, size_t length)
{
	char *hash = memchr(r->line, '#', length);
	size_t i, end = hash ? (size_t)(hash - r->line) : length;

	if (memchr(r->line, '\0', length))
		return bad_line(r, r->line_nr, "there is a NUL byte: this is no text file");
	for (i = 0; i < end; i++) {
		unsigned char c = r->line[i];

		if (!is_blank(c) && (c < ' ' || c >= 0x7f))
			return bad_line(r, r->line_nr,
					"byte 0x%02x: only ASCII may stand outside of comments", c);
	}
	r->line[end] = '\0';
	return true;
}

/* Returns the bytes of the next line, of one that is too long more than MAX_LINE. */
static size_t read_line(struct reader *r)
{
	size_t length = 0;
	int c = 0;

	while (length <= MAX_LINE && c != '\n') {
		c = getc(r->file);
		if (c == EOF)
			break;
		r->line[length++] = c;
	}
	r->line[length] = '\0';
	return length;
}

static bool check_line(struct reader *r, size_t length)
{
	if (length > MAX_LINE)
		return bad_line(r, r->line_nr,
				"line of more than %d bytes: go on in one that begins with a blank",
				MAX_LINE);
	if (r->max_lines && r->line_nr > r->max_lines)
		return bad_line(r, r->line_nr, "more than %u lines", r->max_lines);
	if (!r->max_lines && r->line_nr > MAX_LINES)
		return bad_line(r, r->line_nr, "more than %d lines: use copies", MAX_LINES);
	return clean(r, length);
}

/* Read lines until one has words. It stays in r->line until it is used up. */
static bool read_ahead(struct reader *r)
{
	size_t length;

	r->begun = true;
	do {
		length = read_line(r);
		if (ferror(r->file))
			return bad_line(r, 0, "cannot be read: %s", strerror(errno));
		if (!length) {
			r->ended = true;
			return true;
		}
		r->line_nr++;
		if (!check_line(r, length))
			return false;
	} while (!r->line[strspn(r->line, " \t\r\n")]);
	return true;
}

static bool split(struct reader *r)
{
	char *rest, *text;

	for (text = strtok_r(r->line, " \t\r\n", &rest); text;
	     text = strtok_r(NULL, " \t\r\n", &rest)) {
		struct word *word = &r->words[r->nr_words];

		if (r->nr_words == MAX_WORDS)
			return bad_line(r, r->line_nr, "more than %d words in a statement",
					MAX_WORDS);
		word->line = r->line_nr;
		word->text = strdup(text);
		if (!word->text)
			return bad_line(r, r->line_nr, "out of memory");
		r->nr_words++;
	}
	return read_ahead(r);
}

bool reader_statement(struct reader *r)
{
	drop_words(r);
	if (!r->begun && !read_ahead(r))
		return false;
	if (r->ended)
		return true;
	if (is_blank(*r->line))
		return bad_line(r, r->line_nr,
				"this line goes on with a statement, but there is none before it");
	if (!split(r))
		return false;
	while (!r->ended && is_blank(*r->line))
		if (!split(r))
			return false;
	return true;
}

const char *peek(const struct reader *r)
{
	return r->at < r->nr_words ? r->words[r->at].text : NULL;
}

const char *take(struct reader *r)
{
	return r->at < r->nr_words ? r->words[r->at++].text : NULL;
}
