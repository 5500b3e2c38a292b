/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must not leave the kernel: addresses, and bytes that nobody has set.
 * Each function prints what it finds and returns the number of findings.
 */
#ifndef SELFTESTS_LEAK_H
#define SELFTESTS_LEAK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Could be an address in the kernel's half */
bool leak_is_address(uint64_t value);

/*
 * A message of generic netlink, or an extended ACK: attributes that fill it
 * exactly, padding of zeros, texts that end where they say, no address, no
 * bytes of freed or fresh memory.
 */
unsigned int leak_in_message(const struct nlmsghdr *msg, const char *what);

/* Text: what looks like an address, hashed or not */
unsigned int leak_in_text(const char *text, const char *what);

/* Have @byte in as much freed kernel memory and in as much stack as possible */
void leak_poison(uint8_t byte);

#endif /* SELFTESTS_LEAK_H */
