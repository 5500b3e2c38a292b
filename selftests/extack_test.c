// SPDX-License-Identifier: GPL-2.0
/*
 * A message that is refused is answered with a text, and with the place of the
 * attribute at fault or the type of the one that is missing. That is what a
 * program has that does not know the words of vmschedctl.
 */
#include "lib/fixture.h"
#include "lib/genl.h"

#define MAX_PUTS	4
#define LIMIT		200
#define PARAMS_SIZE	512
#define TEN_SECONDS_US	10000000
#define LONG_NAME	"a-name-that-is-longer-than-31-characters"
/* Linux says so itself of an attribute of bad length, at level warning */
#define LENGTH_TEXT	"has an invalid length"

enum kind {
	END,
	U8,
	U32,
	U64,
	TEXT,
	NO_NUL,		/* a text without its end */
	GUEST,		/* the id of the guest */
	NEST,		/* holds all that comes after it */
};

struct put {
	enum kind kind;
	uint16_t type;
	uint64_t value;
	const char *text;
};

struct refusal {
	const char *what;
	uint8_t cmd;
	uint16_t flags;
	struct put puts[MAX_PUTS];
	int error;
	const char *says;
	unsigned int bad;	/* counts from 1; 0: none is */
	unsigned int missing;	/* type; 0: none is */
};

#define TO(name)	{ TEXT, VMSCHED_A_SWITCH_TO, 0, name }
#define POOL(name)	{ TEXT, VMSCHED_A_SWITCH_POOL, 0, name }
#define ACTIVATE(how)	{ U32, VMSCHED_A_SWITCH_ACTIVATE, how }
#define CEASE(ms)	{ U32, VMSCHED_A_SWITCH_CEASE_TIMEOUT_MS, ms }
#define SWITCH		.cmd = VMSCHED_CMD_SCHED_SWITCH

static const struct refusal switches[] = {
	{ "unknown scheduler", SWITCH, .puts = { TO("nosuch") },
	  .error = -ENOENT, .says = "scheduler", .bad = 1 },
	{ "unknown scheduler behind a pool", SWITCH,
	  .puts = { POOL("default"), TO("nosuch") },
	  .error = -ENOENT, .says = "scheduler", .bad = 2 },
	{ "empty name", SWITCH, .puts = { TO("rr"), POOL("") },
	  .error = -ENOENT, .says = "pool", .bad = 2 },
	{ "unknown pool", SWITCH, .puts = { TO("rr"), POOL("nosuch") },
	  .error = -ENOENT, .says = "pool", .bad = 2 },
	{ "activate in no known way", SWITCH, .puts = { TO("rr"), ACTIVATE(3) },
	  .error = -ERANGE, .says = "range", .bad = 2 },
	{ "cease-timeout 0", SWITCH, .puts = { TO("rr"), CEASE(0) },
	  .error = -ERANGE, .says = "10000", .bad = 2 },
	{ "cease-timeout too long", SWITCH, .puts = { TO("rr"), CEASE(10001) },
	  .error = -ERANGE, .says = "10000", .bad = 2 },
	{ "name too long", SWITCH, .puts = { TO(LONG_NAME) },
	  .error = -EINVAL, .says = "policy", .bad = 1 },
	{ "name without an end", SWITCH,
	  .puts = { { NO_NUL, VMSCHED_A_SWITCH_TO, 0, "rr" } },
	  .error = -EINVAL, .says = "policy", .bad = 1 },
	{ "number of one byte", SWITCH,
	  .puts = { TO("rr"), { U8, VMSCHED_A_SWITCH_ACTIVATE, 1 } },
	  .error = -EINVAL, .says = "length", .bad = 2 },
	{ "unknown attribute", SWITCH, .puts = { TO("rr"), { U32, 60, 1 } },
	  .error = -EINVAL, .says = "nknown attribute", .bad = 2 },
};

#define ID(n)		{ U64, VMSCHED_A_VM_ID, n }
#define MY_ID		{ GUEST, VMSCHED_A_VM_ID }
#define PARAMS		{ NEST, VMSCHED_A_VM_PARAMS }
#define PARAM(attr, n)	{ U32, VMSCHED_A_PARAMS_##attr, n }
#define AFFINITY(list)	{ TEXT, VMSCHED_A_PARAMS_AFFINITY, 0, list }
#define VM_SET		.cmd = VMSCHED_CMD_VM_SET
#define RANGE(attr, n, text)						\
	{ #attr " " #n, VM_SET, .puts = { MY_ID, PARAMS, PARAM(attr, n) }, \
	  .error = -ERANGE, .says = text, .bad = 3 }

static const struct refusal vms[] = {
	{ "VM without id", .cmd = VMSCHED_CMD_VM_GET,
	  .error = -EINVAL, .says = "id", .missing = VMSCHED_A_VM_ID },
	{ "unknown VM", .cmd = VMSCHED_CMD_VM_GET, .puts = { ID(999999) },
	  .error = -ENOENT, .says = "999999", .bad = 1 },
	{ "id of four bytes", .cmd = VMSCHED_CMD_VM_GET,
	  .puts = { { U32, VMSCHED_A_VM_ID, 1 } },
	  .error = -EINVAL, .says = "length", .bad = 1 },
	{ "set without id", VM_SET, .puts = { PARAMS, PARAM(WEIGHT, 200) },
	  .error = -EINVAL, .says = "id", .missing = VMSCHED_A_VM_ID },
	{ "set without parameters", VM_SET, .puts = { MY_ID },
	  .error = -EINVAL, .says = "params", .missing = VMSCHED_A_VM_PARAMS },
	{ "set no parameter", VM_SET, .puts = { MY_ID, PARAMS },
	  .error = -EINVAL, .says = "no parameter", .bad = 2 },
	{ "set of an unknown VM", VM_SET,
	  .puts = { ID(999999), PARAMS, PARAM(WEIGHT, 200) },
	  .error = -ENOENT, .says = "999999", .bad = 1 },
	RANGE(WEIGHT, 0, "1..10000"),
	RANGE(WEIGHT, 10001, "1..10000"),
	RANGE(WEIGHT, UINT32_MAX, "1..10000"),
	RANGE(CAP, 1000001, "1000000"),
	RANGE(RESERVATION, 1000001, "1000000"),
	RANGE(PERIOD_US, 99, "100.."),
	RANGE(BUDGET_US, TEN_SECONDS_US + 1, "10000000"),
	RANGE(SLICE_US, 99, "100.."),
	RANGE(SLICE_US, 1000001, "1000000"),
	RANGE(WARP_US, TEN_SECONDS_US + 1, "10000000"),
	RANGE(WARP_LIMIT_US, 99, "100.."),
	RANGE(UNWARP_US, TEN_SECONDS_US + 1, "10000000"),
	RANGE(TIME_CRITICAL, 2, "0..1"),
	{ "a good one, then a bad one", VM_SET,
	  .puts = { MY_ID, PARAMS, PARAM(WEIGHT, 200), PARAM(SLICE_US, 1) },
	  .error = -ERANGE, .says = "slice", .bad = 4 },
	{ "budget without period", VM_SET,
	  .puts = { MY_ID, PARAMS, PARAM(BUDGET_US, 1000) },
	  .error = -EINVAL, .says = "period", .bad = 2 },
	{ "weight of one byte", VM_SET,
	  .puts = { MY_ID, PARAMS, { U8, VMSCHED_A_PARAMS_WEIGHT, 9 } },
	  .error = -EINVAL, .says = "length", .bad = 3 },
	{ "unknown parameter", VM_SET, .puts = { MY_ID, PARAMS, { U32, 60, 1 } },
	  .error = -EINVAL, .says = "nknown attribute", .bad = 3 },
	{ "affinity that is no list", VM_SET,
	  .puts = { MY_ID, PARAMS, AFFINITY("first") },
	  .error = -EINVAL, .says = "affinity", .bad = 3 },
	{ "affinity beyond all pCPUs", VM_SET,
	  .puts = { MY_ID, PARAMS, AFFINITY("8191") },
	  .error = -EINVAL, .says = "affinity", .bad = 3 },
};

#define MY_VM		{ GUEST, VMSCHED_A_VCPU_VM_ID }
#define NO_VM		{ U64, VMSCHED_A_VCPU_VM_ID, 999999 }
#define INDEX(n)	{ U32, VMSCHED_A_VCPU_INDEX, n }
#define VPARAMS		{ NEST, VMSCHED_A_VCPU_PARAMS }
#define VCPU_SET	.cmd = VMSCHED_CMD_VCPU_SET

static const struct refusal others[] = {
	{ "vCPU without VM", VCPU_SET,
	  .puts = { INDEX(0), VPARAMS, PARAM(WEIGHT, 200) },
	  .error = -EINVAL, .says = "vm-id", .missing = VMSCHED_A_VCPU_VM_ID },
	{ "vCPU without index", VCPU_SET,
	  .puts = { MY_VM, VPARAMS, PARAM(WEIGHT, 200) },
	  .error = -EINVAL, .says = "index", .missing = VMSCHED_A_VCPU_INDEX },
	{ "vCPU without parameters", VCPU_SET, .puts = { MY_VM, INDEX(0) },
	  .error = -EINVAL, .says = "params",
	  .missing = VMSCHED_A_VCPU_PARAMS },
	{ "vCPU of an unknown VM", VCPU_SET,
	  .puts = { NO_VM, INDEX(0), VPARAMS, PARAM(WEIGHT, 200) },
	  .error = -ENOENT, .says = "999999", .bad = 1 },
	{ "unknown vCPU", VCPU_SET,
	  .puts = { MY_VM, INDEX(9), VPARAMS, PARAM(WEIGHT, 200) },
	  .error = -ENOENT, .says = "no vCPU 9", .bad = 2 },
	{ "bad weight of a vCPU", VCPU_SET,
	  .puts = { MY_VM, INDEX(0), VPARAMS, PARAM(WEIGHT, 0) },
	  .error = -ERANGE, .says = "1..10000", .bad = 4 },
	{ "attribute where none is known", .cmd = VMSCHED_CMD_STATUS_GET,
	  .puts = { { U32, 1, 1 } },
	  .error = -EINVAL, .says = "no attribute", .bad = 1 },
	{ "another one", .cmd = VMSCHED_CMD_STATUS_GET,
	  .puts = { { U32, 60, 1 } },
	  .error = -EINVAL, .says = "nknown attribute", .bad = 1 },
	{ "list of an unknown VM", .cmd = VMSCHED_CMD_VCPU_GET,
	  .flags = NLM_F_DUMP, .puts = { NO_VM },
	  .error = -ENOENT, .says = "999999", .bad = 1 },
	{ "scheduler without name", .cmd = VMSCHED_CMD_SCHED_GET,
	  .error = -EINVAL, .says = "name", .missing = VMSCHED_A_SCHED_NAME },
	{ "scheduler not there", .cmd = VMSCHED_CMD_SCHED_GET,
	  .puts = { { TEXT, VMSCHED_A_SCHED_NAME, 0, "nosuch" } },
	  .error = -ENOENT, .says = "scheduler", .bad = 1 },
	{ "pool without name", .cmd = VMSCHED_CMD_POOL_GET,
	  .error = -EINVAL, .says = "name", .missing = VMSCHED_A_POOL_NAME },
	{ "new pool without name", .cmd = VMSCHED_CMD_POOL_ADD,
	  .error = -EINVAL, .says = "name", .missing = VMSCHED_A_POOL_NAME },
	{ "new pool without pCPUs", .cmd = VMSCHED_CMD_POOL_ADD,
	  .puts = { { TEXT, VMSCHED_A_POOL_NAME, 0, "b" } },
	  .error = -EINVAL, .says = "cpus", .missing = VMSCHED_A_POOL_CPUS },
	{ "new pool of a bad name", .cmd = VMSCHED_CMD_POOL_ADD,
	  .puts = { { TEXT, VMSCHED_A_POOL_CPUS, 0, "1" },
		    { TEXT, VMSCHED_A_POOL_NAME, 0, "B" } },
	  .error = -EINVAL, .says = "1 to 31", .bad = 2 },
	{ "new pool of no pCPU", .cmd = VMSCHED_CMD_POOL_ADD,
	  .puts = { { TEXT, VMSCHED_A_POOL_NAME, 0, "b" },
		    { TEXT, VMSCHED_A_POOL_CPUS, 0, "" } },
	  .error = -EINVAL, .says = "empty", .bad = 2 },
	{ "new pool of all pCPUs", .cmd = VMSCHED_CMD_POOL_ADD,
	  .puts = { { TEXT, VMSCHED_A_POOL_NAME, 0, "b" },
		    { TEXT, VMSCHED_A_POOL_CPUS, 0, "0-1" } },
	  .error = -EINVAL, .says = "default keeps one", .bad = 2 },
	{ "change of a pool not there", .cmd = VMSCHED_CMD_POOL_SET,
	  .puts = { { TEXT, VMSCHED_A_POOL_CPUS, 0, "1" },
		    { TEXT, VMSCHED_A_POOL_NAME, 0, "nosuch" } },
	  .error = -ENOENT, .says = "no such pool", .bad = 2 },
	{ "end of the pool of all", .cmd = VMSCHED_CMD_POOL_DEL,
	  .puts = { { TEXT, VMSCHED_A_POOL_NAME, 0, "default" } },
	  .error = -EINVAL, .says = "cannot be deleted", .bad = 1 },
	{ "move to a pool not there", VM_SET,
	  .puts = { MY_ID, { TEXT, VMSCHED_A_VM_POOL, 0, "nosuch" } },
	  .error = -ENOENT, .says = "no such pool", .bad = 2 },
	{ "pool not there", .cmd = VMSCHED_CMD_POOL_GET,
	  .puts = { { TEXT, VMSCHED_A_POOL_NAME, 0, "nosuch" } },
	  .error = -ENOENT, .says = "pool", .bad = 1 },
};

#define KIND(what)	{ U32, VMSCHED_A_REQUEST_KIND, \
			  VMSCHED_REQUEST_KIND_##what }
#define ABOUT		{ GUEST, VMSCHED_A_REQUEST_VM_ID }
#define WEIGHT(n)	{ U32, VMSCHED_A_REQUEST_WEIGHT, n }
#define REQUEST		.cmd = VMSCHED_CMD_REQUEST

static const struct refusal requests[] = {
	{ "request for nothing", REQUEST, .puts = { ABOUT },
	  .error = -EINVAL, .says = "kind", .missing = VMSCHED_A_REQUEST_KIND },
	{ "request for nobody", REQUEST, .puts = { KIND(YIELD) },
	  .error = -EINVAL, .says = "vm-id",
	  .missing = VMSCHED_A_REQUEST_VM_ID },
	{ "unknown request", REQUEST,
	  .puts = { ABOUT, { U32, VMSCHED_A_REQUEST_KIND, 99 } },
	  .error = -ERANGE, .says = "", .bad = 2 },
	{ "request for an unknown VM", REQUEST,
	  .puts = { KIND(OWNER), { U64, VMSCHED_A_REQUEST_VM_ID, 999999 } },
	  .error = -ENOENT, .says = "no VM", .bad = 2 },
	{ "yield with a weight", REQUEST,
	  .puts = { KIND(YIELD), ABOUT, WEIGHT(100) },
	  .error = -EINVAL, .says = "prio", .bad = 3 },
	{ "no weight at all", REQUEST, .puts = { KIND(PRIO), ABOUT, WEIGHT(0) },
	  .error = -ERANGE, .says = "1..10000", .bad = 3 },
	{ "too large a weight", REQUEST,
	  .puts = { WEIGHT(10001), KIND(PRIO), ABOUT },
	  .error = -ERANGE, .says = "1..10000", .bad = 1 },
};

static const struct refusal lists[] = {
	{ "list with an attribute", .cmd = VMSCHED_CMD_VM_GET,
	  .flags = NLM_F_DUMP, .puts = { { U64, VMSCHED_A_VM_ID, 1 } },
	  .error = -EINVAL, .says = "no attribute", .bad = 1 },
	{ "list with a name", .cmd = VMSCHED_CMD_SCHED_GET,
	  .flags = NLM_F_DUMP,
	  .puts = { { TEXT, VMSCHED_A_SCHED_NAME, 0, "rr" } },
	  .error = -EINVAL, .says = "no attribute", .bad = 1 },
};

static long put_one(struct genl_msg *m, const struct put *p, uint64_t guest)
{
	switch (p->kind) {
	case U8:
		return genl_put(m, p->type, &p->value, 1);
	case U32:
		return genl_put_u32(m, p->type, p->value);
	case U64:
		return genl_put_u64(m, p->type, p->value);
	case GUEST:
		return genl_put_u64(m, p->type, guest);
	case TEXT:
		return genl_put_text(m, p->type, p->text);
	case NO_NUL:
		return genl_put(m, p->type, p->text, strlen(p->text));
	case NEST:
		return genl_nest(m, p->type);
	case END:
		break;
	}
	return -EINVAL;
}

/* Put all of @r into @m; returns the offset of the one at fault, -1: none */
static long put_all(struct genl_msg *m, const struct refusal *r, uint64_t guest)
{
	long at, bad = -1, nest = -1;
	unsigned int i;

	for (i = 0; i < MAX_PUTS && r->puts[i].kind; i++) {
		at = put_one(m, &r->puts[i], guest);
		if (r->puts[i].kind == NEST)
			nest = at;
		if (r->bad == i + 1)
			bad = at;
	}
	if (nest >= 0)
		genl_nest_end(m, nest);
	return bad;
}

/* True if @r is refused as it promises; else says what is wrong */
static bool refused(struct genl *g, const struct refusal *r, uint64_t guest)
{
	long bad, missing = r->missing ? (long)r->missing : -1;
	struct genl_msg m;
	struct genl_ack a;
	int ret;

	genl_begin(g, &m, r->cmd, r->flags);
	bad = put_all(&m, r, guest);
	ret = genl_call(g, &m, &a, NULL, NULL);
	if (ret) {
		printf("# %s: no answer: %s\n", r->what, strerror(-ret));
		return false;
	}
	if (a.error == r->error && strstr(a.text, r->says) &&
	    a.offset == bad && a.miss_type == missing && !a.messages)
		return true;
	printf("# %s: error %d, '%s', attribute at %ld, missing %ld, %u answers\n",
	       r->what, a.error, a.text, a.offset, a.miss_type, a.messages);
	printf("# should be: error %d, '..%s..', attribute at %ld, missing %ld, 0 answers\n",
	       r->error, r->says, bad, missing);
	return false;
}

/* What must not change: scheduler, number of switches, parameters of a VM */
struct state {
	char scheduler[VMSCHED_NAME_LEN];
	uint64_t switches;
	uint8_t params[PARAMS_SIZE];
};

static void take_pool(const struct nlmsghdr *msg, void *arg)
{
	struct state *s = arg;

	snprintf(s->scheduler, sizeof(s->scheduler), "%s",
		 genl_text(genl_attr(msg, VMSCHED_A_POOL_SCHEDULER)));
	s->switches = genl_u64(genl_attr(msg, VMSCHED_A_POOL_SWITCHES));
}

static void take_params(const struct nlmsghdr *msg, void *arg)
{
	const struct nlattr *params = genl_attr(msg, VMSCHED_A_VM_PARAMS);
	struct state *s = arg;

	if (params && params->nla_len <= sizeof(s->params))
		memcpy(s->params, params, params->nla_len);
}

static bool read_state(struct genl *g, uint64_t guest, struct state *s)
{
	struct genl_msg m;
	struct genl_ack a;

	memset(s, 0, sizeof(*s));
	genl_begin(g, &m, VMSCHED_CMD_POOL_GET, 0);
	genl_put_text(&m, VMSCHED_A_POOL_NAME, "default");
	if (genl_call(g, &m, &a, take_pool, s) || a.error)
		return false;
	genl_begin(g, &m, VMSCHED_CMD_VM_GET, 0);
	genl_put_u64(&m, VMSCHED_A_VM_ID, guest);
	return !genl_call(g, &m, &a, take_params, s) && !a.error &&
	       s->params[0];
}

/* Number of @list that are not refused as promised, or change something */
static unsigned int try_all(const struct refusal *list, unsigned int n,
			    uint64_t guest)
{
	struct state before, after;
	unsigned int i, bad = 0;
	struct genl g;

	if (genl_open(&g) || !read_state(&g, guest, &before))
		return n;
	for (i = 0; i < n; i++) {
		if (!refused(&g, &list[i], guest))
			bad++;
		if (!read_state(&g, guest, &after) ||
		    memcmp(&before, &after, sizeof(before))) {
			printf("# %s: changed something\n", list[i].what);
			bad++;
			before = after;
		}
	}
	genl_close(&g);
	return bad;
}

TEST_F_TIMEOUT(vmsched, switches_name_the_attribute, LIMIT)
{
	uint64_t id;

	ASSERT_NE(NULL, start_listed("guest", &id));
	EXPECT_EQ(0, try_all(switches, ARRAY_SIZE(switches), id));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	EXPECT_EQ(0, try_all(switches, ARRAY_SIZE(switches), id));
	EXPECT_EQ(0, klog_warnings_but(&self->log, LENGTH_TEXT));
}

TEST_F_TIMEOUT(vmsched, vms_name_the_attribute, LIMIT)
{
	uint64_t id;

	ASSERT_NE(NULL, start_listed("guest", &id));
	EXPECT_EQ(0, try_all(vms, ARRAY_SIZE(vms), id));
	EXPECT_EQ(0, klog_warnings_but(&self->log, LENGTH_TEXT));
}

TEST_F_TIMEOUT(vmsched, others_name_the_attribute, LIMIT)
{
	uint64_t id;

	ASSERT_NE(NULL, start_listed("guest", &id));
	EXPECT_EQ(0, try_all(others, ARRAY_SIZE(others), id));
	EXPECT_EQ(0, try_all(requests, ARRAY_SIZE(requests), id));
}

TEST_F_TIMEOUT(vmsched, lists_name_the_attribute, LIMIT)
{
	int lacks = kernel_lacks("split-ops");
	uint64_t id;

	ASSERT_GE(lacks, 0);
	if (lacks)
		SKIP(return, "this kernel has one policy for lists and objects");
	ASSERT_NE(NULL, start_listed("guest", &id));
	EXPECT_EQ(0, try_all(lists, ARRAY_SIZE(lists), id));
}

/*
 * Without "to" the scheduler before is meant. Just after insmod there is none:
 * nothing in the message is wrong, and nothing must be in it.
 */
TEST_F_TIMEOUT(vmsched, no_previous_scheduler, LIMIT)
{
	static const struct refusal previous = {
		"previous one", SWITCH, .error = -ENOENT, .says = "previous",
	};
	struct genl g;

	ASSERT_EQ(0, vmsched_remove_all());
	ASSERT_EQ(0, vmsched_ready());
	ASSERT_EQ(0, genl_open(&g));
	EXPECT_TRUE(refused(&g, &previous, 0));
	genl_close(&g);
}

TEST_HARNESS_MAIN
