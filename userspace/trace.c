// SPDX-License-Identifier: GPL-2.0
/* An instance of tracefs with wakes and blocks in it, see trace.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs.h>
#include <unistd.h>

#include "trace.h"

#define TRACE_SYSTEM	"vmsched"

/* KiB of buffer for each pCPU: of all together so much, within these bounds */
#define BUFFERS_KB	(256 * 1024)
#define BUFFER_MIN_KB	512
#define BUFFER_MAX_KB	(8 * 1024)

/* An event of the kernel, and where its fields are */
struct kind {
	struct tep_event *event;
	struct tep_format_field *vm;
	struct tep_format_field *vcpu;
	struct tep_format_field *run_ns;	/* NULL if it is a wake */
};

struct trace {
	struct tep_handle *tep;
	struct tracefs_instance *instance;
	struct kind wake;
	struct kind block;
	trace_fn *fn;
	void *arg;
	int result;
};

static int find_kind(struct trace *trace, const char *name, struct kind *kind)
{
	kind->event = tep_find_event_by_name(trace->tep, TRACE_SYSTEM, name);
	if (!kind->event)
		return -ENOENT;
	kind->vm = tep_find_field(kind->event, "vm");
	kind->vcpu = tep_find_field(kind->event, "vcpu");
	kind->run_ns = tep_find_field(kind->event, "run_ns");
	return kind->vm && kind->vcpu ? 0 : -EPROTO;
}

static int find_events(struct trace *trace)
{
	static const char *const systems[] = { TRACE_SYSTEM, NULL };
	int err;

	trace->tep = tracefs_local_events_system(NULL, systems);
	if (!trace->tep)
		return errno == EACCES || errno == EPERM ? -errno : -ENOENT;
	err = find_kind(trace, "vmsched_wake", &trace->wake) ?:
	      find_kind(trace, "vmsched_block", &trace->block);
	return err ?: trace->block.run_ns ? 0 : -EPROTO;
}

static int write_number(struct trace *trace, const char *file, unsigned long n)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", n);
	return tracefs_instance_file_write(trace->instance, file, text) < 0;
}

static unsigned long buffer_kb(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	unsigned long kb = BUFFERS_KB / (cpus > 0 ? cpus : 1);

	if (kb < BUFFER_MIN_KB)
		return BUFFER_MIN_KB;
	return kb > BUFFER_MAX_KB ? BUFFER_MAX_KB : kb;
}

static int start(struct trace *trace)
{
	char name[40];

	snprintf(name, sizeof(name), "vmschedctl-%d", getpid());
	trace->instance = tracefs_instance_create(name);
	if (!trace->instance)
		return errno ? -errno : -EIO;
	if (write_number(trace, "buffer_size_kb", buffer_kb()) ||
	    tracefs_instance_file_write(trace->instance, "trace_clock",
					"mono") < 0 ||
	    tracefs_event_enable(trace->instance, TRACE_SYSTEM,
				 "vmsched_wake") ||
	    tracefs_event_enable(trace->instance, TRACE_SYSTEM,
				 "vmsched_block"))
		return errno ? -errno : -EIO;
	return 0;
}

int trace_open(struct trace **trace)
{
	struct trace *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	errno = 0;
	err = find_events(new) ?: start(new);
	if (err) {
		trace_close(new);
		return err;
	}
	*trace = new;
	return 0;
}

static int take(struct tep_event *event, struct tep_record *record, int cpu,
		void *arg)
{
	struct trace *trace = arg;
	struct trace_event out = { .time_ns = record->ts };
	unsigned long long vm = 0, vcpu = 0, run_ns = 0;
	const struct kind *kind;

	(void)cpu;
	if (event->id == trace->wake.event->id)
		kind = &trace->wake;
	else if (event->id == trace->block.event->id)
		kind = &trace->block;
	else
		return 0;
	tep_read_number_field(kind->vm, record->data, &vm);
	tep_read_number_field(kind->vcpu, record->data, &vcpu);
	if (kind->run_ns)
		tep_read_number_field(kind->run_ns, record->data, &run_ns);
	out.vm = vm;
	out.vcpu = vcpu;
	out.run_ns = run_ns;
	out.wakes = kind == &trace->wake;
	trace->result = trace->fn(&out, trace->arg);
	return trace->result;
}

int trace_read(struct trace *trace, trace_fn *fn, void *arg)
{
	trace->fn = fn;
	trace->arg = arg;
	trace->result = 0;
	errno = 0;
	if (tracefs_iterate_raw_events(trace->tep, trace->instance, NULL, 0,
				       take, trace) < 0 &&
	    !trace->result && errno && errno != EAGAIN && errno != EINTR)
		return -errno;
	return trace->result;
}

void trace_stop(struct trace *trace)
{
	tracefs_trace_off(trace->instance);
}

/* A line of a pCPU's statistics: "overrun: 12" */
static __u64 stat_of(const char *text, const char *what)
{
	const char *at = text ? strstr(text, what) : NULL;

	return at ? strtoull(at + strlen(what), NULL, 10) : 0;
}

__u64 trace_lost(const struct trace *trace)
{
	long cpu, cpus = sysconf(_SC_NPROCESSORS_CONF);
	__u64 lost = 0;
	char name[40];
	char *text;

	for (cpu = 0; cpu < cpus; cpu++) {
		snprintf(name, sizeof(name), "per_cpu/cpu%ld/stats", cpu);
		text = tracefs_instance_file_read(trace->instance, name, NULL);
		lost += stat_of(text, "\noverrun:") +
			stat_of(text, "\ndropped events:");
		free(text);
	}
	return lost;
}

void trace_close(struct trace *trace)
{
	if (!trace)
		return;
	if (trace->instance) {
		tracefs_trace_off(trace->instance);
		tracefs_instance_destroy(trace->instance);
		tracefs_instance_free(trace->instance);
	}
	tep_free(trace->tep);
	free(trace);
}
