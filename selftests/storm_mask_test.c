// SPDX-License-Identifier: GPL-2.0
/*
 * CPU masks of vCPU threads under fire: children are made while they change,
 * pCPUs go and come back, cpusets are edited, users bind threads by hand.
 *
 * Masks of three pCPUs, because a cpuset of one alone cannot be told from what
 * vmsched does itself (see "Limits" in the design). For the same reason a mask of
 * one CPU is the user's only where a test says so.
 */
#include <sys/mman.h>

#include "lib/cpuset.h"
#include "lib/storm_fixture.h"

#define PCPUS		4
#define VCPUS		2
#define SETTLE_MS	100

/* Those that bind threads come first */
static const char * const schedulers[] = { "rr", "bvt", "native" };

#define MANAGED		2
#define ANY		3

/* What the user wants of each thread; one writer each */
struct wishes {
	struct rawvm *vm;
	struct rawvm *rival;
	cpu_set_t mask[VCPUS];
	/* Linux alone forgets them with the next cpuset or hotplug */
	bool forgotten;
};

/*
 * The VM whose threads it is about, in a cpuset, and one that competes for all
 * pCPUs, so that vCPUs wait and move. NULL on error.
 */
static struct wishes *start_vms(const struct rawvm_spec *spec, const char *cpus)
{
	struct wishes *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED || cpuset_make() || cpuset_set(cpus))
		return NULL;
	w->rival = rawvm_spawn(&(struct rawvm_spec) {
		.name = "rival", .nr_vcpus = PCPUS });
	w->vm = rawvm_spawn(spec);
	if (!w->rival || !w->vm || cpuset_join(rawvm_pid(w->vm)))
		return NULL;
	return w;
}

static void end_vms(struct wishes *w)
{
	rawvm_kill(w->vm);
	rawvm_kill(w->rival);
	cpuset_remove();
}

static void sleep_up_to(struct storm_rng *r, unsigned int us)
{
	clock_sleep_until(clock_ns() + storm_below(r, us) * NSEC_PER_USEC);
}

static int wish(struct wishes *w, unsigned int vcpu, const char *list)
{
	unsigned int tries = 1000;
	int ret = cpus_parse(list, &w->mask[vcpu]);

	if (ret)
		return ret;
	/* Linux refuses a mask when the cpuset is changed at the same time */
	do {
		ret = cpus_pin(rawvm_tid(w->vm, vcpu), list);
	} while (ret == -EINVAL && --tries);
	return ret;
}

/* Threads have exactly the masks that the user wants; native is active */
static bool wishes_are_kept(const struct wishes *w)
{
	char is[64], want[64];
	bool ok = true;
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		cpu_set_t mask;

		if (!sched_getaffinity(rawvm_tid(w->vm, i), sizeof(mask), &mask) &&
		    CPU_EQUAL(&mask, &w->mask[i]))
			continue;
		printf("# vCPU %u: CPU mask is %s, the user wants %s\n", i,
		       cpus_format(&mask, is, sizeof(is)),
		       cpus_format(&w->mask[i], want, sizeof(want)));
		ok = false;
	}
	return ok;
}

static bool change(struct storm *s, unsigned int which)
{
	return !sched_switch(schedulers[storm_below(&s->rng, which)], NULL);
}

/*
 * A thread that is made while its parent's mask is changed may get what both
 * have in common. Of these that are two CPUs: one alone is from vmsched.
 */
static const char * const wide[] = { "0-2", "1-3", "0,2-3", "0-1,3", "0-3" };

static int rewrite_wide(struct storm_worker *w)
{
	struct wishes *wishes = w->data;

	while (!storm_stopped(w)) {
		unsigned int n = 1 + storm_below(&w->rng, 10);
		int ret;

		while (n--) {
			const char *list = wide[storm_below(&w->rng,
							    ARRAY_SIZE(wide))];

			ret = wish(wishes, w->index, list);
			if (ret)
				return ret;
			w->done++;
		}
		/* Time to be bound again, and to make children then */
		sleep_up_to(&w->rng, 3000);
	}
	return 0;
}

TEST_STORM(children_inherit_no_mask_of_vmsched, 200)
{
	struct storm *s = &self->storm;
	unsigned int n = storm_count(3000, 100000);
	uint64_t children, narrow;
	struct wishes *w;

	if (cpus_online() != PCPUS)
		SKIP(return, "needs %u CPUs, has %u", PCPUS, cpus_online());
	w = start_vms(&(struct rawvm_spec) {
		.name = "mother", .kind = RAWVM_IO, .nr_vcpus = VCPUS,
		.breeds = true }, "0-3");
	ASSERT_NE(NULL, w);
	ASSERT_EQ(0, storm_start(s, VCPUS, rewrite_wide, w));
	ASSERT_TRUE(storm_switch_until(s, schedulers, ANY, n, 200));
	storm_done(s, "masks_written", storm_work(s));
	EXPECT_EQ(0, storm_stop(s));
	children = rawvm_children(w->vm, &narrow);
	storm_done(s, "children", children);
	/* A fork takes long on the debug kernel */
	EXPECT_GT(children, n / patience(30));
	EXPECT_EQ(0, narrow);
	EXPECT_TRUE(rawvm_advances(w->vm, HANG_LIMIT_MS));
	ASSERT_EQ(0, sched_switch("native", NULL));
	EXPECT_TRUE(wishes_are_kept(w));
	end_vms(w);
}

/* What a user asked for is gone with the next change of a cpuset or hotplug */
#define FORGETS	"user-mask is missing: Linux alone forgets what a user wants"

/* Worker 0 takes CPUs off and on, worker 1 edits the cpuset */
static int come_and_go(struct storm_worker *w)
{
	int ret = 0;

	while (!ret && !storm_stopped(w)) {
		unsigned int cpu = 1 + storm_below(&w->rng, PCPUS - 1);

		ret = cpus_set_online(cpu, false);
		sleep_up_to(&w->rng, 20000);
		ret = cpus_set_online(cpu, true) ?: ret;
		sleep_up_to(&w->rng, 20000);
		w->done++;
	}
	return ret;
}

static int edit_cpuset(struct storm_worker *w)
{
	/* With a CPU that never goes, and one that each user wants */
	static const char * const sets[] = { "0-2", "0-1", "0,2" };
	int ret = 0;

	while (!ret && !storm_stopped(w)) {
		ret = cpuset_set(sets[storm_below(&w->rng, ARRAY_SIZE(sets))]);
		sleep_up_to(&w->rng, 10000);
	}
	return ret;
}

static int hotplug_worker(struct storm_worker *w)
{
	return w->index ? edit_cpuset(w) : come_and_go(w);
}

/* The thread may run on some CPU that is there, after a moment at most */
static bool has_a_cpu(pid_t tid)
{
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;

	do {
		cpu_set_t mask, online;
		char list[64] = "";
		FILE *f;

		f = fopen("/sys/devices/system/cpu/online", "re");
		if (!f || !fgets(list, sizeof(list), f))
			list[0] = '\0';
		if (f)
			fclose(f);
		list[strcspn(list, "\n")] = '\0';
		if (cpus_parse(list, &online) ||
		    sched_getaffinity(tid, sizeof(mask), &mask))
			return false;
		CPU_AND(&mask, &mask, &online);
		if (CPU_COUNT(&mask))
			return true;
		clock_sleep_ms(1);
	} while (clock_ns() < end);
	printf("# thread %d may not run on any CPU\n", tid);
	return false;
}

static bool all_have_cpus(const struct rawvm *vm)
{
	unsigned int i;

	for (i = 0; i < rawvm_nr_vcpus(vm); i++) {
		if (!has_a_cpu(rawvm_tid(vm, i)))
			return false;
	}
	return true;
}

/* CPUs go @n times, then all is as the user wants it */
static bool hotplug_round(struct storm *s, struct wishes *w, unsigned int n)
{
	uint64_t next;

	if (wish(w, 0, "0,2") || wish(w, 1, "0-2") ||
	    storm_start(s, 2, hotplug_worker, w))
		return false;
	for (next = 2; storm_work(s) < n; next += 2) {
		if (!storm_switch_until(s, schedulers, MANAGED, next, 1) ||
		    !all_have_cpus(w->vm) || !storm_witnesses_advance(s) ||
		    !rawvm_advances(w->vm, HANG_LIMIT_MS))
			return false;
	}
	if (storm_stop(s) || cpuset_set("0-2"))
		return false;
	clock_sleep_ms(SETTLE_MS);
	storm_seed(&s->rng, s->seed += 3);
	return !sched_switch("native", NULL) &&
	       (w->forgotten || wishes_are_kept(w));
}

TEST_STORM(cpus_come_and_go, 200)
{
	struct storm *s = &self->storm;
	unsigned int n = storm_count(24, 500), per_round = 8, done;
	struct wishes *w;
	int lacks;

	if (cpus_online() != PCPUS)
		SKIP(return, "needs %u CPUs, has %u", PCPUS, cpus_online());
	lacks = kernel_lacks("user-mask");
	ASSERT_LE(0, lacks);
	s->expected = KLOG_AFFINE;
	w = start_vms(&(struct rawvm_spec) {
		.name = "wanted", .nr_vcpus = VCPUS }, "0-2");
	ASSERT_NE(NULL, w);
	w->forgotten = lacks;
	if (lacks)
		printf("# not compared, %s: the masks afterwards\n", FORGETS);
	for (done = 0; done < n; done += per_round)
		ASSERT_TRUE(hotplug_round(s, w, per_round));
	storm_done(s, "cpus_off_and_on", done);
	end_vms(w);
}

/* Any cpuset of the next list leaves each of them something */
static const char * const wanted[] = { "0-1", "1-2", "0-2", "0,2", "1" };
static const char * const fought[] = { "0-2", "0-1", "1-2" };

/* Within @want, after a moment at most: vmsched may just have been at it */
static bool obeys(pid_t tid, const cpu_set_t *want, uint64_t *late)
{
	uint64_t end = clock_ns() + HANG_LIMIT_MS * NSEC_PER_MSEC;
	cpu_set_t mask, both;
	char is[64];

	do {
		if (sched_getaffinity(tid, sizeof(mask), &mask))
			return false;
		CPU_AND(&both, &mask, want);
		if (CPU_EQUAL(&both, &mask))
			return true;
		__atomic_add_fetch(late, 1, __ATOMIC_RELAXED);
		sched_yield();
	} while (clock_ns() < end);
	printf("# thread %d: CPU mask stays %s\n", tid,
	       cpus_format(&mask, is, sizeof(is)));
	return false;
}

struct fight {
	struct wishes *wishes;
	uint64_t *late;
};

static int fight(struct storm_worker *w)
{
	const struct fight *f = w->data;
	pid_t tid = rawvm_tid(f->wishes->vm, w->index);

	while (!storm_stopped(w)) {
		const char *list = wanted[storm_below(&w->rng,
						      ARRAY_SIZE(wanted))];

		int ret = wish(f->wishes, w->index, list);

		if (ret)
			return ret;
		if (!obeys(tid, &f->wishes->mask[w->index], f->late))
			return -EPERM;
		if (!storm_below(&w->rng, 4))
			sleep_up_to(&w->rng, 3000);
		w->done++;
	}
	return 0;
}

static int fight_or_edit(struct storm_worker *w)
{
	int ret = 0;

	if (w->index < VCPUS)
		return fight(w);
	while (!ret && !storm_stopped(w)) {
		ret = cpuset_set(fought[storm_below(&w->rng, ARRAY_SIZE(fought))]);
		sleep_up_to(&w->rng, 5000);
	}
	return ret;
}

/* Under a scheduler: threads, and pCPUs that are shown, are what both allow */
static bool is_obeyed(const struct wishes *w, const char *cpuset)
{
	uint64_t cpu, late = 0;
	cpu_set_t allowed, want;
	unsigned int i;

	if (cpuset_set(cpuset) || cpus_parse(cpuset, &allowed))
		return false;
	clock_sleep_ms(SETTLE_MS);
	for (i = 0; i < VCPUS; i++) {
		pid_t tid = rawvm_tid(w->vm, i);

		CPU_AND(&want, &allowed, &w->mask[i]);
		if (!obeys(tid, &want, &late))
			return false;
		if (vcpu_u64(tid, "cpu", &cpu) || !CPU_ISSET(cpu, &want)) {
			printf("# vCPU %u is shown on pCPU %ju\n", i,
			       (uintmax_t)cpu);
			return false;
		}
	}
	return true;
}

static bool fight_round(struct storm *s, struct fight *f, unsigned int n)
{
	const char *last = fought[storm_below(&s->rng, ARRAY_SIZE(fought))];
	struct wishes *w = f->wishes;

	if (storm_start(s, VCPUS + 1, fight_or_edit, f) ||
	    !storm_switch_until(s, schedulers, ANY, n, 50) || storm_stop(s))
		return false;
	storm_seed(&s->rng, s->seed += VCPUS + 2);
	/* The cpuset alone: two CPUs of it are left, see "Limits" */
	if (!change(s, MANAGED) || !is_obeyed(w, "0-2") ||
	    !rawvm_advances(w->vm, HANG_LIMIT_MS) ||
	    sched_switch("native", NULL) || !wishes_are_kept(w))
		return false;
	return !wish(w, 0, "0-2") && !wish(w, 1, "0-2") &&
	       change(s, MANAGED) && is_obeyed(w, last) && is_obeyed(w, "0-2");
}

TEST_STORM(user_wins, 400)
{
	struct storm *s = &self->storm;
	unsigned int n = storm_count(800, 10000), per_round = 200, done;
	struct fight f;
	int lacks;

	if (cpus_online() != PCPUS)
		SKIP(return, "needs %u CPUs, has %u", PCPUS, cpus_online());
	lacks = kernel_lacks("user-mask");
	ASSERT_LE(0, lacks);
	if (lacks)
		SKIP(return, FORGETS);
	f.wishes = start_vms(&(struct rawvm_spec) {
		.name = "wanted", .nr_vcpus = VCPUS }, "0-2");
	ASSERT_NE(NULL, f.wishes);
	f.late = mmap(NULL, sizeof(*f.late), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, f.late);
	for (done = 0; done < n; done += per_round)
		ASSERT_TRUE(fight_round(s, &f, per_round));
	storm_done(s, "wishes", done);
	metric("looked_at_too_early", *f.late, "");
	end_vms(f.wishes);
}

TEST_HARNESS_MAIN
