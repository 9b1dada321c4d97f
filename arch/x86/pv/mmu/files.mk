objs-y += arch/x86/pv/mmu/foreign.o
objs-y += arch/x86/pv/mmu/mmu_op.o
objs-y += arch/x86/pv/mmu/mmu_update.o
objs-y += arch/x86/pv/mmu/others_tables.o
objs-y += arch/x86/pv/mmu/mmuext.o
objs-y += arch/x86/pv/mmu/update_va.o
objs-y += arch/x86/pv/mmu/guest_flush.o
