// SPDX-License-Identifier: GPL-2.0
/*
 * For a Linux guest: make a request to vmsched on the host, print the feedback.
 * Needs the module vmsched_guest.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/vmsched_guest.h>

static const struct {
	const char *word;
	long long nr;
} requests[] = {
	{ "yield", VMSCHED_HC_YIELD },
	{ "yield-to", VMSCHED_HC_YIELD_TO },
	{ "critical-begin", VMSCHED_HC_CRITICAL_BEGIN },
	{ "critical-end", VMSCHED_HC_CRITICAL_END },
	{ "prio", VMSCHED_HC_PRIO },
};

int main(int argc, char **argv)
{
	long long request[2] = { 0, argc > 2 ? atoll(argv[2]) : -1 };
	int fd = open("/dev/vmsched-guest", O_RDWR | O_CLOEXEC);
	long long rax;
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(requests) / sizeof(*requests); i++)
		if (!strcmp(argv[1], requests[i].word))
			request[0] = requests[i].nr;
	if (!request[0]) {
		fputs("use: vmsched-guest yield|yield-to [VCPU]|prio|\n"
		      "     critical-begin|critical-end\n", stderr);
		return 2;
	}
	if (write(fd, request, sizeof(request)) != sizeof(request) ||
	    read(fd, &rax, sizeof(rax)) != sizeof(rax)) {
		perror("vmsched-guest: /dev/vmsched-guest");
		return 1;
	}
	if (rax < 0) {
		fprintf(stderr, "vmsched-guest: %lld: vmsched is not active on the host\n",
			rax);
		return 3;
	}
	printf("handled %d reason %lld weight %lld share %lld console %d pcpu %d\n",
	       !!(rax & VMSCHED_HC_HANDLED), VMSCHED_HC_REASON(rax),
	       VMSCHED_HC_WEIGHT(rax), VMSCHED_HC_SHARE(rax),
	       !!(rax & VMSCHED_HC_OWNS_CONSOLE), !!(rax & VMSCHED_HC_OWNS_PCPU));
	return !(rax & VMSCHED_HC_HANDLED);
}
