// SPDX-License-Identifier: GPL-2.0
/*
 * The only file that knows libnl: the sockets, one request, one dump, events.
 *
 * libnl 3.7 does not hand the extended ACK out and ignores the error that ends
 * a dump, so both have callbacks of their own here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "nl.h"
#include "wire.h"

#define DUMP_TRIES 3
#define EVENT_BUFFER (1024 * 1024)

struct conn {
	struct nl_sock *sock;
	int family;
	struct conn_error error;
	/* The exchange under way */
	struct nlmsghdr *request;
	const struct model *in_model;
	const struct model *out_model;
	void *out;
	struct list *out_list;
	int result;
	bool done;
	bool answered;
	bool interrupted;
};

/* --- Coding --- */

static int put_model(struct nl_msg *msg, const struct model *model,
		     const void *obj);

static int put_field(struct nl_msg *msg, const struct field *field,
		     const void *obj)
{
	struct nlattr *nest;
	int err;

	switch (field->kind) {
	case FIELD_TEXT:
		return nla_put_string(msg, field->attr,
				      *field_text(field, obj));
	case FIELD_U64:
	case FIELD_NS:
		return nla_put_u64(msg, field->attr, field_u64(field, obj));
	case FIELD_PARAMS:
		nest = nla_nest_start(msg, field->attr);
		if (!nest)
			return -NLE_NOMEM;
		err = put_model(msg, &params_model,
				(const char *)obj + field->offset);
		nla_nest_end(msg, nest);
		return err;
	default:
		return nla_put_u32(msg, field->attr, field_u32(field, obj));
	}
}

static int put_model(struct nl_msg *msg, const struct model *model,
		     const void *obj)
{
	__u64 have = *(const __u64 *)obj;
	const struct field *field;
	int err;

	for (field = model->fields; field->key; field++) {
		if (!field->attr || !(have & MODEL_BIT(field->attr)))
			continue;
		err = put_field(msg, field, obj);
		if (err < 0)
			return err;
	}
	return 0;
}

/* --- Decoding --- */

static int parse_message(struct conn *nl, const struct model *model,
			 void *obj, struct nlmsghdr *hdr)
{
	struct genlmsghdr *genl = nlmsg_data(hdr);

	return wire_parse(model, obj, genlmsg_attrdata(genl, 0),
			  genlmsg_attrlen(genl, 0), &nl->error);
}

static void parse_extack(struct conn *nl, const void *attrs, size_t len)
{
	struct genlmsghdr *genl = nlmsg_data(nl->request);
	const struct wire_request request = {
		.model = nl->in_model,
		.attrs = genlmsg_attrdata(genl, 0),
		.len = genlmsg_attrlen(genl, 0),
		.offset = NLMSG_HDRLEN + GENL_HDRLEN,
	};

	wire_parse_extack(&request, attrs, len, &nl->error);
}

/* --- Callbacks of libnl --- */

static int on_error(struct sockaddr_nl *who, struct nlmsgerr *err, void *arg)
{
	struct nlmsghdr *hdr = (void *)((char *)err - NLMSG_HDRLEN);
	size_t skip = sizeof(*err);
	struct conn *nl = arg;

	(void)who;
	nl->result = err->error;
	nl->done = true;
	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS))
		return NL_STOP;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(err->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (hdr->nlmsg_len > NLMSG_HDRLEN + skip)
		parse_extack(nl, (void *)((char *)err + skip),
			     hdr->nlmsg_len - NLMSG_HDRLEN - skip);
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct conn *nl = arg;

	(void)msg;
	nl->done = true;
	return NL_STOP;
}

/* The end of a dump carries the error that ended it, which libnl ignores. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct conn *nl = arg;
	int result;

	nl->done = true;
	if (nlmsg_datalen(hdr) < (int)sizeof(result))
		return NL_STOP;
	memcpy(&result, nlmsg_data(hdr), sizeof(result));
	if (result >= 0)
		return NL_STOP;
	nl->result = result;
	if (hdr->nlmsg_flags & NLM_F_ACK_TLVS)
		parse_extack(nl, (int *)nlmsg_data(hdr) + 1,
			     nlmsg_datalen(hdr) - sizeof(result));
	return NL_STOP;
}

static int on_interrupted(struct nl_msg *msg, void *arg)
{
	struct conn *nl = arg;

	(void)msg;
	nl->interrupted = true;
	return NL_OK;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct conn *nl = arg;
	void *obj = nl->out;
	int err;

	/* After a failure read on to the end, the socket may be used again. */
	if (nl->result || !nl->out_model)
		return NL_OK;
	if (nl->out_list)
		obj = list_add(nl->out_list);
	if (!obj) {
		nl->result = -ENOMEM;
		return NL_OK;
	}
	nl->answered = true;
	err = parse_message(nl, nl->out_model, obj, nlmsg_hdr(msg));
	if (err)
		nl->result = err;
	return NL_OK;
}

static int nle_to_errno(int err)
{
	switch (-err) {
	case NLE_NOMEM:
		return -ENOBUFS;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_MSGSIZE:
	case NLE_RANGE:
		return -EMSGSIZE;
	default:
		return -EIO;
	}
}

/* --- Connection --- */

static int set_options(struct nl_sock *sock)
{
	int fd = nl_socket_get_fd(sock);
	int on = 1;

	if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		       sizeof(on)))
		return -errno;
	return 0;
}

static int set_callbacks(struct conn *nl)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	if (!cb)
		return -ENOMEM;
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, nl);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, nl);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, nl);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, nl);
	nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, nl);
	nl_socket_set_cb(nl->sock, cb);
	nl_cb_put(cb);
	return 0;
}

static int connect_family(struct conn *nl)
{
	int err;

	err = genl_connect(nl->sock);
	if (err < 0)
		return nle_to_errno(err);
	err = set_options(nl->sock);
	if (err)
		return err;
	nl->family = genl_ctrl_resolve(nl->sock, VMSCHED_FAMILY_NAME);
	if (nl->family < 0)
		return nle_to_errno(nl->family);
	return set_callbacks(nl);
}

int conn_open(struct conn **out)
{
	struct conn *nl = calloc(1, sizeof(*nl));
	int err = -ENOMEM;

	*out = NULL;
	if (!nl)
		return err;
	nl->sock = nl_socket_alloc();
	if (nl->sock)
		err = connect_family(nl);
	if (err) {
		conn_close(nl);
		return err;
	}
	*out = nl;
	return 0;
}

void conn_close(struct conn *nl)
{
	if (!nl)
		return;
	nl_socket_free(nl->sock);
	free(nl);
}

const struct conn_error *conn_error(const struct conn *nl)
{
	return &nl->error;
}

/* --- Requests --- */

static struct nl_msg *make_request(struct conn *nl, int cmd, int flags,
				   const struct model *model, const void *in)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg)
		return NULL;
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0, flags,
			 cmd, VMSCHED_FAMILY_VERSION) ||
	    (in && put_model(msg, model, in) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int exchange(struct conn *nl, struct nl_msg *msg)
{
	int err;

	memset(&nl->error, 0, sizeof(nl->error));
	nl->request = nlmsg_hdr(msg);
	nl->result = 0;
	nl->done = false;
	nl->answered = false;
	nl->interrupted = false;
	err = nl_send_auto(nl->sock, msg);
	while (err >= 0 && !nl->done)
		err = nl_recvmsgs_default(nl->sock);
	nl->request = NULL;
	/* libnl's own error numbers say less than the kernel's. */
	return nl->done ? nl->result : nle_to_errno(err);
}

int conn_call(struct conn *nl, int cmd,
	      const struct model *in_model, const void *in,
	    const struct model *out_model, void *out)
{
	struct nl_msg *msg = make_request(nl, cmd, 0, in_model, in);
	int err;

	if (!msg)
		return -EMSGSIZE;
	nl->in_model = in_model;
	nl->out_model = out_model;
	nl->out = out;
	nl->out_list = NULL;
	err = exchange(nl, msg);
	nlmsg_free(msg);
	if (err || !out_model || nl->answered)
		return err;
	snprintf(nl->error.text, sizeof(nl->error.text),
		 "the module gave no answer about the %s", out_model->noun);
	return -EPROTO;
}

int conn_dump(struct conn *nl, int cmd,
	      const struct model *in_model, const void *in, struct list *out)
{
	int tries = DUMP_TRIES;
	struct nl_msg *msg;
	int err;

	do {
		list_clear(out);
		msg = make_request(nl, cmd, NLM_F_DUMP, in_model, in);
		if (!msg)
			return -EMSGSIZE;
		nl->in_model = in_model;
		nl->out_model = out->model;
		nl->out_list = out;
		err = exchange(nl, msg);
		nlmsg_free(msg);
	} while (!err && nl->interrupted && --tries);

	/* What is there after the last try is whole objects, maybe not all. */
	return err;
}

/* --- Events --- */

struct listener {
	struct conn *nl;
	event_fn *fn;
	void *arg;
	int result;
};

static const struct {
	const char *name;
	const struct model *model;
} event_kinds[] = {
	[VMSCHED_CMD_FAULT_NTF] = { "fault", &fault_model },
	[VMSCHED_CMD_SWITCH_NTF] = { "switch", &switch_model },
	[VMSCHED_CMD_VM_ADD_NTF] = { "vm-add", &vm_model },
	[VMSCHED_CMD_VM_DEL_NTF] = { "vm-del", &vm_model },
	[VMSCHED_CMD_SCHED_ADD_NTF] = { "sched-add", &sched_model },
	[VMSCHED_CMD_SCHED_DEL_NTF] = { "sched-del", &sched_model },
	[VMSCHED_CMD_CONSOLE_CEASE_NTF] = { "console-cease", &console_model },
	[VMSCHED_CMD_CONSOLE_RESUME_NTF] = { "console-resume", &console_model },
	[VMSCHED_CMD_OWNER_NTF] = { "owner", &owner_model },
	[VMSCHED_CMD_POOL_ADD_NTF] = { "pool-add", &pool_model },
	[VMSCHED_CMD_POOL_SET_NTF] = { "pool-set", &pool_model },
	[VMSCHED_CMD_POOL_DEL_NTF] = { "pool-del", &pool_model },
	[VMSCHED_CMD_VM_SET_NTF] = { "vm-set", &vm_model },
};

static bool family_gone(struct nlmsghdr *hdr)
{
	struct genlmsghdr *genl = nlmsg_data(hdr);
	struct nlattr *name;

	if (genl->cmd != CTRL_CMD_DELFAMILY)
		return false;
	name = nla_find(genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0),
			CTRL_ATTR_FAMILY_NAME);
	return name && !nla_strcmp(name, VMSCHED_FAMILY_NAME);
}

static int deliver(struct listener *l, struct nlmsghdr *hdr)
{
	struct genlmsghdr *genl = nlmsg_data(hdr);
	struct event event = { .cmd = genl->cmd };
	int err = 0;

	if (event.cmd < (int)(sizeof(event_kinds) / sizeof(*event_kinds))) {
		event.name = event_kinds[event.cmd].name;
		event.model = event_kinds[event.cmd].model;
	}
	if (event.model) {
		event.obj = calloc(1, event.model->size);
		if (!event.obj)
			return -ENOMEM;
		err = parse_message(l->nl, event.model, event.obj, hdr);
	}
	if (!err)
		err = l->fn(&event, l->arg);
	if (event.model)
		model_clear(event.model, event.obj);
	free(event.obj);
	return err;
}

static int on_event(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct listener *l = arg;

	if (!genlmsg_valid_hdr(hdr, 0))
		return NL_SKIP;
	if (hdr->nlmsg_type == GENL_ID_CTRL)
		l->result = family_gone(hdr) ? -ENODEV : 0;
	else if (hdr->nlmsg_type == l->nl->family)
		l->result = deliver(l, hdr);
	return l->result ? NL_STOP : NL_OK;
}

/* Resolve both groups before an event can come between the answers. */
static int listen_events(struct nl_sock *sock)
{
	int size = EVENT_BUFFER;
	int events, families;
	int err;

	events = genl_ctrl_resolve_grp(sock, VMSCHED_FAMILY_NAME,
				       VMSCHED_MCGRP_EVENTS);
	if (events < 0)
		return nle_to_errno(events);
	families = genl_ctrl_resolve_grp(sock, "nlctrl", "notify");
	if (families < 0)
		return nle_to_errno(families);

	/* Beyond rmem_max for those who may. */
	if (setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVBUFFORCE,
		       &size, sizeof(size)))
		nl_socket_set_buffer_size(sock, size, 0);
	nl_socket_disable_seq_check(sock);
	err = nl_socket_add_memberships(sock, events, families, 0);
	return err < 0 ? nle_to_errno(err) : 0;
}

int listener_open(struct listener **out, event_fn *fn, void *arg)
{
	struct listener *l = calloc(1, sizeof(*l));
	int err;

	*out = NULL;
	if (!l)
		return -ENOMEM;
	l->fn = fn;
	l->arg = arg;
	err = conn_open(&l->nl);
	if (!err)
		err = listen_events(l->nl->sock);
	if (err) {
		listener_close(l);
		return err;
	}
	nl_socket_modify_cb(l->nl->sock, NL_CB_VALID, NL_CB_CUSTOM, on_event, l);
	*out = l;
	return 0;
}

void listener_close(struct listener *l)
{
	if (!l)
		return;
	conn_close(l->nl);
	free(l);
}

int listener_fd(const struct listener *l)
{
	return nl_socket_get_fd(l->nl->sock);
}

int listener_read(struct listener *l)
{
	const struct event lost = { .name = "lost" };
	int err = nl_recvmsgs_default(l->nl->sock);

	if (err < 0)
		err = nle_to_errno(err);
	if (err == -ENOBUFS)
		return l->fn(&lost, l->arg);
	return err < 0 ? err : l->result;
}

int listener_call(struct listener *l, int cmd, const struct model *model,
		  const void *in)
{
	int err = conn_call(l->nl, cmd, model, in, NULL, NULL);

	/* An event that came before the answer has been told meanwhile. */
	return err ?: l->result;
}

void listener_explain(const struct listener *l, struct conn *nl)
{
	if (l)
		nl->error = l->nl->error;
}

int conn_events(struct conn *nl, event_fn *fn, void *arg)
{
	struct listener *l;
	int err = listener_open(&l, fn, arg);

	while (!err)
		err = listener_read(l);
	listener_explain(l, nl);
	listener_close(l);
	return err;
}
