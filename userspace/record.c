// SPDX-License-Identifier: GPL-2.0
/*
 * A recording: what there is, a line for each wake and block, and what there is
 * afterwards, in the format that vmsched-sim.rst describes. Events are read while they
 * come, so the length of it is limited by the disk alone.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "record.h"
#include "trace.h"

#define VERSION_OF_FORMAT 1

/* Longest name of a VM in it */
#define NAME_LENGTH	31

/* How often buffers are emptied: they have room for much more. */
#define PERIOD_NS	50000000L

static int stopped;

struct recorder {
	struct ctx *ctx;
	FILE *file;
	struct trace *trace;
	struct recording *done;
	struct list pools;
	struct list vms;
	struct list vcpus;
	__u64 from;
	__u64 to;
	long cpus;
};

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void stop(int signal)
{
	(void)signal;
	__atomic_store_n(&stopped, 1, __ATOMIC_RELAXED);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* --- What there is --- */

/* The largest number of a list of pCPUs */
static long last_cpu(const char *list)
{
	const char *digits = list + strlen(list);

	while (digits > list && strchr("0123456789", digits[-1]))
		digits--;
	return atol(digits);
}

static void write_value(FILE *file, const struct field *field,
			const struct params *params)
{
	__u32 value;

	if (field->kind == FIELD_TEXT) {
		fprintf(file, " %s %s", field->key, *field_text(field, params));
		return;
	}
	value = field_u32(field, params);
	if (field->kind == FIELD_PERMILLE)
		fprintf(file, " %s %u.%u", field->key, value / 10, value % 10);
	else if (field->kind == FIELD_FLAG)
		fprintf(file, " %s %s", field->key, value ? "on" : "off");
	else if (field->kind == FIELD_US)
		fprintf(file, " %s %uus", field->key, value);
	else
		fprintf(file, " %s %u", field->key, value);
}

static bool is_same(const struct field *field, const struct params *a,
		    const struct params *b)
{
	if (field->kind == FIELD_TEXT)
		return !strcmp(*field_text(field, a), *field_text(field, b));
	return field_u32(field, a) == field_u32(field, b);
}

/* Those that are not as in @but. */
static void write_params(struct recorder *r, const struct params *params,
			 const struct params *but)
{
	const struct field *field;

	for (field = params_model.fields; field->key; field++) {
		if (!field_present(field, params) || is_same(field, params, but))
			continue;
		/* An empty list of pCPUs stands for all. */
		if (field->kind == FIELD_TEXT && !**field_text(field, params))
			fprintf(r->file, " %s 0-%ld", field->key, r->cpus - 1);
		else
			write_value(r->file, field, params);
	}
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || strchr("._-", c);
}

static void write_name(FILE *file, const char *name)
{
	int i;

	for (i = 0; i < NAME_LENGTH && name[i]; i++)
		fputc(is_plain(name[i]) ? name[i] : '_', file);
	if (!i)
		fputc('_', file);
}

static void write_vm(struct recorder *r, const struct vm *vm)
{
	static const struct params none = { .affinity = "" };

	fprintf(r->file, "vm %llu ", vm->id);
	write_name(r->file, vm->name ?: "");
	fprintf(r->file, " pool %s", vm->pool);
	write_params(r, &vm->params, &none);
	fputc('\n', r->file);
}

static const struct vm *vm_of(const struct list *vms, __u64 id)
{
	const struct vm *vm = NULL;

	while ((vm = list_next(vms, vm)))
		if (vm->id == id)
			return vm;
	return NULL;
}

static bool has_vcpu(const struct list *vcpus, const struct vcpu *one)
{
	const struct vcpu *vcpu = NULL;

	while ((vcpu = list_next(vcpus, vcpu)))
		if (vcpu->vm_id == one->vm_id && vcpu->index == one->index)
			return true;
	return false;
}

/* @begins: it is there from the beginning on. */
static void write_vcpu(struct recorder *r, const struct vcpu *vcpu,
		       const struct list *vms, bool begins)
{
	const struct vm *vm = vm_of(vms, vcpu->vm_id);
	bool awake = vcpu->state == VMSCHED_VCPU_STATE_GRANTED ||
		     vcpu->state == VMSCHED_VCPU_STATE_WAITING;

	if (!vm)
		return;
	fprintf(r->file, "vcpu %llu/%u", vcpu->vm_id, vcpu->index);
	if (begins)
		fprintf(r->file, " ran %lluns %s", vcpu->run_ns,
			awake ? "awake" : "asleep");
	if (MODEL_HAS(vcpu, VMSCHED_A_VCPU_MASK) && *vcpu->mask)
		fprintf(r->file, " mask %s", vcpu->mask);
	if (MODEL_HAS(vcpu, VMSCHED_A_VCPU_PARAMS))
		write_params(r, &vcpu->params, &vm->params);
	fputc('\n', r->file);
}

static void write_pools(struct recorder *r)
{
	const struct pool *pool = NULL;

	r->cpus = sysconf(_SC_NPROCESSORS_CONF);
	while ((pool = list_next(&r->pools, pool)))
		if (r->cpus <= last_cpu(pool->cpus))
			r->cpus = last_cpu(pool->cpus) + 1;
	fprintf(r->file, "cpus %ld\n", r->cpus);
	while ((pool = list_next(&r->pools, pool)))
		fprintf(r->file, "pool %s cpus %s scheduler %s\n", pool->name,
			pool->cpus, pool->scheduler);
}

static int list_vcpus(struct recorder *r, struct list *vcpus)
{
	return list_objects(r->ctx, VMSCHED_CMD_VCPU_GET, NULL, NULL, vcpus);
}

static int write_begin(struct recorder *r)
{
	const struct vcpu *vcpu = NULL;
	const struct vm *vm = NULL;
	int code;

	/* vCPUs first: of each there is the VM then, unless that has gone. */
	code = list_vcpus(r, &r->vcpus) ?: list_vms(r->ctx, &r->vms);
	if (code)
		return code;
	fprintf(r->file, "vmsched-recording %d\n", VERSION_OF_FORMAT);
	write_pools(r);
	while ((vm = list_next(&r->vms, vm)))
		write_vm(r, vm);
	while ((vcpu = list_next(&r->vcpus, vcpu)))
		write_vcpu(r, vcpu, &r->vms, true);
	/* From now on it can be seen that it records. */
	fflush(r->file);
	return EXIT_DONE;
}

/* Those that have come meanwhile, and what the others have executed. */
static int write_rest(struct recorder *r)
{
	struct list vcpus = { .model = &vcpu_model };
	struct list vms = { .model = &vm_model };
	const struct vcpu *vcpu = NULL;
	const struct vm *vm = NULL;
	int code = list_vcpus(r, &vcpus) ?: list_vms(r->ctx, &vms);

	while (!code && (vm = list_next(&vms, vm)))
		if (!vm_of(&r->vms, vm->id))
			write_vm(r, vm);
	while (!code && (vcpu = list_next(&vcpus, vcpu))) {
		if (has_vcpu(&r->vcpus, vcpu))
			fprintf(r->file, "ran %llu/%u %lluns\n", vcpu->vm_id,
				vcpu->index, vcpu->run_ns);
		else
			write_vcpu(r, vcpu, &vms, false);
	}
	r->done->vms = vms.n;
	list_clear(&vcpus);
	list_clear(&vms);
	return code;
}

/* --- What happens --- */

/* A signal ends it now, and what has happened until now is part of it. */
static void heed_signal(struct recorder *r)
{
	if (__atomic_load_n(&stopped, __ATOMIC_RELAXED) && now_ns() < r->to)
		r->to = now_ns();
}

static int write_event(const struct trace_event *event, void *arg)
{
	struct recorder *r = arg;
	__u64 at;

	heed_signal(r);
	if (event->time_ns >= r->to)
		return 1;
	if (event->time_ns < r->from)
		return 0;
	at = event->time_ns - r->from;
	if (event->wakes)
		fprintf(r->file, "wake %lluns %llu/%u\n", at, event->vm,
			event->vcpu);
	else
		fprintf(r->file, "block %lluns %llu/%u %lluns\n", at, event->vm,
			event->vcpu, event->run_ns);
	r->done->events++;
	return ferror(r->file) ? -EIO : 0;
}

static int fail_trace(int err)
{
	if (err == -ENOENT)
		return fail(EXIT_REFUSED,
			    "no tracepoints of vmsched in tracefs, which this needs");
	if (err == -EPERM || err == -EACCES)
		return fail(EXIT_NO_PERMISSION, "tracefs: no permission");
	return fail(EXIT_REFUSED, "tracefs: %s", strerror(-err));
}

static int follow(struct recorder *r)
{
	const struct timespec period = { .tv_nsec = PERIOD_NS };
	int err = 0;

	while (!err && now_ns() < r->to) {
		nanosleep(&period, NULL);
		heed_signal(r);
		err = trace_read(r->trace, write_event, r);
	}
	trace_stop(r->trace);
	if (!err)
		err = trace_read(r->trace, write_event, r);
	r->done->lost = trace_lost(r->trace);
	return err < 0 && !ferror(r->file) ? fail_trace(err) : EXIT_DONE;
}

static int record_all(struct recorder *r, __u32 seconds)
{
	int code, err;

	err = trace_open(&r->trace);
	if (err)
		return fail_trace(err);
	r->from = now_ns();
	r->to = seconds ? r->from + seconds * 1000000000ULL : (__u64)-1;
	code = write_begin(r) ?: follow(r) ?: write_rest(r);
	if (code)
		return code;
	r->done->time_ns = r->to - r->from;
	fprintf(r->file, "end %lluns lost %llu\n", r->done->time_ns,
		r->done->lost);
	if (fflush(r->file) || ferror(r->file))
		return fail(EXIT_REFUSED, "cannot write the recording: %m");
	return EXIT_DONE;
}

int record(struct ctx *ctx, FILE *file, __u32 seconds, struct recording *done)
{
	struct recorder r = {
		.ctx = ctx, .file = file, .done = done,
		.pools.model = &pool_model, .vms.model = &vm_model,
		.vcpus.model = &vcpu_model,
	};
	int code;

	memset(done, 0, sizeof(*done));
	catch_signals();
	/* The module may not be there: that is told best by this. */
	code = list_pools(ctx, &r.pools) ?: record_all(&r, seconds);
	trace_close(r.trace);
	list_clear(&r.pools);
	list_clear(&r.vms);
	list_clear(&r.vcpus);
	return code;
}
