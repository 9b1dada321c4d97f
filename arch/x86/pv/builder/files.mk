objs-y += arch/x86/pv/builder/domain.o
objs-y += arch/x86/pv/builder/dom0_size.o
objs-y += arch/x86/pv/builder/dom0_option.o
objs-y += arch/x86/pv/builder/build_plan.o
objs-y += arch/x86/pv/builder/build_tables.o
objs-y += arch/x86/pv/builder/build.o
objs-$(CONFIG_AUDIT) += arch/x86/pv/builder/build_oom.o
objs-y += arch/x86/pv/builder/dom0.o
