// SPDX-License-Identifier: GPL-2.0
/*
 * Where the console of a VM is. QEMU's command line is read in two steps: the
 * first device that can be a console, in the order of the command line, names
 * a character device (-serial chardev:X, -device virtconsole,chardev=X; libvirt
 * writes devices as JSON); then -chardev says what that is. "-serial unix:PATH"
 * is both in one.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmconsole.h"
#include "vmname.h"

#define VALUE_MAX 256

struct cmdline {
	const char *at;
	const char *end;
};

static const char *next_word(struct cmdline *line)
{
	const char *word = line->at;

	if (word >= line->end)
		return NULL;
	line->at += strlen(word) + 1;
	return word;
}

/* The value of the next option @name (with one or two dashes), NULL for none. */
static const char *next_value(struct cmdline *line, const char **option,
			      const char *const *names)
{
	const char *word;
	int i;

	while ((word = next_word(line))) {
		const char *bare = word + strspn(word, "-");

		if (bare == word || bare > word + 2)
			continue;
		for (i = 0; names[i]; i++)
			if (!strcmp(bare, names[i])) {
				*option = names[i];
				return next_word(line);
			}
	}
	return NULL;
}

/* Value of @key in "a,b=c"; false if it is not there. NULL is for the first part. */
static bool take_part(const char *value, const char *key, char *part,
		      size_t size)
{
	char *copy = strdup(value);
	char *rest = copy;
	size_t len = key ? strlen(key) : 0;
	bool found = false;
	char *one;

	while (!found && (one = vm_next_part(&rest))) {
		found = !key || (!strncmp(one, key, len) && one[len] == '=');
		if (found)
			snprintf(part, size, "%s", one + len + !!key);
	}
	free(copy);
	return found;
}

static bool json_part(const char *value, const char *key, char *part,
		      size_t size)
{
	json_object *json = json_tokener_parse(value);
	json_object *field = NULL;
	bool found = json_object_object_get_ex(json, key, &field);

	if (found)
		snprintf(part, size, "%s", json_object_get_string(field) ?: "");
	json_object_put(json);
	return found;
}

/* Character device of a -device that can be a console. */
static bool device_chardev(const char *value, char *id, size_t size)
{
	static const char *const drivers[] = {
		"isa-serial", "pci-serial", "pci-serial-2x", "pci-serial-4x",
		"virtconsole", "usb-serial", "sclpconsole", "spapr-vty",
	};
	bool json = *value == '{';
	char driver[VALUE_MAX];
	size_t i;

	if (!(json ? json_part(value, "driver", driver, sizeof(driver)) :
		     take_part(value, NULL, driver, sizeof(driver))))
		return false;
	for (i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (!strcmp(drivers[i], driver))
			return json ? json_part(value, "chardev", id, size) :
				      take_part(value, "chardev", id, size);
	return false;
}

/* A -chardev without a path */
static const char *why_not(const char *kind)
{
	if (!strcmp(kind, "socket"))
		return "its socket has no path here (libvirt opens it): give its path, socket PATH";
	if (!strcmp(kind, "pty"))
		return "its console is a pty: use virsh console, or a -chardev socket";
	return "its console is no socket: it needs a -chardev socket";
}

/* Path of the character device @id, NULL if it is no socket that has one. */
static char *chardev_path(struct cmdline line, const char *id, char *why,
			  size_t size)
{
	static const char *const names[] = { "chardev", NULL };
	char kind[VALUE_MAX], name[VALUE_MAX], path[VALUE_MAX];
	const char *option, *value;

	while ((value = next_value(&line, &option, names))) {
		if (!take_part(value, "id", name, sizeof(name)) ||
		    strcmp(name, id) ||
		    !take_part(value, NULL, kind, sizeof(kind)))
			continue;
		if (!strcmp(kind, "socket") &&
		    take_part(value, "path", path, sizeof(path)))
			return strdup(path);
		snprintf(why, size, "%s", why_not(kind));
		return NULL;
	}
	snprintf(why, size, "its console has no -chardev on the command line");
	return NULL;
}

/* "-serial unix:PATH,server=on" */
static char *unix_path(const char *value)
{
	char path[VALUE_MAX];

	if (strncmp(value, "unix:", 5) ||
	    !take_part(value + 5, NULL, path, sizeof(path)))
		return NULL;
	return strdup(path);
}

char *vm_console_from_cmdline(const char *cmdline, size_t len, char *why,
			      size_t size)
{
	static const char *const names[] = { "serial", "device", NULL };
	const struct cmdline all = { cmdline, cmdline + len };
	const char *option, *value;
	struct cmdline line = all;
	char id[VALUE_MAX];
	char *path = NULL;

	snprintf(why, size, "it has no serial port or virtio console on a socket");
	while (!path && (value = next_value(&line, &option, names))) {
		if (option == names[1]) {
			if (device_chardev(value, id, sizeof(id)))
				path = chardev_path(all, id, why, size);
		} else if (!strncmp(value, "chardev:", 8)) {
			path = chardev_path(all, value + 8, why, size);
		} else {
			path = unix_path(value);
		}
	}
	return path;
}

/* A name is the VMM's choice, and no path. */
static void put_name(FILE *f, const char *name)
{
	for (; *name; name++)
		fputc(*name == '/' ? '_' : *name, f);
}

static char *expand(const char *pattern, const struct vm *vm)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (; *pattern; pattern++) {
		if (*pattern != '%' || !pattern[1]) {
			fputc(*pattern, f);
			continue;
		}
		switch (*++pattern) {
		case 'i':
			fprintf(f, "%llu", vm->id);
			break;
		case 'n':
			put_name(f, vm->name);
			break;
		case 'p':
			fprintf(f, "%u", vm->pid);
			break;
		default:
			fputc(*pattern, f);
		}
	}
	if (fclose(f)) {
		free(text);
		text = NULL;
	}
	return text;
}

static char *find_path(const struct vm *vm, const char *pattern, char *why,
		       size_t size)
{
	char *cmdline, *path;
	size_t len;

	snprintf(why, size, "out of memory");
	if (pattern)
		return expand(pattern, vm);
	snprintf(why, size, "the command line of process %u cannot be read",
		 vm->pid);
	cmdline = vm->pid ? vm_read_file(vm->pid, "cmdline", &len) : NULL;
	if (!cmdline)
		return NULL;
	path = vm_console_from_cmdline(cmdline, len, why, size);
	free(cmdline);
	return path;
}

static int try_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd, err;

	if (len >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/*
 * Process @pid listens at the other end. A command line can name any socket, and
 * whoever wrote it is not to choose where an operator's words go.
 */
static bool listens(pid_t pid, int fd)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       peer.pid == pid;
}

/* It may have another root, and a relative path is one from where it works. */
static int connect_as_seen(pid_t pid, const char *path)
{
	int fd = -ENOENT;
	char *seen;

	if (asprintf(&seen, "/proc/%d/%s/%s", pid, *path == '/' ? "root" : "cwd",
		     path) < 0)
		return -ENOMEM;
	if (pid)
		fd = try_connect(seen);
	free(seen);
	return fd < 0 && *path == '/' ? try_connect(path) : fd;
}

int vm_console_open(const struct vm *vm, const char *pattern, char *why,
		    size_t size)
{
	char *path = find_path(vm, pattern, why, size);
	int fd;

	if (!path)
		return -ENOENT;
	fd = connect_as_seen(vm->pid, path);
	if (fd < 0) {
		snprintf(why, size, "cannot connect to %s: %s", path,
			 strerror(-fd));
	} else if (!pattern && !listens(vm->pid, fd)) {
		snprintf(why, size, "it is not process %u that listens at %s",
			 vm->pid, path);
		close(fd);
		fd = -EPERM;
	}
	free(path);
	return fd;
}
