/* SPDX-License-Identifier: MIT */
/*
 * I/O memory: the table against a second statement of it, frame by frame,
      over maps made by hand and
 * at random: ranges
 * of every type below, across and above 1 MiB, under the devices and around them.
 *
 * Flags: -Itests/unit/mm/include
 * Sources: arch/x86/mm/iomem.c
 */
#include "tap.h"

#include <asm/acpi.h>
#include <asm/iomem.h>
#include <asm/layout.h>
#include <isola/boot_info.h>
#include <isola/domain.h>
#include <isola/memmap.h>
#include <isola/panic.h>
#include <string.h>

#define FRAME(maddr) ((u64)(maddr) >> PAGE_SHIFT)
#define BEYOND	(MAX_MFN << PAGE_SHIFT)

static struct memmap_entry map[BOOT_MAX_RANGES];
static unsigned map_nr;
static struct acpi_info acpi;
static const struct domain control = { .is_privileged = true }, other;

unsigned memmap_nr(void) { return map_nr; }
const struct memmap_entry *memmap_entry(unsigned i) { return &map[i]; }
void panic(const char *fmt, ...) { printf("# %s\n", fmt); exit(1); }

/* ---- The model ---- */

static bool touches(u64 frame, u64 start, u64 bytes)
{
	return bytes && frame >= FRAME(start) && frame <= FRAME(start + bytes - 1);
}

static enum iomem_access device(u64 frame, bool amd)
{
	if (touches(frame, 0xfee00000, MIB(1)) || touches(frame, acpi.lapic_maddr, 0x400) ||
	    (amd && frame >= 0xfd00000 && frame <= 0xfffffff))
		return IOMEM_NONE;
	for (unsigned i = 0; i < acpi.nr_ioapics; i++)
		if (touches(frame, acpi.ioapic[i].maddr, 0x44))
			return IOMEM_READ;
	if (touches(frame, 0xfed00000, 0x4000) || touches(frame, acpi.hpet_maddr,
	      acpi.hpet_maddr ? 0x400 : 0))
		return IOMEM_READ;
	return IOMEM_FULL;
}

static enum iomem_access model(u64 frame, bool amd)
{
	for (unsigned i = 0; i < map_nr; i++)
		if (frame >= 0x100 && touches(frame, map[i].addr, map[i].size) &&
		    (map[i].type == 5 || (map[i].type == 1 && frame >= MAX_MFN)))
			return IOMEM_NONE;
	return device(frame, amd);
}

/* ---- What is asked about ---- */

static void add(u64 addr, u64 size, u32 type)
{
	map[map_nr++] = (struct memmap_entry){ addr, size, type };
}

static void check_frame(u64 frame, bool amd)
{
	enum iomem_access is = iomem_access(&control, _mfn(frame)), must = model(frame, amd);

	check(is == must, "frame %lx: %d, not %d (%s)", frame, is, must, amd ? "AMD" : "Intel");
	check(iomem_access(&other, _mfn(frame)) == IOMEM_NONE, "frame %lx for another domain",
	      frame);
}

static void check_around(u64 maddr, bool amd)
{
	for (u64 frame = FRAME(maddr) > 3 ? FRAME(maddr) - 3 : 0; frame < FRAME(maddr) + 4; frame++)
		check_frame(frame, amd);
}

static void check_order(void)
{
	mfn_t first, last, before = _mfn(0);
	unsigned i;

	for (i = 0; iomem_limit_at(i, &first, &last); i++) {
		check(mfn_x(first) >= mfn_x(before) && mfn_x(first) <= mfn_x(last), "limit %u", i);
		before = first;
	}
	check(i >= 2 && !iomem_limit_at(i + 1, &first, &last), "%u limits", i);
}

/* Every frame of the first 2 MiB and at every border. */
static void check_all(void)
{
	static const u64 borders[] = {
		0xfec00000, 0xfed00000, 0xfed04000, 0xfee00000, 0xfef00000, 0xfd00000000,
		      0x10000000000, GIB(4), BEYOND,
	};

	for (int amd = 0; amd < 2; amd++) {
		iomem_init(&acpi, amd);
		check_order();
		for (u64 frame = 0; frame < 0x200; frame++)
			check_frame(frame, amd);
		for (unsigned i = 0; i < ARRAY_SIZE(borders); i++)
			check_around(borders[i], amd);
		for (unsigned i = 0; i < map_nr; i++) {
			check_around(map[i].addr, amd);
			check_around(map[i].addr + map[i].size, amd);
		}
		check_around(acpi.lapic_maddr, amd);
		check_around(acpi.hpet_maddr, amd);
		for (unsigned i = 0; i < acpi.nr_ioapics; i++)
			check_around(acpi.ioapic[i].maddr, amd);
	}
}

static void pc(void)
{
	map_nr = 0;
	acpi = (struct acpi_info){ .lapic_maddr = 0xfee00000, .hpet_maddr = 0xfed00000,
	      .nr_ioapics = 1 };
	acpi.ioapic[0].maddr = 0xfec00000;
}

static void test_by_hand(void)
{
	pc();
	add(0, 0x9f000, 1);
	add(0x9f000, 0x1000, 2);
	add(MIB(1), MIB(511), 1);
	iomem_init(&acpi, true);
	ok(iomem_access(&control, _mfn(0x80)) == IOMEM_FULL, "RAM of the first MiB is the control "
	      "domain's to map");
	ok(iomem_access(&control, _mfn(0xfed00)) == IOMEM_READ, "the HPET is for reading");
	ok(iomem_access(&control, _mfn(0xfec00)) == IOMEM_READ, "so is the I/O APIC");
	ok(iomem_access(&control, _mfn(0xfee00)) == IOMEM_NONE, "the local APIC is nobody's");
	ok(iomem_access(&control, _mfn(0xfd00000)) == IOMEM_NONE, "nor is HyperTransport");
	ok(iomem_access(&other, _mfn(0x80)) == IOMEM_NONE, "another domain has no I/O memory");
	iomem_limit(_mfn(8), _mfn(8), IOMEM_NONE);
	ok(iomem_access(&control, _mfn(8)) == IOMEM_NONE && iomem_access(&control,
	      _mfn(7)) == IOMEM_FULL &&
	   iomem_access(&control, _mfn(9)) == IOMEM_FULL, "a page that is withheld is, and it "
	      "alone");
	iomem_init(&acpi, false);
	ok(iomem_access(&control, _mfn(0xfd00000)) == IOMEM_FULL, "on other parts that range is a "
	      "hole");
}

/* Each type at places where it meets something. */
static void test_types(void)
{
	static const struct { u64 addr, size; } place[] = {
		{ 0, 0x1000 }, { 0x8000, 0x5000 }, { 0x80000, 0x20000 }, { 0xff000, 0x1000 },
		      { 0xff000, 0x3000 },
		{ 0, MIB(2) }, { MIB(1), 0x1000 }, { MIB(256), MIB(16) }, { 0xfe000000,
		      0x2000000 - 1 },
		{ 0xfed00000, 0x1000 }, { 0xfec00000, 0x1000 }, { 0xfee00000, MIB(1) },
		      { 0xfed01fff, 2 },
		{ 0xfcfffff000, 0x2000 }, { BEYOND - 0x1000, 0x2000 }, { BEYOND, GIB(1) },
		      { 0xffffffffff000, 0x1000 },
	};

	for (u32 type = 1; type <= 6; type++)
		for (unsigned i = 0; i < ARRAY_SIZE(place); i++) {
			pc();
			add(place[i].addr, place[i].size, type);
			check_all();
		}
	all_ok("a range of each type, below, across and above 1 MiB, over the devices and beyond "
	      "our reach");
}

static u64 somewhere(void)
{
	static const u64 near[] = { 0, MIB(1), 0xfec00000, 0xfed00000, 0xfee00000, 0xfef00000,
	      0xfd00000000, 0x10000000000,
		BEYOND };

	return ROUNDDOWN(near[tap_random() % ARRAY_SIZE(near)] + tap_random() % 0x20000, 0x100);
}

static void test_random(void)
{
	for (int round = 0; round < 400; round++) {
		pc();
		for (u64 n = tap_random() % 12; n; n--)
			add(somewhere(), 1 + tap_random() % 0x40000, 1 + tap_random() % 6);
		acpi.lapic_maddr = tap_random() % 2 ? somewhere() : 0xfee00000;
		acpi.hpet_maddr = tap_random() % 2 ? somewhere() : 0;
		acpi.nr_ioapics = tap_random() % (ACPI_MAX_IOAPICS + 1);
		for (unsigned i = 0; i < acpi.nr_ioapics; i++)
			acpi.ioapic[i].maddr = somewhere();
		check_all();
	}
	all_ok("400 maps and sets of devices at random, overlapping");
}

static void test_room(void)
{
	pc();
	acpi.nr_ioapics = ACPI_MAX_IOAPICS;
	for (unsigned i = 0; i < ACPI_MAX_IOAPICS; i++)
		acpi.ioapic[i].maddr = 0xfec00000 + i * 0x1000;
	while (map_nr < BOOT_MAX_RANGES)
		add(MIB(2) * (BOOT_MAX_RANGES - map_nr), 0x1000, 5);
	check_all();
	iomem_limit(_mfn(8), _mfn(8), IOMEM_NONE);
	all_ok("as many ranges and devices as there can be have room, and one page more");
}

static enum iomem_access access_of(u64 frame)
{
	return iomem_access(&control, _mfn(frame));
}

static void test_guards(void)
{
	unsigned nr = 0;

	pc();
	iomem_init(&acpi, false);
	check(!iomem_guard(_mfn(0xfeb00), 3) && !iomem_guard(_mfn(0xfeb02), 2), "guard");
	ok(access_of(0xfeaff) == IOMEM_FULL && access_of(0xfeb00) == IOMEM_READ &&
		   access_of(0xfeb03) == IOMEM_READ && access_of(0xfeb04) == IOMEM_FULL &&
		   iomem_access(&other, _mfn(0xfeb00)) == IOMEM_NONE &&
		   iomem_is_device(_mfn(0xfeb00)),
	   "guarded frames are for reading, and nobody else's");
	iomem_unguard(_mfn(0xfeb00), 3);
	ok(access_of(0xfeb01) == IOMEM_FULL && access_of(0xfeb02) == IOMEM_READ,
	   "a frame that is guarded twice stays guarded");
	iomem_unguard(_mfn(0xfeb02), 2);
	check(!iomem_guard(_mfn(0xfee00), 1), "guard");
	ok(access_of(0xfee00) == IOMEM_NONE && !iomem_is_device(_mfn(0xfee00)),
	   "a guard gives nothing");
	while (!iomem_guard(_mfn(0xfeb00 + nr), 1))
		nr++;
	ok(nr == 511 && access_of(0xfeb00 + nr) == IOMEM_FULL, "there is room for 512");
	iomem_unguard(_mfn(0xfeb07), 1);
	ok(access_of(0xfeb07) == IOMEM_FULL && !iomem_guard(_mfn(0xfeb80), 1),
	   "or one for another");
}

int main(void)
{
	test_by_hand();
	test_types();
	test_random();
	test_room();
	test_guards();
	return done();
}
