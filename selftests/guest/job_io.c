// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs that exit for I/O: direct reads and writes at random places of
 * /dev/vda, and blocks sent to an echo service over TCP.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest.h"

#define BLOCK		4096
#define WAIT_TRIES	200
#define WAIT_US		50000

/* QEMU's user network: this machine, and the address that selftests/guest/run forwards. */
#define MY_ADDRESS	"10.0.2.15"
#define MY_NETMASK	"255.255.255.0"
#define ECHO_ADDRESS	"10.0.2.100"
#define ECHO_PORT	7

static uint64_t random64(void)
{
	static uint64_t state = 88172645463325252ull;

	/* xorshift: the same places in every run */
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static int open_disk(uint64_t *blocks)
{
	uint64_t size;
	int fd, tries;

	for (tries = 0; tries < WAIT_TRIES; tries++) {
		fd = open("/dev/vda", O_RDWR | O_DIRECT | O_CLOEXEC);
		if (fd >= 0)
			break;
		usleep(WAIT_US);
	}
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size))
		fail("/dev/vda");
	*blocks = size / BLOCK;
	if (!*blocks) {
		errno = ENOSPC;
		fail("/dev/vda");
	}
	return fd;
}

void job_disk(void)
{
	uint64_t blocks, next, ops = 0;
	int fd = open_disk(&blocks);
	ssize_t done;
	off_t at;
	void *buf;

	if (posix_memalign(&buf, BLOCK, BLOCK))
		fail("memory");
	memset(buf, 0x5a, BLOCK);
	next = now_ns() + 1000000000ull;
	for (;;) {
		at = random64() % blocks * BLOCK;
		done = ops & 1 ? pwrite(fd, buf, BLOCK, at) : pread(fd, buf, BLOCK, at);
		if (done != BLOCK)
			fail("/dev/vda");
		ops++;
		if (now_ns() < next)
			continue;
		next += 1000000000ull;
		printf("io %llu\n", (unsigned long long)ops);
	}
}

static void set_address(int sock, struct ifreq *req, int what, const char *text)
{
	struct sockaddr_in *addr = (struct sockaddr_in *)&req->ifr_addr;

	memset(addr, 0, sizeof(*addr));
	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = inet_addr(text);
	if (ioctl(sock, what, req))
		fail("address of eth0");
}

static void bring_up(void)
{
	struct ifreq req = { .ifr_name = "eth0" };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int tries;

	if (sock < 0)
		fail("socket");
	for (tries = 0; tries < WAIT_TRIES; tries++) {
		if (!ioctl(sock, SIOCGIFFLAGS, &req))
			break;
		usleep(WAIT_US);
	}
	set_address(sock, &req, SIOCSIFADDR, MY_ADDRESS);
	set_address(sock, &req, SIOCSIFNETMASK, MY_NETMASK);
	if (ioctl(sock, SIOCGIFFLAGS, &req))
		fail("eth0");
	req.ifr_flags |= IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &req))
		fail("eth0 up");
	close(sock);
}

static int connect_echo(void)
{
	const struct sockaddr_in peer = {
		.sin_family = AF_INET,
		.sin_port = htons(ECHO_PORT),
		.sin_addr.s_addr = inet_addr(ECHO_ADDRESS),
	};
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || connect(sock, (const struct sockaddr *)&peer, sizeof(peer)))
		fail("echo service at " ECHO_ADDRESS);
	return sock;
}

void job_net(void)
{
	static char out[BLOCK], in[BLOCK];
	uint64_t next, bytes = 0;
	int sock;

	bring_up();
	sock = connect_echo();
	memset(out, 0x5a, sizeof(out));
	next = now_ns() + 1000000000ull;
	for (;;) {
		if (send(sock, out, BLOCK, 0) != BLOCK ||
		    recv(sock, in, BLOCK, MSG_WAITALL) != BLOCK)
			fail("echo");
		bytes += BLOCK;
		if (now_ns() < next)
			continue;
		next += 1000000000ull;
		printf("net %llu\n", (unsigned long long)bytes);
	}
}
