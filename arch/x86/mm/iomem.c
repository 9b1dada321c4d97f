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
#include <isola/errno.h>
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
} limit[ARRAY_SIZE(known) + ACPI_MAX_IOAPICS + BOOT_MAX_RANGES + BOOT_MAX_EFI_RANGES + 5];
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

/* What the limits allow of @m, if not more than @most. */
static enum iomem_access limited(enum iomem_access most, mfn_t m)
{
	for (unsigned i = 0; i < nr_limits && limit[i].first <= mfn_x(m); i++)
		if (mfn_x(m) <= limit[i].last)
			most = min(most, limit[i].most);
	return most;
}

bool iomem_is_device(mfn_t m)
{
	return limited(IOMEM_FULL, m) == IOMEM_FULL;
}

/* ---- Guards ---------------------------------------------------------------------------------- */

/*
 * Each a word, so that who reads them without the lock sees one or none: the first frame, then how
 * many. 0: none.
 */
#define MAX_GUARDS	512
#define GUARD_NR_BITS	24
#define GUARD(first, nr) (mfn_x(first) << GUARD_NR_BITS | (nr))
static u64 guard[MAX_GUARDS];
static unsigned nr_guards;		/* one past the last that has ever been used */

int iomem_guard(mfn_t first, u32 nr)
{
	ASSERT(nr && nr < 1u << GUARD_NR_BITS && mfn_x(first) < 1ul << (64 - GUARD_NR_BITS));
	for (unsigned i = 0; i < MAX_GUARDS; i++) {
		if (guard[i])
			continue;
		WRITE_ONCE(guard[i], GUARD(first, nr));
		if (i >= nr_guards)
			WRITE_ONCE(nr_guards, i + 1);
		return 0;
	}
	return -ENOMEM;
}

void iomem_unguard(mfn_t first, u32 nr)
{
	for (unsigned i = 0; i < nr_guards; i++)
		if (guard[i] == GUARD(first, nr)) {
			WRITE_ONCE(guard[i], 0);
			return;
		}
	BUG_ON(true);
}

static bool is_guarded(mfn_t m)
{
	for (unsigned i = 0; i < READ_ONCE(nr_guards); i++) {
		u64 g = READ_ONCE(guard[i]);

		/* Unsigned: a frame below the first is beyond the last too. */
		if (mfn_x(m) - (g >> GUARD_NR_BITS) < (g & ((1u << GUARD_NR_BITS) - 1)))
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------------------------------------- */

enum iomem_access iomem_access(const struct domain *d, mfn_t m)
{
	enum iomem_access most;

	most = limited(domain_may(d, MAY_map_io_memory) ? IOMEM_FULL : IOMEM_NONE, m);
	return most == IOMEM_FULL && is_guarded(m) ? IOMEM_READ : most;
}
