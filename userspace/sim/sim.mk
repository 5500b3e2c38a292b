# SPDX-License-Identifier: GPL-2.0
#
# The simulator for makefiles: SIM_OBJECTS, which are all of it but main.c, and
# SIM_LIBS to link them with. Compiled into OUT with CFLAGS and CPPFLAGS. Needs TOP; SIM
# may be a copy.

SIM	?= $(TOP)/userspace/sim
CORE	?= $(SIM)/core
VERSION	?= $(shell sed -n 's/^\#define VMS_VERSION[^"]*"\(.*\)"/\1/p' \
	$(TOP)/kmod/vmsched.h)
PKG_CONFIG ?= pkg-config
SIM_PKGS := json-c smartcols
SIM_LIBS := $(shell $(PKG_CONFIG) --libs $(SIM_PKGS))

include $(SIM)/core/core.mk

override CPPFLAGS += -I$(SIM) -D_GNU_SOURCE -DVERSION='"$(VERSION)"' \
	$(shell $(PKG_CONFIG) --cflags $(SIM_PKGS))

SIM_OBJECTS := $(patsubst $(SIM)/%.c,$(OUT)/%.o,\
	$(filter-out %/main.c,$(wildcard $(SIM)/*.c))) $(CORE_OBJECTS)

$(OUT)/%.o: $(SIM)/%.c | $(OUT)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(OUT):
	mkdir -p $@

-include $(wildcard $(OUT)/*.d)
