# SPDX-License-Identifier: MIT
# Isola: build, run, test. `make help` lists the targets. Variables: O= output directory, V=1 show
# commands, CC= compiler (gcc or clang), ARGS= further tools/isola-run options for `make run`.
O	?= build
V	?= 0
ifneq ($(filter default undefined,$(origin CC)),)
CC	= gcc
endif
LD	= ld
NM	= nm
KPYTHON	?= /usr/bin/python3# the one for which Debian packages kconfiglib
TOP	:= $(CURDIR)
Q	:= $(if $(filter 1,$(V)),,@)
say	= $(if $(filter 1,$(V)),:,printf '  %-7s %s\n' $(1) $(2))
ifeq ($(MAKELEVEL)$(filter -j% --jobserver%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += -rR --no-print-directory

.DELETE_ON_ERROR:
.PHONY: all FORCE
all: $(O)/isola.elf $(if $(wildcard tests/guest/files.mk),$(O)/selftest.elf)

# ---- Targets that need no configuration. They install what is missing, then run make again. ------
OUTER	:= run selftest test test-all test-unit test-guest test-boot test-kvm test-oracle check \
	iso deb bench bench-growth bench-exits models oom hfuzz guest-mutants fuzz fuzz-unpack \
	exhaust mutants coverage
PLAIN	:= $(OUTER) deps help clean distclean
.PHONY: $(PLAIN)

deps:
	$(Q)tools/install-deps
help:
	@sed -n 's/^## //p' Makefile
clean:
	$(Q)rm -rf $(addprefix $(O)/,arch common boot tests check unpack include flags) \
		$(O)/*.elf $(O)/*.lds $(O)/*.o $(O)/*.S $(O)/*.iso $(O)/grub-*.img
distclean:
	$(Q)rm -rf $(O)
## make              build/isola.elf (the hypervisor) and build/selftest.elf (the test guest)
## make run          two isolated kernels that talk, in QEMU; ARGS="--firmware uefi" and so on
## make selftest     boot the selftest guest as dom0; CMDLINE="claims=grants/*" and so on
## make test         every test but the long ones, 16 minutes; prove's summary is the verdict
## make test-all     the same and the long ones: full matrix, repeated boots, long searches
## make test-unit, test-guest, test-boot    one ring of tests
## make models       the protocols between CPUs, over every interleaving; each bad variant is found
## make test-oracle  the selftest guest under Debian's Xen 4.17
## make guest-mutants  bugs planted in the hypervisor, each of which the selftest guest must notice
## make oom          each allocation refused once, building dom0 and in each hypercall; planted bugs
## make test-kvm     the selftest guest under KVM, where KVM can run a hypervisor
## make fuzz, mutants, coverage  of the page-table files: FUZZ_CALLS= operations (10^7), planted
##                   bugs, gcov's figures
## make fuzz-unpack   of the unpacker, for FUZZ_SECONDS= (60)
## make hfuzz        a guest that does random things to the hypervisor; HFUZZ_OPS= operations
##                   (10^7), HFUZZ_SEED=, HFUZZ_CPUS=
## make exhaust      of the same: every state of a small world
## make bench        instructions per operation: Isola, asi on and off; Xen without and with xpti
## make bench-growth   how the cost of an operation grows with vCPUs, CPUs and memory
## make bench-exits  instructions per exit of a PVH guest, on Isola and on Xen
## make check        headers, layers, and a build of every configuration symbol toggled
## make iso          build/isola.iso: a bootable image of Isola and the selftest guest
## make deb          build/isola_VERSION_amd64.deb: into the boot menu of a Debian system
## make deps         install the Debian packages that are missing
## make defconfig, menuconfig, savedefconfig, clean, distclean
# Two domains without a dom0, which talk by a declared port and share.
TALKERS	= --mem 160 --domain $(O)/selftest.elf "domain=web mem=40M port=3:db.5 \
	share=line:rw:db -- claims=talk/* talk=3 $(CMDLINE)" --domain \
	$(O)/selftest.elf "domain=db mem=40M port=5:web.3 share=line:rw:web -- \
	claims=talk/* talk=5 $(CMDLINE)"
run:
	$(Q)tools/install-deps run && $(MAKE) all
	$(Q)O=$(O) tools/isola-run $(TALKERS) $(ARGS)
selftest:
	$(Q)tools/install-deps run && $(MAKE) all
	$(Q)O=$(O) tools/isola-run $(ARGS) $(O)/selftest.elf "$(CMDLINE)"
iso:
	$(Q)tools/install-deps run && $(MAKE) all
	$(Q)O=$(O) tools/isola-run --iso $(O)/isola.iso $(O)/selftest.elf "$(CMDLINE)"
deb:
	$(Q)tools/install-deps deb
	$(Q)dh_clean
	$(Q)OUT=$(O) PYTHONDONTWRITEBYTECODE=1 debian/rules binary && dh_clean
test test-all oom test-kvm test-oracle test-unit test-guest test-boot:
	$(Q)tools/install-deps $(if $(filter test-all,$@),disk,test)
	$(Q)$(MAKE) all $(O)/hfuzz.elf $(O)/pvh.elf && O=$(O) tests/lib/run-tests $@
fuzz-unpack:
	$(Q)tools/install-deps test && O=$(O) tests/unit/unpack_fuzz
fuzz exhaust mutants coverage:
	$(Q)tools/install-deps test && O=$(O) tests/unit/mm/run $@
bench:
	$(Q)tools/install-deps test && $(MAKE) all $(O)/bench.elf && O=$(O) bench/run $(ARGS)
bench-growth:
	$(Q)tools/install-deps test && $(MAKE) all $(O)/bench.elf
	$(Q)O=$(O) bench/run --only-isola >/dev/null && O=$(O) bench/growth $(ARGS)
bench-exits:
	$(Q)tools/install-deps test && $(MAKE) all $(O)/bench.elf $(O)/pvh.elf
	$(Q)O=$(O) bench/run --only-isola >/dev/null && O=$(O) bench/exits
models:
	$(Q)tools/install-deps test && tests/lib/run-tests $@
guest-mutants:
	$(Q)tools/install-deps test && $(MAKE) all && O=$(O) tests/lib/run-tests $@
hfuzz:
	$(Q)tools/install-deps test && $(MAKE) all $(O)/hfuzz.elf && O=$(O) tests/hfuzz/run
check:
	$(Q)tools/install-deps test && $(MAKE) all && O=$(O) CC="$(CC)" tests/lib/run-tests $@

# ---- Everything below is only read when something is to be built. --------------------------------
ifneq ($(filter-out $(PLAIN),$(or $(MAKECMDGOALS),all)),)

CONFIG	:= $(O)/.config
KCONF	= KCONFIG_CONFIG=$(CONFIG) $(KPYTHON) -m
GEN	:= $(O)/include/generated

.PHONY: defconfig menuconfig savedefconfig
defconfig:
	$(Q)mkdir -p $(O) && $(KCONF) defconfig --kconfig Kconfig configs/defconfig
menuconfig: $(CONFIG)
	$(Q)$(KCONF) menuconfig Kconfig
savedefconfig: $(CONFIG)
	$(Q)$(KCONF) savedefconfig --kconfig Kconfig --out configs/defconfig
DEFCONFIG ?= configs/defconfig
$(CONFIG):
	$(Q)mkdir -p $(O) && $(KCONF) defconfig --kconfig Kconfig $(DEFCONFIG) >/dev/null
$(GEN)/auto.conf: $(CONFIG) Kconfig
	$(Q)mkdir -p $(GEN)
	$(Q)$(KCONF) genconfig --header-path $(GEN)/autoconf.h --config-out $@.new Kconfig
	$(Q)mv $@.new $@
$(GEN)/autoconf.h: $(GEN)/auto.conf ;
ifneq ($(filter-out defconfig menuconfig savedefconfig,$(or $(MAKECMDGOALS),all)),)
-include $(GEN)/auto.conf
endif

# ---- Rooms ---------------------------------------------------------------------------------------
ROOMS	:= $(sort $(wildcard arch/x86/*/files.mk arch/x86/*/*/files.mk common/files.mk \
	common/*/files.mk boot/files.mk))
include $(ROOMS)
OBJS	:= $(addprefix $(O)/,$(objs-y))

# ---- Flags ---------------------------------------------------------------------------------------
INCLUDES := -nostdinc -Iinclude -Iarch/x86/include -isystem $(O)/include \
	-isystem $(shell $(CC) -print-file-name=include) \
	-include $(GEN)/autoconf.h -include include/isola/visibility.h
PREFIX	:= -ffile-prefix-map=$(abspath $(O))=build -ffile-prefix-map=$(O)=build \
	-ffile-prefix-map=$(TOP)=.
# without views of variables, which no debugger of ours asks for: a tenth of the build's time
DEBUG	:= -g $(if $(findstring clang,$(CC)),,-gno-variable-location-views)
WARN	:= -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS	:= -std=gnu11 -O2 $(DEBUG) -ffreestanding $(INCLUDES) $(PREFIX) $(WARN)
# slot 257 is beyond -mcmodel=kernel
CFLAGS	+= -fpie -fvisibility=hidden
# interrupts use the stack; FPU state is the guest's
CFLAGS	+= -mno-red-zone -mgeneral-regs-only
# nothing on the stack is wider than a quadword
CFLAGS	+= $(if $(findstring clang,$(CC)),-mstack-alignment=8,-mpreferred-stack-boundary=3)
# page tables are read as more than one type
# the ABI as it is now, not as of 2005
CFLAGS	+= -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__
CFLAGS	+= -fno-strict-aliasing -fno-common
CFLAGS	+= -f$(if $(CONFIG_FRAME_POINTER),no-)omit-frame-pointer
# what a hosted program's run-time would look after
CFLAGS	+= -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none
AFLAGS	:= -g -D__ASSEMBLY__ $(INCLUDES) $(PREFIX)
LDFLAGS	:= -m elf_x86_64 -static -nostdlib --no-dynamic-linker -z noexecstack \
	-z max-page-size=4096 --build-id=none --fatal-warnings

# ---- Pattern rules -------------------------------------------------------------------------------
# $(O)/flags holds the command lines: whatever depends on it is rebuilt when they change.
COMMANDS := '$(CC) $(CFLAGS)' '$(AFLAGS)' '$(LD) $(LDFLAGS)' '$(objs-y)'
$(O)/flags: FORCE
	@mkdir -p $(O); printf '%s\n' $(COMMANDS) | cmp -s - $@ || printf '%s\n' $(COMMANDS) >$@
$(O)/include/xen:
	$(Q)test -e /usr/include/xen/xen.h || \
		{ echo "make: libxen-dev is missing: run make deps" >&2; exit 1; }
	$(Q)mkdir -p $(@D) && ln -sfn /usr/include/xen $@
# FONT= a GRUB font, of which the frame buffer's characters are made
FONT	?= /usr/share/grub/ascii.pf2
$(GEN)/font.h: tools/mkfont
	@$(call say,FONT,$(FONT)); mkdir -p $(GEN)
	$(Q)tools/mkfont $(FONT) >$@
$(O)/arch/x86/base/screen_lfb.o: $(GEN)/font.h
PREP	:= $(O)/flags $(GEN)/autoconf.h | $(O)/include/xen

$(O)/%.o: %.c $(PREP)
	@$(call say,CC,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
$(O)/%.o: %.S $(GEN)/asm-offsets.h $(PREP)
	@$(call say,AS,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) $(AFLAGS) -MMD -MP -c -o $@ $<
$(O)/%.lds: %.lds.S $(PREP)
	@$(call say,LDS,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) $(AFLAGS) -Ulinux -Uunix -E -P -MMD -MP -MT $@ -o $@ $<
$(GEN)/asm-offsets.h: arch/x86/entry/asm-offsets.c tools/mkoffsets $(PREP)
	@$(call say,OFFSETS,$<); mkdir -p $(O)/arch/x86/entry
	$(Q)$(CC) $(CFLAGS) $(if $(findstring clang,$(CC)),-fno-integrated-as) -g0 -MMD -MP -MT $@ \
		-S -o $(O)/arch/x86/entry/asm-offsets.s $<
	$(Q)tools/mkoffsets <$(O)/arch/x86/entry/asm-offsets.s >$@

# ---- Link: once with an empty symbol table, again with the real one; text does not move. ---------
LDS	:= $(O)/arch/x86/boot/isola.lds
$(O)/isola.elf: $(OBJS) $(LDS) tools/mksyms tools/check-image $(O)/flags
	@$(call say,LD,$@)
	$(Q)LD="$(LD)" NM="$(NM)" CC="$(CC)" tools/link-image $(if $(CONFIG_SYMBOLS),--symbols) \
		$@ $(LDS) "$(LDFLAGS)" $(OBJS)
	$(Q)tools/check-image $@ $(OBJS)

include unpack/files.mk
-include tests/guest/files.mk bench/guest/files.mk tests/hfuzz/files.mk tests/pvh/files.mk
-include $(patsubst %.o,%.d,$(OBJS)) $(LDS:.lds=.d) $(O)/arch/x86/entry/asm-offsets.d
endif
