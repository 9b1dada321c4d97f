# SPDX-License-Identifier: MIT
# The benchmark guest: a PV kernel of its own that shares start, memory and text with the selftest
# guest.
bench-src := timed.S user.S main.c hypercalls.c mmu.c traps.c user.c vcpus.c events.c grants.c \
	messages.c neighbour.S neighbour.c domains.c fifo.c
bench-objs := $(patsubst %,$(O)/tests/guest/%.o,head.S memory.c lending.c text.c console.c \
	clock.c domains.c pci.c) \
	$(patsubst %,$(O)/bench/guest/%.o,$(bench-src))

$(O)/bench/guest/%.c.o: bench/guest/%.c $(O)/flags bench/guest/files.mk | $(O)/include/xen
	@$(call say,CC,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -Itests/guest -MMD -MP -c -o $@ $<
$(O)/bench/guest/%.S.o: bench/guest/%.S $(O)/flags bench/guest/files.mk | $(O)/include/xen
	@$(call say,AS,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_AFLAGS) -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ \
		-MMD -MP -c -o $@ $<

$(O)/bench.elf: $(bench-objs) tests/guest/selftest.lds bench/guest/files.mk
	@$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LDFLAGS) -T tests/guest/selftest.lds -o $@ $(bench-objs)

-include $(patsubst %.o,%.d,$(bench-objs))
