// SPDX-License-Identifier: GPL-2.0
/*
 * vmsched-sim: how a workload fares under schedulers of vmsched, without a host. See
 * Documentation/vmsched-sim.rst.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "reader.h"

#define MAX_COMPARED	16

/* Spans that are kept for pictures: some hundred MB of trace */
#define MAX_SPANS	500000

enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_OBJECT = 5,
	EXIT_NO_PLACE = 6,
};

enum long_option {
	OPT_SVG = 256,
	OPT_TRACE,
	OPT_FROM,
	OPT_TO,
	OPT_SEED,
	OPT_DURATION,
};

static const struct option long_options[] = {
	{ "scheduler", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "svg", required_argument, NULL, OPT_SVG },
	{ "trace", required_argument, NULL, OPT_TRACE },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "to", required_argument, NULL, OPT_TO },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ }
};

static const char usage[] =
	"usage: vmsched-sim run -s NAME [OPTION]... WORKLOAD\n"
	"       vmsched-sim compare -s NAME,NAME... [OPTION]... WORKLOAD\n"
	"       vmsched-sim check WORKLOAD\n"
	"       vmsched-sim list\n"
	"WORKLOAD is a file, - for standard input, of \"vmschedctl record\", too; see\n"
	"vmsched-sim.rst.\n"
	"  -s, --scheduler NAME  scheduler to run it under; compare: also \"all\"\n"
	"  -j, --json            print JSON\n"
	"  -p, --pretty          print JSON with line breaks\n"
	"      --svg FILE        draw who had which pCPU\n"
	"      --trace FILE      write that for ui.perfetto.dev\n"
	"      --from TIME       begin of picture and trace (the end of the warm-up)\n"
	"      --to TIME         their end (that of the run)\n"
	"      --seed N          other than that of the workload\n"
	"      --duration TIME   other than that of the workload\n"
	"  -h, --help            print this\n"
	"  -V, --version         print the version of this program\n";

static struct {
	bool json;
	bool pretty;
	const char *schedulers;
	const char *svg;
	const char *trace;
	u64 from;
	u64 to;
	u64 seed;
	u64 duration;
} opt = { .from = U64_MAX, .to = U64_MAX, .seed = U64_MAX };

static __printf(2, 3) int fail(int code, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("vmsched-sim: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

/* A scheduler does what none may do; or memory is short. */
void broken(const char *fmt, ...)
{
	const char *where = simulate_where();
	char text[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	exit(fail(EXIT_REFUSED, "%s%s%s", where ?: "", where ? ": " : "", text));
}

static int by_name(const void *a, const void *b)
{
	const struct vmsched_ops *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static const struct vmsched_ops *find_sched(const char *name, size_t length)
{
	int i;

	for (i = 0; i < nr_scheds; i++)
		if (strlen(scheds[i]->name) == length && !strncmp(scheds[i]->name, name, length))
			return scheds[i];
	return NULL;
}

static int no_sched(const char *name, size_t length)
{
	char names[MAX_SCHEDS * (VMSCHED_NAME_MAX + 2)] = "";
	int i;

	for (i = 0; i < nr_scheds; i++) {
		strcat(names, i ? ", " : "");
		strcat(names, scheds[i]->name);
	}
	return fail(EXIT_NO_OBJECT, "no scheduler \"%.*s\": there are %s",
		    (int)min(length, (size_t)40), name, names);
}

/* The schedulers of -s, at most @most. */
static int take_scheds(const struct vmsched_ops **ops, int *n, int most)
{
	const char *name = opt.schedulers;

	if (name && !strcmp(name, "all") && most > 1) {
		*n = min(nr_scheds, most);
		memcpy(ops, scheds, *n * sizeof(*ops));
		return EXIT_DONE;
	}
	if (!name)
		return fail(EXIT_USAGE, "which scheduler? give -s, and see \"vmsched-sim list\"");
	for (*n = 0; ; name++) {
		size_t length = strcspn(name, ",");
		int i;

		if (*n == most)
			return fail(EXIT_USAGE, most == 1 ?
				    "run takes one scheduler: use compare for several" :
				    "more than %d schedulers", most);
		ops[*n] = find_sched(name, length);
		if (!ops[*n])
			return no_sched(name, length);
		for (i = 0; i < *n; i++)
			if (ops[i] == ops[*n])
				return fail(EXIT_USAGE, "scheduler %s is given twice",
					    ops[i]->name);
		++*n;
		name += length;
		if (!*name)
			return EXIT_DONE;
	}
}

static int apply_options(struct workload *wl, const char *name)
{
	if (opt.seed != U64_MAX)
		wl->seed = opt.seed;
	if (wl->recorded && opt.duration > wl->duration)
		return fail(EXIT_REFUSED, "%s: --duration %s, but only %s are recorded", name,
			    time_text(opt.duration), time_text(wl->duration));
	if (opt.duration)
		wl->duration = opt.duration;
	if (wl->warmup >= wl->duration)
		return fail(EXIT_REFUSED, "%s: warmup %s leaves nothing of duration %s", name,
			    time_text(wl->warmup), time_text(wl->duration));
	return EXIT_DONE;
}

static int read_workload(struct workload *wl, const char *name)
{
	bool piped = !strcmp(name, "-");
	FILE *file = piped ? stdin : fopen(name, "r");
	char why[500];
	bool good;

	if (!file)
		return fail(EXIT_REFUSED, "%s: %s", name, strerror(errno));
	good = workload_read(wl, file, piped ? "standard input" : name, why, sizeof(why));
	if (!piped)
		fclose(file);
	return good ? apply_options(wl, name) : fail(EXIT_REFUSED, "%s", why);
}

/* Pictures */

static int by_time(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

static int limit_record(struct record *record, const struct workload *wl)
{
	record->from = opt.from == U64_MAX ? wl->warmup : opt.from;
	record->to = min(opt.to, wl->duration);
	record->most = MAX_SPANS;
	if (record->from >= record->to)
		return fail(EXIT_REFUSED, "between --from %s and --to %s there is nothing",
			    time_text(record->from), time_text(record->to));
	return EXIT_DONE;
}

static int write_picture(const char *name, const struct result *result,
			 const struct record *record, bool svg)
{
	u64 to = record->to, wanted = min(opt.to, result->wl->duration);
	FILE *file = fopen(name, "w");
	bool good;

	if (!file)
		return fail(EXIT_REFUSED, "%s: %s", name, strerror(errno));
	if (svg)
		good = svg_write(file, result, record, &to);
	else
		good = chrome_write(file, result, record);
	if (fclose(file) || !good)
		return fail(EXIT_REFUSED, "%s: %s", name, strerror(errno));
	if (to < wanted)
		fail(0, "%s ends at %s, for want of room: choose a part with --from and --to",
		     name, time_text(to));
	return EXIT_DONE;
}

static int write_pictures(const struct result *result, struct record *record)
{
	int code = EXIT_DONE;

	qsort(record->spans, record->nr, sizeof(*record->spans), by_time);
	if (opt.svg)
		code = write_picture(opt.svg, result, record, true);
	if (opt.trace && !code)
		code = write_picture(opt.trace, result, record, false);
	return code;
}

/* Commands */

static int run_with(const struct workload *wl, const struct vmsched_ops *ops)
{
	bool pictures = opt.svg || opt.trace;
	struct record record = { };
	struct result result;
	int code = pictures ? limit_record(&record, wl) : EXIT_DONE;

	if (code)
		return code;
	simulate(&result, wl, ops, pictures ? &record : NULL);
	if (result.refused[0])
		code = fail(EXIT_NO_PLACE, "scheduler %s refuses %s", ops->name,
			    result.refused);
	else
		code = opt.json ? json_run(&result, opt.pretty) : print_run(&result);
	if (!code && pictures)
		code = write_pictures(&result, &record);
	result_free(&result);
	record_free(&record);
	return code;
}

static int cmd_run(const char *name)
{
	const struct vmsched_ops *ops;
	struct workload wl = { };
	int n, code;

	code = take_scheds(&ops, &n, 1) ?: read_workload(&wl, name) ?: run_with(&wl, ops);
	workload_free(&wl);
	return code;
}

static int compare_with(const struct workload *wl, const struct vmsched_ops **ops, int n)
{
	struct result results[MAX_COMPARED];
	int i, code;

	for (i = 0; i < n; i++)
		simulate(&results[i], wl, ops[i], NULL);
	code = opt.json ? json_compare(results, n, opt.pretty) : print_compare(results, n);
	for (i = 0; i < n; i++)
		result_free(&results[i]);
	return code;
}

static int cmd_compare(const char *name)
{
	const struct vmsched_ops *ops[MAX_COMPARED];
	struct workload wl = { };
	int n, code;

	if (opt.svg || opt.trace)
		return fail(EXIT_USAGE, "a picture shows one scheduler: use run");
	code = take_scheds(ops, &n, MAX_COMPARED) ?: read_workload(&wl, name) ?:
	       compare_with(&wl, ops, n);
	workload_free(&wl);
	return code;
}

static int cmd_check(const char *name)
{
	struct workload wl = { };
	int code = read_workload(&wl, name);

	if (!code)
		printf("%s: %u VMs with %u vCPUs on %u pCPUs, %s\n", name, wl.nr_vms,
		       wl.nr_vcpus, wl.cpus, time_text(wl.duration));
	workload_free(&wl);
	return code;
}

static int cmd_list(const char *name)
{
	return opt.json ? json_scheds(scheds, nr_scheds, opt.pretty) :
			  print_scheds(scheds, nr_scheds);
}

static const struct command {
	const char *word;
	bool workload;
	int (*run)(const char *name);
} commands[] = {
	{ "run", true, cmd_run },
	{ "compare", true, cmd_compare },
	{ "check", true, cmd_check },
	{ "list", false, cmd_list },
};

static int bad_option(const char *what, const char *value)
{
	return fail(EXIT_USAGE, "--%s \"%.40s\" is not %s", what, value,
		    strcmp(what, "seed") ? "a time such as 20ms" : "a whole number");
}

static int take_time_option(const char *what, u64 least, u64 *ns)
{
	if (!time_parse(optarg, ns))
		return bad_option(what, optarg);
	if (*ns < least || *ns > WL_MAX_NS)
		return fail(EXIT_USAGE, "--%s %.40s outside %s..%s", what, optarg,
			    time_text(least), time_text(WL_MAX_NS));
	return EXIT_DONE;
}

static int take_seed_option(void)
{
	char *end;

	errno = 0;
	opt.seed = strtoull(optarg, &end, 10);
	if (*optarg < '0' || *optarg > '9' || *end || errno || opt.seed == U64_MAX)
		return bad_option("seed", optarg);
	return EXIT_DONE;
}

static int take_option(int c)
{
	switch (c) {
	case 's':
		opt.schedulers = optarg;
		return EXIT_DONE;
	case 'p':
		opt.pretty = true;
		opt.json = true;
		return EXIT_DONE;
	case 'j':
		opt.json = true;
		return EXIT_DONE;
	case OPT_SVG:
		opt.svg = optarg;
		return EXIT_DONE;
	case OPT_TRACE:
		opt.trace = optarg;
		return EXIT_DONE;
	case OPT_FROM:
		return take_time_option("from", 0, &opt.from);
	case OPT_TO:
		return take_time_option("to", 0, &opt.to);
	case OPT_SEED:
		return take_seed_option();
	case OPT_DURATION:
		return take_time_option("duration", NSEC_PER_USEC, &opt.duration);
	default:
		fputs("vmsched-sim: --help tells how to call it\n", stderr);
		return EXIT_USAGE;
	}
}

static int run_command(int argc, char **argv)
{
	const struct command *command;

	if (!argc) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	for (command = commands; command < commands + ARRAY_SIZE(commands); command++)
		if (!strcmp(command->word, *argv))
			break;
	if (command == commands + ARRAY_SIZE(commands))
		return fail(EXIT_USAGE, "no command \"%.40s\": there are run, compare, check, list",
			    *argv);
	if (argc - 1 != command->workload)
		return fail(EXIT_USAGE, command->workload ? "%s needs one WORKLOAD" :
			    "%s takes nothing", command->word);
	return command->run(argv[1]);
}

int main(int argc, char **argv)
{
	int c, code = EXIT_DONE;

	qsort(scheds, nr_scheds, sizeof(*scheds), by_name);
	while (!code && (c = getopt_long(argc, argv, "s:jphV", long_options, NULL)) != -1) {
		if (c == 'h' || c == 'V') {
			fputs(c == 'h' ? usage : "vmsched-sim " VERSION "\n", stdout);
			return EXIT_DONE;
		}
		code = take_option(c);
	}
	if (!code)
		code = run_command(argc - optind, argv + optind);
	if (fflush(stdout) || ferror(stdout))
		return fail(EXIT_REFUSED, "standard output: %s", strerror(errno));
	return code;
}
