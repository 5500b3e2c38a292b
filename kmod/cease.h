/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a switch of schedulers is made of: its steps, the cease, and the hold in
 * which a pool stays ceased. For those that switch; see switch.c.
 */
#ifndef _VMS_CEASE_H
#define _VMS_CEASE_H

#include "vmsched.h"

/* What a switch does before it cannot fail any more, see step.c. */
enum vms_step {
	VMS_STEP_LOOKUP,	/* find the pool, and the scheduler before */
	VMS_STEP_HOOK,		/* see guest entries */
	VMS_STEP_PATCH,		/* the calls that it will turn to */
	VMS_STEP_CONSOLE,	/* the agents have stopped */
	VMS_STEP_PIN,		/* the module */
	VMS_STEP_WAY,		/* how requests will reach it */
	VMS_STEP_INSTANCE,	/* memory and init() */
	VMS_STEP_VCPU,		/* its view of each vCPU */
	VMS_STEP_CEASE,
	VMS_STEP_HOLD,		/* stay ceased while an image is loaded */
	VMS_STEP_SWAP,		/* in the interrupt; if not, there is a slower way */
	VMS_STEPS
};

/* step.c */
const char *vms_step_name(enum vms_step step);
bool vms_step_fails(enum vms_step step);

/* cease.c: all vCPUs of a pool out of guest mode, and back */
void vms_cease_init(void);
void vms_cease_exit(void);
const struct cpumask *vms_cease_cpus(const struct vms_pool *pool);
bool vms_wants_to_run(struct vms_pool *pool, struct vms_pcpu *pc);
int vms_cease(struct vms_pool *pool, u64 start, struct vms_switch *req);
void vms_uncease(struct vms_pool *pool);

/**
 * struct vms_swap - a change that is made in an interrupt
 * @commit:	makes it: the pool has ceased, its lock is held
 * @start:	answer: when vCPUs had to exit
 * @cease_ns:	answer: from then until all were outside
 * @commit_ns:	answer: from then until it was made
 */
struct vms_swap {
	void (*commit)(struct vms_pool *pool, struct vms_swap *swap);
	u64 start;
	u64 cease_ns;
	u64 commit_ns;
};

/* swap.c */
void vms_swap_init(void);
void vms_swap_flush(void);
int vms_swap_run(struct vms_pool *pool, struct vms_swap *swap);

/* hold.c: ceased before the image of the next scheduler is loaded */
void vms_hold_begin(struct vms_pool *pool, u64 start, const struct vms_switch *req);
int vms_hold_check(const struct vms_pool *pool, u32 portid, bool held,
		   const char **why);
bool vms_is_held(const struct vms_pool *pool);
bool vms_hold_is_over(const struct vms_pool *pool);
u64 vms_hold_since(const struct vms_pool *pool, struct vms_switch *req);
void vms_hold_taken(struct vms_pool *pool);
void vms_hold_drop(struct vms_pool *pool);
int vms_hold_init(void);
void vms_hold_exit(void);

#endif /* _VMS_CEASE_H */
