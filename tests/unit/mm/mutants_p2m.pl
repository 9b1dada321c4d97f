# SPDX-License-Identifier: MIT
# Planted bugs of the tracking of touched pages, as in mutants.pl: for p2m_track.c.
use strict;
use warnings;

my ($p2m, $touch, $track) = map { "arch/x86/mm/$_.c" } qw(p2m p2m_touch p2m_track);

sub p2m_mutants {
	return (
		['cleaned before the flush', $track, 'enter_phase(t, TRACK_FLUSH)',
			'enter_phase(t, TRACK_CLEAN)'],
		['flushed without a stamp', $track, "CACHE_TOUCHED) {\n\t\t\tp2m_move_stamp(p);",
			'CACHE_TOUCHED) {'],
		['no CPU is interrupted', $track, 'tlb_flush_vcpus(d, ~0ul, ~0ul);', ''],
		['what is due keeps P', $track, '? e : e & ~PTE_P) | NPT_DUE',
			'? e : e) | NPT_DUE'],
		['what is below is not forgotten', $touch, 'forget(p, pte_mfn(e));', ';'],
		['what has been built counts', $touch, 'forget(p, p->root);', ''],
		['what comes does not count', $p2m, 'p2m_touch_locked(p, gfn);', ''],
		['the halves of a large leaf do not count', $p2m,
			'(NPT_RAM & ~PTE_P) | (e & (PTE_P | NPT_DUE))', 'NPT_RAM & ~PTE_P'],
		['the halves of a large leaf are not due any more', $p2m,
			'(NPT_RAM & ~PTE_P) | (e & (PTE_P | NPT_DUE))',
			'(NPT_RAM & ~PTE_P) | (e & PTE_P)'],
		['a batch that has begun is enough', $track, '__ATOMIC_SEQ_CST) + 1;',
			'__ATOMIC_SEQ_CST) + (p->track.phase == TRACK_IDLE);'],
		['one piece is all', $track, "\treturn t->cursor >= p->end;\n}\n\n/* ---- Batches",
			"\treturn true;\n}\n\n/* ---- Batches"],
		['nothing leads to what is due', $track, "mark_path(p, gfn, 2);", ''],
		['what leads to a page is clean with its first', $track,
			'if (!(to & (npt_span(level) - 1)) || to >= p->end)', 'if (true)'],
		['two do a piece at once', $track,
			'__atomic_test_and_set(&p->track.busy, __ATOMIC_ACQUIRE)', 'false'],
		['a touch makes the leaf alone valid', $touch, 'pte_write(pe, e | PTE_P);',
			'if (npt_is_leaf(e, level)) pte_write(pe, e | PTE_P);'],
		['a leaf that went is looked for by its frame', $track,
			'p2m_get_page(d, p, gfn)', 'page_of(p2m_lookup(p, gfn))'],
	);
}
1;
