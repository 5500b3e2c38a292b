/* SPDX-License-Identifier: GPL-2.0 */
/* The structs of model.h for people: a table of many, a list of one. */
#ifndef VMSCHEDCTL_PRINT_H
#define VMSCHEDCTL_PRINT_H

#include "model.h"
#include "nl.h"

struct column {
	const char *head;
	int attr;		/* of the model, or of its parameters */
	bool of_params;
};

/* Columns end with one without a head. Returns an exit code. */
int print_list(const struct list *list, const struct column *columns);
void print_object(const struct model *model, const void *obj);
void print_switch(const struct switch_info *info);
void print_event(__u64 time_ns, const struct event *event);
void print_status(const struct status *status, const struct list *pools);

#endif /* VMSCHEDCTL_PRINT_H */
