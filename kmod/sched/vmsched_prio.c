// SPDX-License-Identifier: GPL-2.0
/*
 * vmsched_prio - strict priority with ageing
 *
 * For time-critical VMs beside others that only compute. Who is time-critical comes
 * before who is not, and then who has the larger weight: 200 before 100, always, and
 * not twice as often. Those of equal priority take turns by their slices. Who wakes
 * and is of higher priority than some holder gets the pCPU of the least of them at
 * once.
 *
 * Ageing: without it whoever is behind might wait for ever, with a lock that somebody
 * before it needs, or until its guest reports a soft lockup. So on each pCPU the one
 * that has waited longest gets a part of its slice, whatever waits before it, once it
 * has waited for PRIO_AGE_NS and the last such part began PRIO_EVERY_NS ago. If n
 * vCPUs wait in a queue, none of them waits for longer than
 *
 *	PRIO_AGE_NS + n * PRIO_EVERY_NS
 *
 * and a shortest slice of the core for each. The watchdog allows half a second, and
 * 20 ms for each vCPU of equal weight. Ageing takes PRIO_AGED_NS of each PRIO_EVERY_NS
 * at most, a tenth of a pCPU, however many wait. It is not cut short: that is what a
 * time-critical vCPU waits for at worst, if all of its pCPUs are so taken.
 *
 * Each pCPU has a queue. A pCPU takes the highest of all queues that may run there, of
 * equal ones that of its own queue. Where one pCPU has more of them than another, and
 * they got less, that one takes one of them, once in PRIO_LOOK_NS: so they get equal
 * time on several pCPUs, too, and stay where they are otherwise.
 *
 * Units: ns. Priority is the weight, and PRIO_CRITICAL more if time-critical.
 * Complexity: O(log n) per queue operation, O(pCPUs) to place and to pick; those that
 * are bound to other pCPUs are passed over one by one.
 * Weakness: no shares. Who is behind has a tenth of a pCPU, together with all others
 * that are; a time-critical vCPU that never blocks takes the other nine. What somebody
 * has waited is forgotten when the scheduler changes. A holder whose priority is
 * lowered, or that is passed by one who may run on few pCPUs only, keeps its pCPU for
 * up to PRIO_LOOK_NS.
 * Source: fixed priorities with turns as SCHED_RR of POSIX has them. Ageing is that of
 * the multilevel queues since CTSS, but gives a slice and leaves the priority alone.
 */
#include <vmsched/sched.h>

/* Above all weights */
#define PRIO_CRITICAL		65536U

/* Of a pCPU that nobody may have, and of one that an aged vCPU has */
#define PRIO_IDLE		0
#define PRIO_AGED		(PRIO_CRITICAL << 1)

/* As that of rr: long against a switch, short against what a person notices. */
#define PRIO_SLICE_US		5000

/* How long one waits before it is aged. A guest notices delays of some 100 ms. */
#define PRIO_AGE_NS		(100 * NSEC_PER_MSEC)

/* How often on a pCPU, and for how long, an aged one runs. */
#define PRIO_EVERY_NS		(10 * NSEC_PER_MSEC)
#define PRIO_AGED_NS		(1 * NSEC_PER_MSEC)

/*
 * How often a pCPU that need not look at other queues does. Not a multiple of usual
 * slices: it would find the same one waiting there each time.
 */
#define PRIO_LOOK_NS		(97 * NSEC_PER_MSEC)

/* What somebody got counts half after 2^30 ns, about a second. */
#define PRIO_PAST_SHIFT		30

struct prio_pcpu {
	struct rb_root_cached by_prio;
	struct rb_root_cached by_wait;
	struct prio_vcpu *cur;
	unsigned int queued;
	u64 aged_at;		/* when an aged one got it last */
	u64 moved_at;		/* when it last took an equal one from a longer queue */
};

struct prio_vcpu {
	struct rb_node prio_node;
	struct rb_node wait_node;
	u32 prio;		/* as queued */
	int cpu;		/* pCPU in whose queue it is, or that it has */
	u64 turn;		/* since when it has its place among its equals */
	u64 since;		/* when it began to wait */
	u64 used;		/* of its slice */
	u64 aged_end;		/* what it may use of it by age */
	u64 got;		/* in the recent past */
	u64 past;		/* when that was */
	bool queued;
	bool waits;		/* likewise, or just between two queues */
	bool aged;		/* has its pCPU for that reason */
};

static struct prio_pcpu *prio_pcpu(struct vmsched_inst *inst, int cpu)
{
	return inst->pcpu[cpu];
}

static struct prio_vcpu *prio_vcpu(struct vmsched_vcpu *v)
{
	return (struct prio_vcpu *)v->priv;
}

static struct vmsched_vcpu *prio_of(struct prio_vcpu *p)
{
	return container_of((u64 *)p, struct vmsched_vcpu, priv[0]);
}

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static u32 priority(const struct vmsched_vcpu *v)
{
	return v->params.weight + (v->params.time_critical ? PRIO_CRITICAL : 0);
}

static u64 slice_left(struct prio_vcpu *p)
{
	u32 us = prio_of(p)->params.slice_us ?: PRIO_SLICE_US;
	u64 slice = us * (u64)NSEC_PER_USEC;

	return p->used < slice ? slice - p->used : 0;
}

static bool comes_first(struct rb_node *x, const struct rb_node *y)
{
	const struct prio_vcpu *a = rb_entry(x, struct prio_vcpu, prio_node);
	const struct prio_vcpu *b = rb_entry(y, struct prio_vcpu, prio_node);

	return a->prio != b->prio ? a->prio > b->prio : before(a->turn, b->turn);
}

static bool waits_longer(struct rb_node *x, const struct rb_node *y)
{
	return before(rb_entry(x, struct prio_vcpu, wait_node)->since,
		      rb_entry(y, struct prio_vcpu, wait_node)->since);
}

static void insert(struct vmsched_inst *inst, struct prio_vcpu *p)
{
	struct prio_pcpu *q = prio_pcpu(inst, p->cpu);

	p->prio = priority(prio_of(p));
	rb_add_cached(&p->prio_node, &q->by_prio, comes_first);
	rb_add_cached(&p->wait_node, &q->by_wait, waits_longer);
	p->queued = true;
	q->queued++;
}

static void erase(struct vmsched_inst *inst, struct prio_vcpu *p)
{
	struct prio_pcpu *q = prio_pcpu(inst, p->cpu);

	rb_erase_cached(&p->prio_node, &q->by_prio);
	rb_erase_cached(&p->wait_node, &q->by_wait);
	p->queued = false;
	q->queued--;
}

static void leave_pcpu(struct vmsched_inst *inst, struct prio_vcpu *p)
{
	struct prio_pcpu *q = prio_pcpu(inst, p->cpu);

	if (q->cur == p)
		q->cur = NULL;
}

/*
 * Who has lost its pCPU with a part of its slice left keeps its place, before all of
 * its equals. Nobody gains by sleep: who wakes comes behind them.
 */
static void prio_enqueue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			 enum vmsched_why why, u64 now)
{
	struct prio_vcpu *p = prio_vcpu(v);
	bool goes_on = why == VMSCHED_WHY_REQUEUE || why == VMSCHED_WHY_MOVE;

	if (!goes_on || !slice_left(p)) {
		p->turn = now;
		p->used = 0;
	}
	leave_pcpu(inst, p);
	p->aged = false;
	if (!p->waits)
		p->since = now;
	p->waits = true;
	p->cpu = v->cpu;
	insert(inst, p);
}

static void prio_dequeue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			 enum vmsched_why why, u64 now)
{
	erase(inst, prio_vcpu(v));
	if (why != VMSCHED_WHY_MOVE)
		prio_vcpu(v)->waits = false;
}

static struct prio_vcpu *longest(const struct prio_pcpu *q)
{
	return rb_entry_safe(rb_first_cached(&q->by_wait), struct prio_vcpu, wait_node);
}

static struct prio_vcpu *highest(const struct prio_pcpu *q)
{
	return rb_entry_safe(rb_first_cached(&q->by_prio), struct prio_vcpu, prio_node);
}

static struct prio_vcpu *highest_allowed(const struct prio_pcpu *q, int cpu)
{
	struct rb_node *node;

	for (node = rb_first_cached(&q->by_prio); node; node = rb_next(node)) {
		struct prio_vcpu *p = rb_entry(node, struct prio_vcpu, prio_node);

		if (cpumask_test_cpu(cpu, prio_of(p)->allowed))
			return p;
	}
	return NULL;
}

/* Time until somebody in the queue gets the pCPU by age. */
static s64 time_to_age(const struct prio_pcpu *q, u64 now)
{
	struct prio_vcpu *p = longest(q);

	if (!p)
		return VMSCHED_NEVER;
	return max((s64)(p->since + PRIO_AGE_NS - now),
		   (s64)(q->aged_at + PRIO_EVERY_NS - now));
}

/* @p, which is queued, gets @cpu. */
static void start(struct vmsched_inst *inst, struct prio_vcpu *p, int cpu)
{
	erase(inst, p);
	p->waits = false;
	p->cpu = cpu;
	prio_pcpu(inst, cpu)->cur = p;
}

/* Until its turn is over, if an equal one waits, or somebody is aged. */
static u64 slice_of(const struct prio_pcpu *q, struct prio_vcpu *p, u64 now)
{
	struct prio_vcpu *next = highest(q);
	s64 slice = min_t(s64, time_to_age(q, now), PRIO_LOOK_NS);

	if (next && next->prio >= priority(prio_of(p)))
		slice = min_t(s64, slice, slice_left(p));
	return max_t(s64, slice, 1);
}

static u64 prio_take(struct vmsched_inst *inst, struct vmsched_vcpu *v, u64 now)
{
	start(inst, prio_vcpu(v), v->cpu);
	return slice_of(prio_pcpu(inst, v->cpu), prio_vcpu(v), now);
}

/* What @p got in the recent past, which is halved at the same times for all. */
static u64 recent(const struct prio_vcpu *p, u64 now)
{
	u64 halves = (now >> PRIO_PAST_SHIFT) - p->past;

	return halves < 64 ? p->got >> halves : 0;
}

/*
 * Shall @own take @p of @q, which is equal to its own? If that has more of them, and if
 * of these none got more than @p: who got least is to have more for itself afterwards.
 */
static bool shall_move(const struct prio_pcpu *own, const struct prio_pcpu *q,
		       const struct prio_vcpu *p, u64 least, u64 now)
{
	u64 got = recent(p, now);

	return q->queued + !!q->cur > own->queued && got < least &&
	       (!q->cur || got >= recent(q->cur, now));
}

/* The highest of all for @cpu, which has no holder now; see above. */
static struct prio_vcpu *find(struct vmsched_inst *inst, int cpu, u64 now)
{
	struct prio_pcpu *own = prio_pcpu(inst, cpu), *q;
	struct prio_vcpu *mine = highest_allowed(own, cpu), *best = mine, *p;
	u32 need = mine ? mine->prio + before(now, own->moved_at + PRIO_LOOK_NS) : 0;
	u64 least = mine ? recent(mine, now) : 0;
	int from;

	for_each_cpu(from, inst->cpus) {
		q = prio_pcpu(inst, from);
		p = highest(q);
		if (!p || q == own || p->prio < need)
			continue;
		p = highest_allowed(q, cpu);
		if (!p || p->prio < need || (best && p->prio == best->prio &&
					     !shall_move(own, q, p, least, now)))
			continue;
		best = p;
		need = p->prio;
		least = recent(p, now);
	}
	if (mine && best != mine && best->prio == mine->prio)
		own->moved_at = now;
	return best;
}

/* Who has waited longest runs for a moment. What it uses is part of its slice. */
static u64 start_aged(struct vmsched_inst *inst, struct prio_vcpu *p, int cpu, u64 now)
{
	u64 slice = clamp(slice_left(p), (u64)1, (u64)PRIO_AGED_NS);

	start(inst, p, cpu);
	p->aged = true;
	p->aged_end = p->used + slice;
	prio_pcpu(inst, cpu)->aged_at = now;
	return slice;
}

static struct vmsched_vcpu *prio_pick_next(struct vmsched_inst *inst, int cpu,
					   u64 now, u64 *slice)
{
	struct prio_pcpu *q = prio_pcpu(inst, cpu);
	struct prio_vcpu *p = longest(q);

	if (p && time_to_age(q, now) <= 0 &&
	    cpumask_test_cpu(cpu, prio_of(p)->allowed)) {
		*slice = start_aged(inst, p, cpu, now);
		return prio_of(p);
	}
	p = find(inst, cpu, now);
	if (!p)
		return NULL;
	start(inst, p, cpu);
	*slice = slice_of(q, p, now);
	return prio_of(p);
}

/* Priority of the holder of @cpu, against which somebody has to come up. */
static u32 held_at(struct vmsched_inst *inst, int cpu)
{
	struct prio_vcpu *cur = prio_pcpu(inst, cpu)->cur;

	if (!cur)
		return PRIO_IDLE;
	return cur->aged ? PRIO_AGED : priority(prio_of(cur));
}

/* Where the least has a pCPU; of equal ones the shortest queue, its own at best. */
static int prio_select_cpu(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			   u64 now)
{
	int best = v->cpu, cpu;

	for_each_cpu(cpu, v->allowed) {
		u32 held = held_at(inst, cpu), least = held_at(inst, best);

		if (held < least ||
		    (held == least && prio_pcpu(inst, cpu)->queued <
				      prio_pcpu(inst, best)->queued))
			best = cpu;
	}
	return best;
}

static void prio_charge(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			u64 ran, u64 now)
{
	struct prio_vcpu *p = prio_vcpu(v);

	p->used += ran;
	p->got = recent(p, now) + ran;
	p->past = now >> PRIO_PAST_SHIFT;
}

static void prio_block(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		       u64 now)
{
	leave_pcpu(inst, prio_vcpu(v));
	prio_vcpu(v)->waits = false;
}

static s64 prio_preempt_in(struct vmsched_inst *inst, int cpu,
			   struct vmsched_vcpu *cur, struct vmsched_vcpu *woken,
			   u64 now)
{
	struct prio_vcpu *p = prio_vcpu(cur);
	s64 in = max_t(s64, time_to_age(prio_pcpu(inst, cpu), now), 0);

	if (p->aged)
		return p->used < p->aged_end ? p->aged_end - p->used : 0;
	if (priority(woken) > priority(cur))
		return 0;
	if (priority(woken) == priority(cur))
		in = min_t(s64, in, slice_left(p));
	return in;
}

static int prio_init(struct vmsched_inst *inst)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		prio_pcpu(inst, cpu)->by_prio = RB_ROOT_CACHED;
		prio_pcpu(inst, cpu)->by_wait = RB_ROOT_CACHED;
	}
	return 0;
}

static int prio_vcpu_init(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	prio_vcpu(v)->cpu = v->cpu;
	return 0;
}

/* Others in its queue may be gone already, if this instance was at fault. */
static void prio_vcpu_exit(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	leave_pcpu(inst, prio_vcpu(v));
}

static void prio_activate(struct vmsched_inst *inst, u64 now)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		prio_pcpu(inst, cpu)->aged_at = now;
		prio_pcpu(inst, cpu)->moved_at = now;
	}
}

static void prio_set_params(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			    u64 now)
{
	struct prio_vcpu *p = prio_vcpu(v);

	if (!p->queued)
		return;
	erase(inst, p);
	insert(inst, p);
}

/* Priorities make nobody owe anything. */
static void prio_export_state(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			      struct vmsched_carry *carry, u64 now)
{
}

static const struct vmsched_ops prio_ops = {
	.pick_next	= prio_pick_next,
	.enqueue	= prio_enqueue,
	.select_cpu	= prio_select_cpu,
	.dequeue	= prio_dequeue,
	.charge		= prio_charge,
	.block		= prio_block,
	.preempt_in	= prio_preempt_in,
	.take		= prio_take,
	.init		= prio_init,
	.exit		= vmsched_no_exit,
	.vcpu_init	= prio_vcpu_init,
	.vcpu_exit	= prio_vcpu_exit,
	.activate	= prio_activate,
	.deactivate	= prio_activate,
	.set_params	= prio_set_params,
	.export_state	= prio_export_state,
	.api		= VMSCHED_API,
	.version	= 1,
	.honours	= VMSCHED_HONOURS_WEIGHT | VMSCHED_HONOURS_SLICE |
			  VMSCHED_HONOURS_TIME_CRITICAL | VMSCHED_HONOURS_AFFINITY,
	.pcpu_size	= sizeof(struct prio_pcpu),
	.vcpu_size	= sizeof(struct prio_vcpu),
	.name		= "prio",
	.doc		= "strict priority: time-critical first, then by weight, with ageing",
	.owner		= THIS_MODULE,
};

MODULE_DESCRIPTION("vmsched: strict priority scheduler");
MODULE_AUTHOR("The vmsched authors");
MODULE_LICENSE("GPL");
MODULE_ALIAS("vmsched-sched-prio");
vmsched_module(prio_ops);
