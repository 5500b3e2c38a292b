// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing leaves the kernel but what was meant to: no address and no byte that
 * nobody has set, in any answer, event, file of sysfs, line of the kernel log
 * or output of vmschedctl.
 *
 * Bytes that nobody has set are found by asking twice, with other things in
 * freed memory and on the stack in between. A kernel that clears all memory
 * when it is handed out hides them; the debug kernel fills it instead.
 */
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/doctable.h"
#include "lib/fixture.h"
#include "lib/genl.h"
#include "lib/leak.h"
#include "lib/policy.h"
#include "lib/unpriv.h"

#define LIMIT		200
#define ANSWER_SIZE	65536
#define SETTLE_MS	10000
#define ROUNDS		12
#define RECORD_SIZE	8192
#define PATH_SIZE	512

/* All bytes that came back for one request */
struct answer {
	uint8_t buf[ANSWER_SIZE];
	size_t len;
	struct genl_ack ack;
};

static struct answer first, second;

static bool take_all(struct answer *a, size_t from)
{
	const struct nlmsghdr *msg = (struct nlmsghdr *)(a->buf + from);
	size_t left = a->len - from;
	bool ended = false;

	for (; NLMSG_OK(msg, left); msg = NLMSG_NEXT(msg, left))
		ended |= genl_take(msg, &a->ack, NULL, NULL);
	return ended;
}

/* Ask, and keep what comes back as it is; 0 or -errno of the socket */
static int ask(struct genl *g, struct genl_msg *m, struct answer *a)
{
	size_t from;
	ssize_t n;
	int ret;

	memset(a, 0, sizeof(*a));
	/* The same number each time: it comes back */
	m->hdr.nlmsg_seq = 1;
	if (!(m->hdr.nlmsg_flags & NLM_F_DUMP))
		m->hdr.nlmsg_flags |= NLM_F_ACK;
	ret = genl_send(g, m);
	while (!ret) {
		from = a->len;
		n = recv(g->fd, a->buf + from, sizeof(a->buf) - from, 0);
		if (n <= 0)
			return n ? -errno : -ENOSPC;
		a->len += n;
		if (take_all(a, from))
			return 0;
	}
	return ret;
}

static unsigned int leaks_in_answer(const struct answer *a, const char *what)
{
	const struct nlmsghdr *msg = (const struct nlmsghdr *)a->buf;
	size_t left = a->len;
	unsigned int bad = 0;

	for (; NLMSG_OK(msg, left); msg = NLMSG_NEXT(msg, left))
		bad += leak_in_message(msg, what);
	return bad;
}

/* A value for each attribute that a request may have */
static void put_attr(struct genl_msg *m, const struct policies *p,
		     const struct policy_attr *attr, uint16_t type,
		     const char *text, uint64_t number)
{
	long nest;

	switch (attr->type) {
	case NL_ATTR_TYPE_U32:
		genl_put_u32(m, type, 1);
		break;
	case NL_ATTR_TYPE_U64:
		genl_put_u64(m, type, number);
		break;
	case NL_ATTR_TYPE_NUL_STRING:
		genl_put_text(m, type, text);
		break;
	case NL_ATTR_TYPE_NESTED:
		nest = genl_nest(m, type);
		put_attr(m, p, &p->policy[attr->nest].attr[1], 1, text, number);
		genl_nest_end(m, nest);
	}
}

/* What kind of request: good, of things that are not there, or without them */
enum how {
	GOOD,
	UNKNOWN,
	EMPTY,
	HOWS,
};

static bool changes_pools(const struct policy_op *op)
{
	return op->cmd == VMSCHED_CMD_POOL_ADD || op->cmd == VMSCHED_CMD_POOL_SET ||
	       op->cmd == VMSCHED_CMD_POOL_DEL;
}

static void build(struct genl *g, struct genl_msg *m, const struct policies *p,
		  const struct policy_op *op, enum how how, uint64_t guest)
{
	const struct policy *policy = &p->policy[op->policy < 0 ? 0 : op->policy];
	bool names = op->cmd == VMSCHED_CMD_POOL_GET ||
		     op->cmd == VMSCHED_CMD_FAULT_GET ||
		     op->cmd == VMSCHED_CMD_SCHED_EVICT ||
		     op->cmd == VMSCHED_CMD_CONSOLE_ATTACH ||
		     changes_pools(op);
	unsigned int type;

	genl_begin(g, m, op->cmd, op->dump ? NLM_F_DUMP : 0);
	if (op->policy < 0 || how == EMPTY)
		return;
	for (type = 1; type <= policy->max; type++) {
		const char *text = how == UNKNOWN ? "nosuch" :
				   names ? "default" : "native";

		if ((op->cmd == VMSCHED_CMD_SCHED_SWITCH ||
		     op->cmd == VMSCHED_CMD_SCHED_HOLD) &&
		    type == VMSCHED_A_SWITCH_POOL)
			text = "default";
		if (op->cmd == VMSCHED_CMD_VM_SET && type == VMSCHED_A_VM_POOL)
			text = how == UNKNOWN ? "nosuch" : "default";
		/* There is one vCPU, of number 0 */
		if (op->cmd == VMSCHED_CMD_VCPU_SET &&
		    type == VMSCHED_A_VCPU_INDEX) {
			genl_put_u32(m, type, 0);
			continue;
		}
		/* The one that takes a weight */
		if (op->cmd == VMSCHED_CMD_REQUEST && how == GOOD &&
		    type == VMSCHED_A_REQUEST_KIND) {
			genl_put_u32(m, type, VMSCHED_REQUEST_KIND_PRIO);
			continue;
		}
		/* This socket is an agent that does not acknowledge */
		if (type == VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT && how == GOOD &&
		    (op->cmd == VMSCHED_CMD_SCHED_SWITCH ||
		     op->cmd == VMSCHED_CMD_SCHED_HOLD)) {
			genl_put_u32(m, type, VMSCHED_ON_CONSOLE_TIMEOUT_GO_ON);
			continue;
		}
		/* Nothing is held for this socket */
		if (op->cmd == VMSCHED_CMD_SCHED_SWITCH &&
		    type == VMSCHED_A_SWITCH_HELD)
			continue;
		put_attr(m, p, &policy->attr[type], type, text,
			 how == UNKNOWN ? UINT32_MAX : guest);
	}
}

/*
 * There is no announcement to acknowledge, a socket is an agent once only, and a pool
 * "default" there is always.
 */
static bool may_answer(const struct policy_op *op, int error)
{
	return !error || op->cmd == VMSCHED_CMD_CONSOLE_ACK || changes_pools(op) ||
	       (op->cmd == VMSCHED_CMD_CONSOLE_ATTACH && error == -EEXIST);
}

/* All requests under the scheduler that is active; number of leaks */
static unsigned int leaks_of_requests(struct genl *g, const struct policies *p,
				      uint64_t guest, unsigned int *answers)
{
	unsigned int i, bad = 0;
	enum how how;

	for (i = 0; i < p->n_ops; i++) {
		const char *name = doc_command_name(p->op[i].cmd);
		struct genl_msg m;

		for (how = GOOD; how < HOWS; how++) {
			build(g, &m, p, &p->op[i], how, guest);
			if (ask(g, &m, &first)) {
				printf("# %s: no answer\n", name);
				bad++;
				continue;
			}
			if (how == GOOD &&
			    !may_answer(&p->op[i], first.ack.error)) {
				printf("# %s: error %d '%s'\n", name,
				       first.ack.error, first.ack.text);
				bad++;
			}
			bad += leaks_in_answer(&first, name);
			*answers += first.ack.messages + 1;
		}
	}
	return bad;
}

TEST_F_TIMEOUT(vmsched, each_answer, LIMIT)
{
	static const char * const scheds[] = { "native", "rr", "bvt" };
	unsigned int i, answers = 0;
	struct policies p;
	struct genl g;
	uint64_t id;

	ASSERT_NE(NULL, start_listed("guest", &id));
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, policies_read(&g, &p));
	for (i = 0; i < ARRAY_SIZE(scheds); i++) {
		ASSERT_EQ(0, genl_switch(&g, scheds[i]));
		EXPECT_EQ(0, leaks_of_requests(&g, &p, id, &answers));
		/* One of them was to keep the pool ceased, for 50 ms */
		clock_sleep_ms(100);
	}
	EXPECT_LT(ARRAY_SIZE(scheds) * p.n_ops * HOWS, answers);
	metric("answers", answers, "");
	genl_close(&g);
}

/* Read events as they are, until there is none for a while */
static unsigned int leaks_of_events(struct genl *g, bool seen[256])
{
	struct timeval limit = { .tv_sec = patience(2) };
	unsigned int bad = 0;

	setsockopt(g->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	for (;;) {
		const struct nlmsghdr *msg = (struct nlmsghdr *)first.buf;
		ssize_t n = recv(g->fd, first.buf, sizeof(first.buf), 0);
		size_t left = n;

		if (n < 0)
			return errno == EAGAIN ? bad : bad + 1;
		for (; NLMSG_OK(msg, left); msg = NLMSG_NEXT(msg, left)) {
			seen[genl_cmd(msg)] = true;
			bad += leak_in_message(msg, "event");
		}
	}
}

TEST_F_TIMEOUT(vmsched, each_event, LIMIT)
{
	bool seen[256] = { false };
	struct policies p;
	struct rawvm *vm;
	struct genl_ack ack;
	struct genl_msg m;
	struct genl g;
	unsigned int i;
	uint64_t id;

	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, policies_read(&g, &p));
	ASSERT_EQ(0, genl_join(&g));
	/* What agents are told is no event for everybody */
	genl_begin(&g, &m, VMSCHED_CMD_CONSOLE_ATTACH, NLM_F_ACK);
	ASSERT_EQ(0, genl_call(&g, &m, &ack, NULL, NULL));
	ASSERT_EQ(0, ack.error);
	vm = start_listed("guest", &id);
	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, cli_do("sched switch bvt"));
	ASSERT_EQ(0, cli_do("sched evict"));
	ASSERT_EQ(0, cli_do("sched unload rr"));
	ASSERT_EQ(0, cli_do("sched load rr"));
	ASSERT_EQ(0, cli_do("request owner %ju", (uintmax_t)id));
	ASSERT_EQ(0, cli_do("pool add b cpus 1"));
	ASSERT_EQ(0, cli_do("vm set %ju pool b", (uintmax_t)id));
	ASSERT_EQ(0, cli_do("pool set b cpus 1"));
	ASSERT_EQ(0, cli_do("vm set %ju pool default", (uintmax_t)id));
	ASSERT_EQ(0, cli_do("pool del b"));
	/* One that fails tells so, with the error */
	EXPECT_NE(0, cli_do("sched switch rr pool nowhere"));
	ASSERT_EQ(0, rawvm_kill(vm));
	EXPECT_EQ(0, leaks_of_events(&g, seen));
	/* What is no request is an event */
	for (i = 1; i <= VMSCHED_CMD_MAX; i++) {
		if (!policy_op(&p, i, false) && !policy_op(&p, i, true))
			EXPECT_TRUE(seen[i]) {
				TH_LOG("no %s came", doc_command_name(i));
			}
	}
	genl_close(&g);
}

/* Ask until two answers are the same: then nothing moves any more */
static bool settled(struct genl *g, struct genl_msg *m)
{
	uint64_t end = clock_ns() + limit_ms(SETTLE_MS) * NSEC_PER_MSEC;

	do {
		if (ask(g, m, &first))
			return false;
		clock_sleep_ms(20);
		if (ask(g, m, &second))
			return false;
		if (first.len == second.len &&
		    !memcmp(first.buf, second.buf, first.len))
			return true;
	} while (clock_ns() < end);
	return false;
}

/* Bytes of the answer that depend on what was in memory before */
static unsigned int bytes_that_differ(struct genl *g, struct genl_msg *m)
{
	static const uint8_t fill[] = { 0x5a, 0xa5, 0x00, 0xcc };
	unsigned int i, n = 0;
	size_t at;

	for (i = 0; i < ROUNDS; i++) {
		leak_poison(fill[i % ARRAY_SIZE(fill)]);
		if (ask(g, m, &second) || second.len != first.len)
			return n + 1;
		for (at = 0; at < first.len; at++) {
			if (first.buf[at] == second.buf[at])
				continue;
			printf("# byte %zu was %02x, is %02x\n", at,
			       first.buf[at], second.buf[at]);
			n++;
		}
	}
	return n;
}

TEST_F_TIMEOUT(vmsched, same_request_same_bytes, LIMIT)
{
	struct policies p;
	struct genl_msg m;
	struct rawvm *vm;
	unsigned int i;
	struct genl g;
	enum how how;
	uint64_t id;

	vm = start_listed("guest", &id);
	ASSERT_NE(NULL, vm);
	/* Its counters stand still */
	ASSERT_EQ(0, rawvm_pause(vm));
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_EQ(0, policies_read(&g, &p));
	for (i = 0; i < p.n_ops; i++) {
		for (how = GOOD; how < HOWS; how++) {
			build(&g, &m, &p, &p.op[i], how, id);
			/* No name: back to the one before, which moves things */
			if (p.op[i].cmd == VMSCHED_CMD_SCHED_SWITCH &&
			    how == EMPTY)
				continue;
			/* This one says how long it took, or is in its own way */
			if (p.op[i].cmd == VMSCHED_CMD_SCHED_HOLD)
				continue;
			ASSERT_TRUE(settled(&g, &m)) {
				TH_LOG("%s moves", doc_command_name(p.op[i].cmd));
			}
			EXPECT_EQ(0, bytes_that_differ(&g, &m)) {
				TH_LOG("in %s", doc_command_name(p.op[i].cmd));
			}
		}
	}
	genl_close(&g);
	EXPECT_EQ(0, rawvm_resume(vm));
}

/* One file; 1 more in @files if it can be read */
static unsigned int leaks_in_file(const char *path, unsigned int *files)
{
	char text[RECORD_SIZE];
	unsigned int bad = 0;
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	if (!ferror(f)) {
		text[n] = '\0';
		bad = leak_in_text(text, path);
		(*files)++;
	}
	fclose(f);
	return bad;
}

/*
 * All files below @path. Where its sections are, and its build id, Linux tells
 * of each module; the first to root alone.
 */
static unsigned int leaks_below(const char *path, unsigned int *files,
				bool root)
{
	DIR *dir = opendir(path);
	unsigned int bad = 0;
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		char sub[PATH_SIZE];
		bool skip = d->d_name[0] == '.' ||
			    (d->d_type == DT_DIR && !strcmp(d->d_name, "notes")) ||
			    (d->d_type == DT_DIR && root &&
			     !strcmp(d->d_name, "sections"));

		if (skip || snprintf(sub, sizeof(sub), "%s/%s", path,
				     d->d_name) >= (int)sizeof(sub))
			continue;
		if (d->d_type == DT_DIR)
			bad += leaks_below(sub, files, root);
		else if (d->d_type == DT_REG)
			bad += leaks_in_file(sub, files);
	}
	if (dir)
		closedir(dir);
	return bad;
}

/* Of vmsched and each scheduler; number of files read */
static unsigned int leaks_in_sysfs(bool root, unsigned int *files)
{
	static const char * const names[] = {
		"vmsched", "vmsched_rr", "vmsched_bvt",
	};
	unsigned int i, bad = 0;
	char path[PATH_SIZE];

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", names[i]);
		bad += leaks_below(path, files, root);
	}
	return bad;
}

TEST_F_TIMEOUT(vmsched, sysfs, LIMIT)
{
	unsigned int files = 0;
	int status;
	pid_t pid;

	EXPECT_EQ(0, leaks_in_sysfs(true, &files));
	EXPECT_LT(10, files);
	metric("files", files, "");
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		files = 0;
		_exit(unpriv_user() || leaks_in_sysfs(false, &files) || !files);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Lines of the kernel log with @word; -1 if it cannot be read */
static int leaks_in_log(const char *word, unsigned int *lines)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[RECORD_SIZE];
	int bad = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	for (;;) {
		n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		if (!strstr(record, word))
			continue;
		bad += leak_in_text(record, "kernel log");
		(*lines)++;
	}
	close(fd);
	return bad;
}

/* Schedulers that are refused have vmsched write to the log */
static void insert_bad_schedulers(void)
{
	static const char * const names[] = {
		"bad_api", "bad_name", "bad_op", "bad_owner",
	};
	const char *dir = getenv("VMSCHED_TEST_MODULES");
	char exe[PATH_SIZE] = "", path[2 * PATH_SIZE];
	unsigned int i;

	if (!dir) {
		if (readlink("/proc/self/exe", exe, sizeof(exe) - 9) < 0)
			return;
		dir = strcat(dirname(exe), "/modules");
	}
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s.ko", dir, names[i]);
		module_insert(path);
	}
}

TEST_F_TIMEOUT(vmsched, kernel_log, LIMIT)
{
	unsigned int lines = 0;

	insert_bad_schedulers();
	EXPECT_EQ(0, leaks_in_log("vmsched", &lines));
	EXPECT_LE(4, lines);
	metric("lines", lines, "");
	klog_warnings_but(&self->log, "refused");
}

TEST_F_TIMEOUT(vmsched, vmschedctl, LIMIT)
{
	static const char * const lines[] = {
		"status", "sched list", "sched show bvt", "pool list", "vm list",
		"vm show pid:%d", "vcpu list", "vcpu list pid:%d",
		"sched switch rr", "sched previous", "vm set pid:%d weight 200",
		"vm set pid:%d weight 0", "sched switch nosuch", "vm show 999999",
		"help", "version", "nosuch",
	};
	static const char * const forms[] = { "", "-j ", "-p -j " };
	unsigned int i, j, chars = 0;
	struct rawvm *vm;
	uint64_t id;

	vm = start_listed("guest", &id);
	ASSERT_NE(NULL, vm);
	for (i = 0; i < ARRAY_SIZE(lines) * ARRAY_SIZE(forms); i++) {
		const char *words = lines[i / ARRAY_SIZE(forms)];
		struct run_result r;
		char line[256];

		j = snprintf(line, sizeof(line), "vmschedctl %s",
			     forms[i % ARRAY_SIZE(forms)]);
		snprintf(line + j, sizeof(line) - j, words, rawvm_pid(vm));
		ASSERT_EQ(0, run_words(&r, 0, line));
		chars += strlen(r.out) + strlen(r.err);
		EXPECT_EQ(0, leak_in_text(r.out, line));
		EXPECT_EQ(0, leak_in_text(r.err, line));
		run_free(&r);
	}
	EXPECT_LT(1000, chars);
	metric("characters", chars, "");
}

/* The detectors detect */
TEST(finds_what_it_looks_for)
{
	struct {
		struct nlmsghdr head;
		struct genlmsghdr genl;
		struct nlattr attr;
		uint8_t data[8];
	} m = { .head.nlmsg_len = sizeof(m), .head.nlmsg_type = 0x1000,
		.attr.nla_len = NLA_HDRLEN + 8, .attr.nla_type = 1 };
	uint64_t address = 0xffff888012345678ULL;

	EXPECT_EQ(0, leak_in_message(&m.head, "zeros"));
	memcpy(m.data, &address, sizeof(address));
	EXPECT_EQ(1, leak_in_message(&m.head, "wanted"));
	memset(m.data, 0x6b, sizeof(m.data));
	EXPECT_EQ(1, leak_in_message(&m.head, "wanted"));
	memcpy(m.data, "text\0\0\0", 8);
	m.attr.nla_len = NLA_HDRLEN + 5;
	EXPECT_EQ(0, leak_in_message(&m.head, "text"));
	m.data[6] = 1;
	EXPECT_EQ(1, leak_in_message(&m.head, "wanted"));
	EXPECT_EQ(0, leak_in_text("1234567890123456 00ff00ff", "text"));
	EXPECT_EQ(1, leak_in_text("at ffffffff81000000 in", "wanted"));
	EXPECT_EQ(1, leak_in_text("=000000001234abcd", "wanted"));
}

TEST_HARNESS_MAIN
