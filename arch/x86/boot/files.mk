objs-y += arch/x86/boot/head.o
objs-y += arch/x86/boot/start.o
objs-y += arch/x86/boot/paging.o
objs-y += arch/x86/boot/trampoline.o
objs-y += arch/x86/boot/smp.o
