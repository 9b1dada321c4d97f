/* SPDX-License-Identifier: MIT */
/*
 * What a shadow's page faults do: look into the guest's tables, and put into the tree what the
 * processor would have put into its TLB; or find that the fault is the guest's.
 */
#include <isola/domain.h>
#include <asm/frametable.h>
#include <asm/insn.h>
#include <asm/page_mark.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/regs.h>
#include <asm/root.h>
#include <asm/shadow_tree.h>
#include <asm/shadow_walk.h>
#include <asm/vcpu_private.h>
#include <asm/window.h>

/*
 * MOVED: an entry changed between its load and the store of its A and D bits, or the tree was full
 * and is empty now: once more.
 */
enum outcome { FILLED, GUESTS, MOVED };

/* CON-3: siblings may move entries for ever; the hypervisor's own access ends then, as refused. */
#define MAX_TRIES 16

/* Neighbours looked at with each entry; within one table. */
#define AROUND	16u

/* What of a guest's L1 entry a tree's has: the frame, how it is cached, whom it is for. */
#define COPIED	(PTE_ADDR | PTE_PWT | PTE_PCD | PTE_PAT | PTE_US | PTE_NX)

/* The record of @m, if it is a frame of the current domain's: the log is about those. */
static struct page_info *logged_page(mfn_t m)
{
	return mfn_has_page(m) && READ_ONCE(page_of(m)->owner) == current->domain->domid
		       ? page_of(m) : NULL;
}

static bool is_dirty(mfn_t m)
{
	const struct page_info *pg = logged_page(m);

	return !pg || !(READ_ONCE(pg->type_info) & PGT_clean);
}

/* From now on it may be written: the mark comes first. */
static void make_dirty(mfn_t m)
{
	struct page_info *pg = logged_page(m);

	if (pg)
		page_mark_dirty(pg);
}

/*
 * The guest's L1 entry @e, present and accessed, as a tree shows it. @rights of the way to it. It
 * may be written if it is dirty, the guest's entry too, so that the processor need not say so.
 */
static pte_t shown(pte_t e, u64 rights)
{
	pte_t s = (e & COPIED) | (rights & PTE_NX) | PTE_P | PTE_A | PTE_D;

	if (!(rights & PTE_US))
		s &= ~PTE_US;
	if ((rights & PTE_RW) && (e & PTE_D) && is_dirty(pte_mfn(e)))
		s |= PTE_RW;
	return s;
}

/*
 * What else the processor could have in its TLB of the same table: entries that are present and
 * accessed. @pe: the tree's entry for @va, in the table that stands there; @l1: the guest's.
 */
static void fill_around(pte_t *pe, const struct guest_walk *w, u64 va, u64 upper_rights)
{
	unsigned first = pt_index(va, 1) & ~(AROUND - 1);
	const pte_t *l1 = window_ptr(w->table[1]);

	pe -= pt_index(va, 1) - first;
	for (unsigned i = first; i < first + AROUND; i++, pe++) {
		pte_t e = pte_read(&l1[i]);
		u64 rights = (upper_rights & e & (PTE_RW | PTE_US)) |
			     ((upper_rights | e) & PTE_NX);

		if (!pte_present(pte_read(pe)) && (e & (PTE_P | PTE_A)) == (PTE_P | PTE_A))
			pte_write(pe, shown(e, rights));
	}
}

static bool is_allowed(u64 rights, u32 ec)
{
	return !((ec & PFEC_W) && !(rights & PTE_RW)) && !((ec & PFEC_I) && (rights & PTE_NX)) &&
	       !((ec & PFEC_U) && !(rights & PTE_US));
}

/* Kernel root loaded, interrupts off. *@ec: what the guest's tables say of P. */
static enum outcome fill(enum shadow_tree tree, u64 va, u32 *ec)
{
	mfn_t l4 = tree == SHADOW_KERNEL ? this_vcpu.kernel_l4 : this_vcpu.user_l4;
	struct guest_walk w;
	u64 rights;
	pte_t *pe;

	guest_walk(&w, l4, va);
	*ec &= ~(PFEC_P | PFEC_R);
	if (w.missing)
		return GUESTS;
	*ec |= PFEC_P;
	rights = guest_walk_rights(&w, 1);
	if (!is_allowed(rights, *ec))
		return GUESTS;
	if (!guest_walk_touch(&w, va, *ec & PFEC_W ? PTE_D : 0))
		return MOVED;
	if (*ec & PFEC_W)
		make_dirty(pte_mfn(w.e[1]));
	pe = shadow_l1e(tree, va);
	if (!pe)
		return MOVED;
	pte_write(pe, shown(w.e[1], rights));
	fill_around(pe, &w, va, guest_walk_rights(&w, 2));
	current->shadow.faults++;
	return FILLED;
}

/* On the root that has faulted; interrupts off. The guest's tables are seen on the kernel's. */
static enum outcome fill_here(u64 va, u32 *ec)
{
	enum shadow_tree tree = this_cpu.cr3 == current->cr3_user ? SHADOW_USER : SHADOW_KERNEL;
	enum outcome outcome;

	if (tree == SHADOW_USER)
		root_peek_kernel();
	outcome = fill(tree, va, ec);
	if (tree == SHADOW_USER)
		root_peek_done();
	return outcome;
}

u32 shadow_guest_fault(u64 va, u32 error_code)
{
	enum outcome outcome;
	u64 flags;

	if (error_code & PFEC_R) {
		domain_crash(current->domain, "reserved bit set in a page-table entry for %016lx",
			     va);
		return 0;
	}
	if (!is_guest_address(va))
		return error_code;
	flags = irq_save();
	outcome = fill_here(va, &error_code);
	irq_restore(flags);
	return outcome == GUESTS ? error_code : 0;
}

bool shadow_own_fault(u64 va, u32 error_code)
{
	enum outcome outcome = MOVED;
	u64 flags;

	if (!this_cpu.shadowed || !is_guest_address(va) ||
	    (this_cpu.cr3 != current->cr3_kernel && this_cpu.cr3 != current->cr3_user))
		return false;
	flags = irq_save();
	for (unsigned i = 0; i < MAX_TRIES && outcome == MOVED; i++)
		outcome = fill_here(va, &error_code);
	irq_restore(flags);
	return outcome == FILLED;
}
