# SPDX-License-Identifier: MIT
# Planted bugs, one line each. A name begins with the invariant that the mistake breaks; a number
# after it is a published advisory (XSA) of the same kind.
use strict;
use warnings;

sub mutants {
	return (
		['PTE-1-148 what changes freely has RW in it', 'arch/x86/include/asm/pt_modify.h',
			'#define PT_FREE_UPPER	(PTE_A |',
			'#define PT_FREE_UPPER	(PTE_RW | PTE_A |'],
		['PTE-1-182 fast path ignores the frame', 'arch/x86/mm/pt_modify.c',
			'!((oe ^ ne) & ~may_change)', '!((oe ^ ne) & ~(may_change | PTE_ADDR))'],
		['PTE-1-182 L1 entries of two frames taken for one',
			'arch/x86/include/asm/pt_modify.h',
			'!((*oe ^ ne) & ~(PT_FREE_L1 | PTE_RW))',
			'!((*oe ^ ne) & ~(PT_FREE_L1 | PTE_RW | PTE_ADDR))'],
		['PTE-1-148 RW comes without a writable reference',
			'arch/x86/include/asm/pt_modify.h',
			"	if ((ne & PTE_RW) && unlikely(!page_type_get_live(pg, " .
			"PGT_writable)))\n		return PT_ASK;", '	;'],
		['TYP-2 RW goes and its writable reference stays',
			'arch/x86/include/asm/pt_modify.h',
			"		if (!(ne & PTE_RW))\n" .
			"			page_type_put_leaf(pg);", '		;'],
		['PTE-3-167 frame number used before it is checked',
			'arch/x86/include/asm/page_ref.h',
			'likely(mfn_has_page(m)) &&', ''],
		['TYP-1 type changes while counted', 'arch/x86/mm/type_word.c',
			"	if ((x & PGT_type_mask) != type)\n		return ~0ul;",
			"	if ((x & PGT_type_mask) != type)\n		return type | 1;"],
		['TYP-2 read-only entry takes no reference, in line',
			'arch/x86/include/asm/pt_check.h',
			"	pg = page_get_from_mfn(pte_mfn(*e), d);",
			"	if (!(*e & PTE_RW))\n		return *e |= PTE_US;\n" .
			"	pg = page_get_from_mfn(pte_mfn(*e), d);"],
		['COH-1 the cache bits are not looked at in line',
			'arch/x86/include/asm/pt_check.h',
			'unlikely(*e & L1_CACHE)', 'unlikely(0)'],
		['TYP-2-58 reference kept where the writable one is not to be had',
			'arch/x86/include/asm/pt_check.h',
			"		page_put(pg);\n		return false;",
			"		return false;"],
		['TYP-2 read-only entry takes no reference', 'arch/x86/mm/pt_check.c',
			"	if (is_io_frame(m))\n		return 0;\n	pg",
			"	if (is_io_frame(m) || !(e & PTE_RW))\n" .
			"		return 0;\n	pg"],
		['TYP-2-58 reference kept on an error path', 'arch/x86/mm/pt_check.c',
			"		page_put_of(pg, d);\n		return -EBUSY;",
			"		return -EBUSY;"],
		['TYP-2-299 entry dropped twice', 'arch/x86/mm/pt_validate.c',
			"	if (page_type_drop(child))\n		return push(w, child);\n" .
			"	page_put(child);",
			"	if (page_type_drop(child))\n		return push(w, child);\n" .
			"	page_put(child);\n	page_put(child);"],
		['TYP-7 failed validation keeps what it took', 'arch/x86/mm/pt_validate.c',
			"		if (rc)\n			return undo(&w, rc);",
			"		if (rc) {\n" .
			"			w.pg[w.depth]->nr_validated = 0;\n" .
			"			return undo(&w, rc);\n		}"],
		['LIN-1-240 a table may name its own level', 'arch/x86/mm/pt_validate.c',
			'rc = page_type_take(w->d, child, level_type(level - 1));',
			'rc = page_type_take(w->d, child, ' .
			'level_type(level == 2 ? 2 : level - 1));'],
		['PRE-2-299 partial mark owns no general reference', 'arch/x86/mm/pt_validate.c',
			'	page_get_again(w->pg[0]);', '	(void)w;'],
		['PRE-1-310 partial child forgotten on the way down', 'arch/x86/mm/pt_validate.c',
			'if (i < PT_ENTRIES && drain_child(', 'if (i > PT_ENTRIES && drain_child('],
		['PRE-1 progress not kept', 'arch/x86/mm/pt_validate.c',
			"		w.pg[w.depth]->nr_validated++;",
			"		w.pg[w.depth]->nr_validated += 0;"],
		['PRE-3 parked table dropped a second time', 'arch/x86/mm/page_type.c',
			"	*place = INVALID_MFN;\n	page_put(pg);",
			"	*place = INVALID_MFN;\n	page_put(pg);\n	page_put(pg);"],
		['TLB-2 no flush on a change of type', 'arch/x86/mm/type_word.c',
			'if (old_type != type && old_type != PGT_none)',
			'if (old_type != type && old_type > PGT_writable)'],
		['TLB-2-408 flush only from writable', 'arch/x86/mm/type_word.c',
			'if (old_type != type && old_type != PGT_none)',
			'if (old_type != type && old_type == PGT_writable)'],
		['TLB-4-241 stamp not taken', 'arch/x86/mm/type_word.c',
			'	pg->tlb_stamp = tlb_stamp_now();', '	pg->tlb_stamp = 0;'],
		['TLB-3 frames freed before the flush of their mappings is due',
			'arch/x86/calls/reservation.c',
			"	}\n	domain_release_flush(c.d);", "	}\n	(void)c;"],
		['MUL L4 slots of the hypervisor can be written', 'arch/x86/pv/mmu/mmu_update.c',
			'if (h->level == 4 && is_hv_slot(maddr))',
			'if (h->level == 4 && maddr == 1)'],
		['SEG descriptor frame without a type', 'arch/x86/pv/gdt.c',
			'return page_get_and_type(page_of(m), current->domain, PGT_seg_desc);',
			'return page_get(page_of(m), current->domain) ? 0 : -EINVAL;'],
		['base pointer drops a reference it does not hold', 'arch/x86/pv/mmu/mmuext.c',
			"	if (!mfn_eq(new, old))\n		put_l4(old);",
			"	put_l4(old);"],
		['TLB-3-286 old L3 dropped before the roots that name it are in step',
			'arch/x86/mm/pt_modify.c',
			"		batch->old_l3 = page_of(pte_mfn(oe));",
			"		page_put_and_type(page_of(pte_mfn(oe)));"],
		['a batch that fails leaves nothing pending', 'arch/x86/pv/mmu/mmu_update.c',
			'	pt_batch_end(&h.batch);',
			"	if (!rc)\n		pt_batch_end(&h.batch);"],
		['a batch makes no other CPU dirty', 'arch/x86/mm/pt_modify.c',
			'	if (root_is_dirty(&batch->roots))',
			'	if (!root_is_dirty(&batch->roots))'],
		['MEM-4-217 a frame in use leaves', 'arch/x86/asi/domain_map.c',
			'(x & (PGC_leaving | PGC_own_mask))', '(x & PGC_leaving)'],
		['MEM-287 a chunk that failed keeps what was withdrawn',
			'arch/x86/calls/exchange.c',
			'	domain_readmit_pages(x->d, &x->in_frames);', '	x->in_frames = 0;'],
		['ASI-3 a frame that left stays in the window', 'arch/x86/asi/window_tables.c',
			'	pte_write(entry_of(l1, m, 1), 0);', ''],
		['SPC-5-273 absent entries of a live table are not looked at',
			'arch/x86/mm/pt_check.c',
			'	return pt_check_absent(d, level, &e, &e + 1) ? 0 : -EINVAL;',
			'	return d && level && e == 2 ? -EINVAL : 0;'],
		['SPC-5-273 absent entries are not looked at in line',
			'arch/x86/include/asm/pt_modify.h',
			'	} else if (unlikely(ne) && (pt_absent_floor[0] | ' .
			'pt_absent_floor[1])) {', '	} else if (0) {'],
		['TLB-3 a lent frame is given back before the flush', 'arch/x86/calls/gnttab_map.c',
			"	if (batch->entries)\n		guest_flush_all(FLUSH_EVERYTHING);",
			"	if (0)\n		guest_flush_all(FLUSH_EVERYTHING);"],
		['GNT-1-224 a handle keeps its type reference', 'arch/x86/calls/gnttab_map.c',
			"	if (write)\n		page_type_put_leaf(page_of(m));\n" .
			"	gnttab_put_frame(rd, m);",
			"	(void)write;\n	gnttab_put_frame(rd, m);"],
		['GNT-1-234 unmap takes any entry for the mapping', 'arch/x86/calls/gnttab_map.c',
			'return pte_present(e) && mfn_x(pte_mfn(e)) == h->mfn &&',
			'return pte_present(e) &&'],
		['GNT-2-218 a writer is counted as a reader',
			'arch/x86/include/asm/gnttab_pin.h',
			"	if (write)\n		p->writers--;",
			"	if (0)\n		p->writers--;"],
		['GNT-3 the frame of a grant in use changes',
			'arch/x86/include/asm/gnttab_pin.h',
			'		if (!p->readers && !p->writers)', '		if (1)'],
		['GNT-8 a copy names another domain\'s frame by number',
			'arch/x86/calls/gnttab_copy.c',
			'	if ((!from_ref && op->source.domid != DOMID_SELF) ||',
			'	if (0 ||'],
		['unpin of what is not pinned', 'arch/x86/mm/page_type.c',
			'	if (was_pinned)',
			'	if (was_pinned || ' .
			'(READ_ONCE(pg->type_info) & PGT_count_mask) > 1)'],
	);
}
# The same for what only a case shows (cases.c).
sub case_mutants {
	return (
		['PRE-3 one place: a second table is taken apart at once',
			'arch/x86/mm/pt_validate.c',
			"		place++;\n	BUG_ON(mfn_is_valid_num(*place));\n",
			"	{\n		while (page_type_steal(pg, " .
			"READ_ONCE(pg->type_info) & PGT_type_mask)) {\n" .
			"			page_put(pg);\n" .
			"			if (pt_devalidate(page_owner(pg), pg) == 0)\n" .
			"				break;\n		}\n" .
			"		page_put(pg);\n" .
			"		return;\n	}\n"],
		['PRE-3 a list goes on after the table it held was parked',
			'arch/x86/pv/mmu/mmu_update.c',
			'	return page_type_is_parked() ? -ERESTART : 0;', '	return 0;'],
		['a window\'s table made on the way to one that there is no memory for stays',
			'arch/x86/asi/window_tables.c',
			"			if (t)\n" .
			"				list_if_idle(d, info_of(t));\n", ''],
		['a split that was for nothing stays', 'arch/x86/asi/window_tables.c',
			'	       (info->nr_validated == PT_ENTRIES && (info->type_info & ' .
			'TABLE_SPLIT));', '	       0;'],
		['a withdrawn frame does not hold its table', 'arch/x86/asi/domain_map.c',
			'	if (!rc && !window_hold(d, m, 0)) {', '	if (!rc) {'],
		['TLB-9 an entry for another\'s frame does not say so', 'arch/x86/mm/pt_check.c',
			'page_get_foreign(pg, pg_owner)))', 'page_get(pg, pg_owner)))'],
		['TLB-9 a mapping of a grant does not say so, nor a copy',
			'arch/x86/include/asm/gnttab_pin.h',
			'page_get_foreign(page_of(m), rd);', 'page_get(page_of(m), rd);'],
		['TLB-9 others\' references are counted, and not said', 'arch/x86/mm/page_ref.c',
			'((x & ~PGC_unshared) | PGC_shared_out) + PGC_foreign_one)',
			'x + PGC_foreign_one)'],
		['TLB-9 a third party\'s frame counts as shared out', 'arch/x86/mm/page_ref.c',
			"	if (READ_ONCE(pg->owner) != owner->domid)\n" .
			"		return false;\n	do", '	do'],
		['MEM-5 an owner is held up by others', 'arch/x86/asi/domain_map.c',
			'(x & (PGC_leaving | PGC_own_mask))',
			'(x & (PGC_leaving | PGC_own_mask | PGC_foreign_mask))'],
		['MEM-5 a frame is freed while others have it', 'arch/x86/asi/domain_map.c',
			'		if (x & PGC_foreign_mask)', '		if (0)'],
		['MEM-5 an orphan is never free', 'arch/x86/mm/page_ref.c',
			'	if ((old & (PGC_allocated | PGC_foreign_mask)) == PGC_foreign_one)',
			'	if (0)'],
		['MEM-5 the last of others frees what is allocated', 'arch/x86/mm/page_ref.c',
			'((old & (PGC_allocated | PGC_foreign_mask)) == PGC_foreign_one)',
			'((old & PGC_foreign_mask) == PGC_foreign_one)'],
		['MEM-5 any put by others frees an orphan', 'arch/x86/mm/page_ref.c',
			'	if ((old & (PGC_allocated | PGC_foreign_mask)) == PGC_foreign_one)',
			'	if (!(old & PGC_allocated))'],
		['MEM-5 nobody is told that an orphan is free', 'arch/x86/mm/page_ref.c',
			'	softirq_raise(SOFTIRQ_ORPHANS);', ''],
		['MEM-5 an entry is put on the wrong side', 'arch/x86/mm/page_ref.c',
			"	if (READ_ONCE(pg->owner) == d->domid)\n" .
			"		page_put_asking(pg);",
			"	if (1)\n		page_put_asking(pg);"],
		['TLB-3 an orphan is free before the flush', 'arch/x86/asi/orphan.c',
			'	tlb_flush_stamped(NULL, tlb_stamp_now());', ''],
		['TLB-3 an orphan is flushed from its owner\'s CPUs alone',
			'arch/x86/asi/orphan.c', 'tlb_flush_stamped(NULL, tlb_stamp_now());',
			'tlb_flush_vcpus(domain_of_frames(page_of(_mfn(n))->owner), ' .
			'~0ul, ~0ul);'],
		['DOM-1 orphans do not hold their owner', 'arch/x86/asi/domain_map.c',
			"		if (x & PGC_foreign_mask)\n			continue;",
			"		if (x & PGC_foreign_mask) {\n			nr++;\n" .
			"			continue;\n		}"],
		['DOM-1 orphans hold their owner for ever', 'arch/x86/asi/domain_map.c',
			'	disown(d, 1);', '	(void)d;'],
		['MEM-5 what is given back keeps its name', 'arch/x86/asi/domain_map.c',
			"	m2p_set(page_mfn(pg), INVALID_M2P);\n	expel", '	expel'],
		['TLB-9 a frame gets another use as if it had never been shared out',
			'arch/x86/mm/type_word.c',
			'page_is_shared_out(pg) ? NULL : d', 'd'],
		['TLB-9 a frame is given back as if it had never been shared out',
			'arch/x86/asi/domain_map.c',
			'	if (shared_out)', '	if (0)'],
		['TLB-9 only the last frame that leaves is looked at', 'arch/x86/asi/domain_map.c',
			'		shared_out |= page_is_shared_out',
			'		shared_out = page_is_shared_out'],
		['TLB-9 what leaves is flushed from its owner\'s CPUs alone',
			'arch/x86/asi/domain_map.c',
			'		tlb_flush_stamped(NULL, tlb_stamp_now());',
			'		tlb_flush_stamped(d, tlb_stamp_now());'],
		['TLB-9 a frame that stays forgets that it was shared out',
			'arch/x86/asi/domain_map.c',
			'	__atomic_fetch_and(&pg->count_info, ~PGC_leaving, ' .
			'__ATOMIC_RELEASE);',
			'	WRITE_ONCE(pg->count_info, PGC_unshared);'],
		['TLB-9 every frame counts as shared out', 'arch/x86/mm/pt_check.c',
			'	if (!(pg_owner == d ?', '	if (!(0 ?'],
		['LIN-1 a table of another domain is named', 'arch/x86/mm/pt_modify.c',
			"	if (pg_owner != loaded_domain())\n		return -EINVAL;\n",
			''],
		['PRIV-1 anybody names anybody\'s frames', 'arch/x86/pv/mmu/foreign.c',
			'	if (!may_name_frames(d))', '	if (0)'],
		['PRIV-1 who may not name others learns which there are',
			'arch/x86/pv/mmu/foreign.c',
			'	if (!may_name_frames(d))
		return -EPERM;
	*owner = get_domain_by_id(domid);
',
			'	*owner = get_domain_by_id(domid);
	if (*owner && !may_name_frames(d))
		return -EPERM;
'],
		['DOM-1 a call keeps its reference on whose frames it names',
			'arch/x86/pv/mmu/mmu_update.c', '	if (!own)
		put_page_owner', '	if (0)
		put_page_owner'],
		['DOM-1 a call by address keeps it', 'arch/x86/pv/mmu/update_va.c',
			'	put_page_owner(pg_owner);', ''],
		['DOM-1 the reference of a call is put twice', 'arch/x86/pv/mmu/update_va.c',
			'	put_page_owner(pg_owner);',
			'	put_page_owner(pg_owner), put_page_owner(pg_owner);'],
		['whoever owns a frame, it is the one named', 'arch/x86/mm/page_ref.c',
			'	if (READ_ONCE(pg->owner) != owner->domid)
		return false;
	do', '	owner = page_owner(pg);
	do'],
		['devices are anybody\'s to name', 'arch/x86/mm/pt_check.c',
			'return pg_owner == d || pg_owner == &domain_io ? 0 : -EPERM;',
			'return 0;'],
		['TYP-2 a foreign entry that may write holds no use', 'arch/x86/mm/pt_check.c',
			'	if ((e & PTE_RW) && page_type_get_writable(pg_owner, pg)) {',
			'	if ((e & PTE_RW) && pg_owner == d &&
	    page_type_get_writable(pg_owner, pg)) {'],
		['TYP-2 a foreign entry keeps its reference where it may not write',
			'arch/x86/mm/pt_check.c', '		page_put_of(pg, d);', ''],
		['MEM-5 a frame of others gets a name while it is given back',
			'arch/x86/pv/mmu/mmu_update.c',
			'	struct page_info *pg = page_get_from_mfn(maddr_to_mfn(maddr), ' .
			'pg_owner);',
			'	struct page_info *pg = page_of(maddr_to_mfn(maddr));' . "\n" .
			'	pg = page_get_foreign(pg, pg_owner) ? pg : NULL;'],
		['DOM-1 a lender may go before its pin does', 'arch/x86/calls/gnttab_map.c',
			'	get_knownalive_domain(rd);', ''],
		['DOM-1 a map keeps its lookup\'s reference', 'arch/x86/calls/gnttab_map.c',
			"	/* The frame of a handle keeps its owner. */\n" .
			"	put_named_domain(rd);", ''],
		['DOM-1 a copy keeps its lookup\'s reference', 'arch/x86/calls/gnttab_copy.c',
			"	put_named_domain(from);\n", ''],
		['DOM-1 a copy that is refused keeps its lookup\'s reference',
			'arch/x86/calls/gnttab_copy.c',
			"	put_named_domain(from);",
			"	if (status == GNTST_okay)\n		put_named_domain(from);"],
		['DOM-1 a copy gives back its lookup\'s reference twice',
			'arch/x86/calls/gnttab_copy.c',
			"	put_named_domain(from);\n",
			"	put_named_domain(from);\n	put_named_domain(from);\n"],
		['DOM-1 frames do not hold their owner', 'arch/x86/asi/domain_map.c',
			'		get_knownalive_domain(d);', '		;'],
		['DOM-1 frames hold their owner for ever', 'arch/x86/asi/domain_map.c',
			'	if (nr && !__atomic_sub_fetch(&d->nr_owned, nr, __ATOMIC_SEQ_CST))',
			'	if (0)'],
		['DOM-1 the dying lend', 'common/domain_list.c', '	if (d && d->is_dying)',
			'	if (0)'],
		['DOM-1 the dying own nothing', 'arch/x86/mm/page_ref.c',
			'd : domain_of_frames(owner);', 'd : get_domain_by_id(owner);'],
		['PRE-3 the first place is finished first', 'arch/x86/mm/page_type.c',
			'	for (unsigned i = NR_PARKED; i-- && !rc; )',
			'	for (unsigned i = 0; i < NR_PARKED && !rc; i++)'],
	);
}
# The same for two CPUs (race.c): name, file, then pairs of what is and what it becomes.
sub race_mutants {
	return (
		['TLB-1-401 flush before the new type is taken', 'arch/x86/mm/type_word.c',
			"		if (nx) {\n			if (cas(pg, &x, nx))",
			"		if (nx) {\n			if (!type_count(x))\n" .
			"				tlb_flush_stamped(d, pg->tlb_stamp), " .
			"cpu_relax();\n			if (cas(pg, &x, nx))",
			'	if (old_type != type && old_type != PGT_none)',
			'	if (old_type > type && 0)'],
		['TYP-1 the type word is stored, not swapped', 'arch/x86/mm/type_word.c',
			'	return __atomic_compare_exchange_n(&pg->type_info, old, new, ' .
			'false, __ATOMIC_SEQ_CST,' . "\n" .
			'					   __ATOMIC_RELAXED);',
			'	(void)old;' . "\n" . '	WRITE_ONCE(pg->type_info, new);' . "\n" .
			'	return true;'],
		['TYP-1 the type word is stored in line, not swapped',
			'arch/x86/include/asm/page_type.h',
			"	return likely(__atomic_compare_exchange_n(&pg->type_info, &old, " .
			"new, false,\n" .
			"						  __ATOMIC_SEQ_CST, " .
			"__ATOMIC_RELAXED));",
			"	(void)old;\n	WRITE_ONCE(pg->type_info, new);\n" .
			"	return true;"],
		['PTE-5 the page lock keeps nobody out, in line',
			'arch/x86/include/asm/page_type.h',
			'(PGT_validated | PGT_locked | PGT_count_top)) == PGT_validated',
			'(PGT_validated | PGT_count_top)) == PGT_validated'],
		['PTE-5 the page lock keeps nobody out', 'arch/x86/mm/type_word.c',
			'		if (x & PGT_locked) {', '		if (0) {'],
		['PRE-1-299 a busy table is taken as if it were partial', 'arch/x86/mm/type_word.c',
			'	return x & PGT_partial ? x & ~PGT_partial : 0;',
			'	return x & ~PGT_partial;'],
		['TLB-8 a walk reads tables as if none could leave the window',
			'arch/x86/mm/pt_modify.c',
			'	asm volatile ("1: mov %1, %0\n\t2:\n\t" _ASM_EXTABLE(1b, 2b) : ' .
			'"+r"(e) : "m"(*pe));', '	e = pte_read(pe);'],
		['TLB-8 the loads of a walk are not in the exception table',
			'arch/x86/mm/pt_modify.c',
			'2:\n\t" _ASM_EXTABLE(1b, 2b) : "+r"(e)', '2:\n\t" : "+r"(e)'],
		['MEM-4 a frame is checked, then marked as leaving', 'arch/x86/asi/domain_map.c',
			"	do {\n		if (!(x & PGC_allocated)",
			"	{\n		if (!(x & PGC_allocated)",
			"	} while (!__atomic_compare_exchange_n(&pg->count_info, &x, x | " .
			"PGC_leaving, false,\n" .
			"					      __ATOMIC_ACQ_REL, " .
			"__ATOMIC_RELAXED));",
			"	}\n	WRITE_ONCE(pg->count_info, x | PGC_leaving);"],
	);
}
# The same for roots and flushes (roots.c).
sub root_mutants {
	return (
		['SWI-1-286 a root that shows the L4 to user mode stays dirty',
			'arch/x86/asi/root.c',
			'	return READ_ONCE(rec->user_l4.n) == mfn_x(m) || ' .
			'READ_ONCE(rec->kernel_l4.n) == mfn_x(m) ||',
			'	return READ_ONCE(rec->kernel_l4.n) == mfn_x(m) ||'],
		['TLB-3-286 other CPUs stay dirty', 'arch/x86/asi/root.c',
			'	if (root_is_dirty(dirty))', '	if (0)'],
		['a root that is behind is taken to be in step', 'arch/x86/asi/root.c',
			'	if (likely(copy->generation == old_generation))', '	if (1)'],
		['an entry comes and is not marked as occupied', 'arch/x86/asi/root.c',
			'	if (shown)', '	if (0)'],
		['an entry goes and its mark goes with it', 'arch/x86/asi/root.c',
			"		bitmap_set(&l4[L4_OCCUPIED], slot);",
			"		bitmap_set(&l4[L4_OCCUPIED], slot);\n	else\n" .
			"		bitmap_clear(&l4[L4_OCCUPIED], slot);"],
		['slots that only the L4 before had are left in the root', 'arch/x86/asi/root.c',
			' | before[L4_OCCUPIED + w];', ' | (before[L4_OCCUPIED + w] & 0);'],
		['the user root is not brought in step', 'arch/x86/asi/root.c',
			'	sync_root(v, COPY_USER, l4_in_window(v->copy[COPY_USER].l4));',
			'	(void)v;'],
		['an edit has no generation of its own', 'arch/x86/asi/root.c',
			'	pte_write(&l4[L4_GENERATION], new);', '	(void)new;'],
		['L1TF an absent entry is shown as the guest keeps it', 'arch/x86/asi/root.c',
			'	return pte_present(l4e) ? l4e : 0;', '	return l4e;'],
		['TLB-4-241 a clock that is long behind counts as flushed', 'arch/x86/mm/tlb.c',
			'	return tlb_clock_read() - clock < 1ul << 30 && ', '	return '],
		['TLB-4 the clock is recorded after the stamp', 'arch/x86/mm/tlb.c',
			'	return __atomic_add_fetch(&tlb_clock, 1, __ATOMIC_SEQ_CST);',
			'	return __atomic_add_fetch(&tlb_clock, 1, __ATOMIC_SEQ_CST) - 2;'],
		['TLB-1 only this CPU flushes', 'arch/x86/mm/tlb.c',
			'	if (any)
		ipi_call(others, IPI_FLUSH_TLB, &(u64){ va }, 1);', '	(void)any;'],
		['TLB-9 a frame that was shared out is flushed from nobody', 'arch/x86/mm/tlb.c',
			'	return (!d || cpu_runs', '	return (d && cpu_runs'],
		['TLB-9 a frame that was shared out is flushed from this CPU alone',
			'arch/x86/mm/tlb.c',
			'	return (!d || cpu_runs',
			'	return ((!d && cpu == smp_cpu_id()) || cpu_runs'],
		['TLB-9 a frame that was shared out is flushed where dom0 runs',
			'arch/x86/mm/tlb.c',
			'	return (!d || cpu_runs(cpu, d, ~0ul))',
			'	return (!d ? READ_ONCE(cpu_public[cpu].loaded.vcpu)->domain == ' .
			'this_cpu.curr->domain : cpu_runs(cpu, d, ~0ul))'],
		['TLB-7 flushes go by vcpu number, whosever it is', 'arch/x86/mm/tlb.c',
			'	return v && v->domain == d && (vcpu_mask >> v->id & 1);',
			'	return v && v->domain != d && (vcpu_mask >> v->id & 1);'],
	);
}
1;
