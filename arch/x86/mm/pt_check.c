/* SPDX-License-Identifier: MIT */
/*
 * Checks of one entry. The masks are the whole policy: what is not in them is refused (PTE-2).
 *
 *   level  allowed                                               adjusted
 *   1      P RW US PWT PCD A D PAT G AVL 52..62 NX               US set; PWT PCD PAT on I/O frames only (COH-1)
 *   2..4   P RW US         A D       AVL 52..62 NX               US set; PS, G, PWT, PCD refused
 */
#include <asm/insn.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/pt_check.h>
#include <isola/errno.h>

#define UPPER_ALLOWED	(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D | PTE_AVL | PTE_SOFT_HI | PTE_NX | PTE_ADDR)
#define L1_ALLOWED	(UPPER_ALLOWED | PTE_PWT | PTE_PCD | PTE_PAT | PTE_G)
#define L1_CACHE	(PTE_PWT | PTE_PCD | PTE_PAT)	/* PAT index 0, write-back, when all are clear */

static u64 nr_machine_frames;

struct domain domain_io = { .domid = DOMID_IO };

void pt_check_init(void)
{
	unsigned bits = 36;

	if (cpuid(0x80000000, 0).eax >= 0x80000008)
		bits = cpuid(0x80000008, 0).eax & 0xff;
	nr_machine_frames = 1ul << (min(bits, 52u) - PAGE_SHIFT);
}

/* Frames that no guest may map, privileged or not: first, last. MSI window and local APIC; I/O APICs. */
static const struct { u64 first, last; } denied_frames[] = {
	{ 0xfee00, 0xfeeff },
	{ 0xfec00, 0xfec0f },
};

bool pt_io_permitted(const struct domain *d, mfn_t m)
{
	if (!d->is_privileged || mfn_x(m) >= nr_machine_frames)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(denied_frames); i++)
		if (mfn_x(m) >= denied_frames[i].first && mfn_x(m) <= denied_frames[i].last)
			return false;
	return true;
}

static int check_l1(struct domain *d, pte_t e)
{
	if (e & ~L1_ALLOWED)
		return -EINVAL;
	if (is_io_frame(pte_mfn(e)))
		return pt_io_permitted(d, pte_mfn(e)) ? 0 : -EPERM;
	return e & L1_CACHE ? -EINVAL : 0;
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
	if ((e & PTE_RW) && page_type_get_writable(pg)) {
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
