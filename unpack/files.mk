# SPDX-License-Identifier: MIT
# The unpacker: a PV kernel of our own around Debian's static decoders, by flags of its own; it
# becomes a part of the hypervisor's image (arch/x86/pv/builder/unpack_image.S), as data.
unpack-src := head.S main.c unpack.c room.c gzip.c xz.c zstd.c lz4.c libc.c
unpack-objs := $(patsubst %,$(O)/unpack/%.o,$(unpack-src))
unpack-libs := $(addprefix -l:lib,zstd.a lzma.a z.a lz4.a)

# The decoders' headers are the C library's; it may use the FPU, as any guest.
UNPACK_CFLAGS = -std=gnu11 -O2 -g $(PREFIX) $(WARN) -Iinclude -isystem $(O)/include
UNPACK_CFLAGS += -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__
UNPACK_CFLAGS += -ffreestanding -fno-pic -fno-pie -fno-common
# strlen() is not to be made a call of strlen()
UNPACK_CFLAGS += $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)
UNPACK_CFLAGS += -ffunction-sections -fdata-sections
UNPACK_CFLAGS += -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none
UNPACK_LDFLAGS = -m elf_x86_64 -static -nostdlib -s --gc-sections -z noexecstack \
	-z max-page-size=4096 --build-id=none --fatal-warnings

$(O)/unpack/%.c.o: unpack/%.c $(O)/flags | $(O)/include/xen
	@$(call say,CC,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)test -e /usr/include/zstd.h -a -e /usr/include/lzma.h -a -e /usr/include/zlib.h -a \
		-e /usr/include/lz4.h || { echo "make: libzstd-dev, liblzma-dev, zlib1g-dev or" \
		"liblz4-dev is missing: run make deps" >&2; exit 1; }
	$(Q)$(CC) $(UNPACK_CFLAGS) -MMD -MP -c -o $@ $<
$(O)/unpack/%.S.o: unpack/%.S $(O)/flags | $(O)/include/xen
	@$(call say,AS,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) -D__ASSEMBLY__ -isystem $(O)/include $(PREFIX) -MMD -MP -c -o $@ $<

$(O)/unpack.elf: $(unpack-objs) unpack/unpack.lds unpack/files.mk
	@$(call say,LD,$@)
	$(Q)$(LD) $(UNPACK_LDFLAGS) -T unpack/unpack.lds -o $@ $(unpack-objs) \
		-L$(dir $(shell $(CC) -print-file-name=libz.a)) $(unpack-libs)
$(O)/arch/x86/pv/builder/unpack_image.o: $(O)/unpack.elf
$(O)/arch/x86/pv/builder/unpack_image.o: AFLAGS += -DUNPACKER='"$(O)/unpack.elf"'

-include $(unpack-objs:.o=.d)
