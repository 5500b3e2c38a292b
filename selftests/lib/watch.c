// SPDX-License-Identifier: GPL-2.0
/*
 * Watch that guests advance; see watch.h.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "watch.h"

#define SAMPLES_PER_WINDOW	10
#define WATCH_PRIORITY		90
#define MAX_VCPUS		128

struct watched {
	struct rawvm *vm;
	unsigned int vcpu;
	uint64_t seen;
	uint64_t still_ns;
	/* Of its thread, when it was seen to stand still first */
	uint64_t ran_ns;
	uint64_t waited_ns;
};

struct watch {
	pthread_t thread;
	bool stop;
	uint64_t window_ns;
	struct watched vcpu[MAX_VCPUS];
	unsigned int n;
	struct watch_result result;
};

/* What Linux has counted of its thread: executing, and waiting for a CPU */
static bool read_times(const struct watched *v, uint64_t *ran, uint64_t *waited)
{
	char line[128];

	rawvm_thread_file(v->vm, v->vcpu, "schedstat", line, sizeof(line));
	return sscanf(line, "%ju %ju", ran, waited) == 2;
}

static void is_longest(struct watch *w, const struct watched *v)
{
	struct watch_result *r = &w->result;

	r->longest_ns = v->still_ns;
	r->vm = rawvm_name(v->vm);
	r->vcpu = v->vcpu;
	/* A thread that has ended tells nothing. */
	if (!read_times(v, &r->ran_ns, &r->waited_ns)) {
		r->ran_ns = 0;
		r->waited_ns = 0;
		return;
	}
	r->ran_ns -= v->ran_ns;
	r->waited_ns -= v->waited_ns;
}

static void watch_vcpu(struct watch *w, struct watched *v, uint64_t passed)
{
	uint64_t now = rawvm_progress(v->vm, v->vcpu);

	if (now != v->seen) {
		v->seen = now;
		v->still_ns = 0;
		return;
	}
	if (!v->still_ns)
		read_times(v, &v->ran_ns, &v->waited_ns);
	v->still_ns += passed;
	if (v->still_ns > w->result.longest_ns)
		is_longest(w, v);
	/* Count each full window once */
	if (v->still_ns >= w->window_ns && v->still_ns - passed < w->window_ns)
		w->result.missed++;
}

static void *watch_main(void *data)
{
	struct watch *w = data;
	uint64_t period = w->window_ns / SAMPLES_PER_WINDOW;
	uint64_t last = clock_ns();

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		uint64_t now, passed;
		unsigned int i;

		clock_sleep_until(last + period);
		now = clock_ns();
		/* More than one period is time the sampler itself was held */
		passed = now - last < 2 * period ? now - last : period;
		for (i = 0; i < w->n; i++)
			watch_vcpu(w, &w->vcpu[i], passed);
		w->result.samples++;
		last = now;
	}
	return NULL;
}

static int watch_thread(struct watch *w)
{
	struct sched_param param = { .sched_priority = WATCH_PRIORITY };
	pthread_attr_t attr;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	ret = pthread_create(&w->thread, &attr, watch_main, w);
	pthread_attr_destroy(&attr);
	return ret;
}

struct watch *watch_start(struct rawvm *const vms[], unsigned int n,
			  unsigned int window_ms)
{
	struct watch *w = calloc(1, sizeof(*w));
	unsigned int i, j;
	int ret;

	if (!w)
		return NULL;
	w->window_ns = window_ms * NSEC_PER_MSEC;
	for (i = 0; i < n; i++) {
		for (j = 0; j < rawvm_nr_vcpus(vms[i]); j++) {
			if (w->n == MAX_VCPUS)
				break;
			w->vcpu[w->n++] = (struct watched) {
				.vm = vms[i], .vcpu = j,
				.seen = rawvm_progress(vms[i], j),
			};
		}
	}
	ret = watch_thread(w);
	if (ret) {
		printf("# watch: cannot start a SCHED_FIFO thread: %s\n",
		       strerror(ret));
		free(w);
		return NULL;
	}
	return w;
}

void watch_stop(struct watch *w, struct watch_result *result)
{
	__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
	pthread_join(w->thread, NULL);
	*result = w->result;
	printf("# longest_standstill: %.6g ms (%s vCPU %u", result->longest_ns / 1e6,
	       result->vm ?: "none", result->vcpu);
	/* Not every kernel counts them. */
	if (result->ran_ns || result->waited_ns)
		printf(", executing %.6g, waiting %.6g", result->ran_ns / 1e6,
		       result->waited_ns / 1e6);
	printf(")\n");
	free(w);
}
