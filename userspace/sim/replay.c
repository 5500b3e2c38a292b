// SPDX-License-Identifier: GPL-2.0
/* From what was seen of vCPUs to what they do in a simulation; see recording.c. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"

#define NEVER	U64_MAX

/* Buffers of several pCPUs are read one by one: only of each vCPU order matters. */
static int by_time(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

static struct wl_phase *add_phase(struct wl_replay *replay, u64 run)
{
	struct wl_phase *phase = &replay->phases[replay->nr_phases++];

	*phase = (struct wl_phase){ .run = run, .sleep = NEVER };
	return phase;
}

/*
 * The phases of @v. What was lost is made up for by the executed time that comes with each
 * block: without a wake it woke as late as it can have; without a block two phases
 * are one.
 */
static bool make_phases(struct recording *rec, const struct rec_vcpu *v,
			struct wl_replay *replay)
{
	bool awake = v->nr ? !v->seen[0].wakes : v->awake || v->rest_ns > v->ran_ns;
	struct wl_phase *last = NULL;
	u64 ran = v->ran_ns, slept_at = 0;
	size_t i;

	replay->start = awake ? 0 : NEVER;
	for (i = 0; i < v->nr; i++) {
		const struct seen *e = &v->seen[i];
		u64 run = e->run_ns > ran ? e->run_ns - ran : 0;
		u64 woke = e->wakes ? e->at : max(slept_at, e->at > run ? e->at - run : 0);

		if (e->at >= rec->wl->duration)
			return bad_line(rec->r, e->line, "an event at %s, but the end is at %s",
					time_text(e->at), time_text(rec->wl->duration));
		if (!e->wakes && last && e->run_ns < ran)
			return bad_line(rec->r, e->line, "it has executed %s, but %s before",
					time_text(e->run_ns), time_text(ran));
		if (!awake && last)
			last->sleep = woke - slept_at;
		else if (!awake)
			replay->start = woke;
		awake = e->wakes;
		if (awake)
			continue;
		last = add_phase(replay, run);
		ran = max(ran, e->run_ns);
		slept_at = e->at;
	}
	if (awake)
		add_phase(replay, NEVER);
	return true;
}

static bool make_replay(struct recording *rec, struct rec_vcpu *v, const struct wl_vm *vm,
			struct wl_replay *replay)
{
	replay->params = v->declared ? v->params : vm->params;
	replay->affinity = v->declared ? v->affinity : vm->affinity;
	cpumask_and(&replay->affinity, &replay->affinity, &v->mask);
	if (v->nr)
		qsort(v->seen, v->nr, sizeof(*v->seen), by_time);
	replay->phases = calloc(v->nr + 1, sizeof(*replay->phases));
	if (!replay->phases)
		return bad_line(rec->r, 0, "out of memory");
	return make_phases(rec, v, replay);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The name that it has on the host, if no other VM has that as well. */
static bool name_vm(struct recording *rec, struct rec_vm *vm)
{
	char **found = tsearch(vm->vm.name, &rec->name_tree, by_text);

	if (found && *found != vm->vm.name) {
		snprintf(vm->vm.name, sizeof(vm->vm.name), "vm%llu", ull(vm->id));
		return true;
	}
	return found || bad_line(rec->r, 0, "out of memory");
}

int by_id(const void *a, const void *b)
{
	const struct rec_vm *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int by_place(const void *a, const void *b)
{
	const struct rec_vcpu *x = a, *y = b;

	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static int by_id_of(const void *a, const void *b)
{
	return by_id(*(struct rec_vm **)a, *(struct rec_vm **)b);
}

static int by_place_of(const void *a, const void *b)
{
	return by_place(*(struct rec_vcpu **)a, *(struct rec_vcpu **)b);
}

/* @next: its vCPUs, which are next in the list. */
static bool make_vm(struct recording *rec, struct rec_vm *vm, struct rec_vcpu **next)
{
	struct workload *wl = rec->wl;
	struct wl_vm *to = &wl->vms[wl->nr_vms];
	unsigned int i;

	if (!name_vm(rec, vm))
		return false;
	*to = vm->vm;
	to->replay = calloc(to->vcpus, sizeof(*to->replay));
	if (!to->replay)
		return bad_line(rec->r, 0, "out of memory");
	wl->nr_vms++;
	wl->nr_vcpus += to->vcpus;
	for (i = 0; i < to->vcpus; i++)
		if (!make_replay(rec, next[i], to, &to->replay[i]))
			return false;
	return true;
}

/* One that has no vCPU is left out. */
bool replay_make(struct recording *rec)
{
	struct workload *wl = rec->wl;
	unsigned int i;

	if (!rec->nr_vcpus)
		return bad_line(rec->r, 0, "there is no vCPU in this recording");
	qsort(rec->vms, rec->nr_vms, sizeof(*rec->vms), by_id_of);
	qsort(rec->vcpus, rec->nr_vcpus, sizeof(*rec->vcpus), by_place_of);
	wl->vms = calloc(rec->nr_vms, sizeof(*wl->vms));
	if (!wl->vms)
		return bad_line(rec->r, 0, "out of memory");
	for (i = 0; i < rec->nr_vms; i++)
		if (rec->vms[i]->vm.vcpus &&
		    !make_vm(rec, rec->vms[i], &rec->vcpus[wl->nr_vcpus]))
			return false;
	return true;
}
