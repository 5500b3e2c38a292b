/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Talk to the module's netlink family: one request, one dump, events.
 *
 * All functions return 0 or a negative errno; conn_error() then has what the
 * kernel said about it.
 */
#ifndef VMSCHEDCTL_NL_H
#define VMSCHEDCTL_NL_H

#include <stdbool.h>

#include "model.h"

struct conn;

/* Why the kernel refused the last request */
struct conn_error {
	char text[256];		/* extended ACK, empty if there was none */
	const struct field *field; /* the attribute at fault, or NULL */
	bool missing;		/* the attribute at fault was not given */
};

struct event {
	const char *name;		/* NULL for one not known here */
	int cmd;
	const struct model *model;	/* NULL if it carries no object */
	void *obj;
};

/* -ENOENT: no such family, so the module is not loaded. */
int conn_open(struct conn **nl);
void conn_close(struct conn *nl);
const struct conn_error *conn_error(const struct conn *nl);

/*
 * Send the attributes that @in has (@in may be NULL), fill @out with the
 * answer (NULL if none is expected).
 */
int conn_call(struct conn *nl, int cmd,
	      const struct model *in_model, const void *in,
	      const struct model *out_model, void *out);

/* Fill @out, whose model must be set, with all objects. */
int conn_dump(struct conn *nl, int cmd,
	      const struct model *in_model, const void *in, struct list *out);

/*
 * Call @fn for each event until it returns non-zero, which is returned, or
 * until the module is gone, which gives -ENODEV. Events that did not fit the
 * receive buffer are told by an event named "lost".
 */
int conn_events(struct conn *nl,
		int (*fn)(const struct event *event, void *arg), void *arg);

#endif /* VMSCHEDCTL_NL_H */
