// SPDX-License-Identifier: GPL-2.0
/*
 * Peers of the benchmark that only a module can be: probes that do nothing,
 * and what else a kernel has to change code or data that runs.
 *
 * Each figure is the time that one operation took, in ns, median of several
 * operations, and can be read as a parameter of the module.
 */
#include <linux/kvm_host.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sort.h>
#include <linux/static_call.h>
#include <linux/stop_machine.h>
#include <linux/tracepoint.h>

#include "peer.h"

#define ROUNDS	15

static bool probes;
module_param(probes, bool, 0444);
MODULE_PARM_DESC(probes, "put empty probes on kvm_entry and kvm_exit");

static bool measure;
module_param(measure, bool, 0444);
MODULE_PARM_DESC(measure, "take the figures below once, at load");

static bool switches;
module_param(switches, bool, 0444);
MODULE_PARM_DESC(switches, "measure switches of threads once, at load");

static bool notifier;
module_param(notifier, bool, 0444);
MODULE_PARM_DESC(notifier, "with an empty preempt notifier");

static ulong switch_ns;
module_param(switch_ns, ulong, 0444);
static ulong reregister_ns;
module_param(reregister_ns, ulong, 0444);
static ulong synchronize_rcu_ns;
module_param(synchronize_rcu_ns, ulong, 0444);
static ulong static_call_ns;
module_param(static_call_ns, ulong, 0444);
static ulong stop_machine_ns;
module_param(stop_machine_ns, ulong, 0444);

extern struct tracepoint __tracepoint_kvm_entry;
extern struct tracepoint __tracepoint_kvm_exit;

static void on_entry(void *unused, struct kvm_vcpu *vcpu, bool immediate_exit)
{
}

static void on_exit(void *unused, struct kvm_vcpu *vcpu, u32 isa)
{
}

static int probes_on(void)
{
	int err;

	err = tracepoint_probe_register(&__tracepoint_kvm_entry, on_entry, NULL);
	if (err)
		return err;
	err = tracepoint_probe_register(&__tracepoint_kvm_exit, on_exit, NULL);
	if (err)
		tracepoint_probe_unregister(&__tracepoint_kvm_entry, on_entry,
					    NULL);
	return err;
}

static void probes_off(void)
{
	tracepoint_probe_unregister(&__tracepoint_kvm_exit, on_exit, NULL);
	tracepoint_probe_unregister(&__tracepoint_kvm_entry, on_entry, NULL);
	tracepoint_synchronize_unregister();
}

static void one(int x)
{
}

static void other(int x)
{
}

DEFINE_STATIC_CALL(vmsched_peer_call, one);

static void change_probes(void)
{
	probes_off();
	probes_on();
}

static void change_call(void)
{
	static bool turn;

	turn = !turn;
	static_call_update(vmsched_peer_call, turn ? other : one);
	static_call(vmsched_peer_call)(0);
}

static int nothing(void *unused)
{
	return 0;
}

static void change_stopped(void)
{
	stop_machine(nothing, NULL, cpu_online_mask);
}

static int cmp(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static ulong median_of(void (*op)(void))
{
	u64 ns[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		ns[i] = ktime_get_ns();
		op();
		ns[i] = ktime_get_ns() - ns[i];
	}
	sort(ns, ROUNDS, sizeof(ns[0]), cmp, NULL);
	return ns[ROUNDS / 2];
}

static int __init peer_init(void)
{
	int err = 0;

	if (switches)
		switch_ns = peer_switch_ns(notifier);
	if (probes || measure)
		err = probes_on();
	if (err || !measure)
		return err;
	reregister_ns = median_of(change_probes);
	synchronize_rcu_ns = median_of(synchronize_rcu);
	static_call_ns = median_of(change_call);
	stop_machine_ns = median_of(change_stopped);
	return 0;
}

static void __exit peer_exit(void)
{
	if (probes || measure)
		probes_off();
}

module_init(peer_init);
module_exit(peer_exit);

MODULE_DESCRIPTION("What vmsched is measured beside");
MODULE_LICENSE("GPL");
