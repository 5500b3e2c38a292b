// SPDX-License-Identifier: GPL-2.0
/*
 * The process of a raw VM: a main loop that takes commands from the test, and
 * one thread per vCPU that loops in KVM_RUN.
 *
 * A vCPU is taken out of KVM_RUN as QEMU does it: set the request, send a
 * signal; the handler sets immediate_exit, so that a signal which comes just
 * before KVM_RUN is not lost.
 *
 * Locking: vmm.lock covers paused, quit, work, parked, alive and left;
 * vmm.cond tells of any change of them. Which vCPU a thread runs, and the VM itself, change only
 * while all threads are parked.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpus.h"
#include "rawvm_int.h"

#define KICK_SIGNAL		SIGUSR1
#define CHILD_SETTLE_US		100000

struct vmm {
	struct rawvm_kvm kvm;
	pthread_t thread[RAWVM_MAX_VCPUS];
	unsigned int runs[RAWVM_MAX_VCPUS];	/* vCPU of each thread */
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool paused;
	bool quit;
	unsigned int parked;
	unsigned int alive;		/* threads that have not left */
	bool left[RAWVM_MAX_VCPUS];
	int (*work)(struct vmm *vmm);	/* to be done by vCPU work_vcpu */
	unsigned int work_vcpu;
	int work_result;
};

struct vcpu_arg {
	struct vmm *vmm;
	unsigned int index;
};

static __thread struct kvm_run *my_run;

static void on_kick(int sig)
{
	(void)sig;
	if (my_run)
		my_run->immediate_exit = 1;
}

/* Serve the requests for vCPU @i; false when it has to end */
static bool vcpu_requests(struct vmm *vmm, unsigned int i)
{
	bool go_on;

	pthread_mutex_lock(&vmm->lock);
	vmm->parked++;
	pthread_cond_broadcast(&vmm->cond);
	while (vmm->paused && !vmm->quit && !vmm->work)
		pthread_cond_wait(&vmm->cond, &vmm->lock);
	if (vmm->work && vmm->work_vcpu == i) {
		vmm->work_result = vmm->work(vmm);
		vmm->work = NULL;
		pthread_cond_broadcast(&vmm->cond);
	}
	while (vmm->paused && !vmm->quit && !vmm->left[i])
		pthread_cond_wait(&vmm->cond, &vmm->lock);
	vmm->parked--;
	go_on = !vmm->quit && !vmm->left[i];
	pthread_mutex_unlock(&vmm->lock);
	return go_on;
}

static bool requests_pending(struct vmm *vmm, unsigned int i)
{
	bool pending;

	pthread_mutex_lock(&vmm->lock);
	pending = vmm->paused || vmm->quit ||
		  (vmm->work && vmm->work_vcpu == i);
	pthread_mutex_unlock(&vmm->lock);
	return pending;
}

/* Handle one exit; false if the guest cannot go on */
static bool vcpu_exit(struct vmm *vmm, unsigned int i)
{
	struct kvm_run *run = vmm->kvm.run[i];
	struct rawvm_ctl *ctl = vmm->kvm.ctl;

	if (run->exit_reason == KVM_EXIT_IO && run->io.port == GUEST_PORT_IO) {
		__atomic_add_fetch(&ctl->exits[i], 1, __ATOMIC_RELAXED);
		if (vmm->kvm.spec->breeds)
			rawvm_breed(ctl, ctl->exits[i]);
		return true;
	}
	if (run->exit_reason == KVM_EXIT_IO && run->io.port == GUEST_PORT_FAULT)
		rawvm_error(ctl, "vCPU %u took an exception", i);
	else
		rawvm_error(ctl, "vCPU %u: unexpected exit reason %u", i,
			    run->exit_reason);
	return false;
}

/* Enter vCPU @i once; false if its thread has to end */
static bool vcpu_enter(struct vmm *vmm, unsigned int i)
{
	if (!ioctl(vmm->kvm.vcpu_fd[i], KVM_RUN, 0))
		return vcpu_exit(vmm, i);
	if (errno == EINTR || errno == EAGAIN)
		return true;
	rawvm_error(vmm->kvm.ctl, "vCPU %u: KVM_RUN: %s", i, strerror(errno));
	return false;
}

/* Body of thread @thread, with whatever vCPU is given to it */
static void vcpu_run(struct vmm *vmm, unsigned int thread)
{
	bool go_on = true;

	while (go_on) {
		unsigned int i = vmm->runs[thread];

		__atomic_store_n(&my_run, vmm->kvm.run[i], __ATOMIC_SEQ_CST);
		my_run->immediate_exit = 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (requests_pending(vmm, thread)) {
			/* Until it comes back, the page may go */
			__atomic_store_n(&my_run, NULL, __ATOMIC_SEQ_CST);
			go_on = vcpu_requests(vmm, thread);
			continue;
		}
		go_on = vcpu_enter(vmm, i);
		while (!go_on && vmm->kvm.spec->lingers)
			pause();
	}
}

static void *vcpu_main(void *data)
{
	struct vcpu_arg arg = *(struct vcpu_arg *)data;
	struct vmm *vmm = arg.vmm;
	char name[16];

	free(data);
	snprintf(name, sizeof(name), "CPU %u/KVM", arg.index);
	prctl(PR_SET_NAME, name);
	if (vmm->kvm.spec->cpus && cpus_pin(0, vmm->kvm.spec->cpus)) {
		rawvm_error(vmm->kvm.ctl, "vCPU %u: cannot pin to CPUs %s",
			    arg.index, vmm->kvm.spec->cpus);
		return NULL;
	}
	__atomic_store_n(&vmm->kvm.ctl->tid[arg.index], gettid(),
			 __ATOMIC_RELEASE);
	vcpu_run(vmm, arg.index);
	return NULL;
}

static void kick_all(struct vmm *vmm)
{
	unsigned int i;

	for (i = 0; i < vmm->kvm.spec->nr_vcpus; i++)
		pthread_kill(vmm->thread[i], KICK_SIGNAL);
}

static int vmm_pause(struct vmm *vmm)
{
	pthread_mutex_lock(&vmm->lock);
	vmm->paused = true;
	kick_all(vmm);
	while (vmm->parked < vmm->alive)
		pthread_cond_wait(&vmm->cond, &vmm->lock);
	pthread_mutex_unlock(&vmm->lock);
	return 0;
}

static int vmm_resume(struct vmm *vmm)
{
	pthread_mutex_lock(&vmm->lock);
	vmm->paused = false;
	pthread_cond_broadcast(&vmm->cond);
	pthread_mutex_unlock(&vmm->lock);
	return 0;
}

static int vmm_quit(struct vmm *vmm)
{
	unsigned int i;

	pthread_mutex_lock(&vmm->lock);
	vmm->quit = true;
	kick_all(vmm);
	pthread_cond_broadcast(&vmm->cond);
	pthread_mutex_unlock(&vmm->lock);
	for (i = 0; i < vmm->kvm.spec->nr_vcpus; i++)
		pthread_join(vmm->thread[i], NULL);
	rawvm_kvm_close(&vmm->kvm);
	return 0;
}

static int wait_child(pid_t pid)
{
	int status;

	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

static int vmm_fork_exec(struct vmm *vmm)
{
	pid_t pid = fork();

	(void)vmm;
	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	return wait_child(pid);
}

/* A mask that was inherited narrow may take a moment to be put right */
static void report_child(struct rawvm_child *child)
{
	usleep(CHILD_SETTLE_US);
	sched_getaffinity(0, sizeof(child->mask), &child->mask);
	__atomic_store_n(&child->tid, gettid(), __ATOMIC_RELEASE);
}

/* Runs in a vCPU thread, in its signal's wake: the mask may be narrowed now */
static int work_fork(struct vmm *vmm)
{
	pid_t pid = fork();

	if (!pid) {
		report_child(&vmm->kvm.ctl->child);
		_exit(0);
	}
	return wait_child(pid);
}

static void *clone_main(void *data)
{
	struct vmm *vmm = data;

	prctl(PR_SET_NAME, "cloned");
	report_child(&vmm->kvm.ctl->child);
	for (;;)
		pause();
	return NULL;
}

static int work_clone(struct vmm *vmm)
{
	pthread_t thread;
	int ret;

	vmm->kvm.ctl->child.tid = 0;
	ret = pthread_create(&thread, NULL, clone_main, vmm);
	if (ret)
		return -ret;
	while (!__atomic_load_n(&vmm->kvm.ctl->child.tid, __ATOMIC_ACQUIRE))
		usleep(1000);
	return 0;
}

/* The thread of a vCPU ends, VM and vCPU stay */
static int work_leave(struct vmm *vmm)
{
	vmm->left[vmm->work_vcpu] = true;
	vmm->alive--;
	return 0;
}

static int vcpu_work(struct vmm *vmm, unsigned int vcpu,
		     int (*work)(struct vmm *))
{
	int ret;

	if (vcpu >= vmm->kvm.spec->nr_vcpus || vmm->left[vcpu])
		return -EINVAL;
	pthread_mutex_lock(&vmm->lock);
	vmm->work = work;
	vmm->work_vcpu = vcpu;
	pthread_kill(vmm->thread[vcpu], KICK_SIGNAL);
	pthread_cond_broadcast(&vmm->cond);
	while (vmm->work)
		pthread_cond_wait(&vmm->cond, &vmm->lock);
	ret = vmm->work_result;
	pthread_mutex_unlock(&vmm->lock);
	return ret;
}

/* All threads are parked when @change is made */
static int while_paused(struct vmm *vmm, int (*change)(struct vmm *))
{
	int ret = vmm_pause(vmm) ?: change(vmm);

	vmm_resume(vmm);
	return ret;
}

/* The first two threads exchange their vCPUs */
static int swap_vcpus(struct vmm *vmm)
{
	unsigned int first = vmm->runs[0];
	pid_t *tid = vmm->kvm.ctl->tid;
	pid_t was = tid[0];

	if (vmm->alive < 2 || vmm->alive < vmm->kvm.spec->nr_vcpus)
		return -EINVAL;
	vmm->runs[0] = vmm->runs[1];
	vmm->runs[1] = first;
	tid[0] = tid[1];
	__atomic_store_n(&tid[1], was, __ATOMIC_RELEASE);
	return 0;
}

/* The VM is destroyed, and the same threads run another one */
static int renew_vm(struct vmm *vmm)
{
	rawvm_kvm_close(&vmm->kvm);
	return rawvm_kvm_create(&vmm->kvm);
}

/* The answer goes first: after execve() there is nobody to send it */
static void vmm_exec(int cmd_fd)
{
	int32_t ok = 0;

	if (send(cmd_fd, &ok, sizeof(ok), MSG_NOSIGNAL) != sizeof(ok))
		_exit(1);
	execl("/bin/sleep", "sleep", "600", NULL);
	_exit(127);
}

static int vmm_command(struct vmm *vmm, const struct rawvm_cmd *cmd, int cmd_fd)
{
	switch (cmd->op) {
	case RAWVM_OP_PAUSE:
		return vmm_pause(vmm);
	case RAWVM_OP_RESUME:
		return vmm_resume(vmm);
	case RAWVM_OP_QUIT:
		return vmm_quit(vmm);
	case RAWVM_OP_FORK_EXEC:
		return vmm_fork_exec(vmm);
	case RAWVM_OP_VCPU_FORK:
		return vcpu_work(vmm, cmd->vcpu, work_fork);
	case RAWVM_OP_VCPU_CLONE:
		return vcpu_work(vmm, cmd->vcpu, work_clone);
	case RAWVM_OP_VCPU_LEAVE:
		return vcpu_work(vmm, cmd->vcpu, work_leave);
	case RAWVM_OP_SWAP:
		return while_paused(vmm, swap_vcpus);
	case RAWVM_OP_RENEW:
		return while_paused(vmm, renew_vm);
	case RAWVM_OP_EXIT:
		_exit(0);
	case RAWVM_OP_EXEC:
		vmm_exec(cmd_fd);
	}
	return -EINVAL;
}

static void vmm_loop(struct vmm *vmm, int cmd_fd)
{
	struct rawvm_cmd cmd;
	int32_t ret;

	for (;;) {
		ssize_t n = recv(cmd_fd, &cmd, sizeof(cmd), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(cmd))
			_exit(1);
		ret = vmm_command(vmm, &cmd, cmd_fd);
		if (send(cmd_fd, &ret, sizeof(ret), MSG_NOSIGNAL) != sizeof(ret))
			_exit(1);
		if (cmd.op == RAWVM_OP_QUIT)
			_exit(0);
	}
}

static int start_vcpus(struct vmm *vmm)
{
	struct sigaction kick = { .sa_handler = on_kick };
	struct vcpu_arg *arg;
	unsigned int i;
	int ret;

	sigaction(KICK_SIGNAL, &kick, NULL);
	vmm->alive = vmm->kvm.spec->nr_vcpus;
	for (i = 0; i < vmm->kvm.spec->nr_vcpus; i++) {
		arg = malloc(sizeof(*arg));
		if (!arg)
			return -ENOMEM;
		*arg = (struct vcpu_arg) { .vmm = vmm, .index = i };
		vmm->runs[i] = i;
		ret = pthread_create(&vmm->thread[i], NULL, vcpu_main, arg);
		if (ret) {
			free(arg);
			rawvm_error(vmm->kvm.ctl, "pthread_create: %s",
				    strerror(ret));
			return -ret;
		}
	}
	return 0;
}

/* Linux shows as the command line what lies between two addresses */
static int show_argv(const char * const *argv)
{
	size_t size = 0, used = 0;
	unsigned int i;
	char *text;

	for (i = 0; argv[i]; i++)
		size += strlen(argv[i]) + 1;
	/* Below the stack, where the old one is: so the start can be set first */
	text = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (text == MAP_FAILED)
		return -errno;
	for (i = 0; argv[i]; i++)
		used += sprintf(text + used, "%s", argv[i]) + 1;
	if (prctl(PR_SET_MM, PR_SET_MM_ARG_START, text, 0, 0) ||
	    prctl(PR_SET_MM, PR_SET_MM_ARG_END, text + used, 0, 0))
		return -errno;
	return 0;
}

void rawvm_vmm_main(const struct rawvm_spec *spec, uint8_t *mem,
		    struct rawvm_ctl *ctl, int cmd_fd)
{
	static struct vmm vmm = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER,
	};

	struct sched_param none = { .sched_priority = 0 };

	/* A VM must not outlive its test, nor run at its priority */
	sched_setscheduler(0, SCHED_OTHER, &none);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, spec->name);
	vmm.kvm.spec = spec;
	vmm.kvm.mem = mem;
	vmm.kvm.ctl = ctl;
	if (spec->argv && show_argv(spec->argv)) {
		rawvm_error(ctl, "cannot change the command line");
		_exit(1);
	}
	vmm.paused = spec->held;
	if (rawvm_kvm_create(&vmm.kvm) || start_vcpus(&vmm))
		_exit(1);
	vmm_loop(&vmm, cmd_fd);
}
