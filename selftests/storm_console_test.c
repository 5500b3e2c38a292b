// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler changes all the time under VMs of mixed load, to one that counts how
 * it is called among others, in random ways and with random policies for the old one,
 * while bytes stream through vmschedctl console attach to three of the VMs and back and
 * the console changes hands. None is lost: each switch is answered and told of, each
 * byte comes to where it belongs, and the kernel gets all its memory back.
 *
 * The consoles are sockets of the test, which send back what was typed, and print by
 * themselves as long as their VM goes on. (Guests that print: console_guest_test.c.)
 */
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/mixed.h"
#include "lib/operator.h"
#include "lib/storm_fixture.h"

#define FULL		10000
#define SWITCHES	2000
/* Objects that Linux has more afterwards, up to 530 were seen */
#define NOISE		200
/* On the debug kernel a switch takes ten times as long */
#define DEBUG_PART	10
#define POLICY_EACH	20
#define LOOK_EACH	50
#define WARM_UP		40
#define CONSOLES	3
#define PATHS		"/tmp/vmsched-storm-%i"
#define CHANGE_MS	90
#define TYPE_MS		15
#define PRINT_MS	10
#define SETTLE_MS	500
#define MOST_NTFS	8

/* --- Consoles --- */

/* The console of a VM: what it has printed of its own, and sent back */
struct port {
	struct rawvm *vm;
	const char *name;
	uint64_t id;
	int listener;
	pthread_t thread;
	bool quiet;		/* prints no more of its own */
	bool over;		/* no more at all */
	uint64_t own;
	uint64_t back;
	char line[16];		/* what was typed of a line so far */
	unsigned int n;
	bool failed;
};

static bool port_open(struct port *p)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	p->name = rawvm_name(p->vm);
	if (!vm_listed(rawvm_pid(p->vm), true, HANG_LIMIT_MS) ||
	    vm_id(rawvm_pid(p->vm), &p->id))
		return false;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/vmsched-storm-%llu",
		 (unsigned long long)p->id);
	unlink(addr.sun_path);
	p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return p->listener >= 0 &&
	       !bind(p->listener, (struct sockaddr *)&addr, sizeof(addr)) &&
	       !listen(p->listener, 1);
}

static bool flag(const bool *b)
{
	return __atomic_load_n(b, __ATOMIC_ACQUIRE);
}

static void set(bool *b)
{
	__atomic_store_n(b, true, __ATOMIC_RELEASE);
}

static bool print(int fd, const char *name, char sign, const char *number)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%s%c%s\n", name, sign, number);

	return write(fd, text, n) == n;
}

/* Send each whole line back; once it is detached there will be none */
static bool send_back(struct port *p, int fd)
{
	char text[4096];
	ssize_t i, got = read(fd, text, sizeof(text));

	for (i = 0; i < got; i++) {
		if (text[i] != '\n') {
			if (p->n + 1 == sizeof(p->line))
				return false;
			p->line[p->n++] = text[i];
			continue;
		}
		p->line[p->n] = '\0';
		p->n = 0;
		if (!print(fd, p->name, ':', p->line))
			return false;
		__atomic_add_fetch(&p->back, 1, __ATOMIC_RELAXED);
	}
	if (!got)
		set(&p->over);
	return got >= 0;
}

/* A line of its own if the VM has done something since the last one */
static bool print_own(struct port *p, int fd, uint64_t *progress)
{
	uint64_t now = rawvm_progress_all(p->vm);
	char text[24];

	if (now == *progress || flag(&p->quiet))
		return true;
	*progress = now;
	p->own++;
	snprintf(text, sizeof(text), "%ju", (uintmax_t)p->own);
	return print(fd, p->name, '=', text);
}

static void *serve(void *arg)
{
	struct port *p = arg;
	struct pollfd pfd = { .fd = p->listener, .events = POLLIN };
	uint64_t next = 0, progress = 0;
	bool ok = true;

	/* Nobody is connected before it was the owner */
	while (!flag(&p->over) && poll(&pfd, 1, PRINT_MS) != 1)
		;
	pfd.fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
	while (ok && !flag(&p->over)) {
		if (poll(&pfd, 1, PRINT_MS) == 1)
			ok = send_back(p, pfd.fd);
		if (ok && clock_ns() >= next) {
			ok = print_own(p, pfd.fd, &progress);
			next = clock_ns() + PRINT_MS * NSEC_PER_MSEC;
		}
	}
	p->failed = !ok;
	close(pfd.fd);
	return NULL;
}

/* --- Switches --- */

static const char * const scheds[] = { "count", "native", "rr", "bvt" };

enum { COUNT, NATIVE, FIRST_MODULE };

struct change {
	struct storm *storm;
	struct rawvm **vms;
	unsigned int n;
	pthread_t thread;
	bool over;
	struct genl g;		/* requests */
	struct genl events;
	unsigned int now;	/* who is in force */
	/* What was seen */
	long counting;		/* times that the counting one came into force */
	unsigned int done;
	unsigned int policies;
	unsigned int refused;
	unsigned int told;
	uint64_t console_ns;	/* longest wait for the agent */
	unsigned int late;	/* switches for which it was late */
	int error;
};

/* Events of switches that have come */
struct told {
	char to[MOST_NTFS][VMSCHED_NAME_LEN];
	int error[MOST_NTFS];
	unsigned int n;
};

static void take_event(const struct nlmsghdr *msg, void *arg)
{
	struct told *t = arg;

	if (genl_cmd(msg) != VMSCHED_CMD_SWITCH_NTF || t->n == MOST_NTFS)
		return;
	snprintf(t->to[t->n], VMSCHED_NAME_LEN, "%s",
		 genl_text(genl_attr(msg, VMSCHED_A_SWITCH_TO)));
	/* The spec has it as a positive number */
	t->error[t->n++] = -(int)genl_u32(genl_attr(msg, VMSCHED_A_SWITCH_ERROR));
}

/*
 * What was told since the last look is this switch, and the way by native if the old
 * one went before; an event is there before the answer.
 */
static bool was_told(struct change *c, const char *to, bool by_native, int error)
{
	struct pollfd pfd = { .fd = c->events.fd, .events = POLLIN };
	struct genl_ack ack = { 0 };
	struct told t = { .n = 0 };
	unsigned int last = by_native;
	int ret = 0;

	while (!ret && poll(&pfd, 1, 0) > 0)
		ret = genl_read(&c->events, &ack, take_event, &t);
	c->told += t.n;
	if (!ret && t.n == last + 1 && !strcmp(t.to[last], to) &&
	    t.error[last] == error && (!last || !strcmp(t.to[0], "native")))
		return true;
	printf("# a switch to %s (%d) was told of as %u events, the last %s (%d): %d\n",
	       to, error, t.n, t.n ? t.to[t.n - 1] : "-",
	       t.n ? t.error[t.n - 1] : 0, ret);
	return false;
}

struct answer {
	char from[VMSCHED_NAME_LEN];
	char to[VMSCHED_NAME_LEN];
	uint64_t console_ns;
	uint32_t late;
};

static void take_answer(const struct nlmsghdr *msg, void *arg)
{
	struct answer *a = arg;

	snprintf(a->from, sizeof(a->from), "%s",
		 genl_text(genl_attr(msg, VMSCHED_A_SWITCH_FROM)));
	snprintf(a->to, sizeof(a->to), "%s",
		 genl_text(genl_attr(msg, VMSCHED_A_SWITCH_TO)));
	a->console_ns = genl_u64(genl_attr(msg, VMSCHED_A_SWITCH_CONSOLE_NS));
	a->late = genl_u32(genl_attr(msg, VMSCHED_A_SWITCH_CONSOLE_LATE));
}

/* The answer says from where to where, and that the agent was waited for */
static int switch_directly(struct change *c, unsigned int to)
{
	struct answer a = { 0 };
	int ret;

	ret = mixed_switch(&c->g, scheds[to], storm_below(&c->storm->rng, 3),
			   take_answer, &a);
	if (ret)
		return ret;
	if (a.console_ns > c->console_ns)
		c->console_ns = a.console_ns;
	c->late += !!a.late;
	if (!strcmp(a.from, scheds[c->now]) && !strcmp(a.to, scheds[to]) &&
	    a.console_ns && was_told(c, scheds[to], false, 0))
		return 0;
	printf("# a switch from %s to %s was answered as from %s to %s, console %ju ns\n",
	       scheds[c->now], scheds[to], a.from, a.to, (uintmax_t)a.console_ns);
	return -EPROTO;
}

/* The tool unloads the old one, or not; who is gone is loaded again afterwards */
static int switch_with_policy(struct change *c, unsigned int to)
{
	static const char * const policies[] = {
		"keep", "unload-after", "unload-before",
	};
	static const char * const ways[] = { "id", "table", "patch" };
	bool may_unload = c->now >= FIRST_MODULE;
	struct storm *s = c->storm;
	unsigned int i, policy;
	int ret;

	policy = may_unload ? storm_below(&s->rng, 3) : 0;
	ret = cli_do("sched switch %s activate %s old %s cease-timeout %d%s",
		     scheds[to], ways[storm_below(&s->rng, 3)], policies[policy],
		     MIXED_CEASE_MS,
		     storm_below(&s->rng, 2) ? " strict-cease" : "");
	if (!ret && policy && module_loaded(c->now == FIRST_MODULE ?
					    "vmsched_rr" : "vmsched_bvt"))
		ret = -EEXIST;
	if (!ret && !was_told(c, scheds[to], policy == 2, 0))
		ret = -EPROTO;
	for (i = FIRST_MODULE; i < ARRAY_SIZE(scheds); i++)
		ret = ret ?: cli_do("sched load %s", scheds[i]);
	c->policies++;
	return ret;
}

/* A switch to the counting scheduler that must fail half way */
static int failing_switch(struct change *c)
{
	int vcpu = storm_below(&c->storm->rng, 2);
	long before = counted("activate");
	int err;

	module_set_param("vmsched_count", vcpu ? "fail_vcpu" : "fail_init",
			 vcpu ? 1 + storm_below(&c->storm->rng, MIXED_VCPUS) : 1);
	err = mixed_switch(&c->g, "count", VMSCHED_ACTIVATE_TABLE, NULL, NULL);
	c->refused++;
	if (err == -ENOSPC && counted("activate") == before &&
	    was_told(c, "count", false, err))
		return 0;
	printf("# a switch that had to fail: %d\n", err);
	return -EINVAL;
}

/*
 * From who is in force to a random other one, in a random way, by the tool with a
 * policy each POLICY_EACHth time; each tenth way into the counting one fails.
 */
static int switch_once(struct change *c, unsigned int i)
{
	struct storm *s = c->storm;
	unsigned int to;
	int ret = 0;

	do {
		to = storm_below(&s->rng, ARRAY_SIZE(scheds));
	} while (to == c->now);
	if (to == COUNT && !storm_below(&s->rng, 10))
		ret = failing_switch(c);
	if (!ret && to >= FIRST_MODULE && i % POLICY_EACH == 0)
		ret = switch_with_policy(c, to);
	else if (!ret)
		ret = switch_directly(c, to);
	if (ret) {
		printf("# switch %u to %s failed: %d\n", i, scheds[to], ret);
		return ret;
	}
	c->now = to;
	c->counting += to == COUNT;
	c->done++;
	return 0;
}

static void *switch_all(void *arg)
{
	struct change *c = arg;
	unsigned int i;

	for (i = 0; i < c->n && !c->error; i++) {
		c->error = switch_once(c, i);
		if (storm_below(&c->storm->rng, 2))
			clock_sleep_ms(storm_below(&c->storm->rng, 20));
		if (i % LOOK_EACH == LOOK_EACH - 1 && !mixed_advance(c->vms))
			c->error = -ETIME;
	}
	set(&c->over);
	return NULL;
}

/* From here on each switch is told of */
static bool events_begin(struct change *c)
{
	int size = 4 << 20;

	return !genl_open(&c->events) &&
	       !setsockopt(c->events.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
			   sizeof(size)) && !genl_join(&c->events);
}

/* --- What must be as before --- */

static bool same(const char *a, long na, const char *b, long nb)
{
	if (na != nb)
		printf("# %s: %ld, but %s: %ld\n", a, na, b, nb);
	return na == nb;
}

/* All that was begun has been ended, once */
static bool calls_add_up(long switches)
{
	return same("init", counted("init"), "exit", counted("exit")) &
	       same("activate", counted("activate"), "switches", switches) &
	       same("deactivate", counted("deactivate"), "switches", switches) &
	       same("vcpu_init", counted("vcpu_init"),
		    "vcpu_exit", counted("vcpu_exit")) &
	       same("enqueue", counted("enqueue"), "dequeue and pick",
		    counted("dequeue") + counted("pick"));
}

/* Nobody holds a scheduler; of vmsched itself, its schedulers do */
static bool references_are_right(void)
{
	return same("references of count", module_references("vmsched_count"),
		    "users", 0) &
	       same("of rr", module_references("vmsched_rr"), "users", 0) &
	       same("of bvt", module_references("vmsched_bvt"), "users", 0) &
	       same("of vmsched", module_references("vmsched"), "loaded", schedulers_loaded());
}

/* Native, no VM but the witnesses; what is freed later has been freed */
static bool memory_at_rest(struct change *c, struct kmem *m)
{
	if (mixed_switch(&c->g, "native", VMSCHED_ACTIVATE_TABLE, NULL, NULL) ||
	    !storm_only_witnesses_listed(c->storm))
		return false;
	clock_sleep_ms(2000);
	kmem_read(m);
	return references_are_right();
}

/*
 * Less than one object for two switches, and not much of anything else. Checkers
 * keep freed memory for a while: there kmemleak is the judge.
 */
static bool memory_is_back(const struct kmem *a, const struct kmem *b, long n)
{
	metric("kmalloc_objects", a->objects, "");
	metric("kmalloc_objects_growth", b->objects - a->objects, "");
	metric("own_objects_growth", b->own - a->own, "");
	metric("kernel_memory_growth", b->kib - a->kib, "KiB");
	metric("vmalloc_growth", b->vmalloc_kib - a->vmalloc_kib, "KiB");
	if (a->objects <= 0 || a->own < 0 || a->kib <= 0)
		return false;
	return kernel_is_debug() ||
	       (b->objects - a->objects < NOISE + n / 2 && b->own <= a->own &&
		b->kib - a->kib < n / 2);
}

/* --- The test --- */

static const unsigned int with_console[CONSOLES] = { 0, 2, 7 };

static bool ports_begin(struct port ports[CONSOLES], struct rawvm *vms[MIXED_VMS],
			struct operator *o)
{
	unsigned int i;

	o->vms = CONSOLES;
	for (i = 0; i < CONSOLES; i++) {
		struct port *p = &ports[i];

		p->vm = vms[with_console[i]];
		if (!port_open(p) || pthread_create(&p->thread, NULL, serve, p))
			return false;
		o->names[i] = p->name;
		o->ids[i] = p->id;
	}
	return true;
}

static uint64_t sent_back(const struct port ports[CONSOLES])
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < CONSOLES; i++)
		n += __atomic_load_n(&ports[i].back, __ATOMIC_RELAXED);
	return n;
}

/* All that was typed has been sent back, and all that was printed has been read */
static bool ports_end(struct port ports[CONSOLES], struct operator *o)
{
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;
	bool ok = true;
	unsigned int i;

	for (i = 0; i < CONSOLES; i++)
		set(&ports[i].quiet);
	while (ok && sent_back(ports) < o->lines && clock_ns() < end)
		ok = console_read(&o->console, 50);
	for (i = 0; i < SETTLE_MS / 50 && ok; i++)
		ok = console_read(&o->console, 50);
	ok = !operator_end(o) && ok;
	for (i = 0; i < CONSOLES; i++) {
		set(&ports[i].over);
		pthread_join(ports[i].thread, NULL);
		close(ports[i].listener);
	}
	return ok;
}

/* What came to the operator is what the ports have sent, to the last line */
static bool nothing_is_lost(const struct port ports[CONSOLES], struct operator *o)
{
	unsigned int i, bytes = 0;
	bool ok = operator_judge(o);

	for (i = 0; i < CONSOLES; i++) {
		const struct operator_printed *p = &o->printed[i];

		bytes += p->len;
		ok &= same("own lines shown", p->own, "printed", ports[i].own) &
		      same("lines back", p->back, "sent back", ports[i].back);
	}
	metric("owner_changes", o->asked, "");
	metric("lines_typed", o->lines, "");
	metric("bytes_printed", bytes, "");
	return same("owners shown", o->shown, "asked for", o->asked + 1) && ok;
}

/* The operator types and looks, and the console changes hands, until they are done */
static bool operate(struct operator *o, struct genl *g, struct change *c)
{
	bool ok = !pthread_create(&c->thread, NULL, switch_all, c);

	while (ok && !flag(&c->over))
		ok = operator_work(o, clock_ns() + CHANGE_MS * NSEC_PER_MSEC,
				   TYPE_MS) && !operator_give(o, g);
	ok = ok && operator_work(o, clock_ns() + CHANGE_MS * NSEC_PER_MSEC, TYPE_MS);
	pthread_join(c->thread, NULL);
	return ok;
}

/* What Linux keeps of programs and files that are used for the first time is there */
static bool warm_up_tool(void)
{
	struct console console;
	bool ok;

	ok = !cli_do("sched switch rr") &&
	     !cli_do("sched switch bvt old unload-before strict-cease cease-timeout %d",
		     MIXED_CEASE_MS) &&
	     !cli_do("sched switch rr old unload-after") && !cli_do("sched load bvt") &&
	     !console_start(&console, "", false) &&
	     console_expect(&console, "no VM owns");
	console_free(&console);
	return ok;
}

/* Each thing once before it is counted */
static bool warm_up(struct change *c)
{
	struct rawvm *vms[MIXED_VMS];
	unsigned int i;

	if (!mixed_spawn(vms) || !warm_up_tool())
		return false;
	for (i = 0; i < WARM_UP; i++)
		if (mixed_switch(&c->g, scheds[i % 4], i % 3, NULL, NULL))
			return false;
	for (i = 0; i < MIXED_VMS; i++)
		if (rawvm_kill(vms[i]))
			return false;
	return true;
}

TEST_STORM(switches_under_streams, 400)
{
	unsigned int part = kernel_is_debug() ? DEBUG_PART : 1;
	unsigned int i, n = storm_count(SWITCHES / part, FULL / part);
	struct change c = { .storm = &self->storm, .n = n, .now = NATIVE };
	struct port ports[CONSOLES] = { 0 };
	struct rawvm *vms[MIXED_VMS];
	struct kmem before, after;
	static struct operator o;
	struct genl g;
	long warm;

	ASSERT_EQ(0, module_insert_own("vmsched_count"));
	ASSERT_EQ(0, genl_open(&c.g));
	ASSERT_TRUE(warm_up(&c));
	ASSERT_TRUE(memory_at_rest(&c, &before));
	warm = counted("activate");
	ASSERT_TRUE(events_begin(&c));

	ASSERT_TRUE(mixed_spawn(vms));
	ASSERT_EQ(0, genl_open(&g));
	ASSERT_TRUE(ports_begin(ports, vms, &o));
	ASSERT_TRUE(operator_begin(&o, &g, "socket " PATHS));
	c.vms = vms;
	EXPECT_TRUE(operate(&o, &g, &c));
	storm_done(&self->storm, "switches", c.done);
	metric("with_a_policy", c.policies, "");
	metric("made_to_fail", c.refused, "");
	metric("events", c.told, "");
	metric("longest_wait_for_console", c.console_ns / 1e6, "ms");
	metric("console_was_late", c.late, "");
	EXPECT_EQ(0, c.error);
	EXPECT_EQ(n, c.done);
	EXPECT_GT(c.counting, 0);
	ASSERT_TRUE(ports_end(ports, &o));
	EXPECT_TRUE(nothing_is_lost(ports, &o));
	for (i = 0; i < CONSOLES; i++) {
		EXPECT_FALSE(ports[i].failed);
		EXPECT_GT(ports[i].own, 20);
	}

	/* VMs that end while it is in force are taken from it one by one */
	ASSERT_EQ(0, mixed_switch(&c.g, "native", 0, NULL, NULL));
	ASSERT_EQ(0, mixed_switch(&c.g, "count", 0, NULL, NULL));
	ASSERT_TRUE(mixed_advance(vms));
	for (i = 0; i < MIXED_VMS; i++)
		ASSERT_EQ(0, i % 2 ? rawvm_stop(vms[i]) : rawvm_kill(vms[i]));
	ASSERT_TRUE(memory_at_rest(&c, &after));
	EXPECT_TRUE(memory_is_back(&before, &after, n));
	EXPECT_TRUE(calls_were_right());
	EXPECT_TRUE(calls_add_up(warm + c.counting + 1));
	EXPECT_GT(counted("pick"), c.counting);
	genl_close(&c.events);
	genl_close(&c.g);
	genl_close(&g);
	operator_free(&o);
}

TEST_HARNESS_MAIN
