/* SPDX-License-Identifier: MIT */
/*
 * ACPI: sound tables in a small machine's memory, a table of damages, and the same tables cut and
 * damaged at random behind correct checksums.
 *
 * Sources: arch/x86/firmware/acpi.c arch/x86/firmware/acpi_madt.c arch/x86/firmware/acpi_fadt.c
 * Sources: arch/x86/firmware/acpi_srat.c
 */
#include "acpi_build.h"
#include "fuzz.h"
#include "log_stub.h"

#include <asm/acpi.h>
#include <errno.h>

static struct acpi_info info;
static const char *why;

static int parse_search(void)
{
	why = NULL;
	log_text[0] = '\0';
	return acpi_parse(NULL, 0, map, &info, &why);
}

static int parse_copy(size_t len)
{
	u8 *copy = malloc(len ? len : 1);
	int rc;

	memcpy(copy, memory + RSDP, len);
	why = NULL;
	log_text[0] = '\0';
	rc = acpi_parse(copy, len, map, &info, &why);
	free(copy);
	return rc;
}

/* They ask by parse_search(). */
#include "acpi_nodes.h"

/* ---- What must be understood. ---------------------------------------------------------------- */

static void test_madt(void)
{
	ok(info.lapic_maddr == 0xfee00000 && info.has_8259, "the local APICs' address");
	ok(info.nr_cpus == 4 && info.cpu[0].apic_id == 0 && info.cpu[0].enabled &&
		   info.cpu[1].apic_id == 1 && info.cpu[1].enabled && !info.cpu[2].enabled &&
		   info.cpu[3].apic_id == 256 && info.cpu[3].acpi_id == 7 && info.cpu[3].enabled,
	   "CPUs: none twice, none that is not there, x2APIC ids");
	ok(info.nr_ioapics == 2 && info.ioapic[0].id == 4 && info.ioapic[0].maddr == 0xfec00000 &&
	   info.ioapic[1].gsi_base == 24, "I/O APICs");
	ok(info.nr_overrides == 2 && info.override[0].irq == 0 && info.override[0].gsi == 2 &&
	   info.override[1].flags == 0x0d, "overrides");
	ok(info.nr_nmis == 3 && info.nmi[0].acpi_id == 0xffffffff && info.nmi[0].flags == 5 &&
		   info.nmi[0].lint == 1 && info.nmi[1].acpi_id == 1 && info.nmi[2].acpi_id == 7 &&
		   info.nmi[2].lint == 1,
	   "NMI pins");
	ok(!info.nr_dropped, "nothing is dropped");
}

static void test_fadt(void)
{
	ok(info.has_fadt && info.sci_irq == 9 && info.smi_cmd_port == 0xb2 &&
		   info.acpi_enable == 0xf1,
	   "SCI and SMI");
	ok(info.pm_timer.addr == 0x608 && info.pm_timer.space == 1 && info.pm_timer_32bit,
	   "the PM timer");
	ok(info.pm1a_evt.addr == 0x600 && info.pm1a_cnt.addr == 0x604 &&
		   info.pm1a_cnt.width_bits == 16 && !info.pm1b_cnt.addr && !info.pm1b_evt.addr,
	   "PM1");
	ok(info.has_reset && info.reset.addr == 0xcf9 && info.reset.space == 1 &&
		   info.reset_value == 0x0f,
	   "reset");
	ok(info.has_s5 && info.s5_a == 5 && info.s5_b == 1, "soft off");
}

static void test_good(void)
{
	build();
	ok(!parse_search(), "a root pointer found in the BIOS area (%s)",
	   why ? why : "no complaint");
	ok(info.revision == 2 && !strcmp(info.oem, "ISOLA "), "revision and maker");
	test_madt();
	test_fadt();
	ok(info.hpet_maddr == 0xfed00000, "the HPET");
	ok(!strcmp(log_text, "ACPI: the CPU with ACPI id 3 is enabled, and has the broadcast "
			     "address for its APIC id: left out\n"
			     "ACPI: the CPU with ACPI id 8 is enabled, and has the broadcast "
			     "address for its APIC id: left out\n"),
	   "of sound tables nothing is left out in silence, and nothing else is told");

	ok(!parse_copy(36) && info.nr_cpus == 4 && info.hpet_maddr, "a copy of the root pointer");
	ok(!parse_copy(20) && info.nr_cpus == 4 && !info.hpet_maddr,
	   "a short copy leads to the RSDT");
	set8(RSDP + 15, 0);
	seal_rsdp();
	ok(!parse_copy(36) && info.revision == 0 && !info.hpet_maddr, "so does revision 0");

	memset(memory + RSDP, 0, 36);
	build();
	memcpy(memory + 0x9fc20, memory + RSDP, 36);
	memset(memory + RSDP, 0, 36);
	ok(parse_search() == -ENOENT,
	   "a root pointer in low memory is not found without an EBDA pointer");
	set16(0x40e, 0x9fc0);
	ok(!parse_search() && info.nr_cpus == 4, "with it, it is");

	build();
	memcpy(memory + 0xffff0, memory + RSDP, 16);
	memset(memory + RSDP, 0, 36);
	ok(parse_search() == -ENOENT && strstr(why, "no root pointer"),
	   "half a root pointer at the end is none");
	build();
	memory[RSDP + 10] ^= 1;
	ok(parse_search() == -ENOENT, "one with a wrong checksum is none");
}

static void test_old_fadt(void)
{
	build();
	set32(FADT + 4, 116);		/* ACPI 1.0 */
	set32(FADT + 112, 0);
	seal(FADT, 0);
	ok(!parse_search() && info.pm_timer.addr == 0x608 && info.pm_timer.width_bits == 32 &&
		   !info.pm_timer_32bit && info.pm1a_cnt.addr == 0x604 && !info.has_reset &&
		   info.has_s5,
	   "a FADT of ACPI 1.0");
	build();
	gas(FADT + 208, 0, 32, 0xfed40000);
	gas(FADT + 172, 3, 16, 0x604);
	gas(FADT + 116, 1, 8, 0x10cf9);
	set32(FADT + 68, 0x10604);
	set32(FADT + 112, 1 << 10 | 1 << 20);
	set16(FADT + 109, 1 << 5);
	seal(FADT, 0);
	ok(!parse_search() && info.pm_timer.space == 0 && info.pm_timer.addr == 0xfed40000,
	   "a PM timer in memory");
	ok(info.pm1a_cnt.addr == 0x604 && info.pm1a_cnt.space == 1,
	   "an address space that we do not know: the port");
	ok(!info.has_reset && !info.pm1b_cnt.addr &&
		   strstr(log_text,
			  "the FADT's register at offset 116 is at port 0x10cf9: left out") &&
		   strstr(log_text,
			  "the FADT's register at offset 184 is at port 0x10604: left out"),
	   "ports above 0xffff are none");
	ok(info.hw_reduced && info.no_cmos_rtc, "flags");
	gas(FADT + 116, 2, 8, 0x001f000300f4ul);
	seal(FADT, 0);
	ok(!parse_search() && info.has_reset && info.reset.space == ACPI_SPACE_PCI &&
		   info.reset.addr == 0x001f000300f4ul,
	   "a reset register in configuration space");
	gas(FADT + 116, 2, 8, 0x0020000300f4ul);
	seal(FADT, 0);
	ok(!parse_search() && !info.has_reset &&
		   strstr(log_text, "the reset register would be 0x20000300f4 of configuration"),
	   "there is no device 32");
}

static const struct {
	const char *claim;
	u8 aml[24];
	bool has;
	u8 a, b;
} s5_cases[] = {
	{ "bytes", { 8, '_', 'S', '5', '_', 0x12, 7, 4, 0x0a, 7, 0x0a, 6, 0, 0 }, true, 7, 6 },
	{ "from the root",
	  { 8, '\\', '_', 'S', '5', '_', 0x12, 6, 2, 0x0a, 3, 0x0a, 4 },
	  true,
	  3,
	  4 },
	{ "zero and one", { 8, '_', 'S', '5', '_', 0x12, 5, 4, 0, 1, 0, 0 }, true, 0, 1 },
	{ "words", { 8, '_', 'S', '5', '_', 0x12, 8, 2, 0x0b, 5, 0, 0x0b, 6, 0 }, true, 5, 6 },
	{ "double words",
	  { 8, '_', 'S', '5', '_', 0x12, 12, 2, 0x0c, 5, 0, 0, 0, 0x0c, 6, 0, 0, 0 },
	  true,
	  5,
	  6 },
	{ "a long package length",
	  { 8, '_', 'S', '5', '_', 0x12, 0x48, 0, 2, 0x0a, 2, 0x0a, 1 },
	  true,
	  2,
	  1 },
	{ "one element: both the same",
	  { 8, '_', 'S', '5', '_', 0x12, 4, 1, 0x0a, 5 },
	  true,
	  5,
	  5 },
	{ "no elements", { 8, '_', 'S', '5', '_', 0x12, 2, 0 }, false, 0, 0 },
	{ "not a package", { 8, '_', 'S', '5', '_', 0x14, 7, 4, 0x0a, 7 }, false, 0, 0 },
	{ "not a name", { 7, '_', 'S', '5', '_', 0x12, 7, 4, 0x0a, 7, 0x0a, 6 }, false, 0, 0 },
	{ "not an integer", { 8, '_', 'S', '5', '_', 0x12, 7, 4, 0x0d, 'x', 0 }, false, 0, 0 },
	{ "the second try counts",
	  { 8, '_', 'S', '5', '_', 0, 8, '_', 'S', '5', '_', 0x12, 5, 2, 1, 1 },
	  true,
	  1,
	  1 },
};

static void test_s5(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(s5_cases); i++) {
		build();
		build_dsdt(s5_cases[i].aml, sizeof(s5_cases[i].aml));
		ok(!parse_search() && info.has_s5 == s5_cases[i].has &&
		   (!info.has_s5 || (info.s5_a == s5_cases[i].a && info.s5_b == s5_cases[i].b)),
		   "_S5_: %s", s5_cases[i].claim);
	}
	for (u32 len = 0; len < sizeof(aml_s5); len++) {
		build();
		build_dsdt(aml_s5, len);
		check(!parse_search() && info.has_s5 == (len >= 13), "_S5_ cut at %u", len);
	}
	all_ok("_S5_, cut at every byte");
}

/* ---- Too much of everything. ----------------------------------------------------------------- */

static void test_room(void)
{
	build();
	table(MADT, "APIC", 44);
	set32(MADT + 36, 0xfee00000);
	madt_end = MADT + 44;
	for (unsigned int i = 0; i < ACPI_MAX_IOAPICS + 2; i++)
		ENTRY(1, 12, (u8)i, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0);
	for (unsigned int i = 0; i < ACPI_MAX_OVERRIDES + 3; i++)
		ENTRY(2, 10, 0, (u8)i, 2, 0, 0, 0, 0, 0);
	for (unsigned int i = 0; i < ACPI_MAX_NMIS + 4; i++)
		ENTRY(4, 6, (u8)i, 5, 0, 1);
	ok(!parse_search() && info.nr_ioapics == ACPI_MAX_IOAPICS &&
		   info.nr_overrides == ACPI_MAX_OVERRIDES && info.nr_nmis == ACPI_MAX_NMIS &&
		   info.nr_dropped == 2 + 3 + 4 &&
		   strstr(log_text, "there is no room for 9 of the tables' entries"),
	   "what finds no room is counted, and told");

	build();
	set32(MADT + 36, 0xfee00000);
	for (u32 pass = 0; pass < 2; pass++) {
		table(MADT, "APIC", 44);
		set32(MADT + 36, 0xfee00000);
		madt_end = MADT + 44;
		for (unsigned int i = 0; i < ACPI_MAX_CPUS + 10;
		     i++) /* the last ten: enabled, or not */
			ENTRY(9, 16, 0, 0, (u8)i, (u8)(i >> 8), 0, 0,
			      i >= 5 && (i < ACPI_MAX_CPUS || !pass), 0, 0, 0, (u8)i, (u8)(i >> 8),
			      0, 0);
		if (!pass)
			ok(!parse_search() && info.nr_cpus == ACPI_MAX_CPUS &&
				   info.nr_dropped == 10 && info.cpu[0].enabled &&
				   info.cpu[4].enabled,
			   "enabled CPUs push out disabled ones");
		else
			ok(!parse_search() && info.nr_cpus == ACPI_MAX_CPUS &&
				   info.nr_dropped == 10 && !info.cpu[0].enabled,
			   "disabled CPUs push out nobody");
	}
	build();
	table(MADT, "APIC", 44);
	set32(MADT + 36, 0xfee00000);
	madt_end = MADT + 44;
	ENTRY(0, 8, 1, 6, 0, 0, 0, 0);
	ENTRY(0, 8, 2, 6, 1, 0, 0, 0);
	ok(!parse_search() && info.nr_cpus == 1 && info.cpu[0].enabled && info.cpu[0].acpi_id == 2,
	   "a CPU that is named disabled first and enabled then is enabled");

	build();
	table(XSDT, "XSDT", 36 + 200 * 8);
	set64(XSDT + 36 + 100 * 8, MADT);
	seal(XSDT, 0);
	ok(!parse_search() && info.nr_dropped == 200 - 128,
	   "200 tables: the first 128 are looked at");
	build();
	ENTRY(5, 12, 0, 0, 0, 0, 0, 0xfe, 1, 0, 0, 0);
	ok(!parse_search() && info.lapic_maddr == 0x1fe000000, "a local APIC address of 64 bits");
	ENTRY(0);
	ok(!parse_search(), "a single byte after the last MADT entry is padding");
}

/* ---- Damages. -------------------------------------------------------------------------------- */

#include "acpi_damage.h"

/*
 * Damages to live with: a wrong sum alone takes nothing away; what is taken away is told, and
 * nothing else goes with it. @lost: of "fadt", "s5", "hpet".
 */
static void xsdt_sum(void) { memory[XSDT + 9] ^= 1; }
static void madt_sum(void) { memory[MADT + 9] ^= 1; }
static void fadt_sum(void) { memory[FADT + 9] ^= 1; }
static void dsdt_sum(void) { memory[DSDT + 9] ^= 1; }
static void hpet_sum(void) { memory[HPET + 9] ^= 1; }
static void all_sums(void) { xsdt_sum(); madt_sum(); fadt_sum(); dsdt_sum(); hpet_sum(); }
static void rsdp_tail(void) { memory[RSDP + 33] ^= 1; }
static void fadt_nowhere(void) { set64(XSDT + 36, 0x99999999); seal(XSDT, 0); }
static void fadt_short(void) { set32(FADT + 4, 30); }
static void no_fadt(void) { memcpy(memory + FADT, "FACQ", 4); seal(FADT, 0); }
static void dsdt_nowhere(void) { set64(FADT + 140, 0x99999999); seal(FADT, 0); }
static void no_dsdt(void) { set64(FADT + 140, 0); set32(FADT + 40, 0); seal(FADT, 0); }
static void no_s5(void) { build_dsdt(aml_s5, 5); }
static void hpet_nowhere(void) { set64(XSDT + 68, 0x99999999); seal(XSDT, 0); }
static void hpet_huge(void) { set32(HPET + 4, 0xffffffff); }
static void hpet_in_io_space(void) { set8(HPET + 40, 1); seal(HPET, 0); }
static void other_nowhere(void) { set64(XSDT + 44, 0x99999999); seal(XSDT, 0); }

static const struct {
	const char *claim;
	void (*damage)(void);
	const char *lost, *line;
} bearable[] = {
	{ "XSDT with a wrong checksum", xsdt_sum, "",
	  "table XSDT at 0xe1000 has a wrong checksum" },
	{ "MADT with a wrong checksum", madt_sum, "",
	  "table APIC at 0xe2000 has a wrong checksum" },
	{ "FADT with a wrong checksum", fadt_sum, "",
	  "table FACP at 0xe3000 has a wrong checksum" },
	{ "DSDT with a wrong checksum", dsdt_sum, "",
	  "table DSDT at 0xe5000 has a wrong checksum" },
	{ "HPET with a wrong checksum", hpet_sum, "",
	  "table HPET at 0xe4000 has a wrong checksum" },
	{ "all of them", all_sums, "", "table HPET at 0xe4000 has a wrong checksum" },
	{ "root pointer's second half with a wrong checksum", rsdp_tail, "",
	  "is the only one: it is used" },
	{ "FADT out of reach", fadt_nowhere, "fadt s5",
	  "the table at 0x99999999 is out of reach: left out" },
	{ "FADT of 30 bytes", fadt_short, "fadt s5",
	  "FACP has an impossible length (30 bytes): left out" },
	{ "no FADT", no_fadt, "fadt s5", "there is no table FACP: no PM timer" },
	{ "DSDT out of reach", dsdt_nowhere, "s5",
	  "the table at 0x99999999 is out of reach: left out" },
	{ "no DSDT", no_dsdt, "s5", "there is no table DSDT" },
	{ "no package _S5", no_s5, "s5", "the DSDT has no package \\_S5" },
	{ "HPET out of reach", hpet_nowhere, "hpet",
	  "the table at 0x99999999 is out of reach: left out" },
	{ "HPET of 4 GiB", hpet_huge, "hpet",
	  "HPET has an impossible length (4294967295 bytes): left out" },
	{ "HPET that is not in memory", hpet_in_io_space, "hpet",
	  "the HPET lies in address space 1" },
	{ "an unknown table out of reach", other_nowhere, "",
	  "the table at 0x99999999 is out of reach: left out" },
};

static void test_bearable(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bearable); i++) {
		int rc;

		build();
		bearable[i].damage();
		rc = parse_search();
		ok(!rc && info.nr_cpus == 4 && info.has_fadt == !strstr(bearable[i].lost, "fadt") &&
			   !!info.pm_timer.addr == info.has_fadt &&
			   info.has_s5 == !strstr(bearable[i].lost, "s5") &&
			   !!info.hpet_maddr == !strstr(bearable[i].lost, "hpet") &&
			   strstr(log_text, bearable[i].line),
		   "%s: %s", bearable[i].claim, bearable[i].line);
	}
}

static void test_mcfg(void)
{
	build();
	ok(!parse_search() && !info.nr_mmcfgs && !strstr(log_text, "MCFG"),
	   "a machine without MCFG has none, and that is nothing to tell");
	build_mcfg(44 + 32);
	ok(!parse_search() && info.nr_mmcfgs == 2 && info.mmcfg[0].maddr == 0xb0000000 &&
		   !info.mmcfg[0].first_bus && info.mmcfg[0].last_bus == 255 &&
		   info.mmcfg[1].maddr == 0x4000000000 && info.mmcfg[1].segment == 7 &&
		   info.mmcfg[1].first_bus == 16 && info.mmcfg[1].last_bus == 31,
	   "the MCFG's two apertures");
	build_mcfg(44 + 31);
	ok(!parse_search() && info.nr_mmcfgs == 1, "an entry that is cut is none");
	build_mcfg(36);
	ok(!parse_search() && !info.nr_mmcfgs, "nor is what lies behind a short table");
	build_mcfg(44 + 32);
	mcfg_entry(0, 0xb0000000, 0, 2, 1);
	mcfg_entry(1, 0xb0001000, 0, 0, 1);
	seal(MCFG, 0);
	ok(!parse_search() && !info.nr_mmcfgs && strstr(log_text, "buses 02 to 01") &&
		   strstr(log_text, "at 0xb0001000: left out"),
	   "buses that run backwards, and an aperture that is not aligned, are left out");
	build_mcfg(44 + 16 * 12);
	for (unsigned i = 0; i < 12; i++)
		mcfg_entry(i, 0xb0000000 + ((u64)i << 28), i, 0, 255);
	seal(MCFG, 0);
	ok(!parse_search() && info.nr_mmcfgs == ACPI_MAX_MMCFGS && info.nr_dropped == 4,
	   "of twelve apertures there is room for eight");
	build_mcfg(44 + 32);
	set32(MCFG + 4, 0xffffffff);
	ok(!parse_search() && !info.nr_mmcfgs && strstr(log_text, "no PCI configuration in memory"),
	   "an MCFG of 4 GiB is left out, and that is told");
}

/*
 * Which root pointer is taken: another machine's, whose RSDT is this one's XSDT, tells them apart
 * by the HPET.
 */
static void test_root_pointers(void)
{
	build();
	memory[RSDP + 10] ^= 1;
	ok(!parse_copy(36) && info.hpet_maddr &&
		   strstr(log_text, "loader's root pointer (RSDP) has a wrong checksum") &&
		   strstr(log_text, "is the only one: it is used"),
	   "a loader's copy with a wrong checksum, and there is no other");
	ok(parse_search() == -ENOENT &&
		   strstr(log_text, "at 0xf0000 has a wrong checksum: searching on"),
	   "in the BIOS area it is none, and that is told");

	build();
	memcpy(memory + RSDP + 64, memory + RSDP, 36);
	set8(RSDP + 64 + 15, 0);
	sum(memory + RSDP + 64, 20, 8);
	ok(!parse_search() && info.hpet_maddr && !strstr(log_text, "root pointer"),
	   "of two good ones the first counts");
	rsdp_tail();
	ok(!parse_search() && !info.hpet_maddr &&
		   strstr(log_text, "at 0xf0000 has a wrong checksum: searching on") &&
		   !strstr(log_text, "it is used"),
	   "a good one behind one with a wrong second half");
	ok(!parse_copy(36) && !info.hpet_maddr &&
		   strstr(log_text, "loader's root pointer (RSDP) has a wrong checksum") &&
		   !strstr(log_text, "it is used"),
	   "a good one in memory beats a loader's copy of the wrong one");
	memory[RSDP + 64 + 10] ^= 1;
	ok(!parse_search() && info.hpet_maddr && strstr(log_text, "it is used"),
	   "the better one of two bad ones");
	ok(!parse_copy(36) && info.hpet_maddr, "a copy of it");
}

/* ---- Whatever the bytes. --------------------------------------------------------------------- */

/*
 * By the loader's copy of the root pointer; one in five has to search for it, which takes longer.
 */
static void fuzz_tables(const void *input, size_t len)
{
	static unsigned int round;

	memcpy(memory + XSDT, input, len);
	if (round++ % 5 ? parse_copy(36) : parse_search()) {
		check(fuzz_is_sentence(why), "refused with \"%s\"", why ? why : "(nothing)");
		return;
	}
	check(info.nr_cpus <= ACPI_MAX_CPUS && info.nr_ioapics <= ACPI_MAX_IOAPICS &&
		      info.nr_overrides <= ACPI_MAX_OVERRIDES && info.nr_nmis <= ACPI_MAX_NMIS &&
		      info.lapic_maddr,
	      "bounds");
	for (unsigned int i = 0; i < info.nr_cpus; i++)
		for (unsigned int j = 0; j < i; j++)
			check(info.cpu[i].apic_id != info.cpu[j].apic_id, "CPU %u twice",
			      info.cpu[i].apic_id);
}

/* Sound checksums around whatever damage; @len is all there is. */
static void fix_sums(void *input, size_t len)
{
	static const u64 tables[] = { XSDT, RSDT, MADT, FADT, HPET, DSDT };
	u8 *base = input;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		size_t at = tables[i] - XSDT;
		u32 table_len;

		memcpy(&table_len, base + at + 4, 4);
		if (at + 36 <= len && table_len >= 36 && table_len <= len - at)
			sum(base + at, table_len, 9);
	}
	sum(base + RSDP - XSDT, 20, 8);
	sum(base + RSDP - XSDT, 36, 32);
}

/* Damage dense enough to hit: only the bytes that hold something are candidates. */
static void test_fuzz(void)
{
	static const struct { u64 at; u32 len;
	} parts[] = {
		{ XSDT, 76 }, { RSDT, 44 }, { MADT, 220 }, { FADT, 244 },
		{ DSDT, 52 }, { HPET, 56 }, { RSDP, 36 },
	};
	const size_t len = RSDP + 36 - XSDT;
	unsigned int rounds = fuzz_rounds(getenv("TEST_ALL") ? 40000 : 15000);
	u8 *copy = malloc(len);

	for (unsigned int round = 0; round < rounds; round++) {
		size_t part = tap_random() % ARRAY_SIZE(parts);

		build();
		memcpy(copy, memory + XSDT, len);
		fuzz_damage(copy + parts[part].at - XSDT, parts[part].len);
		if (round % 4)
			fix_sums(copy, len);
		fuzz_tables(copy, len);
	}
	free(copy);
	all_ok("40000 damaged sets of tables");

	for (u32 n = 0; n < 36 + 5 * 8; n++) {
		build();
		seal(XSDT, n < 36 ? 36 : n);
		set32(XSDT + 4, n);
		parse_search();
		check((n < 36 || n >= 60) == (info.nr_cpus == 4), "XSDT of %u bytes", n);
	}
	for (u32 n = 36; n < 200; n++) {
		build();
		seal(MADT, n);
		check(!parse_search() || fuzz_is_sentence(why), "MADT of %u bytes", n);
	}
	for (u32 n = 36; n < 244; n++) {
		build();
		seal(FADT, n);
		check(!parse_search(), "FADT of %u bytes is no reason to stop", n);
	}
	for (size_t n = 0; n < 36; n++) {
		build();
		check(!parse_copy(n) == (n >= 20), "a root pointer of %zu bytes", n);
	}
	all_ok("XSDT, MADT, FADT and root pointer, cut at every byte");
}

int main(void)
{
	test_good();
	test_old_fadt();
	test_s5();
	test_room();
	test_damages();
	test_bearable();
	test_mcfg();
	test_nodes();
	test_bad_nodes();
	test_root_pointers();
	test_fuzz();
	map(~0UL, 0);
	return done();
}
