# SPDX-License-Identifier: MIT
# The PVH selftest guest. Text, claims and hypercalls are the PV guest's; flags too.
pvh-src := head.S main.c machine.c claims/start.c claims/cpu.c claims/exceptions.c
pvh-src += claims/hypercalls.c claims/holes.c claims/events.c claims/apic.c claims/smp.c
pvh-src += caches.c claims/vector.c exits.c attacks.c
pvh-objs := $(patsubst %,$(O)/tests/pvh/%.o,$(pvh-src)) $(O)/tests/guest/text.c.o

# claims run in the order in which they stand
PVH_CFLAGS = -fno-toplevel-reorder -Itests/guest -Itests/pvh

$(O)/tests/pvh/%.c.o: tests/pvh/%.c $(O)/flags | $(O)/include/xen
	@$(call say,CC,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) $(PVH_CFLAGS) -MMD -MP -c -o $@ $<
$(O)/tests/pvh/%.S.o: tests/pvh/%.S $(O)/flags | $(O)/include/xen
	@$(call say,AS,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_AFLAGS) -MMD -MP -c -o $@ $<

$(O)/pvh.elf: $(pvh-objs) tests/pvh/pvh.lds tests/pvh/files.mk
	@$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LDFLAGS) -T tests/pvh/pvh.lds -o $@ $(pvh-objs)

-include $(pvh-objs:.o=.d)
