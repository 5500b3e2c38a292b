/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What VMs and those who look after them ask for: who owns a console, who gives
 * a grant away, what priority a VM has. And the feedback to it.
 */
#ifndef _VMS_REQUEST_H
#define _VMS_REQUEST_H

#include "vmsched.h"

/* Longest list of pCPUs and their holders in the answer to a request. */
#define VMS_HOLDERS_MAX		512

/**
 * struct vms_request - what somebody asks for on behalf of a VM, and feedback
 * @kind:	enum vmsched_request_kind
 * @vm_id:	the VM
 * @has_weight:	it asks for a weight
 * @weight:	that; answer: the one in force
 * @handled:	answer: it was
 * @reason:	answer: why, or why not
 * @vcpus:	answer: vCPUs that gave up a grant, or get one next
 * @share:	answer: permille of the pool that the VM may have
 * @pool:	answer: name of its pool
 * @console_owner: answer: id of the VM that owns the console, or 0
 * @pcpus:	answer: who holds the pCPUs where the VM is, see fill_holders()
 * @attr:	answer: attribute of the request to blame, 0 for none
 * @why:	answer: what is wrong with the request itself
 */
struct vms_request {
	u32 kind;
	u64 vm_id;
	bool has_weight;
	u32 weight;
	bool handled;
	enum vmsched_request_reason reason;
	u32 vcpus;
	u32 share;
	char pool[VMSCHED_NAME_MAX];
	u64 console_owner;
	char pcpus[VMS_HOLDERS_MAX];
	u32 attr;
	char why[96];
};

/* Who wants to see when KVM_RUN ends; bits. */
enum vms_ends {
	VMS_ENDS_OF_OWNERS = 1,	/* to see VMs fail */
	VMS_ENDS_OF_CALLS = 2,	/* to answer hypercalls */
};

/* yield.c: grants that are given away, and got before one's turn */
struct vms_vcpu *__vms_choose(struct vms_pool *pool, struct vms_pcpu *pc,
			      u64 now, u64 *slice);
enum vmsched_request_reason __vms_yield(struct vms_vcpu *v,
					struct vms_vcpu *heir, u64 now);
bool __vms_can_inherit(const struct vms_vcpu *s, const struct vms_vcpu *v);
bool __vms_prefer(struct vms_vcpu *v);
void __vms_unprefer(struct vms_vcpu *v);

/* call.c: what guests ask for */
u32 vms_call_run(struct vms_vcpu *v, const struct vms_call *call);
void __vms_hint(struct vms_vcpu *v, bool critical);

static inline bool vms_is_handled(enum vmsched_request_reason reason)
{
	return reason == VMSCHED_REQUEST_REASON_DONE ||
	       reason == VMSCHED_REQUEST_REASON_UNCHANGED;
}

/* owner.c: whose console that of a pool is */
int vms_owner_begin(void);
void vms_owner_end(int err);
bool vms_owner_set(struct vms_vm *vm);
void vms_owner_lost(struct vms_vm *vm, enum vmsched_owner_why why);
void vms_owner_failed(struct vms_vcpu *v, enum vmsched_owner_why why);
void vms_owner_works(struct vms_vcpu *v);
void vms_owner_thread_ends(struct vms_vcpu *v);
void vms_owner_exit(void);

/* request.c: what requesters from outside ask for */
int vms_request_run(struct vms_request *req);
u32 __vms_share(const struct vms_vm *vm);

/* params.c */
void vms_params_set_weight(struct vms_vm *vm, u32 weight);
void vms_params_enforce(struct vms_vcpu *v);

/* kvm.c */
void vms_kvm_serve(struct vms_vcpu *v);
u32 vms_kvm_missing(void);
int vms_kvm_watch_ends(enum vms_ends who, bool on);

/* notify.c, fill.c */
void vms_notify_owner(struct vms_pool *pool, u64 old,
		      enum vmsched_owner_why why);
int vms_fill_owner(struct sk_buff *skb, struct vms_pool *pool, u64 old,
		   enum vmsched_owner_why why);
int vms_fill_request(struct sk_buff *skb, const struct vms_request *req);

#endif /* _VMS_REQUEST_H */
