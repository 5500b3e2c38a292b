/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which values the parameters of struct vmsched_params may have, for the core and for
 * programs that read them from elsewhere. Whoever includes this defines
 *
 *	RANGE(attribute, name, field, least, most, zero)
 *
 * with the numbers in the unit of the field; zero: 0 stands for "none" too. There
 * is no guard: it may be included more than once.
 */
RANGE(WEIGHT, "weight", weight, VMSCHED_WEIGHT_MIN, VMSCHED_WEIGHT_MAX, false)
RANGE(CAP, "cap", cap, 1, 1000000, true)
RANGE(RESERVATION, "reservation", reservation, 1, 1000000, true)
RANGE(PERIOD_US, "period-us", period_us, 100, 10 * USEC_PER_SEC, true)
RANGE(BUDGET_US, "budget-us", budget_us, 100, 10 * USEC_PER_SEC, true)
RANGE(SLICE_US, "slice-us", slice_us, 100, USEC_PER_SEC, true)
RANGE(WARP_US, "warp-us", warp_us, 0, 10 * USEC_PER_SEC, true)
RANGE(WARP_LIMIT_US, "warp-limit-us", warp_limit_us, 100, 10 * USEC_PER_SEC, true)
RANGE(UNWARP_US, "unwarp-us", unwarp_us, 0, 10 * USEC_PER_SEC, true)
RANGE(TIME_CRITICAL, "time-critical", time_critical, 0, 1, true)
#undef RANGE
