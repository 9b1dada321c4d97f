objs-y += arch/x86/base/percpu.o
objs-y += arch/x86/base/cpu_window.o
objs-y += arch/x86/base/clock.o
