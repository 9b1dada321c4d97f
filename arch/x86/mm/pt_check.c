/* SPDX-License-Identifier: MIT */
/*
 * Checks of one entry. The masks are the whole policy: what is not in them is refused (PTE-2).
 *
 *   level  allowed                                       remarks
 *   1      P RW US PWT PCD A D PAT G AVL 52..62 NX       PWT PCD PAT on I/O frames only (COH-1)
 *   2..4   P RW US         A D       AVL 52..62 NX       PS, G, PWT, PCD refused
 *   all                                                  US is set in present entries
 *   absent: anything, or (parts with L1TF) no address of RAM
 */
#include <asm/acpi.h>
#include <asm/insn.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/pt_check.h>
#include <isola/errno.h>
#include <isola/printk.h>

#define L1_ALLOWED	(PT_UPPER_ALLOWED | PTE_PWT | PTE_PCD | PTE_PAT | PTE_G)
static_assert(L1_ALLOWED == ~0ul, "pt_take_l1e() asks for the cache bits alone");

/* The MSI window. The local APIC is its first page unless firmware moved it. */
#define MSI_FIRST	0xfee00
#define MSI_LAST	0xfeeff

struct domain domain_io = { .domid = DOMID_IO };

static u64 nr_machine_frames;		/* what the CPU can address; 0 until pt_check_init() */

/* Frames that no guest may map, by rising first. Written at boot only. */
static struct { u64 first, last; } denied[ACPI_MAX_IOAPICS + 8];
static unsigned nr_denied;

void pt_deny_io(mfn_t first, mfn_t last)
{
	unsigned i = nr_denied;

	BUG_ON(nr_denied == ARRAY_SIZE(denied));
	for (; i > 0 && denied[i - 1].first > mfn_x(first); i--)
		denied[i] = denied[i - 1];
	denied[i].first = mfn_x(first);
	denied[i].last = mfn_x(last);
	nr_denied++;
}

bool pt_denied_io(unsigned i, mfn_t *first, mfn_t *last)
{
	if (i >= nr_denied)
		return false;
	*first = _mfn(denied[i].first);
	*last = _mfn(denied[i].last);
	return true;
}

static void deny_page(u64 maddr)
{
	pt_deny_io(maddr_to_mfn(maddr), maddr_to_mfn(maddr));
}

void pt_check_init(const struct acpi_info *acpi)
{
	unsigned bits = 36;

	pt_deny_io(_mfn(MSI_FIRST), _mfn(MSI_LAST));
	if (acpi->lapic_maddr && (acpi->lapic_maddr >> PAGE_SHIFT) != MSI_FIRST)
		deny_page(acpi->lapic_maddr);
	for (unsigned i = 0; i < acpi->nr_ioapics; i++)
		deny_page(acpi->ioapic[i].maddr);
	if (cpuid(0x80000000, 0).eax >= 0x80000008)
		bits = cpuid(0x80000008, 0).eax & 0xff;
	nr_machine_frames = 1ul << (min(bits, 52u) - PAGE_SHIFT);
}

bool pt_io_permitted(const struct domain *d, mfn_t m)
{
	if (!d->is_privileged)
		return false;
	for (unsigned i = 0; i < nr_denied; i++)
		if (mfn_x(m) >= denied[i].first && mfn_x(m) <= denied[i].last)
			return false;
	return true;
}

static int check_l1(struct domain *d, pte_t e)
{
	if (likely(!is_io_frame(pte_mfn(e))))
		return e & L1_CACHE ? -EINVAL : 0;
	if (mfn_x(pte_mfn(e)) >= nr_machine_frames)
		return -EINVAL;
	return pt_io_permitted(d, pte_mfn(e)) ? 0 : -EPERM;
}

/*
 * L1TF (SPC-5): on affected parts an absent entry reads what the L1D holds of the machine address
 * that it names. Frame 0 holds nothing; an entry that names it is an empty one with flags.
 */
u64 pt_absent_floor[2];
static u64 absent_mask;

#define L1D_TAG_BITS 44		/* the fewest of an affected part; too few refuse more, not less */

void pt_check_refuse_absent(bool domu, bool dom0)
{
	absent_mask = (min(nr_machine_frames << PAGE_SHIFT, 1ul << L1D_TAG_BITS) - 1) & PTE_ADDR;
	pt_absent_floor[0] = domu ? max_page << PAGE_SHIFT : 0;
	pt_absent_floor[1] = dom0 ? max_page << PAGE_SHIFT : 0;
}

static bool absent_is_safe(u64 floor, unsigned level, pte_t e)
{
	u64 maddr = e & absent_mask;

	/* With PS it names a whole large page, whose low address bits do not count. */
	if (e & PTE_PS && (level == 2 || level == 3))
		return (maddr & ~((1ul << (PAGE_SHIFT + 9 * (level - 1))) - 1)) >= floor;
	return !maddr || maddr >= floor;
}

bool pt_absent_run_is_safe(u64 floor, unsigned level, const pte_t *first, const pte_t *end)
{
	for (; first < end; first++)
		if (!pte_present(pte_read(first)) &&
		    !absent_is_safe(floor, level, pte_read(first)))
			return false;
	return true;
}

/* Out of line: nearly every absent entry is zero. */
static __noinline int check_absent(const struct domain *d, unsigned level, pte_t e)
{
	return pt_check_absent(d, level, &e, &e + 1) ? 0 : -EINVAL;
}

int pt_check_entry(struct domain *d, unsigned level, pte_t *e)
{
	if (!pte_present(*e))
		return likely(!*e) ? 0 : check_absent(d, level, *e);
	if (level == 1) {
		int rc = check_l1(d, *e);

		if (rc)
			return rc;
	} else if ((*e & ~PT_UPPER_ALLOWED) || !mfn_has_page(pte_mfn(*e))) {
		return -EINVAL;
	}
	*e |= PTE_US;
	return 0;
}

int pt_get_l1e(struct domain *pg_owner, pte_t e)
{
	mfn_t m = pte_mfn(e);
	struct page_info *pg;

	if (is_io_frame(m))
		return 0;
	pg = page_of(m);
	if (!page_get(pg, pg_owner))
		return -EBUSY;
	if ((e & PTE_RW) && page_type_get_writable(pg_owner, pg)) {
		page_put(pg);
		return -EBUSY;
	}
	return 0;
}
