/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The init program of the Linux guest that tests and demo run under KVM.
 * Its kernel command line names one job (vmsched.job=); each job prints one
 * line a second on the console and runs until the VM is ended:
 *
 *	spin	progress <loops>
 *	steal	steal <ticks> user <ticks> total <ticks> ms <clock>	(spins as well)
 *	tick	tick <wakes> p50 <us> p99 <us> max <us>
 *	disk	io <operations>
 *	net	net <bytes>
 *	idle	idle <seconds>
 *	echo	echo <lines> sent <lines>	(on a console of its own, see job_echo.c)
 *	ask	ask <rounds> answers <n> handled <n> weight <its own>
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __noreturn	__attribute__((noreturn))
#define __aligned(x)	__attribute__((aligned(x)))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Print "error <what>: <errno>" and power off: a guest that cannot do its job ends. */
__noreturn void fail(const char *what);

/* Copy the value of KEY on the kernel command line. */
bool cmdline_value(const char *key, char *value, size_t size);

uint64_t now_ns(void);

/* Sleep until the next full second since the first call. */
void next_second(void);

/* One busy loop per CPU, for ever. */
void start_spinners(void);
uint64_t spinners_progress(void);

void job_spin(void);
void job_steal(void);
void job_tick(void);
void job_disk(void);
void job_net(void);
void job_idle(void);
void job_echo(void);
void job_ask(void);

#endif
