// SPDX-License-Identifier: GPL-2.0
/*
 * Many VMs: what vmsched keeps of each and of each vCPU, and how fast all are
 * listed. Peer: a dump of as many routes, the kernel's best-known dump.
 *
 * The VMs wake twice a second and do nothing else. While they are listed they
 * stand still, and each list begins at a tick: what else wakes would be chance.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "bench.h"
#include "slabs.h"
#include "lib/clock.h"
#include "lib/rawvm.h"
#include <linux/vmsched.h>

#define VMS		1000
#define BIG_VMS		50
#define BIG_VCPUS	16
#define PERIOD_US	500000
#define BUFFER		32768
/* Of Debian's HZ=250 */
#define TICK_NS		4000000
#define ROUND_NS	10
#define FRACTION_MAX	0.1

static struct rawvm *vms[VMS];

struct request {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	struct nlattr attr;
	char name[GENL_NAMSIZ];
};

static int open_netlink(int protocol)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("netlink socket: %s", strerror(errno));
	return fd;
}

/* Send a dump request and read all of the answer; the number of messages */
static unsigned int dump(int fd, const void *request, size_t len)
{
	static char buf[BUFFER] __attribute__((aligned(8)));
	unsigned int n = 0;

	if (send(fd, request, len, 0) != (ssize_t)len)
		die("netlink send: %s", strerror(errno));
	for (;;) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
		ssize_t got = recv(fd, buf, sizeof(buf), 0);
		int left = got;

		if (got <= 0)
			die("netlink recv: %s", strerror(errno));
		for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left)) {
			if (nlh->nlmsg_type == NLMSG_DONE)
				return n;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				die("a list was refused");
			n++;
		}
	}
}

static uint16_t family_id(int fd)
{
	static char buf[BUFFER] __attribute__((aligned(8)));
	struct request r = {
		.nlh = { sizeof(r), GENL_ID_CTRL, NLM_F_REQUEST },
		.genl = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.attr = { NLA_HDRLEN + sizeof(VMSCHED_FAMILY_NAME),
			  CTRL_ATTR_FAMILY_NAME },
		.name = VMSCHED_FAMILY_NAME,
	};
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	struct nlattr *a = (void *)(buf + NLMSG_HDRLEN + GENL_HDRLEN);

	if (send(fd, &r, sizeof(r), 0) < 0 || recv(fd, buf, sizeof(buf), 0) < 0)
		die("genetlink: %s", strerror(errno));
	while ((char *)a < buf + nlh->nlmsg_len) {
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)((char *)a + NLA_HDRLEN);
		a = (void *)((char *)a + NLA_ALIGN(a->nla_len));
	}
	die("no family %s", VMSCHED_FAMILY_NAME);
}

static void measure_dump(const char *who, int fd, const void *request,
			 size_t len)
{
	uint64_t best = UINT64_MAX;
	unsigned int n = 0;
	int i;

	for (i = 0; i < 5; i++) {
		uint64_t start = (clock_ns() / TICK_NS + 2) * TICK_NS;

		clock_sleep_until(start);
		start = clock_ns();
		n = dump(fd, request, len);
		start = clock_ns() - start;
		best = start < best ? start : best;
	}
	if (n < VMS)
		die("%s: only %u of %d objects in a dump", who, n, VMS);
	figure("scale", who, "objects", n, "");
	/* What is less depends on which pages the kernel happens to have */
	figure("scale", who, "dump-of-one",
	       round((double)best / n / ROUND_NS) * ROUND_NS, "ns");
}

/* A route to 10.A.B.0/24 by the loopback device, which is the first */
static void add_route(int fd, unsigned int n)
{
	struct {
		struct nlmsghdr nlh;
		struct rtmsg rtm;
		struct rtattr dst_attr;
		uint32_t dst;
		struct rtattr oif_attr;
		uint32_t oif;
	} r = {
		.nlh = { sizeof(r), RTM_NEWROUTE,
			 NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE },
		.rtm = { .rtm_family = AF_INET, .rtm_dst_len = 24,
			 .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST,
			 .rtm_scope = RT_SCOPE_LINK, .rtm_protocol = RTPROT_BOOT },
		.dst_attr = { RTA_LENGTH(4), RTA_DST },
		.dst = htonl(10 << 24 | n << 8),
		.oif_attr = { RTA_LENGTH(4), RTA_OIF },
		.oif = 1,
	};
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
		char request[sizeof(r)];
	} answer;

	if (send(fd, &r, sizeof(r), 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0 ||
	    answer.nlh.nlmsg_type != NLMSG_ERROR || answer.err.error)
		die("cannot add a route");
}

static void dump_routes(void)
{
	struct {
		struct nlmsghdr nlh;
		struct rtmsg rtm;
	} r = {
		.nlh = { sizeof(r), RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP },
		.rtm = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN },
	};
	int i, fd = open_netlink(NETLINK_ROUTE);

	for (i = 0; i < VMS; i++)
		add_route(fd, i);
	measure_dump("routes", fd, &r, sizeof(r));
	close(fd);
}

static void dump_vms(const char *who, uint8_t cmd)
{
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
	} r = {
		.nlh = { sizeof(r), 0, NLM_F_REQUEST | NLM_F_DUMP },
		.genl = { .cmd = cmd, .version = VMSCHED_FAMILY_VERSION },
	};
	int fd = open_netlink(NETLINK_GENERIC);

	r.nlh.nlmsg_type = family_id(fd);
	measure_dump(who, fd, &r, sizeof(r));
	close(fd);
}

static void start(unsigned int n, unsigned int vcpus)
{
	struct rawvm_spec spec = { .name = "many", .kind = RAWVM_TICK,
				   .nr_vcpus = vcpus, .period_us = PERIOD_US };
	unsigned int i;

	for (i = 0; i < n; i++) {
		vms[i] = rawvm_spawn(&spec);
		if (!vms[i])
			die("no guest %u", i);
	}
	clock_sleep_ms(2 * PERIOD_US / 1000);
}

static void stop_all(void)
{
	unsigned int i;

	for (i = 0; i < VMS; i++)
		if (rawvm_pause(vms[i]))
			die("guest %u does not stop", i);
	/* Figures of before are out by then */
	clock_sleep_ms(2 * PERIOD_US / 1000);
}

/* Objects that it takes to manage the VMs that run, and the module itself */
static void manage(struct slabs *grown)
{
	static struct slabs before;

	slabs_read(&before);
	vmsched_load();
	ctl("sched switch bvt");
	clock_sleep_ms(3 * PERIOD_US / 1000);
	slabs_read(grown);
	slabs_subtract(grown, &before);
}

static void end(void)
{
	ctl("sched switch native");
	rawvm_kill_all();
	vmsched_unload();
}

/* Each VM holds a file here, and so do those that are forked after it */
static void raise_limits(void)
{
	struct rlimit many = { 4 * VMS, 4 * VMS };

	if (setrlimit(RLIMIT_NOFILE, &many))
		die("no more files: %s", strerror(errno));
}

/* What vmsched keeps of VMs and vCPUs is its own or accounted; see the kernel */
static bool is_theirs(const struct slab_cache *c)
{
	return !strcmp(c->name, "vmsched_vcpu") ||
	       !strncmp(c->name, "kmalloc-cg-", strlen("kmalloc-cg-"));
}

/*
 * A VM and a vCPU are so many objects each, whole ones: what else came or went
 * meanwhile is a small fraction of one when it is divided among all of them.
 */
static double whole(const struct slab_cache *c, double objects)
{
	if (fabs(objects - round(objects)) > FRACTION_MAX)
		die("%g objects of %s each", objects, c->name);
	return round(objects);
}

static void measure_memory(const struct slabs *small, const struct slabs *big)
{
	double vm = 0, vcpu = 0;
	unsigned int i;

	for (i = 0; i < small->n; i++) {
		const struct slab_cache *c = &small->cache[i];
		double of_small = c->objects / VMS;
		double of_big = slabs_objects(big, c->name) / BIG_VMS;
		double more = (of_big - of_small) / (BIG_VCPUS - 1);

		if (!is_theirs(c))
			continue;
		vcpu += whole(c, more) * c->size;
		vm += whole(c, of_small - more) * c->size;
	}
	if (vcpu <= 0 || vm <= 0)
		die("a VM takes %g bytes, a vCPU %g", vm, vcpu);
	figure("scale", "vmsched", "memory-of-a-vm", vm, "bytes");
	figure("scale", "vmsched", "memory-of-a-vcpu", vcpu, "bytes");
}

void bench_scale(void)
{
	static struct slabs none, small, big;

	raise_limits();
	/* What a first load leaves behind, and the module's own, is not theirs */
	manage(&none);
	end();
	manage(&none);
	end();

	start(BIG_VMS, BIG_VCPUS);
	manage(&big);
	end();

	start(VMS, 1);
	manage(&small);
	stop_all();
	dump_routes();
	dump_vms("vm-list", VMSCHED_CMD_VM_GET);
	dump_vms("vcpu-list", VMSCHED_CMD_VCPU_GET);
	end();
	slabs_subtract(&small, &none);
	slabs_subtract(&big, &none);
	measure_memory(&small, &big);
}
