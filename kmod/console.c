// SPDX-License-Identifier: GPL-2.0
/*
 * Console agents: programs that connect an operator's terminal to the consoles
 * of the VMs of a pool, the other device that a change of the scheduler
 * switches. Before the vCPUs cease each agent is told, stops what is typed,
 * takes what the guests have printed, and acknowledges. Who has not done so at
 * the deadline is not waited for, or the switch is given up, as asked. After the
 * switch all who were told are told that it is over.
 *
 * An agent is known by its netlink socket, and forgotten when that is closed,
 * however its process ends: nobody waits for the dead. Without agents none of
 * this costs more than a look at their number.
 *
 * Locking: agents_mutex, innermost but for what netlink takes. It is taken in
 * Linux's chain of netlink notifiers, so these come and go without it.
 */
#include <linux/completion.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "cease.h"
#include "console.h"
#include "netlink_gen.h"
#include "vmsched.h"

/**
 * struct agent - a console agent; all under agents_mutex
 * @node:	in agents
 * @pool:	whose VMs' consoles it has
 * @portid:	address of its socket
 * @pid:	process that attached it, for messages
 * @told:	it got the announcement in force
 * @owes:	has not acknowledged that
 * @deaf:	could not be told: it does not read its socket, or memory is short
 */
struct agent {
	struct list_head node;
	const struct vms_pool *pool;
	u32 portid;
	pid_t pid;
	bool told;
	bool owes;
	bool deaf;
};

static DEFINE_MUTEX(agents_mutex);
static LIST_HEAD(agents);
static u32 nr_agents;

/* The announcement in force, 0 for none: one switch at a time. And the last one. */
static u32 seq_now;
static u32 seq_last;

/* All who owed an acknowledgment have given it, or are gone. */
static DECLARE_COMPLETION(all_quiet);

static struct agent *find_agent(u32 portid)
{
	struct agent *agent;

	lockdep_assert_held(&agents_mutex);
	list_for_each_entry(agent, &agents, node)
		if (agent->portid == portid)
			return agent;
	return NULL;
}

static void settle(struct agent *agent)
{
	struct agent *other;

	lockdep_assert_held(&agents_mutex);
	if (!agent->owes)
		return;
	agent->owes = false;
	list_for_each_entry(other, &agents, node)
		if (other->owes)
			return;
	complete(&all_quiet);
}

static void forget(struct agent *agent)
{
	settle(agent);
	list_del(&agent->node);
	WRITE_ONCE(nr_agents, nr_agents - 1);
	kfree(agent);
}

/**
 * vms_console_attach() - make a socket a console agent
 * @pool: whose consoles it has
 * @portid: address of the socket
 *
 * Context: the thread that sends from it, so it is not closed meanwhile.
 * Return: 0, -EEXIST, -ENOSPC if the pool has many, -ENOMEM.
 */
int vms_console_attach(const struct vms_pool *pool, u32 portid)
{
	struct agent *agent, *other;
	u32 n = 0;
	int err = 0;

	agent = kzalloc(sizeof(*agent), GFP_KERNEL);
	if (!agent)
		return -ENOMEM;
	agent->pool = pool;
	agent->portid = portid;
	agent->pid = task_tgid_nr(current);

	mutex_lock(&agents_mutex);
	list_for_each_entry(other, &agents, node)
		n += other->pool == pool;
	if (find_agent(portid)) {
		err = -EEXIST;
	} else if (n >= VMS_CONSOLE_AGENTS_MAX) {
		err = -ENOSPC;
	} else {
		list_add_tail(&agent->node, &agents);
		WRITE_ONCE(nr_agents, nr_agents + 1);
	}
	mutex_unlock(&agents_mutex);
	if (err)
		kfree(agent);
	return err;
}

/**
 * vms_console_ack() - an agent has done what an announcement asked for
 * @portid: address of its socket
 * @seq: number of the announcement
 *
 * Return: 0, -ENOENT if it is no agent, -ESTALE if that is not waited for.
 */
int vms_console_ack(u32 portid, u32 seq)
{
	struct agent *agent;
	int err = 0;

	mutex_lock(&agents_mutex);
	agent = find_agent(portid);
	if (!agent)
		err = -ENOENT;
	else if (seq != seq_now || !agent->owes)
		err = -ESTALE;
	else
		settle(agent);
	mutex_unlock(&agents_mutex);
	return err;
}

/* How many console agents a pool has. */
u32 vms_console_agents(const struct vms_pool *pool)
{
	struct agent *agent;
	u32 n = 0;

	mutex_lock(&agents_mutex);
	list_for_each_entry(agent, &agents, node)
		n += agent->pool == pool;
	mutex_unlock(&agents_mutex);
	return n;
}

/* A socket was closed. Its address may be given to another one only after that. */
static int on_release(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct netlink_notify *socket = data;
	struct agent *agent;

	if (event != NETLINK_URELEASE || socket->protocol != NETLINK_GENERIC ||
	    !net_eq(socket->net, &init_net) || !READ_ONCE(nr_agents))
		return NOTIFY_DONE;
	mutex_lock(&agents_mutex);
	agent = find_agent(socket->portid);
	if (agent)
		forget(agent);
	mutex_unlock(&agents_mutex);
	return NOTIFY_DONE;
}

static struct notifier_block release_nb = {
	.notifier_call = on_release,
};

static int fill(struct sk_buff *skb, u8 cmd, const struct agent *agent, int err, u64 deadline)
{
	void *hdr = genlmsg_put(skb, 0, 0, &vmsched_nl_family, 0, cmd);

	if (!hdr || nla_put_string(skb, VMSCHED_A_CONSOLE_POOL, agent->pool->name) ||
	    nla_put_u32(skb, VMSCHED_A_CONSOLE_SEQ, seq_now) ||
	    (deadline && nla_put_u64_64bit(skb, VMSCHED_A_CONSOLE_DEADLINE_NS, deadline, 0)) ||
	    (err && nla_put_u32(skb, VMSCHED_A_CONSOLE_ERROR, -err)))
		return -EMSGSIZE;
	genlmsg_end(skb, hdr);
	return 0;
}

/* Does not wait for room in the agent's socket: that sees ENOBUFS then. */
static int tell(const struct agent *agent, u8 cmd, int result, u64 deadline)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	int err;

	if (!skb)
		return -ENOMEM;
	err = fill(skb, cmd, agent, result, deadline);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	return genlmsg_unicast(&init_net, skb, agent->portid);
}

/* Tell all agents of the pool. Returns whether one of them owes an answer. */
static bool announce(const struct vms_pool *pool, u32 timeout_ms)
{
	u64 deadline = ktime_get_ns() + timeout_ms * NSEC_PER_MSEC;
	struct agent *agent;
	bool owed = false;

	mutex_lock(&agents_mutex);
	reinit_completion(&all_quiet);
	seq_last += seq_last + 1 ? 1 : 2;
	seq_now = seq_last;
	list_for_each_entry(agent, &agents, node) {
		int err;

		if (agent->pool != pool)
			continue;
		err = tell(agent, VMSCHED_CMD_CONSOLE_CEASE_NTF, 0, deadline);
		agent->told = !err;
		agent->owes = !err;
		/* ECONNREFUSED: it is just being closed. */
		agent->deaf = err && err != -ECONNREFUSED;
		owed |= agent->owes;
	}
	mutex_unlock(&agents_mutex);
	return owed;
}

/* Wait for nobody any more. Returns the number of those who are late, and one. */
static u32 count_late(const struct vms_pool *pool, pid_t *pid)
{
	struct agent *agent;
	u32 late = 0;

	mutex_lock(&agents_mutex);
	list_for_each_entry(agent, &agents, node) {
		if (agent->pool != pool || !(agent->owes || agent->deaf))
			continue;
		if (!late++)
			*pid = agent->pid;
		agent->owes = false;
		agent->deaf = false;
	}
	mutex_unlock(&agents_mutex);
	return late;
}

static int fail(struct vms_switch *req, int err, pid_t pid)
{
	req->attr = VMSCHED_A_SWITCH_ON_CONSOLE_TIMEOUT;
	scnprintf(req->why, sizeof(req->why),
		  "console agent pid %d did not acknowledge in %u ms (step %s)",
		  pid, req->console_ms, vms_step_name(req->step));
	return err;
}

/**
 * vms_console_cease() - let the console agents of a pool stop before a switch
 * @pool: the pool
 * @req: the switch, and what is answered about the agents
 *
 * Context: the switch worker, vms_mutex not held. Sleeps until all agents have
 * acknowledged or are gone, for @req->console_ms at most.
 * Return: 0, or -ETIMEDOUT if the switch is to be given up.
 */
int vms_console_cease(const struct vms_pool *pool, struct vms_switch *req)
{
	pid_t pid = 0;
	u64 start;

	/* Told before, for this switch; or nobody ceases, for another way only. */
	if (!READ_ONCE(nr_agents) || READ_ONCE(seq_now) ||
	    !strcmp(req->to, req->from))
		return 0;
	if (!req->console_ms)
		req->console_ms = VMS_CONSOLE_MS_DFL;
	start = vms_now();
	if (announce(pool, req->console_ms))
		wait_for_completion_timeout(&all_quiet, msecs_to_jiffies(req->console_ms) + 1);
	req->console_late = count_late(pool, &pid);
	req->console_ns = vms_now() - start;
	if (!req->console_late || req->on_console != VMSCHED_ON_CONSOLE_TIMEOUT_GIVE_UP)
		return 0;
	return fail(req, -ETIMEDOUT, pid);
}

/**
 * vms_console_resume() - the switch is over, done or given up
 * @pool: the pool
 * @err: 0, or the negative errno with which it was given up
 *
 * Context: the switch worker. Does nothing if nobody was told of a cease.
 */
void vms_console_resume(const struct vms_pool *pool, int err)
{
	struct agent *agent;

	if (!READ_ONCE(seq_now))
		return;
	mutex_lock(&agents_mutex);
	list_for_each_entry(agent, &agents, node) {
		if (agent->pool == pool && agent->told)
			tell(agent, VMSCHED_CMD_CONSOLE_RESUME_NTF, err, 0);
		agent->told = false;
	}
	WRITE_ONCE(seq_now, 0);
	mutex_unlock(&agents_mutex);
}

int vms_console_init(void)
{
	return netlink_register_notifier(&release_nb);
}

/* The netlink family is gone: nobody attaches any more. */
void vms_console_exit(void)
{
	struct agent *agent, *next;

	netlink_unregister_notifier(&release_nb);
	mutex_lock(&agents_mutex);
	list_for_each_entry_safe(agent, next, &agents, node)
		forget(agent);
	mutex_unlock(&agents_mutex);
}
