// SPDX-License-Identifier: GPL-2.0
/*
 * An operator at the consoles of some VMs; see operator.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "operator.h"

#define POLL_MS		5

/* --- What was typed --- */

static unsigned int owner_of(const struct operator *o, unsigned int change)
{
	return change % o->vms;
}

/* Count the lines about owners */
static void look(struct operator *o)
{
	static const char line[] = CONSOLE_SAYS "console of ";
	struct console *c = &o->console;
	char *at;

	while ((at = memmem(c->text + o->looked, c->len - o->looked, line,
			    strlen(line))) && strstr(at + 2, "\r\n")) {
		o->looked = at + 2 - c->text;
		o->shown++;
	}
}

static bool type_line(struct operator *o)
{
	char text[16];

	if (o->lines == OPERATOR_LINES)
		return false;
	/* As late as can be: what has been printed by now has been seen */
	while (console_read(&o->console, 0)) {
		size_t before = o->looked;

		look(o);
		if (o->looked == before)
			break;
	}
	/* The first one that was shown is change 0 */
	o->typed[o->lines] = (struct operator_typed) { o->shown - 1, o->asked };
	snprintf(text, sizeof(text), "%u\n", ++o->lines);
	return console_type(&o->console, text);
}

bool operator_begin(struct operator *o, struct genl *g, const char *words)
{
	char line[64];

	snprintf(line, sizeof(line), "console of %s", o->names[0]);
	if (console_give(g, o->ids[0]) ||
	    console_start(&o->console, words, false) ||
	    !console_expect(&o->console, line) ||
	    !console_expect(&o->console, "\r\n"))
		return false;
	look(o);
	return o->shown == 1;
}

bool operator_work(struct operator *o, uint64_t end_ns, unsigned int ms)
{
	do {
		uint64_t now = clock_ns();

		if (now >= o->next_ns) {
			if (!type_line(o))
				return false;
			o->next_ns = now + ms * NSEC_PER_MSEC;
		}
		if (!console_read(&o->console, POLL_MS))
			return false;
		look(o);
	} while (clock_ns() < end_ns);
	return true;
}

int operator_give(struct operator *o, struct genl *g)
{
	o->asked++;
	return console_give(g, o->ids[owner_of(o, o->asked)]);
}

int operator_end(struct operator *o)
{
	int ret;

	kill(o->console.pid, SIGTERM);
	ret = console_wait(&o->console);
	look(o);
	return ret;
}

/* --- What was printed --- */

/* Append what is one VM's in the text between two lines of vmschedctl */
static int append(struct operator_printed *p, const char *text, size_t len)
{
	char *more = realloc(p->text, p->len + len + 1);

	if (!more)
		return -ENOMEM;
	p->text = more;
	memcpy(more + p->len, text, len);
	p->len += len;
	more[p->len] = '\0';
	return 0;
}

/* The line is @before, the name of VM @i or what begins with it, and @after */
static bool is_about(const struct operator *o, unsigned int i, const char *line,
		     size_t len, const char *before, const char *after)
{
	char begin[64], end[64];

	snprintf(begin, sizeof(begin), "%s%s", before, o->names[i]);
	snprintf(end, sizeof(end), " (VM %llu)%s", (unsigned long long)o->ids[i],
		 after);
	return len >= strlen(begin) + strlen(end) &&
	       !memcmp(line, begin, strlen(begin)) &&
	       !memcmp(line + len - strlen(end), end, strlen(end));
}

/* Whose is what follows this line of vmschedctl? -1: nobody's, -2: not known */
static int whose(const struct operator *o, const char *line, size_t len)
{
	unsigned int i;

	for (i = 0; i < o->vms; i++)
		if (is_about(o, i, line, len, "console of ", "") ||
		    is_about(o, i, line, len, "meanwhile ", " has printed:"))
			return i;
	return (len >= 9 && !memcmp(line, "connected", 9)) ||
	       (len == 8 && !memcmp(line, "detached", 8)) ? -1 : -2;
}

/* Sort all that was printed by VMs; false if something is nobody's */
static bool sort(struct operator *o)
{
	const char *at = o->console.text, *end = at + o->console.len;
	int who = -1;

	while (at < end) {
		const char *line = memmem(at, end - at, CONSOLE_SAYS,
					  strlen(CONSOLE_SAYS)) ?: end;
		const char *eol;

		if (who < 0 ? line != at :
			      append(&o->printed[who], at, line - at)) {
			printf("# printed by nobody: '%.*s'\n", (int)(line - at), at);
			return false;
		}
		if (line == end)
			break;
		line += strlen(CONSOLE_SAYS);
		eol = memmem(line, end - line, "\r\n", 2);
		who = eol ? whose(o, line, eol - line) : -2;
		if (who == -2) {
			printf("# not known: '%.*s'\n",
			       eol ? (int)(eol - line) : 40, line);
			return false;
		}
		at = eol + 2;
	}
	return true;
}

/* One line of its own must follow the last one */
static bool take_own(struct operator_printed *p, const char *name, uint64_t number)
{
	if (p->last && number != p->last + 1) {
		printf("# %s: own line %ju after %ju\n", name, (uintmax_t)number,
		       (uintmax_t)p->last);
		return false;
	}
	p->last = number;
	p->own++;
	return true;
}

/* One line, without its end, as VM @i must have printed it after the last */
static bool take_line(struct operator *o, unsigned int i, const char *line,
		      unsigned int *last)
{
	struct operator_printed *p = &o->printed[i];
	size_t n = strlen(o->names[i]);
	unsigned long long number;
	char *end = NULL;

	number = strlen(line) > n ? strtoull(line + n + 1, &end, 10) : 0;
	if (!number || strncmp(line, o->names[i], n) || *end) {
		printf("# %s printed '%s'\n", o->names[i], line);
		return false;
	}
	if (line[n] == '=')
		return take_own(p, o->names[i], number);
	if (line[n] != ':' || number > o->lines || o->sender[number] ||
	    number <= *last) {
		printf("# %s sent back '%s' after %u, which %u had sent\n",
		       o->names[i], line, *last,
		       number <= o->lines ? o->sender[number] : 0);
		return false;
	}
	*last = number;
	o->sender[number] = i + 1;
	p->back++;
	return true;
}

/*
 * All lines of VM @i. It may have begun to print before anybody was connected, and
 * may be in the middle of a line at the end: that is left out.
 */
static bool take_lines(struct operator *o, unsigned int i)
{
	struct operator_printed *p = &o->printed[i];
	char *line = p->text ?: "";
	unsigned int last = 0;
	char *end;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (line == p->text &&
		    strncmp(line, o->names[i], strlen(o->names[i])))
			continue;
		if (!take_line(o, i, line, &last))
			return false;
	}
	return true;
}

/* Each line came back, from the VM that was shown when it was typed */
static bool all_came_back(struct operator *o)
{
	unsigned int n, change = 0;

	for (n = 0; n < o->lines; n++) {
		const struct operator_typed *t = &o->typed[n];

		o->exact += t->after == t->before;
		if (!o->sender[n + 1]) {
			printf("# line %u is lost; it was typed for %u to %u\n",
			       n + 1, t->after, t->before);
			return false;
		}
		/* Never back to one before that of the last line */
		if (change < t->after)
			change = t->after;
		while (owner_of(o, change) != o->sender[n + 1] - 1u)
			change++;
		if (change > t->before) {
			printf("# line %u was at VM %u, and typed for changes %u to %u\n",
			       n + 1, o->sender[n + 1] - 1, t->after, t->before);
			return false;
		}
	}
	return true;
}

bool operator_judge(struct operator *o)
{
	unsigned int i;

	if (!sort(o))
		return false;
	for (i = 0; i < o->vms; i++)
		if (!take_lines(o, i))
			return false;
	return all_came_back(o);
}

void operator_free(struct operator *o)
{
	unsigned int i;

	for (i = 0; i < o->vms; i++)
		free(o->printed[i].text);
	console_free(&o->console);
}
