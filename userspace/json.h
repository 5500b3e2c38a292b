/* SPDX-License-Identifier: GPL-2.0 */
/* The structs of model.h as JSON, one value on standard output. */
#ifndef VMSCHEDCTL_JSON_H
#define VMSCHEDCTL_JSON_H

#include <stdbool.h>

#include "model.h"
#include "nl.h"

struct recording;

/* All return an exit code. */
int json_print_object(bool pretty, const struct model *model, const void *obj);
int json_print_list(bool pretty, const struct list *list);
int json_print_status(bool pretty, const struct status *status,
		      const struct list *pools);
int json_print_version(bool pretty, const char *version);
int json_print_unload(bool pretty, const char *name, const char *module);
/* @id 0: nobody */
int json_print_owner(bool pretty, const char *pool, __u64 id, const char *name);
int json_print_recording(bool pretty, const struct recording *done);
int json_print_event(__u64 time_ns, const struct event *event);

#endif /* VMSCHEDCTL_JSON_H */
