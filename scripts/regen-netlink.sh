#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Generate the netlink interface from Documentation/netlink/specs/vmsched.yaml
# with the kernel's own generator, ynl-gen-c.py:
#
#	include/uapi/linux/vmsched.h	the ABI
#	kmod/netlink_gen.h, .c		policies and table of operations
#
# The family itself is written by hand in kmod/netlink.c: the generator always
# sets netnsok and knows no flags of multicast groups.
#
# With --check nothing is written; the exit status is 1 if a committed file
# differs from what the spec gives. KSRC names a kernel source to use instead
# of the one that scripts/kernel-src finds.

set -euo pipefail

usage()
{
	echo "usage: scripts/regen-netlink.sh [--check]" >&2
	exit 2
}

die()
{
	echo "regen-netlink: $*" >&2
	exit 1
}

check=
case $# in
0) ;;
1) [ "$1" = --check ] || usage; check=1 ;;
*) usage ;;
esac

top=$(cd "$(dirname "$0")/.." && pwd)
spec=Documentation/netlink/specs/vmsched.yaml
uapi=include/uapi/linux/vmsched.h
hdr=kmod/netlink_gen.h
src=kmod/netlink_gen.c

ksrc=${KSRC:-$("$top/scripts/kernel-src")}
gen=$ksrc/tools/net/ynl/ynl-gen-c.py
[ -f "$gen" ] || die "$gen is missing; install linux-source-6.12 (scripts/setup)"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The generator looks for MAINTAINERS upwards from the spec, for ever if need
# be, and for the schema one folder above the spec.
touch "$tmp/MAINTAINERS"
mkdir -p "$tmp/${spec%/*}" "$tmp/${uapi%/*}" "$tmp/kmod"
cp "$ksrc"/Documentation/netlink/genetlink*.yaml "$tmp/Documentation/netlink/"
cp "$top/$spec" "$tmp/$spec"

generate()
{
	# Debian's modules for Python are seen by Debian's Python only.
	(cd "$tmp" && PYTHONDONTWRITEBYTECODE=1 timeout 60 /usr/bin/python3 \
		"$gen" --mode "$1" "--$2" --spec "$spec" -o "$3") ||
		die "$gen failed for $3"
}

generate uapi header "$uapi"
generate kernel header "$hdr"
generate kernel source "$src"

# Make room for the family by hand: no group table, no family, and an
# operations table that another file can see.
sed -i '/^static const struct genl_multicast_group/,$d' "$tmp/$src"
sed -i 's/^static \(const struct genl_split_ops vmsched_nl_ops\[\]\)/\1/' \
	"$tmp/$src"
echo 'const unsigned int vmsched_nl_n_ops = ARRAY_SIZE(vmsched_nl_ops);' \
	>>"$tmp/$src"
sed -i 's/^extern struct genl_family .*/extern const struct genl_split_ops vmsched_nl_ops[];\nextern const unsigned int vmsched_nl_n_ops;/' \
	"$tmp/$hdr"

# For kernels that have no struct genl_split_ops.
sed -i 's/^#include <uapi.linux.vmsched.h>/&\n\n#include "compat.h"/' "$tmp/$hdr"

if ! grep -q '^const struct genl_split_ops vmsched_nl_ops\[\]' "$tmp/$src" ||
	! grep -q '^extern const unsigned int vmsched_nl_n_ops;' "$tmp/$hdr" ||
	! grep -q '^#include "compat.h"' "$tmp/$hdr"; then
	die "$gen writes another form than this script can edit"
fi

status=0
for f in "$uapi" "$hdr" "$src"; do
	if [ -z "$check" ]; then
		mkdir -p "$top/${f%/*}"
		cmp -s "$tmp/$f" "$top/$f" || cp "$tmp/$f" "$top/$f"
	elif ! diff -u "$top/$f" "$tmp/$f" >&2; then
		echo "regen-netlink: $f differs from what $spec gives;" \
			"run scripts/regen-netlink.sh" >&2
		status=1
	fi
done
exit $status
