// SPDX-License-Identifier: GPL-2.0
/*
 * Look for what must not leave the kernel; see leak.h.
 */
#include <ctype.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <unistd.h>

#include "leak.h"
#include <kselftest.h>

#define USER_HALF_END	0x0000800000000000ULL
#define KERNEL_HALF	0xffff800000000000ULL
#define ERROR_VALUES	0xfffffffffffff000ULL
#define HIGH_OF_KERNEL	0xffff8000U
/* So many equal bytes of a kind that fills memory are no accident */
#define POISON_RUN	4
/* An address in full */
#define ADDRESS_DIGITS	16
#define DEEPEST		8

/* Objects in a row, to go through partial slabs of all CPUs */
#define POISON_TIMES	48
#define POISON_POLLS	30
#define POISON_SEMS	64

bool leak_is_address(uint64_t value)
{
	return value >= KERNEL_HALF && value < ERROR_VALUES;
}

static unsigned int found(const char *what, unsigned int attr, const char *how)
{
	printf("# %s, attribute %u: %s\n", what, attr, how);
	return 1;
}

/* Of SLUB and KASAN, of stacks, and what leak_poison() may be asked for */
static bool is_poison(uint8_t byte)
{
	return byte == 0x5a || byte == 0x6b || byte == 0xa5 || byte == 0xaa ||
	       byte == 0xfe || byte == 0xcc;
}

static unsigned int poison_in(const uint8_t *p, size_t n, unsigned int attr,
			      const char *what)
{
	size_t i, run = 0;

	for (i = 0; i < n; i++) {
		run = is_poison(p[i]) && i && p[i] == p[i - 1] ? run + 1 :
		      is_poison(p[i]);
		if (run >= POISON_RUN)
			return found(what, attr, "bytes that nobody has set");
	}
	return 0;
}

static unsigned int addresses_in(const uint8_t *p, size_t n, unsigned int attr,
				 const char *what)
{
	uint64_t value;
	uint32_t half;
	size_t i;

	for (i = 0; i + sizeof(value) <= n; i++) {
		memcpy(&value, p + i, sizeof(value));
		if (leak_is_address(value))
			return found(what, attr, "an address");
	}
	if (n == sizeof(half)) {
		memcpy(&half, p, sizeof(half));
		if (half >= HIGH_OF_KERNEL && half != UINT32_MAX)
			return found(what, attr, "half of an address");
	}
	return 0;
}

/* Printable, and with a NUL at its end: a text, which must have no other one */
static bool is_text(const uint8_t *p, size_t n)
{
	size_t i;

	if (!n || p[n - 1])
		return false;
	for (i = 0; i + 1 < n && p[i]; i++) {
		if (!isprint(p[i]))
			return false;
	}
	return i > 1;
}

static unsigned int leak_in_payload(const uint8_t *p, size_t n,
				    unsigned int attr, const char *what)
{
	unsigned int bad = addresses_in(p, n, attr, what) +
			   poison_in(p, n, attr, what);

	if (!is_text(p, n))
		return bad;
	if (n > sizeof(uint64_t) && memchr(p, 0, n) != p + n - 1)
		bad += found(what, attr, "bytes after the end of a text");
	return bad + leak_in_text((const char *)p, what);
}

static unsigned int leak_in_attrs(const uint8_t *p, size_t left,
				  unsigned int depth, const char *what)
{
	unsigned int bad = 0;

	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const struct nlattr *)p;
		unsigned int type = a->nla_type & NLA_TYPE_MASK;
		size_t step = NLA_ALIGN(a->nla_len), i;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > left || step > left)
			return bad + found(what, type, "bad length");
		if ((a->nla_type & NLA_F_NESTED) && depth < DEEPEST)
			bad += leak_in_attrs(p + NLA_HDRLEN,
					     a->nla_len - NLA_HDRLEN,
					     depth + 1, what);
		else
			bad += leak_in_payload(p + NLA_HDRLEN,
					       a->nla_len - NLA_HDRLEN, type,
					       what);
		for (i = a->nla_len; i < step; i++) {
			if (p[i])
				bad += found(what, type, "padding is not zero");
		}
		p += step;
		left -= step;
	}
	return left ? bad + found(what, 0, "bytes are left over") : bad;
}

unsigned int leak_in_message(const struct nlmsghdr *msg, const char *what)
{
	const uint8_t *p = NLMSG_DATA(msg);
	size_t left = msg->nlmsg_len - NLMSG_HDRLEN;
	size_t head = GENL_HDRLEN;

	if (msg->nlmsg_type == NLMSG_DONE)
		head = sizeof(int);
	else if (msg->nlmsg_type == NLMSG_ERROR)
		head = sizeof(struct nlmsgerr);
	else if (((const struct genlmsghdr *)p)->reserved)
		return found(what, 0, "reserved field is not zero");
	if (left < head)
		return found(what, 0, "message is too short");
	return leak_in_attrs(p + head, left - head, 0, what);
}

static size_t hex_digits(const char *text, bool *letters)
{
	size_t n;

	*letters = false;
	for (n = 0; isxdigit((unsigned char)text[n]); n++)
		*letters |= !isdigit((unsigned char)text[n]);
	return n;
}

/* Sixteen digits with letters in them, or beginning with eight zeros: %p */
static bool looks_like_pointer(const char *digits, size_t n, bool letters)
{
	if (n != ADDRESS_DIGITS)
		return false;
	return letters || !strncmp(digits, "00000000", 8);
}

unsigned int leak_in_text(const char *text, const char *what)
{
	unsigned int bad = 0;
	bool letters;

	if (strstr(text, "(____ptrval____)") || strstr(text, "(efault)")) {
		printf("# %s: a pointer is printed in '%s'\n", what, text);
		bad++;
	}
	while (*text) {
		size_t n = hex_digits(text, &letters);

		if (looks_like_pointer(text, n, letters)) {
			printf("# %s: '%.16s' looks like an address\n", what,
			       text);
			bad++;
		}
		text += n ?: 1;
	}
	return bad;
}

static void poison_heap(uint8_t byte)
{
	static const size_t sizes[] = {
		40, 90, 180, 300, 700, 1500, 3000, 3700,
	};
	uint8_t data[4096];
	unsigned int i, j;
	int pair[2];

	memset(data, byte, sizeof(data));
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair))
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < POISON_TIMES; j++)
			send(pair[0], data, sizes[i], MSG_DONTWAIT);
		while (recv(pair[1], data, sizeof(data), MSG_DONTWAIT) > 0)
			;
		memset(data, byte, sizeof(data));
	}
	close(pair[0]);
	close(pair[1]);
}

/* Both copy what they are given to the kernel's stack before they look at it */
static void poison_stack(uint8_t byte)
{
	struct pollfd polls[POISON_POLLS];
	struct sembuf sems[POISON_SEMS];

	memset(polls, byte, sizeof(polls));
	memset(sems, byte, sizeof(sems));
	poll(polls, POISON_POLLS, 0);
	semop(INT16_MAX, sems, POISON_SEMS);
}

void leak_poison(uint8_t byte)
{
	poison_heap(byte);
	poison_stack(byte);
}
