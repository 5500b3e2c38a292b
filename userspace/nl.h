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

typedef int event_fn(const struct event *event, void *arg);

/*
 * Call @fn for each event until it returns non-zero, which is returned, or
 * until the module is gone, which gives -ENODEV. Events that did not fit the
 * receive buffer are told by an event named "lost".
 */
int conn_events(struct conn *nl, event_fn *fn, void *arg);

/* The same for a program that waits for other things as well. */
struct listener;

int listener_open(struct listener **listener, event_fn *fn, void *arg);
void listener_close(struct listener *listener);
/* To be polled for input */
int listener_fd(const struct listener *listener);
/* Take what has come; 0, what @fn returned, -ENODEV or another -errno. */
int listener_read(struct listener *listener);
/* Let conn_error(@nl) tell why the last request of the listener was refused. */
void listener_explain(const struct listener *listener, struct conn *nl);
/* A request from the socket to which the kernel sends, as conn_call() */
int listener_call(struct listener *listener, int cmd,
		  const struct model *model, const void *in);

#endif /* VMSCHEDCTL_NL_H */
