// SPDX-License-Identifier: GPL-2.0
/*
 * Requests at random, by several processes at once, while VMs run: half of them
 * as the policies have it, half of them broken. As root, as an ordinary user,
 * and as one who is root in namespaces of his own.
 *
 * Each answer is compared with what a second opinion (lib/judge.h) and the
 * tables of Documentation/interface.rst allow. What is refused although it is
 * well-formed, or for its attributes, must be explained in a text.
 *
 * VMSCHED_SEED repeats a run. A message that found something is printed as a
 * line of fuzz.corpus; there it is tried for ever after. VMSCHED_FUZZ_TELL=1
 * prints one of each kind of outcome in that form.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/fuzz_worker.h"
#include "lib/pools.h"
#include "lib/storm_fixture.h"

#define CORPUS		"selftests/fuzz.corpus"
#define FEW		60000
#define MANY		1000000
#define DEBUG_FEW	10000
#define LIMIT		90
/* Slices may be a second long, and this much is left for guests: a tenth of a CPU */
#define WORKER_NICE	(-10)
#define STALL_MS	20000
#define STALL_DEBUG_MS	60000

/* Most of what there is to find is behind the rights */
static const enum judge_role roles[FUZZ_WORKERS] = {
	JUDGE_ROOT, JUDGE_ROOT, JUDGE_USER, JUDGE_NETNS,
};

/* What is refused at the door costs little: wait for those who get in */
static bool is_ahead(const struct fuzz_common *c, unsigned int index)
{
	uint64_t mine = __atomic_load_n(&c->count[index].messages,
					__ATOMIC_RELAXED);
	uint64_t root = __atomic_load_n(&c->count[0].messages,
					__ATOMIC_RELAXED);

	return roles[index] != JUDGE_ROOT && mine > root / 2 + 10;
}

static int fuzz_worker(struct storm_worker *sw)
{
	struct fuzz_common *c = sw->data;
	struct fuzz_worker *w = calloc(1, sizeof(*w));
	int ret;

	if (!w)
		return -ENOMEM;
	/* Not the guests: the more messages, the more is found */
	if (setpriority(PRIO_PROCESS, 0, WORKER_NICE))
		return -errno;
	ret = fuzz_prepare(w, c, &c->count[sw->index], roles[sw->index], &sw->rng);
	while (!ret && !storm_stopped(sw)) {
		if (is_ahead(c, sw->index)) {
			clock_sleep_ms(1);
			continue;
		}
		fuzz_make(w);
		ret = fuzz_exchange(w);
		__atomic_store_n(&sw->done, w->count->messages,
				 __ATOMIC_RELAXED);
	}
	return ret;
}

static unsigned int from_hex(const char *hex, uint8_t *buf, size_t size)
{
	unsigned int n, byte;

	for (n = 0; n < size && sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		buf[n] = byte;
	return n;
}

/* So many messages at random, as worker @index of a run with that seed */
static int replay_seed(struct fuzz_worker *w, uint64_t seed, unsigned int n,
		       unsigned int index)
{
	int ret = 0;

	storm_seed(w->fuzz.rng, seed + 1 + index);
	while (!ret && n--) {
		fuzz_make(w);
		ret = fuzz_exchange(w);
	}
	return ret;
}

/* A line: "ROLE HEX" or "seed SEED MESSAGES" */
static int replay(struct fuzz_worker *w, const char *line, unsigned int index)
{
	static const char * const roles[] = { "root ", "user ", "netns " };
	const char *role = roles[w->role];
	unsigned long long seed;
	unsigned int n;

	if (sscanf(line, "seed %llu %u", &seed, &n) == 2)
		return replay_seed(w, seed, n, index);
	if (strncmp(line, role, strlen(role)))
		return 0;
	w->msg.len = from_hex(line + strlen(role), w->msg.buf, FUZZ_SIZE);
	fuzz_rename_family(&w->msg, FUZZ_CORPUS_FAMILY, w->common->family);
	fuzz_spare_witnesses(w);
	return fuzz_exchange(w);
}

/* What once found something */
static int corpus_worker(struct storm_worker *sw)
{
	struct fuzz_worker *w = calloc(1, sizeof(*w));
	struct fuzz_common *c = sw->data;
	char line[2 * FUZZ_SIZE + 64];
	FILE *f = doc_open(CORPUS);
	int ret = -ENOENT;

	if (w && f)
		ret = fuzz_prepare(w, c, &c->count[sw->index],
				   roles[sw->index], &sw->rng);
	while (!ret && fgets(line, sizeof(line), f)) {
		if (line[0] != '#')
			ret = replay(w, line, sw->index);
	}
	sw->done = ret ? 0 : 1;
	while (!ret && !storm_stopped(sw))
		clock_sleep_ms(10);
	return ret;
}

/* Guests whose parameters may be anything: they need little */
struct targets {
	struct rawvm *vm[FUZZ_MAX_VMS];
	struct attrs before;	/* of all threads there are */
};

static int start_targets(struct targets *t, struct fuzz_common *c)
{
	static const struct rawvm_spec spec[] = {
		{ .name = "tick", .kind = RAWVM_TICK, .nr_vcpus = 2,
		  .period_us = 20000 },
		{ .name = "slow", .kind = RAWVM_TICK, .period_us = 100000,
		  .busy_us = 1000 },
		{ .name = "four", .kind = RAWVM_TICK, .nr_vcpus = 4,
		  .period_us = 50000 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(spec); i++) {
		t->vm[i] = rawvm_spawn(&spec[i]);
		if (!t->vm[i] ||
		    !vm_listed(rawvm_pid(t->vm[i]), true, limit_ms(1000)) ||
		    vm_id(rawvm_pid(t->vm[i]), &c->vm[i]))
			return -ECHILD;
	}
	c->n_vms = i;
	return attrs_read(&t->before, 0);
}

/* Under native each thread has the attributes that it had at first */
static bool targets_are_as_before(struct targets *t, unsigned int n)
{
	unsigned int i, compared, changed;
	struct attrs after;
	bool ok = true;

	if (attrs_read(&after, 0))
		return false;
	changed = attrs_compare(&t->before, &after, &compared);
	for (i = 0; i < n; i++) {
		pid_t tid = rawvm_tid(t->vm[i], 0);

		ok &= attrs_find(&t->before, tid) && attrs_find(&after, tid);
	}
	attrs_free(&t->before);
	attrs_free(&after);
	return ok && compared && !changed;
}

static void end_targets(struct targets *t, struct fuzz_common *c)
{
	while (c->n_vms)
		rawvm_kill(t->vm[--c->n_vms]);
}

/* Others are given any weight: with a hundredth of theirs it would be a long wait */
static bool favour_witnesses(const struct storm *s)
{
	unsigned int i;

	for (i = 0; i < STORM_WITNESSES; i++)
		if (cli_do("vm set pid:%d weight 10000",
			   rawvm_pid(s->witness[i])))
			return false;
	return true;
}

static struct fuzz_common *common_new(struct storm *s)
{
	struct fuzz_common *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int i;
	struct genl g;
	int ret;

	if (c == MAP_FAILED || genl_open(&g))
		return NULL;
	c->family = g.family;
	ret = policies_read(&g, &c->policies) ?:
	      doc_table("errors", &c->errors);
	for (i = 0; !ret && i < STORM_WITNESSES; i++)
		ret = vm_id(rawvm_pid(s->witness[i]), &c->witness[i]);
	genl_close(&g);
	/* Linux tells of attributes of a bad length and of left-over bytes */
	s->expected = "netlink: ";
	s->stall_ms = kernel_is_debug() ? STALL_DEBUG_MS : STALL_MS;
	return ret || !favour_witnesses(s) ? NULL : c;
}

/* Whatever was set: the guests go on, under rr and as they were at first */
static bool targets_go_on(struct targets *t, unsigned int n)
{
	static const char all[] =
		"pool default affinity all weight 100 cap 0 reservation 0 slice 0 warp 0";
	static const char * const scheds[] = { "rr", "bvt", "native" };
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		if (cli_do("vm set pid:%d %s", rawvm_pid(t->vm[i]), all))
			return false;
	}
	if (!pools_forget())
		return false;
	for (j = 0; j < ARRAY_SIZE(scheds); j++) {
		if (sched_switch(scheds[j], NULL))
			return false;
		for (i = 0; i < n; i++) {
			if (rawvm_broken(t->vm[i]) ||
			    !rawvm_advances(t->vm[i], HANG_LIMIT_MS))
				return false;
		}
	}
	return true;
}

/* Add up, print, and return the number of complaints */
static uint64_t summary(const struct fuzz_common *c, struct fuzz_count *sum)
{
	unsigned int i, j;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < FUZZ_WORKERS; i++) {
		sum->messages += c->count[i].messages;
		sum->done += c->count[i].done;
		sum->replies += c->count[i].replies;
		sum->complaints += c->count[i].complaints;
		sum->outcomes += c->count[i].outcomes;
		for (j = 0; j <= JUDGE_WELL; j++)
			sum->kind[j] += c->count[i].kind[j];
	}
	metric("well_formed", sum->kind[JUDGE_WELL], "");
	metric("well_formed_and_done", sum->done, "");
	metric("bad_attributes", sum->kind[JUDGE_BAD_ATTR], "");
	metric("refused_by_linux", sum->kind[JUDGE_REFUSED], "");
	metric("replies", sum->replies, "");
	metric("kinds_of_outcome", sum->outcomes, "");
	return sum->complaints;
}

/* What Linux tells of policies is there for each command, at once or alone */
TEST_STORM(policies_are_told, LIMIT)
{
	struct policies *all = calloc(2, sizeof(*all)), *one = all + 1;
	struct doc_table errors;
	struct genl g;
	unsigned int i;

	ASSERT_NE(NULL, all);
	ASSERT_EQ(0, doc_table("errors", &errors));
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, policies_read(&g, all));
	ASSERT_EQ(errors.rows, all->n_ops);
	for (i = 0; i < all->n_ops; i++) {
		const struct policy_op *op = &all->op[i], *alone;

		EXPECT_LE(0, doc_row(&errors, op->cmd, op->dump)) {
			TH_LOG("command %u is not documented", op->cmd);
		}
		ASSERT_EQ(0, policies_read_one(&g, op->cmd, one));
		alone = policy_op(one, op->cmd, op->dump);
		ASSERT_NE(NULL, alone);
		EXPECT_EQ(0, policy_differs(all, op->policy,
					    one, alone->policy)) {
			TH_LOG("policies of command %u differ", op->cmd);
		}
	}
	genl_close(&g);
	free(all);
}

TEST_STORM(corpus, LIMIT)
{
	struct storm *s = &self->storm;
	struct targets t;
	struct fuzz_common *c = common_new(s);
	struct fuzz_count sum;

	ASSERT_NE(NULL, c);
	ASSERT_EQ(0, start_targets(&t, c));
	ASSERT_EQ(0, storm_start(s, FUZZ_WORKERS, corpus_worker, c));
	EXPECT_TRUE(storm_wait_work(s, FUZZ_WORKERS, patience(60)));
	EXPECT_EQ(0, storm_stop(s));
	EXPECT_EQ(0, summary(c, &sum));
	EXPECT_LT(FUZZ_WORKERS, sum.messages);
	EXPECT_TRUE(targets_go_on(&t, c->n_vms));
	EXPECT_TRUE(targets_are_as_before(&t, c->n_vms));
	end_targets(&t, c);
}

TEST_STORM(at_random, LIMIT)
{
	unsigned int n = storm_count(kernel_is_debug() ? DEBUG_FEW : FEW, MANY);
	struct storm *s = &self->storm;
	struct targets t;
	struct fuzz_common *c = common_new(s);
	struct fuzz_count sum;

	ASSERT_NE(NULL, c);
	ASSERT_EQ(0, start_targets(&t, c));
	ASSERT_EQ(0, storm_start(s, FUZZ_WORKERS, fuzz_worker, c));
	EXPECT_TRUE(storm_wait_work(s, n, storm_seconds(patience(60))));
	EXPECT_EQ(0, storm_stop(s));
	EXPECT_EQ(0, summary(c, &sum));
	storm_done(s, "messages", sum.messages);
	/* Each half is there, and the good one gets through to vmsched */
	EXPECT_LE(n, sum.messages);
	EXPECT_LT(n / 8, sum.kind[JUDGE_WELL]);
	EXPECT_LT(n / 16, sum.done);
	EXPECT_LT(n / 16, sum.kind[JUDGE_BAD_ATTR]);
	EXPECT_LT(n / 16, sum.kind[JUDGE_REFUSED]);
	EXPECT_TRUE(targets_go_on(&t, c->n_vms));
	EXPECT_TRUE(targets_are_as_before(&t, c->n_vms));
	end_targets(&t, c);
}

TEST_HARNESS_MAIN
