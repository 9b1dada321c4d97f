/* SPDX-License-Identifier: MIT */
/*
 * One page-table entry of a guest: may it be, and which references does it hold? Every new entry,
 * whatever way it comes, is decided here (PTE-1).
 */
#pragma once

#include <asm/pgentry.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <isola/domain.h>

/*
 * Learn how far the CPU can address. Boot CPU, once, before any guest; until then no I/O frame may
 * be mapped.
 */
void pt_check_init(void);
/* Is it a frame that the CPU can address? */
bool pt_check_reaches(mfn_t m);

/*
 * From now on absent entries that name RAM are refused to @dom0; other domains are shadowed before
 * they may have them (@domu).
 * Boot CPU, once, after pt_check_init() and before any guest.
 */
void pt_check_refuse_absent(bool domu, bool dom0);

/*
 * The machine address below which absent entries may name none; 0: they may hold anything. [0]
 * domains, [1] dom0. Written at boot only.
 */
extern u64 pt_absent_floor[2];

int pt_check_absent_run(struct domain *d, u64 floor, unsigned level, const pte_t *first,
			const pte_t *end);

/*
 * @d has such an entry that is not safe. 0: the processor never comes upon its tables. -ERESTART:
 * it is the caller's domain, and that will be so when the call is tried again, behind softirqs
 * (shadow/self.c). -EINVAL: refused; who visits @d learns why (shadow_instead()).
 */
int __must_check shadow_hides_absent(struct domain *d);

/*
 * May @d have the absent ones among the entries [@first, @end) of a table of @level? 0, or as
 * shadow_hides_absent(). The caller has the table for itself.
 */
static inline int pt_check_absent(struct domain *d, unsigned level, const pte_t *first,
				  const pte_t *end)
{
	u64 floor = pt_absent_floor[d->is_privileged];

	return likely(!floor) ? 0 : pt_check_absent_run(d, floor, level, first, end);
}

/*
 * Stands for the owner of I/O frames (DOMID_IO) where a domain is asked for: it owns no counted
 * frame.
 */
extern struct domain domain_io;
/* The same for the M2P's own frames (DOMID_XEN). */
extern struct domain domain_xen;
static inline bool is_nobody(const struct domain *d)
{
	return d == &domain_io || d == &domain_xen;
}

/*
 * Adjusted, checked form of a guest's L1..L4 entry; non-present entries pass as they are, unless
 * pt_check_refuse_absent() has a say. *@e gains what the ABI adds (US)
 * and loses RW where I/O memory may only be read.
 * Returns 0; -EINVAL (a bit outside the level's mask, PS, frame out of range, another cache type
 * than write-back where @d has no devices (COH-1), an absent entry that names RAM); -ERESTART (such
 * an entry, once more); -EPERM (I/O memory that @d, the caller's domain, may not map).
 */
int __must_check pt_check_entry(struct domain *d, unsigned level, pte_t *e);

/*
 * Take the references that the checked, present L1 entry @e of a table of @d is to hold; @pg_owner
 * must own the frame. 0; -EBUSY not pg_owner's, or RW and the frame is in use as a table or
 * descriptor page; -EACCES: other than write-back, and the hypervisor works on the frame too;
 * -EPERM: I/O memory, which no other domain is asked for. With RW and other than write-back the
 * frame is non-coherent from now on (COH-2).
 */
int __must_check pt_get_l1e(const struct domain *d, struct domain *pg_owner, pte_t e);

/* L1 bits that choose how memory is cached. All clear: PAT index 0, write-back. */
#define L1_CACHE	(PTE_PWT | PTE_PCD | PTE_PAT)

/*
 * pt_check_entry() and pt_get_l1e() together, in line, where the answer is simple: the present L1
 * entry *@e of a table of @d names write-back RAM of its own and, with RW, a frame in use as
 * writable. True: *@e is in its checked form and its references are taken. False: nothing is done,
 * ask those two. (A frame that can be referenced is no I/O frame.)
 */
static __always_inline bool pt_take_l1e(const struct domain *d, pte_t *e)
{
	struct page_info *pg;

	if (unlikely(*e & L1_CACHE))
		return false;
	pg = page_get_from_mfn(pte_mfn(*e), d);
	if (unlikely(!pg))
		return false;
	if ((*e & PTE_RW) && unlikely(!page_type_get_live(pg, PGT_writable))) {
		page_put(pg);
		return false;
	}
	*e |= PTE_US;
	return true;
}

/* What entries above L1 may have set. */
#define PT_UPPER_ALLOWED	(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D | PTE_AVL | PTE_SOFT_HI | \
				 PTE_NX | PTE_ADDR)

/* As pt_take_l1e() for an entry of @level 2..4: it names a live table of the level below. */
static __always_inline bool pt_take_upper(const struct domain *pg_owner, unsigned level, pte_t *e)
{
	struct page_info *pg;

	if (unlikely(*e & ~PT_UPPER_ALLOWED))
		return false;
	pg = page_get_from_mfn(pte_mfn(*e), pg_owner);
	if (unlikely(!pg))
		return false;
	if (unlikely(!page_type_get_live(pg, level_type(level - 1)))) {
		page_put(pg);
		return false;
	}
	*e |= PTE_US;
	return true;
}

/* Drop the references that the present L1 entry @e of a table of @d held. */
static __always_inline void pt_put_l1e(const struct domain *d, pte_t e)
{
	struct page_info *pg;

	if (unlikely(is_io_frame(pte_mfn(e))))
		return;
	pg = page_of(pte_mfn(e));
	if (e & PTE_RW)
		page_type_put_leaf(pg);
	page_put_of(pg, d);
}
