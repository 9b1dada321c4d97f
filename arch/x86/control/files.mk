objs-y += arch/x86/control/physdev_op.o
objs-y += arch/x86/control/control_op.o
objs-y += arch/x86/control/platform_op.o
objs-y += arch/x86/control/processor_pm.o
objs-y += arch/x86/control/firmware.o
objs-y += arch/x86/control/mca.o
