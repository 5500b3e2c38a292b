// SPDX-License-Identifier: GPL-2.0
/*
 * vmsched_bvt - borrowed virtual time
 *
 * Each vCPU has an actual virtual time A, which advances by the time it ran
 * divided by its weight. The one with the least effective virtual time
 * E = A - (warped ? W : 0) runs. A latency-sensitive vCPU is warped when it
 * wakes: it borrows from its own future, so that it runs at once while its
 * share in the long run stays the same.
 *
 * SVT, the scheduler's virtual time, is the least A of all runnable vCPUs of
 * a pCPU, the running one included. Who wakes starts from there at least, or
 * it could save up time by sleeping.
 *
 * Context switch allowance C: the running vCPU i is kept against j until
 * E_i - E_j >= C / w_i, so that two vCPUs do not alternate at every instant.
 * A slice is thus (E_j - E_i) * w_i + C for the runner-up j.
 *
 * Warp limit L and unwarp requirement U bound what a warped vCPU can do: after
 * L of running warped it is not warped any more, until U has passed. The time
 * run warped adds up over wake-ups, and is forgotten only when the vCPU has
 * been unwarped, asleep or not, for U. So one that sleeps a little now and
 * then does not start a full L each time.
 *
 * Units: ns of real time; virtual time is ns at weight 100. Remainders of the
 * division are kept, or short runs would be overcharged. At weight 1 virtual
 * time wraps after 2.9 years of running without rest; it is compared by
 * signed difference.
 * Complexity: O(log n) per queue operation, O(pCPUs) to steal.
 * Weakness: no caps, and weights hold per pCPU only: a queue that is too long
 * is shortened only by a pCPU that falls idle.
 * Source: Duda and Cheriton, "Borrowed-Virtual-Time (BVT) scheduling", SOSP
 * 1999.
 */
#include <vmsched/sched.h>

/* C. Bounds the error of shares over a short window, and the switches. */
#define BVT_ALLOWANCE_NS	(2 * NSEC_PER_MSEC)

/* Most that a vCPU is owed, or owes, when it comes from another scheduler. */
#define BVT_LAG_MAX_NS		(100 * (s64)NSEC_PER_MSEC)
#define BVT_SLICE_MAX_NS	((s64)VMSCHED_SLICE_MAX_NS)

/* The same in virtual time, for the least weight. */
#define BVT_LAG_MAX_VT		(BVT_LAG_MAX_NS * VMSCHED_WEIGHT_DFL)

struct bvt_pcpu {
	struct rb_root_cached by_e;
	struct rb_root_cached by_a;
	struct bvt_vcpu *cur;
	unsigned int queued;
	u64 svt;
};

struct bvt_vcpu {
	struct rb_node e_node;
	struct rb_node a_node;
	u64 a;			/* actual virtual time */
	u64 e;			/* effective one, as queued */
	u32 rest;		/* of the division by the weight */
	u32 weight;		/* that "rest" belongs to */
	int cpu;		/* pCPU that "a" refers to, -1 for none yet */
	bool queued;
	bool blocked;		/* cannot run: earns no lag */
	bool warping;
	u64 warped_ns;		/* time run warped since it began */
	u64 unwarped_at;	/* when it was warped last */
};

static struct bvt_pcpu *bvt_pcpu(struct vmsched_inst *inst, int cpu)
{
	return inst->pcpu[cpu];
}

static struct bvt_vcpu *bvt_vcpu(struct vmsched_vcpu *v)
{
	return (struct bvt_vcpu *)v->priv;
}

static struct vmsched_vcpu *bvt_of(struct bvt_vcpu *b)
{
	return container_of((u64 *)b, struct vmsched_vcpu, priv[0]);
}

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* Real to virtual time of a vCPU, and back. */
static s64 to_virtual(const struct vmsched_vcpu *v, s64 ns)
{
	return div_s64(ns * VMSCHED_WEIGHT_DFL, v->params.weight);
}

/* What took hours at weight 1 is out of reach at a larger one: saturate. */
static s64 to_real(const struct vmsched_vcpu *v, s64 vt)
{
	const s64 most = S64_MAX / VMSCHED_WEIGHT_MAX;

	return div_s64(clamp(vt, -most, most) * v->params.weight,
		       VMSCHED_WEIGHT_DFL);
}

static u64 allowance(const struct vmsched_vcpu *v)
{
	return v->params.slice_us ? v->params.slice_us * (u64)NSEC_PER_USEC :
				    BVT_ALLOWANCE_NS;
}

static u64 us(u32 value)
{
	return value * (u64)NSEC_PER_USEC;
}

static u64 effective(struct bvt_vcpu *b)
{
	return b->warping ? b->a - us(bvt_of(b)->params.warp_us) : b->a;
}

static bool less_e(struct rb_node *x, const struct rb_node *y)
{
	return before(rb_entry(x, struct bvt_vcpu, e_node)->e,
		      rb_entry(y, struct bvt_vcpu, e_node)->e);
}

static bool less_a(struct rb_node *x, const struct rb_node *y)
{
	return before(rb_entry(x, struct bvt_vcpu, a_node)->a,
		      rb_entry(y, struct bvt_vcpu, a_node)->a);
}

/*
 * The least A of all that are runnable; stays where it is if there is none, or if
 * one that is behind the others may still be imported: their lags count from here.
 */
static void update_svt(struct vmsched_inst *inst, struct bvt_pcpu *q)
{
	struct rb_node *first = rb_first_cached(&q->by_a);
	u64 least;

	if (inst->partial || (!first && !q->cur))
		return;
	least = first ? rb_entry(first, struct bvt_vcpu, a_node)->a : q->cur->a;
	if (q->cur && before(q->cur->a, least))
		least = q->cur->a;
	if (before(q->svt, least))
		q->svt = least;
}

static void insert(struct bvt_pcpu *q, struct bvt_vcpu *b)
{
	b->e = effective(b);
	rb_add_cached(&b->e_node, &q->by_e, less_e);
	rb_add_cached(&b->a_node, &q->by_a, less_a);
	b->queued = true;
	q->queued++;
}

static void erase(struct bvt_pcpu *q, struct bvt_vcpu *b)
{
	rb_erase_cached(&b->e_node, &q->by_e);
	rb_erase_cached(&b->a_node, &q->by_a);
	b->queued = false;
	q->queued--;
}

/* Keep the distance to SVT when the pCPU changes. */
static void rebase(struct vmsched_inst *inst, struct bvt_vcpu *b, int cpu)
{
	u64 dst = bvt_pcpu(inst, cpu)->svt;

	if (b->cpu == cpu)
		return;
	b->a = b->cpu < 0 ? dst : b->a - bvt_pcpu(inst, b->cpu)->svt + dst;
	b->cpu = cpu;
}

static void leave_pcpu(struct vmsched_inst *inst, struct bvt_vcpu *b)
{
	struct bvt_pcpu *q;

	if (b->cpu < 0)
		return;
	q = bvt_pcpu(inst, b->cpu);
	if (q->cur == b) {
		update_svt(inst, q);
		q->cur = NULL;
	}
}

static void unwarp(struct bvt_vcpu *b, u64 now)
{
	b->warping = false;
	b->unwarped_at = now;
}

/* @b wakes: begin to warp it, or go on, unless it has had its limit. */
static void warp(struct bvt_vcpu *b, u64 now)
{
	const struct vmsched_params *p = &bvt_of(b)->params;

	if (!p->warp_us || b->warping)
		return;
	if (now - b->unwarped_at >= us(p->unwarp_us))
		b->warped_ns = 0;
	if (!p->warp_limit_us || b->warped_ns < us(p->warp_limit_us))
		b->warping = true;
}

static void bvt_enqueue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			enum vmsched_why why, u64 now)
{
	struct bvt_vcpu *b = bvt_vcpu(v);
	struct bvt_pcpu *q = bvt_pcpu(inst, v->cpu);

	leave_pcpu(inst, b);
	rebase(inst, b, v->cpu);
	b->blocked = false;
	if (why == VMSCHED_WHY_WAKE || why == VMSCHED_WHY_ENTER) {
		update_svt(inst, q);
		if (before(b->a, q->svt))
			b->a = q->svt;
	}
	if (why == VMSCHED_WHY_WAKE)
		warp(b, now);
	insert(q, b);
	update_svt(inst, q);
}

static void bvt_dequeue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			enum vmsched_why why, u64 now)
{
	struct bvt_vcpu *b = bvt_vcpu(v);

	erase(bvt_pcpu(inst, b->cpu), b);
}

static struct bvt_vcpu *first_allowed(struct bvt_pcpu *q, int cpu)
{
	struct rb_node *node;

	for (node = rb_first_cached(&q->by_e); node; node = rb_next(node)) {
		struct bvt_vcpu *b = rb_entry(node, struct bvt_vcpu, e_node);

		if (cpumask_test_cpu(cpu, bvt_of(b)->allowed))
			return b;
	}
	return NULL;
}

static struct bvt_vcpu *steal(struct vmsched_inst *inst, int cpu)
{
	struct bvt_vcpu *best = NULL, *b;
	unsigned int longest = 0;
	int from;

	for_each_cpu(from, inst->cpus) {
		struct bvt_pcpu *q = bvt_pcpu(inst, from);

		if (q->queued <= longest)
			continue;
		b = first_allowed(q, cpu);
		if (!b)
			continue;
		best = b;
		longest = q->queued;
	}
	return best;
}

/* Real time until @b has to make way for one whose effective time is @e. */
static s64 time_against(struct bvt_vcpu *b, u64 e)
{
	struct vmsched_vcpu *v = bvt_of(b);

	return to_real(v, (s64)(e - effective(b))) + allowance(v);
}

/* Real time until the warp of @b ends by its limit. */
static s64 time_warped(struct bvt_vcpu *b)
{
	u64 limit = us(bvt_of(b)->params.warp_limit_us);

	if (!b->warping || !limit)
		return VMSCHED_NEVER;
	return limit > b->warped_ns ? limit - b->warped_ns : 0;
}

static u64 slice_of(struct bvt_pcpu *q, struct bvt_vcpu *b)
{
	struct rb_node *second = rb_first_cached(&q->by_e);
	s64 slice;

	if (!second)
		return 0;
	slice = time_against(b, rb_entry(second, struct bvt_vcpu, e_node)->e);
	return clamp(min(slice, time_warped(b)), (s64)1, BVT_SLICE_MAX_NS);
}

/* @b, which is queued, gets @cpu. Returns its slice. */
static u64 set_current(struct vmsched_inst *inst, struct bvt_vcpu *b, int cpu)
{
	struct bvt_pcpu *q = bvt_pcpu(inst, cpu);

	erase(bvt_pcpu(inst, b->cpu), b);
	rebase(inst, b, cpu);
	q->cur = b;
	update_svt(inst, q);
	return slice_of(q, b);
}

static u64 bvt_take(struct vmsched_inst *inst, struct vmsched_vcpu *v, u64 now)
{
	return set_current(inst, bvt_vcpu(v), v->cpu);
}

static struct vmsched_vcpu *bvt_pick_next(struct vmsched_inst *inst, int cpu,
					  u64 now, u64 *slice)
{
	struct bvt_pcpu *q = bvt_pcpu(inst, cpu);
	struct bvt_vcpu *b;

	b = first_allowed(q, cpu);
	if (!b)
		b = steal(inst, cpu);
	if (!b)
		return NULL;
	*slice = set_current(inst, b, cpu);
	return bvt_of(b);
}

static void bvt_charge(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		       u64 ran, u64 now)
{
	struct bvt_vcpu *b = bvt_vcpu(v);
	u64 limit = us(v->params.warp_limit_us);

	if (b->weight != v->params.weight) {
		b->weight = v->params.weight;
		b->rest = 0;
	}
	b->a += div_u64_rem(ran * VMSCHED_WEIGHT_DFL + b->rest, b->weight,
			    &b->rest);
	if (b->warping) {
		b->warped_ns += ran;
		if (limit && b->warped_ns >= limit)
			unwarp(b, now);
	}
	if (b->cpu >= 0 && bvt_pcpu(inst, b->cpu)->cur == b)
		update_svt(inst, bvt_pcpu(inst, b->cpu));
}

static void bvt_block(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		      u64 now)
{
	struct bvt_vcpu *b = bvt_vcpu(v);

	leave_pcpu(inst, b);
	b->blocked = true;
	if (b->warping)
		unwarp(b, now);
}

static s64 bvt_preempt_in(struct vmsched_inst *inst, int cpu,
			  struct vmsched_vcpu *cur, struct vmsched_vcpu *woken,
			  u64 now)
{
	struct bvt_vcpu *b = bvt_vcpu(cur);
	s64 in = min(time_against(b, bvt_vcpu(woken)->e), time_warped(b));

	return max_t(s64, in, 0);
}

static int bvt_init(struct vmsched_inst *inst)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		bvt_pcpu(inst, cpu)->by_e = RB_ROOT_CACHED;
		bvt_pcpu(inst, cpu)->by_a = RB_ROOT_CACHED;
	}
	return 0;
}

static int bvt_vcpu_init(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	bvt_vcpu(v)->cpu = -1;
	bvt_vcpu(v)->blocked = true;
	bvt_vcpu(v)->weight = v->params.weight;
	return 0;
}

/* Others in its queue may be gone already, if this instance was at fault. */
static void bvt_vcpu_exit(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	struct bvt_vcpu *b = bvt_vcpu(v);

	if (b->cpu >= 0 && bvt_pcpu(inst, b->cpu)->cur == b)
		bvt_pcpu(inst, b->cpu)->cur = NULL;
}

static void bvt_vcpu_import(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			    const struct vmsched_carry *carry, u64 now)
{
	struct bvt_vcpu *b = bvt_vcpu(v);
	s64 lag = clamp(carry->lag_ns, -BVT_LAG_MAX_NS, BVT_LAG_MAX_NS);

	rebase(inst, b, v->cpu);
	b->a -= to_virtual(v, lag);
	b->warped_ns = carry->warped_ns;
	b->warping = carry->warping;
	b->unwarped_at = carry->unwarped_at;
}

static void bvt_set_params(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			   u64 now)
{
	struct bvt_vcpu *b = bvt_vcpu(v);
	struct bvt_pcpu *q;

	if (b->warping && !v->params.warp_us)
		unwarp(b, now);
	if (!b->queued)
		return;
	q = bvt_pcpu(inst, b->cpu);
	erase(q, b);
	insert(q, b);
}

static void bvt_export_state(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			     struct vmsched_carry *carry, u64 now)
{
	struct bvt_vcpu *b = bvt_vcpu(v);
	s64 lag;

	if (b->cpu >= 0) {
		lag = bvt_pcpu(inst, b->cpu)->svt - b->a;
		/* Who sleeps falls behind ever more, and is not owed that. */
		lag = clamp(lag, -BVT_LAG_MAX_VT, b->blocked ? 0 : BVT_LAG_MAX_VT);
		carry->lag_ns = to_real(v, lag);
	}
	carry->warped_ns = b->warped_ns;
	carry->unwarped_at = b->unwarped_at;
	carry->warping = b->warping;
}

static const struct vmsched_ops bvt_ops = {
	.pick_next	= bvt_pick_next,
	.enqueue	= bvt_enqueue,
	.dequeue	= bvt_dequeue,
	.charge		= bvt_charge,
	.block		= bvt_block,
	.preempt_in	= bvt_preempt_in,
	.take		= bvt_take,
	.init		= bvt_init,
	.exit		= vmsched_no_exit,
	.vcpu_init	= bvt_vcpu_init,
	.vcpu_exit	= bvt_vcpu_exit,
	.vcpu_import	= bvt_vcpu_import,
	.activate	= vmsched_no_activate,
	.deactivate	= vmsched_no_activate,
	.set_params	= bvt_set_params,
	.export_state	= bvt_export_state,
	.api		= VMSCHED_API,
	.version	= 1,
	.honours	= VMSCHED_HONOURS_WEIGHT | VMSCHED_HONOURS_SLICE |
			  VMSCHED_HONOURS_WARP | VMSCHED_HONOURS_WARP_LIMIT |
			  VMSCHED_HONOURS_UNWARP | VMSCHED_HONOURS_AFFINITY,
	.pcpu_size	= sizeof(struct bvt_pcpu),
	.vcpu_size	= sizeof(struct bvt_vcpu),
	.name		= "bvt",
	.doc		= "borrowed virtual time: shares by weight, low latency by warp",
	.owner		= THIS_MODULE,
};

static int __init bvt_module_init(void)
{
	return vmsched_register(&bvt_ops);
}

static void __exit bvt_module_exit(void)
{
	vmsched_unregister(&bvt_ops);
}

module_init(bvt_module_init);
module_exit(bvt_module_exit);

MODULE_DESCRIPTION("vmsched: borrowed virtual time scheduler");
MODULE_AUTHOR("The vmsched authors");
MODULE_LICENSE("GPL");
MODULE_ALIAS("vmsched-sched-bvt");
