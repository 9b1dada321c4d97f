# SPDX-License-Identifier: MIT
# Planted bugs of the log, as in mutants.pl: for log.c. One omission for each who must mark a frame.
use strict;
use warnings;

my ($log, $word, $type) = map { "arch/x86/$_.c" } qw(control/log_dirty mm/type_word mm/page_type);
my $mark = 'arch/x86/mm/page_mark.c';
my ($header, $update) = ('arch/x86/include/asm/page_type.h', 'arch/x86/pv/mmu/mmu_update.c');
my ($others, $ext) = map { "arch/x86/pv/mmu/$_.c" } qw(others_tables mmuext);
my ($copy, $map) = map { "arch/x86/calls/$_.c" } qw(gnttab_copy gnttab_map);

# Whose reference marks the frame: the mark as it was before is put back behind it.
sub was { my ($pg) = @_; return "u64 was = READ_ONCE(($pg)->type_info) & PGT_clean;" }
sub put_back { my ($pg) = @_; return "__atomic_fetch_or(&($pg)->type_info, was, 5);" }

sub log_mutants {
	return (
		['a live frame is taken', $word, '(x & ~PGT_clean) + 1 : ~0ul', 'x + 1 : ~0ul'],
		['an idle frame is taken', $word, '(PGT_type_mask | PGT_clean)', 'PGT_type_mask'],
		['a table is waited for', $word, '((x & ~PGT_clean) + 1) | PGT_locked',
			'(x + 1) | PGT_locked'],
		['a use ends', $word, 'x & ~(PGT_validated | PGT_clean)', 'x & ~PGT_validated'],
		['a table is unpinned', $type,
			'	if (was_pinned && page_type_put_live(pg)) {
		page_mark_dirty(pg);', '	if (was_pinned && page_type_put_live(pg)) {'],
		['a table is pinned', $type, '	rc = get_type(d, pg, type);
	if (rc) {
		page_put(pg);
		return rc == -EBUSY', was('pg') . '
	rc = get_type(d, pg, type);
	if (rc) {
		page_put(pg);
		return rc == -EBUSY', 'PGT_pinned, __ATOMIC_SEQ_CST) & PGT_pinned) {',
			'PGT_pinned | was, __ATOMIC_SEQ_CST) & PGT_pinned) {'],
		['a frame gets another name', $update,
			'	m2p_set(page_mfn(pg), _pfn(val));
	page_mark_dirty(pg);', '	m2p_set(page_mfn(pg), _pfn(val));'],
		['a frame gets another name by another domain', 'arch/x86/asi/domain_map.c',
			'		page_mark_dirty(pg);', ''],
		['mmu_update of a table', $update, '	h->level = page_lock_table(pg);',
			was('pg') . '	h->level = page_lock_table(pg);', '	h->mfn = m;
	return 0;', '	h->mfn = m;
	if (h->level) ' . put_back('pg') . '
	return 0;'],
		['mmu_update of a plain frame', $update, '	h->level = page_lock_table(pg);',
			was('pg') . '	h->level = page_lock_table(pg);', '	h->mfn = m;
	return 0;', '	h->mfn = m;
	if (!h->level) ' . put_back('pg') . '
	return 0;'],
		['an entry by its address', 'arch/x86/mm/pt_modify.c',
			'	*table = pg;
	if (unlikely(!page_lock_live', '	*table = pg;
	' . was('pg') . '
	if (unlikely(!page_lock_live',
			'	return (pte_t *)window_ptr(page_mfn(pg)) + pt_index(va, 1);
}', '	' . put_back('pg') . '
	return (pte_t *)window_ptr(page_mfn(pg)) + pt_index(va, 1);
}'],
		['a grant mapped into an entry', $map, '	switch (page_lock_table(pg)) {
	case 1:', '	' . was('pg') . '
	switch (page_lock_table(pg)) {
	case 1: ' . put_back('pg')],
		['a grant copied to', $copy,
			'	if (write && unlikely(page_type_get_writable(owner, page_of(m)))) {
		gnttab_put_frame(d, owner, m);
		return false;
	}', '	' . was('page_of(m)') . '
	if (write && unlikely(page_type_get_writable(owner, page_of(m)))) {
		gnttab_put_frame(d, owner, m);
		return false;
	}
	' . put_back('page_of(m)')],
		['MMUEXT_CLEAR_PAGE', $ext, '	int rc = get_writable(d, op->arg1.mfn, &pg);',
			'	' . was('page_of(_mfn(mfn_has_page(_mfn(op->arg1.mfn)) ? ' .
			'op->arg1.mfn : 0))') . '
	int rc = get_writable(d, op->arg1.mfn, &pg);',
			'	memset(window_ptr(page_mfn(pg)), 0, PAGE_SIZE);',
			'	' . put_back('pg') . '
	memset(window_ptr(page_mfn(pg)), 0, PAGE_SIZE);'],
		['MMUEXT_COPY_PAGE', $ext, '	rc = get_writable(d, op->arg1.mfn, &dst);
	if (!rc) {', '	' . was('page_of(_mfn(mfn_has_page(_mfn(op->arg1.mfn)) ? ' .
			'op->arg1.mfn : 0))') . '
	rc = get_writable(d, op->arg1.mfn, &dst);
	if (!rc) { ' . put_back('dst')],
		['update_descriptor', 'arch/x86/pv/gdt.c',
			'	u64 type = READ_ONCE(pg->type_info) & PGT_type_mask;',
			'	' . was('pg') . '
	u64 type = READ_ONCE(pg->type_info) & PGT_type_mask;',
			'	WRITE_ONCE(*(u64 *)', '	' . put_back('pg') . '
	WRITE_ONCE(*(u64 *)'],
		['a control domain\'s store to a plain frame', $others,
			'	if (page_type_get_writable(d, pg))
		return -EINVAL;', '	' . was('pg') . '
	if (page_type_get_writable(d, pg))
		return -EINVAL;
	' . put_back('pg')],
		['a control domain\'s change of a table', $others,
			'	level = page_lock_table(pg);', '	' . was('pg') . '
	level = page_lock_table(pg);
	if (level) ' . put_back('pg')],
		['A and D set by a walk', 'arch/x86/shadow/walk.c',
			'	page_mark_dirty(page_of(w->table[level]));', ''],
		['the guest\'s own stores', 'arch/x86/shadow/fault.c',
			'	return !pg || !(READ_ONCE(pg->type_info) & PGT_clean);',
			'	return pg || 1;'],
		['a registered vcpu_info', $log,
			'		mark_maddr(d->vcpu[i]->vcpu_info_maddr);', '		;'],
		['the page of pirqs\' EOIs', $log, '	mark_maddr(d->pirq_eoi_maddr);', ''],
		['a console ring', $log, '		page_mark_dirty(page_of(d->console_mfn));',
			'		;'],
		['FIFO\'s words', $log,
			'		page_mark_dirty(page_of(f->words[i]));', '		;'],
		['FIFO\'s control blocks', $log,
			'		mark_maddr(f->vcpu[i].control);', '		;'],
		['all that, where a reading has stopped', $log, '	mark_unseen(d);
	return rc;', '	if (!rc)
		mark_unseen(d);
	return rc;'],
		['what is in descriptor windows', $mark,
			'(x & PGT_type_mask) != PGT_seg_desc &&', ''],
		['what others hold', $mark,
			'!(READ_ONCE(pg->count_info) & PGC_foreign_mask)', '1'],
		['a table that is half made', $mark, 'bool is_quiet = x & PGT_count_mask ? (x & ' .
			'(PGT_validated | PGT_locked)) == PGT_validated
					   : !(x & PGT_non_coherent);',
			'bool is_quiet = true;'],
		['a look at the log cleans', $log, '	if (r->cleans)
		page_set_clean(pg);', '	page_set_clean(pg);'],
		['a byte of the bitmap has one bit', $log, '	byte |= 1u << pfn % 8;',
			'	byte = 1u << pfn % 8;'],
		['what is dirty is not told', $log, '	rc = report(r, pfn);', '	rc = 0;'],
		['the last of some frames is passed over', $log,
			'd->log.at < end; d->log.at++)',
			'd->log.at < end - 1; d->log.at++)
		;
	for (; !rc && d->log.at < end; d->log.at += 2)'],
		['a live frame is taken in line', $header,
			'	return likely((x & (PGT_type_mask | PGT_validated | PGT_clean | ' .
			'PGT_count_top)) ==
		      (type',
			'	return likely((x & (PGT_type_mask | PGT_validated | ' .
			'PGT_count_top)) ==
		      (type'],
		['a table is locked in line', $header,
			'(PGT_type_mask | PGT_validated | PGT_locked | PGT_clean |
			    PGT_count_top)',
			'(PGT_type_mask | PGT_validated | PGT_locked |
			    PGT_count_top)'],
		['a table of any level is locked in line', $header,
			'(PGT_validated | PGT_locked | PGT_clean | PGT_count_top)) ==
		   PGT_validated',
			'(PGT_validated | PGT_locked | PGT_count_top)) ==
		   PGT_validated'],
	);
}
1;
