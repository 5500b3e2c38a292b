/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module tells, as plain structs, and one table of fields for each.
 *
 * The tables are the only place that knows which attribute goes where: the
 * netlink code fills the structs by them, JSON and the tables for people are
 * written by them. Nothing here knows a netlink library.
 *
 * Each struct begins with the set of attributes that are present, bit N for
 * attribute N. A request is the same struct with the bits of what to send.
 */
#ifndef VMSCHEDCTL_MODEL_H
#define VMSCHEDCTL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <linux/vmsched.h>

enum field_kind {
	FIELD_U32,
	FIELD_U64,
	FIELD_NS,	/* __u64, a time */
	FIELD_US,	/* __u32, a time */
	FIELD_PERMILLE,	/* __u32 */
	FIELD_FLAG,	/* __u32, 0 or 1 */
	FIELD_WORD,	/* __u32, index into words */
	FIELD_SET,	/* __u32, bit N for words[N] */
	FIELD_KEYS,	/* __u32, bit N for attribute N of the parameters */
	FIELD_ERRNO,	/* __u32 */
	FIELD_TEXT,	/* char *, owned by the struct */
	FIELD_PARAMS,	/* struct params */
};

struct field {
	const char *key;		/* on the command line and in tables */
	const char *json;
	const char *const *words;	/* of FIELD_WORD, _SET; NULL at the end */
	size_t offset;
	enum field_kind kind;
	unsigned char attr;		/* 0 if user space fills it */
	bool need;			/* a reply without it is malformed */
};

struct model {
	const char *noun;
	size_t size;
	const struct field *fields;	/* ends with a field without key */
};

struct status {
	__u64 have;
	char *version;
	char *last_fault;
	__u64 dropped;
	__u32 api;
	__u32 vms;
	__u32 vcpus;
	__u32 missing;
};

struct sched {
	__u64 have;
	char *name;
	char *module;
	char *doc;
	__u32 version;
	__u32 users;
	__u32 honours;
};

struct pool {
	__u64 have;
	char *name;
	char *cpus;
	char *scheduler;
	char *previous;
	__u64 switches;
	__u64 failed_switches;
	__u64 cease_ns;
	__u64 blackout_ns;
	__u32 activate;
	__u32 vms;
	__u32 vcpus;
};

struct params {
	__u64 have;
	char *affinity;
	__u32 weight;
	__u32 cap;
	__u32 reservation;
	__u32 period_us;
	__u32 budget_us;
	__u32 slice_us;
	__u32 warp_us;
	__u32 warp_limit_us;
	__u32 unwarp_us;
	__u32 time_critical;
};

struct vm {
	__u64 have;
	__u64 id;
	char *name;
	char *comm;
	char *pool;
	struct params params;
	__u64 run_ns;
	__u64 guest_ns;
	__u64 user_ns;
	__u64 wait_ns;
	__u64 switches;
	__u64 exits;
	__u32 pid;
	__u32 vcpus;
};

struct vcpu {
	__u64 have;
	__u64 vm_id;
	char *mask;
	struct params params;
	__u64 run_ns;
	__u64 guest_ns;
	__u64 user_ns;
	__u64 wait_ns;
	__u64 switches;
	__u64 exits;
	__u64 migrations;
	__u32 index;
	__u32 tid;
	__u32 state;
	__u32 cpu;
};

struct switch_info {
	__u64 have;
	char *from;
	char *to;
	char *pool;
	char *why;
	char *late;
	__u64 cease_ns;
	__u64 blackout_ns;
	__u32 activate;
	__u32 cease_timeout_ms;
	__u32 held;
	__u32 vcpus;
	__u32 error;
};

extern const struct model status_model;
extern const struct model sched_model;
extern const struct model pool_model;
extern const struct model params_model;
extern const struct model vm_model;
extern const struct model vcpu_model;
extern const struct model switch_model;

extern const char *const activate_words[];

/* Growing array of the structs of one model */
struct list {
	const struct model *model;
	void *items;
	size_t n;
};

#define MODEL_BIT(attr) (1ULL << (attr))
#define MODEL_HAS(obj, attr) (!!((obj)->have & MODEL_BIT(attr)))

const struct field *model_field(const struct model *model, int attr);
void model_clear(const struct model *model, void *obj);
bool field_present(const struct field *field, const void *obj);
__u32 field_u32(const struct field *field, const void *obj);
__u64 field_u64(const struct field *field, const void *obj);
char **field_text(const struct field *field, const void *obj);
const char *field_word(const struct field *field, const void *obj);
/* The word of bit @n in FIELD_SET, NULL if it is clear, "bitN" if it is unknown. */
const char *field_set_word(const struct field *field, const void *obj, __u32 n);

void *list_add(struct list *list);
/* The first item after NULL, NULL after the last one. */
void *list_next(const struct list *list, const void *item);
void list_remove(struct list *list, void *item);
void list_clear(struct list *list);

#endif /* VMSCHEDCTL_MODEL_H */
