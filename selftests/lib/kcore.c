// SPDX-License-Identifier: GPL-2.0
/*
 * Code of the running kernel, out of /proc/kcore.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kcore.h"

#define MAX_SEGMENTS	64

uint64_t kcore_symbol(const char *name, const char *module)
{
	char line[512], sym[256], mod[128], want[128];
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long addr;
	uint64_t found = 0;

	if (!f)
		return 0;
	snprintf(want, sizeof(want), "[%s]", module);
	while (!found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %*c %255s %127s", &addr, sym, mod) == 3 &&
		    !strcmp(sym, name) && !strcmp(mod, want))
			found = addr;
	}
	fclose(f);
	return found;
}

static int find_segment(int fd, uint64_t addr, size_t n, off_t *offset)
{
	struct elf64_phdr ph[MAX_SEGMENTS];
	struct elf64_hdr eh;
	int i;

	if (pread(fd, &eh, sizeof(eh), 0) != sizeof(eh) ||
	    eh.e_phnum > MAX_SEGMENTS ||
	    pread(fd, ph, eh.e_phnum * sizeof(ph[0]), eh.e_phoff) !=
		    (ssize_t)(eh.e_phnum * sizeof(ph[0])))
		return -EIO;
	for (i = 0; i < eh.e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD || addr < ph[i].p_vaddr ||
		    addr + n > ph[i].p_vaddr + ph[i].p_memsz)
			continue;
		*offset = ph[i].p_offset + (addr - ph[i].p_vaddr);
		return 0;
	}
	return -ENOENT;
}

int kcore_read(uint64_t addr, void *buf, size_t n)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	off_t offset;
	int ret;

	if (fd < 0)
		return -errno;
	ret = find_segment(fd, addr, n, &offset);
	if (!ret && pread(fd, buf, n, offset) != (ssize_t)n)
		ret = -EIO;
	close(fd);
	return ret;
}

uint64_t kcore_branch(uint64_t addr, unsigned char opcode)
{
	unsigned char code[KCORE_CALL_SIZE];
	int32_t rel;

	if (kcore_read(addr, code, sizeof(code)) || code[0] != opcode)
		return 0;
	memcpy(&rel, code + 1, sizeof(rel));
	return addr + sizeof(code) + rel;
}

uint64_t kcore_static_call(const char *name)
{
	char trampoline[128];
	uint64_t addr;

	snprintf(trampoline, sizeof(trampoline), "__SCT__%s", name);
	addr = kcore_symbol(trampoline, "vmsched");
	return addr ? kcore_branch(addr, KCORE_JMP) : 0;
}
