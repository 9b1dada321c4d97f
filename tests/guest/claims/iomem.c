/* SPDX-License-Identifier: MIT */
/*
 * I/O memory: what of physical memory no domain owns and the control domain may map.
 *
 * The rule: firmware's memory, devices and holes are its to map, and so is the first MiB; the pages
 * of platform devices that can write memory are read-only to it, whatever its entry asks for, and a
 * store there does nothing; the local APIC and the window of message-signalled interrupts are not
 * for it at all. The guest asks for each kind that the machine's map and the PC's habits name.
 */
#define TOPIC "iomem"
#include "../claim.h"
#include "../firmware.h"
#include "../forced_cpuid.h"
#include "../memory.h"
#include "../traps.h"

#define MIB_FRAMES	0x100ul			/* frames of the first MiB */
#define HPET_MFN	0xfed00ul
#define IOAPIC_MFN	0xfec00ul
#define MSI_FIRST	0xfee00ul
#define MSI_LAST	0xfeefful
#define HT_FIRST	0xfd00000ul		/* AMD's HyperTransport, in frames */
#define HT_LAST		0xffffffful
#define DEVICE		(PTE_RW_PAGE | PTE_PCD)

/* struct e820entry as XENMEM_machine_memory_map writes it. */
struct e820_entry {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

/* Map @mfn at the first window as @domid's. */
static long map_of(uint64_t mfn, uint64_t flags, domid_t domid)
{
	struct mmu_update u = { .ptr = maddr_of(entry_of(window(0), 1)) | MMU_NORMAL_PT_UPDATE,
	      .val = make_pte(mfn, flags) };
	long rc = HC4(mmu_update, &u, 1, 0, domid);

	return rc ? rc : mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
}

static long map_io(uint64_t mfn, uint64_t flags)
{
	return map_of(mfn, flags, DOMID_IO);
}

static volatile uint32_t *mapped(unsigned int offset)
{
	return (volatile uint32_t *)((uint8_t *)window(0) + offset);
}

static bool is_amd(void)
{
	uint32_t ebx = forced_cpuid(0, 0).ebx;

	return ebx == 0x68747541 || ebx == 0x6f677948;	/* "Auth", "Hygo" */
}

/* Frames that are spoken of by claims of their own: platform devices', called firmware's. */
static bool is_platform(uint64_t mfn)
{
	return (mfn >= MSI_FIRST && mfn <= MSI_LAST) ||
	       (mfn >= HPET_MFN && mfn < HPET_MFN + 4) || mfn == IOAPIC_MFN ||
	       (is_amd() && mfn >= HT_FIRST && mfn <= HT_LAST) ||
	       (on_isola && is_called_firmware(mfn));
}

static unsigned int machine_map(struct e820_entry *e)
{
	struct xen_memory_map map = { .nr_entries = PAGE_BYTES / sizeof(*e) };

	map.buffer.p = e;
	CHECK_OK(HC2(memory_op, XENMEM_machine_memory_map, &map));
	return map.nr_entries;
}

/* Is @mfn, I/O memory, mapped as asked for, by either name? */
static void check_mappable(uint64_t mfn, const char *what)
{
	for (unsigned int i = 0; i < 2; i++) {
		domid_t domid = i ? DOMID_SELF : DOMID_IO;
		long rc = map_of(mfn, DEVICE, domid);

		CHECK_SAY(!rc, "%s: frame %lx as %x's is %ld", what, mfn, domid, rc);
		CHECK_SAY((l1e(window(0)) & (PTE_FRAME | PTE_RW)) == make_pte(mfn, PTE_RW), "%s: "
		      "frame %lx: entry %lx",
			  what, mfn, l1e(window(0)));
	}
}

/* A page that asked for writing is mapped for reading, and a store there does nothing. */
static void check_read_only(uint64_t mfn, unsigned int offset, const char *what)
{
	uint32_t before;

	CHECK_SAY(map_io(mfn, DEVICE) == 0, "%s cannot be mapped", what);
	CHECK_SAY((l1e(window(0)) & (PTE_FRAME | PTE_RW)) == make_pte(mfn, 0), "%s: entry %lx",
	      what, l1e(window(0)));
	before = *mapped(offset);
	CHECK_NO_TRAP("movl %1, %0", : "=m"(*mapped(offset)) : "r"(~before) : "memory");
	CHECK_NO_TRAP("movw %w1, %0", : "=m"(*mapped(offset)) : "r"(~before) : "memory");
	CHECK_NO_TRAP("movb %b1, %0", : "=m"(*mapped(offset)) : "q"(~before) : "memory");
	/* What reads and writes is more than Xen does. */
	CHECK_TRAP(TRAP_PF, "lock; btcl $0, %0", : "+m"(*mapped(offset)) : : "memory", "cc");
	CHECK_SAY(*mapped(offset) == before, "%s: %x became %x", what, before, *mapped(offset));
	/* What is not at once mapped writable is not made so. */
	CHECK_OK(map_io(mfn, PTE_RO_PAGE | PTE_PCD));
	CHECK_EQ(map_io(mfn, DEVICE), 0);
	CHECK_EQ(l1e(window(0)) & PTE_RW, 0);
}

CLAIM_DOM0(first_mib, "each frame of the first MiB can be mapped as I/O memory, whatever the "
	   "machine's map says of it, but for one that the hypervisor may keep")
{
	unsigned int refused = 0;

	for (uint64_t mfn = 0; mfn < MIB_FRAMES; mfn++) {
		long rc = map_io(mfn, DEVICE);

		CHECK_SAY(!rc || (rc == -XEN_EPERM && !refused++), "frame %lx: %ld", mfn, rc);
	}
}

CLAIM_DOM0(first_mib_cached, "a frame of the first MiB can be mapped cached, uncached, "
	   "read-only, and by a domain's own name")
{
	CHECK_OK(map_io(0x80, PTE_RW_PAGE));
	CHECK_OK(map_io(0x80, PTE_RO_PAGE));
	CHECK_OK(map_io(0x80, PTE_RW_PAGE | PTE_PWT | PTE_PCD));
	check_mappable(0x80, "RAM below 1 MiB");
	check_mappable(0xf0, "the BIOS");
	CHECK_OK(remap(window(0), make_pte(0x9f, PTE_RW_PAGE)));
}

CLAIM(first_mib_no_table, "a frame of the first MiB is no page table: not in an entry above L1, "
      "not pinned")
{
	CHECK(write_entry(l4_slot(16), make_pte(0x80, PTE_TABLE)) < 0);
	CHECK(mmuext(MMUEXT_PIN_L1_TABLE, 0x80, 0) < 0);
	CHECK(mmuext(MMUEXT_PIN_L4_TABLE, 0x80, 0) < 0);
	CHECK(HC3(set_gdt, &(unsigned long){ 0x80 }, 512, 0) < 0);
}

CLAIM_DOM0(firmware_memory, "the first and the last frame of what the machine's map calls "
	   "reserved, ACPI data or NVS can be mapped")
{
	struct e820_entry *e = page_alloc();
	unsigned int nr = machine_map(e), tried = 0;

	for (unsigned int i = 0; i < nr; i++) {
		uint64_t first = e[i].addr / PAGE_BYTES,
		      last = (e[i].addr + e[i].size - 1) / PAGE_BYTES;

		if (e[i].type < 2 || e[i].type > 4 || first < MIB_FRAMES)
			continue;
		for (unsigned int end = 0; end < 2; end++)
			if (!is_platform(end ? last : first)) {
				check_mappable(end ? last : first, "firmware's memory");
				tried++;
			}
	}
	CHECK(tried > 0);
}

CLAIM_DOM0(holes, "a hole that the machine's map does not name can be mapped, between RAM and 4 "
	   "GiB and above all RAM")
{
	check_mappable(0xf0000, "the hole below 4 GiB");
	check_mappable(0xfd000, "another");
	check_mappable(0x700000, "above RAM");
}

CLAIM_DOM0(ram_is_not_io, "the machine's RAM is not I/O memory: a frame of ours or of the "
	   "hypervisor's does not go by that name")
{
	struct e820_entry *e = page_alloc();
	unsigned int nr = machine_map(e), tried = 0;

	CHECK(map_io(mfn_of(page_alloc()), PTE_RW_PAGE) < 0);
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t first = e[i].addr / PAGE_BYTES,
		      last = (e[i].addr + e[i].size) / PAGE_BYTES - 1;

		if (e[i].type != 1 || first < MIB_FRAMES)
			continue;
		CHECK_SAY(map_io(first, PTE_RO_PAGE) < 0, "frame %lx", first);
		CHECK_SAY(map_io(last, PTE_RO_PAGE) < 0, "frame %lx", last);
		tried++;
	}
	CHECK(tried > 0);
}

CLAIM_DOM0(hpet, "the HPET, which can send its interrupts as writes to memory, is mapped "
	   "read-only and stores there do nothing")
{
	CHECK_OK(map_io(HPET_MFN, DEVICE));
	if ((*mapped(0) & 0xff) == 0 || *mapped(0) == ~0u)
		skip("no HPET here");
	check_read_only(HPET_MFN, 0x10, "the HPET's configuration");
	check_read_only(HPET_MFN, 0x100, "its first timer");
	check_read_only(HPET_MFN, 0x114, "where that one writes to");
}

CLAIM_DOM0(ioapic, "an I/O APIC is mapped read-only and stores there do nothing")
{
	check_read_only(IOAPIC_MFN, 0, "the I/O APIC's index");
	check_read_only(IOAPIC_MFN, 0x10, "its data");
}

CLAIM_DOM0(refused_apic, "neither the local APIC nor the window of message-signalled interrupts is "
      "mapped, for reading or writing")
{
	static const uint64_t frames[] = { MSI_FIRST, MSI_FIRST + 1, 0xfee80, MSI_LAST };

	for (unsigned int i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		CHECK_ERR(map_io(frames[i], DEVICE), XEN_EPERM);
		CHECK_ERR(map_io(frames[i], PTE_RO_PAGE | PTE_PCD), XEN_EPERM);
		CHECK_ERR(map_of(frames[i], DEVICE, DOMID_SELF), XEN_EPERM);
	}
	check_mappable(MSI_FIRST - 1, "below it");
	check_mappable(MSI_LAST + 1, "above it");
}

CLAIM_DOM0(hypertransport, "on AMD's parts the range of HyperTransport is not mapped; on others "
	   "it is a hole")
{
	static const uint64_t frames[] = { HT_FIRST, 0xfe00000, HT_LAST };

	for (unsigned int i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		CHECK_EQ(map_io(frames[i], DEVICE), is_amd() ? -XEN_EPERM : 0);
	CHECK_EQ(map_io(HT_FIRST - 1, DEVICE), 0);
}

/* The frames at which 2 MiB of the machine-to-phys table begin each. */
static unsigned int m2p_extents(uint64_t *extent, unsigned int most)
{
	struct xen_machphys_mfn_list list = { .max_extents = most };

	list.extent_start.p = extent;
	CHECK_OK(HC2(memory_op, XENMEM_machphys_mfn_list, &list));
	return list.nr_extents;
}

/* Map the frame of the table that has @mfn's entry, where nothing is mapped. */
static long map_m2p(const uint64_t *extent, uint64_t mfn, uint64_t flags, domid_t domid)
{
	uint64_t at = mfn * sizeof(uint64_t);

	CHECK_OK(remap(window(0), 0));
	return map_of(extent[at >> 21] + (at >> 12 & 511), flags, domid);
}

CLAIM_DOM0(m2p_extents, "the machine-to-phys table is mapped by its frames, all 512 of each "
	   "extent, as DOMID_XEN's, and to read")
{
	uint64_t *extent = page_alloc(), mfn = mfn_of(start);
	unsigned int nr = m2p_extents(extent, PAGE_BYTES / sizeof(*extent));

	CHECK_EQ(nr, (HC2(memory_op, XENMEM_maximum_ram_page, 0) * 8 + 0x1fffff) >> 21);
	for (unsigned int i = 0; i < nr; i++) {
		CHECK_EQ(extent[i] & 511, 0);
		for (unsigned int k = 0; k < 512; k += i ? 73 : 1)
			CHECK_OK(map_of(extent[i] + k, PTE_RO_PAGE, DOMID_XEN));
	}
	CHECK_OK(map_m2p(extent, mfn, PTE_RO_PAGE, DOMID_XEN));
	CHECK_EQ(((volatile uint64_t *)window(0))[mfn % 512], pfn_of(start));
	CHECK(map_m2p(extent, mfn, PTE_RW_PAGE, DOMID_XEN) < 0);
	CHECK(map_m2p(extent, mfn, PTE_RO_PAGE, DOMID_SELF) < 0);
	CHECK(map_m2p(extent, mfn, PTE_RO_PAGE, DOMID_IO) < 0);
	CHECK(map_m2p(extent, mfn, PTE_RO_PAGE | PTE_PCD, DOMID_XEN) < 0);
	CHECK(map_of(mfn, PTE_RO_PAGE, DOMID_XEN) < 0);	/* no frame of the table */
	CHECK_OK(remap(window(0), 0));
}

CLAIM_DOM0(m2p_extents_few, "machphys_mfn_list gives no more than there is room for")
{
	uint64_t *extent = page_alloc();

	extent[1] = 0x5a;
	CHECK_EQ(m2p_extents(extent, 1), 1);
	CHECK_EQ(extent[1], 0x5a);
	CHECK_EQ(m2p_extents(extent, 0), 0);
}
