// SPDX-License-Identifier: GPL-2.0
/*
 * vmschedctl as a console agent, step by step: what is typed and printed goes
 * where it belongs over changes of the owner and ceases, and the terminal is
 * given back. VMs are real; their consoles are sockets of the test, so that it
 * says what is printed when. Guests that print are in console_guest_test.c.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>

#include "lib/agent.h"
#include "lib/console.h"
#include "lib/fixture.h"
#include "lib/requester.h"

#define LIMIT		200
#define PATHS		"/tmp/vmsched-console-%i"
#define ESCAPE		"\x1d"
#define QUIET_MS	150
#define LONGEST_MS	1000
#define MANY		40000
#define ELSEWHERE	"/tmp/vmsched-elsewhere"

/* A VM, and its console as the VMM would have it */
struct machine {
	struct rawvm *vm;
	uint64_t id;
	int listener;
	int fd;
};

static char shown[64];

/* The line that says that it owns the console */
static const char *line_of(const struct machine *m)
{
	snprintf(shown, sizeof(shown), "(VM %llu)\r\n",
		 (unsigned long long)m->id);
	return shown;
}

static int machine_start(struct machine *m, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	m->fd = -1;
	m->vm = start_listed(name, &m->id);
	if (!m->vm)
		return -EIO;
	snprintf(addr.sun_path, sizeof(addr.sun_path),
		 "/tmp/vmsched-console-%llu", (unsigned long long)m->id);
	unlink(addr.sun_path);
	m->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(m->listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(m->listener, 1))
		return -errno;
	return 0;
}

static bool machine_accept(struct machine *m)
{
	struct pollfd pfd = { .fd = m->listener, .events = POLLIN };

	if (poll(&pfd, 1, HANG_LIMIT_MS) == 1)
		m->fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);
	return m->fd >= 0;
}

static bool machine_print(struct machine *m, const char *text)
{
	return write(m->fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* True if exactly @text comes, and nothing more */
static bool machine_gets(struct machine *m, const char *text)
{
	struct pollfd pfd = { .fd = m->fd, .events = POLLIN };
	char got[256] = "";
	size_t n = 0;

	while (n < strlen(text) && poll(&pfd, 1, HANG_LIMIT_MS) == 1) {
		ssize_t more = read(m->fd, got + n, sizeof(got) - 1 - n);

		if (more <= 0)
			break;
		n += more;
		got[n] = '\0';
	}
	/* Then nothing, or its end */
	if (!strcmp(got, text) &&
	    (poll(&pfd, 1, 20) == 0 || read(m->fd, got, sizeof(got)) == 0))
		return true;
	printf("# VM %llu should get '%s', not '%s'\n",
	       (unsigned long long)m->id, text, got);
	return false;
}

static bool machine_gets_nothing(struct machine *m, unsigned int ms)
{
	struct pollfd pfd = { .fd = m->fd, .events = POLLIN };

	return poll(&pfd, 1, ms) == 0;
}

static void machine_stop(struct machine *m)
{
	if (m->fd >= 0)
		close(m->fd);
	close(m->listener);
}

/* Two VMs; the first one owns the console, and the agent is attached to it */
static bool start_all(struct machine m[2], struct genl *g, struct console *c,
		      bool terminal)
{
	return !machine_start(&m[0], "one") && !machine_start(&m[1], "two") &&
	       !genl_open(g) && !console_give(g, m[0].id) &&
	       !console_start(c, "socket " PATHS, terminal) &&
	       console_expect(c, CONSOLE_SAYS "console of one") &&
	       console_expect(c, line_of(&m[0])) && machine_accept(&m[0]);
}

static void stop_all(struct machine m[2], struct genl *g, struct console *c)
{
	console_free(c);
	genl_close(g);
	machine_stop(&m[0]);
	machine_stop(&m[1]);
}

static bool is_raw(int fd)
{
	struct termios t;

	return !tcgetattr(fd, &t) && !(t.c_lflag & (ICANON | ECHO | ISIG));
}

/* Start it on a terminal, end it by @signal, or 0: the escape; modes are back */
static bool gives_modes_back(int signal)
{
	struct termios after;
	struct console c;
	int slave, ret;
	bool ok;

	if (console_start(&c, "", true))
		return false;
	slave = open(ptsname(c.in), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ok = slave >= 0 && console_expect(&c, "escape character is ^] (Ctrl + ])") &&
	     console_expect(&c, "no VM owns the console of pool default") &&
	     is_raw(c.in);
	if (signal)
		kill(c.pid, signal);
	else
		console_type(&c, ESCAPE);
	ret = console_wait(&c);
	/* Those of a new terminal */
	ok = ok && !tcgetattr(slave, &after) && (after.c_lflag & ICANON) &&
	     (after.c_lflag & ECHO) && (after.c_oflag & OPOST) && !ret;
	if (!ok)
		printf("# signal %d: status %d, flags %x\n", signal, ret,
		       after.c_lflag);
	close(slave);
	console_free(&c);
	return ok;
}

TEST_F_TIMEOUT(vmsched, terminal_is_given_back, LIMIT)
{
	EXPECT_TRUE(gives_modes_back(0));
	EXPECT_TRUE(gives_modes_back(SIGTERM));
	EXPECT_TRUE(gives_modes_back(SIGINT));
	EXPECT_TRUE(gives_modes_back(SIGHUP));
	EXPECT_TRUE(gives_modes_back(SIGQUIT));
}

TEST_F_TIMEOUT(vmsched, follows_the_owner, LIMIT)
{
	struct machine m[2];
	struct console c;
	struct genl g;

	ASSERT_TRUE(start_all(m, &g, &c, true));
	/* What has a meaning for a terminal has none here, but for the escape */
	EXPECT_TRUE(console_type(&c, "a\x03\x04\x1a\x11\x13\r\n"));
	EXPECT_TRUE(machine_gets(&m[0], "a\x03\x04\x1a\x11\x13\r\n"));
	EXPECT_TRUE(machine_print(&m[0], "first\n"));
	EXPECT_TRUE(console_expect(&c, "first\n"));

	ASSERT_EQ(0, console_give(&g, m[1].id));
	EXPECT_TRUE(console_expect(&c, line_of(&m[1])));
	ASSERT_TRUE(machine_accept(&m[1]));
	EXPECT_TRUE(console_type(&c, "b"));
	EXPECT_TRUE(machine_gets(&m[1], "b"));
	EXPECT_TRUE(machine_gets_nothing(&m[0], 0));

	/* What the other one prints waits until it is the owner again */
	EXPECT_TRUE(machine_print(&m[0], "hidden\n"));
	clock_sleep_ms(QUIET_MS);
	EXPECT_TRUE(machine_print(&m[1], "seen\n"));
	EXPECT_TRUE(console_expect(&c, "seen\n"));
	EXPECT_EQ(NULL, strstr(c.text, "hidden"));
	ASSERT_EQ(0, console_give(&g, m[0].id));
	EXPECT_TRUE(console_expect(&c, line_of(&m[0])));
	EXPECT_TRUE(console_expect(&c, "hidden\n"));

	/* And at the end it is shown, with a name */
	EXPECT_TRUE(machine_print(&m[1], "last\n"));
	clock_sleep_ms(QUIET_MS);
	EXPECT_EQ(NULL, strstr(c.text + c.seen, "last"));
	EXPECT_TRUE(console_type(&c, "x" ESCAPE "y"));
	EXPECT_TRUE(machine_gets(&m[0], "x"));
	EXPECT_TRUE(console_expect(&c, "meanwhile two"));
	EXPECT_TRUE(console_expect(&c, "last\n"));
	EXPECT_TRUE(console_expect(&c, "detached"));
	EXPECT_EQ(0, console_wait(&c));
	stop_all(m, &g, &c);
}

/* Once it does not run any more */
static bool stop(struct console *c)
{
	int status;

	return !kill(c->pid, SIGSTOP) &&
	       waitpid(c->pid, &status, WUNTRACED) == c->pid &&
	       WIFSTOPPED(status);
}

/* Who was shown when something was typed has it, however late it is read */
TEST_F_TIMEOUT(vmsched, typed_for_who_was_shown, LIMIT)
{
	struct machine m[2];
	struct console c;
	struct genl g;

	ASSERT_TRUE(start_all(m, &g, &c, true));
	ASSERT_TRUE(stop(&c));
	EXPECT_TRUE(console_type(&c, "for one\n"));
	EXPECT_TRUE(machine_print(&m[0], "by one\n"));
	ASSERT_EQ(0, console_give(&g, m[1].id));
	kill(c.pid, SIGCONT);
	EXPECT_TRUE(machine_gets(&m[0], "for one\n"));
	EXPECT_TRUE(console_expect(&c, "by one\n"));
	EXPECT_TRUE(console_expect(&c, line_of(&m[1])));
	ASSERT_TRUE(machine_accept(&m[1]));
	EXPECT_TRUE(machine_gets_nothing(&m[1], 20));
	EXPECT_TRUE(console_type(&c, "for two\n"));
	EXPECT_TRUE(machine_gets(&m[1], "for two\n"));
	EXPECT_TRUE(machine_gets_nothing(&m[0], 20));
	stop_all(m, &g, &c);
}

/* When the owner dies the next one is shown, and nothing is lost in between */
TEST_F_TIMEOUT(vmsched, owner_dies, LIMIT)
{
	struct machine m[2];
	struct console c;
	struct genl g;

	ASSERT_TRUE(start_all(m, &g, &c, true));
	EXPECT_TRUE(machine_print(&m[0], "last words\n"));
	ASSERT_EQ(0, rawvm_kill(m[0].vm));
	EXPECT_TRUE(console_expect(&c, "last words\n"));
	EXPECT_TRUE(console_expect(&c, CONSOLE_SAYS "console of two"));
	EXPECT_TRUE(console_expect(&c, line_of(&m[1])));
	ASSERT_TRUE(machine_accept(&m[1]));
	EXPECT_TRUE(console_type(&c, "new"));
	EXPECT_TRUE(machine_gets(&m[1], "new"));

	/* A console that is closed is said, and what was typed for it then */
	shutdown(m[1].fd, SHUT_RDWR);
	EXPECT_TRUE(console_expect(&c, "has closed its console"));
	EXPECT_TRUE(console_type(&c, "again" ESCAPE));
	EXPECT_TRUE(console_expect(&c, "5 bytes that were typed for two"));
	EXPECT_EQ(0, console_wait(&c));
	stop_all(m, &g, &c);
}

/* A switch that is given up if the agent does not acknowledge it */
static int start_switch(struct requester *r, const char *to)
{
	return requester_start(r, to, VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP,
			       LONGEST_MS);
}

/* From the announcement to the end of the switch what is typed waits */
TEST_F_TIMEOUT(vmsched, cease_stops_what_is_typed, LIMIT)
{
	struct genl g, other;
	struct machine m[2];
	struct requester r;
	struct console c;
	uint32_t seq;

	ASSERT_TRUE(start_all(m, &g, &c, true));
	ASSERT_EQ(0, agent_open(&other));
	ASSERT_EQ(0, start_switch(&r, "rr"));
	seq = agent_next_cease(&other);
	ASSERT_NE(0, seq);
	clock_sleep_ms(QUIET_MS);
	EXPECT_TRUE(console_type(&c, "waits"));
	EXPECT_TRUE(machine_print(&m[0], "is shown\n"));
	EXPECT_TRUE(console_expect(&c, "is shown\n"));
	EXPECT_TRUE(machine_gets_nothing(&m[0], QUIET_MS));
	EXPECT_FALSE(requester_done(&r));
	EXPECT_EQ(0, agent_ack(&other, seq));
	EXPECT_EQ(0, requester_end(&r));
	EXPECT_TRUE(machine_gets(&m[0], "waits"));
	genl_close(&other);

	/* Alone it is quick, and it goes on if a switch is given up */
	ASSERT_EQ(0, start_switch(&r, "bvt"));
	EXPECT_EQ(0, requester_end(&r));
	EXPECT_EQ(0, r.late);
	EXPECT_GT(r.console_ns, 0);
	metric("console_of_vmschedctl", r.console_ns / 1e6, "ms");
	ASSERT_EQ(0, agent_open(&other));
	ASSERT_EQ(0, start_switch(&r, "rr"));
	EXPECT_EQ(-ETIMEDOUT, requester_end(&r));
	EXPECT_TRUE(console_type(&c, "goes on"));
	EXPECT_TRUE(machine_gets(&m[0], "goes on"));
	genl_close(&other);
	stop_all(m, &g, &c);
}

/* It acknowledges once all that was printed is where the operator can see it */
TEST_F_TIMEOUT(vmsched, cease_waits_for_what_was_printed, LIMIT)
{
	static char many[MANY + 1];
	struct machine m[2];
	struct requester r;
	struct console c;
	struct genl g;

	ASSERT_TRUE(start_all(m, &g, &c, true));
	/* Into a terminal that takes nothing until the test reads it */
	memset(many, 'm', MANY);
	many[MANY - 1] = '.';
	EXPECT_TRUE(machine_print(&m[0], many));
	clock_sleep_ms(QUIET_MS);
	ASSERT_EQ(0, start_switch(&r, "rr"));
	clock_sleep_ms(QUIET_MS);
	EXPECT_FALSE(requester_done(&r));
	EXPECT_TRUE(console_expect(&c, "m."));
	EXPECT_EQ(0, requester_end(&r));
	EXPECT_EQ(0, r.late);
	EXPECT_GE(r.console_ns, QUIET_MS * NSEC_PER_MSEC);
	stop_all(m, &g, &c);
}

TEST_F_TIMEOUT(vmsched, killed_agent_is_not_waited_for, LIMIT)
{
	struct machine m[2];
	struct requester r;
	struct console c;
	struct genl g;

	ASSERT_TRUE(start_all(m, &g, &c, true));
	ASSERT_TRUE(stop(&c));
	ASSERT_EQ(0, start_switch(&r, "rr"));
	clock_sleep_ms(QUIET_MS);
	EXPECT_FALSE(requester_done(&r));
	kill(c.pid, SIGKILL);
	EXPECT_EQ(0, requester_end(&r));
	EXPECT_EQ(0, r.late);
	EXPECT_LT(r.console_ns, LONGEST_MS * NSEC_PER_MSEC);
	EXPECT_EQ(-SIGKILL, console_wait(&c));
	stop_all(m, &g, &c);
}

/* From a script: pipes, no escape, the end of the input is not the end */
TEST_F_TIMEOUT(vmsched, pipes, LIMIT)
{
	struct machine m[2];
	struct console c;
	struct genl g;

	ASSERT_TRUE(start_all(m, &g, &c, false));
	EXPECT_TRUE(console_type(&c, "a" ESCAPE "b"));
	EXPECT_TRUE(machine_gets(&m[0], "a" ESCAPE "b"));
	close(c.in);
	c.in = -1;
	clock_sleep_ms(QUIET_MS);
	EXPECT_TRUE(machine_print(&m[0], "still here\n"));
	EXPECT_TRUE(console_expect(&c, "still here\n"));
	ASSERT_EQ(0, console_give(&g, m[1].id));
	EXPECT_TRUE(console_expect(&c, line_of(&m[1])));
	kill(c.pid, SIGTERM);
	EXPECT_EQ(0, console_wait(&c));
	stop_all(m, &g, &c);
}

TEST_F_TIMEOUT(vmsched, module_goes_away, LIMIT)
{
	struct console c;

	ASSERT_EQ(0, console_start(&c, "", true));
	EXPECT_TRUE(console_expect(&c, "no VM owns"));
	EXPECT_EQ(0, vmsched_remove_all());
	EXPECT_EQ(CLI_NOT_LOADED, console_wait(&c));
	console_free(&c);
	EXPECT_EQ(CLI_NOT_LOADED, cli_do("console attach"));
}

TEST_F_TIMEOUT(vmsched, words, LIMIT)
{
	struct console c;
	struct cli out;
	uint64_t id;

	EXPECT_EQ(CLI_USAGE, cli_do("console attach escape ^^^"));
	EXPECT_EQ(CLI_USAGE, cli_do("console attach escape twice"));
	EXPECT_EQ(CLI_USAGE, cli_do("console attach nowhere x"));
	EXPECT_EQ(CLI_NO_OBJECT, cli_do("console attach pool nosuch"));
	EXPECT_EQ(CLI_NO_OBJECT, cli_do("console owner pool nosuch"));
	EXPECT_EQ(CLI_NO_OBJECT, cli_do("console owner 999999"));
	EXPECT_EQ(0, cli(&out, "console owner"));
	EXPECT_STREQ("{\"pool\":\"default\",\"console_owner\":null,\"name\":null}\n",
		     out.run.out);
	cli_free(&out);
	EXPECT_EQ(CLI_NO_PERMISSION, cli_as(&out, 1000, "console attach"));
	cli_free(&out);

	/* Another escape; and a VM whose command line tells of no console */
	ASSERT_NE(NULL, start_listed("bare", &id));
	ASSERT_EQ(0, cli_do("console owner %llu", (unsigned long long)id));
	EXPECT_EQ(0, cli(&out, "console owner pool default"));
	EXPECT_NE(NULL, strstr(out.run.out, "\"name\":\"bare-"));
	cli_free(&out);
	ASSERT_EQ(0, console_start(&c, "escape q", true));
	EXPECT_TRUE(console_expect(&c, "escape character is q"));
	EXPECT_TRUE(console_expect(&c, "it has no serial port"));
	EXPECT_TRUE(console_type(&c, "a" ESCAPE "q"));
	EXPECT_TRUE(console_expect(&c, "2 bytes that were typed for bare"));
	EXPECT_EQ(0, console_wait(&c));
	console_free(&c);
}

/* Command lines of VMMs, and what is said of the console that they tell of */
static const struct {
	const char *argv[10];
	const char *says;
} lines[] = {
	{ { "qemu", "-serial", "unix:/none/a,server=on,wait=off" },
	  "cannot connect to /none/a: " },
	{ { "qemu", "-serial", "file:/tmp/log", "-chardev",
	    "socket,id=con,path=/none/b,,c,server=on", "-device",
	    "isa-serial,chardev=con" }, "cannot connect to /none/b,c: " },
	{ { "qemu", "--chardev", "socket,path=/none/d,id=con,server=on",
	    "-chardev", "socket,id=mon,path=/none/e", "-serial", "chardev:con" },
	  "cannot connect to /none/d: " },
	{ { "qemu", "-chardev", "socket,id=one,path=/none/f", "-device",
	    "{\"driver\":\"virtconsole\",\"chardev\":\"one\",\"id\":\"c0\"}" },
	  "cannot connect to /none/f: " },
	/* A port for an agent in the guest is no console */
	{ { "qemu", "-chardev", "socket,id=ga,path=/none/g", "-device",
	    "virtserialport,chardev=ga,name=org.qemu.guest_agent.0" },
	  "it has no serial port or virtio console" },
	{ { "qemu", "-chardev", "pty,id=charserial0", "-device",
	    "isa-serial,chardev=charserial0" }, "is a pty: use virsh console" },
	{ { "qemu", "-chardev", "socket,id=s0,fd=23,server=on", "-device",
	    "isa-serial,chardev=s0" }, "give its path, socket PATH" },
	{ { "qemu", "-chardev", "null,id=s0", "-serial", "chardev:s0" },
	  "is no socket" },
	{ { "qemu", "-serial", "chardev:gone" }, "no -chardev on the command line" },
	/* Of another process, which a VMM may not choose for an operator */
	{ { "qemu", "-serial", "unix:" ELSEWHERE ",server=on" },
	  "that listens at " ELSEWHERE },
};

static bool says(struct genl *g, const char *const *argv, const char *text)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = "vmm", .kind = RAWVM_TICK, .argv = argv });
	struct console c;
	uint64_t id;
	bool ok;

	if (!vm || !vm_listed(rawvm_pid(vm), true, HANG_LIMIT_MS) ||
	    vm_id(rawvm_pid(vm), &id) || console_give(g, id) ||
	    console_start(&c, "", true))
		return false;
	ok = console_expect(&c, text);
	console_free(&c);
	rawvm_kill(vm);
	return ok;
}

TEST_F_TIMEOUT(vmsched, console_of_a_command_line, LIMIT)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = ELSEWHERE };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned int i;
	struct genl g;

	unlink(ELSEWHERE);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	ASSERT_EQ(0, listen(fd, 4));
	ASSERT_EQ(0, genl_open(&g));
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		EXPECT_TRUE(says(&g, lines[i].argv, lines[i].says)) {
			TH_LOG("command line %u of the list", i);
		}
	}
	genl_close(&g);
	close(fd);
}

TEST_HARNESS_MAIN
