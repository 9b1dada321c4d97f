# SPDX-License-Identifier: MIT
# Planted bugs, one line each. A name begins with the invariant that the mistake breaks; a number after it is a published advisory
# (XSA) of the same kind.
use strict;
use warnings;

sub mutants {
	return (
		['PTE-1-148 fast path lets RW in', 'arch/x86/mm/pt_modify.c',
			'#define FAST_UPPER	(PTE_A |', '#define FAST_UPPER	(PTE_RW | PTE_A |'],
		['PTE-1-182 fast path ignores the frame', 'arch/x86/mm/pt_modify.c',
			'!((oe ^ ne) & ~may_change)', '!((oe ^ ne) & ~(may_change | PTE_ADDR))'],
		['PTE-3-167 frame number used before it is checked', 'arch/x86/mm/page_ref.c',
			'if (!mfn_has_page(m) || !page_get(page_of(m), d))', 'if (!page_get(page_of(m), d))'],
		['TYP-1 type changes while counted', 'arch/x86/mm/page_type.c',
			"	if ((x & PGT_type_mask) != type)\n		return ~0ul;", "	if ((x & PGT_type_mask) != type)\n		return type | 1;"],
		['TYP-2 read-only entry takes no reference', 'arch/x86/mm/pt_check.c',
			"	if (is_io_frame(m))\n		return 0;\n	pg", "	if (is_io_frame(m) || !(e & PTE_RW))\n		return 0;\n	pg"],
		['TYP-2-58 reference kept on an error path', 'arch/x86/mm/pt_check.c',
			"		page_put(pg);\n		return -EBUSY;", "		return -EBUSY;"],
		['TYP-2-299 entry dropped twice', 'arch/x86/mm/pt_validate.c',
			"	if (page_type_drop(child))\n		return push(w, child);\n	page_put(child);",
			"	if (page_type_drop(child))\n		return push(w, child);\n	page_put(child);\n	page_put(child);"],
		['TYP-7 failed validation keeps what it took', 'arch/x86/mm/pt_validate.c',
			"		if (rc)\n			return undo(&w, rc);", "		if (rc) {\n			w.pg[w.depth]->nr_validated = 0;\n			return undo(&w, rc);\n		}"],
		['LIN-1-240 a table may name its own level', 'arch/x86/mm/pt_validate.c',
			'rc = page_type_take(w->d, child, level_type(level - 1));', 'rc = page_type_take(w->d, child, level_type(level == 2 ? 2 : level - 1));'],
		['PRE-2-299 partial mark owns no general reference', 'arch/x86/mm/pt_validate.c',
			'	page_get_again(w->pg[0]);', '	(void)w;'],
		['PRE-1-310 partial child forgotten on the way down', 'arch/x86/mm/pt_validate.c',
			'if (i < PT_ENTRIES && drain_child(', 'if (i > PT_ENTRIES && drain_child('],
		['PRE-1 progress not kept', 'arch/x86/mm/pt_validate.c',
			"		w.pg[w.depth]->nr_validated++;", "		w.pg[w.depth]->nr_validated += 0;"],
		['PRE-3 parked table dropped a second time', 'arch/x86/mm/page_type.c',
			"	this_vcpu.old_guest_table = INVALID_MFN;\n	page_put(pg);", "	this_vcpu.old_guest_table = INVALID_MFN;\n	page_put(pg);\n	page_put(pg);"],
		['TLB-2 no flush on a change of type', 'arch/x86/mm/page_type.c',
			'if (old_type != type && old_type != PGT_none)', 'if (old_type != type && old_type > PGT_writable)'],
		['TLB-2-408 flush only from writable', 'arch/x86/mm/page_type.c',
			'if (old_type != type && old_type != PGT_none)', 'if (old_type != type && old_type == PGT_writable)'],
		['TLB-4-241 stamp not taken', 'arch/x86/mm/page_type.c',
			'	pg->tlb_stamp = tlb_stamp_now();', '	pg->tlb_stamp = 0;'],
		['TLB-3 frames freed before the flush of their mappings is due', 'arch/x86/pv/reservation.c',
			'	domain_release_flush(c.d);', '	(void)c;'],
		['MUL L4 slots of the hypervisor can be written', 'arch/x86/pv/mmu_update.c',
			'if (h->level == 4 && slot >= L4_SLOT_HV_FIRST', 'if (h->level == 4 && slot > L4_SLOT_HV_LAST'],
		['SEG descriptor frame without a type', 'arch/x86/pv/gdt.c',
			'return page_get_and_type(page_of(m), current->domain, PGT_seg_desc);', 'return page_get(page_of(m), current->domain) ? 0 : -EINVAL;'],
		['base pointer drops a reference it does not hold', 'arch/x86/pv/mmuext.c',
			"	if (!mfn_eq(new, old))\n		put_l4(old);", "	put_l4(old);"],
		['TLB-3-286 old L3 dropped before the roots that name it are in step', 'arch/x86/mm/pt_modify.c',
			"	batch->old_l3 = page_of(pte_mfn(oe));\n	return true;", "	return false;"],
		['a batch that fails owes nothing', 'arch/x86/pv/mmu_update.c',
			'	pt_batch_end(&h.batch);', "	if (!rc)\n		pt_batch_end(&h.batch);"],
		['a batch owes nothing to other CPUs', 'arch/x86/mm/pt_modify.c',
			'	if (batch->any_l4)', '	if (!batch->any_l4)'],
		['MEM-4-217 a frame in use leaves', 'arch/x86/asi/domain_map.c',
			'	u64 only = PGC_allocated | 1;', '	u64 only = pg->count_info;'],
		['MEM-287 a chunk that failed keeps what was withdrawn', 'arch/x86/pv/exchange.c',
			'	domain_readmit_pages(x->d, &x->in_frames);', '	x->in_frames = 0;'],
		['ASI-3 a frame that left stays in the window', 'arch/x86/asi/domain_map.c',
			'	pte_write(&l1[pt_index((u64)window_ptr(m), 1)], 0);', '	(void)l1;'],
		['unpin of what is not pinned', 'arch/x86/mm/page_type.c',
			'	if (was_pinned)', '	if (was_pinned || (READ_ONCE(pg->type_info) & PGT_count_mask) > 1)'],
	);
}
# The same for two CPUs (race.c): name, file, then pairs of what is and what it becomes.
sub race_mutants {
	return (
		['TLB-1-401 flush before the new type is taken', 'arch/x86/mm/page_type.c',
			"		if (nx) {\n			if (cas(pg, &x, nx))",
			"		if (nx) {\n			if (!type_count(x))\n				tlb_flush_stamped(d, pg->tlb_stamp), cpu_relax();\n			if (cas(pg, &x, nx))",
			'	if (old_type != type && old_type != PGT_none)', '	if (old_type > type && 0)'],
		['TYP-1 the type word is stored, not swapped', 'arch/x86/mm/page_type.c',
			'	return __atomic_compare_exchange_n(&pg->type_info, old, new, false, __ATOMIC_SEQ_CST,' . "\n" .
			'					   __ATOMIC_RELAXED);',
			'	(void)old;' . "\n" . '	WRITE_ONCE(pg->type_info, new);' . "\n" . '	return true;'],
		['PTE-5 the page lock keeps nobody out', 'arch/x86/mm/page_type.c',
			'		if (x & PGT_locked) {', '		if (0) {'],
		['PRE-1-299 a busy table is taken as if it were partial', 'arch/x86/mm/page_type.c',
			'	return x & PGT_partial ? x & ~PGT_partial : 0;', '	return x & ~PGT_partial;'],
		['MEM-4 a frame is checked, then marked as leaving', 'arch/x86/asi/domain_map.c',
			"	    !__atomic_compare_exchange_n(&pg->count_info, &only, PGC_leaving | PGC_allocated | 1,\n" .
			"					 false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))\n		return -EBUSY;",
			"	    READ_ONCE(pg->count_info) != only)\n		return -EBUSY;\n	WRITE_ONCE(pg->count_info, only | PGC_leaving);"],
	);
}
1;
