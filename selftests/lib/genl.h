/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink on a plain socket, for what vmschedctl does not show: the
 * exact message, the extended ACK, each part of a dump, events.
 */
#ifndef SELFTESTS_GENL_H
#define SELFTESTS_GENL_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vmsched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GENL_MSG_SIZE		2048
#define GENL_TEXT_SIZE		256
/* The smallest that holds what the kernel puts into one message */
#define GENL_PART_SIZE		4096

/* One message that nobody asked for; empty if none came */
struct genl_told {
	union {
		struct nlmsghdr msg;
		uint8_t buf[GENL_PART_SIZE];
	};
};

struct genl {
	int fd;
	uint16_t family;
	uint32_t events;	/* multicast group */
	uint32_t seq;
	struct genl_told *early;	/* came while an answer was awaited */
};

/* A request; an attribute is known by its offset in the message */
struct genl_msg {
	union {
		struct nlmsghdr hdr;
		uint8_t buf[GENL_MSG_SIZE];
	};
};

/* How a request ended, and what the extended ACK says */
struct genl_ack {
	int error;			/* 0 or -errno of the kernel */
	char text[GENL_TEXT_SIZE];	/* "" if there is none */
	long offset;			/* of the attribute at fault; -1: none */
	long miss_type;			/* of the one that is missing; -1: none */
	unsigned int messages;		/* answers, or objects of a dump */
	unsigned int parts;		/* what recv() gave */
	bool interrupted;		/* NLM_F_DUMP_INTR was set */
};

typedef void genl_fn(const struct nlmsghdr *msg, void *arg);

/* Open and find the family "vmsched"; -ENOENT if it is not there */
int genl_open(struct genl *g);
/* Open for the family of that number, without a look whether it is there */
int genl_open_as(struct genl *g, uint16_t family);
void genl_close(struct genl *g);

/* Become a member of the group of events; -errno */
int genl_join(struct genl *g);

void genl_begin(struct genl *g, struct genl_msg *m, uint8_t cmd,
		uint16_t flags);
/* Each returns the offset of the attribute in the message */
long genl_put(struct genl_msg *m, uint16_t type, const void *data, size_t len);
long genl_put_u32(struct genl_msg *m, uint16_t type, uint32_t value);
long genl_put_u64(struct genl_msg *m, uint16_t type, uint64_t value);
long genl_put_text(struct genl_msg *m, uint16_t type, const char *text);
long genl_nest(struct genl_msg *m, uint16_t type);
void genl_nest_end(struct genl_msg *m, long nest);

int genl_send(struct genl *g, const struct genl_msg *m);
/* Take one message; true if it was the last one of the request */
bool genl_take(const struct nlmsghdr *msg, struct genl_ack *ack, genl_fn *fn,
	       void *arg);
/* One recv(): 1 if the request is done, 0 if more will come, -errno */
int genl_read(struct genl *g, struct genl_ack *ack, genl_fn *fn, void *arg);
/* The next one, which must be a @cmd; else says what came */
bool genl_next(struct genl *g, uint8_t cmd, struct genl_told *told);

/* Send, and read to the end; 0 if @ack was filled */
int genl_call(struct genl *g, struct genl_msg *m, struct genl_ack *ack,
	      genl_fn *fn, void *arg);

/*
 * A command about a switch of pool default, to @to if it is not NULL, that must have
 * ceased within @ms if that is not 0; error of the kernel, its words in @ack.
 */
int genl_switch_in(struct genl *g, uint8_t cmd, const char *to, unsigned int ms,
		   struct genl_ack *ack);
/* With time enough for any vCPU */
int genl_switch_patiently(struct genl *g, const char *to, struct genl_ack *ack);

/* Switch pool default; error of the kernel. Costs far less than a program. */
int genl_switch(struct genl *g, const char *to);

/* Attribute of a message or of a nest; NULL if it is not there */
const struct nlattr *genl_attr(const struct nlmsghdr *msg, uint16_t type);
const struct nlattr *genl_nested(const struct nlattr *nest, uint16_t type);
/* 0 or "" for an attribute that is not there */
uint32_t genl_u32(const struct nlattr *attr);
uint64_t genl_u64(const struct nlattr *attr);
const char *genl_text(const struct nlattr *attr);

static inline uint8_t genl_cmd(const struct nlmsghdr *msg)
{
	return ((const struct genlmsghdr *)NLMSG_DATA(msg))->cmd;
}

#endif /* SELFTESTS_GENL_H */
