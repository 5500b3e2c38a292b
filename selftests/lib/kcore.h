/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Code of the running kernel: where a symbol is, and the bytes that are there.
 */
#ifndef SELFTESTS_KCORE_H
#define SELFTESTS_KCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

static inline bool kcore_is_there(void)
{
	return !access("/proc/kcore", R_OK);
}

/* Address of a symbol of a module; 0 if it has none of that name */
uint64_t kcore_symbol(const char *name, const char *module);

/* Read @n bytes at @addr. 0, or -errno */
int kcore_read(uint64_t addr, void *buf, size_t n);

/* x86 instructions with an address relative to the next one */
#define KCORE_CALL	0xe8
#define KCORE_JMP	0xe9
#define KCORE_CALL_SIZE	5

/* Where the instruction @opcode at @addr leads to; 0 if it is another one */
uint64_t kcore_branch(uint64_t addr, unsigned char opcode);

/* Where the static call @name of vmsched is patched to; 0 if to nothing */
uint64_t kcore_static_call(const char *name);

#endif /* SELFTESTS_KCORE_H */
