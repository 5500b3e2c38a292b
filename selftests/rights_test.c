// SPDX-License-Identifier: GPL-2.0
/*
 * Who may do what: each command, and joining the group of events, by each set
 * of rights that makes a difference. The set is that of a child, which opens a
 * socket of its own.
 */
#include <grp.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/fixture.h"
#include "lib/genl.h"

#define NOBODY_UID	65534
#define LIMIT		200
#define WORDS_FOR_READ	"setpriv --inh-caps=-all --bounding-set=-all,+net_admin "

enum who {
	ROOT,
	NET_ADMIN,
	SYS_ADMIN,
	NOBODY,
	EVERYBODY,
};

static const char * const who_names[] = {
	"root", "CAP_NET_ADMIN alone", "CAP_SYS_ADMIN alone", "nobody",
};

enum needs {
	READ,		/* CAP_NET_ADMIN */
	WRITE,		/* CAP_SYS_ADMIN as well */
	JOIN,		/* events tell of VMs: CAP_SYS_ADMIN */
	NEEDS,
};

struct op {
	const char *name;
	uint8_t cmd;
	uint16_t flags;
	enum needs needs;
};

static const struct op ops[] = {
	{ "status-get", VMSCHED_CMD_STATUS_GET, 0, READ },
	{ "sched-get", VMSCHED_CMD_SCHED_GET, 0, READ },
	{ "sched-get dump", VMSCHED_CMD_SCHED_GET, NLM_F_DUMP, READ },
	{ "pool-get", VMSCHED_CMD_POOL_GET, 0, READ },
	{ "pool-get dump", VMSCHED_CMD_POOL_GET, NLM_F_DUMP, READ },
	{ "vm-get", VMSCHED_CMD_VM_GET, 0, READ },
	{ "vm-get dump", VMSCHED_CMD_VM_GET, NLM_F_DUMP, READ },
	{ "vcpu-get dump", VMSCHED_CMD_VCPU_GET, NLM_F_DUMP, READ },
	{ "vm-set", VMSCHED_CMD_VM_SET, 0, WRITE },
	{ "vcpu-set", VMSCHED_CMD_VCPU_SET, 0, WRITE },
	{ "sched-switch", VMSCHED_CMD_SCHED_SWITCH, 0, WRITE },
	{ "join events", 0, 0, JOIN },
};

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
	genl_begin(g, m, op->cmd, op->flags);
	if (op->flags & NLM_F_DUMP)
		return;
	switch (op->cmd) {
	case VMSCHED_CMD_SCHED_GET:
		genl_put_text(m, VMSCHED_A_SCHED_NAME, "native");
		break;
	case VMSCHED_CMD_POOL_GET:
		genl_put_text(m, VMSCHED_A_POOL_NAME, "default");
		break;
	case VMSCHED_CMD_VM_SET:
		put_weight(m, VMSCHED_A_VM_PARAMS);
		genl_put_u64(m, VMSCHED_A_VM_ID, guest);
		break;
	case VMSCHED_CMD_VM_GET:
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
	}
}

/* Keep but the capabilities of the bits in @mask in force */
static int set_effective(uint32_t mask)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].effective = data[0].permitted & mask;
	data[1].effective = 0;
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

static int become(enum who who)
{
	switch (who) {
	case NET_ADMIN:
		return set_effective(1U << CAP_NET_ADMIN);
	case SYS_ADMIN:
		return set_effective(1U << CAP_SYS_ADMIN);
	case NOBODY:
		return setgroups(0, NULL) || setresgid(NOBODY_UID, NOBODY_UID,
						       NOBODY_UID) ||
		       setresuid(NOBODY_UID, NOBODY_UID, NOBODY_UID) ?
		       -errno : 0;
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
	if (op->needs == JOIN) {
		ack->error = genl_join(g);
		return;
	}
	build(g, &m, op, guest);
	ret = genl_call(g, &m, ack, NULL, NULL);
	if (ret)
		ack->error = ret;
}

/* All of ops[] as @who; true if @acks was filled */
static bool try_all(enum who who, uint64_t guest, struct genl_ack *acks)
{
	pid_t pid = fork();
	unsigned int i;
	struct genl g;
	int status;

	if (!pid) {
		if (become(who) || genl_open(&g))
			_exit(1);
		for (i = 0; i < ARRAY_SIZE(ops); i++)
			try_one(&g, &ops[i], guest, &acks[i]);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return !status;
}

/* Number of commands that @who may do against @may, or may not in spite of it */
static unsigned int wrong(enum who who, uint64_t guest, const bool may[NEEDS])
{
	struct genl_ack *acks;
	unsigned int i, bad = 0;

	acks = mmap(NULL, sizeof(*acks) * ARRAY_SIZE(ops),
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (acks == MAP_FAILED || !try_all(who, guest, acks)) {
		printf("# %s: cannot even try\n", who_names[who]);
		return ARRAY_SIZE(ops);
	}
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		int want = may[ops[i].needs] ? 0 : -EPERM;

		/* Who is let in by Linux is told what else it takes */
		if (acks[i].error == want &&
		    (!want || ops[i].needs != WRITE || who != NET_ADMIN ||
		     strstr(acks[i].text, "CAP_SYS_ADMIN")))
			continue;
		printf("# %s, %s: error %d '%s', should be %d\n",
		       who_names[who], ops[i].name, acks[i].error,
		       acks[i].text, want);
		bad++;
	}
	munmap(acks, sizeof(*acks) * ARRAY_SIZE(ops));
	return bad;
}

static int start_guest(uint64_t *id)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "guest", .kind = RAWVM_TICK });

	if (!vm || !vm_listed(rawvm_pid(vm), true, limit_ms(1000)))
		return -ENOENT;
	return vm_u64(rawvm_pid(vm), "id", id);
}

TEST_F_TIMEOUT(vmsched, each_right_opens_its_commands, LIMIT)
{
	static const bool may[EVERYBODY][NEEDS] = {
		[ROOT] = { true, true, true },
		[NET_ADMIN] = { true, false, false },
		[SYS_ADMIN] = { false, false, true },
		[NOBODY] = { false, false, false },
	};
	enum who who;
	uint64_t id;

	ASSERT_EQ(0, start_guest(&id));
	for (who = ROOT; who < EVERYBODY; who++)
		EXPECT_EQ(0, wrong(who, id, may[who]));
}

/* The parameter opens what reads to everybody, and nothing else */
TEST_F_TIMEOUT(vmsched, unpriv_reads, LIMIT)
{
	static const bool may[EVERYBODY][NEEDS] = {
		[ROOT] = { true, true, true },
		[NET_ADMIN] = { true, false, false },
		[NOBODY] = { true, false, false },
	};
	struct run_result r;
	uint64_t id;

	ASSERT_EQ(0, vmsched_remove_all());
	ASSERT_EQ(0, run_words(&r, 0, "modprobe vmsched unpriv_reads=1"));
	EXPECT_EQ(0, r.status);
	run_free(&r);
	ASSERT_EQ(0, start_guest(&id));
	EXPECT_EQ(0, wrong(ROOT, id, may[ROOT]));
	EXPECT_EQ(0, wrong(NET_ADMIN, id, may[NET_ADMIN]));
	EXPECT_EQ(0, wrong(NOBODY, id, may[NOBODY]));
	rawvm_kill_all();
	ASSERT_EQ(0, vmsched_remove_all());
}

/*
 * Who hands his socket to a program with more rights gets no use of them: the
 * rights of both count. Without an address in send(), as write() does it.
 */
TEST_F_TIMEOUT(vmsched, socket_of_one_with_less, LIMIT)
{
	static const uint32_t all = ~0U;
	const uint32_t lacks[] = { CAP_NET_ADMIN, CAP_SYS_ADMIN };
	struct genl_ack ack;
	unsigned int i, j;
	struct genl g;
	uint64_t id;

	ASSERT_EQ(0, start_guest(&id));
	for (i = 0; i < ARRAY_SIZE(lacks); i++) {
		ASSERT_EQ(0, set_effective(all & ~(1U << lacks[i])));
		ASSERT_EQ(0, genl_open(&g));
		ASSERT_EQ(0, set_effective(all));
		for (j = 0; j < ARRAY_SIZE(ops); j++) {
			if (ops[j].needs != WRITE)
				continue;
			try_one(&g, &ops[j], id, &ack);
			EXPECT_EQ(-EPERM, ack.error) {
				TH_LOG("%s without %u", ops[j].name, lacks[i]);
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

/* An alias for the family would let any user load the module */
TEST_F_TIMEOUT(vmsched, no_user_can_load_the_module, LIMIT)
{
	struct genl_ack acks[ARRAY_SIZE(ops)];
	struct run_result r;

	ASSERT_EQ(0, run_words(&r, 0, "modinfo vmsched"));
	EXPECT_EQ(0, r.status);
	EXPECT_NE(NULL, strstr(r.out, "license:"));
	EXPECT_EQ(NULL, strstr(r.out, "net-pf-16-proto-16-family-"));
	run_free(&r);
	ASSERT_EQ(0, vmsched_remove_all());
	EXPECT_FALSE(try_all(NOBODY, 1, acks));
	EXPECT_FALSE(try_all(ROOT, 1, acks));
	EXPECT_FALSE(module_loaded("vmsched"));
}

TEST_HARNESS_MAIN
