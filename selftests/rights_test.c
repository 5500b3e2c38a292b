// SPDX-License-Identifier: GPL-2.0
/*
 * Who may do what: each request that the family knows, and joining its group of
 * events, by each set of rights that makes a difference. The set is that of a
 * child, which opens a socket of its own.
 *
 * What is right stands in Documentation/interface.rst. Which requests there are
 * is asked of Linux: one that is not in the table fails.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/doctable.h"
#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/policy.h"
#include "lib/unpriv.h"

#define LIMIT		200
#define WORDS_FOR_READ	"setpriv --inh-caps=-all --bounding-set=-all,+net_admin "
#define GROUP		"events"
#define MAX_OPS		(POLICY_OPS + 1)
#define FIRST_ROLE	2	/* column of the table */

enum who {
	ROOT,
	NET_ADMIN,
	SYS_ADMIN,
	USERNS_ROOT,
	NOBODY,
	EVERYBODY,
};

/* As in the head of the table */
static const char * const who_names[] = {
	"root", "CAP_NET_ADMIN", "CAP_SYS_ADMIN", "userns root", "uid 1000",
};

struct op {
	char name[32];
	uint8_t cmd;		/* 0: join the group */
	bool dump;
	bool reads;		/* what unpriv_reads opens */
	bool may[EVERYBODY];
};

struct ops {
	struct op op[MAX_OPS];
	unsigned int n;
};

/* Columns are those who are tried, in their order */
static bool has_all_roles(const struct doc_table *t)
{
	unsigned int i;

	for (i = 0; i < EVERYBODY; i++) {
		if (strcmp(t->head[FIRST_ROLE + i], who_names[i]))
			return false;
	}
	return t->columns == FIRST_ROLE + EVERYBODY;
}

static bool add_op(struct ops *ops, const struct doc_table *t, int row,
		   uint8_t cmd, bool dump)
{
	struct op *op = &ops->op[ops->n++];
	const char *name = t->cell[row][0];
	size_t len = strlen(name);
	unsigned int i;

	*op = (struct op) { .cmd = cmd, .dump = dump };
	snprintf(op->name, sizeof(op->name), "%.20s %s", name, t->cell[row][1]);
	op->reads = len > 4 && !strcmp(name + len - 4, "-get");
	for (i = 0; i < EVERYBODY; i++) {
		const char *cell = t->cell[row][FIRST_ROLE + i];

		op->may[i] = !strcmp(cell, "yes");
		if (!op->may[i] && strcmp(cell, "no"))
			return false;
	}
	return true;
}

static int row_of_group(const struct doc_table *t)
{
	unsigned int i;

	for (i = 0; i < t->rows; i++) {
		if (!strcmp(t->cell[i][0], GROUP) &&
		    !strcmp(t->cell[i][1], "group"))
			return i;
	}
	return -1;
}

/* All requests there are, and the group; each of them in the table */
static int read_ops(struct ops *ops)
{
	struct policies p;
	struct doc_table t;
	unsigned int i;
	struct genl g;
	int row, ret;

	ops->n = 0;
	ret = doc_table("rights", &t) ?: genl_open(&g);
	if (ret)
		return ret;
	ret = policies_read(&g, &p);
	genl_close(&g);
	if (ret || !has_all_roles(&t))
		return ret ?: -EINVAL;
	for (i = 0; i < p.n_ops; i++) {
		row = doc_row(&t, p.op[i].cmd, p.op[i].dump);
		if (row < 0 || !add_op(ops, &t, row, p.op[i].cmd, p.op[i].dump)) {
			printf("# command %u (%s) %s is not in the table\n",
			       p.op[i].cmd, doc_command_name(p.op[i].cmd),
			       p.op[i].dump ? "dump" : "do");
			return -ENOENT;
		}
	}
	row = row_of_group(&t);
	if (row < 0 || !add_op(ops, &t, row, 0, false) || ops->n != t.rows) {
		printf("# the table has %u rows, there are %u requests\n",
		       t.rows, ops->n);
		return -EINVAL;
	}
	return 0;
}

static void put_weight(struct genl_msg *m, uint16_t type)
{
	long nest = genl_nest(m, type);

	genl_put_u32(m, VMSCHED_A_PARAMS_WEIGHT, 100);
	genl_nest_end(m, nest);
}

/* A request that changes nothing, though it is one for a change */
static void build(struct genl *g, struct genl_msg *m, const struct op *op,
		  uint64_t guest)
{
	genl_begin(g, m, op->cmd, op->dump ? NLM_F_DUMP : NLM_F_ACK);
	if (op->dump)
		return;
	switch (op->cmd) {
	case VMSCHED_CMD_SCHED_GET:
		genl_put_text(m, VMSCHED_A_SCHED_NAME, "native");
		break;
	case VMSCHED_CMD_POOL_ADD:
	case VMSCHED_CMD_POOL_SET:
	case VMSCHED_CMD_POOL_DEL:
	case VMSCHED_CMD_POOL_GET:
		if (op->cmd == VMSCHED_CMD_POOL_ADD || op->cmd == VMSCHED_CMD_POOL_SET)
			genl_put_text(m, VMSCHED_A_POOL_CPUS, "0");
		genl_put_text(m, VMSCHED_A_POOL_NAME, "default");
		break;
	case VMSCHED_CMD_VM_SET:
	case VMSCHED_CMD_VM_GET:
		if (op->cmd == VMSCHED_CMD_VM_SET)
			put_weight(m, VMSCHED_A_VM_PARAMS);
		genl_put_u64(m, VMSCHED_A_VM_ID, guest);
		break;
	case VMSCHED_CMD_VCPU_SET:
		put_weight(m, VMSCHED_A_VCPU_PARAMS);
		genl_put_u64(m, VMSCHED_A_VCPU_VM_ID, guest);
		genl_put_u32(m, VMSCHED_A_VCPU_INDEX, 0);
		break;
	case VMSCHED_CMD_SCHED_SWITCH:
		genl_put_text(m, VMSCHED_A_SWITCH_TO, "native");
		break;
	case VMSCHED_CMD_REQUEST:
		genl_put_u32(m, VMSCHED_A_REQUEST_KIND,
			     VMSCHED_REQUEST_KIND_PRIO);
		genl_put_u64(m, VMSCHED_A_REQUEST_VM_ID, guest);
		break;
	case VMSCHED_CMD_CONSOLE_ACK:
		genl_put_u32(m, VMSCHED_A_CONSOLE_SEQ, 1);
		break;
	}
}

/* What vmsched itself refuses somebody may ask: to acknowledge, to change "default" */
static int error_of(const struct op *op, const struct genl_ack *ack)
{
	bool refused = op->cmd == VMSCHED_CMD_CONSOLE_ACK ||
		       (op->cmd >= VMSCHED_CMD_POOL_ADD && op->cmd <= VMSCHED_CMD_POOL_DEL);

	return refused && ack->text[0] && ack->error != -EPERM ? 0 : ack->error;
}

static int become(enum who who)
{
	switch (who) {
	case NET_ADMIN:
		return unpriv_capabilities(1ULL << CAP_NET_ADMIN);
	case SYS_ADMIN:
		return unpriv_capabilities(1ULL << CAP_SYS_ADMIN);
	case USERNS_ROOT:
		return unpriv_userns_root(0);
	case NOBODY:
		return unpriv_user();
	default:
		return 0;
	}
}

static void try_one(struct genl *g, const struct op *op, uint64_t guest,
		    struct genl_ack *ack)
{
	struct genl_msg m;
	int ret;

	memset(ack, 0, sizeof(*ack));
	if (!op->cmd) {
		ack->error = genl_join(g);
		return;
	}
	build(g, &m, op, guest);
	ret = genl_call(g, &m, ack, NULL, NULL);
	ack->error = ret ?: error_of(op, ack);
}

static bool child_done(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return !status;
}

/*
 * All of @ops as @who, on a socket of his own or the one in @socket; true if
 * @acks was filled.
 */
static bool try_all(const struct ops *ops, enum who who, uint64_t guest,
		    const struct genl *socket, struct genl_ack *acks)
{
	pid_t pid = fork();
	unsigned int i;
	struct genl g;

	if (!pid) {
		if (become(who) || (!socket && genl_open(&g)))
			_exit(1);
		if (socket)
			g = *socket;
		for (i = 0; i < ops->n; i++)
			try_one(&g, &ops->op[i], guest, &acks[i]);
		_exit(0);
	}
	return child_done(pid);
}

static struct genl_ack *acks_new(void)
{
	void *p = mmap(NULL, sizeof(struct genl_ack) * MAX_OPS,
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void acks_free(struct genl_ack *acks)
{
	munmap(acks, sizeof(*acks) * MAX_OPS);
}

/* Linux lets him in, vmsched says what else it takes */
static bool is_told(const struct op *op, enum who as,
		    const struct genl_ack *ack)
{
	return !op->cmd || as != NET_ADMIN || !ack->error ||
	       strstr(ack->text, "CAP_SYS_ADMIN");
}

/*
 * Number of requests that @who can make against the table, or cannot in spite
 * of it; @open: the parameter unpriv_reads is set
 */
static unsigned int wrong(const struct ops *ops, enum who who, uint64_t guest,
			  bool open)
{
	struct genl_ack *acks = acks_new();
	unsigned int i, bad = 0;

	if (!acks || !try_all(ops, who, guest, NULL, acks)) {
		printf("# %s: cannot even try\n", who_names[who]);
		return ops->n;
	}
	for (i = 0; i < ops->n; i++) {
		const struct op *op = &ops->op[i];
		int want = op->may[who] || (open && op->reads) ? 0 : -EPERM;

		if (acks[i].error == want && is_told(op, who, &acks[i]))
			continue;
		printf("# %s, %s: error %d '%s', should be %d\n",
		       who_names[who], op->name, acks[i].error,
		       acks[i].text, want);
		bad++;
	}
	acks_free(acks);
	return bad;
}

TEST_F_TIMEOUT(vmsched, each_right_opens_its_commands, LIMIT)
{
	struct ops ops;
	enum who who;
	uint64_t id;

	ASSERT_NE(NULL, start_listed("guest", &id));
	ASSERT_EQ(0, read_ops(&ops));
	for (who = ROOT; who < EVERYBODY; who++)
		EXPECT_EQ(0, wrong(&ops, who, id, false));
	metric("requests", ops.n * EVERYBODY, "");
}

/* The parameter opens what reads to everybody, and nothing else */
TEST_F_TIMEOUT(vmsched, unpriv_reads, LIMIT)
{
	struct run_result r;
	struct ops ops;
	enum who who;
	uint64_t id;

	ASSERT_EQ(0, vmsched_remove_all());
	ASSERT_EQ(0, run_words(&r, 0, "modprobe vmsched unpriv_reads=1"));
	EXPECT_EQ(0, r.status);
	run_free(&r);
	ASSERT_NE(NULL, start_listed("guest", &id));
	ASSERT_EQ(0, read_ops(&ops));
	for (who = ROOT; who < EVERYBODY; who++)
		EXPECT_EQ(0, wrong(&ops, who, id, true));
	rawvm_kill_all();
	ASSERT_EQ(0, vmsched_remove_all());
}

/* A socket opened by @who: a child opens it and hands it over */
static int socket_of(enum who who, struct genl *g)
{
	union {
		struct cmsghdr head;
		char buf[CMSG_SPACE(sizeof(int))];
	} c = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
			  .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec iov = { .iov_base = g, .iov_len = sizeof(*g) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &c, .msg_controllen = sizeof(c) };
	int pair[2], ret = -EPERM;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (!pid) {
		if (become(who) || genl_open(g))
			_exit(1);
		memcpy(CMSG_DATA(&c.head), &g->fd, sizeof(int));
		_exit(sendmsg(pair[1], &m, 0) < 0);
	}
	if (child_done(pid) && recvmsg(pair[0], &m, 0) == sizeof(*g)) {
		memcpy(&g->fd, CMSG_DATA(&c.head), sizeof(int));
		ret = 0;
	}
	close(pair[0]);
	close(pair[1]);
	return ret;
}

/* Number of requests that are answered as if one of the two were not there */
static unsigned int wrong_together(const struct ops *ops, enum who opens,
				   enum who uses, uint64_t guest)
{
	struct genl_ack *acks = acks_new();
	unsigned int i, bad = 0;
	struct genl g;

	if (!acks || socket_of(opens, &g))
		return ops->n;
	if (!try_all(ops, uses, guest, &g, acks))
		bad++;
	for (i = 0; i < ops->n && !bad; i++) {
		const struct op *op = &ops->op[i];
		bool may = op->may[opens] && op->may[uses];

		/* Who joins is asked for his own rights alone */
		if (!op->cmd || acks[i].error == (may ? 0 : -EPERM))
			continue;
		printf("# %s on a socket of %s, %s: error %d\n", who_names[uses],
		       who_names[opens], op->name, acks[i].error);
		bad++;
	}
	genl_close(&g);
	acks_free(acks);
	return bad;
}

/*
 * Who hands his socket to a program with more rights gets no use of them, nor
 * who is given one: the rights of both count. Without an address in send(), as
 * write() does it.
 */
TEST_F_TIMEOUT(vmsched, rights_of_both_count, LIMIT)
{
	enum who opens, uses;
	struct ops ops;
	uint64_t id;

	ASSERT_NE(NULL, start_listed("guest", &id));
	ASSERT_EQ(0, read_ops(&ops));
	for (opens = ROOT; opens < EVERYBODY; opens++) {
		for (uses = ROOT; uses < EVERYBODY; uses++)
			EXPECT_EQ(0, wrong_together(&ops, opens, uses, id));
	}
}

/* The answer to a request that root's `cat` writes into the socket @g */
static int written_by_root(struct genl *g, const struct op *op, uint64_t guest)
{
	struct genl_ack ack = { .error = 0 };
	struct genl_msg m;
	int ret, in = memfd_create("request", MFD_CLOEXEC);
	pid_t pid;

	build(g, &m, op, guest);
	if (in < 0 || pwrite(in, m.buf, m.hdr.nlmsg_len, 0) < 0)
		return -EIO;
	pid = fork();
	if (!pid) {
		if (dup2(in, 0) == 0 && dup2(g->fd, 1) == 1)
			execl("/bin/cat", "cat", NULL);
		_exit(127);
	}
	close(in);
	if (!child_done(pid))
		return -ECHILD;
	do {
		ret = genl_read(g, &ack, NULL, NULL);
	} while (!ret);
	return ret < 0 ? ret : error_of(op, &ack);
}

/* A user's socket as standard output of a program that is setuid root */
TEST_F_TIMEOUT(vmsched, socket_as_output_of_root, LIMIT)
{
	enum who opens;
	struct ops ops;
	unsigned int i;
	struct genl g;
	uint64_t id;

	ASSERT_NE(NULL, start_listed("guest", &id));
	ASSERT_EQ(0, read_ops(&ops));
	for (opens = ROOT; opens < EVERYBODY; opens++) {
		ASSERT_EQ(0, socket_of(opens, &g));
		for (i = 0; i < ops.n; i++) {
			const struct op *op = &ops.op[i];

			if (!op->cmd)
				continue;
			EXPECT_EQ(op->may[opens] ? 0 : -EPERM,
				  written_by_root(&g, op, id)) {
				TH_LOG("%s into a socket of %s", op->name,
				       who_names[opens]);
			}
		}
		genl_close(&g);
	}
}

static int status_of(const char *line, const char *says)
{
	struct run_result r;
	int ret = run_words(&r, 0, line);

	if (ret)
		return ret;
	ret = r.status;
	if (says && !strstr(r.err, says)) {
		printf("# `%s`: '%s' does not say '%s'\n", line, r.err, says);
		ret = -ENOMSG;
	}
	run_free(&r);
	return ret;
}

TEST_F_TIMEOUT(vmsched, vmschedctl_with_one_right, LIMIT)
{
	char active[32];

	EXPECT_EQ(0, status_of(WORDS_FOR_READ "vmschedctl status", NULL));
	EXPECT_EQ(0, status_of(WORDS_FOR_READ "vmschedctl vm list", NULL));
	EXPECT_EQ(CLI_NO_PERMISSION,
		  status_of(WORDS_FOR_READ "vmschedctl sched switch rr",
			    "CAP_SYS_ADMIN"));
	ASSERT_EQ(0, sched_active(active, sizeof(active)));
	EXPECT_STREQ("native", active);
}

/* The family is of the first network namespace, rights in another count not */
TEST_F_TIMEOUT(vmsched, other_network_namespace, LIMIT)
{
	struct genl g;
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		if (unshare(CLONE_NEWNET))
			_exit(2);
		_exit(genl_open(&g) == -ENOENT ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(CLI_NOT_LOADED, status_of("unshare -n vmschedctl status",
					    "network namespace"));
	EXPECT_EQ(0, status_of("vmschedctl status", NULL));
}

/* In there: nothing is found, and no event comes; 0 if so */
static int look_from_own_namespaces(const struct ops *ops, struct genl *first,
				    int ready, int go)
{
	struct genl_ack ack;
	struct genl g;
	unsigned int i;
	char c = 0;

	if (unpriv_userns_root(CLONE_NEWNET) ||
	    genl_open_as(&g, first->family))
		return 2;
	for (i = 0; i < ops->n; i++) {
		if (!ops->op[i].cmd)
			continue;
		try_one(&g, &ops->op[i], 1, &ack);
		if (ack.error != -ENOENT)
			return 3;
	}
	/* Groups have numbers: he may join his own one of that number */
	g.events = first->events;
	genl_join(&g);
	if (write(ready, &c, 1) != 1 || read(go, &c, 1) != 1)
		return 4;
	return recv(g.fd, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN ? 0 : 5;
}

TEST_F_TIMEOUT(vmsched, own_namespaces, LIMIT)
{
	int ready[2], go[2], status;
	struct genl g;
	struct ops ops;
	pid_t pid;
	char c = 0;

	ASSERT_EQ(0, read_ops(&ops));
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	pid = fork();
	if (!pid)
		_exit(look_from_own_namespaces(&ops, &g, ready[1], go[0]));
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &c, 1));
	/* Something to tell: whoever listens here hears it */
	ASSERT_EQ(0, genl_join(&g));
	ASSERT_EQ(0, sched_switch("rr", NULL));
	EXPECT_LT(0, recv(g.fd, &c, 1, 0));
	EXPECT_EQ(1, write(go[1], &c, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	genl_close(&g);
}

/* An alias for the family would let any user load the module */
TEST_F_TIMEOUT(vmsched, no_user_can_load_the_module, LIMIT)
{
	struct genl_ack acks[MAX_OPS];
	struct ops ops = { .n = 0 };
	struct run_result r;

	ASSERT_EQ(0, run_words(&r, 0, "modinfo vmsched"));
	EXPECT_EQ(0, r.status);
	EXPECT_NE(NULL, strstr(r.out, "license:"));
	EXPECT_EQ(NULL, strstr(r.out, "net-pf-16-proto-16-family-"));
	run_free(&r);
	ASSERT_EQ(0, vmsched_remove_all());
	EXPECT_FALSE(try_all(&ops, NOBODY, 1, NULL, acks));
	EXPECT_FALSE(try_all(&ops, ROOT, 1, NULL, acks));
	EXPECT_FALSE(module_loaded("vmsched"));
}

TEST_HARNESS_MAIN
