// SPDX-License-Identifier: GPL-2.0
//
// Refusals without a word. Looked at is each function that could say why: it
// has a genl_info, an extack, the callback of a dump, or a request for a switch
// or on behalf of a VM. No way through it may lead to an error that it makes up itself, or hands on
// from one that had no means to speak, unless a message was set on that way.
//
// So an errno must be written after its message, and not as a default before
// it is known whether there is an error at all. -EMSGSIZE refuses nothing: it
// has a dump go on in its next message.

virtual report

@scope@
identifier T = {genl_info, netlink_ext_ack, netlink_callback, vms_switch, vms_request};
identifier f, i;
position where;
@@
f@where(..., struct T *i, ...) { ... }

@made_up exists@
identifier scope.f;
expression x;
identifier e;
type t;
constant C !~ "^EMSGSIZE$";
position scope.where, p;
@@
f@where(...) {
... when != \(NL_SET_ERR_MSG\|NL_SET_ERR_MSG_MOD\|NL_SET_ERR_MSG_FMT\|NL_SET_ERR_MSG_FMT_MOD\|NL_SET_ERR_MSG_ATTR\|NL_SET_ERR_MSG_ATTR_FMT\|NL_SET_ERR_MSG_ATTR_POL\|GENL_SET_ERR_MSG\|GENL_SET_ERR_MSG_FMT\)(...)
\(
return fail(...);
\|
x = fail(...)
\|
return refuse(...);
\|
return vms_nl_refuse(...);
\|
return@p <+... -C ...+>;
\|
x =@p <+... -C ...+>
\|
t e =@p <+... -C ...+>;
\)
... when any
}

@script:python depends on report@
p << made_up.p;
c << made_up.C;
@@
print("%s:%s: -%s without a message" % (p[0].file, p[0].line, c))

// Callees that got neither the object nor a part of it. Filling a dump's
// message only fails for want of space.

@call_int exists@
identifier scope.f;
idexpression int x;
identifier g !~ "^(vms_nl_dump_end|PTR_ERR)$";
expression list args;
position scope.where, at;
@@
f@where(...) {
... when any
x = g@at(args)
... when any
}

@script:python@
i << scope.i;
args << call_int.args;
@@
import re
cocci.include_match(not re.search(r"\b%s\b" % i, str(args)))

@handed_int exists@
identifier scope.f;
idexpression int call_int.x;
identifier call_int.g;
position scope.where, call_int.at, p;
@@
f@where(...) {
... when any
x = g@at(...)
... when != x = ...
    when != \(NL_SET_ERR_MSG\|NL_SET_ERR_MSG_MOD\|NL_SET_ERR_MSG_FMT\|NL_SET_ERR_MSG_FMT_MOD\|NL_SET_ERR_MSG_ATTR\|NL_SET_ERR_MSG_ATTR_FMT\|NL_SET_ERR_MSG_ATTR_POL\|GENL_SET_ERR_MSG\|GENL_SET_ERR_MSG_FMT\|fail\)(...)
return@p x;
... when any
}

@script:python depends on report@
p << handed_int.p;
g << call_int.g;
@@
print("%s:%s: an error of %s() without a message" % (p[0].file, p[0].line, g))

@call_ptr exists@
identifier scope.f;
idexpression x;
identifier g !~ "^(vms_nl_dump_end|PTR_ERR)$";
expression list args;
position scope.where, at;
@@
f@where(...) {
... when any
x = g@at(args)
... when any
}

@script:python@
i << scope.i;
args << call_ptr.args;
@@
import re
cocci.include_match(not re.search(r"\b%s\b" % i, str(args)))

@handed_ptr exists@
identifier scope.f;
idexpression call_ptr.x;
expression y;
identifier call_ptr.g;
position scope.where, call_ptr.at, p;
@@
f@where(...) {
... when any
x = g@at(...)
... when != x = ...
    when != \(NL_SET_ERR_MSG\|NL_SET_ERR_MSG_MOD\|NL_SET_ERR_MSG_FMT\|NL_SET_ERR_MSG_FMT_MOD\|NL_SET_ERR_MSG_ATTR\|NL_SET_ERR_MSG_ATTR_FMT\|NL_SET_ERR_MSG_ATTR_POL\|GENL_SET_ERR_MSG\|GENL_SET_ERR_MSG_FMT\|fail\)(...)
\(
return@p \(PTR_ERR\|ERR_CAST\|PTR_ERR_OR_ZERO\)(x);
\|
y =@p PTR_ERR(x)
\)
... when any
}

@script:python depends on report@
p << handed_ptr.p;
g << call_ptr.g;
@@
print("%s:%s: an error of %s() without a message" % (p[0].file, p[0].line, g))
