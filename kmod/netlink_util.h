/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMS_NETLINK_UTIL_H
#define _VMS_NETLINK_UTIL_H

#include <linux/types.h>

struct genl_info;
struct netlink_callback;
struct sk_buff;
struct vms_pool;

/* Writes about a pool; -EMSGSIZE if that does not fit. vms_mutex held. */
typedef int (*vms_nl_fill_fn)(struct sk_buff *skb, struct vms_pool *pool);

int vms_nl_may_write(struct sk_buff *skb, struct genl_info *info);
int vms_nl_missing(struct genl_info *info, u32 attr, const char *what);
struct vms_pool *vms_nl_pool(struct genl_info *info, u32 attr);
int vms_nl_no_memory(struct genl_info *info);

struct sk_buff *vms_nl_reply_new(struct genl_info *info, void **hdr);
int vms_nl_reply_end(struct sk_buff *skb, void *hdr, int err,
		     struct genl_info *info);
int vms_nl_refuse(struct sk_buff *reply, struct genl_info *info, int err,
		  u32 attr, const char *why);
int vms_nl_reply_pool(struct genl_info *info, u32 attr, vms_nl_fill_fn fill);

void *vms_nl_dump_begin(struct sk_buff *skb, struct netlink_callback *cb);
int vms_nl_dump_end(struct sk_buff *skb, void *hdr, int err);
int vms_nl_dump_done(struct sk_buff *skb, int err);
int vms_nl_dump_pools(struct sk_buff *skb, struct netlink_callback *cb,
		      bool (*wanted)(const struct vms_pool *pool),
		      vms_nl_fill_fn fill);

#endif /* _VMS_NETLINK_UTIL_H */
