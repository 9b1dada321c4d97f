objs-y += arch/x86/firmware/acpi.o
objs-y += arch/x86/firmware/acpi_madt.o
objs-y += arch/x86/firmware/acpi_fadt.o
objs-y += arch/x86/firmware/acpi_srat.o
objs-y += arch/x86/firmware/numa.o
objs-y += arch/x86/firmware/efi.o
objs-y += arch/x86/firmware/memmap.o
objs-y += arch/x86/firmware/cpu_ids.o
