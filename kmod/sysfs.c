// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/vmsched: what is in force, for people and scripts without the tool,
 * and a scheduler that is registered made active by writing its name. Documented
 * in Documentation/ABI/testing/sysfs-kernel-vmsched.
 *
 * Directories are objects of Linux that know nothing of ours: a pool is found by
 * the name of its directory. So nothing here is freed while a file is open, and
 * code of this module is left before kobject_put() returns, which waits for who
 * reads or writes. Therefore it must not be called with a lock that they want.
 *
 * Locking: vms_mutex around each look at a pool, not around a switch.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/kobject.h>
#include <linux/ratelimit.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "vmsched.h"

static struct kobject *root, *pools;

/* In the order of enum vmsched_activate */
static const char *const ways[] = { "id", "table", "patch" };

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", VMS_VERSION);
}

struct names {
	char *buf;
	int len;
};

static int add_name(const struct vmsched_ops *ops, void *arg)
{
	struct names *names = arg;

	names->len += sysfs_emit_at(names->buf, names->len, "%s\n", ops->name);
	return 0;
}

static ssize_t schedulers_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct names names = { .buf = buf };

	vms_sched_for_each(add_name, &names, 0);
	return names.len;
}

static struct kobj_attribute version_attr = __ATTR_RO(version);
static struct kobj_attribute schedulers_attr = __ATTR_RO(schedulers);

static const struct attribute *root_attrs[] = {
	&version_attr.attr, &schedulers_attr.attr, NULL,
};

enum what { SCHEDULER, CPUS, PREVIOUS, ACTIVATE };

static ssize_t show_pool(struct kobject *kobj, enum what what, char *buf)
{
	struct vms_pool *pool;
	ssize_t len = -ENODEV;

	mutex_lock(&vms_mutex);
	pool = vms_pool_find(kobject_name(kobj));
	if (!pool)
		goto out;
	switch (what) {
	case SCHEDULER:
		len = sysfs_emit(buf, "%s\n", pool->inst->ops->name);
		break;
	case CPUS:
		len = sysfs_emit(buf, "%*pbl\n", cpumask_pr_args(&pool->cpus));
		break;
	case PREVIOUS:
		len = sysfs_emit(buf, "%s\n", pool->previous);
		break;
	case ACTIVATE:
		len = sysfs_emit(buf, "%s\n", ways[vms_activated(pool)]);
		break;
	}
out:
	mutex_unlock(&vms_mutex);
	return len;
}

/* There is nobody to tell why, but the kernel log. */
static void say_refused(const struct vms_switch *req)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 1);

	/* What is left out shall not be a warning. */
	ratelimit_set_flags(&limit, RATELIMIT_MSG_ON_RELEASE);
	if (__ratelimit(&limit))
		pr_notice("pool %s: switch to %s refused: %s\n", req->pool,
			  req->to, req->why);
}

/* What is not asked for stays as it is in force. */
static int set_pool(struct kobject *kobj, const char *to, int activate)
{
	struct vms_switch req = { .cease_ms = VMS_CEASE_MS_DFL };
	struct vms_pool *pool;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	strscpy(req.pool, kobject_name(kobj), sizeof(req.pool));
	mutex_lock(&vms_mutex);
	pool = vms_pool_find(req.pool);
	if (pool) {
		req.activate = activate < 0 ? vms_activated(pool) : activate;
		strscpy(req.to, to ?: pool->inst->ops->name, sizeof(req.to));
	}
	mutex_unlock(&vms_mutex);
	if (!pool)
		return -ENODEV;
	err = vms_switch_run(&req);
	if (err)
		say_refused(&req);
	return err;
}

static ssize_t scheduler_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return show_pool(kobj, SCHEDULER, buf);
}

static ssize_t scheduler_store(struct kobject *kobj, struct kobj_attribute *attr,
			       const char *buf, size_t count)
{
	char name[VMSCHED_NAME_MAX + 1];
	char *word;
	int err;

	/* An empty name would be the previous one: for that there is a file. */
	if (strscpy(name, buf, sizeof(name)) < 0)
		return -ENOENT;
	word = strim(name);
	if (!*word || strlen(word) >= VMSCHED_NAME_MAX)
		return -ENOENT;
	err = set_pool(kobj, word, -1);
	return err ?: count;
}

static ssize_t activate_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return show_pool(kobj, ACTIVATE, buf);
}

static ssize_t activate_store(struct kobject *kobj, struct kobj_attribute *attr,
			      const char *buf, size_t count)
{
	int way = sysfs_match_string(ways, buf);
	int err;

	if (way < 0)
		return way;
	err = set_pool(kobj, NULL, way);
	return err ?: count;
}

static ssize_t cpus_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return show_pool(kobj, CPUS, buf);
}

static ssize_t previous_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return show_pool(kobj, PREVIOUS, buf);
}

static struct kobj_attribute scheduler_attr = __ATTR_RW(scheduler);
static struct kobj_attribute activate_attr = __ATTR_RW(activate);
static struct kobj_attribute cpus_attr = __ATTR_RO(cpus);
static struct kobj_attribute previous_attr = __ATTR_RO(previous);

static const struct attribute *pool_attrs[] = {
	&scheduler_attr.attr, &activate_attr.attr, &cpus_attr.attr,
	&previous_attr.attr, NULL,
};

/* Its files go with a directory. */
static struct kobject *make_dir(const char *name, struct kobject *in,
				const struct attribute *const *attrs)
{
	struct kobject *dir = kobject_create_and_add(name, in);

	if (dir && attrs && sysfs_create_files(dir, (const struct attribute **)attrs)) {
		kobject_put(dir);
		dir = NULL;
	}
	return dir;
}

/**
 * vms_sysfs_add_pool() - the directory of a pool
 * @pool: the pool; nothing can be read there before it is listed
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int vms_sysfs_add_pool(struct vms_pool *pool)
{
	pool->dir = make_dir(pool->name, pools, pool_attrs);
	return pool->dir ? 0 : -ENOMEM;
}

int vms_sysfs_init(void)
{
	struct vms_pool *pool;
	int err = 0;

	root = make_dir("vmsched", kernel_kobj, root_attrs);
	pools = root ? make_dir("pools", root, NULL) : NULL;
	if (!pools)
		err = -ENOMEM;
	/* Nobody can ask for another pool yet. */
	list_for_each_entry(pool, &vms_pools, node)
		err = err ?: vms_sysfs_add_pool(pool);
	if (err)
		vms_sysfs_exit();
	return err;
}

/* Its removal waits for readers, the last reference may be given back later. */
static void remove_dir(struct kobject *dir)
{
	if (!dir)
		return;
	kobject_del(dir);
	kobject_put(dir);
}

/**
 * vms_sysfs_del_pool() - take the directory of a pool away
 * @pool: the pool
 *
 * Context: process; waits for who writes there, and who does waits for the thread that
 * switches and for vms_mutex.
 */
void vms_sysfs_del_pool(struct vms_pool *pool)
{
	remove_dir(pool->dir);
	pool->dir = NULL;
}

/* Nobody reads or writes when this returns. */
void vms_sysfs_exit(void)
{
	struct vms_pool *pool;

	list_for_each_entry(pool, &vms_pools, node)
		vms_sysfs_del_pool(pool);
	remove_dir(pools);
	remove_dir(root);
	pools = NULL;
	root = NULL;
}
