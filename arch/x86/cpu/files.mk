objs-y += arch/x86/cpu/features.o
objs-y += arch/x86/cpu/policy.o
objs-y += arch/x86/cpu/msr.o
objs-y += arch/x86/cpu/fpu.o
