// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of guests: what is done for them, how often, and the feedback.
 *
 * A guest gives away what is its own: the rest of a slice that it has been
 * granted. It never gets anything by asking that it would not have got. Its words
 * about itself are kept and shown, and change nothing for others.
 *
 * Knows no registers: kvm.c notes a call in vms_vcpu.call when it is made, and
 * has it served before the vCPU executes its next instruction.
 *
 * Locking: the pool lock. How often a VM has asked is counted without.
 */
#include <linux/module.h>

#include <uapi/linux/vmsched_guest.h>

#include "request.h"
#include "vmsched.h"

#define RATE_MAX	1000000U

/* A guest that has been quiet may ask so much at once as in this time. */
#define BURST_NS	(NSEC_PER_SEC / 10)

static unsigned int guest_requests = 1000;

static int set_rate(const char *text, const struct kernel_param *kp)
{
	return param_set_uint_minmax(text, kp, 0, RATE_MAX);
}

static const struct kernel_param_ops rate_ops = {
	.set = set_rate,
	.get = param_get_uint,
};

module_param_cb(guest_requests, &rate_ops, &guest_requests, 0644);
MODULE_PARM_DESC(guest_requests, "requests of a guest that are handled in a second, 0 for none (1000)");

/*
 * @next is when the next request would be due if they came evenly. Whoever is
 * ahead of that by more than the burst has to wait.
 */
static bool may_ask(atomic64_t *next, u64 now)
{
	u32 rate = READ_ONCE(guest_requests);
	s64 due = atomic64_read(next);
	s64 from;

	if (!rate)
		return false;
	do {
		from = max_t(s64, due, now - BURST_NS);
		if (from > (s64)now)
			return false;
	} while (!atomic64_try_cmpxchg(next, &due,
				       from + NSEC_PER_SEC / rate));
	return true;
}

/*
 * Requests in so many words, and those that a guest makes without knowing of vmsched,
 * because it spins, are counted apart: the latter may be very many. What a vCPU has
 * said of itself it may always take back, which it can do once.
 */
static bool is_heard(struct vms_vcpu *v, const struct vms_call *call, u64 now)
{
	if (call->nr == VMSCHED_HC_CRITICAL_END && READ_ONCE(v->critical))
		return true;
	return may_ask(call->hypercall ? &v->vm->next_call : &v->vm->next_spin,
		       now);
}

/* A sibling that would go on here at once, of number @index or (-1) any. */
static struct vms_vcpu *find_heir(const struct vms_vcpu *v, s64 index)
{
	struct vms_vcpu *s;

	list_for_each_entry(s, &v->vm->vcpus, vm_node)
		if (s != v && (index < 0 || s->index == index) &&
		    __vms_can_inherit(s, v))
			return s;
	return NULL;
}

static enum vmsched_request_reason to_sibling(struct vms_vcpu *v, s64 index,
					      u64 now)
{
	struct vms_vcpu *heir = find_heir(v, index);

	return heir ? __vms_yield(v, heir, now) :
		      VMSCHED_REQUEST_REASON_NO_SIBLING;
}

/* It spins: a sibling that waits may hold what it waits for. */
static enum vmsched_request_reason spin(struct vms_vcpu *v, u64 now)
{
	return __vms_yield(v, find_heir(v, -1), now);
}

/* Say, or take back, that the work of @v is time-critical. */
void __vms_hint(struct vms_vcpu *v, bool critical)
{
	lockdep_assert_held(&v->vm->pool->lock);
	if (v->critical == critical)
		return;
	WRITE_ONCE(v->critical, critical);
	WRITE_ONCE(v->vm->critical, v->vm->critical + (critical ? 1 : -1));
}

static enum vmsched_request_reason hint(struct vms_vcpu *v, bool critical)
{
	if (v->critical == critical)
		return VMSCHED_REQUEST_REASON_UNCHANGED;
	__vms_hint(v, critical);
	return VMSCHED_REQUEST_REASON_DONE;
}

static enum vmsched_request_reason __run(struct vms_vcpu *v,
					 const struct vms_call *call, u64 now)
{
	switch (call->nr) {
	case VMSCHED_HC_YIELD:
		return __vms_yield(v, NULL, now);
	case VMSCHED_HC_YIELD_TO:
		/* As in 32 bits, -1 is any. */
		return to_sibling(v, (s32)call->arg, now);
	case VMSCHED_HC_CRITICAL_BEGIN:
		return hint(v, true);
	case VMSCHED_HC_CRITICAL_END:
		return hint(v, false);
	case VMSCHED_HC_PRIO:
		return VMSCHED_REQUEST_REASON_DONE;
	case VMS_CALL_SPIN:
		return spin(v, now);
	default:
		return VMSCHED_REQUEST_REASON_UNKNOWN;
	}
}

static bool keeps_pcpu(const struct vms_vcpu *v)
{
	int cpu = READ_ONCE(v->cpu);

	return cpu >= 0 && READ_ONCE(vms_pcpu(cpu)->cur) == v;
}

/* As RAX shows it, see vmsched_guest.h. */
static u32 feedback(const struct vms_vcpu *v, enum vmsched_request_reason reason)
{
	const struct vms_vm *vm = v->vm;
	u32 rax = READ_ONCE(vm->params.weight) | __vms_share(vm) << 14 |
		  (u32)reason << 24;

	if (vms_is_handled(reason))
		rax |= VMSCHED_HC_HANDLED;
	if (READ_ONCE(READ_ONCE(vm->pool)->console_owner) == vm->id)
		rax |= VMSCHED_HC_OWNS_CONSOLE;
	if (keeps_pcpu(v))
		rax |= VMSCHED_HC_OWNS_PCPU;
	return rax;
}

/**
 * vms_call_run() - handle a request of a guest
 * @v: its vCPU, attached, of the current thread
 * @call: what it asks for
 *
 * Context: any, none of the locks of Linux's scheduler held.
 * Return: feedback for RAX, 0 or more.
 */
u32 vms_call_run(struct vms_vcpu *v, const struct vms_call *call)
{
	enum vmsched_request_reason reason;
	struct vms_pool *pool;
	unsigned long flags;
	u64 now = vms_now();
	u32 rax;

	/* So the pool of the feedback is there as well. */
	local_irq_save(flags);
	if (!is_heard(v, call, now)) {
		atomic64_inc(&READ_ONCE(v->pool)->limited);
		reason = VMSCHED_REQUEST_REASON_LIMITED;
	} else {
		pool = vms_pool_lock(&v->pool);
		pool->requests[VMS_FROM_GUEST]++;
		reason = test_bit(VMS_F_DEAD, &v->flags) ?
			 VMSCHED_REQUEST_REASON_NO_GRANT : __run(v, call, now);
		raw_spin_unlock(&pool->lock);
	}
	rax = feedback(v, reason);
	local_irq_restore(flags);
	return rax;
}
