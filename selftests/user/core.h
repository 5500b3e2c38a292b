/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of vmsched's core for schedulers in user space: it calls them in the
 * order and with the arguments that inst.c, dispatch.c and switch.c do, at
 * times of its own making, and tries each answer. When those files change the
 * order of calls, it has to follow; what they do is tried in the test machine.
 */
#ifndef _USER_CORE_H
#define _USER_CORE_H

#include <vmsched/sched.h>

#define MAX_CPUS	16
#define MAX_VCPUS	40
#define MAX_SCHEDS	8

#define SLICE_MIN_NS	(50 * NSEC_PER_USEC)

enum state { OFF, HALTED, WAITING, GRANTED };

struct vms_vcpu {
	struct vmsched_vcpu *ent;
	struct vmsched_vcpu *next_ent;
	struct vmsched_params params;
	struct vmsched_carry carry;
	struct cpumask user;
	struct cpumask allowed;
	enum state state;
	u32 index;
	int cpu;
	u64 executed;
	u64 charged;
	u64 wait_from;
};

struct pcpu {
	struct vms_vcpu *cur;
	u64 slice_ns;
	u64 slice_base;
	unsigned int homed;
	struct vms_vcpu *keeps;
	u64 keeps_ns;
};

struct pool {
	struct vmsched_inst *inst;
	struct cpumask online;
	struct pcpu pcpus[MAX_CPUS];
	struct vms_vcpu *vcpus[MAX_VCPUS];
	int nr_vcpus;
	u64 now;
};

extern const struct vmsched_ops *scheds[MAX_SCHEDS];
extern int nr_scheds;

/* Report what is wrong with a scheduler, and give up the test under way. */
void __attribute__((noreturn, format(printf, 1, 2))) broken(const char *fmt, ...);

/* inst.c */
void *zalloc(size_t size);
struct vmsched_inst *inst_create(struct pool *pool,
				 const struct vmsched_ops *ops);
void inst_destroy(struct vmsched_inst *inst);
struct vmsched_vcpu *ent_create(struct vmsched_inst *inst, struct vms_vcpu *v);
void ent_destroy(struct vmsched_vcpu *ent);

/* answer.c: give up if an answer is wrong */
bool is_online(const struct pool *pool, int cpu);
void check_none(const struct pool *pool, int cpu);
void check_slice(const struct pool *pool, int cpu,
		 const struct vms_vcpu *picked, u64 slice);

void pool_init(struct pool *pool, const struct vmsched_ops *ops, int cpus,
	       u64 now);
void pool_exit(struct pool *pool);
void pool_switch_fails(struct pool *pool, const struct vmsched_ops *ops);
void pool_switch(struct pool *pool, const struct vmsched_ops *ops);
void pool_advance(struct pool *pool, u64 ns);
void pool_online(struct pool *pool, int cpu, bool online);
void pool_resched(struct pool *pool, int cpu);

struct vms_vcpu *vcpu_create(struct pool *pool,
			     const struct vmsched_params *params, u64 user);
void vcpu_destroy(struct pool *pool, struct vms_vcpu *v);
void vcpu_runnable(struct pool *pool, struct vms_vcpu *v);
void vcpu_stop(struct pool *pool, struct vms_vcpu *v, enum state state);
void vcpu_set_user_mask(struct pool *pool, struct vms_vcpu *v, u64 user);
void vcpu_set_params(struct pool *pool, struct vms_vcpu *v,
		     const struct vmsched_params *params);

#endif
