// SPDX-License-Identifier: GPL-2.0
/*
 * An operator at the consoles of two Linux guests under stock QEMU, through
 * vmschedctl console attach, while the console changes hands and schedulers
 * change. Bytes stream both ways: the test types numbered lines, which each guest
 * sends back with its name (selftests/guest/job_echo.c), and each guest prints
 * numbered lines of its own. Nothing may be lost, doubled or at the wrong VM.
 */
#include <pthread.h>
#include <signal.h>

#include "lib/console.h"
#include "lib/fixture.h"
#include "lib/qemu.h"
#include "lib/storm.h"

#define GUESTS		2
#define LIMIT		1500
/* As many as the change is to be tried with; VMSCHED_STORM does more */
#define CHANGES		200
#define SWITCHES	50
#define CHANGE_MS	90
/* What an emulated serial port and its guest can take, with time to spare */
#define TYPE_MS		15
#define SETTLE_MS	90000
#define LONGEST_MS	1000
#define MAX_LINES	100000

static const char * const names[GUESTS] = { "alpha", "beta" };

static struct qemu guests[GUESTS];
static uint64_t ids[GUESTS];

static void kill_guests(void)
{
	unsigned int i;

	for (i = 0; i < GUESTS; i++)
		qemu_kill(&guests[i]);
}

static int start_guest(unsigned int i)
{
	char options[64];
	int ret;

	snprintf(options, sizeof(options), "--console /tmp/vmsched-%s.console",
		 names[i]);
	ret = qemu_start(&guests[i], names[i], "echo", options);
	if (!ret && !vm_listed(guests[i].pid, true, HANG_LIMIT_MS))
		ret = -ENOENT;
	return ret ?: vm_id(guests[i].pid, &ids[i]);
}

/* --- What was typed --- */

/*
 * Changes of the owner are numbered, and those that were shown as well. A line
 * that was typed when change @after had been seen and change @before had been asked
 * for belongs to one of those in between, mostly to the only one.
 */
struct typed {
	unsigned int after;
	unsigned int before;
};

struct operator {
	struct console console;
	struct typed typed[MAX_LINES];
	unsigned int lines;
	unsigned int asked;	/* changes asked for */
	unsigned int shown;	/* owners that were shown */
	size_t looked;		/* up to here in what was printed */
};

static unsigned int owner_of(unsigned int change)
{
	return change % GUESTS;
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

	if (o->lines == MAX_LINES)
		return false;
	/* As late as can be: what has been printed by now has been seen */
	while (console_read(&o->console, 0)) {
		size_t before = o->looked;

		look(o);
		if (o->looked == before)
			break;
	}
	/* The first one that was shown is change 0 */
	o->typed[o->lines] = (struct typed) { o->shown - 1, o->asked };
	snprintf(text, sizeof(text), "%u\n", ++o->lines);
	return console_type(&o->console, text);
}

/* --- What was printed --- */

struct printed {
	char *text;
	size_t len;
	uint64_t ticks;		/* number of the last line of its own */
	unsigned int own;	/* such lines */
};

/* Append what is one guest's in the text between two lines of vmschedctl */
static int append(struct printed *p, const char *text, size_t len)
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

/* Whose is what follows this line of vmschedctl? -1: nobody's, -2: not known */
static int whose(const char *line, size_t len)
{
	unsigned int i;
	char own[64], past[64];

	for (i = 0; i < GUESTS; i++) {
		snprintf(own, sizeof(own), "console of %s (VM %llu)", names[i],
			 (unsigned long long)ids[i]);
		snprintf(past, sizeof(past), "meanwhile %s (VM %llu) has printed:",
			 names[i], (unsigned long long)ids[i]);
		if ((len == strlen(own) && !memcmp(line, own, len)) ||
		    (len == strlen(past) && !memcmp(line, past, len)))
			return i;
	}
	return (len >= 9 && !memcmp(line, "connected", 9)) ||
	       (len == 8 && !memcmp(line, "detached", 8)) ? -1 : -2;
}

/* Sort all that was printed by guests; false if something is nobody's */
static bool sort(const struct console *c, struct printed p[GUESTS])
{
	const char *at = c->text, *end = c->text + c->len;
	int who = -1;

	while (at < end) {
		const char *line = memmem(at, end - at, CONSOLE_SAYS,
					  strlen(CONSOLE_SAYS)) ?: end;
		const char *eol;

		if (who < 0 ? line != at : append(&p[who], at, line - at)) {
			printf("# printed by nobody: '%.*s'\n", (int)(line - at), at);
			return false;
		}
		if (line == end)
			break;
		line += strlen(CONSOLE_SAYS);
		eol = memmem(line, end - line, "\r\n", 2);
		who = eol ? whose(line, eol - line) : -2;
		if (who == -2) {
			printf("# not known: '%.*s'\n",
			       eol ? (int)(eol - line) : 40, line);
			return false;
		}
		at = eol + 2;
	}
	return true;
}

/* Who sent line @n back: 1 + number of the guest; 0 nobody yet */
static unsigned char sender[MAX_LINES + 1];

/* One line, without its end, as guest @i must have printed it after the last */
static bool take_line(struct operator *o, unsigned int i, struct printed *p,
		      const char *line, unsigned int *last)
{
	size_t n = strlen(names[i]);
	char *end;
	unsigned long long number = strtoull(line + n + 1, &end, 10);

	if (strncmp(line, names[i], n) || *end || !number) {
		printf("# %s printed '%s'\n", names[i], line);
		return false;
	}
	if (line[n] == '=') {
		if (p->ticks && number != p->ticks + 1) {
			printf("# %s: own line %llu after %llu\n", names[i],
			       number, (unsigned long long)p->ticks);
			return false;
		}
		p->ticks = number;
		p->own++;
		return true;
	}
	if (line[n] != ':' || number > o->lines || sender[number] ||
	    number <= *last) {
		printf("# %s sent back '%s' after %u, which %u had sent\n",
		       names[i], line, *last,
		       number <= o->lines ? sender[number] : 0);
		return false;
	}
	*last = number;
	sender[number] = i + 1;
	return true;
}

/*
 * All lines of guest @i. It had begun to print before anybody was connected, and
 * may be in the middle of a line at the end: that is left out.
 */
static bool take_lines(struct operator *o, unsigned int i, struct printed *p)
{
	char *line = p->text ?: "";
	unsigned int last = 0;
	char *end;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (line == p->text && strncmp(line, names[i], strlen(names[i])))
			continue;
		if (!take_line(o, i, p, line, &last))
			return false;
	}
	return true;
}

/* Each line came back, from the guest that was shown when it was typed */
static bool judge(struct operator *o, unsigned int *exact)
{
	unsigned int n, change = 0;

	*exact = 0;
	for (n = 0; n < o->lines; n++) {
		const struct typed *t = &o->typed[n];

		*exact += t->after == t->before;
		if (!sender[n + 1]) {
			printf("# line %u is lost; it was typed for %u to %u\n",
			       n + 1, t->after, t->before);
			return false;
		}
		/* Never back to one before that of the last line */
		if (change < t->after)
			change = t->after;
		while (owner_of(change) != sender[n + 1] - 1u)
			change++;
		if (change > t->before) {
			printf("# line %u was at guest %u, and typed for changes %u to %u\n",
			       n + 1, sender[n + 1] - 1, t->after, t->before);
			return false;
		}
	}
	return true;
}

/* --- Switches, meanwhile --- */

struct switcher {
	pthread_t thread;
	unsigned int wanted;
	unsigned int done;
	unsigned int given_up;
	bool over;
	uint64_t longest_ns;
	int error;
};

static void take_answer(const struct nlmsghdr *msg, void *arg)
{
	uint64_t ns = genl_u64(genl_attr(msg, VMSCHED_A_SWITCH_CONSOLE_NS));
	struct switcher *s = arg;

	if (ns > s->longest_ns)
		s->longest_ns = ns;
	/* Nobody asked the operator's program */
	if (!ns)
		s->error = -EPROTO;
}

static int switch_once(struct genl *g, struct switcher *s, unsigned int i)
{
	static const char * const to[] = { "rr", "bvt", "native" };
	struct genl_ack a;
	struct genl_msg m;

	genl_begin(g, &m, VMSCHED_CMD_SCHED_SWITCH, 0);
	genl_put_text(&m, VMSCHED_A_SWITCH_TO, to[i % ARRAY_SIZE(to)]);
	genl_put_u32(&m, VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT,
		     VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP);
	genl_put_u32(&m, VMSCHED_A_SWITCH_CONSOLE_TIMEOUT_MS, LONGEST_MS);
	return genl_call(g, &m, &a, take_answer, s) ?: a.error;
}

static void *switch_all(void *arg)
{
	struct switcher *s = arg;
	unsigned int i = 0;
	struct genl g;

	s->error = genl_open(&g);
	while (!s->error && s->done < s->wanted && s->given_up < s->wanted) {
		int ret = switch_once(&g, s, i++);

		if (ret == -ETIMEDOUT)
			s->given_up++;
		else if (ret)
			s->error = ret;
		else
			s->done++;
		clock_sleep_ms(CHANGE_MS * CHANGES / SWITCHES / 2);
	}
	genl_close(&g);
	__atomic_store_n(&s->over, true, __ATOMIC_RELEASE);
	return NULL;
}

/* --- The test --- */

/* Until @end: take what is printed, type a line now and then; false on error */
static bool work(struct operator *o, uint64_t end)
{
	static uint64_t next;

	do {
		uint64_t now = clock_ns();

		if (now >= next) {
			if (!type_line(o))
				return false;
			next = now + TYPE_MS * NSEC_PER_MSEC;
		}
		if (!console_read(&o->console, 5))
			return false;
		look(o);
	} while (clock_ns() < end);
	return true;
}

/* Wait until both guests have sent back all that they were given */
static void settle(struct operator *o)
{
	uint64_t end = clock_ns() + SETTLE_MS * NSEC_PER_MSEC;
	uint64_t last[GUESTS][QEMU_MAX_NUMBERS];

	do {
		console_read(&o->console, 500);
		if (qemu_last(&guests[0], "echo", last[0]) == 2 &&
		    qemu_last(&guests[1], "echo", last[1]) == 2 &&
		    last[0][0] + last[1][0] >= o->lines)
			break;
	} while (clock_ns() < end);
	/* And what they had printed is on its way */
	clock_sleep_ms(500);
	console_read(&o->console, 0);
}

TEST_F_TIMEOUT(vmsched, nothing_is_lost, LIMIT)
{
	unsigned int changes = storm_count(CHANGES, 20 * CHANGES), i, exact;
	struct switcher s = { .wanted = storm_count(SWITCHES, 20 * SWITCHES) };
	struct printed p[GUESTS] = { 0 };
	static struct operator o;
	uint64_t begin;
	struct genl g;
	bool ok = true;

	atexit(kill_guests);
	for (i = 0; i < GUESTS; i++)
		ASSERT_EQ(0, start_guest(i));
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, console_give(&g, ids[0]));
	ASSERT_EQ(0, console_start(&o.console, "", false));
	ASSERT_TRUE(console_expect(&o.console, "console of alpha"));
	look(&o);
	ASSERT_EQ(1, o.shown);

	begin = clock_ns();
	ASSERT_EQ(0, pthread_create(&s.thread, NULL, switch_all, &s));
	while (ok && (o.asked < changes ||
		      !__atomic_load_n(&s.over, __ATOMIC_ACQUIRE))) {
		ok = work(&o, clock_ns() + CHANGE_MS * NSEC_PER_MSEC);
		o.asked++;
		ASSERT_EQ(0, console_give(&g, ids[owner_of(o.asked)]));
	}
	EXPECT_TRUE(ok && work(&o, clock_ns() + CHANGE_MS * NSEC_PER_MSEC));
	pthread_join(s.thread, NULL);
	metric("streamed", (clock_ns() - begin) / 1e9, "s");
	EXPECT_EQ(0, s.error);
	EXPECT_EQ(s.wanted, s.done);
	settle(&o);
	kill(o.console.pid, SIGTERM);
	EXPECT_EQ(0, console_wait(&o.console));
	look(&o);
	metric("owner_changes", o.asked, "");
	metric("scheduler_switches", s.done, "");
	metric("switches_given_up", s.given_up, "");
	metric("longest_wait_for_console", s.longest_ns / 1e6, "ms");
	metric("lines_typed", o.lines, "");

	EXPECT_EQ(o.asked + 1, o.shown);
	ASSERT_TRUE(sort(&o.console, p));
	for (i = 0; i < GUESTS; i++) {
		EXPECT_TRUE(take_lines(&o, i, &p[i]));
		metric("bytes_printed", p[i].len, "");
		metric("lines_of_its_own", p[i].own, "");
		EXPECT_GT(p[i].own, 20);
	}
	EXPECT_TRUE(judge(&o, &exact));
	metric("lines_with_one_possible_owner", exact, "");
	EXPECT_GT(exact, o.lines / 2);
	/* The late one is this machine, and now and then at most */
	EXPECT_LE(s.given_up, s.wanted / 10);
	kill_guests();
	console_free(&o.console);
	genl_close(&g);
}

TEST_HARNESS_MAIN
