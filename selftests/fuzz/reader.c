// SPDX-License-Identifier: GPL-2.0
/*
 * Targets of libFuzzer for the readers of the simulator: one for workloads, and one for
 * recordings, whose FIRST_LINE is put above what does not begin so. What is refused
 * must be refused with a message that says where; what is accepted must be within all
 * limits, and a short run of it, under one of the schedulers, must add up.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sim.h"

/* Larger ones are read, too, but take too long to run. */
#define MOST_CPUS	64
#define MOST_VCPUS	64
#define RUN_NS		(500 * (u64)NSEC_PER_USEC)

/* Of the whole file, no line is to blame. */
static const char * const of_file[] = {
	"there is no VM: ",
	"there is no vCPU in this recording",
	"warmup ",
};

static const struct range {
	const char *name;
	size_t offset;
	u64 least;
	u64 most;
	bool zero;
} ranges[] = {
#define RANGE(attr, name, field, lo, hi, zero)				\
	[VMSCHED_A_PARAMS_##attr] = { name,				\
		offsetof(struct vmsched_params, field), lo, hi, zero },
#include <vmsched/ranges.h>
};

static void check_why(const char *why, const char *text)
{
	unsigned long line = 0, lines = 1;
	const char *c;
	char *rest;
	size_t i;

	for (c = why; *c; c++)
		if (!isprint((unsigned char)*c))
			broken("byte 0x%02x in a message: %s", (unsigned char)*c, why);
	for (c = text; *c; c++)
		lines += *c == '\n';
	if (strncmp(why, "load:", 5))
		broken("no name of the file: %s", why);
	line = strtoul(why + 5, &rest, 10);
	if (rest != why + 5) {
		if (!line || line > lines || strncmp(rest, ": ", 2) || !rest[2])
			broken("%lu lines: %s", lines, why);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(of_file); i++)
		if (!strncmp(why + 6, of_file[i], strlen(of_file[i])))
			return;
	broken("which line? %s", why);
}

static void check_ranges(const struct vmsched_params *params)
{
	const struct range *r;

	for (r = ranges; r < ranges + ARRAY_SIZE(ranges); r++) {
		u32 value = *(const u32 *)((const char *)params + r->offset);

		if (r->name && (value < r->least || value > r->most) &&
		    !(r->zero && !value))
			broken("%s is %u", r->name, value);
	}
	if (params->budget_us > params->period_us)
		broken("budget %u, period %u", params->budget_us, params->period_us);
}

static void check_vm(const struct workload *wl, const struct wl_vm *vm)
{
	unsigned int i;

	if (!vm->vcpus || vm->pool >= wl->nr_pools)
		broken("%s: %u vCPUs in pool %u", vm->name, vm->vcpus, vm->pool);
	check_ranges(&vm->params);
	for (i = 0; vm->replay && i < vm->vcpus; i++)
		check_ranges(&vm->replay[i].params);
}

static void check_workload(const struct workload *wl)
{
	unsigned int i, vcpus = 0;

	if (!wl->cpus || wl->cpus > WL_MAX_CPUS || wl->nr_pools > WL_MAX_POOLS)
		broken("%u pCPUs, %u pools", wl->cpus, wl->nr_pools);
	if (wl->warmup >= wl->duration || wl->duration > WL_MAX_NS)
		broken("%llu ns of %llu", ull(wl->warmup), ull(wl->duration));
	for (i = 0; i < wl->nr_vms; i++) {
		check_vm(wl, &wl->vms[i]);
		vcpus += wl->vms[i].vcpus;
	}
	if (!vcpus || vcpus > WL_MAX_VCPUS || vcpus != wl->nr_vcpus)
		broken("%u vCPUs, not %u", vcpus, wl->nr_vcpus);
}

static void run(struct workload *wl, const struct vmsched_ops *ops)
{
	struct result result;

	if (wl->cpus > MOST_CPUS || wl->nr_vcpus > MOST_VCPUS)
		return;
	wl->duration = min(wl->duration, RUN_NS);
	if (wl->warmup >= wl->duration)
		wl->warmup = 0;
	simulate(&result, wl, ops, NULL);
	if (!result.refused[0] && !adds_up(&result))
		broken("%s: it does not add up", ops->name);
	result_free(&result);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	size_t first = strlen(FIRST_LINE);
	struct workload wl;
	char why[500] = "";
	char *text;

	if (size >= first && !memcmp(data, FIRST_LINE, first))
		first = 0;
	text = calloc(1, first + size + 1);
	if (!text)
		return 0;
	memcpy(text, FIRST_LINE, first);
	if (size)
		memcpy(text + first, data, size);
	if (read_text(&wl, text, first + size, why, sizeof(why))) {
		check_workload(&wl);
		run(&wl, scheds[size % nr_scheds]);
	} else {
		check_why(why, text);
	}
	workload_free(&wl);
	free(text);
	return 0;
}
