/* SPDX-License-Identifier: GPL-2.0 */
/* What is told to user space: the family, events, and objects as attributes. */
#ifndef _VMS_NOTIFY_H
#define _VMS_NOTIFY_H

#include <linux/types.h>

struct sk_buff;
struct vms_pool;
struct vms_switch;
struct vms_vcpu;
struct vms_vm;
struct vmsched_ops;

extern struct genl_family vmsched_nl_family;

/* netlink.c */
int vms_netlink_init(void);
void vms_netlink_exit(void);

/* notify.c */
void vms_notify_init(void);
void vms_notify_exit(void);
void vms_notify_pool(u8 cmd, struct vms_pool *pool);
void vms_notify_vm(u8 cmd, struct vms_vm *vm);
void vms_notify_switch(const struct vms_switch *req);
void vms_notify_fault(struct vms_pool *pool);

/* fill.c */
int vms_fill_sched(struct sk_buff *skb, const struct vmsched_ops *ops,
		   u32 users);
int vms_fill_pool(struct sk_buff *skb, struct vms_pool *pool);
int vms_fill_vm(struct sk_buff *skb, struct vms_vm *vm, pid_t pid);
int vms_fill_vcpu(struct sk_buff *skb, struct vms_vcpu *v);
int vms_fill_fault(struct sk_buff *skb, struct vms_pool *pool);
int vms_fill_switch(struct sk_buff *skb, const struct vms_switch *req);

#endif /* _VMS_NOTIFY_H */
