// SPDX-License-Identifier: GPL-2.0
/*
 * Less rights; see unpriv.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unpriv.h"

int unpriv_capabilities(uint64_t mask)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].effective = data[0].permitted & mask;
	data[1].effective = data[1].permitted & (mask >> 32);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

int unpriv_user(void)
{
	if (setgroups(0, NULL) ||
	    setresgid(UNPRIV_UID, UNPRIV_UID, UNPRIV_UID) ||
	    setresuid(UNPRIV_UID, UNPRIV_UID, UNPRIV_UID))
		return -errno;
	return 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ret = -errno;
	close(fd);
	return ret;
}

int unpriv_userns_root(int flags)
{
	int ret = unpriv_user();

	if (ret)
		return ret;
	/* Who changed his user may not write his own files of /proc else */
	if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER | flags))
		return -errno;
	ret = write_file("/proc/self/setgroups", "deny") ?:
	      write_file("/proc/self/uid_map", "0 1000 1") ?:
	      write_file("/proc/self/gid_map", "0 1000 1");
	return ret ?: getuid() ? -EPERM : 0;
}
