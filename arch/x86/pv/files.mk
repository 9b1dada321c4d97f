objs-y += arch/x86/pv/hypercall.o
objs-y += arch/x86/pv/segment_base.o
objs-y += arch/x86/pv/vm_assist.o
objs-y += arch/x86/pv/gdt.o
objs-y += arch/x86/pv/ldt.o
objs-y += arch/x86/pv/callback.o
objs-y += arch/x86/pv/bounce.o
objs-y += arch/x86/pv/iret.o
