/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of tests of several pools: four CPUs, native, a socket; afterwards
 * vmsched is removed, with whatever pools are left.
 *
 * Included once by a test, in place of fixture.h.
 */
#ifndef SELFTESTS_POOL_FIXTURE_H
#define SELFTESTS_POOL_FIXTURE_H

#include "fixture.h"
#include "genl.h"
#include "plugin.h"
#include "pools.h"

#define POOL_CPUS	4

FIXTURE(pools) {
	struct klog log;
	struct genl g;
	struct genl_ack ack;
};

/* Schedulers cannot be removed before the pools have left them; pools themselves go */
static inline int remove_all(struct genl *g)
{
	static const char * const names[] = { "default", "b", "c" };
	struct genl_ack ack;
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(names) && !err; i++) {
		err = pool_switch(g, names[i], "native", VMSCHED_ACTIVATE_TABLE, &ack);
		if (err == -ENOENT)
			err = 0;
	}
	genl_close(g);
	return err ?: vmsched_remove_all();
}

FIXTURE_SETUP(pools)
{
	const char *missing = kvm_host_missing();

	if (missing)
		SKIP(return, "%s", missing);
	if (cpus_online() < POOL_CPUS)
		SKIP(return, "needs %d CPUs", POOL_CPUS);
	ASSERT_EQ(0, klog_mark(&self->log));
	ASSERT_EQ(0, vmsched_ready());
	ASSERT_EQ(0, genl_open(&self->g));
}

FIXTURE_TEARDOWN(pools)
{
	rawvm_kill_all();
	if (module_loaded("vmsched"))
		EXPECT_EQ(0, remove_all(&self->g));
	EXPECT_EQ(0, klog_warnings_but(&self->log, PLUGIN_SAYS));
	klog_close(&self->log);
}

#define ADD(name, cpus) \
	pool_call(&self->g, VMSCHED_CMD_POOL_ADD, name, cpus, &self->ack)
#define SET(name, cpus) \
	pool_call(&self->g, VMSCHED_CMD_POOL_SET, name, cpus, &self->ack)
#define DEL(name) \
	pool_call(&self->g, VMSCHED_CMD_POOL_DEL, name, NULL, &self->ack)
#define MOVE(vm, pool) move_vm(&self->g, vm, pool, &self->ack)
#define SWITCH(pool, to) \
	pool_switch(&self->g, pool, to, VMSCHED_ACTIVATE_TABLE, &self->ack)

static inline int move_vm(struct genl *g, const struct rawvm *vm, const char *pool,
			  struct genl_ack *ack)
{
	uint64_t id;

	return vm_id(rawvm_pid(vm), &id) ?: pool_move(g, id, pool, ack);
}

static inline struct rawvm *start(const char *name, enum rawvm_kind kind,
				  unsigned int vcpus)
{
	struct rawvm *vm = rawvm_spawn(&(struct rawvm_spec) {
		.name = name, .kind = kind, .nr_vcpus = vcpus });

	return vm && vm_listed(rawvm_pid(vm), true, limit_ms(1000)) ? vm : NULL;
}

static inline bool goes_on(const struct rawvm *vm)
{
	return rawvm_advances(vm, HANG_LIMIT_MS) && !rawvm_broken(vm);
}

#endif /* SELFTESTS_POOL_FIXTURE_H */
