// SPDX-License-Identifier: GPL-2.0
/*
 * Lets KVM use a PAUSE filter that the processor does not say to have. An emulated
 * one has none, but leaves guest mode at a PAUSE if it is told to: at each of them,
 * as one with a filter does that counts to one. For VMs that are made while this is
 * loaded.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>

static struct module *kvm_amd;

/* The owner of /sys/module/@name; nothing else that is exported leads there. */
static struct module *find(const char *name)
{
	struct kobject *kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, name);
	struct module *mod;

	if (!kobj)
		return NULL;
	mod = container_of(kobj, struct module_kobject, kobj)->mod;
	if (mod && !try_module_get(mod))
		mod = NULL;
	kobject_put(kobj);
	return mod;
}

/* What only the command line of modprobe may say otherwise */
static int set(const char *name, const char *value)
{
	unsigned int i;

	for (i = 0; i < kvm_amd->num_kp; i++)
		if (!strcmp(kvm_amd->kp[i].name, name))
			return kvm_amd->kp[i].ops->set(value, &kvm_amd->kp[i]);
	return -ENOENT;
}

static int __init sees_pause_init(void)
{
	int err;

	kvm_amd = find("kvm_amd");
	if (!kvm_amd)
		return -ENODEV;
	err = set("pause_filter_count", "1") ?: set("pause_filter_thresh", "1");
	if (err)
		module_put(kvm_amd);
	return err;
}
module_init(sees_pause_init);

static void __exit sees_pause_exit(void)
{
	set("pause_filter_count", "0");
	set("pause_filter_thresh", "0");
	module_put(kvm_amd);
}
module_exit(sees_pause_exit);

MODULE_DESCRIPTION("Claims a PAUSE filter");
MODULE_LICENSE("GPL");
