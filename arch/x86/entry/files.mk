objs-y += arch/x86/entry/exception.o
objs-y += arch/x86/entry/syscall.o
objs-y += arch/x86/entry/return.o
objs-y += arch/x86/entry/traps.o
objs-y += arch/x86/entry/exit.o
objs-y += arch/x86/entry/hypercall_table.o
objs-y += arch/x86/entry/svm.o
objs-y += arch/x86/entry/vmx.o
