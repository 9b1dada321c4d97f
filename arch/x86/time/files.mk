objs-y += arch/x86/time/tsc.o
objs-$(CONFIG_PMTIMER) += arch/x86/time/pm_timer.o
objs-$(CONFIG_HPET) += arch/x86/time/hpet.o
objs-$(CONFIG_PIT) += arch/x86/time/pit.o
objs-y += arch/x86/time/deadline.o
objs-y += arch/x86/time/wallclock.o
