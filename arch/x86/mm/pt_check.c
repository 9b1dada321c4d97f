/* SPDX-License-Identifier: MIT */
/*
 * Checks of one entry. The masks are the whole policy: what is not in them is refused (PTE-2).
 *
 *   level  allowed                                       remarks
 *   1      P RW US PWT PCD A D PAT G AVL 52..62 NX       PWT PCD PAT on I/O frames only (COH-1)
 *   2..4   P RW US         A D       AVL 52..62 NX       PS, G, PWT, PCD refused
 *   all                                                  US is set in present entries
 */
#include <asm/acpi.h>
#include <asm/insn.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/pt_check.h>
#include <isola/errno.h>
#include <isola/printk.h>

#define UPPER_ALLOWED	(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D | PTE_AVL | PTE_SOFT_HI | \
			 PTE_NX | PTE_ADDR)
#define L1_ALLOWED	(UPPER_ALLOWED | PTE_PWT | PTE_PCD | PTE_PAT | PTE_G)
#define L1_CACHE	(PTE_PWT | PTE_PCD | PTE_PAT)	/* all clear: PAT index 0, write-back */

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
	if (e & ~L1_ALLOWED)
		return -EINVAL;
	if (likely(!is_io_frame(pte_mfn(e))))
		return e & L1_CACHE ? -EINVAL : 0;
	if (mfn_x(pte_mfn(e)) >= nr_machine_frames)
		return -EINVAL;
	return pt_io_permitted(d, pte_mfn(e)) ? 0 : -EPERM;
}

int pt_check_entry(struct domain *d, unsigned level, pte_t *e)
{
	if (!pte_present(*e))
		return 0;
	if (level == 1) {
		int rc = check_l1(d, *e);

		if (rc)
			return rc;
	} else if ((*e & ~UPPER_ALLOWED) || !mfn_has_page(pte_mfn(*e))) {
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

void pt_put_l1e(pte_t e)
{
	mfn_t m = pte_mfn(e);

	if (is_io_frame(m))
		return;
	if (e & PTE_RW)
		page_type_put_leaf(page_of(m));
	page_put(page_of(m));
}
