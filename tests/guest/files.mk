# SPDX-License-Identifier: MIT
# The selftest guest: a PV kernel of our own, built by its own flags. Sources in reading order;
# claims run in the order of this list.
guest-src := head.S traps.S harness.c traps.c trap_table.c text.c console.c memory.c
guest-src += events.c clock.c domains.c pci.c messages.c user.S user.c lending.c sibling.c
guest-src += big_tree.c model.c model_guest.S
guest-src += claims/start.c claims/exceptions.c claims/frames.c claims/user.c
guest-src += claims/hypercalls.c claims/version.c claims/memory_op.c claims/control.c
guest-src += claims/tools.c claims/policy.c claims/life.c claims/visits.c claims/logged.c
guest-src += claims/vcpu_op.c claims/wallclock.c claims/timers.c claims/sched.c claims/events.c
guest-src += claims/fifo.c claims/efi.c claims/mca.c
guest-src += claims/pirq.c claims/msi.c claims/msix.c claims/mmcfg.c claims/others_ports.c
guest-src += claims/selectors.c claims/emulation.c claims/cpuid.c claims/ports.c claims/msr.c
guest-src += claims/paging.c claims/iomem.c claims/absent.c claims/tables.c claims/flush.c
guest-src += claims/stores.c claims/caches.c
guest-src += claims/exchange.c claims/grants.c claims/shares.c claims/channel.c claims/typed.c
guest-src += claims/talk.c claims/lives.c claims/virqs.c claims/pvh.c claims/hvm_control.c
guest-src += claims/hvm_logged.c claims/model.c claims/waiting.c claims/forget.c
guest-src += claims/held.c claims/answers.c
guest-src += claims/preempted.c
guest-src += claims/oom.c
guest-src += claims/transition_requests.c claims/transitions.c claims/transitions_both.c
guest-src += claims/smp.c claims/races_handles.c claims/races_walks.c claims/races_frames.c
guest-src += claims/races_numbers.c
guest-src += claims/races_stale.c claims/races_long.c claims/advisories.c claims/turns.c
guest-src += claims/rest.c claims/tenants.c claims/weights.c attacks.c scrub.c

guest-objs := $(patsubst %,$(O)/tests/guest/%.o,$(guest-src))

# claims are many and each runs once: what more would add is the build's time
$(O)/tests/guest/claims/%: GUEST_OPT = -Og -g1
GUEST_OPT = -O2 $(DEBUG)
GUEST_INCLUDES = -nostdinc -isystem $(O)/include -isystem $(shell $(CC) -print-file-name=include)
GUEST_CFLAGS = -std=gnu11 $(GUEST_OPT) -ffreestanding $(GUEST_INCLUDES) $(PREFIX) $(WARN)
# the functions of a table do not all look at what they are given
GUEST_CFLAGS += -Wno-unused-parameter
GUEST_CFLAGS += -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__
GUEST_CFLAGS += -mcmodel=kernel -fno-pic -fno-pie		# linked at the top 2 GiB
GUEST_CFLAGS += -mno-red-zone -mgeneral-regs-only		# traps arrive on the current stack
GUEST_CFLAGS += -fno-strict-aliasing -fno-common -fno-omit-frame-pointer
GUEST_CFLAGS += -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none
GUEST_AFLAGS = -g -D__ASSEMBLY__ $(GUEST_INCLUDES) $(PREFIX)
GUEST_LDFLAGS = -m elf_x86_64 -static -nostdlib -z noexecstack -z max-page-size=4096 --build-id=none

$(O)/tests/guest/%.c.o: tests/guest/%.c $(O)/flags | $(O)/include/xen
	@$(call say,CC,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $<
$(O)/tests/guest/%.S.o: tests/guest/%.S $(O)/flags | $(O)/include/xen
	@$(call say,AS,$<); test -d $(@D) || mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_AFLAGS) -MMD -MP -c -o $@ $<

$(O)/selftest.elf: $(guest-objs) tests/guest/selftest.lds tests/guest/files.mk
	@$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LDFLAGS) -T tests/guest/selftest.lds -o $@ $(guest-objs)

-include $(guest-objs:.o=.d)
