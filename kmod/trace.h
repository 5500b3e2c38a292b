/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of vmsched, under events/vmsched/.
 *
 * From wakes and blocks follows what vCPUs did, whoever schedules them: "vmschedctl
 * record" reads those. They stand for threads: a vCPU sleeps if its thread does,
 * in KVM_RUN or in its VMM, and not while it waits at the gate.
 *
 * All are hit with interrupts off, under locks of Linux or the pool lock.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vmsched

#if !defined(_VMS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VMS_TRACE_H

#include <linux/tracepoint.h>

#include "vmsched.h"

/* It sleeps no longer, or has just appeared. @pcpu: where its thread was last. */
TRACE_EVENT(vmsched_wake,
	    TP_PROTO(const struct vms_vcpu *v),
	    TP_ARGS(v),
	    TP_STRUCT__entry(__field(u64,	vm)
			     __field(u32,	vcpu)
			     __field(s32,	pcpu)),
	    TP_fast_assign(__entry->vm = v->vm->id;
			   __entry->vcpu = v->index;
			   __entry->pcpu = task_cpu(v->task);),
	    TP_printk("vm=%llu vcpu=%u pcpu=%d", __entry->vm, __entry->vcpu,
		      __entry->pcpu)
);

/*
 * It sleeps, or is gone. @ran_ns: executed since it slept before. @run_ns: in all,
 * so that who has missed some of these knows as much.
 */
TRACE_EVENT(vmsched_block,
	    TP_PROTO(const struct vms_vcpu *v, u64 run_ns, bool in_kvm),
	    TP_ARGS(v, run_ns, in_kvm),
	    TP_STRUCT__entry(__field(u64,	vm)
			     __field(u64,	ran_ns)
			     __field(u64,	run_ns)
			     __field(u32,	vcpu)
			     __field(u32,	in_kvm)),
	    TP_fast_assign(__entry->vm = v->vm->id;
			   __entry->ran_ns = run_ns - v->slept_at;
			   __entry->run_ns = run_ns;
			   __entry->vcpu = v->index;
			   __entry->in_kvm = in_kvm;),
	    TP_printk("vm=%llu vcpu=%u ran_ns=%llu run_ns=%llu in_kvm=%u",
		      __entry->vm, __entry->vcpu, __entry->ran_ns,
		      __entry->run_ns, __entry->in_kvm)
);

/* It has the grant of a pCPU; @slice_ns 0: until somebody else can run there. */
TRACE_EVENT(vmsched_grant,
	    TP_PROTO(const struct vms_vcpu *v, int pcpu, u64 slice_ns),
	    TP_ARGS(v, pcpu, slice_ns),
	    TP_STRUCT__entry(__field(u64,	vm)
			     __field(u64,	slice_ns)
			     __field(u32,	vcpu)
			     __field(s32,	pcpu)),
	    TP_fast_assign(__entry->vm = v->vm->id;
			   __entry->slice_ns = slice_ns;
			   __entry->vcpu = v->index;
			   __entry->pcpu = pcpu;),
	    TP_printk("vm=%llu vcpu=%u pcpu=%d slice_ns=%llu", __entry->vm,
		      __entry->vcpu, __entry->pcpu, __entry->slice_ns)
);

#endif /* _VMS_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
