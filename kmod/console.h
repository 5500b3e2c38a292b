/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs that connect terminals to the consoles of a pool, and what a switch
 * has to do with them: see console.c.
 */
#ifndef _VMS_CONSOLE_H
#define _VMS_CONSOLE_H

#include <linux/types.h>

#define VMS_CONSOLE_MS_DFL	100
#define VMS_CONSOLE_MS_MAX	1000
#define VMS_CONSOLE_AGENTS_MAX	16

struct genl_info;
struct vms_pool;
struct vms_switch;

/* console.c */
int vms_console_init(void);
void vms_console_exit(void);
int vms_console_attach(const struct vms_pool *pool, u32 portid);
u32 vms_console_agents(const struct vms_pool *pool);
int vms_console_ack(u32 portid, u32 seq);
int vms_console_cease(const struct vms_pool *pool, struct vms_switch *req);
void vms_console_resume(const struct vms_pool *pool, int err);

/* netlink_console.c */
int vms_console_parse(struct genl_info *info, struct vms_switch *req);

#endif /* _VMS_CONSOLE_H */
