/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of vmsched's core for schedulers in user space: it calls them in the
 * order and with the arguments that inst.c, dispatch.c and switch.c do, at
 * times that its user chooses, and tries each answer. When those files change the
 * order of calls, it has to follow; what they do is tried in the test machine.
 *
 * Its users are the simulator, and the tests of schedulers in selftests/user.
 */
#ifndef _SIM_CORE_H
#define _SIM_CORE_H

#include <vmsched/sched.h>

#define MAX_SCHEDS	32

#define SLICE_MIN_NS	(50 * NSEC_PER_USEC)

enum state { OFF, HALTED, WAITING, GRANTED };

struct vms_vcpu {
	struct vmsched_vcpu *ent;
	struct vmsched_vcpu *next_ent;
	struct vmsched_params params;
	struct vmsched_carry carry;
	struct cpumask user;
	struct cpumask allowed;
	struct list_head wait_node;	/* of pool.waiting, or empty */
	enum state state;
	u64 vm_id;
	u32 index;
	int cpu;
	u64 executed;	/* until "stamp" if it runs, see settle() */
	u64 stamp;
	u64 charged;
	u64 wait_from;
	void *user_data;
};

struct pcpu {
	struct vms_vcpu *cur;
	u64 slice_ns;
	u64 slice_base;
	u64 ask_at;		/* nobody has it, and it is asked again, or U64_MAX */
	unsigned int homed;
	unsigned int waiting;	/* vCPUs that wait here */
	struct vms_vcpu *keeps;
	u64 keeps_ns;
};

struct pool;

/**
 * struct watch - what the user of a pool is told of
 * @granted: a vCPU has got a pCPU. It executes after the ns returned.
 * @released: it has lost it; its "executed" is up to date
 * @timed: the end of the slice of a pCPU has changed, or when it is asked again
 */
struct watch {
	u64 (*granted)(struct pool *pool, struct vms_vcpu *v, int cpu);
	void (*released)(struct pool *pool, struct vms_vcpu *v, int cpu);
	void (*timed)(struct pool *pool, int cpu);
};

struct pool {
	struct vmsched_inst *inst;
	const struct watch *watch;	/* NULL for nobody */
	void *user_data;
	struct cpumask cpus;
	struct cpumask online;
	struct cpumask idle;
	struct pcpu *pcpus;		/* nr_cpu_ids of them */
	struct vms_vcpu **vcpus;
	int nr_vcpus;
	int max_vcpus;
	struct list_head waiting;
	u64 now;
	u64 decisions;			/* pick_next() was asked */
};

extern const struct vmsched_ops *scheds[MAX_SCHEDS];
extern int nr_scheds;

/* Why the last vcpu_init() or admit() has failed, or "" */
extern char core_refusal[64];

/*
 * Report what is wrong with a scheduler, and give up what is under way. Of the user
 * of the core.
 */
__printf(1, 2) void __noreturn broken(const char *fmt, ...);

/* inst.c */
void *zalloc(size_t size);
struct vmsched_inst *inst_create(struct pool *pool,
				 const struct vmsched_ops *ops);
void inst_destroy(struct vmsched_inst *inst);
struct vmsched_vcpu *ent_create(struct vmsched_inst *inst, struct vms_vcpu *v);
void ent_destroy(struct vmsched_vcpu *ent);

/* answer.c: give up if an answer is wrong */
bool is_online(const struct pool *pool, int cpu);
void check_none(const struct pool *pool, int cpu, u64 again);
void check_slice(const struct pool *pool, int cpu,
		 const struct vms_vcpu *picked, u64 slice);

/* pool.c */
void pool_init(struct pool *pool, const struct vmsched_ops *ops,
	       const struct cpumask *cpus, u64 now);
void pool_exit(struct pool *pool);
void pool_online(struct pool *pool, int cpu, bool online);
/* NULL if the scheduler refuses it */
struct vms_vcpu *vcpu_create(struct pool *pool, u64 vm_id, u32 index,
			     const struct vmsched_params *params,
			     const struct cpumask *user);
void vcpu_destroy(struct pool *pool, struct vms_vcpu *v);
void vcpu_set_mask(struct pool *pool, struct vms_vcpu *v,
		   const struct cpumask *user);
/* 0, or what the scheduler answers that does not admit it */
int vcpu_set_params(struct pool *pool, struct vms_vcpu *v,
		    const struct vmsched_params *params);

/* core.c */
void pool_resched(struct pool *pool, int cpu);
u64 pool_slice_left(struct pool *pool, int cpu);
/* Time until the scheduler is to be asked for @cpu, U64_MAX for never */
u64 pool_ask_in(struct pool *pool, int cpu);
void vcpu_runnable(struct pool *pool, struct vms_vcpu *v);
void vcpu_stop(struct pool *pool, struct vms_vcpu *v, enum state state);
/* Count what @v has executed until now. */
void vcpu_settle(struct pool *pool, struct vms_vcpu *v);

/* advance.c */
void pool_advance(struct pool *pool, u64 ns);

/* switch.c */
void pool_switch_fails(struct pool *pool, const struct vmsched_ops *ops);
/* 0, or what the scheduler answers that refuses a vCPU: then nothing has changed */
int pool_switch(struct pool *pool, const struct vmsched_ops *ops);

#endif
