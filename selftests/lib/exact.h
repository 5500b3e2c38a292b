/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How far the clock of the machine can be trusted.
 *
 * Limits in milliseconds hold on hardware, and under emulation with one CPU,
 * where scripts/vm --icount makes time follow the instructions. An emulator
 * with several CPUs follows the clock of a host that it shares: there a limit
 * can only tell what hangs from what does not. So it is on the debug kernel,
 * most of whose time goes to its checkers.
 */
#ifndef SELFTESTS_EXACT_H
#define SELFTESTS_EXACT_H

#include <cpuid.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "cpus.h"

#define HANG_LIMIT_MS		30000
/* On the debug kernel it takes a second to start a program, and more */
#define DEBUG_PATIENCE		6
#define CPUID_HYPERVISOR	0x40000000

static inline bool kernel_is_debug(void)
{
	return !access("/sys/kernel/debug/kmemleak", F_OK) ||
	       !access("/sys/kernel/debug/kcsan", F_OK);
}

static inline int patience(int seconds)
{
	return kernel_is_debug() ? seconds * DEBUG_PATIENCE : seconds;
}

static inline bool clock_is_exact(void)
{
	unsigned int eax, sig[3];

	if (kernel_is_debug())
		return false;
	__cpuid(CPUID_HYPERVISOR, eax, sig[0], sig[1], sig[2]);
	return memcmp(sig, "TCGTCGTCGTCG", sizeof(sig)) || cpus_online() == 1;
}

/*
 * What the watchdog of schedulers is to wait for: where a host takes seconds from the
 * emulator, nobody runs meanwhile, which is not the scheduler's fault.
 */
#define WATCHDOG_MS		500
#define WATCHDOG_MAX_MS		10000

static inline unsigned int watchdog_ms(void)
{
	return clock_is_exact() ? WATCHDOG_MS : WATCHDOG_MAX_MS;
}

/* @ms where time is exact, else what tells a hang */
static inline unsigned int limit_ms(unsigned int ms)
{
	return clock_is_exact() ? ms : HANG_LIMIT_MS;
}

#endif /* SELFTESTS_EXACT_H */
