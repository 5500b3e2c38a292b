// SPDX-License-Identifier: GPL-2.0
/*
 * Recordings of a host, made by "vmschedctl record", in place of a workload: what each
 * vCPU executed between a wake and a block, and how long it slept then. Its text format is
 * described in Documentation/vmsched-sim.rst.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"

#define FORMAT		1
#define MAX_LINES_RECORDED	50000000	/* some GB of memory */
#define MAX_RUN_NS	((u64)S64_MAX)

/* What there is */

static bool no_memory(struct recording *rec)
{
	return bad(rec->r, "out of memory");
}

/* Room for one more pointer in a list whose length is @nr; false if there is none. */
static bool grow(void *list, unsigned int nr)
{
	void **bigger, **old = *(void ***)list;

	/* It is full whenever it has a power of two. */
	if (nr & (nr - 1))
		return true;
	bigger = realloc(old, (nr ? 2 * (size_t)nr : 1) * sizeof(*bigger));
	if (bigger)
		*(void ***)list = bigger;
	return bigger;
}

/* The VM of that id, made if there is none yet. */
static struct rec_vm *vm_of(struct recording *rec, u64 id)
{
	struct rec_vm key = { .id = id };
	struct rec_vm **found = tfind(&key, &rec->vm_tree, by_id);
	struct rec_vm *vm;

	if (found)
		return *found;
	vm = grow(&rec->vms, rec->nr_vms) ? calloc(1, sizeof(*vm)) : NULL;
	if (!vm) {
		no_memory(rec);
		return NULL;
	}
	rec->vms[rec->nr_vms++] = vm;
	vm->id = id;
	snprintf(vm->vm.name, sizeof(vm->vm.name), "vm%llu", ull(id));
	vm->vm.params.weight = VMSCHED_WEIGHT_DFL;
	memset(&vm->vm.affinity, 0xff, sizeof(vm->vm.affinity));
	if (tsearch(vm, &rec->vm_tree, by_id))
		return vm;
	no_memory(rec);
	return NULL;
}

static struct rec_vcpu *add_vcpu(struct recording *rec, struct rec_vm *vm, u64 index)
{
	struct rec_vcpu *v;

	if (rec->nr_vcpus == WL_MAX_VCPUS) {
		bad(rec->r, "more than %d vCPUs in all", WL_MAX_VCPUS);
		return NULL;
	}
	v = grow(&rec->vcpus, rec->nr_vcpus) ? calloc(1, sizeof(*v)) : NULL;
	if (!v) {
		no_memory(rec);
		return NULL;
	}
	rec->vcpus[rec->nr_vcpus++] = v;
	v->vm = vm->id;
	v->index = index;
	memset(&v->mask, 0xff, sizeof(v->mask));
	vm->vm.vcpus++;
	if (tsearch(v, &rec->vcpu_tree, by_place))
		return v;
	no_memory(rec);
	return NULL;
}

/* The vCPU of that number, likewise. */
static struct rec_vcpu *vcpu_of(struct recording *rec, u64 id, u64 index)
{
	struct rec_vcpu key = { .vm = id, .index = index };
	struct rec_vcpu **found = tfind(&key, &rec->vcpu_tree, by_place);
	struct rec_vm *vm;

	if (found)
		return *found;
	vm = vm_of(rec, id);
	return vm ? add_vcpu(rec, vm, index) : NULL;
}

/* Values */

static bool parse_number(const char **text, u64 *value)
{
	size_t digits = strspn(*text, "0123456789");

	if (!digits || digits > 18)
		return false;
	*value = strtoull(*text, NULL, 10);
	*text += digits;
	return true;
}

/* VM/N, as in 3/0 */
static bool take_place(struct recording *rec, u64 *vm, u64 *index)
{
	const char *word, *text;

	if (!take_word(rec->r, "vCPU", &word))
		return false;
	text = word;
	if (parse_number(&text, vm) && *text == '/' && (text++, parse_number(&text, index)) &&
	    !*text && *index < 1ULL << 32)
		return true;
	return bad(rec->r, "\"%.40s\" is not a vCPU such as 3/0", word);
}

static bool take_vcpu(struct recording *rec, struct rec_vcpu **v)
{
	u64 vm = 0, index = 0;

	if (!take_place(rec, &vm, &index))
		return false;
	*v = vcpu_of(rec, vm, index);
	return *v;
}

static bool expect(struct recording *rec, const char *wanted)
{
	const char *word;

	if (!take_word(rec->r, wanted, &word))
		return false;
	return !strcmp(word, wanted) ||
	       bad(rec->r, "\"%.40s\" where %s was expected", word, wanted);
}

static bool is_set_up(struct recording *rec)
{
	if (rec->wl->nr_pools)
		return true;
	return bad(rec->r, "cpus and pools must stand above VMs and events");
}

/* Statements */

static bool read_cpus(struct recording *rec)
{
	u64 cpus;

	if (rec->wl->cpus)
		return bad(rec->r, "cpus is given twice");
	if (!take_number(rec->r, "cpus", 1, WL_MAX_CPUS, &cpus))
		return false;
	rec->wl->cpus = cpus;
	nr_cpu_ids = cpus;
	return true;
}

static bool read_pool(struct recording *rec)
{
	struct workload *wl = rec->wl;
	struct wl_pool *pool = &wl->pools[wl->nr_pools];
	char scheduler[WL_NAME_MAX];
	unsigned int i;
	int cpu;

	if (!wl->cpus)
		return bad(rec->r, "cpus must stand above the first pool");
	if (wl->nr_pools == WL_MAX_POOLS)
		return bad(rec->r, "more than %d pools", WL_MAX_POOLS);
	if (!take_name(rec->r, "pool", WL_NAME_MAX - 1, pool->name) ||
	    !expect(rec, "cpus") || !take_cpus(rec->r, "cpus", wl->cpus, &pool->cpus) ||
	    !expect(rec, "scheduler") ||
	    !take_name(rec->r, "scheduler", WL_NAME_MAX - 1, scheduler))
		return false;
	for (i = 0; i < wl->nr_pools; i++)
		if (!strcmp(wl->pools[i].name, pool->name))
			return bad(rec->r, "there is a pool \"%s\" already", pool->name);
	for_each_cpu(cpu, &pool->cpus) {
		if (cpumask_test_cpu(cpu, &rec->pooled))
			return bad(rec->r, "pCPU %d is in another pool already", cpu);
		cpumask_set_cpu(cpu, &rec->pooled);
	}
	wl->nr_pools++;
	return true;
}

/* A parameter, or pCPUs; only vCPUs have a mask. */
static bool take_setting(struct recording *rec, struct wl_vm *vm, struct cpumask *mask)
{
	const char *word = take(rec->r);
	int attr = param_attr(word);

	if (attr)
		return take_param(rec->r, attr, word, vm);
	if (mask && !strcmp(word, "mask"))
		return take_cpus(rec->r, word, rec->wl->cpus, mask);
	if (strcmp(word, "affinity"))
		return bad(rec->r, "\"%.40s\" is no parameter", word);
	vm->asks |= VMSCHED_HONOURS_AFFINITY;
	return take_cpus(rec->r, word, rec->wl->cpus, &vm->affinity);
}

static bool read_vm(struct recording *rec)
{
	struct rec_vm *vm;
	u64 id;

	if (!is_set_up(rec) || !take_number(rec->r, "vm", 0, MAX_RUN_NS, &id))
		return false;
	vm = vm_of(rec, id);
	if (!vm)
		return false;
	if (vm->declared)
		return bad(rec->r, "VM %llu is given twice", ull(id));
	vm->declared = true;
	if (!take_name(rec->r, "vm", WL_NAME_MAX - 1, vm->vm.name) || !expect(rec, "pool") ||
	    !take_pool(rec->r, rec->wl, &vm->vm.pool))
		return false;
	while (peek(rec->r))
		if (!take_setting(rec, &vm->vm, NULL))
			return false;
	return check_params(rec->r, &vm->vm.params);
}

/* What it had done until the recording began, if it was there. */
static bool take_past(struct recording *rec, struct rec_vcpu *v)
{
	const char *word = peek(rec->r);

	if (!word || strcmp(word, "ran"))
		return true;
	take(rec->r);
	if (!take_time(rec->r, "ran", 0, MAX_RUN_NS, false, &v->ran_ns) ||
	    !take_word(rec->r, "ran", &word))
		return false;
	v->awake = !strcmp(word, "awake");
	return v->awake || !strcmp(word, "asleep") ||
	       bad(rec->r, "\"%.40s\" is neither awake nor asleep", word);
}

static bool read_vcpu(struct recording *rec)
{
	struct wl_vm own;
	struct rec_vcpu *v;
	struct rec_vm *vm;

	if (!is_set_up(rec) || !take_vcpu(rec, &v))
		return false;
	vm = vm_of(rec, v->vm);
	if (!vm->declared)
		return bad(rec->r, "VM %llu must stand above its vCPUs", ull(v->vm));
	if (v->declared)
		return bad(rec->r, "vCPU %llu/%llu is given twice", ull(v->vm), ull(v->index));
	v->declared = true;
	own = vm->vm;
	if (!take_past(rec, v))
		return false;
	while (peek(rec->r))
		if (!take_setting(rec, &own, &v->mask))
			return false;
	v->params = own.params;
	v->affinity = own.affinity;
	vm->vm.asks |= own.asks;
	return check_params(rec->r, &v->params);
}

static bool read_ran(struct recording *rec)
{
	struct rec_vcpu *v;

	return is_set_up(rec) && take_vcpu(rec, &v) &&
	       take_time(rec->r, "ran", 0, MAX_RUN_NS, false, &v->rest_ns);
}

static bool add_seen(struct recording *rec, struct rec_vcpu *v, const struct seen *seen)
{
	if (v->nr == v->max) {
		size_t max = v->max * 2 + 16;
		void *bigger = realloc(v->seen, max * sizeof(*v->seen));

		if (!bigger)
			return no_memory(rec);
		v->seen = bigger;
		v->max = max;
	}
	v->seen[v->nr++] = *seen;
	return true;
}

static bool read_event(struct recording *rec, bool wakes)
{
	struct seen seen = { .line = rec->r->words[0].line, .wakes = wakes };
	struct rec_vcpu *v;

	if (!is_set_up(rec) ||
	    !take_time(rec->r, "time", 0, WL_MAX_NS, false, &seen.at) || !take_vcpu(rec, &v))
		return false;
	if (!wakes && !take_time(rec->r, "block", 0, MAX_RUN_NS, false, &seen.run_ns))
		return false;
	return add_seen(rec, v, &seen);
}

static bool read_wake(struct recording *rec)
{
	return read_event(rec, true);
}

static bool read_block(struct recording *rec)
{
	return read_event(rec, false);
}

static bool read_end(struct recording *rec)
{
	u64 lost;

	rec->ended = true;
	return take_time(rec->r, "end", WL_MIN_RUN_NS, WL_MAX_NS, false, &rec->wl->duration) &&
	       expect(rec, "lost") && take_number(rec->r, "lost", 0, U64_MAX - 1, &lost);
}

static const struct statement {
	const char *word;
	bool (*read)(struct recording *rec);
} statements[] = {
	{ "wake", read_wake },
	{ "block", read_block },
	{ "cpus", read_cpus },
	{ "pool", read_pool },
	{ "vm", read_vm },
	{ "vcpu", read_vcpu },
	{ "ran", read_ran },
	{ "end", read_end },
};

static bool read_statement(struct recording *rec)
{
	const char *word = take(rec->r);
	size_t i;

	if (rec->ended)
		return bad(rec->r, "there is something behind the end");
	for (i = 0; i < ARRAY_SIZE(statements); i++)
		if (!strcmp(statements[i].word, word))
			break;
	if (i == ARRAY_SIZE(statements))
		return bad(rec->r, "\"%.40s\" does not begin a line of a recording", word);
	if (!statements[i].read(rec))
		return false;
	word = take(rec->r);
	return !word || bad(rec->r, "\"%.40s\" does not belong here", word);
}

static bool read_all(struct recording *rec)
{
	u64 format;

	if (!take_number(rec->r, RECORDING_WORD, FORMAT, FORMAT, &format))
		return false;
	if (peek(rec->r))
		return bad(rec->r, "\"%.40s\" does not belong here", take(rec->r));
	for (;;) {
		if (!reader_statement(rec->r))
			return false;
		if (!rec->r->nr_words)
			break;
		if (!read_statement(rec))
			return false;
	}
	if (!rec->ended)
		return bad_line(rec->r, rec->r->line_nr,
				"this recording is cut off: it has no end");
	return replay_make(rec);
}

static void keep(void *node)
{
}

static void free_all(struct recording *rec)
{
	tdestroy(rec->vm_tree, keep);
	tdestroy(rec->vcpu_tree, keep);
	tdestroy(rec->name_tree, keep);
	while (rec->nr_vcpus) {
		free(rec->vcpus[--rec->nr_vcpus]->seen);
		free(rec->vcpus[rec->nr_vcpus]);
	}
	while (rec->nr_vms)
		free(rec->vms[--rec->nr_vms]);
	free(rec->vcpus);
	free(rec->vms);
}

bool recording_read(struct reader *r, struct workload *wl)
{
	struct recording rec = { .r = r, .wl = wl };
	bool good;

	take(r);
	r->max_lines = MAX_LINES_RECORDED;
	wl->recorded = true;
	good = read_all(&rec);
	free_all(&rec);
	return good;
}
