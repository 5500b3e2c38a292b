/* SPDX-License-Identifier: GPL-2.0 */
/* A recording while it is read, see recording.c. */
#ifndef VMSCHED_SIM_RECORDING_H
#define VMSCHED_SIM_RECORDING_H

#include "reader.h"

struct seen {
	u64 at;
	u64 run_ns;		/* of a block: executed in all */
	unsigned int line;
	bool wakes;
};

struct rec_vm {
	u64 id;
	bool declared;
	struct wl_vm vm;
};

struct rec_vcpu {
	u64 vm;
	u64 index;
	bool declared;
	bool awake;		/* when it began */
	u64 ran_ns;		/* executed until then */
	u64 rest_ns;		/* and until the end, if that is known */
	struct vmsched_params params;
	struct cpumask affinity;
	struct cpumask mask;
	struct seen *seen;
	size_t nr;
	size_t max;
};

struct recording {
	struct reader *r;
	struct workload *wl;
	struct cpumask pooled;
	void *vm_tree;		/* to find them */
	void *vcpu_tree;
	void *name_tree;
	struct rec_vm **vms;	/* to have them */
	struct rec_vcpu **vcpus;
	unsigned int nr_vms;
	unsigned int nr_vcpus;
	bool ended;
};

/* replay.c: fill the workload with what has been read. */
bool replay_make(struct recording *rec);
int by_id(const void *a, const void *b);
int by_place(const void *a, const void *b);

#endif /* VMSCHED_SIM_RECORDING_H */
