/* SPDX-License-Identifier: MIT */
/*
 * Checks of one entry. The masks are the whole policy: what is not in them is refused (PTE-2).
 *
 *   level  allowed                                       remarks
 *   1      P RW US PWT PCD A D PAT G AVL 52..62 NX       PWT PCD PAT: who drives devices (COH-1)
 *   2..4   P RW US         A D       AVL 52..62 NX       PS, G, PWT, PCD refused
 *   1, I/O frames that may only be read (asm/iomem.h)    RW is cleared
 *   1, the M2P's own frames (m2p.h)                      no RW PWT PCD PAT
 *   all                                                  US is set in present entries
 *   absent: anything, or (parts with L1TF) no address of RAM, unless the domain is shadowed first
 */
#include <asm/cpu_window.h>
#include <asm/insn.h>
#include <asm/iomem.h>
#include <asm/m2p.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/pt_check.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/privilege.h>

#define L1_ALLOWED	(PT_UPPER_ALLOWED | PTE_PWT | PTE_PCD | PTE_PAT | PTE_G)
static_assert(L1_ALLOWED == ~0ul, "pt_take_l1e() asks for the cache bits alone");

struct domain domain_io = { .domid = DOMID_IO };
struct domain domain_xen = { .domid = DOMID_XEN };

static u64 nr_machine_frames;		/* what the CPU can address; 0 until pt_check_init() */

void pt_check_init(void)
{
	unsigned bits = 36;

	if (cpuid(0x80000000, 0).eax >= 0x80000008)
		bits = cpuid(0x80000008, 0).eax & 0xff;
	nr_machine_frames = 1ul << (min(bits, 52u) - PAGE_SHIFT);
}

bool pt_check_reaches(mfn_t m)
{
	return mfn_x(m) < nr_machine_frames;
}

/* The M2P's own frames are RAM (COH-1), and to be read. */
static int check_m2p(const struct domain *d, pte_t e)
{
	if (e & L1_CACHE)
		return -EINVAL;
	if (!domain_may(d, MAY_see_whole_m2p))
		return -EPERM;
	return e & PTE_RW ? -EBUSY : 0;
}

/* An entry that asks to write what may only be read is one for reading, as Xen has it. */
static __noinline int check_io(const struct domain *d, pte_t *e)
{
	enum iomem_access most;

	if (mfn_x(pte_mfn(*e)) >= nr_machine_frames)
		return -EINVAL;
	if (m2p_is_frame(pte_mfn(*e)))
		return check_m2p(d, *e);
	most = iomem_access(d, pte_mfn(*e));
	if (most == IOMEM_NONE)
		return -EPERM;
	if (most == IOMEM_READ)
		*e &= ~PTE_RW;
	return 0;
}

static int check_l1(const struct domain *d, pte_t *e)
{
	if (unlikely(*e & L1_CACHE) && !domain_may(d, MAY_choose_cache_type))
		return -EINVAL;
	return likely(!is_io_frame(pte_mfn(*e))) ? 0 : check_io(d, e);
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

int pt_check_absent_run(struct domain *d, u64 floor, unsigned level, const pte_t *first,
			const pte_t *end)
{
	for (; first < end; first++)
		if (!pte_present(pte_read(first)) &&
		    !absent_is_safe(floor, level, pte_read(first)))
			return shadow_hides_absent(d);
	return 0;
}

int pt_check_entry(struct domain *d, unsigned level, pte_t *e)
{
	if (!pte_present(*e))
		return likely(!*e) ? 0 : pt_check_absent(d, level, e, e + 1);
	if (level == 1) {
		int rc = check_l1(d, e);

		if (rc)
			return rc;
	} else if ((*e & ~PT_UPPER_ALLOWED) || !mfn_has_page(pte_mfn(*e))) {
		return -EINVAL;
	}
	*e |= PTE_US;
	return 0;
}

/* Nothing is counted, but by the right name it is to be called. */
static __noinline int get_io(const struct domain *d, const struct domain *pg_owner, mfn_t m)
{
	if (m2p_is_frame(m))
		return pg_owner == &domain_xen ? 0 : -EPERM;
	return pg_owner == d || pg_owner == &domain_io ? 0 : -EPERM;
}

/* The references that @e, which names RAM, is to hold. */
static __always_inline int get_ram(const struct domain *d, struct domain *pg_owner, pte_t e)
{
	struct page_info *pg = page_of(pte_mfn(e));

	if (!(pg_owner == d ? page_get(pg, d) : page_get_foreign(pg, pg_owner)))
		return -EBUSY;
	if ((e & PTE_RW) && page_type_get_writable(pg_owner, pg)) {
		page_put_of(pg, d);
		return -EBUSY;
	}
	return 0;
}

/* By another cache type than ours. What was written so far is to be seen by it, too. */
static __noinline int get_ram_past_caches(const struct domain *d, struct domain *pg_owner, pte_t e)
{
	struct page_info *pg = page_of(pte_mfn(e));
	int rc = get_ram(d, pg_owner, e);

	if (rc)
		return rc;
	if (READ_ONCE(pg->type_info) & PGT_special) {
		pt_put_l1e(d, e);
		return -EACCES;
	}
	if ((e & PTE_RW) && !(READ_ONCE(pg->type_info) & PGT_non_coherent)) {
		flush_frame_lines(page_mfn(pg));
		__atomic_fetch_or(&pg->type_info, PGT_non_coherent, __ATOMIC_SEQ_CST);
	}
	return 0;
}

int pt_get_l1e(const struct domain *d, struct domain *pg_owner, pte_t e)
{
	mfn_t m = pte_mfn(e);

	if (is_io_frame(m))
		return get_io(d, pg_owner, m);
	if (unlikely(e & L1_CACHE))
		return get_ram_past_caches(d, pg_owner, e);
	return get_ram(d, pg_owner, e);
}
