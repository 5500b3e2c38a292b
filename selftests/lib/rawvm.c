// SPDX-License-Identifier: GPL-2.0
/*
 * The test's side of a raw VM: start its process, send it commands, read its
 * counters. The VM's own side is rawvm_vmm.c.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "exact.h"
#include "rawvm_int.h"

#define COMMAND_TIMEOUT_MS	30000
#define START_TIMEOUT_MS	(patience(30) * 1000)

struct rawvm {
	struct rawvm *next;
	struct rawvm_spec spec;
	char name[32];
	char cpus[64];
	pid_t pid;
	int cmd_fd;
	uint8_t *mem;
	struct rawvm_ctl *ctl;
};

/* All VMs of this process, so that a test that gives up leaves none behind */
static struct rawvm *all_vms;

static int rawvm_complain(const struct rawvm *vm, const char *what, int err)
{
	printf("# rawvm %s (pid %d): %s: %s%s%s\n", vm->name, vm->pid, what,
	       strerror(-err), vm->ctl->error[0] ? ": " : "", vm->ctl->error);
	return err;
}

static void *map_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void rawvm_free(struct rawvm *vm)
{
	struct rawvm **p;

	for (p = &all_vms; *p; p = &(*p)->next) {
		if (*p == vm) {
			*p = vm->next;
			break;
		}
	}
	if (vm->cmd_fd >= 0)
		close(vm->cmd_fd);
	if (vm->mem)
		munmap(vm->mem, rawvm_mem_size(vm->spec.nr_vcpus));
	if (vm->ctl)
		munmap(vm->ctl, sizeof(*vm->ctl));
	free(vm);
}

static struct rawvm *rawvm_alloc(const struct rawvm_spec *spec)
{
	struct rawvm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return NULL;
	vm->cmd_fd = -1;
	vm->spec = *spec;
	snprintf(vm->name, sizeof(vm->name), "%s", spec->name ?: "raw");
	vm->spec.name = vm->name;
	if (spec->cpus) {
		snprintf(vm->cpus, sizeof(vm->cpus), "%s", spec->cpus);
		vm->spec.cpus = vm->cpus;
	}
	if (!vm->spec.nr_vcpus)
		vm->spec.nr_vcpus = 1;
	if (!vm->spec.period_us)
		vm->spec.period_us = 10000;
	vm->mem = map_shared(rawvm_mem_size(vm->spec.nr_vcpus));
	vm->ctl = map_shared(sizeof(*vm->ctl));
	if (!vm->mem || !vm->ctl || vm->spec.nr_vcpus > RAWVM_MAX_VCPUS) {
		rawvm_free(vm);
		return NULL;
	}
	return vm;
}

static int rawvm_fork(struct rawvm *vm)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd))
		return -errno;
	vm->pid = fork();
	if (!vm->pid) {
		close(fd[0]);
		rawvm_vmm_main(&vm->spec, vm->mem, vm->ctl, fd[1]);
		_exit(1);
	}
	close(fd[1]);
	vm->cmd_fd = fd[0];
	if (vm->pid < 0)
		return -errno;
	vm->next = all_vms;
	all_vms = vm;
	return 0;
}

/* Wait until all vCPU threads are there */
static bool has_threads(const struct rawvm *vm)
{
	uint64_t end = clock_ns() + START_TIMEOUT_MS * NSEC_PER_MSEC;
	unsigned int i;

	for (i = 0; i < vm->spec.nr_vcpus; i++) {
		while (!rawvm_tid(vm, i)) {
			if (vm->ctl->error[0] || clock_ns() > end)
				return false;
			clock_sleep_ms(1);
		}
	}
	return true;
}

struct rawvm *rawvm_launch(const struct rawvm_spec *spec)
{
	struct rawvm *vm = rawvm_alloc(spec);
	int ret;

	if (!vm) {
		printf("# rawvm %s: no memory, or more than %u vCPUs\n",
		       spec->name ?: "raw", RAWVM_MAX_VCPUS);
		return NULL;
	}
	ret = rawvm_fork(vm);
	if (ret) {
		rawvm_complain(vm, "fork", ret);
		rawvm_free(vm);
		return NULL;
	}
	return vm;
}

struct rawvm *rawvm_spawn(const struct rawvm_spec *spec)
{
	struct rawvm *vm = rawvm_launch(spec);

	if (!vm)
		return NULL;
	if (!(spec->held ? has_threads(vm) :
			   rawvm_advances(vm, START_TIMEOUT_MS))) {
		rawvm_complain(vm, "does not start", -ETIMEDOUT);
		rawvm_kill(vm);
		return NULL;
	}
	return vm;
}

static int rawvm_command(struct rawvm *vm, enum rawvm_op op, unsigned int vcpu)
{
	struct rawvm_cmd cmd = { .op = op, .vcpu = vcpu };
	struct pollfd pfd = { .fd = vm->cmd_fd, .events = POLLIN };
	int32_t ret;
	int n;

	if (send(vm->cmd_fd, &cmd, sizeof(cmd), MSG_NOSIGNAL) != sizeof(cmd))
		return rawvm_complain(vm, "send command", -errno);
	do {
		n = poll(&pfd, 1, COMMAND_TIMEOUT_MS);
	} while (n < 0 && errno == EINTR);
	if (!n)
		return rawvm_complain(vm, "command", -ETIMEDOUT);
	if (recv(vm->cmd_fd, &ret, sizeof(ret), 0) != sizeof(ret))
		return rawvm_complain(vm, "command", -ECONNRESET);
	return ret ? rawvm_complain(vm, "command", ret) : 0;
}

/* Reap the VM's process within the time limit, and forget the VM */
static int rawvm_reap(struct rawvm *vm)
{
	uint64_t end = clock_ns() + COMMAND_TIMEOUT_MS * NSEC_PER_MSEC;
	int status;

	while (waitpid(vm->pid, &status, WNOHANG) == 0) {
		if (clock_ns() > end)
			return rawvm_complain(vm, "process does not end",
					      -ETIMEDOUT);
		clock_sleep_ms(2);
	}
	rawvm_free(vm);
	return 0;
}

int rawvm_stop(struct rawvm *vm)
{
	int ret = rawvm_command(vm, RAWVM_OP_QUIT, 0);

	if (ret)
		kill(vm->pid, SIGKILL);
	return rawvm_reap(vm) ?: ret;
}

int rawvm_kill(struct rawvm *vm)
{
	kill(vm->pid, SIGKILL);
	return rawvm_reap(vm);
}

int rawvm_exit(struct rawvm *vm)
{
	struct rawvm_cmd cmd = { .op = RAWVM_OP_EXIT };

	if (send(vm->cmd_fd, &cmd, sizeof(cmd), MSG_NOSIGNAL) != sizeof(cmd))
		return rawvm_complain(vm, "send command", -errno);
	return rawvm_reap(vm);
}

void rawvm_kill_all(void)
{
	struct rawvm *vm;

	for (vm = all_vms; vm; vm = vm->next)
		kill(vm->pid, SIGKILL);
	while (all_vms) {
		if (rawvm_reap(all_vms))
			break;
	}
}

int rawvm_pause(struct rawvm *vm)
{
	return rawvm_command(vm, RAWVM_OP_PAUSE, 0);
}

int rawvm_resume(struct rawvm *vm)
{
	return rawvm_command(vm, RAWVM_OP_RESUME, 0);
}

int rawvm_fork_exec(struct rawvm *vm)
{
	return rawvm_command(vm, RAWVM_OP_FORK_EXEC, 0);
}

int rawvm_vcpu_fork(struct rawvm *vm, unsigned int vcpu,
		    struct rawvm_child *child)
{
	int ret = rawvm_command(vm, RAWVM_OP_VCPU_FORK, vcpu);

	*child = vm->ctl->child;
	return ret;
}

int rawvm_vcpu_clone(struct rawvm *vm, unsigned int vcpu,
		     struct rawvm_child *child)
{
	int ret = rawvm_command(vm, RAWVM_OP_VCPU_CLONE, vcpu);

	*child = vm->ctl->child;
	return ret;
}

int rawvm_exec(struct rawvm *vm)
{
	return rawvm_command(vm, RAWVM_OP_EXEC, 0);
}

int rawvm_vcpu_leave(struct rawvm *vm, unsigned int vcpu)
{
	return rawvm_command(vm, RAWVM_OP_VCPU_LEAVE, vcpu);
}

int rawvm_swap(struct rawvm *vm)
{
	return rawvm_command(vm, RAWVM_OP_SWAP, 0);
}

int rawvm_renew(struct rawvm *vm)
{
	return rawvm_command(vm, RAWVM_OP_RENEW, 0);
}

pid_t rawvm_pid(const struct rawvm *vm)
{
	return vm->pid;
}

pid_t rawvm_tid(const struct rawvm *vm, unsigned int vcpu)
{
	return __atomic_load_n(&vm->ctl->tid[vcpu], __ATOMIC_ACQUIRE);
}

const char *rawvm_name(const struct rawvm *vm)
{
	return vm->name;
}

unsigned int rawvm_nr_vcpus(const struct rawvm *vm)
{
	return vm->spec.nr_vcpus;
}

uint64_t rawvm_progress(const struct rawvm *vm, unsigned int vcpu)
{
	return __atomic_load_n(&rawvm_area(vm->mem, vcpu)->count,
			       __ATOMIC_RELAXED);
}

uint64_t rawvm_progress_all(const struct rawvm *vm)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < vm->spec.nr_vcpus; i++)
		sum += rawvm_progress(vm, i);
	return sum;
}

uint64_t rawvm_exits(const struct rawvm *vm, unsigned int vcpu)
{
	return __atomic_load_n(&vm->ctl->exits[vcpu], __ATOMIC_RELAXED);
}

double rawvm_exit_ticks(const struct rawvm *vm, unsigned int vcpu)
{
	int batch = vm->spec.kind == RAWVM_PING ? GUEST_PING_BATCH : GUEST_BATCH;

	return (double)__atomic_load_n(&rawvm_area(vm->mem, vcpu)->best,
				       __ATOMIC_RELAXED) / batch;
}

uint64_t rawvm_steal_ns(const struct rawvm *vm, unsigned int vcpu)
{
	return __atomic_load_n(&rawvm_area(vm->mem, vcpu)->steal.steal,
			       __ATOMIC_RELAXED);
}

uint64_t rawvm_delay_mark(const struct rawvm *vm, unsigned int vcpu)
{
	return __atomic_load_n(&rawvm_area(vm->mem, vcpu)->ring_head,
			       __ATOMIC_ACQUIRE);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * Delays of the wakes since @mark in ns, sorted, to be freed; their number.
 * @field: the one of struct guest_wake to which the delay is
 */
static unsigned int sorted_delays(const struct rawvm *vm, unsigned int vcpu,
				  uint64_t mark, size_t field,
				  uint64_t **delays)
{
	const struct guest_area *area = rawvm_area(vm->mem, vcpu);
	uint64_t head = rawvm_delay_mark(vm, vcpu);
	uint64_t *ns;
	unsigned int n = 0;

	/* Leave out the slot that the guest may be writing */
	if (head - mark > GUEST_RING_SIZE - 1)
		mark = head - (GUEST_RING_SIZE - 1);
	ns = calloc(head - mark + 1, sizeof(*ns));
	*delays = ns;
	for (; ns && mark != head; mark++) {
		const struct guest_wake *w = &area->ring[mark % GUEST_RING_SIZE];
		uint64_t tsc = *(const uint64_t *)((const char *)w + field);
		uint64_t late = tsc > w->deadline ? tsc - w->deadline : 0;

		if (!tsc)
			continue;
		ns[n++] = (uint64_t)((__uint128_t)late * 1000000 /
				     vm->ctl->tsc_khz);
	}
	if (n)
		qsort(ns, n, sizeof(*ns), compare_u64);
	return n;
}

/* As above, summed up */
static int delays_to(const struct rawvm *vm, unsigned int vcpu, uint64_t mark,
		     size_t field, struct rawvm_delay *delay)
{
	uint64_t *ns;
	unsigned int n = sorted_delays(vm, vcpu, mark, field, &ns);

	memset(delay, 0, sizeof(*delay));
	if (n) {
		delay->n = n;
		delay->p50_ns = ns[n / 2];
		delay->p99_ns = ns[n * 99 / 100];
		delay->max_ns = ns[n - 1];
	}
	free(ns);
	return n ? 0 : -ENODATA;
}

void rawvm_order(const struct rawvm *vm, unsigned int vcpu, unsigned int order,
		 uint64_t rax, uint64_t rbx, uint64_t times)
{
	struct guest_area *area = rawvm_area(vm->mem, vcpu);

	area->rax = rax;
	area->rbx = rbx;
	area->times = times;
	__atomic_store_n(&area->order, order, __ATOMIC_RELEASE);
}

bool rawvm_obeyed(const struct rawvm *vm, unsigned int vcpu,
		  unsigned int timeout_ms)
{
	const struct guest_area *area = rawvm_area(vm->mem, vcpu);
	uint64_t end = clock_ns() + timeout_ms * NSEC_PER_MSEC;

	while (__atomic_load_n(&area->order, __ATOMIC_ACQUIRE)) {
		if (vm->ctl->error[0] || clock_ns() > end) {
			printf("# rawvm %s vCPU %u has not done order %ju\n",
			       vm->name, vcpu, (uintmax_t)area->order);
			return false;
		}
		clock_sleep_ms(1);
	}
	return true;
}

int64_t rawvm_hypercall(const struct rawvm *vm, unsigned int vcpu, uint64_t nr,
			uint64_t arg)
{
	rawvm_order(vm, vcpu, GUEST_ORDER_CALL, nr, arg, 1);
	return rawvm_obeyed(vm, vcpu, HANG_LIMIT_MS) ?
	       rawvm_last_answer(vm, vcpu) : -ETIME;
}

uint64_t rawvm_answers(const struct rawvm *vm, unsigned int vcpu,
		       uint64_t *handled)
{
	const struct guest_area *area = rawvm_area(vm->mem, vcpu);

	if (handled)
		*handled = __atomic_load_n(&area->handled, __ATOMIC_RELAXED);
	return __atomic_load_n(&area->answers, __ATOMIC_RELAXED);
}

int64_t rawvm_last_answer(const struct rawvm *vm, unsigned int vcpu)
{
	return __atomic_load_n(&rawvm_area(vm->mem, vcpu)->result,
			       __ATOMIC_RELAXED);
}

double rawvm_delays_below(const struct rawvm *vm, unsigned int vcpu,
			  uint64_t mark, uint64_t below)
{
	uint64_t *ns;
	unsigned int n = sorted_delays(vm, vcpu, mark,
				       offsetof(struct guest_wake, tsc), &ns);
	unsigned int i;

	for (i = 0; i < n && ns[i] < below; i++)
		;
	free(ns);
	return n ? (double)i / n : -1;
}

int rawvm_delays(const struct rawvm *vm, unsigned int vcpu, uint64_t mark,
		 struct rawvm_delay *delay)
{
	return delays_to(vm, vcpu, mark, offsetof(struct guest_wake, tsc), delay);
}

int rawvm_responses(const struct rawvm *vm, unsigned int vcpu, uint64_t mark,
		    struct rawvm_delay *delay)
{
	return delays_to(vm, vcpu, mark, offsetof(struct guest_wake, done), delay);
}

uint64_t rawvm_spins(const struct rawvm *vm, unsigned int vcpu)
{
	return __atomic_load_n(&rawvm_area(vm->mem, vcpu)->spins,
			       __ATOMIC_RELAXED);
}

void rawvm_set_loops(const struct rawvm *vm, unsigned int vcpu, uint64_t loops)
{
	__atomic_store_n(&rawvm_area(vm->mem, vcpu)->loops, loops,
			 __ATOMIC_RELAXED);
}

void rawvm_set_period(const struct rawvm *vm, unsigned int vcpu, unsigned int us)
{
	__atomic_store_n(&rawvm_area(vm->mem, vcpu)->period,
			 (uint64_t)us * vm->ctl->tsc_khz / 1000,
			 __ATOMIC_RELAXED);
}

uint64_t rawvm_children(const struct rawvm *vm, uint64_t *narrow)
{
	*narrow = __atomic_load_n(&vm->ctl->narrow, __ATOMIC_RELAXED);
	return __atomic_load_n(&vm->ctl->children, __ATOMIC_RELAXED);
}

bool rawvm_broken(const struct rawvm *vm)
{
	if (!vm->ctl->error[0])
		return false;
	printf("# rawvm %s (pid %d): %s\n", vm->name, vm->pid, vm->ctl->error);
	return true;
}

void rawvm_thread_file(const struct rawvm *vm, unsigned int vcpu,
		       const char *file, char *buf, int size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", vm->pid,
		 rawvm_tid(vm, vcpu), file);
	f = fopen(path, "re");
	if (!f || !fgets(buf, size, f))
		buf[0] = '\0';
	if (f)
		fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
}

/* Say where a vCPU that does nothing is */
static void report_stuck(const struct rawvm *vm, unsigned int vcpu)
{
	const struct guest_area *area = rawvm_area(vm->mem, vcpu);
	char wchan[64], stat[256];

	rawvm_thread_file(vm, vcpu, "wchan", wchan, sizeof(wchan));
	rawvm_thread_file(vm, vcpu, "schedstat", stat, sizeof(stat));
	printf("# rawvm %s vCPU %u (pid %d, tid %d) stands still at %ju, in %s, schedstat %s\n",
	       vm->name, vcpu, vm->pid, rawvm_tid(vm, vcpu),
	       (uintmax_t)rawvm_progress(vm, vcpu),
	       wchan[0] ? wchan : "no thread", stat);
	if (vm->spec.kind == RAWVM_TICK)
		printf("# its deadline is TSC %ju, wake %ju, %ju kHz\n",
		       (uintmax_t)area->deadline, (uintmax_t)area->wake,
		       (uintmax_t)vm->ctl->tsc_khz);
}

bool rawvm_advances(const struct rawvm *vm, unsigned int timeout_ms)
{
	uint64_t end = clock_ns() + timeout_ms * NSEC_PER_MSEC;
	uint64_t before[RAWVM_MAX_VCPUS];
	unsigned int i;

	for (i = 0; i < vm->spec.nr_vcpus; i++)
		before[i] = rawvm_progress(vm, i);
	for (i = 0; i < vm->spec.nr_vcpus; i++) {
		while (rawvm_progress(vm, i) == before[i]) {
			if (vm->ctl->error[0] || clock_ns() > end) {
				report_stuck(vm, i);
				return false;
			}
			clock_sleep_ms(1);
		}
	}
	return true;
}
