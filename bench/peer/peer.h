/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSCHED_PEER_H
#define VMSCHED_PEER_H

#include <linux/types.h>

ulong peer_switch_ns(bool notifier);

#endif /* VMSCHED_PEER_H */
