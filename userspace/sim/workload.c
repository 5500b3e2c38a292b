// SPDX-License-Identifier: GPL-2.0
/* Statements of a workload file, see workload.h. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

#define DURATION_DFL	(10 * (u64)NSEC_PER_SEC)

/* What a VM may have besides parameters; numbered on from their attributes. */
enum vm_key {
	KEY_AFFINITY = VMSCHED_A_PARAMS_AFFINITY,
	KEY_VCPUS,
	KEY_COPIES,
	KEY_POOL,
	KEY_START,
	KEY_RUN,
	KEY_SLEEP,
	KEY_EVERY,
};

static const struct param {
	const char *name;
	size_t offset;
	u64 least;
	u64 most;
	bool zero;
} params[VMSCHED_A_PARAMS_MAX + 1] = {
#define RANGE(attr, name, field, lo, hi, zero)				\
	[VMSCHED_A_PARAMS_##attr] = { name,				\
		offsetof(struct vmsched_params, field), lo, hi, zero },
#include <vmsched/ranges.h>
};

static const struct vm_word {
	const char *word;
	int key;
} vm_words[] = {
	{ "weight", VMSCHED_A_PARAMS_WEIGHT },
	{ "cap", VMSCHED_A_PARAMS_CAP },
	{ "reservation", VMSCHED_A_PARAMS_RESERVATION },
	{ "period", VMSCHED_A_PARAMS_PERIOD_US },
	{ "budget", VMSCHED_A_PARAMS_BUDGET_US },
	{ "slice", VMSCHED_A_PARAMS_SLICE_US },
	{ "warp", VMSCHED_A_PARAMS_WARP_US },
	{ "warp-limit", VMSCHED_A_PARAMS_WARP_LIMIT_US },
	{ "unwarp", VMSCHED_A_PARAMS_UNWARP_US },
	{ "time-critical", VMSCHED_A_PARAMS_TIME_CRITICAL },
	{ "affinity", KEY_AFFINITY },
	{ "vcpus", KEY_VCPUS },
	{ "copies", KEY_COPIES },
	{ "pool", KEY_POOL },
	{ "start", KEY_START },
	{ "run", KEY_RUN },
	{ "sleep", KEY_SLEEP },
	{ "every", KEY_EVERY },
};

const char *workload_key(unsigned int attr)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vm_words); i++)
		if (vm_words[i].key == (int)attr)
			return vm_words[i].word;
	return NULL;
}

/* A file under way */
struct parser {
	struct reader reader;
	struct workload *wl;
	unsigned int max_vms;
	void *names;		/* of VMs, a tree */
	u32 given;		/* statements that may stand only once */
};

/* The VM of a statement */
struct draft {
	struct wl_vm vm;
	u64 copies;
	u32 given;		/* BIT(key) */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int param_attr(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vm_words); i++)
		if (!strcmp(vm_words[i].word, word))
			return vm_words[i].key < KEY_AFFINITY ? vm_words[i].key : 0;
	return 0;
}

bool take_param(struct reader *r, int key, const char *word, struct wl_vm *vm)
{
	const struct param *p = &params[key];
	u32 *field = (u32 *)((char *)&vm->params + p->offset);
	u32 old = *field;
	u64 value;
	bool good;

	switch (key) {
	case VMSCHED_A_PARAMS_WEIGHT:
		good = take_number(r, word, p->least, p->most, &value);
		break;
	case VMSCHED_A_PARAMS_CAP:
	case VMSCHED_A_PARAMS_RESERVATION:
		good = take_percent(r, word, p->least, p->most, p->zero, &value);
		break;
	case VMSCHED_A_PARAMS_TIME_CRITICAL:
		good = take_flag(r, word, &value);
		break;
	default:
		good = take_time(r, word, p->least * NSEC_PER_USEC, p->most * NSEC_PER_USEC,
				 p->zero, &value);
		if (good && value % NSEC_PER_USEC)
			return bad(r, "%s %s is finer than 1us", word, time_text(value));
		value /= NSEC_PER_USEC;
	}
	if (!good)
		return false;
	*field = value;
	if (value != old)
		vm->asks |= BIT(key);
	return true;
}

bool take_pool(struct reader *r, const struct workload *wl, unsigned int *pool)
{
	const char *name;

	if (!take_word(r, "pool", &name))
		return false;
	for (*pool = 0; *pool < wl->nr_pools; ++*pool)
		if (!strcmp(wl->pools[*pool].name, name))
			return true;
	return bad(r, "no pool \"%.40s\": it must stand above its VMs", name);
}

static bool take_vm_value(struct parser *p, int key, const char *word, struct draft *d)
{
	struct reader *r = &p->reader;
	u64 value;

	switch (key) {
	case KEY_AFFINITY:
		d->vm.asks |= VMSCHED_HONOURS_AFFINITY;
		return take_cpus(r, word, p->wl->cpus, &d->vm.affinity);
	case KEY_VCPUS:
		if (!take_number(r, word, 1, WL_MAX_CPUS, &value))
			return false;
		d->vm.vcpus = value;
		return true;
	case KEY_COPIES:
		return take_number(r, word, 1, WL_MAX_VCPUS, &d->copies);
	case KEY_POOL:
		return take_pool(r, p->wl, &d->vm.pool);
	case KEY_START:
		return take_dist(r, word, 0, false, &d->vm.start);
	case KEY_RUN:
		return take_dist(r, word, WL_MIN_RUN_NS, true, &d->vm.run);
	case KEY_SLEEP:
		return take_dist(r, word, 0, false, &d->vm.sleep);
	case KEY_EVERY:
		return take_time(r, word, WL_MIN_RUN_NS, WL_MAX_NS, false, &d->vm.every);
	default:
		return take_param(r, key, word, &d->vm);
	}
}

static bool bad_key(struct reader *r, const char *word)
{
	char words[300] = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vm_words); i++) {
		strcat(words, i ? ", " : "");
		strcat(words, vm_words[i].word);
	}
	return bad(r, "a VM has no \"%.40s\", but %s", word, words);
}

static bool take_vm_pair(struct parser *p, struct draft *d)
{
	const char *word = take(&p->reader);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vm_words); i++)
		if (!strcmp(vm_words[i].word, word))
			break;
	if (i == ARRAY_SIZE(vm_words))
		return bad_key(&p->reader, word);
	if (d->given & BIT(vm_words[i].key))
		return bad(&p->reader, "%s is given twice", word);
	d->given |= BIT(vm_words[i].key);
	return take_vm_value(p, vm_words[i].key, word, d);
}

static bool check_work(struct reader *r, const struct wl_vm *vm)
{
	bool pauses = vm->sleep.kind != DIST_NONE || vm->every;

	if (vm->sleep.kind != DIST_NONE && vm->every)
		return bad(r, "sleep and every exclude each other: leave one of them out");
	if (vm->run.kind == DIST_NONE && pauses)
		return bad(r, "how long does it run? Give run as well");
	if (vm->run.kind == DIST_FOREVER && pauses)
		return bad(r, "run forever leaves no time for sleep or every");
	if (vm->run.kind > DIST_FOREVER && !pauses)
		return bad(r, "run needs sleep or every; \"run forever\" never pauses");
	return true;
}

bool check_params(struct reader *r, const struct vmsched_params *params)
{
	if (params->budget_us <= params->period_us)
		return true;
	return bad(r, "budget %s exceeds period %s",
		   time_text(params->budget_us * (u64)NSEC_PER_USEC),
		   time_text(params->period_us * (u64)NSEC_PER_USEC));
}

static bool check_vm(struct parser *p, const struct draft *d)
{
	const struct wl_vm *vm = &d->vm;
	struct reader *r = &p->reader;
	struct cpumask both;

	if (!check_params(r, &vm->params))
		return false;
	if (!cpumask_weight(&p->wl->pools[vm->pool].cpus))
		return bad(r, "all pCPUs are in other pools than default: give pool");
	if (d->given & BIT(KEY_AFFINITY) &&
	    !cpumask_and(&both, &vm->affinity, &p->wl->pools[vm->pool].cpus))
		return bad(r, "affinity has no pCPU of pool %s", p->wl->pools[vm->pool].name);
	if (p->wl->nr_vcpus + d->copies * vm->vcpus > WL_MAX_VCPUS)
		return bad(r, "more than %d vCPUs in all", WL_MAX_VCPUS);
	return check_work(r, vm);
}

static bool add_vm(struct parser *p, const struct wl_vm *vm)
{
	struct workload *wl = p->wl;
	void **found;
	char *name;

	if (wl->nr_vms == p->max_vms) {
		unsigned int max = p->max_vms * 2 + 16;
		void *bigger = realloc(wl->vms, max * sizeof(*wl->vms));

		if (!bigger)
			return bad(&p->reader, "out of memory");
		wl->vms = bigger;
		p->max_vms = max;
	}
	name = strdup(vm->name);
	found = name ? tsearch(name, &p->names, by_name) : NULL;
	if (!found || *found != name) {
		free(name);
		return found ? bad(&p->reader, "there is a VM \"%s\" already", vm->name) :
			       bad(&p->reader, "out of memory");
	}
	wl->vms[wl->nr_vms++] = *vm;
	wl->nr_vcpus += vm->vcpus;
	return true;
}

/* web, or web1, web2, ... if there are several */
static bool add_copies(struct parser *p, const struct draft *d)
{
	struct wl_vm vm = d->vm;
	u64 i;

	if (!(d->given & BIT(KEY_COPIES)))
		return add_vm(p, &vm);
	for (i = 1; i <= d->copies; i++) {
		int n = snprintf(vm.name, sizeof(vm.name), "%.*s%llu",
				 (int)sizeof(vm.name), d->vm.name, ull(i));

		if (n >= (int)sizeof(vm.name))
			return bad(&p->reader, "name \"%s%llu\" is longer than %d characters",
				   d->vm.name, ull(i), WL_NAME_MAX - 1);
		if (!add_vm(p, &vm))
			return false;
	}
	return true;
}

static bool need_cpus(struct parser *p, const char *what)
{
	return p->wl->cpus || bad(&p->reader, "cpus must stand above the first %s", what);
}

static bool read_vm(struct parser *p)
{
	struct draft d = {
		.vm = {
			.vcpus = 1,
			.params.weight = VMSCHED_WEIGHT_DFL,
		},
		.copies = 1,
	};

	if (!need_cpus(p, "vm") || !take_name(&p->reader, "vm", WL_NAME_MAX - 1, d.vm.name))
		return false;
	memset(&d.vm.affinity, 0xff, sizeof(d.vm.affinity));
	while (peek(&p->reader))
		if (!take_vm_pair(p, &d))
			return false;
	if (d.vm.run.kind == DIST_NONE && d.vm.sleep.kind == DIST_NONE && !d.vm.every)
		d.vm.run.kind = DIST_FOREVER;
	return check_vm(p, &d) && add_copies(p, &d);
}

/* What a pool has got, "default" has no more. */
static bool take_pool_cpus(struct parser *p, struct wl_pool *pool)
{
	struct wl_pool *dfl = &p->wl->pools[0];
	struct cpumask both;
	int cpu;

	if (!take_cpus(&p->reader, "cpus", p->wl->cpus, &pool->cpus))
		return false;
	cpumask_and(&both, &pool->cpus, &dfl->cpus);
	for_each_cpu(cpu, &pool->cpus) {
		if (!cpumask_test_cpu(cpu, &both))
			return bad(&p->reader, "pCPU %d is in another pool already", cpu);
		cpumask_clear_cpu(cpu, &dfl->cpus);
	}
	return true;
}

static bool read_pool(struct parser *p)
{
	struct workload *wl = p->wl;
	struct wl_pool *pool = &wl->pools[wl->nr_pools];
	const char *word;
	unsigned int i;

	if (!need_cpus(p, "pool"))
		return false;
	if (wl->nr_vms)
		return bad(&p->reader, "pools must stand above the first vm");
	if (wl->nr_pools == WL_MAX_POOLS)
		return bad(&p->reader, "more than %d pools", WL_MAX_POOLS);
	if (!take_name(&p->reader, "pool", WL_NAME_MAX - 1, pool->name))
		return false;
	for (i = 0; i < wl->nr_pools; i++)
		if (!strcmp(wl->pools[i].name, pool->name))
			return bad(&p->reader, "there is a pool \"%s\" already%s", pool->name,
				   i ? "" : ": it has what is in no other");
	word = take(&p->reader);
	if (!word || strcmp(word, "cpus"))
		return bad(&p->reader, "a pool needs pCPUs: pool %s cpus 0-3", pool->name);
	if (!take_pool_cpus(p, pool))
		return false;
	wl->nr_pools++;
	return true;
}

static bool read_cpus(struct parser *p)
{
	struct workload *wl = p->wl;
	unsigned int cpu;
	u64 value;

	if (!take_number(&p->reader, "cpus", 1, WL_MAX_CPUS, &value))
		return false;
	wl->cpus = value;
	nr_cpu_ids = value;
	snprintf(wl->pools[0].name, WL_NAME_MAX, "default");
	for (cpu = 0; cpu < wl->cpus; cpu++)
		cpumask_set_cpu(cpu, &wl->pools[0].cpus);
	wl->nr_pools = 1;
	return true;
}

static bool read_duration(struct parser *p)
{
	return take_time(&p->reader, "duration", NSEC_PER_USEC, WL_MAX_NS, false,
			 &p->wl->duration);
}

static bool read_warmup(struct parser *p)
{
	return take_time(&p->reader, "warmup", 0, WL_MAX_NS, false, &p->wl->warmup);
}

static bool read_seed(struct parser *p)
{
	return take_number(&p->reader, "seed", 0, U64_MAX - 1, &p->wl->seed);
}

static bool read_switch_cost(struct parser *p)
{
	return take_time(&p->reader, "switch-cost", 0, NSEC_PER_MSEC, false,
			 &p->wl->switch_cost);
}

static const struct statement {
	const char *word;
	bool (*read)(struct parser *p);
	bool many;
} statements[] = {
	{ "cpus", read_cpus },
	{ "duration", read_duration },
	{ "warmup", read_warmup },
	{ "seed", read_seed },
	{ "switch-cost", read_switch_cost },
	{ "pool", read_pool, true },
	{ "vm", read_vm, true },
};

static bool read_statement(struct parser *p)
{
	const char *word = take(&p->reader);
	const struct statement *s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statements); i++)
		if (!strcmp(statements[i].word, word))
			break;
	if (i == ARRAY_SIZE(statements))
		return bad(&p->reader,
			   "\"%.40s\" is none of cpus, duration, warmup, seed, switch-cost, pool, vm",
			   word);
	s = &statements[i];
	if (!s->many && p->given & BIT(i))
		return bad(&p->reader, "%s is given twice", word);
	p->given |= BIT(i);
	if (!s->read(p))
		return false;
	word = take(&p->reader);
	return !word || bad(&p->reader, "\"%.40s\" does not belong here", word);
}

static bool read_all(struct parser *p)
{
	struct workload *wl = p->wl;

	for (;;) {
		if (!reader_statement(&p->reader))
			return false;
		if (!p->reader.nr_words)
			break;
		if (!p->given && !wl->nr_vms && !strcmp(peek(&p->reader), RECORDING_WORD))
			return recording_read(&p->reader, wl);
		if (!read_statement(p))
			return false;
	}
	if (!wl->nr_vms)
		return bad_line(&p->reader, 0, "there is no VM: add a line such as vm web vcpus 2");
	if (wl->warmup >= wl->duration)
		return bad_line(&p->reader, 0, "warmup %s leaves nothing of duration %s",
				time_text(wl->warmup), time_text(wl->duration));
	return true;
}

bool workload_read(struct workload *wl, FILE *file, const char *name, char *why, size_t size)
{
	struct parser p = {
		.reader = { .file = file, .name = name, .why = why, .why_size = size },
		.wl = wl,
	};
	bool good;

	memset(wl, 0, sizeof(*wl));
	wl->duration = DURATION_DFL;
	wl->seed = 1;
	good = read_all(&p);
	reader_free(&p.reader);
	tdestroy(p.names, free);
	return good;
}

static void replay_free(struct wl_vm *vm)
{
	unsigned int i;

	for (i = 0; vm->replay && i < vm->vcpus; i++)
		free(vm->replay[i].phases);
	free(vm->replay);
}

void workload_free(struct workload *wl)
{
	unsigned int nr;

	for (nr = 0; nr < wl->nr_vms; nr++)
		replay_free(&wl->vms[nr]);
	free(wl->vms);
	wl->vms = NULL;
}
