objs-y += arch/x86/frames/bootmem.o
objs-y += arch/x86/frames/frametable.o
objs-y += arch/x86/frames/hyper_pt.o
objs-y += arch/x86/frames/m2p.o
objs-y += arch/x86/frames/page_alloc.o
objs-y += arch/x86/frames/heap.o
objs-y += arch/x86/frames/handover.o
objs-$(CONFIG_AUDIT) += arch/x86/frames/alloc_fault.o
