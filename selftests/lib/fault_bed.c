// SPDX-License-Identifier: GPL-2.0
/*
 * What tests of failing allocations work with; see fault_bed.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "exact.h"
#include "fault_bed.h"
#include "klog.h"

static bool spawn_two(struct bed *b)
{
	b->vms[0] = rawvm_spawn(&(struct rawvm_spec) {
		.name = "tick", .kind = RAWVM_TICK, .nr_vcpus = 2 });
	b->vms[1] = rawvm_spawn(&(struct rawvm_spec) {
		.name = "io", .kind = RAWVM_IO });
	if (!b->vms[0] || !b->vms[1])
		return false;
	b->pid[0] = rawvm_pid(b->vms[0]);
	b->pid[1] = rawvm_pid(b->vms[1]);
	return true;
}

bool bed_guests_go_on(const struct bed *b)
{
	return rawvm_advances(b->vms[0], HANG_LIMIT_MS) &&
	       rawvm_advances(b->vms[1], HANG_LIMIT_MS) &&
	       !rawvm_broken(b->vms[0]) && !rawvm_broken(b->vms[1]);
}

bool bed_make(struct bed *b)
{
	memset(b, 0, sizeof(*b));
	klog_memory_is_short(true);
	return spawn_two(b) && vm_listed(b->pid[0], true, HANG_LIMIT_MS) &&
	       vm_listed(b->pid[1], true, HANG_LIMIT_MS) &&
	       !genl_open(&b->g) && !genl_open(&b->events) &&
	       !genl_join(&b->events) &&
	       !fault_open(&b->self, getpid(), gettid()) &&
	       !fault_module("vmsched", &b->own) && !faults_within(&b->own) &&
	       !attrs_read(&b->attrs, 0);
}

void bed_end(struct bed *b, const char *what)
{
	faults_off();
	klog_memory_is_short(false);
	fault_close(&b->self);
	genl_close(&b->g);
	genl_close(&b->events);
	attrs_free(&b->attrs);
	printf("# %s_faults: %u\n", what, b->fired);
	printf("# %s_refused: %u\n", what, b->refused);
}

bool bed_attributes_kept(const struct bed *b)
{
	unsigned int compared, differ;
	struct attrs now;

	if (attrs_read(&now, 0))
		return false;
	differ = attrs_compare(&b->attrs, &now, &compared);
	attrs_free(&now);
	return !differ && compared > 3;
}

bool bed_state_kept(struct bed *b, unsigned int failed_more)
{
	struct snapshot now;
	bool same;

	if (snapshot_take(&now, &b->g))
		return false;
	same = snapshot_same(&b->before, &now);
	if (now.failed_switches != b->before.failed_switches + failed_more) {
		printf("# failed switches: %ju, %ju before\n",
		       (uintmax_t)now.failed_switches,
		       (uintmax_t)b->before.failed_switches);
		same = false;
	}
	snapshot_free(&now);
	return same;
}

bool bed_was_told(struct bed *b, uint8_t cmd)
{
	union {
		struct nlmsghdr hdr;
		uint8_t buf[GENL_PART_SIZE];
	} part;
	bool told = false;
	ssize_t n;

	for (;;) {
		n = recv(b->events.fd, part.buf, sizeof(part), MSG_DONTWAIT);
		if (n < 0 && errno != ENOBUFS)
			return told;
		if (n < 0 || genl_cmd(&part.hdr) == cmd)
			told = true;
	}
}

pid_t bed_kernel_thread(const struct attrs *a, const char *name)
{
	unsigned int i;

	for (i = 0; i < a->n; i++)
		if (a->list[i].kernel_thread && !strcmp(a->list[i].comm, name))
			return a->list[i].tid;
	return -1;
}
