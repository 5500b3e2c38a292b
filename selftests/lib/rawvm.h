/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Raw KVM guests without QEMU, for exact figures.
 *
 * Every VM is a process of its own, as a VMM is: one thread per vCPU and a
 * main loop that takes commands. Progress is read from memory shared with the
 * guest, so reading costs the guest nothing and works on a stuck VM as well.
 *
 * Errors are printed as `# rawvm NAME: ...` lines and come back as -errno.
 */
#ifndef SELFTESTS_RAWVM_H
#define SELFTESTS_RAWVM_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One less than APIC ids of eight bits: the last one is everybody */
#define RAWVM_MAX_VCPUS		255

enum rawvm_kind {
	RAWVM_SPIN,	/* counts in a loop */
	RAWVM_TICK,	/* HLT, woken by its own timer; then spins and works */
	RAWVM_IO,	/* one exit to user space after the other */
	RAWVM_CPUID,	/* the same with exits that KVM handles: CPUID */
	RAWVM_CALL,	/* and hypercalls (AMD's instruction, which KVM patches) */
	RAWVM_PING,	/* two vCPUs in HLT that wake each other by IPI in turn */
	RAWVM_OBEY,	/* as SPIN, and does what rawvm_order() says */
};

/* The first of them, for tests that want some of each: any number of vCPUs will do */
#define RAWVM_MIXED	3

struct rawvm_spec {
	const char *name;
	enum rawvm_kind kind;
	unsigned int nr_vcpus;		/* 0 is 1 */
	const char *cpus;		/* CPU list for the vCPU threads, NULL: all */
	unsigned int period_us;		/* TICK: 0 is 10 ms */
	unsigned int busy_us;		/* TICK: time to spin after a wake */
	uint64_t loops;			/* TICK: then work, see below */
	bool breeds;			/* IO: makes a child at each exit */
	const char * const *argv;	/* command line that it shows, NULL: the test's */
	bool held;			/* starts as if paused */
	bool lingers;			/* a vCPU that cannot go on is kept by its thread */
	bool hyperv;			/* sees Hyper-V's interface as well */
};

/* Instructions of one loop, of SPIN's and of the work of TICK */
#define RAWVM_LOOP		100

/* Delays from the timer's deadline */
struct rawvm_delay {
	unsigned int n;
	uint64_t p50_ns;
	uint64_t p99_ns;
	uint64_t max_ns;
};

/* What a thread that the VMM made saw of itself */
struct rawvm_child {
	pid_t tid;
	cpu_set_t mask;
};

struct rawvm;

/* Start a VM and wait until all its vCPUs execute guest code; NULL on error */
struct rawvm *rawvm_spawn(const struct rawvm_spec *spec);

/* The same, without waiting for anything */
struct rawvm *rawvm_launch(const struct rawvm_spec *spec);

/* Orderly end: vCPUs leave, KVM is closed, the process exits and is reaped */
int rawvm_stop(struct rawvm *vm);

/* kill -9 and reap */
int rawvm_kill(struct rawvm *vm);

/* The VMM exits without closing anything first */
int rawvm_exit(struct rawvm *vm);

/* End whatever this process started and did not end yet */
void rawvm_kill_all(void);

/* As a VMM's stop and cont: every vCPU thread out of KVM_RUN, and back */
int rawvm_pause(struct rawvm *vm);
int rawvm_resume(struct rawvm *vm);

/* The main thread forks a child that executes /bin/true */
int rawvm_fork_exec(struct rawvm *vm);

/* vCPU thread @vcpu forks, the child reports its affinity and ends */
int rawvm_vcpu_fork(struct rawvm *vm, unsigned int vcpu, struct rawvm_child *child);

/* vCPU thread @vcpu makes a thread that sleeps until the VM ends */
int rawvm_vcpu_clone(struct rawvm *vm, unsigned int vcpu, struct rawvm_child *child);

/* The VMM executes another program, which ends the VM; then rawvm_kill() */
int rawvm_exec(struct rawvm *vm);

/* The thread of vCPU @vcpu ends, the VM and its other threads go on */
int rawvm_vcpu_leave(struct rawvm *vm, unsigned int vcpu);

/* The first two vCPU threads exchange their vCPUs */
int rawvm_swap(struct rawvm *vm);

/* The VM is destroyed and its threads run the vCPUs of a new one */
int rawvm_renew(struct rawvm *vm);

pid_t rawvm_pid(const struct rawvm *vm);
pid_t rawvm_tid(const struct rawvm *vm, unsigned int vcpu);
const char *rawvm_name(const struct rawvm *vm);
unsigned int rawvm_nr_vcpus(const struct rawvm *vm);

/* First line of a file of a vCPU thread under /proc; empty if it cannot be read */
void rawvm_thread_file(const struct rawvm *vm, unsigned int vcpu,
		       const char *file, char *buf, int size);

/* Work done since the start: loops, wakes or exits */
uint64_t rawvm_progress(const struct rawvm *vm, unsigned int vcpu);
uint64_t rawvm_progress_all(const struct rawvm *vm);

/* Exits to user space that the VMM handled */
uint64_t rawvm_exits(const struct rawvm *vm, unsigned int vcpu);

/*
 * TSC ticks of an exit of vCPU @vcpu, in the fastest batch of them so far: one
 * in which nothing else ran. IO, CPUID and CALL only; 0 before the first batch.
 * Of PING's vCPU 0: ticks until it is its turn again.
 */
double rawvm_exit_ticks(const struct rawvm *vm, unsigned int vcpu);

/* Steal time that KVM told the guest of */
uint64_t rawvm_steal_ns(const struct rawvm *vm, unsigned int vcpu);

/*
 * Mark now, and the delays of the wakes since a mark (the last 1023 at most):
 * to the first guest instruction, or to the end of the work.
 */
uint64_t rawvm_delay_mark(const struct rawvm *vm, unsigned int vcpu);
int rawvm_delays(const struct rawvm *vm, unsigned int vcpu, uint64_t mark,
		 struct rawvm_delay *delay);
int rawvm_responses(const struct rawvm *vm, unsigned int vcpu, uint64_t mark,
		    struct rawvm_delay *delay);

/* Loops of a TICK guest's spinning and work so far */
uint64_t rawvm_spins(const struct rawvm *vm, unsigned int vcpu);

/* Change the work of a TICK guest from its next wake on */
void rawvm_set_loops(const struct rawvm *vm, unsigned int vcpu, uint64_t loops);

/* This kernel's KVM has Hyper-V's interface */
bool rawvm_has_hyperv(void);

/*
 * Tell vCPU @vcpu of an OBEY guest to do something (GUEST_ORDER_*); what it is
 * given depends on that. rawvm_order() does not wait for it.
 */
void rawvm_order(const struct rawvm *vm, unsigned int vcpu, unsigned int order,
		 uint64_t rax, uint64_t rbx, uint64_t times);
bool rawvm_obeyed(const struct rawvm *vm, unsigned int vcpu,
		  unsigned int timeout_ms);

/* One hypercall: RAX afterwards, or -ETIME */
int64_t rawvm_hypercall(const struct rawvm *vm, unsigned int vcpu, uint64_t nr,
			uint64_t arg);

/* Hypercalls made by order so far, and in @handled those that were handled */
uint64_t rawvm_answers(const struct rawvm *vm, unsigned int vcpu,
		       uint64_t *handled);
int64_t rawvm_last_answer(const struct rawvm *vm, unsigned int vcpu);
/* And when it wakes, from the wake after the next one on */
void rawvm_set_period(const struct rawvm *vm, unsigned int vcpu, unsigned int us);

/* Part of these wakes that had a delay below @ns; -1 if there is none */
double rawvm_delays_below(const struct rawvm *vm, unsigned int vcpu,
			  uint64_t mark, uint64_t ns);

/*
 * Children that a VM which breeds has made so far: processes and threads, each
 * of which looks at its own CPU mask before anything else. In @narrow goes the
 * number of those that found one CPU only.
 */
uint64_t rawvm_children(const struct rawvm *vm, uint64_t *narrow);

/* True if a guest has taken an exception or KVM_RUN failed; prints what */
bool rawvm_broken(const struct rawvm *vm);

/* Wait until each vCPU has done some more work; false after @timeout_ms */
bool rawvm_advances(const struct rawvm *vm, unsigned int timeout_ms);

#endif /* SELFTESTS_RAWVM_H */
