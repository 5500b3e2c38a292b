# SPDX-License-Identifier: GPL-2.0
#
# The model of the core and the schedulers of SCHEDS, for makefiles of programs in
# user space: CORE_OBJECTS, compiled into OUT/core with CFLAGS, and CPPFLAGS. The
# schedulers are compiled as they are; what they include comes from include/ here
# and from the user-space part of a kernel source tree, KSRC. Needs TOP and OUT.

ifeq ($(filter clean install uninstall,$(MAKECMDGOALS)),)
KSRC	?= $(shell $(TOP)/scripts/kernel-src)
ifeq ($(KSRC),)
$(error lists and trees of a kernel source tree are needed: run scripts/setup or give KSRC=)
endif
endif
SCHEDS	?= $(TOP)/kmod/sched
CORE	?= $(TOP)/userspace/sim/core

override CPPFLAGS += -I$(CORE) -I$(CORE)/include -I$(TOP)/include \
	-isystem $(KSRC)/tools/include

CORE_OBJECTS := $(patsubst $(CORE)/%.c,$(OUT)/core/%.o,$(wildcard $(CORE)/*.c)) \
	$(patsubst $(SCHEDS)/%.c,$(OUT)/core/%.o,\
		$(filter-out %.mod.c,$(wildcard $(SCHEDS)/vmsched_*.c))) \
	$(OUT)/core/rbtree.o

$(OUT)/core/%.o: $(CORE)/%.c | $(OUT)/core
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(OUT)/core/%.o: $(SCHEDS)/%.c | $(OUT)/core
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(OUT)/core/rbtree.o: $(KSRC)/tools/lib/rbtree.c | $(OUT)/core
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(OUT)/core:
	mkdir -p $@

-include $(wildcard $(OUT)/core/*.d)
