/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Netlink attributes into the structs of model.h, and the extended ACK into
 * text. Takes whatever bytes come; no library, no socket.
 */
#ifndef VMSCHEDCTL_WIRE_H
#define VMSCHEDCTL_WIRE_H

#include <stddef.h>

#include "model.h"
#include "nl.h"

/*
 * Fill @obj, which is all zero or was filled before. Attributes not in the
 * table are skipped: a newer module may send more. One that is missing is an
 * error: the rest of the program relies on it. Returns 0 or -errno.
 */
int wire_parse(const struct model *model, void *obj, const void *attrs,
	       size_t len, struct conn_error *error);

/* What was sent, to find the attribute that the kernel complains about */
struct wire_request {
	const struct model *model;	/* NULL if it had no attributes */
	const void *attrs;
	size_t len;
	size_t offset;			/* of the attributes in the message */
};

void wire_parse_extack(const struct wire_request *request, const void *attrs,
		       size_t len, struct conn_error *error);

#endif /* VMSCHEDCTL_WIRE_H */
