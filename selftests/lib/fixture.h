/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of every test that needs vmsched: module loaded, native active,
 * kernel log marked; afterwards no guest is left, native is active again and
 * the kernel log holds no warning.
 *
 * Included once by a test, in place of test.h.
 */
#ifndef SELFTESTS_FIXTURE_H
#define SELFTESTS_FIXTURE_H

#include "test.h"

#include "cli.h"
#include "klog.h"
#include "modules.h"

FIXTURE(vmsched) {
	struct klog log;
};

/*
 * Let control of the test go before its guests, so that on a slow machine it
 * is not control that takes the time. Guests do not inherit it.
 */
static inline int control_first(void)
{
	struct sched_param fifo = { .sched_priority = 10 };

	return sched_setscheduler(0, SCHED_FIFO, &fifo) ? -errno : 0;
}

/* A guest that wakes each 10 ms and is listed, as @id; NULL on error */
static inline struct rawvm *start_listed(const char *name, uint64_t *id)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = name, .kind = RAWVM_TICK });

	if (!vm || !vm_listed(rawvm_pid(vm), true, limit_ms(1000)) ||
	    vm_id(rawvm_pid(vm), id))
		return NULL;
	return vm;
}

FIXTURE_SETUP(vmsched)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, klog_mark(&self->log));
	ASSERT_EQ(0, vmsched_ready());
}

FIXTURE_TEARDOWN(vmsched)
{
	rawvm_kill_all();
	if (module_loaded("vmsched"))
		EXPECT_EQ(0, sched_switch("native", NULL));
	EXPECT_EQ(0, klog_warnings(&self->log));
	klog_close(&self->log);
}

#endif /* SELFTESTS_FIXTURE_H */
