// SPDX-License-Identifier: GPL-2.0
/*
 * Requests, answers, and what may be wrong with them; see fuzz_worker.h.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz_worker.h"
#include "unpriv.h"

#define MAX_COMPLAINTS	4
/* Longer ones are not for a corpus */
#define MAX_TOLD	256

static const char * const role_names[JUDGE_ROLES] = {
	[JUDGE_ROOT] = "root",
	[JUDGE_USER] = "user",
	[JUDGE_NETNS] = "netns",
};

void fuzz_rename_family(struct fuzz_msg *m, uint16_t from, uint16_t to)
{
	struct nlmsghdr *msg = &m->hdr;
	size_t left = m->len;

	while (left >= NLMSG_HDRLEN) {
		size_t step = NLMSG_ALIGN(msg->nlmsg_len);

		if (msg->nlmsg_type == from)
			msg->nlmsg_type = to;
		if (step < NLMSG_HDRLEN || step > left)
			return;
		msg = (struct nlmsghdr *)((uint8_t *)msg + step);
		left -= step;
	}
}

/* As a line of the corpus */
static void print_message(const struct fuzz_worker *w)
{
	struct fuzz_msg m = { .len = w->msg.len };
	size_t i;

	memcpy(m.buf, w->msg.buf, m.len);
	fuzz_rename_family(&m, w->common->family, FUZZ_CORPUS_FAMILY);
	printf("%s ", role_names[w->role]);
	for (i = 0; i < m.len; i++)
		printf("%02x", m.buf[i]);
	printf("\n");
	fflush(stdout);
}

static void complain(struct fuzz_worker *w, const char *what,
		     const struct fuzz_asked *a)
{
	if (w->count->complaints++ >= MAX_COMPLAINTS)
		return;
	printf("# %s: %s", role_names[w->role], what);
	if (a)
		printf(" (%s %s, judged %d/%d: error %d '%s', %u replies)",
		       a->j.op ? doc_command_name(a->j.op->cmd) : "no command",
		       a->j.dump ? "dump" : "do", a->j.kind, a->j.error,
		       a->error, a->text, a->replies);
	printf("\n# ");
	print_message(w);
}

static struct fuzz_asked *find_asked(struct fuzz_worker *w, uint32_t seq)
{
	unsigned int i;

	for (i = 0; i < w->n; i++) {
		if (w->asked[i].j.seq == seq && !w->asked[i].ended)
			return &w->asked[i];
	}
	return NULL;
}

/* What a socket is told once it has made itself a console agent */
static bool is_for_agents(const struct fuzz_worker *w, const struct nlmsghdr *msg)
{
	return msg->nlmsg_type == w->common->family && !msg->nlmsg_seq &&
	       (genl_cmd(msg) == VMSCHED_CMD_CONSOLE_CEASE_NTF ||
		genl_cmd(msg) == VMSCHED_CMD_CONSOLE_RESUME_NTF);
}

/* Take an answer, for the request that it belongs to */
static void take_answer(struct fuzz_worker *w, const struct nlmsghdr *msg)
{
	struct fuzz_asked *a = find_asked(w, msg->nlmsg_seq);
	struct genl_ack ack = { .text = "" };

	if (!a) {
		w->stray += !is_for_agents(w, msg);
		return;
	}
	a->ended = genl_take(msg, &ack, NULL, NULL);
	a->replies += ack.messages;
	if (a->ended) {
		a->error = ack.error;
		snprintf(a->text, sizeof(a->text), "%s", ack.text);
	}
}

/* Linux has answered when send() returns, but for the rest of lists */
static int take_answers(struct fuzz_worker *w)
{
	for (;;) {
		ssize_t n = recv(w->g.fd, w->answer, sizeof(w->answer),
				 MSG_DONTWAIT);
		const struct nlmsghdr *msg = (struct nlmsghdr *)w->answer;
		size_t left = n;

		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		for (; NLMSG_OK(msg, left); msg = NLMSG_NEXT(msg, left))
			take_answer(w, msg);
	}
}

/* Number of requests that are judged to be in the message */
static void judge_all(struct fuzz_worker *w)
{
	size_t at = 0, step;

	w->n = 0;
	w->stray = 0;
	while (w->n < FUZZ_BATCH) {
		struct fuzz_asked *a = &w->asked[w->n];
		const struct nlmsghdr *msg;

		memset(a, 0, sizeof(*a));
		step = judge_message(&w->common->policies, w->common->family,
				     w->role, w->msg.buf + at, w->msg.len - at,
				     &a->j);
		msg = (struct nlmsghdr *)(w->msg.buf + at);
		/* Other families are none of this test's business */
		if (step && msg->nlmsg_type >= NLMSG_MIN_TYPE &&
		    msg->nlmsg_type != w->common->family &&
		    msg->nlmsg_type < FUZZ_NO_FAMILY)
			break;
		/* A header or so that is not looked at may stay */
		if (!step)
			return;
		w->n++;
		at += step;
	}
	w->msg.len = at;
}

static bool allowed(const struct fuzz_worker *w, const struct fuzz_asked *a)
{
	const struct policy_op *op = a->j.op;
	int row = doc_row(&w->common->errors, op->cmd, op->dump);

	return a->error == -ENOMEM ||
	       doc_has_error(&w->common->errors, row, a->error);
}

/* A list that was not read to its end yet keeps the next one away */
static bool list_before(const struct fuzz_worker *w, const struct fuzz_asked *a)
{
	const struct fuzz_asked *b;

	for (b = w->asked; b < a; b++) {
		if (b->j.dump)
			return true;
	}
	return false;
}

static const char *wrong_with(const struct fuzz_worker *w, const struct fuzz_asked *a)
{
	bool busy = a->j.dump && a->error == -EBUSY && list_before(w, a);

	switch (a->j.kind) {
	case JUDGE_SILENT:
		return "answer to no message";
	case JUDGE_IGNORED:
		return a->replies || a->error || a->ended != a->j.ack ?
		       "what is not for the kernel was looked at" : NULL;
	case JUDGE_REFUSED:
		if (!a->ended || a->error != a->j.error || a->replies)
			return "was not refused as Linux does";
		return !a->j.text || a->text[0] ? NULL : "Linux gave no text";
	case JUDGE_BAD_ATTR:
		if (busy)
			return NULL;
		if (!a->ended || a->replies ||
		    (a->error != -EINVAL && a->error != -ERANGE))
			return "bad attributes were taken";
		return a->text[0] ? NULL : "no text for bad attributes";
	case JUDGE_WELL:
		break;
	}
	if (!a->ended && (a->j.dump || a->j.ack))
		return "no answer";
	if (!a->error || busy)
		return NULL;
	if (!allowed(w, a))
		return "error that is not documented";
	return a->text[0] ? NULL : "refused without a text";
}

static uint32_t hash(const char *text)
{
	uint32_t h = 5381;

	/* Numbers in a text make no other one of it */
	for (; *text; text++)
		h = *text >= '0' && *text <= '9' ? h : h * 33 + *text;
	return h;
}

static void note_outcome(struct fuzz_worker *w, const struct fuzz_asked *a)
{
	struct fuzz_count *c = w->count;
	struct fuzz_outcome o;
	unsigned int i;

	memset(&o, 0, sizeof(o));
	o.role = w->role;
	o.cmd = a->j.op ? a->j.op->cmd : 0;
	o.dump = a->j.dump;
	o.error = a->error;
	o.text = hash(a->text);
	for (i = 0; i < c->outcomes; i++) {
		if (!memcmp(&c->outcome[i], &o, sizeof(o)))
			return;
	}
	if (c->outcomes >= FUZZ_OUTCOMES)
		return;
	c->outcome[c->outcomes++] = o;
	if (w->tells && w->msg.len <= MAX_TOLD) {
		printf("# %s, error %d '%s':\n# new: ",
		       doc_command_name(o.cmd), o.error, a->text);
		print_message(w);
	}
}

int fuzz_exchange(struct fuzz_worker *w)
{
	unsigned int i;
	int ret;

	judge_all(w);
	if (!w->msg.len)
		return 0;
	if (send(w->g.fd, w->msg.buf, w->msg.len, 0) != (ssize_t)w->msg.len) {
		complain(w, "send() failed", NULL);
		return -EIO;
	}
	ret = take_answers(w);
	if (ret) {
		complain(w, "recv() failed", NULL);
		return ret;
	}
	if (w->stray)
		complain(w, "answer to nothing", NULL);
	for (i = 0; i < w->n; i++) {
		const struct fuzz_asked *a = &w->asked[i];
		const char *wrong = wrong_with(w, a);

		if (wrong)
			complain(w, wrong, a);
		w->count->kind[a->j.kind]++;
		w->count->done += a->j.kind == JUDGE_WELL && !a->error;
		w->count->replies += a->replies;
		note_outcome(w, a);
	}
	w->count->messages += w->n ?: 1;
	return 0;
}

void fuzz_spare_witnesses(struct fuzz_worker *w)
{
	const struct fuzz_common *c = w->common;
	size_t at;
	unsigned int i;

	for (at = 0; at + sizeof(uint64_t) <= w->msg.len; at += 4) {
		uint64_t value;

		memcpy(&value, w->msg.buf + at, sizeof(value));
		for (i = 0; i < STORM_WITNESSES; i++) {
			if (value == c->witness[i])
				memcpy(w->msg.buf + at, &c->vm[0],
				       sizeof(value));
		}
	}
}

/* Another message behind those that are in w->msg */
static void add_message(struct fuzz_worker *w, unsigned int index, bool good)
{
	struct fuzz_msg *one = &w->one;
	size_t at = NLMSG_ALIGN(w->msg.len);

	fuzz_request(&w->fuzz, one);
	/* No two of a batch are the same */
	one->hdr.nlmsg_seq = (one->hdr.nlmsg_seq & ~15U) | index;
	if (!good)
		fuzz_break(&w->fuzz, one);
	if (at + one->len > FUZZ_SIZE)
		return;
	memset(w->msg.buf + w->msg.len, 0, at - w->msg.len);
	memcpy(w->msg.buf + at, one->buf, one->len);
	w->msg.len = at + one->len;
}

void fuzz_make(struct fuzz_worker *w)
{
	unsigned int i, n = storm_below(w->fuzz.rng, 2) ? 1 :
			    1 + storm_below(w->fuzz.rng, FUZZ_BATCH);
	bool first_good = storm_below(w->fuzz.rng, 2);

	w->msg.len = 0;
	add_message(w, 0, first_good);
	for (i = 1; i < n; i++)
		add_message(w, i, storm_below(w->fuzz.rng, 2));
	fuzz_spare_witnesses(w);
	judge_all(w);
	/* The test must know itself what is well-formed */
	if (first_good && w->role == JUDGE_ROOT &&
	    (!w->n || w->asked[0].j.kind != JUDGE_WELL))
		complain(w, "generator and judge do not agree", &w->asked[0]);
}

static int become(enum judge_role role)
{
	switch (role) {
	case JUDGE_USER:
		return unpriv_user();
	case JUDGE_NETNS:
		return unpriv_userns_root(CLONE_NEWNET);
	default:
		return 0;
	}
}

int fuzz_prepare(struct fuzz_worker *w, struct fuzz_common *c,
		 struct fuzz_count *count, enum judge_role role,
		 struct storm_rng *rng)
{
	memset(w, 0, sizeof(*w));
	w->common = c;
	w->count = count;
	w->role = role;
	w->tells = getenv("VMSCHED_FUZZ_TELL");
	w->fuzz = (struct fuzz) {
		.rng = rng, .policies = &c->policies, .family = c->family,
		.n_vms = c->n_vms,
	};
	memcpy(w->fuzz.vm, c->vm, sizeof(c->vm));
	return become(role) ?: genl_open_as(&w->g, c->family);
}
