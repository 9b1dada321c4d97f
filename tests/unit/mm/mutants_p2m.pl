# SPDX-License-Identifier: MIT
# Planted bugs of the tracking of touched pages and of the log of written ones, as in mutants.pl:
# for p2m_track.c and p2m_log.c.
use strict;
use warnings;

my $format = 'arch/x86/mm/p2m_format.c';
my ($p2m, $touch, $track) = map { "arch/x86/mm/$_.c" } qw(p2m p2m_touch p2m_track);

sub p2m_mutants {
	return (
		['cleaned before the flush', $track, 'enter_phase(t, TRACK_FLUSH)',
			'enter_phase(t, TRACK_CLEAN)'],
		['flushed without a stamp', $track, "CACHE_TOUCHED) {\n\t\t\tp2m_move_stamp(p);",
			'CACHE_TOUCHED) {'],
		['no CPU is interrupted', $track, 'tlb_flush_vcpus(d, ~0ul, ~0ul);', ''],
		['what is due keeps P', $track, '? e : e & ~P2M_VALID) | P2M_DUE',
			'? e : e) | P2M_DUE'],
		['what is below is not forgotten', $touch, 'forget(p, pte_mfn(e));', ';'],
		['what has been built counts', $touch, 'forget(p, p->root);', ''],
		['what comes does not count', $p2m, 'p2m_touch_locked(p, gfn);', ''],
		['the halves of a large leaf do not count', $p2m,
			'if (pte_present(e))', 'if (false)'],
		['the halves of a large leaf are not due any more', $p2m,
			'p2m_format->leaf | (e & (P2M_DUE | P2M_LOGGED))',
			'p2m_format->leaf | (e & P2M_LOGGED)'],
		['a batch that has begun is enough', $track, '__ATOMIC_SEQ_CST) + 1;',
			'__ATOMIC_SEQ_CST) + (p->track.phase == TRACK_IDLE);'],
		['one piece is all', $track, "\treturn t->cursor >= p->end;\n}\n\n/* ---- Batches",
			"\treturn true;\n}\n\n/* ---- Batches"],
		['nothing leads to what is due', $track, "mark_path(p, gfn, 2);", ''],
		['what leads to a page is clean with its first', $track,
			'if (!(to & (p2m_span(level) - 1)) || to >= p->end)', 'if (true)'],
		['two do a piece at once', $track,
			'__atomic_test_and_set(&p->track.busy, __ATOMIC_ACQUIRE)', 'false'],
		['a touch makes the leaf alone valid', $touch,
			'pte_write(pe, e | p2m_valid(e, level));',
			'if (p2m_is_leaf(e, level)) pte_write(pe, e | p2m_valid(e, level));'],
		['a leaf that went is looked for by its frame', $track,
			'p2m_get_page(d, p, gfn)', 'page_of(p2m_lookup(p, gfn))'],
		['EPT: the type of memory is left out of a leaf', $format,
			'p2m_ept = { .leaf = EPT_WB | EPT_IPAT', 'p2m_ept = { .leaf = EPT_IPAT'],
		['EPT: the guest has its say in the type of memory', $format,
			'p2m_ept = { .leaf = EPT_WB | EPT_IPAT', 'p2m_ept = { .leaf = EPT_WB'],
		['EPT: a table has the bits of a leaf', $format,
			'p2m_ept = { .leaf', 'p2m_ept = { .table = EPT_WB, .leaf'],
		['EPT: what nobody has touched can be read no more, but executed', $touch,
			'pte_read(&t[i]) & ~P2M_VALID', 'pte_read(&t[i]) & ~PTE_P'],
		['EPT: a large leaf that is touched can be executed', $touch,
			'p2m_valid(e, level)', 'P2M_VALID'],
		['EPT: a large leaf that comes can be executed', $p2m,
			'PTE_PS | p2m_format->large_valid', 'PTE_PS | P2M_VALID'],
		['EPT: halves of a large leaf can be executed no more than it', $p2m,
			'flags |= p2m_valid(flags, 1);', 'flags |= e & P2M_VALID;'],
	);
}

my ($log, $mark) = map { "arch/x86/mm/$_.c" } qw(p2m_log page_mark);
my $read = 'arch/x86/control/log_dirty.c';
sub p2m_log_mutants {
	return (
		['vcpus go on with what they remember', $log, 'p2m_move_stamp(p);', ''],
		['what is clean can be written', $log, 'P2M_LOGGED) & ~P2M_W',
			'P2M_LOGGED)'],
		['a store makes nothing dirty', $log,
			'page_mark_dirty(page_of(mfn_add(first, i)));', ''],
		['of a large leaf one page is dirty', $log, 'i < p2m_span(level); i++)',
			'i < 1; i++)'],
		['the halves of a large leaf can be written', $p2m,
			'(e & (P2M_DUE | P2M_LOGGED))', '(e & P2M_DUE)'],
		['what comes is not dirty', $p2m, 'mark_dirty(first, 1ul << order);', ''],
		['what others may write becomes clean', $mark,
			"\n\t       !(READ_ONCE(pg->count_info) & PGC_foreign_mask)", ' true'],
		['a touch makes what is logged writable', $touch,
			'pte_write(pe, e | p2m_valid(e, level));',
			'pte_write(pe, e | p2m_valid(e & ~P2M_LOGGED, level));'],
		['a leaf that is opened is asked for again', $log, 'pte_read(pe) & ~P2M_LOGGED;',
			'pte_read(pe);'],
		['the neighbours of a page are left out', $log, 'return level == 1 ? pe + i : pe;',
			'return pe;'],
		['of a large leaf its first frame is meant', $log, '_gfn(first + i), level)));',
			'_gfn(first), level)));'],
		['a hole is larger than it is', $log, 'p2m_span(*level) - 1)) + 1;',
			'p2m_span(*level + 1) - 1)) + 1;'],
		['what is behind the bitmap is written', $read, '(nr + 7) / 8))', '8))'],
		['what is not asked for becomes clean', $read,
			' & (~0ul >> (P2M_LOG_GFNS - nr))', ''],
		['what could not be told is clean', $read, "\t\treturn 0;\n\tif (r->bitmap",
			"\t\treturn 0;\n\tif (r->cleans)\n" .
			"\t\tp2m_log_clean(&d->hvm->p2m, first, dirty);\n\tif (r->bitmap"],
		['a piece begins where the last one began', $read, 'd->log.at, &d->log.at);',
			'd->log.at, &(u64){0}); d->log.at += 2 * P2M_LOG_GFNS;'],
	);
}
1;
