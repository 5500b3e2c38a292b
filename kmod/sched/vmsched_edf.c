// SPDX-License-Identifier: GPL-2.0
/*
 * vmsched_edf - reservations by earliest deadline first
 *
 * A vCPU with a period T and a budget Q is promised Q in each T. Of those with budget
 * left, the one whose deadline d comes first runs. What they leave is for all others
 * ("best effort"), in turn as in rr; who is interrupted goes on with its slice.
 * The promise is that of a constant bandwidth server with hard reservations:
 * - who wakes at t goes on with what is left, q, if d is to come and q is no more
 *   than Q / T of the time until d; if not, a period begins: d = t + T, q = Q. So a job
 *   that comes every T has all of Q from then on, and a sleeper harms nobody;
 * - who has used up q is held until d; then d += T, q += Q. This may be 50 us early, as
 *   no shorter slice could end then: the next d is no earlier for that;
 * - who is held takes turns with the best effort ones (extra time), or waits if it is
 *   time-critical: then it has Q in T and no more, and can rely on both.
 * Each reservation has a home, a pCPU where the sum of Q / T is 1 at most: that test is
 * exact. Global EDF would need that of Goossens, Funk and Baruah, sum U <= m - (m - 1)
 * max U. Who is refused here finds more than 1 - u promised on each of m pCPUs: with
 * its own u more than m (1 - u) + u = m - (m - 1) u, so it would be refused there, too.
 * A mask or a pCPU that goes offline may keep a vCPU from its home, which remains
 * reserved: then it is a best effort one elsewhere (if time-critical, for Q in T at
 * most), and is promised nothing. Period or budget, set again, find it another home.
 * Who waits elsewhere, after a switch say, is fetched within 20 ms.
 *
 * Units: ns; bandwidth in 2^-32 of a pCPU, rounded down by less than 1 us an hour.
 * Complexity: O(log n) per operation, O(pCPUs) without work and every 20 ms.
 * Weakness: no weights. Who has a reservation runs at home only, though others may be
 * idle. A budget is overrun by 50 us, the shortest slice, at most: the next one pays,
 * but others may be as late. Where all of a pCPU is reserved and used, best effort
 * vCPUs wait for another one that helps out (20 ms), or starve.
 * Source: Liu and Layland, JACM 1973; Abeni and Buttazzo, "Integrating multimedia
 * applications in hard real-time systems", RTSS 1998; hard as Linux's SCHED_DEADLINE.
 */
#include <vmsched/sched.h>

#define EDF_SLICE_NS	(5 * NSEC_PER_MSEC)
#define EDF_EARLY_NS	(50 * (s64)NSEC_PER_USEC)	/* the shortest slice */
#define EDF_BW_FULL	BIT_ULL(32)			/* all of a pCPU */
#define EDF_LOOK_NS	(20 * (s64)NSEC_PER_MSEC)	/* who waits elsewhere? */

struct edf_pcpu {
	struct rb_root_cached ready;	/* at home, with budget, by deadline */
	struct rb_root_cached held;	/* without, by deadline */
	struct list_head fair;		/* best effort ones */
	struct list_head away;		/* at home here, wait elsewhere */
	u64 served;			/* when one of "fair" had its turn */
	u64 looked;			/* for hungry ones elsewhere */
	u64 bw;				/* promised */
};

struct edf_vcpu {
	struct rb_root_cached *tree;	/* in which it is, or NULL */
	struct rb_node node;
	struct list_head fair, away;
	u64 deadline;
	s64 left;		/* of the budget; a debt if negative */
	u64 used;		/* of the slice as a best effort one */
	u64 bw;			/* promised at next_home */
	u32 period_us, budget_us;
	int cpu;		/* in whose queue it is */
	int home;		/* in force, -1 for none */
	int next_home;		/* admitted, in force after set_params() */
	bool budgeted;		/* runs on its budget */
};

static struct edf_pcpu *edf_pcpu(struct vmsched_inst *inst, int cpu)
{
	return inst->pcpu[cpu];
}

static struct edf_vcpu *edf_vcpu(struct vmsched_vcpu *v)
{
	return (struct edf_vcpu *)v->priv;
}

static struct vmsched_vcpu *edf_of(struct edf_vcpu *e)
{
	return container_of((u64 *)e, struct vmsched_vcpu, priv[0]);
}

static struct edf_vcpu *of_node(struct rb_node *node)
{
	return rb_entry_safe(node, struct edf_vcpu, node);
}

static s64 us(u32 value)
{
	return value * (s64)NSEC_PER_USEC;
}

static s64 until(u64 at, u64 now)
{
	return at - now;
}

static s64 slice_left(struct edf_vcpu *e)
{
	u64 slice = us(edf_of(e)->params.slice_us) ?: EDF_SLICE_NS;

	return e->used < slice ? slice - e->used : 0;
}

static bool strict(struct edf_vcpu *e)
{
	return e->budget_us && edf_of(e)->params.time_critical;
}

static bool allowed(struct edf_vcpu *e, int cpu)
{
	return cpu >= 0 && cpumask_test_cpu(cpu, edf_of(e)->allowed);
}

static bool earlier(struct rb_node *x, const struct rb_node *y)
{
	return until(of_node(x)->deadline, rb_entry(y, struct edf_vcpu, node)->deadline) < 0;
}

/* @e begins to want: may it go on with what is left? */
static void arrive(struct edf_vcpu *e, u64 now)
{
	s64 ahead = until(e->deadline, now);

	e->used = 0;
	if (ahead > 0 && e->left * e->period_us <= ahead * e->budget_us)
		return;
	e->deadline = now + us(e->period_us);
	e->left = min_t(s64, e->left, 0) + us(e->budget_us);
}

/* Queue @e on its pCPU. Who was interrupted without budget has the next turn. */
static void insert(struct vmsched_inst *inst, struct edf_vcpu *e, u64 now)
{
	struct edf_pcpu *q = edf_pcpu(inst, e->cpu);

	if (e->budget_us) {
		if (e->left <= 0 && until(e->deadline, now) <= EDF_EARLY_NS) {
			e->left += us(e->budget_us);
			e->deadline += us(e->period_us);
			if (until(e->deadline, now) < 0)
				e->deadline = now + us(e->period_us);
		}
		if (e->left <= 0)
			e->tree = &q->held;
		else if (e->home == e->cpu)
			e->tree = &q->ready;
		if (e->tree)
			rb_add_cached(&e->node, e->tree, earlier);
		if (e->home >= 0 && e->home != e->cpu)
			vmsched_list_add(inst, &e->away, &edf_pcpu(inst, e->home)->away);
		if (e->tree && (e->tree == &q->ready || strict(e)))
			return;
	}
	if (list_empty(&q->fair))
		q->served = now;
	if (e->used && slice_left(e))
		return vmsched_list_add(inst, &e->fair, &q->fair);
	e->used = 0;
	vmsched_list_add_tail(inst, &e->fair, &q->fair);
}

static void erase(struct vmsched_inst *inst, struct edf_vcpu *e)
{
	if (e->tree)
		rb_erase_cached(&e->node, e->tree);
	e->tree = NULL;
	vmsched_list_del(inst, &e->away);
	vmsched_list_del(inst, &e->fair);
}

static void edf_enqueue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			enum vmsched_why why, u64 now)
{
	struct edf_vcpu *e = edf_vcpu(v);

	e->cpu = v->cpu;
	if (why != VMSCHED_WHY_REQUEUE)
		arrive(e, now);
	insert(inst, e, now);
}

static void edf_dequeue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			enum vmsched_why why, u64 now)
{
	erase(inst, edf_vcpu(v));
}

static int edf_select_cpu(struct vmsched_inst *inst, struct vmsched_vcpu *v, u64 now)
{
	return allowed(edf_vcpu(v), edf_vcpu(v)->home) ? edf_vcpu(v)->home : v->cpu;
}

/* Whose time has come have budget again. */
static void release(struct vmsched_inst *inst, struct edf_pcpu *q, u64 now)
{
	struct edf_vcpu *e;

	while ((e = of_node(rb_first_cached(&q->held))) &&
	       until(e->deadline, now) <= EDF_EARLY_NS) {
		erase(inst, e);
		insert(inst, e, now);
	}
}

/* Of those at home here that have budget, wherever they wait. */
static struct edf_vcpu *most_urgent(struct edf_pcpu *q, int cpu, u64 now)
{
	struct edf_vcpu *best = of_node(rb_first_cached(&q->ready)), *e;

	list_for_each_entry(e, &q->away, away) {
		if (e->tree || !allowed(e, cpu))
			continue;
		arrive(e, now);
		if (e->left > 0 && (!best || until(e->deadline, best->deadline) < 0))
			best = e;
	}
	return best;
}

/* Who is at home stays, to be there when it has budget again. */
static struct edf_vcpu *first_fair(struct edf_pcpu *q, int cpu)
{
	struct edf_vcpu *e;

	list_for_each_entry(e, &q->fair, fair)
		if (allowed(e, cpu) && (e->home != e->cpu || e->cpu == cpu))
			return e;
	return NULL;
}

/* From the queue where nobody has had a turn for longest, and @hungry ns at least. */
static struct edf_vcpu *steal(struct vmsched_inst *inst, int cpu, s64 hungry, u64 now)
{
	struct edf_vcpu *best = NULL, *e;
	struct edf_pcpu *q;
	int from;

	edf_pcpu(inst, cpu)->looked = now;
	for_each_cpu(from, inst->cpus) {
		q = edf_pcpu(inst, from);
		if (list_empty(&q->fair) || until(now, q->served) < hungry)
			continue;
		e = first_fair(q, cpu);
		if (e) {
			best = e;
			hungry = until(now, q->served);
		}
	}
	return best;
}

/* @e, which is queued, gets @cpu. Returns its slice. */
static u64 grant(struct vmsched_inst *inst, struct edf_vcpu *e, int cpu, u64 now)
{
	s64 slice = EDF_LOOK_NS;
	struct edf_pcpu *q = edf_pcpu(inst, cpu);
	struct edf_vcpu *next;

	erase(inst, e);
	e->budgeted = e->budget_us && e->home == cpu && e->left > 0;
	if (e->budgeted || strict(e))
		slice = min(slice, e->left);
	else if (e->budget_us)
		slice = min(slice, until(e->deadline, now));
	q->served = e->budgeted ? q->served : now;
	if (!e->budgeted && !list_empty(&q->fair))
		slice = min(slice, slice_left(e));
	next = of_node(rb_first_cached(&q->held));
	if (next)
		slice = min(slice, until(next->deadline, now));
	return max_t(s64, slice, 1);
}

/* Who comes before a more urgent one does not stay. */
static u64 edf_take(struct vmsched_inst *inst, struct vmsched_vcpu *v, u64 now)
{
	struct edf_vcpu *urgent = most_urgent(edf_pcpu(inst, v->cpu), v->cpu, now);
	u64 slice = grant(inst, edf_vcpu(v), v->cpu, now);

	return urgent && urgent != edf_vcpu(v) ? 1 : slice;
}

static struct vmsched_vcpu *edf_pick_next(struct vmsched_inst *inst, int cpu,
					  u64 now, u64 *slice)
{
	struct edf_pcpu *q = edf_pcpu(inst, cpu);
	struct edf_vcpu *e;

	release(inst, q, now);
	e = most_urgent(q, cpu, now);
	if (!e && until(now, q->looked) >= EDF_LOOK_NS)
		e = steal(inst, cpu, EDF_LOOK_NS, now);
	e = e ?: first_fair(q, cpu) ?: steal(inst, cpu, 0, now);
	if (e) {
		*slice = grant(inst, e, cpu, now);
		return edf_of(e);
	}
	/* Who waits elsewhere may run at home only. */
	*slice = VMSCHED_SLICE_MAX_NS;
	e = of_node(rb_first_cached(&q->held));
	if (e)
		*slice = min_t(u64, *slice, until(e->deadline, now));
	return NULL;
}

static void edf_charge(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		       u64 ran, u64 now)
{
	struct edf_vcpu *e = edf_vcpu(v);

	e->used += e->budgeted ? 0 : ran;
	if (e->budgeted || strict(e))
		e->left = max_t(s64, (e->left - ran), -max(us(e->budget_us), EDF_EARLY_NS));
}

/* All slices have an end anyway. */
static s64 edf_preempt_in(struct vmsched_inst *inst, int cpu, struct vmsched_vcpu *cur,
			  struct vmsched_vcpu *woken, u64 now)
{
	struct edf_vcpu *c = edf_vcpu(cur), *w = edf_vcpu(woken);
	s64 in = VMSCHED_NEVER;

	if (w->tree == &edf_pcpu(inst, cpu)->ready)
		return c->budgeted && until(w->deadline, c->deadline) >= 0 ? in : 0;
	if (w->tree)
		in = max_t(s64, until(w->deadline, now), 0);
	if (!list_empty(&w->fair) && !c->budgeted)
		in = min(in, slice_left(c));
	return in;
}

static int edf_init(struct vmsched_inst *inst)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		INIT_LIST_HEAD(&edf_pcpu(inst, cpu)->fair);
		INIT_LIST_HEAD(&edf_pcpu(inst, cpu)->away);
	}
	return 0;
}

static u64 bandwidth(const struct vmsched_params *p)
{
	return div_u64(p->budget_us * EDF_BW_FULL, p->period_us ?: 1);
}

/* Let @e have @bw at @home, and nothing elsewhere. */
static void promise(struct vmsched_inst *inst, struct edf_vcpu *e, int home, u64 bw)
{
	if (e->next_home >= 0)
		edf_pcpu(inst, e->next_home)->bw -= e->bw;
	if (home >= 0)
		edf_pcpu(inst, home)->bw += bw;
	e->next_home = home;
	e->bw = bw;
}

/* Promise @bw at home where least is promised, or where it is among equals. */
static int admit(struct vmsched_inst *inst, struct vmsched_vcpu *v, u64 bw)
{
	struct edf_vcpu *e = edf_vcpu(v);
	u64 least = U64_MAX, sum;
	int home = -1, cpu;

	for_each_cpu(cpu, v->allowed) {
		sum = edf_pcpu(inst, cpu)->bw + bw - (cpu == e->next_home ? e->bw : 0);
		if (sum < least || (sum == least && cpu == v->cpu)) {
			home = cpu;
			least = sum;
		}
	}
	if (!bw || least <= EDF_BW_FULL) {
		promise(inst, e, bw ? home : -1, bw);
		return 0;
	}
	vmsched_refuse(inst, "needs %llu of 1000 permille of pCPU %d, its least promised one",
		       DIV_ROUND_UP(least * 1000, EDF_BW_FULL), home);
	return -ENOSPC;
}

/* What it has it gets back in any case, though siblings may have more as yet. */
static int edf_admit(struct vmsched_inst *inst, struct vmsched_vcpu *v,
		     const struct vmsched_params *params)
{
	struct edf_vcpu *e = edf_vcpu(v);
	u64 bw = bandwidth(params);
	bool same = bw == bandwidth(&v->params);
	int err = same && allowed(e, e->home) ? -EEXIST : admit(inst, v, bw);

	if (!err || !same)
		return err;
	promise(inst, e, e->home, bw);
	return 0;
}

static int edf_vcpu_init(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	struct edf_vcpu *e = edf_vcpu(v);
	int err;

	INIT_LIST_HEAD(&e->fair);
	INIT_LIST_HEAD(&e->away);
	e->period_us = v->params.period_us;
	e->budget_us = v->params.budget_us;
	e->next_home = -1;
	err = admit(inst, v, bandwidth(&v->params));
	e->home = e->next_home;
	return err;
}

static void edf_vcpu_exit(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	promise(inst, edf_vcpu(v), -1, 0);
}

static void edf_vcpu_import(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			    const struct vmsched_carry *carry, u64 now)
{
	edf_vcpu(v)->deadline = now;
}

static void edf_set_params(struct vmsched_inst *inst, struct vmsched_vcpu *v, u64 now)
{
	struct edf_vcpu *e = edf_vcpu(v);
	bool queued = e->tree || !list_empty(&e->fair);

	if (queued)
		erase(inst, e);
	if (e->period_us != v->params.period_us || e->budget_us != v->params.budget_us) {
		e->deadline = now;
		e->left = 0;
	}
	e->period_us = v->params.period_us;
	e->budget_us = v->params.budget_us;
	e->home = e->next_home;
	if (queued)
		insert(inst, e, now);
}

/* What is promised is so by each scheduler anew, and the rest goes in turn. */
static void edf_export_state(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			     struct vmsched_carry *carry, u64 now)
{
}

static const struct vmsched_ops edf_ops = {
	.pick_next	= edf_pick_next,
	.enqueue	= edf_enqueue,
	.dequeue	= edf_dequeue,
	.charge		= edf_charge,
	.preempt_in	= edf_preempt_in,
	.take		= edf_take,
	.select_cpu	= edf_select_cpu,
	.init		= edf_init,
	.exit		= vmsched_no_exit,
	.vcpu_init	= edf_vcpu_init,
	.admit		= edf_admit,
	.vcpu_exit	= edf_vcpu_exit,
	.vcpu_import	= edf_vcpu_import,
	.activate	= vmsched_no_activate,
	.deactivate	= vmsched_no_activate,
	.set_params	= edf_set_params,
	.export_state	= edf_export_state,
	.api		= VMSCHED_API,
	.version	= 1,
	.honours	= VMSCHED_HONOURS_PERIOD | VMSCHED_HONOURS_BUDGET | VMSCHED_HONOURS_SLICE |
			  VMSCHED_HONOURS_TIME_CRITICAL | VMSCHED_HONOURS_AFFINITY,
	.pcpu_size	= sizeof(struct edf_pcpu),
	.vcpu_size	= sizeof(struct edf_vcpu),
	.name		= "edf",
	.doc		= "earliest deadline first: a budget in each period, the rest in turn",
	.owner		= THIS_MODULE,
};

MODULE_DESCRIPTION("vmsched: earliest deadline first scheduler");
MODULE_AUTHOR("The vmsched authors");
MODULE_LICENSE("GPL");
MODULE_ALIAS("vmsched-sched-edf");
vmsched_module(edf_ops);
