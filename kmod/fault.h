/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Schedulers that are at fault: what is known of one, how a pool is taken out of
 * its hands, and what finds it. Included by vmsched.h.
 */
#ifndef _VMS_FAULT_H
#define _VMS_FAULT_H

#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/types.h>

#include <uapi/linux/vmsched.h>
#include <vmsched/sched.h>

struct vms_pool;
struct vms_vcpu;

/* The longest line about a fault */
#define VMS_FAULT_TEXT		256

/**
 * struct vms_fault_report - why a scheduler was thrown out
 * @kind:	which sort of fault
 * @at:		when
 * @bypass_ns:	time until Linux ran all vCPUs, 0 if it was not in force
 * @scheduler:	its name
 * @to:		name of the one that is in force instead
 * @why:	what it did
 * @trace:	where, a line for each caller
 * @dump:	what the pool looked like
 */
struct vms_fault_report {
	enum vmsched_fault_kind kind;
	u64 at;
	u64 bypass_ns;
	char scheduler[VMSCHED_NAME_MAX];
	char to[VMSCHED_NAME_MAX];
	char why[96];
	char trace[768];
	char dump[1024];
};

#define VMS_FAULT_TRACE_MAX	12

/* How far the first fault of an instance is noted */
enum vms_fault_state {
	VMS_FAULT_NONE,
	VMS_FAULT_WRITING,
	VMS_FAULT_COMPLETE,
};

/* Longest reason of a refusal, with the closing NUL */
#define VMS_REFUSAL_MAX		64

/**
 * struct vms_fault - of an instance
 * @state:	enum vms_fault_state
 * @pool:	the pool that it is for
 * @work:	takes the pool out of its hands
 * @slow_calls:	calls that took too long since @slow_since, see budget.c; under the
 *		pool lock, as the next two
 * @slow_since:	when the second began in which they are counted
 * @slow_ns:	what they took in all
 * @nr_trace:	callers of the first fault
 * @trace:	their addresses
 * @report:	the rest
 * @refusal:	what the last init(), vcpu_init() or admit() said of why it failed, or
 *		""; under vms_mutex
 */
struct vms_fault {
	atomic_t state;
	struct vms_pool *pool;
	struct irq_work work;
	u32 slow_calls;
	u64 slow_since;
	u64 slow_ns;
	unsigned int nr_trace;
	unsigned long trace[VMS_FAULT_TRACE_MAX];
	struct vms_fault_report report;
	char refusal[VMS_REFUSAL_MAX];
};

/* fault.c: a scheduler that cannot be trusted; see also vmsched_fault() */
int vms_fault_create(struct vmsched_inst *inst, struct vms_pool *pool);
void vms_fault_destroy(struct vmsched_inst *inst);
void vms_fault_again(struct vmsched_inst *inst);
void __vms_bypass(struct vms_pool *pool, u64 now);
void vms_fault_active(struct vms_pool *pool, enum vmsched_fault_kind kind,
		      const char *why);
void vms_fault_all(enum vmsched_fault_kind kind, const char *why);
struct vms_vcpu *__vms_fault_check_pick(struct vms_pool *pool, int cpu,
					struct vmsched_vcpu *ent, u64 slice);
bool __vms_fault_check_slice(struct vmsched_inst *inst, u64 slice);
bool __vms_fault_check_cpu(struct vmsched_inst *inst, struct vms_vcpu *v, int cpu);
void __vms_fault_check_carry(struct vmsched_inst *inst, struct vms_vcpu *v);

/* evict.c: leaving one, and what is told of it */
int vms_evict_wait(const char *name);
void __vms_evict_empty(struct vms_pool *pool, u64 now);
void vms_evict_empty(struct vms_pool *pool);
void vms_evict_init_pool(struct vms_pool *pool);
void vms_evict_exit_pool(struct vms_pool *pool);
void vms_evict_exit(void);
void vms_evict_left(struct vms_pool *pool, struct vmsched_inst *old);
void vms_evict_refused(struct vms_pool *pool, struct vmsched_inst *new,
		       const char *what, int err);
void vms_fault_text(const struct vms_pool *pool, char *text, size_t size);

/* budget.c, watchdog.c, sysrq.c: what finds a fault */
void __vms_call_took(struct vms_pool *pool, struct vmsched_inst *inst,
		     u64 began, bool once);
void vms_watchdog_begin(struct vms_pool *pool);
void vms_watchdog_exit(void);
void vms_sysrq_init(void);
void vms_sysrq_exit(void);

/* No op of an instance that is at fault may be called any more. */
static inline bool vms_may_call(const struct vmsched_inst *inst)
{
	return likely(!READ_ONCE(inst->faulted));
}

#endif /* _VMS_FAULT_H */
