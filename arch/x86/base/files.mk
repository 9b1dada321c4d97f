objs-y += arch/x86/base/percpu.o
objs-y += arch/x86/base/cpu_window.o
objs-y += arch/x86/base/fixmap.o
objs-y += arch/x86/base/screen_text.o
objs-y += arch/x86/base/screen_lfb.o
objs-y += arch/x86/base/pci_conf.o
objs-y += arch/x86/base/clock.o
