objs-y += arch/x86/asi/policy.o
objs-y += arch/x86/asi/domain_map.o
objs-y += arch/x86/asi/vcpu_area.o
objs-y += arch/x86/asi/mapcache.o
objs-y += arch/x86/asi/root.o
objs-y += arch/x86/asi/switch.o
objs-y += arch/x86/asi/runstate.o
objs-y += arch/x86/asi/audit_offsets.o
