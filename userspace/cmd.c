// SPDX-License-Identifier: GPL-2.0
/*
 * Find the command that the words name, complain in one line, and turn what
 * the kernel answered into an exit code. Any prefix of a word that only one
 * word has will do.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "text.h"

#define MAX_WORDS 24

/* --- Messages --- */

/* What belongs to one failure, and is printed as one line. */
static char *collected;
static bool collecting;

static void print_line(const char *line)
{
	fflush(stdout);
	fprintf(stderr, "vmschedctl: %s\n", line ?: "out of memory");
}

static void collect(const char *line)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", collected ?: "", collected ? "; " : "",
		     line ?: "out of memory") < 0)
		return;
	free(collected);
	collected = joined;
}

void fail_collect(void)
{
	collecting = true;
}

void fail_drop(void)
{
	free(collected);
	collected = NULL;
	collecting = false;
}

void fail_print(void)
{
	if (collected)
		print_line(collected);
	fail_drop();
}

int fail(int code, const char *fmt, ...)
{
	char *text = NULL;
	char *line = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	/* The words of the user that it quotes may hold anything. */
	if (text)
		line = text_escape(text, strlen(text));
	if (collecting)
		collect(line);
	else
		print_line(line);
	free(line);
	free(text);
	return code;
}

int fail_usage(const struct ctx *ctx, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return fail(EXIT_USAGE, "%s; use: vmschedctl %s", text, ctx->form);
}

static int exit_code_of(int err)
{
	switch (-err) {
	case EPERM:
	case EACCES:
		return EXIT_NO_PERMISSION;
	case ENOENT:
	case ESRCH:
		return EXIT_NO_OBJECT;
	default:
		return EXIT_REFUSED;
	}
}

static const char *errno_text(int err)
{
	switch (-err) {
	case EPERM:
	case EACCES:
		return "no permission: needs CAP_NET_ADMIN, and CAP_SYS_ADMIN to change something";
	case ENOENT:
	case ESRCH:
		return "no such object";
	default:
		return strerror(-err);
	}
}

/*
 * Name the attribute at fault if the kernel's text does not, and its unit if
 * the message has another one than the command line.
 */
static void name_fault(char *text, size_t size, const struct conn_error *error)
{
	const struct field *field = error->field;

	text[0] = '\0';
	if (!field || (field->kind == FIELD_PARAMS && !error->missing))
		return;
	if (error->missing)
		snprintf(text, size, " (%s is missing)", field->key);
	else if (field->kind == FIELD_PERMILLE)
		snprintf(text, size, " (%s, in permille)", field->key);
	else if (!strstr(error->text, field->key))
		snprintf(text, size, " (%s)", field->key);
}

int fail_nl(const struct ctx *ctx, int err, const char *what)
{
	static const struct conn_error none;
	const struct conn_error *error = ctx->nl ? conn_error(ctx->nl) : &none;
	int code = exit_code_of(err);
	char why[128] = "";
	char fault[64];

	if (!error->text[0])
		snprintf(why, sizeof(why), "%s", errno_text(err));
	else if (code == EXIT_NO_PERMISSION && !strstr(error->text, "CAP_"))
		snprintf(why, sizeof(why), ": %s", errno_text(err));
	name_fault(fault, sizeof(fault), error);

	return fail(code, "%s%s%s%s%s", what ?: "", what ? ": " : "",
		    error->text, why, fault);
}

/* --- Words --- */

int match_prefix(const char *arg, const char *const *words)
{
	size_t len = strlen(arg);
	int found = -1;
	int i;

	for (i = 0; words[i]; i++) {
		if (strncmp(words[i], arg, len) || !len)
			continue;
		if (!words[i][len])
			return i;
		found = found == -1 ? i : -2;
	}
	return found;
}

/* The words, or only those that begin with @arg, for a message. */
static void join_words(char *text, size_t size, const char *const *words,
		       const char *arg)
{
	size_t used = 0;
	int i;

	text[0] = '\0';
	for (i = 0; words[i] && used < size; i++) {
		if (strncmp(words[i], arg, strlen(arg)))
			continue;
		used += snprintf(text + used, size - used, "%s%s",
				 used ? ", " : "", words[i]);
	}
}

int match_word(const struct ctx *ctx, const char *arg, const char *kind,
	       const char *const *words)
{
	int i = match_prefix(arg, words);
	char text[320];

	if (i >= 0)
		return i;
	join_words(text, sizeof(text), words, i == -2 ? arg : "");
	fail_usage(ctx, i == -2 ? "%s \"%s\" may be any of %s" :
		   "unknown %s \"%s\", known are %s", kind, arg, text);
	return -1;
}

int take_pairs(const struct ctx *ctx, int argc, char **argv,
	       const char *const *words, const char **values)
{
	int i, word;

	for (i = 0; i < argc; i += 2) {
		word = match_word(ctx, argv[i], "key", words);
		if (word < 0)
			return EXIT_USAGE;
		if (i + 1 == argc)
			return fail_usage(ctx, "%s lacks a value",
					  words[word]);
		if (values[word])
			return fail_usage(ctx, "%s is given twice",
					  words[word]);
		values[word] = argv[i + 1];
	}
	return EXIT_DONE;
}

int take_u32(const struct ctx *ctx, const char *key, const char *arg,
	     __u32 min, __u32 max, __u32 *value)
{
	const char *digits = arg + (*arg == '-' || *arg == '+');
	long long number;

	if (!*digits || digits[strspn(digits, "0123456789")])
		return fail_usage(ctx, "%s \"%s\" is not a whole number", key,
				  arg);
	errno = 0;
	number = strtoll(arg, NULL, 10);
	/* What fits is judged by the kernel, which knows the limits in force. */
	if (errno || number < 0 || number > (__u32)-1)
		return fail(EXIT_REFUSED, "%s %s outside %u..%u", key, arg,
			    min, max);
	*value = number;
	return EXIT_DONE;
}

/* --- Connection --- */

int ctx_connect(struct ctx *ctx)
{
	int err;

	if (ctx->nl)
		return EXIT_DONE;
	err = conn_open(&ctx->nl);
	if (err == -ENOENT && !access("/sys/module/vmsched", F_OK))
		return fail(EXIT_NO_MODULE,
			    "vmsched is loaded but not reachable from here; run in the first network namespace: nsenter -t 1 -n vmschedctl ...");
	if (err == -ENOENT)
		return fail(EXIT_NO_MODULE,
			    "vmsched is not loaded; load it: modprobe vmsched");
	if (err)
		return fail(exit_code_of(err), "cannot open netlink: %s",
			    strerror(-err));
	return EXIT_DONE;
}

int list_objects(struct ctx *ctx, __u8 cmd, const void *want, const char *what,
		 struct list *list)
{
	int code = ctx_connect(ctx);
	int err;

	if (code)
		return code;
	err = conn_dump(ctx->nl, cmd, want ? list->model : NULL, want, list);
	return err ? fail_nl(ctx, err, what) : EXIT_DONE;
}

/* --- Finding the command --- */

static bool has_words(const struct object *object)
{
	return object->commands[0].word;
}

static int run_one(struct ctx *ctx, const struct command *command, int argc,
		   char **argv)
{
	ctx->form = command->form;
	return command->run(ctx, argc, argv);
}

static void print_help(const struct object *object)
{
	const struct command *command;

	for (command = object->commands; command->run; command++)
		printf("  vmschedctl %s\n        %s\n", command->form,
		       command->help);
}

int cmd_help(struct ctx *ctx, int argc, char **argv)
{
	const char *words[MAX_WORDS] = { NULL };
	const struct object *object;
	int i;

	if (argc > 1)
		return fail_usage(ctx, "too many words after help");
	if (argc == 1) {
		for (i = 0; objects[i].word; i++)
			words[i] = objects[i].word;
		i = match_word(ctx, argv[0], "object", words);
		if (i < 0)
			return EXIT_USAGE;
		print_help(&objects[i]);
		return EXIT_DONE;
	}
	puts("Usage: vmschedctl [-j] [-p] OBJECT COMMAND [ID] [KEY VALUE]...\n"
	     "  -j, --json     print JSON\n"
	     "  -p, --pretty   print JSON with line breaks\n"
	     "Any prefix of a word that only one word has will do.\n");
	for (object = objects; object->word; object++)
		print_help(object);
	puts("\nExit status: 0 done, 1 refused or failed, 2 wrong usage, 3 module not\n"
	     "loaded, 4 no permission, 5 no such object.");
	return EXIT_DONE;
}

static int run_object(struct ctx *ctx, const struct object *object, int argc,
		      char **argv)
{
	const char *words[MAX_WORDS] = { NULL };
	char form[128];
	int i;

	if (!has_words(object)) {
		if (argc == 1 && !strcmp(argv[0], "help") && object->help)
			return cmd_help(ctx, 1, (char *[]){ (char *)object->word });
		return run_one(ctx, object->commands, argc, argv);
	}
	for (i = 0; object->commands[i].run; i++)
		words[i] = object->commands[i].word;
	words[i] = "help";
	snprintf(form, sizeof(form), "%s COMMAND, see vmschedctl %s help",
		 object->word, object->word);
	ctx->form = form;
	if (!argc)
		return fail_usage(ctx, "%s lacks a command", object->word);
	i = match_word(ctx, argv[0], "command", words);
	if (i < 0)
		return EXIT_USAGE;
	if (!object->commands[i].run)
		return cmd_help(ctx, 1, (char *[]){ (char *)object->word });
	return run_one(ctx, &object->commands[i], argc - 1, argv + 1);
}

int run_command(struct ctx *ctx, int argc, char **argv)
{
	const char *words[MAX_WORDS] = { NULL };
	int i;

	if (!argc)
		return fail_usage(ctx, "no object is given (vmschedctl help lists them)");
	for (i = 0; objects[i].word; i++)
		words[i] = objects[i].word;
	i = match_word(ctx, argv[0], "object", words);
	if (i < 0)
		return EXIT_USAGE;
	return run_object(ctx, &objects[i], argc - 1, argv + 1);
}
