/* SPDX-License-Identifier: MIT */
/*
 * A small machine's memory with ACPI tables under construction in it: root pointer, XSDT and RSDT,
 * MADT, FADT with its DSDT, HPET, MCFG if wanted, and one that nobody knows.
 *
 * The mapping function hands out a heap copy of exactly the bytes asked for and frees the copy
 * before, so the sanitizer sees a read past a mapping as well as the use of one that has ended.
 */
#pragma once
#include "tap.h"

#include <isola/types.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY	0x100000UL		/* the machine's: tables lie in the BIOS area */
#define RSDP	0xf0000UL
#define XSDT	0xe1000UL
#define RSDT	0xe1800UL
#define MADT	0xe2000UL
#define FADT	0xe3000UL
#define HPET	0xe4000UL
#define DSDT	0xe5000UL
#define OTHER	0xe6000UL
#define MCFG	0xe7000UL
#define SRAT	0xe8000UL
#define SLIT	0xe9000UL

static u8 memory[MEMORY];
static void *mapped;
static u64 unmappable = ~0UL;		/* a table that the machine cannot map */

static const void *map(u64 maddr, size_t len)
{
	free(mapped);
	mapped = NULL;
	if (maddr == unmappable || maddr >= MEMORY || len > MEMORY - maddr)
		return NULL;
	mapped = malloc(len);
	memcpy(mapped, memory + maddr, len);
	return mapped;
}

/* ---- Tables under construction. -------------------------------------------------------------- */

static void set8(u64 at, u8 v) { memory[at] = v; }
static void set16(u64 at, u16 v) { memcpy(memory + at, &v, 2); }
static void set32(u64 at, u32 v) { memcpy(memory + at, &v, 4); }
static void set64(u64 at, u64 v) { memcpy(memory + at, &v, 8); }

static u32 get32(u64 at)
{
	u32 v;

	memcpy(&v, memory + at, 4);
	return v;
}

static void sum(u8 *base, size_t len, size_t checksum_at)
{
	u8 total = 0;

	base[checksum_at] = 0;
	for (size_t i = 0; i < len; i++)
		total = (u8)(total + base[i]);
	base[checksum_at] = (u8)-total;
}

/* Make the table at @at sound again after a change; @len 0: as long as it says. */
static void seal(u64 at, u32 len)
{
	if (len)
		set32(at + 4, len);
	sum(memory + at, get32(at + 4), 9);
}

static void table(u64 at, const char *signature, u32 len)
{
	memset(memory + at, 0, len);
	memcpy(memory + at, signature, 4);
	seal(at, len);
}

static void gas(u64 at, u8 space, u8 width, u64 addr)
{
	set8(at, space);
	set8(at + 1, width);
	set64(at + 4, addr);
}

static void seal_rsdp(void)
{
	sum(memory + RSDP, 20, 8);
	sum(memory + RSDP, 36, 32);
}

static u64 madt_end;

static void madt_entry(const u8 *bytes, u8 len)
{
	memcpy(memory + madt_end, bytes, len);
	madt_end += len;
	seal(MADT, (u32)(madt_end - MADT));
}

#define ENTRY(...) madt_entry((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static void build_madt(void)
{
	table(MADT, "APIC", 44);
	set32(MADT + 36, 0xfee00000);
	set32(MADT + 40, 1);
	madt_end = MADT + 44;
	ENTRY(0, 8, 0, 0, 1, 0, 0, 0);
	ENTRY(0, 8, 1, 1, 1, 0, 0, 0);
	ENTRY(0, 8, 2, 2, 0, 0, 0, 0);						/* disabled */
	ENTRY(0, 8, 3, 0xff, 1, 0, 0, 0);					/* no such socket */
	ENTRY(9, 16, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0);		/* CPU 1 again */
	ENTRY(9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0);		/* x2APIC id 256 */
	ENTRY(9, 16, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 8, 0, 0, 0);
	ENTRY(1, 12, 4, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0);
	ENTRY(1, 12, 5, 0, 0, 0x10, 0xc0, 0xfe, 24, 0, 0, 0);
	ENTRY(2, 10, 0, 0, 2, 0, 0, 0, 0, 0);
	ENTRY(2, 10, 0, 9, 9, 0, 0, 0, 0x0d, 0);
	ENTRY(4, 6, 0xff, 5, 0, 1);
	ENTRY(4, 6, 1, 0, 0, 0);
	ENTRY(10, 12, 1, 0, 7, 0, 0, 0, 1, 0, 0, 0);
	/* a type of the future */
	ENTRY(77, 5, 1, 2, 3);
}

static void build_fadt(void)
{
	table(FADT, "FACP", 244);
	set32(FADT + 40, (u32)DSDT);
	set16(FADT + 46, 9);
	set32(FADT + 48, 0xb2);
	set8(FADT + 52, 0xf1);
	set32(FADT + 56, 0x600);
	set32(FADT + 64, 0x604);
	set32(FADT + 76, 0x608);
	set8(FADT + 88, 4);
	set8(FADT + 89, 2);
	set8(FADT + 91, 4);
	set32(FADT + 112, 1 << 8 | 1 << 10);
	gas(FADT + 116, 1, 8, 0xcf9);
	set8(FADT + 128, 0x0f);
	set64(FADT + 140, DSDT);
	gas(FADT + 148, 1, 32, 0x600);
	gas(FADT + 172, 1, 16, 0x604);
	gas(FADT + 208, 1, 32, 0x608);
	seal(FADT, 0);
}

static const u8 aml_s5[] = { 0x10, 0x20, 8,    '_', 'S',  '5', '_', 0x12,
			     0x08, 4,    0x0a, 5,   0x01, 0,   0,   0xa4 };

static void build_dsdt(const u8 *aml, u32 len)
{
	table(DSDT, "DSDT", 36 + len);
	memcpy(memory + DSDT + 36, aml, len);
	seal(DSDT, 0);
}

static void build(void)
{
	memset(memory, 0, MEMORY);
	unmappable = ~0UL;
	memcpy(memory + RSDP, "RSD PTR ", 8);
	memcpy(memory + RSDP + 9, "ISOLA ", 6);
	set8(RSDP + 15, 2);
	set32(RSDP + 16, (u32)RSDT);
	set32(RSDP + 20, 36);
	set64(RSDP + 24, XSDT);
	seal_rsdp();
	table(XSDT, "XSDT", 36 + 5 * 8);
	set64(XSDT + 36, FADT);
	set64(XSDT + 44, OTHER);
	set64(XSDT + 52, MADT);
	set64(XSDT + 60, 0);
	set64(XSDT + 68, HPET);
	seal(XSDT, 0);
	table(RSDT, "RSDT", 36 + 2 * 4);
	set32(RSDT + 36, (u32)MADT);
	set32(RSDT + 40, (u32)FADT);
	seal(RSDT, 0);
	table(OTHER, "OEM0", 40);
	build_madt();
	build_fadt();
	build_dsdt(aml_s5, sizeof(aml_s5));
	table(HPET, "HPET", 56);
	gas(HPET + 40, 0, 64, 0xfed00000);
	seal(HPET, 0);
}

static void mcfg_entry(unsigned i, u64 maddr, u16 segment, u8 first, u8 last)
{
	u64 at = MCFG + 44 + 16 * i;

	set64(at, maddr);
	set16(at + 8, segment);
	set8(at + 10, first);
	set8(at + 11, last);
}

/* A machine whose MCFG is of @len bytes. */
static void build_mcfg(u32 len)
{
	build();
	set64(XSDT + 60, MCFG);
	seal(XSDT, 0);
	table(MCFG, "MCFG", len);
	mcfg_entry(0, 0xb0000000, 0, 0, 255);
	mcfg_entry(1, 0x4000000000, 7, 16, 31);
	seal(MCFG, 0);
}
