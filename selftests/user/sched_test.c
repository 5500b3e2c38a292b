// SPDX-License-Identifier: GPL-2.0
/*
 * Schedulers in user space: those of the tree, unmodified, under random calls,
 * with the sanitizers watching.
 *
 *	sched_test [-1] [-k FILE] [-n ROUNDS | -t SECONDS] [SEED]
 *
 * Each test runs with the seeds that FILE keeps, then with SEED, SEED + 1, ...
 * for ROUNDS, or for its part of SECONDS of CPU time. Without SEED that is the
 * time of day. What fails names its seed: "-n 1 SEED" runs that one again.
 * With -1 the first failure is the last.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "core.h"
#include "tests.h"

#define NEEDS_BUDGET	(VMSCHED_HONOURS_PERIOD | VMSCHED_HONOURS_BUDGET)

static const struct test {
	const char *name;
	void (*run)(const struct vmsched_ops *ops);
	u32 needs;	/* VMSCHED_HONOURS_* */
	const char *only;	/* the scheduler whose promise it is */
	const char *but;	/* the one whose promise it is not */
} tests[] = {
	{ "anything in any order", test_random },
	{ "no spinner gets ahead of another", test_lag, .but = "prio" },
	{ "not by short runs either", test_ticks, .but = "prio" },
	{ "shares of spinners are those of weights", test_shares, .but = "prio" },
	{ "they stay so over changes of scheduler", test_switches, .but = "prio" },
	{ "sleep and warp earn nothing", test_sleeper, .but = "prio" },
	{ "nor does sleep over changes of scheduler", test_owed },
	{ "nobody waits long, who moves or who stays", test_moves },
	{ "who is before others runs before them", test_order, .only = "prio" },
	{ "who is behind waits for so long only", test_age, .only = "prio" },
	{ "age is what keeps them from starving", test_starve, .only = "prio" },
	{ "what age gives is not cut short", test_cut, .only = "prio" },
	{ "equal ones are equal on any number of pCPUs", test_equals, .only = "prio" },
	{ "warp wakes at once", test_warp, VMSCHED_HONOURS_WARP },
	{ "warp has a limit, and needs a rest", test_limit,
	  VMSCHED_HONOURS_WARP_LIMIT | VMSCHED_HONOURS_UNWARP },
	{ "nobody has more than its cap, and others have the rest", test_cap,
	  VMSCHED_HONOURS_CAP },
	{ "who is alone has its cap", test_cap_alone, VMSCHED_HONOURS_CAP },
	{ "reservations are met, and leave the rest", test_reservation,
	  VMSCHED_HONOURS_RESERVATION },
	{ "no more is promised than there is", test_admission,
	  VMSCHED_HONOURS_RESERVATION },
	{ "who is admitted misses no deadline", test_deadlines, NEEDS_BUDGET },
	{ "nor do those who want more, or beside them", test_budgets, NEEDS_BUDGET },
	{ "nor on several pCPUs, with as many as fit", test_crowds, NEEDS_BUDGET },
	{ "nor beside one that wakes late in its period", test_late_sleeper, NEEDS_BUDGET },
	{ "what is left is for everybody", test_leftover, NEEDS_BUDGET },
	{ "who comes home finds its budget", test_homes, NEEDS_BUDGET },
	{ "too much is refused, and changes nothing", test_overload, NEEDS_BUDGET },
	{ "by a switch as well", test_overload_switch, NEEDS_BUDGET },
};

/* CPU time, where a round takes a tenth of a second at most */
#define ENDLESS_SECONDS	10

static const int nr_tests = ARRAY_SIZE(tests);

static struct {
	bool stop;
	int rounds;
	double seconds;
	u64 first;
	u64 kept[64];
	int nr_kept;
} opt = { .seconds = 16 };

/* What is under way */
static jmp_buf give_up;
static const char *name;
static const struct vmsched_ops *under_test;
static u64 seed;
static u64 rng;

static void print_seed(void)
{
	printf("# %s: %s: seed %llu: ", under_test->name, name,
	       (unsigned long long)seed);
}

/* A sanitizer has found something, and said what; or a round does not end. */
static void died(int sig)
{
	print_seed();
	printf("%s\n", sig == SIGPROF ? "does not end" : "see above");
	_exit(1);
}

/* What a broken test leaves behind is not the leak that is looked for. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "abort_on_error=1:detect_leaks=0";
}

const char *__ubsan_default_options(void);

const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

void broken(const char *fmt, ...)
{
	va_list args;

	print_seed();
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	longjmp(give_up, 1);
}

/* splitmix64 */
u64 any(void)
{
	u64 z = rng += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

u64 below(u64 limit)
{
	return any() % limit;
}

/* 1 to @limit, small ones as often as large ones. */
u64 some_up_to(u64 limit)
{
	return 1 + below(1 + below(1 + below(limit)));
}

static double cpu_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static bool run_once(const struct test *test, u64 with)
{
	const struct itimerval limit = { .it_value.tv_sec = ENDLESS_SECONDS };

	name = test->name;
	seed = with;
	rng = with;
	setitimer(ITIMER_PROF, &limit, NULL);
	if (setjmp(give_up))
		return false;
	test->run(under_test);
	return true;
}

/* Repeat a test as often as asked for, and print the verdict. */
static bool run(const struct test *test, int number, double seconds)
{
	double end = cpu_time() + seconds;
	bool good = true;
	int i, n;

	for (i = 0; good && i < opt.nr_kept; i++)
		good = run_once(test, opt.kept[i]);
	for (n = 0; good && (opt.rounds ? n < opt.rounds : cpu_time() < end); n++)
		good = run_once(test, opt.first + n);
	printf("%s %d %s: %s (%d rounds)\n", good ? "ok" : "not ok", number,
	       under_test->name, test->name, i + n);
	return good;
}

static bool applies(const struct test *test, const struct vmsched_ops *ops)
{
	return (ops->honours & test->needs) == test->needs &&
	       (!test->only || !strcmp(test->only, ops->name)) &&
	       (!test->but || strcmp(test->but, ops->name));
}

static int count(void)
{
	int i, t, total = 0;

	for (i = 0; i < nr_scheds; i++)
		for (t = 0; t < nr_tests; t++)
			total += applies(&tests[t], scheds[i]);
	return total;
}

static int run_all(int total)
{
	int number = 0, failed = 0, i, t;

	for (i = 0; i < nr_scheds; i++) {
		under_test = scheds[i];
		for (t = 0; t < nr_tests && !(failed && opt.stop); t++)
			if (applies(&tests[t], under_test))
				failed += !run(&tests[t], ++number,
					       opt.seconds / total);
	}
	return failed;
}

/* A seed is the first word of a line; what follows # is a comment. */
static bool read_kept(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[200], *end;

	while (f && fgets(line, sizeof(line), f)) {
		u64 value = strtoull(line, &end, 0);

		if (end == line)
			continue;
		if (opt.nr_kept == ARRAY_SIZE(opt.kept))
			abort();
		opt.kept[opt.nr_kept++] = value;
	}
	if (f)
		fclose(f);
	return opt.nr_kept;
}

static bool parse(int argc, char **argv)
{
	int c;

	opt.first = time(NULL);
	while ((c = getopt(argc, argv, "1k:n:t:")) != -1) {
		if (c == '1')
			opt.stop = true;
		else if (c == 'k' && !read_kept(optarg))
			return false;
		else if (c == 'n')
			opt.rounds = atoi(optarg);
		else if (c == 't')
			opt.seconds = atof(optarg);
		else if (c == '?')
			return false;
	}
	if (optind < argc)
		opt.first = strtoull(argv[optind], NULL, 0);
	return opt.rounds >= 0;
}

int main(int argc, char **argv)
{
	int total = count();

	if (!parse(argc, argv)) {
		fputs("usage: sched_test [-1] [-k FILE] [-n ROUNDS | -t SECONDS] [SEED]\n",
		      stderr);
		return 2;
	}
	signal(SIGABRT, died);
	signal(SIGPROF, died);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%d\n", total);
	printf("# %d seeds kept, first new one: %llu\n", opt.nr_kept,
	       (unsigned long long)opt.first);
	return run_all(total) || !total;
}
