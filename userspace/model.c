// SPDX-License-Identifier: GPL-2.0
/*
 * The tables of fields and what can be said of a struct from its table alone:
 * read a field, free it, keep many of them in a list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

const char *const activate_words[] = {
	[VMSCHED_ACTIVATE_ID] = "id",
	[VMSCHED_ACTIVATE_TABLE] = "table",
	[VMSCHED_ACTIVATE_PATCH] = "patch",
	NULL,
};

const char *const on_console_timeout_words[] = {
	[VMSCHED_ON_CONSOLE_TIMEOUT_GO_ON] = "go-on",
	[VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP] = "give-up",
	NULL,
};

static const char *const vcpu_state_words[] = {
	[VMSCHED_VCPU_STATE_USER] = "user",
	[VMSCHED_VCPU_STATE_HALTED] = "halted",
	[VMSCHED_VCPU_STATE_WAITING] = "waiting",
	[VMSCHED_VCPU_STATE_GRANTED] = "granted",
	NULL,
};

static const char *const fault_kind_words[] = {
	[VMSCHED_FAULT_KIND_INIT] = "init",
	[VMSCHED_FAULT_KIND_BAD_RETURN] = "bad-return",
	[VMSCHED_FAULT_KIND_STALL] = "stall",
	[VMSCHED_FAULT_KIND_SLOW] = "slow",
	[VMSCHED_FAULT_KIND_LIST] = "list",
	[VMSCHED_FAULT_KIND_LEAVING] = "leaving",
	[VMSCHED_FAULT_KIND_REPORTED] = "reported",
	[VMSCHED_FAULT_KIND_OPERATOR] = "operator",
	[VMSCHED_FAULT_KIND_SYSRQ] = "sysrq",
	NULL,
};

static const char *const missing_words[] = {
	"custom-slice", "split-ops", "user-mask", "guest-calls",
	"guest-failures", "guest-spins", NULL,
};

static const char *const owner_why_words[] = {
	[VMSCHED_OWNER_WHY_REQUEST] = "request",
	[VMSCHED_OWNER_WHY_GONE] = "gone",
	[VMSCHED_OWNER_WHY_DIED] = "died",
	[VMSCHED_OWNER_WHY_SHUTDOWN] = "shutdown",
	[VMSCHED_OWNER_WHY_CRASH] = "crash",
	[VMSCHED_OWNER_WHY_ERROR] = "error",
	[VMSCHED_OWNER_WHY_MOVED] = "moved",
	NULL,
};

static const char *const request_kind_words[] = {
	[VMSCHED_REQUEST_KIND_YIELD] = "yield",
	[VMSCHED_REQUEST_KIND_OWNER] = "owner",
	[VMSCHED_REQUEST_KIND_PRIO] = "prio",
	NULL,
};

static const char *const request_reason_words[] = {
	[VMSCHED_REQUEST_REASON_DONE] = "done",
	[VMSCHED_REQUEST_REASON_UNCHANGED] = "unchanged",
	[VMSCHED_REQUEST_REASON_NATIVE] = "native",
	[VMSCHED_REQUEST_REASON_NO_GRANT] = "no-grant",
	[VMSCHED_REQUEST_REASON_NOBODY_WAITS] = "nobody-waits",
	[VMSCHED_REQUEST_REASON_NO_SIBLING] = "no-sibling",
	[VMSCHED_REQUEST_REASON_LIMITED] = "limited",
	[VMSCHED_REQUEST_REASON_CEASED] = "ceased",
	[VMSCHED_REQUEST_REASON_UNKNOWN] = "unknown",
	NULL,
};

#define FIELD(_attr, _kind, _struct, _member, _key, _json) \
	.attr = (_attr), .kind = FIELD_##_kind, .key = (_key), \
	.json = (_json), .offset = offsetof(struct _struct, _member)

#define STATUS(_attr, _kind, _member, _key, _json) \
	FIELD(VMSCHED_A_STATUS_##_attr, _kind, status, _member, _key, _json)

static const struct field status_fields[] = {
	{ STATUS(VERSION, TEXT, version, "version", "version"), .need = true },
	{ STATUS(API, U32, api, "api", "api") },
	{ STATUS(VMS, U32, vms, "vms", "vms") },
	{ STATUS(VCPUS, U32, vcpus, "vcpus", "vcpus") },
	{ STATUS(DROPPED, U64, dropped, "dropped", "dropped") },
	{ STATUS(LAST_FAULT, TEXT, last_fault, "last-fault", "last_fault") },
	{ STATUS(MISSING, SET, missing, "missing", "missing"),
	  .words = missing_words },
	{ }
};

#define SCHED(_attr, _kind, _member, _key, _json) \
	FIELD(VMSCHED_A_SCHED_##_attr, _kind, sched, _member, _key, _json)

static const struct field sched_fields[] = {
	{ SCHED(NAME, TEXT, name, "name", "name"), .need = true },
	{ SCHED(MODULE, TEXT, module, "module", "module"), .need = true },
	{ SCHED(VERSION, U32, version, "version", "version"), .need = true },
	{ SCHED(USERS, U32, users, "users", "users"), .need = true },
	{ SCHED(HONOURS, KEYS, honours, "params", "params"), .need = true },
	{ SCHED(HONOURS, KEYS, honours, "honours", "honours"), .need = true },
	{ SCHED(DOC, TEXT, doc, "doc", "doc") },
	{ }
};

#define POOL(_attr, _kind, _member, _key, _json) \
	FIELD(VMSCHED_A_POOL_##_attr, _kind, pool, _member, _key, _json)

static const struct field pool_fields[] = {
	{ POOL(NAME, TEXT, name, "name", "name"), .need = true },
	{ POOL(CPUS, TEXT, cpus, "cpus", "cpus"), .need = true },
	{ POOL(SCHEDULER, TEXT, scheduler, "scheduler", "scheduler"),
	  .need = true },
	{ POOL(PREVIOUS, TEXT, previous, "previous", "previous") },
	{ POOL(ACTIVATE, WORD, activate, "activate", "activate"),
	  .words = activate_words, .need = true },
	{ POOL(VMS, U32, vms, "vms", "vms"), .need = true },
	{ POOL(VCPUS, U32, vcpus, "vcpus", "vcpus"), .need = true },
	{ POOL(SWITCHES, U64, switches, "switches", "switches") },
	{ POOL(FAILED_SWITCHES, U64, failed_switches, "failed-switches",
	       "failed_switches") },
	{ POOL(CEASE_NS, NS, cease_ns, "cease", "cease_ns") },
	{ POOL(BLACKOUT_NS, NS, blackout_ns, "blackout", "blackout_ns") },
	{ POOL(CONSOLE_OWNER, U64, console_owner, "console-owner",
	       "console_owner") },
	{ POOL(REQUESTS_TIMER, U64, requests_timer, "requests-timer",
	       "requests_timer") },
	{ POOL(REQUESTS_CORE, U64, requests_core, "requests-core",
	       "requests_core") },
	{ POOL(REQUESTS_SERVICE, U64, requests_service, "requests-service",
	       "requests_service") },
	{ POOL(REQUESTS_GUEST, U64, requests_guest, "requests-guest",
	       "requests_guest") },
	{ POOL(REQUESTS_LIMITED, U64, requests_limited, "requests-limited",
	       "requests_limited") },
	{ }
};

#define PARAM(_attr, _kind, _member, _key, _json) \
	FIELD(VMSCHED_A_PARAMS_##_attr, _kind, params, _member, _key, _json)

static const struct field params_fields[] = {
	{ PARAM(WEIGHT, U32, weight, "weight", "weight"), .need = true },
	{ PARAM(CAP, PERMILLE, cap, "cap", "cap_permille"), .need = true },
	{ PARAM(RESERVATION, PERMILLE, reservation, "reservation",
		"reservation_permille") },
	{ PARAM(PERIOD_US, US, period_us, "period", "period_ns") },
	{ PARAM(BUDGET_US, US, budget_us, "budget", "budget_ns") },
	{ PARAM(SLICE_US, US, slice_us, "slice", "slice_ns") },
	{ PARAM(WARP_US, US, warp_us, "warp", "warp_ns") },
	{ PARAM(WARP_LIMIT_US, US, warp_limit_us, "warp-limit",
		"warp_limit_ns") },
	{ PARAM(UNWARP_US, US, unwarp_us, "unwarp", "unwarp_ns") },
	{ PARAM(TIME_CRITICAL, FLAG, time_critical, "time-critical",
		"time_critical"), .need = true },
	{ PARAM(AFFINITY, TEXT, affinity, "affinity", "affinity") },
	{ }
};

#define VM(_attr, _kind, _member, _key, _json) \
	FIELD(VMSCHED_A_VM_##_attr, _kind, vm, _member, _key, _json)

static const struct field vm_fields[] = {
	{ VM(ID, U64, id, "id", "id"), .need = true },
	{ VM(PID, U32, pid, "pid", "pid"), .need = true },
	{ FIELD(0, TEXT, vm, name, "name", "name") },
	{ VM(COMM, TEXT, comm, "comm", "comm") },
	{ VM(POOL, TEXT, pool, "pool", "pool"), .need = true },
	{ VM(VCPUS, U32, vcpus, "vcpus", "vcpus"), .need = true },
	{ VM(PARAMS, PARAMS, params, "params", NULL), .need = true },
	{ VM(RUN_NS, NS, run_ns, "run", "run_ns"), .need = true },
	{ VM(GUEST_NS, NS, guest_ns, "guest", "guest_ns"), .need = true },
	{ VM(USER_NS, NS, user_ns, "user", "user_ns") },
	{ VM(WAIT_NS, NS, wait_ns, "wait", "wait_ns"), .need = true },
	{ VM(SWITCHES, U64, switches, "switches", "switches"), .need = true },
	{ VM(EXITS, U64, exits, "exits", "exits") },
	{ VM(GUEST_CRITICAL, FLAG, guest_critical, "guest-critical",
	     "guest_critical") },
	{ }
};

#define VCPU(_attr, _kind, _member, _key, _json) \
	FIELD(VMSCHED_A_VCPU_##_attr, _kind, vcpu, _member, _key, _json)

static const struct field vcpu_fields[] = {
	{ VCPU(VM_ID, U64, vm_id, "vm", "vm"), .need = true },
	{ VCPU(INDEX, U32, index, "index", "index"), .need = true },
	{ VCPU(TID, U32, tid, "tid", "tid"), .need = true },
	{ VCPU(STATE, WORD, state, "state", "state"),
	  .words = vcpu_state_words, .need = true },
	{ VCPU(CPU, U32, cpu, "cpu", "cpu"), .need = true },
	{ VCPU(PARAMS, PARAMS, params, "params", NULL) },
	{ VCPU(RUN_NS, NS, run_ns, "run", "run_ns"), .need = true },
	{ VCPU(GUEST_NS, NS, guest_ns, "guest", "guest_ns") },
	{ VCPU(USER_NS, NS, user_ns, "user", "user_ns") },
	{ VCPU(WAIT_NS, NS, wait_ns, "wait", "wait_ns"), .need = true },
	{ VCPU(SWITCHES, U64, switches, "switches", "switches") },
	{ VCPU(EXITS, U64, exits, "exits", "exits") },
	{ VCPU(MIGRATIONS, U64, migrations, "migrations", "migrations") },
	{ VCPU(MASK, TEXT, mask, "mask", "mask") },
	{ }
};

#define FAULT(_attr, _kind, _member, _key, _json) \
	FIELD(VMSCHED_A_FAULT_##_attr, _kind, fault, _member, _key, _json)

static const struct field fault_fields[] = {
	{ FAULT(POOL, TEXT, pool, "pool", "pool"), .need = true },
	{ FAULT(KIND, WORD, kind, "kind", "kind"), .words = fault_kind_words },
	{ FAULT(SCHEDULER, TEXT, scheduler, "scheduler", "scheduler") },
	{ FAULT(MESSAGE, TEXT, message, "message", "message") },
	{ FAULT(TO, TEXT, to, "to", "to") },
	{ FAULT(TIME_NS, NS, time_ns, "time", "time_ns") },
	{ FAULT(BYPASS_NS, NS, bypass_ns, "bypass", "bypass_ns") },
	{ FAULT(COUNT, U32, count, "count", "count"), .need = true },
	{ FAULT(TRACE, TEXT, trace, "trace", "trace") },
	{ FAULT(DUMP, TEXT, dump, "dump", "dump") },
	{ }
};

#define CONSOLE(_attr, _kind, _member, _key, _json) \
	FIELD(VMSCHED_A_CONSOLE_##_attr, _kind, console_info, _member, _key, \
	      _json)

static const struct field console_fields[] = {
	{ CONSOLE(POOL, TEXT, pool, "pool", "pool") },
	{ CONSOLE(SEQ, U32, seq, "seq", "seq") },
	{ CONSOLE(DEADLINE_NS, NS, deadline_ns, "deadline", "deadline_ns") },
	{ CONSOLE(ERROR, ERRNO, error, "error", "error") },
	{ }
};

#define OWNER(_attr, _kind, _member, _key, _json) \
	FIELD(VMSCHED_A_OWNER_##_attr, _kind, owner, _member, _key, _json)

static const struct field owner_fields[] = {
	{ OWNER(POOL, TEXT, pool, "pool", "pool"), .need = true },
	{ OWNER(OLD, U64, old, "old", "old") },
	{ OWNER(NEW, U64, new, "new", "new") },
	{ OWNER(WHY, WORD, why, "why", "why"), .words = owner_why_words,
	  .need = true },
	{ }
};

#define REQUEST(_attr, _kind, _member, _key, _json) \
	FIELD(VMSCHED_A_REQUEST_##_attr, _kind, request, _member, _key, _json)

static const struct field request_fields[] = {
	{ REQUEST(KIND, WORD, kind, "kind", "request"),
	  .words = request_kind_words, .need = true },
	{ REQUEST(VM_ID, U64, vm_id, "vm", "vm"), .need = true },
	{ REQUEST(HANDLED, FLAG, handled, "handled", "handled"),
	  .need = true },
	{ REQUEST(REASON, WORD, reason, "reason", "reason"),
	  .words = request_reason_words, .need = true },
	{ REQUEST(VCPUS, U32, vcpus, "vcpus", "vcpus") },
	{ REQUEST(POOL, TEXT, pool, "pool", "pool"), .need = true },
	{ REQUEST(CONSOLE_OWNER, U64, console_owner, "console-owner",
		  "console_owner") },
	{ REQUEST(PCPUS, TEXT, pcpus, "pcpus", "pcpus") },
	{ REQUEST(WEIGHT, U32, weight, "weight", "weight") },
	{ REQUEST(SHARE, PERMILLE, share, "share", "share_permille") },
	{ }
};

#define SWITCH(_attr, _kind, _member, _key, _json) \
	FIELD(VMSCHED_A_SWITCH_##_attr, _kind, switch_info, _member, _key, \
	      _json)

static const struct field switch_fields[] = {
	{ SWITCH(FROM, TEXT, from, "from", "from"), .need = true },
	{ SWITCH(TO, TEXT, to, "to", "to"), .need = true },
	{ SWITCH(POOL, TEXT, pool, "pool", "pool"), .need = true },
	{ SWITCH(ACTIVATE, WORD, activate, "activate", "activate"),
	  .words = activate_words },
	{ SWITCH(CEASE_TIMEOUT_MS, U32, cease_timeout_ms, "cease-timeout",
		 NULL) },
	{ SWITCH(HELD, U32, held, "held", NULL) },
	{ SWITCH(CEASE_NS, NS, cease_ns, "cease", "cease_ns") },
	{ SWITCH(BLACKOUT_NS, NS, blackout_ns, "blackout", "blackout_ns") },
	{ SWITCH(VCPUS, U32, vcpus, "vcpus", "vcpus") },
	{ SWITCH(ERROR, ERRNO, error, "error", "error") },
	{ SWITCH(WHY, TEXT, why, "why", "why") },
	{ SWITCH(LATE, TEXT, late, "late", "late") },
	{ SWITCH(ON_CONSOLE_TIMEOUT, WORD, on_console_timeout,
		 "on-console-timeout", NULL), .words = on_console_timeout_words },
	{ SWITCH(CONSOLE_TIMEOUT_MS, U32, console_timeout_ms, "console-timeout",
		 NULL) },
	{ SWITCH(CONSOLE_NS, NS, console_ns, "console", "console_ns") },
	{ SWITCH(CONSOLE_LATE, U32, console_late, "console-late", "console_late") },
	{ }
};

#define MODEL(_name, _struct, _noun) \
	const struct model _name##_model = { \
		.noun = (_noun), \
		.size = sizeof(struct _struct), \
		.fields = _name##_fields, \
	}

MODEL(status, status, "status");
MODEL(sched, sched, "scheduler");
MODEL(pool, pool, "pool");
MODEL(params, params, "parameters");
MODEL(vm, vm, "VM");
MODEL(vcpu, vcpu, "vCPU");
MODEL(fault, fault, "fault");
MODEL(switch, switch_info, "switch");
MODEL(console, console_info, "console");
MODEL(owner, owner, "owner");
MODEL(request, request, "request");

const struct field *model_field(const struct model *model, int attr)
{
	const struct field *field;

	for (field = model->fields; field->key; field++)
		if (field->attr == attr)
			return field;
	return NULL;
}

static void *field_at(const struct field *field, const void *obj)
{
	return (char *)obj + field->offset;
}

__u32 field_u32(const struct field *field, const void *obj)
{
	return *(__u32 *)field_at(field, obj);
}

__u64 field_u64(const struct field *field, const void *obj)
{
	return *(__u64 *)field_at(field, obj);
}

char **field_text(const struct field *field, const void *obj)
{
	return field_at(field, obj);
}

/* Present, that is: the module sent it, or user space found it. */
bool field_present(const struct field *field, const void *obj)
{
	__u64 have = *(const __u64 *)obj;

	if (field->kind == FIELD_TEXT)
		return *field_text(field, obj);
	return have & MODEL_BIT(field->attr);
}

/* NULL for a value that is newer than this program. */
const char *field_word(const struct field *field, const void *obj)
{
	__u32 value = field_u32(field, obj);
	__u32 i;

	for (i = 0; field->words[i]; i++)
		if (i == value)
			return field->words[i];
	return NULL;
}

const char *field_set_word(const struct field *field, const void *obj, __u32 n)
{
	static char unknown[8];
	__u32 i;

	if (n > 31 || !(field_u32(field, obj) & (1U << n)))
		return NULL;
	for (i = 0; field->words[i]; i++)
		if (i == n)
			return field->words[i];
	/* Of a module that is newer than this program. */
	snprintf(unknown, sizeof(unknown), "bit%u", n);
	return unknown;
}

void model_clear(const struct model *model, void *obj)
{
	const struct field *field;

	for (field = model->fields; field->key; field++) {
		if (field->kind == FIELD_TEXT)
			free(*field_text(field, obj));
		else if (field->kind == FIELD_PARAMS)
			model_clear(&params_model, field_at(field, obj));
	}
	memset(obj, 0, model->size);
}

/* A new, empty item at the end; NULL if memory is short. */
void *list_add(struct list *list)
{
	size_t size = list->model->size;
	void *items;

	items = reallocarray(list->items, list->n + 1, size);
	if (!items)
		return NULL;
	list->items = items;
	return memset((char *)items + size * list->n++, 0, size);
}

void *list_next(const struct list *list, const void *item)
{
	char *end = (char *)list->items + list->n * list->model->size;
	char *next = item ? (char *)item + list->model->size : list->items;

	return list->n && next < end ? next : NULL;
}

void list_remove(struct list *list, void *item)
{
	size_t size = list->model->size;
	char *end = (char *)list->items + list->n * size;
	char *next = (char *)item + size;

	model_clear(list->model, item);
	memmove(item, next, end - next);
	list->n--;
}

void list_clear(struct list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		model_clear(list->model,
			    (char *)list->items + i * list->model->size);
	free(list->items);
	list->items = NULL;
	list->n = 0;
}
