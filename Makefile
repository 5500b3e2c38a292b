# SPDX-License-Identifier: GPL-2.0
#
# For people: what can be built, checked, shown and installed. How kernel
# objects are compiled stands in Kbuild and kmod/Kbuild, for the tool in
# userspace/Makefile, for the tests in selftests/Makefile.
#
#	make			modules, vmschedctl and vmsched-sim
#	make check		every test (installs the packages it needs)
#	make check-fast		the quick part of them
#	make check-guests	the tests with Linux guests under QEMU, see README
#	make check-debug	selftests on the debug kernel, and what they cover
#	make soak		storms for hours, see README
#	make debug		that kernel, and modules for it
#	make check-race		selftests on a kernel that looks for data races
#	make kcsan		that kernel, and modules for it
#	make check-matrix	builds and selftests on other kernel lines
#	make matrix		those kernels, and modules for them
#	make check-fuzz		schedulers and readers under libFuzzer, 10 minutes each
#	make check-harm		KVM's selftests and others with vmsched and without
#	make check-mutants	whether the tests notice bugs that are planted
#	make bench		figures beside their peers, on virtual time
#	make demo		guests under schedulers that change while they run
#	sudo make install	then: modprobe vmsched
#
# KVER=release or KDIR=directory choose the kernel to build for: without them
# it is the running one if its headers are installed, else the newest 6.12.

TOP	:= $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
PREFIX	?= /usr/local
DESTDIR	?=

newest	:= $(shell ls -d /lib/modules/6.12.*/build/Makefile 2>/dev/null | \
		cut -d/ -f4 | grep -v -e -rt- -e -cloud- | sort -V | tail -n 1)
running	:= $(shell uname -r)
KVER	?= $(if $(wildcard /lib/modules/$(running)/build/Makefile),$(running),$(newest))
KDIR	?= /lib/modules/$(KVER)/build
MODDIR	:= $(DESTDIR)/lib/modules/$(KVER)/updates/vmsched
SPECDIR	:= $(DESTDIR)$(PREFIX)/share/vmsched

# The test machine boots the newest 6.12, whatever runs here.
TESTKERNEL = KVER=$(newest)

# Two builds at once would write the same objects.
LOCK	:= flock build/.lock

all: modules tools

build:
	@mkdir -p $@

modules: need-kbuild | build
	$(LOCK) $(MAKE) -C $(KDIR) M=$(TOP) \
		$(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) modules
	$(LOCK) $(MAKE) -C $(KDIR) M=$(TOP)/userspace/guest modules

tools: need-cc | build
	$(MAKE) -C userspace
	@if scripts/kernel-src >/dev/null; then $(MAKE) -C userspace/sim; else \
		echo "tools: vmsched-sim is left out, for want of linux-source-6.12" >&2; fi

selftests: modules
	$(MAKE) -C selftests KVER=$(KVER) KDIR=$(KDIR)
	$(MAKE) -C selftests/guest

# Packages first: what is found out about headers and libraries while a
# makefile is read must be found out after that.
check check-fast check-guests check-harm check-fuzz:
	@scripts/setup $(filter harm,$(@:check-%=%))
	@$(MAKE) --no-print-directory do-$@

demo bench soak:
	@scripts/setup
	@$(MAKE) --no-print-directory do-$@

do-check do-check-fast do-check-guests do-check-harm do-check-fuzz: do-%:
	@$(MAKE) --no-print-directory $(TESTKERNEL) modules tools selftests
	@$(TESTKERNEL) scripts/check $(if $(findstring -,$*),-$(patsubst check%,%,$*))

# The modules of the tree are for the stock kernel: nothing of them is built.
check-debug: debug
	@$(MAKE) --no-print-directory -C selftests tests
	@scripts/check --debug

check-race: kcsan
	@$(MAKE) --no-print-directory -C selftests tests
	@scripts/check --race

check-mutants: debug
	@$(MAKE) --no-print-directory $(TESTKERNEL) modules tools selftests
	@$(TESTKERNEL) scripts/mutants

debug kcsan:
	@scripts/setup
	@$(MAKE) --no-print-directory tools
	@scripts/build-for $@

# Nor is anything of it for the other lines. LINES="6.1 rt" are only some of them.
LINES	?= 6.1 7.2 rt

check-matrix: matrix
	@$(MAKE) --no-print-directory -C selftests tests
	@for line in $(LINES); do scripts/check --line $$line || failed=yes; done; \
		test -z "$$failed"

matrix:
	@scripts/setup matrix
	@$(MAKE) --no-print-directory tools
	@set -e; for line in $(LINES); do scripts/build-for $$line; done

do-soak:
	@$(MAKE) --no-print-directory $(TESTKERNEL) modules tools selftests
	@$(TESTKERNEL) scripts/check --soak

do-bench:
	@$(MAKE) --no-print-directory $(TESTKERNEL) modules tools selftests
	@$(MAKE) --no-print-directory -C bench $(TESTKERNEL)
	@scripts/bench

do-demo:
	@$(MAKE) --no-print-directory $(TESTKERNEL) modules tools
	@$(MAKE) --no-print-directory -C selftests/guest
	@scripts/demo

install:
	@test -e kmod/vmsched.ko -a -e build/vmschedctl || \
		{ echo "install: not built yet: run make first" >&2; exit 1; }
	install -d $(MODDIR)
	find kmod -name '*.ko' -exec install -m 644 {} $(MODDIR) \;
	$(if $(DESTDIR),,depmod -a $(KVER))
	$(MAKE) -C userspace install PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)
	$(if $(wildcard build/vmsched-sim),$(MAKE) -C userspace/sim install \
		PREFIX=$(PREFIX) DESTDIR=$(DESTDIR))
	install -D -m 644 Documentation/netlink/specs/vmsched.yaml $(SPECDIR)/vmsched.yaml

uninstall:
	rm -rf $(MODDIR) $(SPECDIR)
	$(if $(DESTDIR),,depmod -a $(KVER))
	$(MAKE) -C userspace uninstall PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)
	$(MAKE) -C userspace/sim uninstall PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

clean:
	-test ! -e $(KDIR)/Makefile || $(MAKE) -C $(KDIR) M=$(TOP) clean
	-test ! -e $(KDIR)/Makefile || $(MAKE) -C $(KDIR) M=$(TOP)/userspace/guest clean
	rm -rf build

need-cc:
	@command -v $(firstword $(CC)) >/dev/null || \
		{ echo "make: no compiler $(CC): run scripts/setup" >&2; exit 1; }

need-kbuild: need-cc
	@test -e $(KDIR)/Makefile || { echo "make: no kernel headers in \
	$(if $(KVER),$(KDIR),/lib/modules (6.12)): run scripts/setup or give KDIR=" >&2; exit 1; }

.PHONY: all modules tools selftests check check-fast check-guests check-debug \
	check-matrix check-race check-harm check-fuzz check-mutants matrix debug \
	kcsan soak bench demo \
	do-check do-check-fast do-check-guests do-check-harm do-check-fuzz do-soak \
	do-bench do-demo install uninstall clean need-cc need-kbuild
