// SPDX-License-Identifier: GPL-2.0
/*
 * Names of VMs, which only their VMMs know: from command lines as QEMU,
 * libvirt and kvmtool write them, from libvirt's control group, else from the
 * process; and VMs that are meant by such a name.
 */
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/fixture.h"

#define LIMIT		200
#define MAX_ARGS	8
#define NAME_SIZE	64
#define CGROUPS		"/sys/fs/cgroup/"
/* Stands for COMMAND-PID */
#define BY_PROCESS	NULL

struct named {
	const char *name;		/* that is to be found */
	const char *argv[MAX_ARGS];
	const char *cgroup;
};

static const struct named cases[] = {
	{ "web1", { "qemu-system-x86_64", "-name",
		    "guest=web1,debug-threads=on", "-S" } },
	{ "web2", { "qemu-system-x86_64", "-m", "64", "-name", "web2" } },
	{ "web3", { "qemu-system-x86_64", "-name", "web3,process=vm" } },
	{ "web4", { "/usr/bin/kvm", "-name", "process=vm,guest=web4" } },
	{ "web5", { "qemu-system-x86_64", "--name", "guest=web5" } },
	{ "web6", { "lkvm", "run", "--name", "web6", "-k", "bzImage" } },
	/* A comma is written twice, the last name counts */
	{ "a,b", { "qemu-system-x86_64", "-name", "guest=a,,b,process=vm" } },
	{ "c,d", { "qemu-system-x86_64", "-name", "c,,d" } },
	{ "last", { "qemu-system-x86_64", "-name", "first", "-name", "last" } },
	/* What looks like a name and is none */
	{ BY_PROCESS, { "qemu-system-x86_64", "-name", "debug-threads=on" } },
	{ BY_PROCESS, { "qemu-system-x86_64", "-append", "-name=web" } },
	{ BY_PROCESS, { "qemu-system-x86_64", "-m", "64", "-name" } },
	{ BY_PROCESS, { "vmm" } },
	/* What would act on a terminal does not get there */
	{ "x\\x1b[2Jy", { "qemu-system-x86_64", "-name", "guest=x\033[2Jy" } },
	/* libvirt's group, if the command line has none */
	{ "web7", { "qemu-system-x86_64", "-m", "64" },
	  "machine-qemu\\x2d12\\x2dweb7.scope" },
	{ "web-8", { "qemu-system-x86_64" },
	  "machine-qemu\\x2d3\\x2dweb\\x2d8.scope" },
	{ "web9", { "qemu-system-x86_64", "-name", "guest=web9" },
	  "machine-qemu\\x2d4\\x2dother.scope" },
	{ BY_PROCESS, { "qemu-system-x86_64" }, "machine-lxc\\x2d5\\x2dweb.scope" },
};

static int join_cgroup(const char *name, struct rawvm *vm)
{
	char path[128];

	snprintf(path, sizeof(path), CGROUPS "%s", name);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	strcat(path, "/cgroup.procs");
	return file_write_pid(path, rawvm_pid(vm));
}

static struct rawvm *start(const char * const *argv, const char *cgroup)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "vmm", .kind = RAWVM_TICK, .argv = argv });

	if (!vm || (cgroup && join_cgroup(cgroup, vm)) ||
	    !vm_listed(rawvm_pid(vm), true, limit_ms(1000)))
		return NULL;
	return vm;
}

/* Name that `vm show ID` prints; the status of it */
static int shown_name(const char *id, char name[NAME_SIZE])
{
	json_object *field;
	struct cli c;
	int ret = cli(&c, "vm show %s", id);

	name[0] = '\0';
	if (!ret && json_object_object_get_ex(c.json, "name", &field))
		snprintf(name, NAME_SIZE, "%s", json_object_get_string(field));
	cli_free(&c);
	return ret;
}

/* The VM of @named has its name, and is found by it */
static bool name_is_right(const struct named *named)
{
	struct rawvm *vm = start(named->argv, named->cgroup);
	char want[NAME_SIZE], name[NAME_SIZE], id[NAME_SIZE];
	bool ok = false;

	if (!vm)
		return false;
	snprintf(want, sizeof(want), "vmm-%d", rawvm_pid(vm));
	if (named->name)
		snprintf(want, sizeof(want), "%s", named->name);
	snprintf(id, sizeof(id), "pid:%d", rawvm_pid(vm));
	if (!shown_name(id, name))
		ok = !strcmp(name, want);
	if (!ok)
		printf("# name is '%s', should be '%s'\n", name, want);
	if (shown_name(want, name) || strcmp(name, want)) {
		printf("# no VM is found by the name '%s'\n", want);
		ok = false;
	}
	rawvm_kill(vm);
	if (named->cgroup) {
		char path[128];

		snprintf(path, sizeof(path), CGROUPS "%s", named->cgroup);
		rmdir(path);
	}
	return ok;
}

TEST_F_TIMEOUT(vmsched, each_form_of_a_name, LIMIT)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_TRUE(name_is_right(&cases[i])) {
			TH_LOG("case %u of the list", i);
		}
}

/* Name of a process, and how it is shown */
static const struct odd {
	const char *comm;
	const char *shown;
} odd[] = {
	{ "a\"b\\c", "a\"b\\c" },
	{ "x\ny\tz", "x\\x0ay\\x09z" },
	{ "\033[31mred", "\\x1b[31mred" },
	{ "\177\001", "\\x7f\\x01" },
	{ "\377\300\200", "\\xff\\xc0\\x80" },
	{ "\302\233x", "\\xc2\\x9bx" },
	{ "\342\200\256rtl", "\\xe2\\x80\\xaertl" },
	{ "gr\303\274n", "gr\303\274n" },
	{ ") S 1 (", ") S 1 (" },
	{ "%s%n", "%s%n" },
};

/* Bytes that a terminal would act on, in what is printed for people */
static unsigned int control_bytes(const char *command)
{
	struct run_result r;
	unsigned int n = 0;
	const char *p;

	if (run_words(&r, 0, command) || r.status) {
		printf("# %s: fails\n", command);
		return 1;
	}
	for (p = r.out; *p; p++) {
		unsigned char c = *p;

		if ((c < 0x20 && c != '\n') || c == 0x7f)
			n++;
		/* C1 controls in UTF-8 */
		if (c == 0xc2 && (unsigned char)p[1] < 0xa0)
			n++;
	}
	if (n)
		printf("# %s: %u control characters\n", command, n);
	run_free(&r);
	return n;
}

static bool is_shown_as(struct rawvm *vm, const char *shown)
{
	char want[NAME_SIZE], name[NAME_SIZE], id[NAME_SIZE];

	snprintf(want, sizeof(want), "%s-%d", shown, rawvm_pid(vm));
	snprintf(id, sizeof(id), "pid:%d", rawvm_pid(vm));
	if (!shown_name(id, name) && !strcmp(name, want))
		return true;
	printf("# name is '%s', should be '%s'\n", name, want);
	return false;
}

/* Names may hold anything: JSON can be parsed, terminals are left alone */
TEST_F_TIMEOUT(vmsched, odd_process_names, LIMIT)
{
	struct rawvm *vm[ARRAY_SIZE(odd)];
	struct cli list;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		vm[i] = rawvm_spawn(&(struct rawvm_spec) {
			.name = odd[i].comm, .kind = RAWVM_TICK });
		ASSERT_NE(NULL, vm[i]);
		ASSERT_TRUE(vm_listed(rawvm_pid(vm[i]), true, limit_ms(1000)));
		EXPECT_TRUE(is_shown_as(vm[i], odd[i].shown));
	}
	EXPECT_EQ(0, cli(&list, "vm list"));
	EXPECT_EQ(ARRAY_SIZE(odd), json_object_array_length(list.json));
	cli_free(&list);
	EXPECT_EQ(0, control_bytes("vmschedctl vm list"));
	EXPECT_EQ(0, control_bytes("vmschedctl vcpu list"));
	EXPECT_EQ(0, control_bytes("vmschedctl status"));
}

static int weight_of(struct rawvm *vm)
{
	uint64_t weight;

	return vm_u64(rawvm_pid(vm), "weight", &weight) ? -1 : (int)weight;
}

/* A name of two VMs means none of them; digits are an id, unless name: */
TEST_F_TIMEOUT(vmsched, which_vm_is_meant, LIMIT)
{
	static const char * const twin[] = { "qemu", "-name", "twin", NULL };
	static const char * const digits[] = { "qemu", "-name", "4711", NULL };
	static const char * const pid[] = { "qemu", "-name", "pid:1", NULL };
	struct rawvm *a = start(twin, NULL), *b = start(twin, NULL);
	struct rawvm *c = start(digits, NULL), *d = start(pid, NULL);
	struct cli cli_c;

	ASSERT_TRUE(a && b && c && d);
	EXPECT_EQ(CLI_REFUSED, cli(&cli_c, "vm set twin weight 200"));
	EXPECT_TRUE(cli_one_line_error(&cli_c));
	cli_free(&cli_c);
	EXPECT_EQ(100, weight_of(a));
	EXPECT_EQ(100, weight_of(b));

	ASSERT_EQ(0, rawvm_kill(b));
	EXPECT_EQ(0, cli_do("vm set twin weight 200"));
	EXPECT_EQ(200, weight_of(a));
	EXPECT_EQ(CLI_NO_OBJECT, cli(&cli_c, "vm set 4711 weight 300"));
	cli_free(&cli_c);
	EXPECT_EQ(0, cli_do("vm set name:4711 weight 300"));
	EXPECT_EQ(300, weight_of(c));
	EXPECT_EQ(0, cli_do("vm set name:pid:1 weight 400"));
	EXPECT_EQ(400, weight_of(d));
	EXPECT_EQ(0, cli_do("vcpu set twin/0 weight 500"));
}

TEST_HARNESS_MAIN
