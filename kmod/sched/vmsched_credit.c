// SPDX-License-Identifier: GPL-2.0
/*
 * vmsched_credit - shares by weight over all pCPUs, with caps and reservations
 *
 * The credit of a vCPU is what its virtual time, which advances by the time it ran
 * divided by its weight, is behind the clock of its queue, the least of all there. The
 * one with the most credit runs until the next has more by a slice. Credit is renewed
 * at no cost, and none is lost to a limit. Who wakes has credit for 2 ms at most: it
 * need not wait for a slice to end, and gains nothing by sleeping often.
 *
 * Pool: "served" is virtual time that is not counted anew with the queue. A pCPU that
 * chooses looks at three in turn, and takes over who is behind the one that it would
 * run by 8 ms of real time. One that has nobody looks at all.
 * Cap: permille of one pCPU, for each vCPU; from 1000 on it is no limit. Who is at it
 * is parked, so long that its turns come once in 10 ms. No time has more by 5 ms.
 * Reservation: permille of one pCPU, for each vCPU, whenever it wants to run. Who is
 * behind it by 2 ms runs by right, on another pCPU if need be. All that the online
 * pCPUs have can be promised; what is left, and a slice in 200 ms, is shared.
 *
 * Units: ns; virtual time is ns at weight 100, and wraps as that of bvt does.
 * Complexity: O(log n) per queue operation; O(pCPUs) on a pCPU without work.
 * Weakness: pCPUs without work all look when one that is capped comes back. Promises
 * do not look at masks: who is bound to few pCPUs has of these what they have.
 * Source: Credit2 of Xen; for rates, Zhang, "VirtualClock", SIGCOMM 1990.
 */
#include <vmsched/sched.h>

#define CREDIT_SLICE_NS		(2 * (s64)NSEC_PER_MSEC)
#define CREDIT_RESIST_NS	(8 * (s64)NSEC_PER_MSEC)
#define CREDIT_LAG_MAX_NS	(100 * (s64)NSEC_PER_MSEC)
#define CREDIT_ALONE_NS		(100 * (s64)NSEC_PER_MSEC)	/* if nobody waits */
#define CREDIT_LOOKS		3	/* pCPUs that are looked at */
#define CREDIT_TRIES		4	/* and vCPUs on each */
#define CREDIT_PERIOD_NS	(10 * (s64)NSEC_PER_MSEC)	/* under a cap */
#define CREDIT_PARKED_NS	(1 * (s64)NSEC_PER_MSEC)	/* and while one is parked */
#define CREDIT_TURN_NS		(100 * (s64)NSEC_PER_USEC)	/* the shortest */
#define CREDIT_DEBT_NS		(9 * (s64)NSEC_PER_SEC)	/* for what it ran unasked */
#define CREDIT_HOME_NS		(50 * NSEC_PER_USEC)	/* its own pCPU comes first */
#define CREDIT_RIGHT_NS		(4 * (s64)NSEC_PER_MSEC)	/* by right, */
#define CREDIT_RIGHTS_NS	(200 * NSEC_PER_MSEC)	/* and of such turns */

struct credit_pool {
	unsigned int waiting;	/* queued or parked */
	u32 promised;
};

struct credit_pcpu {
	struct rb_root_cached queue;	/* by virtual time */
	struct rb_root_cached rights;	/* of it, by when they have a right to run */
	struct rb_root_cached parked;	/* by when they come back */
	struct credit_vcpu *cur;
	unsigned int queued;
	int looked;			/* at which pCPU last */
	u64 clock;
	u64 served;			/* what the last one was, chosen by weight */
	u32 weight;			/* of that one */
	u64 weighed;			/* when that was */
};

struct credit_vcpu {
	struct vmsched_key wait;	/* in queue or parked */
	struct vmsched_key right;
	struct vmsched_rest rest;
	struct vmsched_rate cap;
	struct vmsched_rate reservation;
	struct vmsched_promise promise;
	u64 vt;
	u64 served;
	int cpu;		/* that "vt" refers to, -1 for none yet */
	bool by_right;		/* has its pCPU so */
	bool blocked;		/* cannot run: earns no lag */
};

static s64 to_virtual(struct credit_vcpu *b, s64 ns)
{
	return vmsched_to_virtual(ns, vmsched_of(b)->params.weight);
}

static void set_rates(struct credit_vcpu *b, const struct vmsched_params *p)
{
	u32 cap = min(p->cap ?: VMSCHED_PERMILLE, VMSCHED_PERMILLE);
	s64 rest = CREDIT_PERIOD_NS / VMSCHED_PERMILLE * (VMSCHED_PERMILLE - cap);

	vmsched_rate_set(&b->cap, cap, CREDIT_DEBT_NS,
			 2 * vmsched_rate_turn(cap, rest, CREDIT_TURN_NS));
	vmsched_rate_set(&b->reservation, p->reservation,
			 vmsched_rate_turn(p->reservation, CREDIT_SLICE_NS,
					   CREDIT_TURN_NS), CREDIT_LAG_MAX_NS);
}

/* Too little is left of its cap to begin with. */
static bool at_cap(struct credit_vcpu *b, u64 now)
{
	return vmsched_rate_left(&b->cap, now, CREDIT_TURN_NS) < CREDIT_TURN_NS / 2;
}

static struct credit_vcpu *first(struct rb_root_cached *tree)
{
	return vmsched_key_first(tree, struct credit_vcpu, wait);
}

static struct credit_vcpu *first_right(struct credit_pcpu *q)
{
	return vmsched_key_first(&q->rights, struct credit_vcpu, right);
}

static bool has_right(struct credit_vcpu *b, int cpu, u64 now)
{
	return b && b->right.in && !vmsched_before(now, b->right.key) &&
	       cpumask_test_cpu(cpu, vmsched_of(b)->allowed);
}

/* The least of all that are runnable, unless who is behind is yet to be imported */
static void update_clock(struct vmsched_inst *inst, struct credit_pcpu *q)
{
	struct credit_vcpu *b = first(&q->queue);

	if (q->cur && (!b || vmsched_before(q->cur->vt, b->vt)))
		b = q->cur;
	if (b && !inst->partial)
		q->clock = vmsched_later(q->clock, b->vt);
}

/* It waits for its cap to allow a turn: longer than until there is some of it again. */
static bool is_parked(struct credit_vcpu *b)
{
	struct credit_pcpu *q = vmsched_of(b)->inst->pcpu[b->cpu];

	return b->wait.in == &q->parked;
}

/* Into the queue, or to those that are parked if too little is left of its cap. */
static void insert(struct vmsched_inst *inst, struct credit_vcpu *b, u64 now)
{
	struct credit_pcpu *q = inst->pcpu[b->cpu];
	struct credit_pool *pool = inst->priv;

	pool->waiting++;
	if (at_cap(b, now)) {
		vmsched_key_add(&q->parked, &b->wait, b->cap.clock + b->cap.behind / 2);
		return;
	}
	q->queued++;
	vmsched_key_add(&q->queue, &b->wait, b->vt);
	if (b->reservation.permille)
		vmsched_key_add(&q->rights, &b->right,
				b->reservation.clock + b->reservation.ahead);
}

/* It could not run for a while: most of what it is behind for that is forgotten. */
static void forgive(struct vmsched_inst *inst, struct credit_vcpu *b)
{
	struct credit_pcpu *q = inst->pcpu[b->cpu];
	s64 slice = vmsched_slice_of(vmsched_of(b), CREDIT_SLICE_NS);
	s64 credit = to_virtual(b, min(slice, CREDIT_SLICE_NS));

	update_clock(inst, q);
	b->vt = vmsched_later(b->vt, q->clock - credit);
}

static void erase(struct vmsched_inst *inst, struct credit_vcpu *b)
{
	struct credit_pcpu *q = inst->pcpu[b->cpu];
	struct credit_pool *pool = inst->priv;

	if (b->wait.in == &q->parked)
		forgive(inst, b);
	else
		q->queued--;
	pool->waiting--;
	vmsched_key_del(&b->wait);
	vmsched_key_del(&b->right);
}

/*
 * Keep the distance to the clock when the queue changes. What it was served is known
 * within @ns of real time of its own, or of the last one that ran there.
 */
static void rebase(struct vmsched_inst *inst, struct credit_vcpu *b, int cpu, s64 ns)
{
	struct credit_pcpu *q = inst->pcpu[cpu], *from = inst->pcpu[b->cpu];
	u32 weight = vmsched_of(b)->params.weight;
	u64 most = vmsched_to_virtual(ns, min(weight, q->weight ?: weight));

	if (b->cpu != cpu)
		b->vt += q->clock - from->clock;
	b->cpu = cpu;
	b->served = vmsched_later(b->served, q->served - most);
	b->served = vmsched_earlier(b->served, q->served + most);
}

static void leave_pcpu(struct vmsched_inst *inst, struct credit_vcpu *b)
{
	struct credit_pcpu *q = inst->pcpu[b->cpu];

	if (q->cur == b) {
		update_clock(inst, q);
		q->cur = NULL;
	}
}

/* Those that were parked until now go back into the queue. */
static void release(struct vmsched_inst *inst, struct credit_pcpu *q, u64 now)
{
	struct credit_vcpu *b;

	while ((b = first(&q->parked)) && !vmsched_before(now, b->wait.key)) {
		erase(inst, b);
		insert(inst, b, now);
	}
}

static void credit_enqueue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			   enum vmsched_why why, u64 now)
{
	struct credit_vcpu *b = (void *)v->priv;
	struct credit_pcpu *q = inst->pcpu[v->cpu];
	struct vmsched_rate *r = &b->reservation;

	leave_pcpu(inst, b);
	rebase(inst, b, v->cpu, b->blocked ? CREDIT_SLICE_NS : CREDIT_LAG_MAX_NS);
	if (b->blocked) {
		forgive(inst, b);
		r->clock = vmsched_later(r->clock, now - r->ahead);
		b->blocked = false;
	}
	/* What it has by right is not held against it later. */
	if (r->permille)
		b->vt = vmsched_earlier(b->vt, q->clock +
					       to_virtual(b, CREDIT_LAG_MAX_NS));
	insert(inst, b, now);
	update_clock(inst, q);
}

static void credit_dequeue(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			   enum vmsched_why why, u64 now)
{
	erase(inst, (void *)v->priv);
}

/* The first of @tries, 0 for all, that may run on @cpu */
static struct credit_vcpu *first_allowed(struct credit_pcpu *q, int cpu, u32 tries)
{
	struct credit_vcpu *b = first(&q->queue);

	while (b && !cpumask_test_cpu(cpu, vmsched_of(b)->allowed))
		b = --tries ? vmsched_key_next(&b->wait, typeof(*b), wait) : NULL;
	return b;
}

/* Who of other queues shall have @cpu, or else @b; *again: when to ask, if nobody */
static struct credit_vcpu *look(struct vmsched_inst *inst, int cpu,
				struct credit_vcpu *b, u64 now, u64 *again)
{
	struct credit_pcpu *q = inst->pcpu[cpu], *from;
	int looks = b ? CREDIT_LOOKS : cpumask_weight(inst->cpus);
	struct credit_pool *pool = inst->priv;
	struct credit_vcpu *x;

	for (; looks && pool->waiting > q->queued; looks--) {
		q->looked = vmsched_next_cpu(q->looked, inst->cpus);
		if (b && q->looked == cpu)
			continue;
		from = inst->pcpu[q->looked];
		release(inst, from, now);
		x = first_right(from);
		if (has_right(x, cpu, now - CREDIT_SLICE_NS))
			return x;
		x = first_allowed(from, cpu, b ? CREDIT_TRIES : 0);
		if (x && (!b || (s64)(b->served - x->served) >
				to_virtual(x, CREDIT_RESIST_NS)))
			return x;
		x = first(&from->parked);
		if (!b && x)
			*again = min(*again ?: VMSCHED_SLICE_MAX_NS, x->wait.key - now +
				     (from == q ? 0 : CREDIT_HOME_NS));
	}
	return b;
}

/* Time until @b, which has a pCPU, has to make way for @x there; @most at most */
static s64 time_against(struct credit_vcpu *b, struct credit_vcpu *x, u64 now, s64 most)
{
	s64 in;

	if (!x || b->by_right)
		return most;
	in = vmsched_to_real(x->vt - b->vt, vmsched_of(b)->params.weight) +
	     vmsched_slice_of(vmsched_of(b), CREDIT_SLICE_NS);
	if (x->right.in)
		in = min(in, vmsched_until(x->right.key, now));
	else if (is_parked(x))
		in = max(in, min(vmsched_until(x->wait.key, now), CREDIT_PARKED_NS));
	return clamp(in, (s64)0, most);
}

/* @b, which is queued, gets @cpu. Returns its slice. */
static u64 set_current(struct vmsched_inst *inst, struct credit_vcpu *b, int cpu,
		       u64 now)
{
	struct credit_pcpu *q = inst->pcpu[cpu];
	struct credit_pool *pool = inst->priv;
	struct credit_vcpu *next;
	bool moves = b->cpu != cpu;
	s64 slice;

	b->by_right = has_right(b, cpu, now);
	erase(inst, b);
	rebase(inst, b, cpu, CREDIT_LAG_MAX_NS);
	next = first(&q->queue);	/* does not come before who has come for it */
	if (moves && next)
		b->vt = vmsched_earlier(b->vt, next->vt);
	q->cur = b;
	update_clock(inst, q);
	if (b->by_right) {
		slice = vmsched_rate_left(&b->reservation, now, CREDIT_RIGHT_NS);
	} else {
		q->served = b->served;
		q->weight = vmsched_of(b)->params.weight;
		q->weighed = now;
		slice = next ? (s64)VMSCHED_SLICE_MAX_NS :
			pool->waiting ? CREDIT_SLICE_NS : CREDIT_ALONE_NS;
	}
	slice = time_against(b, next, now, vmsched_rate_left(&b->cap, now, slice));
	slice = time_against(b, first_right(q), now, slice);
	slice = time_against(b, first(&q->parked), now, slice);
	return max_t(s64, slice, 1);
}

static u64 credit_take(struct vmsched_inst *inst, struct vmsched_vcpu *v, u64 now)
{
	return set_current(inst, (void *)v->priv, v->cpu, now);
}

static struct vmsched_vcpu *credit_pick_next(struct vmsched_inst *inst, int cpu,
					     u64 now, u64 *slice)
{
	struct credit_pcpu *q = inst->pcpu[cpu];
	struct credit_vcpu *b;

	release(inst, q, now);
	b = first_right(q);
	if (!has_right(b, cpu, now) || now - q->weighed > CREDIT_RIGHTS_NS)
		b = first_allowed(q, cpu, 0);
	if (!has_right(b, cpu, now))
		b = look(inst, cpu, b, now, slice);
	if (!b)
		return NULL;
	*slice = set_current(inst, b, cpu, now);
	return vmsched_of(b);
}

static void credit_charge(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			  u64 ran, u64 now)
{
	struct credit_vcpu *b = (void *)v->priv;
	struct credit_pcpu *q = inst->pcpu[b->cpu];
	u64 vt = vmsched_pass(&b->rest, ran, v->params.weight);

	b->vt += vt;
	if (!b->by_right)
		b->served += vt;
	vmsched_rate_run(&b->cap, ran, now);
	vmsched_rate_run(&b->reservation, ran, now);
	if (q->cur == b)
		update_clock(inst, q);
}

static void credit_block(struct vmsched_inst *inst, struct vmsched_vcpu *v, u64 now)
{
	struct credit_vcpu *b = (void *)v->priv;

	leave_pcpu(inst, b);
	b->blocked = true;
}

static s64 credit_preempt_in(struct vmsched_inst *inst, int cpu,
			     struct vmsched_vcpu *cur, struct vmsched_vcpu *woken,
			     u64 now)
{
	struct credit_vcpu *b = (void *)cur->priv, *x = (void *)woken->priv;

	if (b->by_right)
		return VMSCHED_NEVER;
	if (vmsched_before(x->vt, b->vt) && !is_parked(x))
		return 0;	/* The credit of who wakes is for that. */
	return time_against(b, x, now, VMSCHED_SLICE_MAX_NS);
}

static int credit_init(struct vmsched_inst *inst)
{
	int cpu;

	for_each_possible_cpu(cpu)
		((struct credit_pcpu *)inst->pcpu[cpu])->looked = cpu;
	return 0;
}

static int credit_admit(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			const struct vmsched_params *params)
{
	struct credit_pool *pool = inst->priv;
	struct credit_vcpu *b = (void *)v->priv;

	return vmsched_promise(inst, &pool->promised, &b->promise, params);
}

static int credit_vcpu_init(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	struct credit_vcpu *b = (void *)v->priv;

	b->cpu = -1;
	b->blocked = true;
	set_rates(b, &v->params);
	return credit_admit(inst, v, &v->params);
}

/* Others in its queue may be gone already, if this instance was at fault. */
static void credit_vcpu_exit(struct vmsched_inst *inst, struct vmsched_vcpu *v)
{
	struct credit_vcpu *b = (void *)v->priv;
	struct credit_pcpu *q = inst->pcpu[max(b->cpu, 0)];
	struct credit_pool *pool = inst->priv;

	pool->promised -= b->promise.now;
	if (q->cur == b)
		q->cur = NULL;
}

static void credit_vcpu_import(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			       const struct vmsched_carry *carry, u64 now)
{
	struct credit_vcpu *b = (void *)v->priv;
	struct credit_pcpu *q = inst->pcpu[v->cpu];

	b->cpu = v->cpu;
	b->vt = q->clock - to_virtual(b, clamp(carry->lag_ns, -CREDIT_LAG_MAX_NS,
					       CREDIT_LAG_MAX_NS));
	b->served = q->served;
	b->cap.clock = now - b->cap.behind / 2;
	b->reservation.clock = now;
}

static void credit_set_params(struct vmsched_inst *inst, struct vmsched_vcpu *v,
			      u64 now)
{
	struct credit_vcpu *b = (void *)v->priv;
	bool waits = b->wait.in;

	if (waits)
		erase(inst, b);
	if (!b->reservation.permille)
		b->reservation.clock = now;
	set_rates(b, &v->params);
	vmsched_rate_run(&b->cap, 0, now);
	b->promise.before = b->promise.now;
	if (waits)
		insert(inst, b, now);
}

static void credit_export_state(struct vmsched_inst *inst, struct vmsched_vcpu *v,
				struct vmsched_carry *carry, u64 now)
{
	struct credit_vcpu *b = (void *)v->priv;
	struct credit_pcpu *q = inst->pcpu[b->cpu];
	s64 lag = vmsched_to_real(q->clock - b->vt, v->params.weight);

	/* Who sleeps falls behind ever more, and is not owed that. */
	carry->lag_ns = clamp(lag, -CREDIT_LAG_MAX_NS,
			      b->blocked ? 0 : CREDIT_LAG_MAX_NS);
}

static const struct vmsched_ops credit_ops = {
	.pick_next	= credit_pick_next,
	.enqueue	= credit_enqueue,
	.dequeue	= credit_dequeue,
	.charge		= credit_charge,
	.block		= credit_block,
	.preempt_in	= credit_preempt_in,
	.take		= credit_take,
	.init		= credit_init,
	.exit		= vmsched_no_exit,
	.vcpu_init	= credit_vcpu_init,
	.admit		= credit_admit,
	.vcpu_exit	= credit_vcpu_exit,
	.vcpu_import	= credit_vcpu_import,
	.activate	= vmsched_no_activate,
	.deactivate	= vmsched_no_activate,
	.set_params	= credit_set_params,
	.export_state	= credit_export_state,
	.api		= VMSCHED_API,
	.version	= 1,
	.honours	= VMSCHED_HONOURS_WEIGHT | VMSCHED_HONOURS_CAP |
			  VMSCHED_HONOURS_RESERVATION | VMSCHED_HONOURS_SLICE |
			  VMSCHED_HONOURS_AFFINITY,
	.inst_size	= sizeof(struct credit_pool),
	.pcpu_size	= sizeof(struct credit_pcpu),
	.vcpu_size	= sizeof(struct credit_vcpu),
	.name		= "credit",
	.doc		= "shares by weight over all pCPUs, with caps and reservations",
	.owner		= THIS_MODULE,
};

module_driver(credit_ops, vmsched_register, vmsched_unregister);
MODULE_DESCRIPTION("vmsched: credit scheduler");
MODULE_AUTHOR("The vmsched authors");
MODULE_LICENSE("GPL");
MODULE_ALIAS("vmsched-sched-credit");
