/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the benchmark share. Each prints figures; a figure stands
 * beside that of its peers, which are measured in the same boot.
 *
 * Time is virtual: one instruction is one nanosecond (scripts/vm --icount), so
 * every figure in ns or us is a number of instructions as well.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* ARRAY_SIZE() */
#include "kselftest.h"

struct rawvm;

/* One line of JSON: what, of whom (a peer or a state of vmsched), how much */
void figure(const char *bench, const char *who, const char *what, double value,
	    const char *unit);

/* End the program: nothing is measured after a failure */
__attribute__((noreturn, format(printf, 1, 2)))
void die(const char *fmt, ...);

/* Module and schedulers in or out; both die on failure */
void vmsched_load(void);
void vmsched_unload(void);

/* vmschedctl, dies on failure */
__attribute__((format(printf, 1, 2)))
void ctl(const char *fmt, ...);

/* Write @text to @path, dies on failure */
void write_file(const char *path, const char *text);

/* Figure that the module vmsched_peer shows as its parameter @name */
double peer_figure(const char *name);
void peer_load(const char *params);
void peer_unload(void);

/* What can be done for one guest among others (ways.c) */
struct way {
	const char *name;
	const char *scheduler;	/* of vmsched, or NULL: Linux decides */
	const char *params;	/* for vmschedctl vm set */
	uint32_t policy;	/* else of its thread */
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;	/* slice, or of a period of 10 ms */
};

void way_begin(const struct way *way);
void way_favour(const struct way *way, struct rawvm *vm);
void way_end(const struct way *way);

/* Spinning guests, and their work together in loops */
#define MAX_SPINNERS	7
void spinners_start(struct rawvm *spin[], int n);
void spinners_end(struct rawvm *spin[], int n);
uint64_t spinners_work(struct rawvm *spin[], int n);

void bench_exit_tax(void);
void bench_switch_tax(void);
void bench_activation(void);
void bench_swap(void);
void bench_wake(void);
void bench_heavy(void);
void bench_fairness(void);
void bench_scale(void);

#endif /* BENCH_H */
