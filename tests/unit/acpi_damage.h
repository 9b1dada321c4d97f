/* SPDX-License-Identifier: MIT */
/*
 * acpi_test.c's part about single damages of the root tables, which end the boot, and of the table
 * of interrupt controllers.
 */
#pragma once
#include "acpi_build.h"

static void xsdt_is_something_else(void) { memcpy(memory + XSDT, "\1\2SD", 4); }
static void xsdt_short(void) { set32(XSDT + 4, 35); }
static void xsdt_huge(void) { set32(XSDT + 4, 0x1000001); }
static void xsdt_past_end(void) { set32(XSDT + 4, 0x100000); }
static void xsdt_nowhere(void) { set64(RSDP + 24, 0x12345678000); seal_rsdp(); }
static void rsdt_nowhere(void) { set8(RSDP + 15, 0); set32(RSDP + 16, 0xfffff000); seal_rsdp(); }
static void no_madt(void) { memcpy(memory + MADT, "APIX", 4); seal(MADT, 0); }
static void madt_short(void) { seal(MADT, 43); }
static void madt_huge(void) { set32(MADT + 4, 0xffffffff); }
static void madt_no_lapic(void) { set32(MADT + 36, 0); seal(MADT, 0); }
static void entry_zero(void) { set8(MADT + 45, 0); seal(MADT, 0); }
static void entry_one(void) { set8(MADT + 45, 1); seal(MADT, 0); }
static void entry_past(void) { set8(MADT + 45, 0xff); seal(MADT, 60); }
static void entry_short(void) { build(); ENTRY(1, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0); }
static void entry_lapic_short(void) { ENTRY(0, 7, 0, 0, 0, 0, 0); }
static void madt_unmappable(void) { unmappable = MADT; }

static const struct {
	const char *claim;
	void (*damage)(void);
	const char *why;
} damages[] = {
	{ "something else where the XSDT should be", xsdt_is_something_else,
	  "the table at 0xe1000 is a ??SD, not a XSDT" },
	{ "XSDT of 35 bytes", xsdt_short, "table XSDT has an impossible length (35 bytes)" },
	{ "XSDT of 16 MiB", xsdt_huge, "table XSDT has an impossible length (16777217 bytes)" },
	{ "XSDT that leaves memory", xsdt_past_end,
	  "table XSDT (1048576 bytes at 0xe1000) is out of reach" },
	{ "XSDT outside memory", xsdt_nowhere, "the table at 0x12345678000 is out of reach" },
	{ "RSDT outside memory", rsdt_nowhere, "the table at 0xfffff000 is out of reach" },
};

/* Damages of the table of interrupt controllers: what is sound of it stays. */
static const struct {
	const char *claim;
	void (*damage)(void);
	unsigned int nr_cpus;
	const char *line;
} controllers[] = {
	{ "no MADT", no_madt, 0, "there is no table APIC: one CPU, and no lines of devices" },
	{ "MADT of 43 bytes", madt_short, 0, "the MADT is only 43 bytes long: left out" },
	{ "MADT of 4 GiB", madt_huge, 0, "table APIC has an impossible length" },
	{ "MADT that cannot be mapped", madt_unmappable, 0, "there is no table APIC" },
	{ "MADT without a local APIC address", madt_no_lapic, 4,
	  "an address for the local APICs: 0xfee00000 is taken" },
	{ "MADT entry of length 0", entry_zero, 0,
	  "MADT entry at offset 44 has an impossible length (0): it and all behind it" },
	{ "MADT entry of length 1", entry_one, 0,
	  "MADT entry at offset 44 has an impossible length (1)" },
	{ "MADT entry past the end", entry_past, 0,
	  "MADT entry at offset 44 has an impossible length (255)" },
	{ "I/O APIC entry of 11 bytes", entry_short, 4, "is 11 bytes, not 12: left out" },
	{ "local APIC entry of 7 bytes", entry_lapic_short, 4, "is 7 bytes, not 8: left out" },
};

/* With a RSDT beside it, a damaged XSDT is told of and left; alone, it ends the boot. */
static void test_damages(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		bool has_both;
		int rc;

		build();
		damages[i].damage();
		has_both = memory[RSDP + 15];
		rc = parse_search();
		ok(!has_both || (!rc && info.nr_cpus == 4 && !info.hpet_maddr &&
				 strstr(log_text, damages[i].why) &&
				 strstr(log_text, "the RSDT is used instead")),
		   "%s, and a RSDT: %s", damages[i].claim, why ? why : "");
		if (has_both)
			set32(RSDP + 16, 0);
		seal_rsdp();
		rc = parse_search();
		ok(rc == -EINVAL && why && strstr(why, damages[i].why) && fuzz_is_sentence(why),
		   "%s: %s", damages[i].claim, why ? why : "(not refused)");
	}
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		build();
		controllers[i].damage();
		ok(!parse_search() && info.nr_cpus == controllers[i].nr_cpus && info.has_s5 &&
			   info.lapic_maddr == 0xfee00000 && strstr(log_text, controllers[i].line),
		   "%s: %s", controllers[i].claim, controllers[i].line);
		unmappable = ~0ul;
	}
	build();
	ok(parse_copy(19) == -EINVAL && strstr(why, "root pointer (RSDP) is damaged"),
	   "a copy of 19 bytes: %s", why);
	memory[RSDP] ^= 1;
	ok(parse_copy(36) == -EINVAL && strstr(why, "root pointer (RSDP) is damaged"),
	   "a damaged copy: %s", why);
}
