// SPDX-License-Identifier: GPL-2.0
/*
 * Steps of a switch, up to the commit: what a refusal names, and where root can
 * make one fail to try what is left behind (stock kernels inject no errors).
 *
 * /sys/module/vmsched/parameters/fail_step: "STEP" or "STEP:N", the Nth time that
 * a switch gets there; it is cleared by that. Empty for none.
 *
 * May not know pools, VMs or schedulers.
 */
#include <linux/atomic.h>
#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "cease.h"
#include "vmsched.h"

static const char *const names[VMS_STEPS] = {
	[VMS_STEP_LOOKUP]	= "lookup",
	[VMS_STEP_HOOK]		= "hook",
	[VMS_STEP_PATCH]	= "patch",
	[VMS_STEP_CONSOLE]	= "console",
	[VMS_STEP_PIN]		= "pin",
	[VMS_STEP_WAY]		= "way",
	[VMS_STEP_INSTANCE]	= "instance",
	[VMS_STEP_VCPU]		= "vcpu",
	[VMS_STEP_CEASE]	= "cease",
	[VMS_STEP_HOLD]		= "hold",
	[VMS_STEP_SWAP]		= "swap",
};

#define TIMES_BITS	16
#define TIMES_MASK	((1 << TIMES_BITS) - 1)

/* Which step + 1, and in the lower bits how many times from now; 0: none. */
static atomic_t armed;

const char *vms_step_name(enum vms_step step)
{
	return names[step];
}

/**
 * vms_step_fails() - somebody wants this step of a switch to fail
 * @step: the step that is about to be done
 *
 * Context: the thread that switches, any locks.
 */
bool vms_step_fails(enum vms_step step)
{
	int now = atomic_read(&armed);

	if (now >> TIMES_BITS != step + 1)
		return false;
	if ((now & TIMES_MASK) > 1) {
		atomic_cmpxchg(&armed, now, now - 1);
		return false;
	}
	return atomic_cmpxchg(&armed, now, 0) == now;
}

static int fail_step_set(const char *text, const struct kernel_param *kp)
{
	char buf[32], *name, *times;
	u16 n = 1;
	int step;

	if (strscpy(buf, text, sizeof(buf)) < 0)
		return -EINVAL;
	times = strim(buf);
	name = strsep(&times, ":");
	if (!*name) {
		atomic_set(&armed, 0);
		return 0;
	}
	if (times && (kstrtou16(times, 10, &n) || !n))
		return -EINVAL;
	step = __sysfs_match_string(names, VMS_STEPS, name);
	if (step < 0)
		return step;
	atomic_set(&armed, (step + 1) << TIMES_BITS | n);
	return 0;
}

static int fail_step_get(char *text, const struct kernel_param *kp)
{
	int now = atomic_read(&armed);

	if (!now)
		return sprintf(text, "\n");
	return sprintf(text, "%s:%d\n", names[(now >> TIMES_BITS) - 1],
		       now & TIMES_MASK);
}

static const struct kernel_param_ops fail_step_ops = {
	.set = fail_step_set,
	.get = fail_step_get,
};

module_param_cb(fail_step, &fail_step_ops, NULL, 0600);
MODULE_PARM_DESC(fail_step, "let a switch of schedulers fail at this step (STEP[:N]), for tests");
