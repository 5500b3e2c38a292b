// SPDX-License-Identifier: GPL-2.0
/*
 * Simple tables of reStructuredText; see doctable.h.
 */
#include <errno.h>
#include <linux/vmsched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctable.h"
#include <kselftest.h>

#define DOCUMENT	"Documentation/interface.rst"
#define LINE_SIZE	160

struct column {
	size_t at;
	size_t len;
};

FILE *doc_open(const char *file)
{
	char self[512], path[768];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	/* The tests are built into build/selftests of the tree */
	snprintf(path, sizeof(path), "%s/../../%.128s", self, file);
	return fopen(path, "re");
}

/* The columns that a line of "=" draws */
static unsigned int find_columns(const char *line, struct column *cols)
{
	unsigned int n = 0;
	size_t at = 0;

	while (n < DOC_COLUMNS) {
		at += strspn(line + at, " ");
		cols[n].at = at;
		cols[n].len = strspn(line + at, "=");
		if (!cols[n].len)
			break;
		at += cols[n++].len;
	}
	return n;
}

static void take_cells(char to[DOC_COLUMNS][DOC_CELL], const char *line,
		       const struct column *cols, unsigned int n)
{
	size_t len = strlen(line);
	unsigned int i;

	for (i = 0; i < n; i++) {
		size_t at = cols[i].at < len ? cols[i].at : len;
		size_t use = len - at < cols[i].len ? len - at : cols[i].len;

		while (use && line[at + use - 1] == ' ')
			use--;
		if (use >= DOC_CELL)
			use = DOC_CELL - 1;
		memcpy(to[i], line + at, use);
		to[i][use] = '\0';
	}
}

static void read_rows(FILE *f, struct doc_table *t)
{
	struct column cols[DOC_COLUMNS];
	unsigned int rules = 0;
	char line[LINE_SIZE];

	while (rules < 3 && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '=') {
			rules++;
			t->columns = find_columns(line, cols);
		} else if (rules == 1) {
			take_cells(t->head, line, cols, t->columns);
		} else if (rules == 2 && t->rows < DOC_ROWS) {
			take_cells(t->cell[t->rows++], line, cols, t->columns);
		}
	}
}

int doc_table(const char *name, struct doc_table *t)
{
	char line[LINE_SIZE], label[64];
	FILE *f = doc_open(DOCUMENT);

	memset(t, 0, sizeof(*t));
	if (!f) {
		printf("# " DOCUMENT ": %s\n", strerror(errno));
		return -ENOENT;
	}
	snprintf(label, sizeof(label), ".. _table-%s:\n", name);
	while (fgets(line, sizeof(line), f)) {
		if (!strcmp(line, label)) {
			read_rows(f, t);
			break;
		}
	}
	fclose(f);
	if (t->rows)
		return 0;
	printf("# " DOCUMENT ": no table %s\n", name);
	return -ENOENT;
}

static const char * const command_names[VMSCHED_CMD_MAX + 1] = {
	[VMSCHED_CMD_STATUS_GET] = "status-get",
	[VMSCHED_CMD_SCHED_GET] = "sched-get",
	[VMSCHED_CMD_POOL_GET] = "pool-get",
	[VMSCHED_CMD_VM_GET] = "vm-get",
	[VMSCHED_CMD_VM_SET] = "vm-set",
	[VMSCHED_CMD_VCPU_GET] = "vcpu-get",
	[VMSCHED_CMD_VCPU_SET] = "vcpu-set",
	[VMSCHED_CMD_SCHED_SWITCH] = "sched-switch",
	[VMSCHED_CMD_FAULT_GET] = "fault-get",
	[VMSCHED_CMD_SCHED_EVICT] = "sched-evict",
	[VMSCHED_CMD_SCHED_HOLD] = "sched-hold",
	[VMSCHED_CMD_SWITCH_NTF] = "switch-ntf",
	[VMSCHED_CMD_VM_ADD_NTF] = "vm-add-ntf",
	[VMSCHED_CMD_VM_DEL_NTF] = "vm-del-ntf",
	[VMSCHED_CMD_FAULT_NTF] = "fault-ntf",
	[VMSCHED_CMD_SCHED_ADD_NTF] = "sched-add-ntf",
	[VMSCHED_CMD_SCHED_DEL_NTF] = "sched-del-ntf",
	[VMSCHED_CMD_CONSOLE_ATTACH] = "console-attach",
	[VMSCHED_CMD_CONSOLE_ACK] = "console-ack",
	[VMSCHED_CMD_CONSOLE_CEASE_NTF] = "console-cease-ntf",
	[VMSCHED_CMD_CONSOLE_RESUME_NTF] = "console-resume-ntf",
	[VMSCHED_CMD_REQUEST] = "request",
	[VMSCHED_CMD_OWNER_NTF] = "owner-ntf",
	[VMSCHED_CMD_POOL_ADD] = "pool-add",
	[VMSCHED_CMD_POOL_SET] = "pool-set",
	[VMSCHED_CMD_POOL_DEL] = "pool-del",
	[VMSCHED_CMD_POOL_ADD_NTF] = "pool-add-ntf",
	[VMSCHED_CMD_POOL_SET_NTF] = "pool-set-ntf",
	[VMSCHED_CMD_POOL_DEL_NTF] = "pool-del-ntf",
	[VMSCHED_CMD_VM_SET_NTF] = "vm-set-ntf",
};

uint8_t doc_command(const char *name)
{
	unsigned int i;

	for (i = 1; i <= VMSCHED_CMD_MAX; i++) {
		if (command_names[i] && !strcmp(command_names[i], name))
			return i;
	}
	return 0;
}

const char *doc_command_name(uint8_t cmd)
{
	return cmd <= VMSCHED_CMD_MAX && command_names[cmd] ?
	       command_names[cmd] : "?";
}

int doc_row(const struct doc_table *t, uint8_t cmd, bool dump)
{
	unsigned int i;

	for (i = 0; i < t->rows; i++) {
		if (doc_command(t->cell[i][0]) == cmd &&
		    !strcmp(t->cell[i][1], dump ? "dump" : "do"))
			return i;
	}
	return -1;
}

bool doc_has_error(const struct doc_table *t, int row, int error)
{
	const char *name = strerrorname_np(error < 0 ? -error : error);
	const char *p = row < 0 ? NULL : t->cell[row][2];
	size_t len;

	if (!name)
		return false;
	for (len = strlen(name); p && *p; p += strspn(p, " ")) {
		size_t word = strcspn(p, " ");

		if (word == len && !memcmp(p, name, len))
			return true;
		p += word;
	}
	return false;
}
