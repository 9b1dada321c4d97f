objs-y += arch/x86/irq/apic.o
objs-y += arch/x86/irq/apic_init.o
objs-$(CONFIG_X2APIC) += arch/x86/irq/x2apic.o
objs-y += arch/x86/irq/apic_timer.o
objs-y += arch/x86/irq/vector.o
objs-y += arch/x86/irq/ioapic.o
objs-y += arch/x86/irq/pirq.o
objs-y += arch/x86/irq/ipi.o
