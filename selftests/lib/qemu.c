// SPDX-License-Identifier: GPL-2.0
/*
 * Real Linux guests under stock QEMU; see qemu.h.
 */
#include <errno.h>
#include <json-c/json.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "qemu.h"
#include "run.h"

#define RUN_SCRIPT		"/../../selftests/guest/run"
/* Under emulated KVM a guest prints its first line within half a minute */
#define START_TIMEOUT_MS	180000
#define MONITOR_TIMEOUT_MS	30000
#define LOG_TAIL		4096
#define POLL_MS			20

/* The end of the guest's log, with only full lines; false if there is none */
static bool log_tail(const struct qemu *q, char buf[LOG_TAIL + 1])
{
	FILE *f = fopen(q->log, "re");
	char *end;
	size_t n;

	if (!f)
		return false;
	if (fseek(f, -LOG_TAIL, SEEK_END))
		rewind(f);
	n = fread(buf, 1, LOG_TAIL, f);
	fclose(f);
	buf[n] = '\0';
	end = strrchr(buf, '\n');
	if (!end)
		return false;
	*end = '\0';
	return true;
}

/* Pick the numbers out of a line like "tick 5 p50 7 p99 9" */
static int line_numbers(const char *line, uint64_t numbers[QEMU_MAX_NUMBERS])
{
	int n = 0;

	while (*line && n < QEMU_MAX_NUMBERS) {
		char *end;

		line += strcspn(line, " ");
		line += strspn(line, " ");
		numbers[n] = strtoull(line, &end, 10);
		if (end != line && (!*end || *end == ' ' || *end == '\r'))
			n++;
	}
	return n;
}

int qemu_last(const struct qemu *q, const char *word,
	      uint64_t numbers[QEMU_MAX_NUMBERS])
{
	char buf[LOG_TAIL + 1];
	char *line, *last = NULL;
	char *save = NULL;
	size_t n = strlen(word);

	if (!log_tail(q, buf))
		return 0;
	for (line = strtok_r(buf, "\r\n", &save); line;
	     line = strtok_r(NULL, "\r\n", &save)) {
		if (!strncmp(line, word, n) && line[n] == ' ')
			last = line;
	}
	return last ? line_numbers(last, numbers) : 0;
}

static off_t log_size(const struct qemu *q)
{
	struct stat st;

	return stat(q->log, &st) ? 0 : st.st_size;
}

int qemu_next(const struct qemu *q, const char *word,
	      uint64_t numbers[QEMU_MAX_NUMBERS], unsigned int timeout_ms)
{
	uint64_t end = clock_ns() + timeout_ms * NSEC_PER_MSEC;
	uint64_t before[QEMU_MAX_NUMBERS] = { 0 };
	int n = qemu_last(q, word, before);
	off_t size = log_size(q);

	while (clock_ns() < end && !kill(q->pid, 0)) {
		clock_sleep_ms(POLL_MS);
		if (log_size(q) == size)
			continue;
		size = log_size(q);
		n = qemu_last(q, word, numbers);
		if (n && memcmp(before, numbers, n * sizeof(numbers[0])))
			return n;
	}
	if (kill(q->pid, 0))
		printf("# guest %s: QEMU (pid %d) has ended, see %s.qemu\n",
		       q->name, q->pid, q->log);
	else
		printf("# guest %s: no new line '%s' within %u ms\n", q->name,
		       word, timeout_ms);
	return 0;
}

bool qemu_silent(const struct qemu *q, unsigned int ms)
{
	off_t size;

	clock_sleep_ms(200);
	size = log_size(q);
	clock_sleep_ms(ms);
	return log_size(q) == size;
}

/* The line "word number..." each job prints */
static const char *job_word(const char *job)
{
	if (!strcmp(job, "spin"))
		return "progress";
	return strcmp(job, "disk") ? job : "io";
}

/* What the guest said last, for a guest that does not do its job */
static void print_log(const struct qemu *q)
{
	char buf[LOG_TAIL + 1];
	char *save = NULL;
	char *line;

	if (!log_tail(q, buf)) {
		printf("# guest %s: nothing in %s\n", q->name, q->log);
		return;
	}
	for (line = strtok_r(buf, "\r\n", &save); line;
	     line = strtok_r(NULL, "\r\n", &save))
		printf("# guest %s: %s\n", q->name, line);
}

static int monitor_connect(struct qemu *q)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.*s",
		 (int)sizeof(addr.sun_path) - 1, q->socket);
	q->monitor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (q->monitor < 0)
		return -errno;
	if (connect(q->monitor, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return qemu_command(q, "qmp_capabilities", NULL);
}

/* Run the script that starts QEMU; it prints QEMU's process id */
static int run_script(struct qemu *q, const char *job, const char *options)
{
	char exe[PATH_MAX], line[PATH_MAX + 512];
	struct run_result r;
	ssize_t n;
	int ret;

	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return -errno;
	exe[n] = '\0';
	snprintf(line, sizeof(line),
		 "%s" RUN_SCRIPT " %s %s --log %s %s -- -qmp unix:%s,server=on,wait=off",
		 dirname(exe), q->name, job, q->log, options ?: "", q->socket);
	ret = run_words(&r, 0, line);
	if (ret)
		return ret;
	q->pid = atoi(r.out);
	if (r.status || q->pid <= 0) {
		printf("# guest %s: status %d: %s\n", q->name, r.status, r.err);
		ret = -EIO;
	}
	run_free(&r);
	return ret;
}

/* One boot, until the job's first line */
static int boot(struct qemu *q, const char *job, const char *options)
{
	uint64_t numbers[QEMU_MAX_NUMBERS];
	uint64_t begin = clock_ns();
	int ret = run_script(q, job, options);

	if (ret)
		return ret;
	if (!qemu_next(q, job_word(job), numbers, START_TIMEOUT_MS)) {
		print_log(q);
		qemu_kill(q);
		return -ETIMEDOUT;
	}
	printf("# guest_%s_up_after: %.3g s\n", q->name,
	       (clock_ns() - begin) / 1e9);
	return 0;
}

int qemu_start(struct qemu *q, const char *name, const char *job,
	       const char *options)
{
	int ret;

	memset(q, 0, sizeof(*q));
	q->monitor = -1;
	snprintf(q->name, sizeof(q->name), "%s", name);
	snprintf(q->log, sizeof(q->log), "/tmp/vmsched-%s.log", name);
	snprintf(q->socket, sizeof(q->socket), "/tmp/vmsched-%s.qmp", name);
	ret = boot(q, job, options);
	if (ret)
		return ret;
	ret = monitor_connect(q);
	if (ret) {
		printf("# guest %s: monitor: %s\n", name, strerror(-ret));
		qemu_kill(q);
	}
	return ret;
}

void qemu_kill(struct qemu *q)
{
	uint64_t end = clock_ns() + MONITOR_TIMEOUT_MS * NSEC_PER_MSEC;

	if (q->pid <= 0)
		return;
	if (q->monitor >= 0)
		close(q->monitor);
	kill(q->pid, SIGKILL);
	while (!kill(q->pid, 0) && clock_ns() < end)
		clock_sleep_ms(5);
	unlink(q->socket);
	q->pid = 0;
	q->monitor = -1;
}

/* One line of the monitor; false if none comes in time */
static bool monitor_line(struct qemu *q, char *buf, size_t size)
{
	struct pollfd pfd = { .fd = q->monitor, .events = POLLIN };
	size_t n = 0;

	while (n < size - 1) {
		if (poll(&pfd, 1, MONITOR_TIMEOUT_MS) <= 0 ||
		    read(q->monitor, buf + n, 1) != 1)
			return false;
		if (buf[n] == '\n')
			break;
		n++;
	}
	buf[n] = '\0';
	return true;
}

/* Send and wait for the answer; events and the greeting are passed over */
static int monitor_call(struct qemu *q, const char *command, const char *args,
			json_object **answer)
{
	char line[8192];
	int n;

	n = snprintf(line, sizeof(line), "{\"execute\":\"%s\"%s%s}\n", command,
		     args ? ",\"arguments\":" : "", args ?: "");
	if (send(q->monitor, line, n, MSG_NOSIGNAL) != n)
		return -errno;
	while (monitor_line(q, line, sizeof(line))) {
		json_object *msg = json_tokener_parse(line);
		json_object *field;

		if (json_object_object_get_ex(msg, "error", &field)) {
			printf("# guest %s: %s: %s\n", q->name, command, line);
			json_object_put(msg);
			return -EIO;
		}
		if (json_object_object_get_ex(msg, "return", &field)) {
			*answer = json_object_get(field);
			json_object_put(msg);
			return 0;
		}
		json_object_put(msg);
	}
	printf("# guest %s: no answer to %s\n", q->name, command);
	return -ETIMEDOUT;
}

int qemu_command(struct qemu *q, const char *command, const char *args)
{
	json_object *answer = NULL;
	int ret = monitor_call(q, command, args, &answer);

	json_object_put(answer);
	return ret;
}

int qemu_query(struct qemu *q, const char *command, const char *key,
	       char *value, size_t size)
{
	json_object *answer = NULL;
	json_object *field;
	int ret;

	ret = monitor_call(q, command, NULL, &answer);
	if (!ret) {
		if (json_object_object_get_ex(answer, key, &field))
			snprintf(value, size, "%s",
				 json_object_get_string(field));
		else
			ret = -ENOENT;
	}
	json_object_put(answer);
	return ret;
}
