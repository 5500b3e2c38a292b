// SPDX-License-Identifier: GPL-2.0
/*
 * VMs have names in the VMM only. Look for one in this order:
 *
 * 1. the command line: QEMU's "-name X" and "-name guest=X" (",," stands for a
 *    comma, the plain form wins), kvmtool's "--name X";
 * 2. the control group that systemd-machined makes for libvirt,
 *    machine-qemu\x2d1\x2dX.scope;
 * 3. the name of the process and its id.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"
#include "vmname.h"

#define SCOPE_START "machine-qemu\\x2d"
#define SCOPE_END ".scope"

char *vm_read_file(pid_t pid, const char *name, size_t *len)
{
	size_t size = 0;
	char *text = NULL;
	char path[64];
	ssize_t got;
	char *more;
	int fd;

	*len = 0;
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	do {
		if (*len + 1 >= size) {
			size = 2 * size ?: 4096;
			more = realloc(text, size);
			if (!more)
				break;
			text = more;
		}
		got = read(fd, text + *len, size - *len - 1);
		if (got > 0)
			*len += got;
	} while (got > 0);
	close(fd);
	if (text)
		text[*len] = '\0';
	return text;
}

char *vm_next_part(char **rest)
{
	char *part = *rest;
	char *out = part;
	char *in;

	if (!part)
		return NULL;
	for (in = part; *in; in++) {
		if (*in == ',' && *++in != ',') {
			*out = '\0';
			*rest = in;
			return part;
		}
		*out++ = *in;
	}
	*out = '\0';
	*rest = NULL;
	return part;
}

/* Name in the value of -name; it is changed on the way. */
static char *name_in_value(char *value)
{
	char *guest = NULL;
	char *rest = value;
	char *part;

	/* QEMU takes the first part for the name if it has no key. */
	part = vm_next_part(&rest);
	if (*part && !strchr(part, '='))
		return part;
	for (; part; part = vm_next_part(&rest))
		if (!strncmp(part, "guest=", 6) && part[6])
			guest = part + 6;
	return guest;
}

char *vm_name_from_cmdline(const char *cmdline, size_t len)
{
	const char *arg = cmdline;
	char *found = NULL;
	char *value, *name;
	bool is_value = false;

	for (; arg < cmdline + len; arg += strlen(arg) + 1) {
		if (!is_value) {
			is_value = !strcmp(arg, "-name") ||
				   !strcmp(arg, "--name");
			continue;
		}
		is_value = false;
		value = strdup(arg);
		name = value ? name_in_value(value) : NULL;
		if (name) {
			/* As in the VMM, the last one counts. */
			free(found);
			found = text_escape(name, strlen(name));
		}
		free(value);
	}
	return found;
}

/* systemd's \xHH in place. */
static void unescape(char *text)
{
	char hex[3] = "";
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && text[1] == 'x' &&
		    isxdigit((unsigned char)text[2]) &&
		    isxdigit((unsigned char)text[3])) {
			memcpy(hex, text + 2, 2);
			*out++ = strtoul(hex, NULL, 16);
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

char *vm_name_from_cgroup(const char *cgroup)
{
	const char *start = strstr(cgroup, SCOPE_START);
	const char *end = start ? strstr(start, SCOPE_END) : NULL;
	char *scope, *name;
	char *found = NULL;

	if (!end || memchr(start, '\n', end - start))
		return NULL;
	start += strlen(SCOPE_START);
	scope = strndup(start, end - start);
	if (!scope)
		return NULL;
	unescape(scope);
	/* What is left is NUMBER-NAME. */
	name = scope + strspn(scope, "0123456789");
	if (name > scope && name[0] == '-' && name[1])
		found = text_escape(name + 1, strlen(name + 1));
	free(scope);
	return found;
}

char *vm_name(pid_t pid, const char *comm)
{
	char *text, *name = NULL;
	size_t len;

	/* Pid 0 is a VMM in a PID namespace that cannot be seen from here. */
	if (!pid)
		return strdup(comm ?: "-");
	text = vm_read_file(pid, "cmdline", &len);
	if (text)
		name = vm_name_from_cmdline(text, len);
	free(text);
	if (name)
		return name;
	text = vm_read_file(pid, "cgroup", &len);
	if (text)
		name = vm_name_from_cgroup(text);
	free(text);
	if (!name && asprintf(&name, "%s-%d", comm ?: "vm", pid) < 0)
		name = NULL;
	return name;
}
