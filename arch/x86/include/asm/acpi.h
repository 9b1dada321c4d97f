/* SPDX-License-Identifier: MIT */
/*
 * ACPI: what the firmware's tables say about this machine, read once at boot.
 *
 * Tables are read where they lie, through a mapping function; nothing of them is used before its
 * signature and length have been found good; a wrong checksum is told. The result holds no pointers
 * into them.
 * Source: ACPI 6.4: 5.2.5 (RSDP), 5.2.6 (header), 5.2.7/8 (RSDT, XSDT), 5.2.9 (FADT), 5.2.12
 * (MADT), 5.2.16/17 (SRAT, SLIT), 7.4.2 (_Sx); IA-PC HPET 1.0a: 3.2.4; PCI Firmware
 * Specification 3.0: 4.1.2 (MCFG).
 */
#pragma once
#include <isola/types.h>

#define ACPI_MAX_CPUS		256
#define ACPI_MAX_IOAPICS	16
#define ACPI_MAX_OVERRIDES	24
#define ACPI_MAX_NMIS		16
#define ACPI_MAX_MMCFGS		8
#define ACPI_MAX_NODES		16
#define ACPI_MAX_NUMA_MEMORY	64

struct acpi_cpu {
	u32 apic_id;
	u32 acpi_id;
	bool enabled;		/* false: absent, though it may come later (we do not wait) */
};

struct acpi_ioapic {
	u8 id;
	u32 maddr;
	u32 gsi_base;
};

struct acpi_override {
	u8 irq;			/* ISA */
	u32 gsi;
	u16 flags;		/* MPS INTI: 1:0 polarity, 3:2 trigger; 0 each: as the bus has it */
};

struct acpi_nmi {		/* a local APIC pin wired to NMI */
	u32 acpi_id;		/* 0xffffffff: every CPU */
	u16 flags;
	u8 lint;
};

/* PCI configuration space in memory: 1 MiB a bus, 4 KiB a function. */
struct acpi_mmcfg {
	u64 maddr;		/* where bus 0 is, or would be */
	u16 segment;
	u8 first_bus, last_bus;
};

/* Which CPUs and memory are near to each other, by firmware's names of nodes. */
#define ACPI_NEAR	10		/* the distance of a node to itself */
#define ACPI_NO_WAY	255		/* there is no way from the one to the other */
struct acpi_numa {
	bool is_damaged;		/* what is here is not all */
	unsigned int nr_cpus, nr_memory;
	struct acpi_numa_cpu { u32 apic_id, proximity; } cpu[ACPI_MAX_CPUS];
	struct acpi_numa_memory { u64 start, end; u32 proximity; } memory[ACPI_MAX_NUMA_MEMORY];
	/* of domains 0 to nr_distances - 1; 0: they are not told */
	unsigned int nr_distances;
	u8 distance[ACPI_MAX_NODES][ACPI_MAX_NODES];
};

/*
 * A register as ACPI names it. addr 0: there is none. Of configuration space, for the reset
 * register only: offset in bits 15:0, function 31:16, device 47:32, on bus 0.
 */
#define ACPI_SPACE_MEMORY	0
#define ACPI_SPACE_IO		1
#define ACPI_SPACE_PCI		2
struct acpi_register {
	u64 addr;
	u8 space;
	u8 width_bits;
};

struct acpi_info {
	unsigned int revision;		/* of the RSDP: 0 is ACPI 1.0 */
	char oem[7];

	/* MADT */
	u64 lapic_maddr;
	bool has_8259;			/* PC-AT compatible interrupt controllers to be masked */
	unsigned int nr_cpus, nr_ioapics, nr_overrides, nr_nmis;
	unsigned int nr_dropped;	/* entries for which there was no room */
	struct acpi_cpu cpu[ACPI_MAX_CPUS];
	struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
	struct acpi_override override[ACPI_MAX_OVERRIDES];
	struct acpi_nmi nmi[ACPI_MAX_NMIS];

	/* FADT */
	bool has_fadt;
	u16 sci_irq;
	u32 smi_cmd_port;
	u8 acpi_enable;			/* to the SMI port: hand over power management */
	struct acpi_register pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt;
	struct acpi_register pm_timer;
	bool pm_timer_32bit;		/* else 24 bits */
	bool hw_reduced;
	bool no_cmos_rtc;		/* boot flags: there is no RTC at ports 70h */
	bool has_reset;
	struct acpi_register reset;
	u8 reset_value;

	/* DSDT */
	bool has_s5;
	u8 s5_a, s5_b;			/* SLP_TYP values of PM1a and PM1b for soft off */

	/* HPET */
	u64 hpet_maddr;			/* 0: none */

	/* MCFG */
	unsigned int nr_mmcfgs;
	struct acpi_mmcfg mmcfg[ACPI_MAX_MMCFGS];

	/* SRAT, SLIT */
	struct acpi_numa numa;

	char fault[160];		/* where a refusal with numbers in it is put together */
};

/*
 * Map [@maddr, @maddr + @len) for reading; NULL if that cannot be. The answer is used until the
 * next call only.
 */
typedef const void *acpi_map_fn(u64 maddr, size_t len);

/*
 * Read the tables.
 *
 * @rsdp     a copy of the root pointer of @rsdp_len bytes (20 or more), or NULL to search the BIOS
 *           areas.
 * @map      see acpi_map_fn.
 * @out      overwritten; meaningful only on 0.
 * @why      on error, one English fragment naming the table and the fault.
 * Returns   0; -ENOENT (no ACPI here), -EINVAL (the structure of a table that we cannot do without
 *           is damaged). A missing or damaged HPET, MCFG, FADT or DSDT is not an error: its members
 *           stay empty. All that is left out gets a line in the log.
 */
int __must_check acpi_parse(const void *rsdp, size_t rsdp_len, acpi_map_fn *map,
			    struct acpi_info *out, const char **why);
