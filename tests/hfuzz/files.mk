# SPDX-License-Identifier: MIT
# The hostile fuzz guest: shares first instruction, entries, memory, clock and text with the
# selftest guest.
hfuzz-src := hcall.S insns.S main.c values.c arguments.c sandbox.c traps.c vcpus.c watch.c
hfuzz-src += record.c ops.c
hfuzz-src += op_mmu.c op_memory.c op_grant.c op_event.c op_fifo.c op_vcpu.c op_platform.c
hfuzz-src += op_insn.c op_user.c
hfuzz-objs := $(patsubst %,$(O)/tests/guest/%.o,head.S traps.S trap_table.c memory.c clock.c \
	text.c console.c)
hfuzz-objs += $(patsubst %,$(O)/tests/hfuzz/%.o,$(hfuzz-src))

$(O)/tests/hfuzz/%.c.o: tests/hfuzz/%.c $(O)/flags tests/hfuzz/files.mk | $(O)/include/xen
	@$(call say,CC,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -Itests/guest -MMD -MP -c -o $@ $<
$(O)/tests/hfuzz/%.S.o: tests/hfuzz/%.S $(O)/flags tests/hfuzz/files.mk | $(O)/include/xen
	@$(call say,AS,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_AFLAGS) -MMD -MP -c -o $@ $<

$(O)/hfuzz.elf: $(hfuzz-objs) tests/guest/selftest.lds tests/hfuzz/files.mk
	@$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LDFLAGS) -T tests/guest/selftest.lds -o $@ $(hfuzz-objs)

-include $(hfuzz-objs:.o=.d)
