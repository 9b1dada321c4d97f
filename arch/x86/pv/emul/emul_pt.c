/* SPDX-License-Identifier: MIT */
/*
 * Writes to page tables: a guest kernel may store into an L1 table that it has mapped read-only, as
 * if it were writable. The store is decoded, computed against the entry it hits, and applied as an
 * update of that entry, checked like any other.
 *
 * The entry changes from the very value the new one was computed from, in one step (PTE-5): a dirty
 * bit that the CPU sets meanwhile is never lost. Whatever cannot be done this way is the guest's
 * own page fault.
 *
 * A plain store into I/O memory that may only be read (asm/iomem.h) is dropped, for kernels map
 * such devices as if they could be written; or given to who keeps that memory (asm/pci_mmcfg.h).
 */
#include <asm/code_fetch.h>
#include <asm/emul.h>
#include <asm/execute.h>
#include <asm/iomem.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/pci_mmcfg.h>
#include <asm/percpu.h>
#include <asm/pt_modify.h>
#include <asm/trap.h>
#include <asm/vcpu_private.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/vcpu.h>

/* CON-3: A or D changed in between; after so many the guest runs into its instruction again. */
#define MAX_TRIES 4

/*
 * The l1 table that @l1e shows read-only, with a general reference, or NULL. Most faults end here:
 * no lock, no decoding.
 */
static struct page_info *find_target(pte_t l1e)
{
	struct page_info *target = page_get_from_mfn(pte_mfn(l1e), current->domain);

	if (target && (READ_ONCE(target->type_info) & PGT_type_mask) != PGT_l1) {
		page_put(target);
		return NULL;
	}
	return target;
}

static pte_t *entry_at(struct page_info *table, u64 va)
{
	return (pte_t *)window_ptr(page_mfn(table)) + (va & ~PAGE_MASK) / sizeof(pte_t);
}

/* Is @insn a store that hits exactly @va, naturally aligned? */
static __always_inline bool hits(const struct insn *insn, struct regs *r, u64 va)
{
	u64 seg_base = unlikely(insn->seg) ? emul_segment_base(insn->seg) : 0;

	return likely(insn_is_store(insn->op)) && likely(insn_address(insn, r, seg_base) == va) &&
	       likely(IS_ALIGNED(va, insn->bytes));
}

/* ---- The usual store ------------------------------------------------------------------------- */

/*
 * MOV and XCHG of eight bytes: what they store does not depend on what was there, so it is the same
 * as an update of the entry by mmu_update. False: another instruction, or an entry that is not
 * changed in line; nothing has been done.
 */
static __always_inline bool store_usual(struct page_info *target, struct regs *r, u64 va,
					const struct code *code)
{
	struct insn insn;
	pte_t *pe, oe;
	u64 *reg;
	bool done;

	if (unlikely(!insn_decode_usual_store(code, &insn)) || unlikely(!hits(&insn, r, va)) ||
	    unlikely(!page_lock_live(target, PGT_l1)))
		return false;
	reg = regs_gpr(r, insn.reg);
	pe = entry_at(target, va);
	oe = pte_read(pe);
	done = pt_change_l1e(current->domain, pe, &oe, *reg, PT_ANY) == PT_DONE;
	page_unlock_table(target);
	if (unlikely(!done))
		return false;
	if (insn.op == INSN_XCHG)
		*reg = oe;
	emul_done(r, insn.len);
	return true;
}

/* ---- Any other ------------------------------------------------------------------------------- */

/* @e with the bytes that the store covers replaced. */
static pte_t merge(pte_t e, const struct insn *insn, u64 va, u64 val)
{
	unsigned int shift = 8 * (va & 7);
	u64 mask = (insn->bytes == 8 ? ~0ul : (1ul << 8 * insn->bytes) - 1) << shift;

	return (e & ~mask) | (val << shift & mask);
}

/*
 * Carry it out on entry @pe of an L1 table, page lock held. 0, *@effect done; -EAGAIN: the entry
 * kept changing; -ERESTART: once more, behind softirqs; else the new entry is refused.
 */
static int apply(pte_t *pe, struct regs *r, u64 va,
		 const struct insn *insn, struct effect *effect)
{
	pte_t oe = pte_read(pe);
	int rc = -EAGAIN;

	for (unsigned int i = 0; rc == -EAGAIN && i < MAX_TRIES; i++) {
		insn_execute(insn, r, oe >> 8 * (va & 7), effect);
		if (!effect->writes)
			return 0;
		rc = pt_modify_expected(current->domain, pe, &oe,
					merge(oe, insn, va, effect->val));
	}
	return rc;
}

/* One store into @target at the offset of @va, as apply(). */
static int store(struct page_info *target, struct regs *r, u64 va, const struct insn *insn,
		 struct effect *effect)
{
	unsigned int level = page_lock_table(target);
	int rc = -EINVAL;

	if (level == 1)
		rc = apply(entry_at(target, va), r, va, insn, effect);
	if (level)
		page_unlock_table(target);
	return rc;
}

/*
 * What was an l1 table may be one of another level by the time it is locked, and unlocking it may
 * park it: so this begins with what is parked (PRE-3). Should that not be finished at once, the
 * guest runs into its instruction again.
 */
static __noinline bool store_any(struct page_info *target, struct regs *r, u64 va,
				 struct code *code)
{
	struct effect effect;
	struct insn insn;
	int rc;

	if (page_type_finish_parked())
		return true;
	if (!(insn_decode(code, &insn) || insn_fetch_more(code, &insn)) || !hits(&insn, r, va))
		return false;
	rc = store(target, r, va, &insn, &effect);
	if (rc)
		return rc == -EAGAIN || rc == -ERESTART;
	insn_retire(&insn, &effect, r);
	emul_done(r, 0);
	return true;
}

/* ---- I/O memory ------------------------------------------------------------------------------ */

/* The store at @r, which has hit @m at @va. False: it is a fault. PCI's configuration takes it. */
static __noinline bool drop_store(struct regs *r, u64 va, mfn_t m)
{
	struct effect effect;
	struct code code;
	struct insn insn;

	if (iomem_access(current->domain, m) != IOMEM_READ || !insn_fetch(r, &code, &insn) ||
	    !hits(&insn, r, va) || insn.op != INSN_MOV)
		return false;
	insn_execute(&insn, r, 0, &effect);
	if (insn.bytes <= 4)
		(void)pci_mmcfg_store(m, va % PAGE_SIZE, insn.bytes, effect.val);
	emul_done(r, insn.len);
	return true;
}

/* ---------------------------------------------------------------------------------------------- */

bool emul_pt_write(struct regs *r, u64 va)
{
	pte_t l1e = pt_read_l1e(va);
	struct page_info *target;
	struct code code;
	bool done;

	if ((l1e & (PTE_P | PTE_RW)) != PTE_P)
		return false;
	if (is_io_frame(pte_mfn(l1e)))
		return drop_store(r, va, pte_mfn(l1e));
	target = find_target(l1e);
	if (!target)
		return false;
	done = code_fetch(r, &code) &&
	       (store_usual(target, r, va, &code) || store_any(target, r, va, &code));
	page_put(target);
	return done;
}
