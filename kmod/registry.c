// SPDX-License-Identifier: GPL-2.0
/*
 * Registry of schedulers: who is known, by which name.
 *
 * Knows neither pools nor VMs nor netlink. A scheduler that is in use is
 * pinned by its user (vms_sched_get()), not by the registry, so that the
 * module of a scheduler can only be removed after the last pool has left it.
 *
 * Locking: registry_mutex protects the list and the entries, and who writes to
 * the array of identifiers. It is a leaf.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "vmsched.h"

struct entry {
	struct list_head node;
	const struct vmsched_ops *ops;
	u32 id;
};

static DEFINE_MUTEX(registry_mutex);
static LIST_HEAD(entries);
/* The ops by identifier, for requests: read without a lock */
static DEFINE_XARRAY_ALLOC1(by_id);
static u32 last_id;
static vms_registry_watch_fn watcher;

#define REQUIRED(op) { #op, offsetof(struct vmsched_ops, op) }

static const struct {
	const char *name;
	size_t offset;
} required[] = {
	REQUIRED(pick_next),
	REQUIRED(enqueue),
	REQUIRED(dequeue),
	REQUIRED(charge),
	REQUIRED(init),
	REQUIRED(exit),
	REQUIRED(vcpu_init),
	REQUIRED(vcpu_exit),
	REQUIRED(activate),
	REQUIRED(deactivate),
	REQUIRED(set_params),
	REQUIRED(export_state),
};

static const char *missing_op(const struct vmsched_ops *ops)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(required); i++) {
		void *const *op = (void *)ops + required[i].offset;

		if (!*op)
			return required[i].name;
	}
	return NULL;
}

static bool name_ok(const char *name)
{
	size_t len = strnlen(name, VMSCHED_NAME_MAX);
	size_t i;

	if (!len || len == VMSCHED_NAME_MAX)
		return false;
	for (i = 0; i < len; i++)
		if (!islower(name[i]) && !isdigit(name[i]) &&
		    name[i] != '_' && name[i] != '-')
			return false;
	return true;
}

/* More than that no allocator of Linux has, and it would warn. */
static bool size_ok(u32 size)
{
	return size <= VMSCHED_PRIV_MAX;
}

static int check_shape(const struct vmsched_ops *ops)
{
	if (!size_ok(ops->inst_size) || !size_ok(ops->pcpu_size) ||
	    !size_ok(ops->vcpu_size)) {
		pr_err("scheduler %s refused: inst_size, pcpu_size and vcpu_size may be %u bytes at most\n",
		       ops->name, VMSCHED_PRIV_MAX);
		return -EINVAL;
	}
	if (ops->doc && strnlen(ops->doc, VMSCHED_DOC_MAX) == VMSCHED_DOC_MAX) {
		pr_err("scheduler %s refused: its doc is longer than %d characters\n",
		       ops->name, VMSCHED_DOC_MAX - 1);
		return -EINVAL;
	}
	return 0;
}

static int check(const struct vmsched_ops *ops)
{
	const char *op;

	if (!ops->name || !name_ok(ops->name)) {
		pr_err("scheduler refused: its name must be 1 to %d of a-z 0-9 _ -\n",
		       VMSCHED_NAME_MAX - 1);
		return -EINVAL;
	}
	if (ops->api != VMSCHED_API) {
		pr_err("scheduler %s refused: built for API version %u, this is %u; rebuild it\n",
		       ops->name, ops->api, VMSCHED_API);
		return -EPROTO;
	}
	/* A scheduler in use must keep its code. */
	if (!ops->owner) {
		pr_err("scheduler %s refused: it has no owner; set .owner = THIS_MODULE\n",
		       ops->name);
		return -EINVAL;
	}
	op = missing_op(ops);
	if (op) {
		pr_err("scheduler %s refused: it misses the op %s\n",
		       ops->name, op);
		return -EINVAL;
	}
	return check_shape(ops);
}

static struct entry *find(const char *name)
{
	struct entry *e;

	lockdep_assert_held(&registry_mutex);
	list_for_each_entry(e, &entries, node)
		if (!strcmp(e->ops->name, name))
			return e;
	return NULL;
}

/* List @e, under a name and an identifier that nobody else has. */
static int add(struct entry *e)
{
	int err;

	lockdep_assert_held(&registry_mutex);
	if (find(e->ops->name))
		return -EBUSY;
	err = xa_alloc_cyclic(&by_id, &e->id, (void *)e->ops, xa_limit_32b,
			      &last_id, GFP_KERNEL);
	if (err < 0)
		return err;
	list_add_tail(&e->node, &entries);
	if (watcher)
		watcher(e->ops, true);
	return 0;
}

int vmsched_register(const struct vmsched_ops *ops)
{
	struct entry *e;
	int err;

	err = check(ops);
	if (err)
		return err;

	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	e->ops = ops;

	mutex_lock(&registry_mutex);
	err = add(e);
	mutex_unlock(&registry_mutex);
	if (err)
		kfree(e);
	/* Not EEXIST: modprobe takes that for "it is loaded already". */
	if (err == -EBUSY)
		pr_err("scheduler %s refused: the name is taken\n", ops->name);
	return err;
}
EXPORT_SYMBOL_GPL(vmsched_register);

/* Nobody knows it any more. */
static void drop(struct entry *e)
{
	lockdep_assert_held(&registry_mutex);
	list_del(&e->node);
	xa_erase(&by_id, e->id);
	if (watcher)
		watcher(e->ops, false);
	kfree(e);
}

void vmsched_unregister(const struct vmsched_ops *ops)
{
	struct entry *e;

	mutex_lock(&registry_mutex);
	e = find(ops->name);
	if (e && e->ops == ops)
		drop(e);
	mutex_unlock(&registry_mutex);
}
EXPORT_SYMBOL_GPL(vmsched_unregister);

/*
 * A module goes that has not unregistered its schedulers: it forgot to, or its
 * start failed after it had registered them. Nobody uses them, or it would stay.
 */
static int module_goes(struct notifier_block *nb, unsigned long state, void *data)
{
	const struct module *mod = data;
	struct entry *e, *next;

	if (state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	mutex_lock(&registry_mutex);
	list_for_each_entry_safe(e, next, &entries, node) {
		if (e->ops->owner != mod || mod == THIS_MODULE)
			continue;
		pr_err("module %s goes without having unregistered its scheduler %s; that is done for it\n",
		       mod->name, e->ops->name);
		drop(e);
	}
	mutex_unlock(&registry_mutex);
	return NOTIFY_OK;
}

static struct notifier_block on_module = { .notifier_call = module_goes };

/**
 * vms_registry_watch() - be told of schedulers that come and go
 * @fn: called with registry_mutex held, may sleep; NULL for nobody
 */
void vms_registry_watch(vms_registry_watch_fn fn)
{
	mutex_lock(&registry_mutex);
	watcher = fn;
	mutex_unlock(&registry_mutex);
}

/**
 * vms_sched_get() - find a scheduler and pin its module
 * @name: its name
 *
 * Return: the scheduler, to be given back with vms_sched_put();
 * ERR_PTR(-ENOENT) if there is none of that name, ERR_PTR(-EBUSY) if its
 * module is just being loaded or removed.
 */
const struct vmsched_ops *vms_sched_get(const char *name)
{
	const struct vmsched_ops *ops;
	struct entry *e;

	mutex_lock(&registry_mutex);
	e = find(name);
	if (!e)
		ops = ERR_PTR(-ENOENT);
	else if (e->ops->owner != THIS_MODULE &&
		 (READ_ONCE(e->ops->owner->state) != MODULE_STATE_LIVE ||
		  !try_module_get(e->ops->owner)))
		ops = ERR_PTR(-EBUSY);
	else
		ops = e->ops;
	mutex_unlock(&registry_mutex);
	return ops;
}

void vms_sched_put(const struct vmsched_ops *ops)
{
	/* The built-in scheduler lives as long as this code does. */
	if (ops->owner != THIS_MODULE)
		module_put(ops->owner);
}

/* What vms_sched_by_id() knows a pinned scheduler by. */
u32 vms_sched_id(const struct vmsched_ops *ops)
{
	struct entry *e;
	u32 id;

	mutex_lock(&registry_mutex);
	e = find(ops->name);
	id = e ? e->id : 0;
	mutex_unlock(&registry_mutex);
	return id;
}

/**
 * vms_sched_by_id() - look a scheduler up
 * @id: of one that is pinned
 *
 * Context: any.
 * Return: the scheduler.
 */
const struct vmsched_ops *vms_sched_by_id(u32 id)
{
	return xa_load(&by_id, id);
}

/**
 * vms_sched_for_each() - call a function for each scheduler
 * @fn: called with registry_mutex held; a result other than 0 ends the walk
 * @arg: passed to @fn
 * @skip: number of schedulers to pass over first
 *
 * Return: the number of schedulers passed over or successfully given to @fn.
 */
int vms_sched_for_each(int (*fn)(const struct vmsched_ops *ops, void *arg),
		       void *arg, unsigned int skip)
{
	unsigned int n = 0;
	struct entry *e;

	mutex_lock(&registry_mutex);
	list_for_each_entry(e, &entries, node) {
		if (n >= skip && fn(e->ops, arg))
			break;
		n++;
	}
	mutex_unlock(&registry_mutex);
	return n;
}

int vms_registry_init(void)
{
	int err = register_module_notifier(&on_module);

	if (err)
		return err;
	err = vmsched_register(&vms_native_ops);
	if (err)
		unregister_module_notifier(&on_module);
	return err;
}

void vms_registry_exit(void)
{
	vmsched_unregister(&vms_native_ops);
	unregister_module_notifier(&on_module);
	WARN_ON(!list_empty(&entries));
	/*
	 * Where there is no index 0, Linux keeps nodes of an array that is empty, if
	 * memory was short when it grew.
	 */
	xa_destroy(&by_id);
}
