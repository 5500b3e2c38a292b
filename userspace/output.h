/* SPDX-License-Identifier: GPL-2.0 */
/* What a command has found, as the user wants it: for people or as JSON. */
#ifndef VMSCHEDCTL_OUTPUT_H
#define VMSCHEDCTL_OUTPUT_H

#include "cmd.h"
#include "print.h"

/* Both return an exit code. */
int output_list(const struct ctx *ctx, const struct list *list,
		const struct column *columns);
int output_object(const struct ctx *ctx, const struct model *model,
		  const void *obj);

/* A whole command: all that the kernel has to dump for @cmd. */
int output_all(struct ctx *ctx, int argc, char **argv, __u8 cmd,
	       const struct model *model, const struct column *columns);

#endif /* VMSCHEDCTL_OUTPUT_H */
