// SPDX-License-Identifier: GPL-2.0
/* The command that asks for something on behalf of a VM. */
#include <net/genetlink.h>

#include "compat.h"
#include "netlink_gen.h"
#include "netlink_util.h"
#include "request.h"
#include "vmsched.h"

static int parse_request(struct genl_info *info, struct vms_request *req)
{
	struct nlattr **attrs = info->attrs;

	if (!attrs[VMSCHED_A_REQUEST_KIND])
		return vms_nl_missing(info, VMSCHED_A_REQUEST_KIND, "kind");
	if (!attrs[VMSCHED_A_REQUEST_VM_ID])
		return vms_nl_missing(info, VMSCHED_A_REQUEST_VM_ID, "vm-id");
	req->kind = nla_get_u32(attrs[VMSCHED_A_REQUEST_KIND]);
	req->vm_id = nla_get_u64(attrs[VMSCHED_A_REQUEST_VM_ID]);
	req->has_weight = attrs[VMSCHED_A_REQUEST_WEIGHT];
	if (req->has_weight)
		req->weight = nla_get_u32(attrs[VMSCHED_A_REQUEST_WEIGHT]);
	return 0;
}

int vmsched_nl_request_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vms_request req = {};
	struct sk_buff *reply;
	void *hdr;
	int err;

	err = vms_nl_may_write(skb, info);
	if (err)
		return err;
	err = parse_request(info, &req);
	if (err)
		return err;
	/* Before it is done: after that nothing may fail. */
	reply = vms_nl_reply_new(info, &hdr);
	if (!reply)
		return vms_nl_no_memory(info);
	err = vms_request_run(&req);
	if (err)
		return vms_nl_refuse(reply, info, err, req.attr, req.why);
	return vms_nl_reply_end(reply, hdr, vms_fill_request(reply, &req), info);
}
