/* SPDX-License-Identifier: MIT */
/*
 * I/O memory: see asm/iomem.h for the table.
 *
 * What is not RAM is the control domain's to map, but for the limits kept here. Platform devices
 * that can write memory have one each: a HPET's timers can send their interrupts as memory writes
 * to any address with any data (IA-PC HPET 1.0a, 2.3.9), an I/O APIC's entries likewise within the
 * MSI window, which is itself the way to any vector of any CPU.
 */
#include <asm/acpi.h>
#include <asm/frametable.h>
#include <asm/iomem.h>
#include <isola/boot_info.h>
#include <isola/domain.h>
#include <isola/memmap.h>
#include <isola/printk.h>
#include <isola/privilege.h>

#define PAGE_FRAMES(maddr, bytes) maddr_to_mfn(maddr), maddr_to_mfn((maddr) + (bytes) - 1)

#define HPET_BYTES	0x400u
#define IOAPIC_BYTES	0x44u
#define LAPIC_BYTES	0x400u
#define E820_RAM	1
#define E820_UNUSABLE	5

/* Where nothing need name them. */
static const struct {
	u64 start, end;
	enum iomem_access most;
	bool hypertransport;		/* on parts that have it */
} known[] = {
	/* the chipsets' choices for HPETs, enabled or not */
	{ 0xfed00000, 0xfed04000, IOMEM_READ, false },
	/* MSI window, SDM 10.11.1; the local APIC is its first page unless firmware moved it */
	{ 0xfee00000, 0xfef00000, IOMEM_NONE, false },
	/* AMD I/O Virtualization Technology, 2.1.2: interrupts, configuration, I/O cycles */
	{ 0xfd00000000, 0x10000000000, IOMEM_NONE, true },
};

static struct limit {
	u64 first, last;		/* frames */
	enum iomem_access most;
} limit[ARRAY_SIZE(known) + ACPI_MAX_IOAPICS + BOOT_MAX_RANGES + 5];
static unsigned nr_limits;

void iomem_limit(mfn_t first, mfn_t last, enum iomem_access most)
{
	unsigned i = nr_limits;

	BUG_ON(nr_limits == ARRAY_SIZE(limit));
	for (; i > 0 && limit[i - 1].first > mfn_x(first); i--)
		limit[i] = limit[i - 1];
	limit[i] = (struct limit){ mfn_x(first), mfn_x(last), most };
	nr_limits++;
}

bool iomem_limit_at(unsigned i, mfn_t *first, mfn_t *last)
{
	if (i >= nr_limits)
		return false;
	*first = _mfn(limit[i].first);
	*last = _mfn(limit[i].last);
	return true;
}

/* RAM that has no record, or that firmware calls defective: nobody's, and no device either. */
static void limit_map(const struct memmap_entry *e)
{
	u64 first = max(e->addr, MEMMAP_LOW_END) >> PAGE_SHIFT;
	u64 end = DIV_ROUND_UP(e->addr + e->size, PAGE_SIZE);

	if (e->type == E820_RAM)
		first = max(first, MAX_MFN);
	else if (e->type != E820_UNUSABLE)
		return;
	if (first < end)
		iomem_limit(_mfn(first), _mfn(end - 1), IOMEM_NONE);
}

void iomem_init(const struct acpi_info *acpi, bool has_hypertransport)
{
	nr_limits = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (has_hypertransport || !known[i].hypertransport)
			iomem_limit(PAGE_FRAMES(known[i].start, known[i].end - known[i].start),
				    known[i].most);
	for (unsigned i = 0; i < memmap_nr(); i++)
		limit_map(memmap_entry(i));
	for (unsigned i = 0; i < acpi->nr_ioapics; i++)
		iomem_limit(PAGE_FRAMES(acpi->ioapic[i].maddr, IOAPIC_BYTES), IOMEM_READ);
	if (acpi->hpet_maddr)
		iomem_limit(PAGE_FRAMES(acpi->hpet_maddr, HPET_BYTES), IOMEM_READ);
	if (acpi->lapic_maddr)
		iomem_limit(PAGE_FRAMES(acpi->lapic_maddr, LAPIC_BYTES), IOMEM_NONE);
}

enum iomem_access iomem_access(const struct domain *d, mfn_t m)
{
	enum iomem_access most = domain_may(d, MAY_map_io_memory) ? IOMEM_FULL : IOMEM_NONE;

	for (unsigned i = 0; i < nr_limits && limit[i].first <= mfn_x(m); i++)
		if (mfn_x(m) <= limit[i].last)
			most = min(most, limit[i].most);
	return most;
}
