// SPDX-License-Identifier: GPL-2.0
/*
 * What happens, told to whoever listens to the multicast group "events". May
 * sleep for memory, never fails its caller, costs nothing without a listener.
 */
#include <linux/pid.h>
#include <net/genetlink.h>

#include "netlink_gen.h"
#include "request.h"
#include "vmsched.h"

/*
 * The family is registered. Written under vms_mutex, which all who tell of
 * VMs and switches hold; the registry is not watched any more by then.
 */
static bool live;

/* Listeners learn that they missed something: recvmsg() says ENOBUFS. */
static void lost(void)
{
	genl_set_err(&vmsched_nl_family, &init_net, 0, VMSCHED_NLGRP_EVENTS,
		     -ENOBUFS);
}

/* Start a message. NULL if nobody listens, or for lack of memory. */
static struct sk_buff *begin(u8 cmd, void **hdr)
{
	struct sk_buff *skb;

	if (!READ_ONCE(live) ||
	    !genl_has_listeners(&vmsched_nl_family, &init_net,
				VMSCHED_NLGRP_EVENTS))
		return NULL;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb) {
		lost();
		return NULL;
	}
	*hdr = genlmsg_put(skb, 0, 0, &vmsched_nl_family, 0, cmd);
	if (!*hdr) {
		nlmsg_free(skb);
		lost();
		return NULL;
	}
	return skb;
}

static void end(struct sk_buff *skb, void *hdr, int err)
{
	if (err) {
		nlmsg_free(skb);
		lost();
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast(&vmsched_nl_family, skb, 0, VMSCHED_NLGRP_EVENTS,
			  GFP_KERNEL);
}

void vms_notify_vm(u8 cmd, struct vms_vm *vm)
{
	struct sk_buff *skb;
	void *hdr;

	skb = begin(cmd, &hdr);
	if (skb)
		end(skb, hdr, vms_fill_vm(skb, vm, pid_nr(vm->pid)));
}

void vms_notify_pool(u8 cmd, struct vms_pool *pool)
{
	struct sk_buff *skb;
	void *hdr;

	skb = begin(cmd, &hdr);
	if (skb)
		end(skb, hdr, vms_fill_pool(skb, pool));
}

void vms_notify_switch(const struct vms_switch *req)
{
	struct sk_buff *skb;
	void *hdr;

	skb = begin(VMSCHED_CMD_SWITCH_NTF, &hdr);
	if (skb)
		end(skb, hdr, vms_fill_switch(skb, req));
}

void vms_notify_fault(struct vms_pool *pool)
{
	struct sk_buff *skb;
	void *hdr;

	skb = begin(VMSCHED_CMD_FAULT_NTF, &hdr);
	if (skb)
		end(skb, hdr, vms_fill_fault(skb, pool));
}

void vms_notify_owner(struct vms_pool *pool, u64 old,
		      enum vmsched_owner_why why)
{
	struct sk_buff *skb;
	void *hdr;

	skb = begin(VMSCHED_CMD_OWNER_NTF, &hdr);
	if (skb)
		end(skb, hdr, vms_fill_owner(skb, pool, old, why));
}

static void sched_changed(const struct vmsched_ops *ops, bool added)
{
	struct sk_buff *skb;
	void *hdr;

	skb = begin(added ? VMSCHED_CMD_SCHED_ADD_NTF :
			    VMSCHED_CMD_SCHED_DEL_NTF, &hdr);
	if (skb)
		end(skb, hdr, vms_fill_sched(skb, ops, 0));
}

void vms_notify_init(void)
{
	mutex_lock(&vms_mutex);
	WRITE_ONCE(live, true);
	mutex_unlock(&vms_mutex);
	vms_registry_watch(sched_changed);
}

void vms_notify_exit(void)
{
	vms_registry_watch(NULL);
	mutex_lock(&vms_mutex);
	WRITE_ONCE(live, false);
	mutex_unlock(&vms_mutex);
}
