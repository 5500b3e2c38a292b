/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What schedulers have in common, part of <vmsched/sched.h>: times, trees that are
 * sorted by them, rates and promises. A scheduler may use all of it, or none.
 *
 * Times wrap, so they are compared by signed difference. Virtual time is ns at weight
 * 100.
 */
#ifndef _VMSCHED_SCHED_LIB_H
#define _VMSCHED_SCHED_LIB_H

/* All of one pCPU */
#define VMSCHED_PERMILLE	1000U

/* The vCPU that a blob, vmsched_vcpu.priv, belongs to */
static inline struct vmsched_vcpu *vmsched_of(void *blob)
{
	return container_of((u64 *)blob, struct vmsched_vcpu, priv[0]);
}

/* The blob of a vCPU, vmsched_ops.vcpu_size bytes */
static inline void *vmsched_blob(struct vmsched_vcpu *v)
{
	return v->priv;
}

/* A parameter in ns */
static inline u64 vmsched_us(u32 value)
{
	return value * (u64)NSEC_PER_USEC;
}

/* The slice that was asked for, or else the scheduler's own */
static inline s64 vmsched_slice_of(const struct vmsched_vcpu *v, s64 own)
{
	return v->params.slice_us ? (s64)vmsched_us(v->params.slice_us) : own;
}

static inline bool vmsched_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static inline u64 vmsched_later(u64 a, u64 b)
{
	return vmsched_before(a, b) ? b : a;
}

static inline u64 vmsched_earlier(u64 a, u64 b)
{
	return vmsched_before(a, b) ? a : b;
}

/* From @now until @at, 0 if that is over */
static inline s64 vmsched_until(u64 at, u64 now)
{
	return vmsched_before(now, at) ? at - now : 0;
}

/* Real time of a vCPU of that weight to its share of it, and back */
static inline s64 vmsched_to_virtual(s64 ns, u32 weight)
{
	return div_s64(ns * VMSCHED_WEIGHT_DFL, weight);
}

/* What took hours at weight 1 is out of reach at a larger one: saturate. */
static inline s64 vmsched_to_real(s64 vt, u32 weight)
{
	const s64 most = S64_MAX / VMSCHED_WEIGHT_MAX;

	return div_s64(clamp(vt, -most, most) * weight, VMSCHED_WEIGHT_DFL);
}

/* What is left over by divisions of time by a weight */
struct vmsched_rest {
	u32 rest;
	u32 weight;
};

/* The same of a time that has passed, which no short runs may get around */
static inline u64 vmsched_pass(struct vmsched_rest *r, u64 ran, u32 weight)
{
	if (r->weight != weight)
		r->rest = 0;
	r->weight = weight;
	return div_u64_rem(ran * VMSCHED_WEIGHT_DFL + r->rest, weight, &r->rest);
}

/* The pCPU of @cpus after @cpu, which is followed by the first */
static inline int vmsched_next_cpu(int cpu, const struct cpumask *cpus)
{
	cpu = cpumask_next(cpu, cpus);
	return cpu < (int)nr_cpu_ids ? cpu : (int)cpumask_next(-1, cpus);
}

/**
 * struct vmsched_key - an entry of a tree that is sorted by time
 * @node: in the tree
 * @in: the tree, NULL for none
 * @key: the time
 */
struct vmsched_key {
	struct rb_node node;
	struct rb_root_cached *in;
	u64 key;
};

static inline bool vmsched_key_less(struct rb_node *x, const struct rb_node *y)
{
	return vmsched_before(rb_entry(x, struct vmsched_key, node)->key,
			      rb_entry(y, struct vmsched_key, node)->key);
}

static inline void vmsched_key_add(struct rb_root_cached *to, struct vmsched_key *k,
				   u64 key)
{
	k->key = key;
	k->in = to;
	rb_add_cached(&k->node, to, vmsched_key_less);
}

/* Take it out of the tree that it is in, if any. */
static inline void vmsched_key_del(struct vmsched_key *k)
{
	if (k->in)
		rb_erase_cached(&k->node, k->in);
	k->in = NULL;
}

/* The entry whose @member has the least key, or NULL */
#define vmsched_key_first(tree, type, member) \
	rb_entry_safe(rb_first_cached(tree), type, member.node)

/* The one after that of which @k is the @member, or NULL */
#define vmsched_key_next(k, type, member) \
	rb_entry_safe(rb_next(&(k)->node), type, member.node)

/**
 * struct vmsched_rate - so much of one pCPU, at most or at least
 * @clock: a time, which advances by the time that a vCPU ran divided by its rate: as
 *	long as it is behind the present, it has had less
 * @permille: the rate, 0 for none
 * @behind: how far the clock is behind at most: what was not used before is lost
 * @ahead: how far it may get ahead of the present
 */
struct vmsched_rate {
	u64 clock;
	u32 permille;
	s64 behind;
	s64 ahead;
};

/* The clock stays where it is. */
static inline void vmsched_rate_set(struct vmsched_rate *r, u32 permille, s64 ahead,
				    s64 behind)
{
	r->permille = min(permille, VMSCHED_PERMILLE);
	r->ahead = ahead;
	r->behind = behind;
}

/* A vCPU has run for @ran until now; VMSCHED_SLICE_MAX_NS count at most. */
static inline void vmsched_rate_run(struct vmsched_rate *r, u64 ran, u64 now)
{
	if (!r->permille)
		return;
	ran = min_t(u64, ran, VMSCHED_SLICE_MAX_NS);
	r->clock = vmsched_later(r->clock, now - ran - r->behind);
	r->clock += div_u64(ran * VMSCHED_PERMILLE + r->permille - 1, r->permille);
	r->clock = vmsched_earlier(r->clock, now + r->ahead);
}

/* How long it can run until the clock is at the present; @most at most */
static inline s64 vmsched_rate_left(const struct vmsched_rate *r, u64 now, s64 most)
{
	s64 behind = min(vmsched_until(now, r->clock), r->behind);

	if (!r->permille || r->permille == VMSCHED_PERMILLE)
		return most;
	return min(most, div_s64(behind * r->permille,
				 VMSCHED_PERMILLE - r->permille) + 1);
}

/* What a clock has to be behind for turns of @least: @ns, if that is enough */
static inline s64 vmsched_rate_turn(u32 permille, s64 ns, s64 least)
{
	return permille ? max(ns, div_s64(least * VMSCHED_PERMILLE, permille)) : ns;
}

/**
 * struct vmsched_promise - the reservation of a vCPU
 * @now: what it may count on, in permille of one pCPU
 * @before: what it could count on until the last vmsched_promise(), and can again
 */
struct vmsched_promise {
	u32 now;
	u32 before;
};

/**
 * vmsched_promise() - admission test of a reservation
 * @inst: the instance
 * @sum: what all vCPUs of it are promised
 * @promise: what the vCPU is promised
 * @p: parameters that it is to have
 *
 * No more is promised than the online pCPUs have, nor than one vCPU can use. For
 * vcpu_init() and admit(); vcpu_exit() takes the promise from the sum.
 *
 * Return: 0, or an error, and then nothing has changed
 */
static inline int vmsched_promise(struct vmsched_inst *inst, u32 *sum,
				  struct vmsched_promise *promise,
				  const struct vmsched_params *p)
{
	u32 all = cpumask_weight(inst->cpus) * VMSCHED_PERMILLE;
	u32 most = min(p->cap ?: VMSCHED_PERMILLE, VMSCHED_PERMILLE);
	u32 others = *sum - promise->now;
	bool had = p->reservation <= max(promise->now, promise->before);

	if (!had && p->reservation > most) {
		vmsched_refuse(inst, "a vCPU can have %u permille, not %u", most,
			       p->reservation);
		return -EINVAL;
	}
	if (!had && others + p->reservation > all) {
		vmsched_refuse(inst, "%u permille are too much: of %u, %u are promised",
			       p->reservation, all, others);
		return -ENOSPC;
	}
	*sum = others + p->reservation;
	promise->before = promise->now;
	promise->now = p->reservation;
	return 0;
}

/* Operations of a scheduler that has nothing to do there */
static inline void vmsched_no_exit(struct vmsched_inst *inst)
{
}

static inline void vmsched_no_activate(struct vmsched_inst *inst, u64 now)
{
}

static inline int vmsched_no_vcpu_init(struct vmsched_inst *inst,
				       struct vmsched_vcpu *v)
{
	return 0;
}

static inline void vmsched_no_vcpu_exit(struct vmsched_inst *inst,
					struct vmsched_vcpu *v)
{
}

static inline void vmsched_no_charge(struct vmsched_inst *inst,
				     struct vmsched_vcpu *v, u64 ran, u64 now)
{
}

static inline void vmsched_no_set_params(struct vmsched_inst *inst,
					 struct vmsched_vcpu *v, u64 now)
{
}

static inline void vmsched_no_export(struct vmsched_inst *inst,
				     struct vmsched_vcpu *v,
				     struct vmsched_carry *carry, u64 now)
{
}

/*
 * Those, first in the table of a scheduler that does not count who ran for how long,
 * and so owes nobody anything.
 */
#define VMSCHED_COUNTS_NOTHING			\
	.vcpu_init	= vmsched_no_vcpu_init,	\
	.charge		= vmsched_no_charge,	\
	.exit		= vmsched_no_exit,	\
	.vcpu_exit	= vmsched_no_vcpu_exit,	\
	.activate	= vmsched_no_activate,	\
	.deactivate	= vmsched_no_activate,	\
	.set_params	= vmsched_no_set_params,	\
	.export_state	= vmsched_no_export

/* A module that is this scheduler, and nothing else */
#define vmsched_module(ops) \
	module_driver(ops, vmsched_register, vmsched_unregister)

#endif /* _VMSCHED_SCHED_LIB_H */
