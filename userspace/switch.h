/* SPDX-License-Identifier: GPL-2.0 */
/* Change the scheduler that is active in a pool. All return an exit code. */
#ifndef VMSCHEDCTL_SWITCH_H
#define VMSCHEDCTL_SWITCH_H

#include "cmd.h"

int cmd_switch(struct ctx *ctx, int argc, char **argv);
int cmd_previous(struct ctx *ctx, int argc, char **argv);

/* Every pool that uses @sched turns to the one before, or else to native. */
int switch_away(struct ctx *ctx, const struct sched *sched);

#endif /* VMSCHEDCTL_SWITCH_H */
