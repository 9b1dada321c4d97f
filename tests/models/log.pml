/* SPDX-License-Identifier: MIT */
/*
 * The log of what a domain writes, read while everybody writes: arch/x86/control/log_dirty.c,
 * shadow/fault.c, what takes references.
 *
 *   at_rest(), read_and_mark()                      reading()
 *   read_frame(), page_set_clean()                  read_frame()
 *   fill(), root_load()                             proctype guest
 *   visit(), what is done there                     proctype visitor
 *   take_frame(), drop_frame() of gnttab_map.c      proctype borrower
 *   posts of events, times                          proctype post
 *
 * One frame. Its contents are the number of stores so far. A sender on another CPU reads the log
 * ROUNDS times and copies what it reports, at any time behind that; then the domain is stopped for
 * good, everybody else has let go, and it does so once more.
 *
 * Marks, references and the log's own change of the type word are locked instructions; a vcpu that
 * leaves its CPU, and the end of a visit, drain what was stored: so stores take effect at once.
 *
 * Property: what has been copied in the end is what is there.
 *
 * bad NO_PAUSE: the log is read while the vcpu runs
 * bad NO_FORGET: the vcpu comes back to the trees that it left
 * bad NO_MARK: the shadow shows a frame writable and does not mark it
 * bad VISITORS: nobody keeps visitors off
 * bad VISIT_EARLY: a visitor leaves, then stores
 * bad NO_FOREIGN: what others hold is taken for clean
 * bad FOREIGN_FIRST: who holds it is looked at before its type word
 * bad PUT_FIRST: a borrower is let go before its CPUs have flushed
 * bad PLAIN: clean is stored, not swapped in
 * bad COPY_FIRST: a frame is copied, then looked up in the log
 * good UNSEEN,STORES=1: a frame that is written to without asking
 * bad UNSEEN,STORES=1,NO_UNSEEN: it is not marked behind a reading
 * deep ROUNDS=3: one reading more
 *
 * code arch/x86/mm/page_mark.c: !(READ_ONCE(pg->count_info) & PGC_foreign_mask);
 * code arch/x86/mm/page_mark.c: u64 x = READ_ONCE(pg->type_info); while (can_be_clean(pg, x)
 *      && !__atomic_compare_exchange_n(&pg->type_info, &x, x | PGT_clean,
 * code arch/x86/control/log_dirty.c: int rc = read_all(d, r); mark_unseen(d); return rc;
 * code arch/x86/control/log_dirty.c: int rc = domain_pause_by_control(d); if (rc) return rc; rc =
 *      -ERESTART; if (visit_keep_off(d)) { rc = fn(d, r); visit_allow(d); } return
 *      domain_unpause_by_control(d) ?: rc;
 * code arch/x86/shadow/fault.c: make_dirty(pte_mfn(w.e[1])); pe = shadow_l1e(tree, va);
 * code arch/x86/include/asm/shadow.h: if (is_shadowed(v)) shadow_forget(v);
 * code arch/x86/asi/visit.c: root_end_visit(); visit_allow(d); return rc;
 * code arch/x86/calls/gnttab_map.c: if (unlikely(!gnttab_get_frame(current->domain, rd, m))) return
 *      GNTST_bad_page; if (write && page_type_get_writable(rd, page_of(m)))
 * code arch/x86/calls/gnttab_map.c: page_type_put_leaf(page_of(m)); gnttab_put_frame(
 */
#ifndef ROUNDS
#define ROUNDS	2
#endif
#ifndef STORES
#define STORES	2		/* of each writer */
#endif

byte contents;
byte copied = 255;		/* nothing yet */

/* The type word, which is one to whoever swaps it; and the foreign count. */
bit clean;
byte count;
byte foreign;

bit paused, on_cpu = 1, visited;
/* beside the vcpu, that have not ended */
#ifdef UNSEEN
byte writers = 3;
#else
byte writers = 2;
#endif

inline take() { atomic { count++; clean = 0 } }
inline drop() { count-- }

/* The vcpu, which comes and goes: tree and TLB show the frame writable, or do not. */
active proctype guest()
{
	bit tree, tlb;
	byte stores;
end:
	do
	:: paused && on_cpu ->
		tlb = 0;			/* another root */
		on_cpu = 0
	:: atomic { !paused && !on_cpu -> on_cpu = 1 };
#ifndef NO_FORGET
	   tree = 0
#endif
	:: on_cpu && stores < STORES && tlb -> contents++; stores++
	:: on_cpu && stores < STORES && !tlb && tree -> tlb = 1
	:: on_cpu && stores < STORES && !tlb && !tree ->
#ifndef NO_MARK
		clean = 0;
#endif
		tree = 1
	od
}

/* A control domain on another CPU: a store to a plain frame, or a change of a table. */
active proctype visitor()
{
	byte stores;

	do
	:: stores < STORES ->
		atomic { !visited -> visited = 1 };
		take();
#ifdef VISIT_EARLY
		visited = 0;
#endif
		contents++;
		drop();
#ifndef VISIT_EARLY
		visited = 0;
#endif
		stores++
	:: break
	od;
	writers--
}

/* A domain that maps the frame. It keeps nobody off, and nobody it. */
active proctype borrower()
{
	byte stores;

	foreign++;
	take();
	do
	:: stores < STORES -> contents++; stores++
	:: break
	od;
#ifdef PUT_FIRST
	drop();
	foreign--;
	contents++
#else
	drop();
	foreign--
#endif
	;
	writers--
}

#ifdef UNSEEN
active proctype post()
{
	byte stores;

	do
	:: stores < STORES -> contents++; stores++
	:: break
	od;
	writers--
}
#endif

active proctype sender()
{
	byte round, was_count;
	bit bit_set, was_foreign, last;

	do
	:: round <= ROUNDS ->
		last = (round == ROUNDS);
		paused = 1;
#ifdef NO_PAUSE
		!last || !on_cpu;
#else
		!on_cpu;
#endif
		!last || writers == 0;
#ifndef VISITORS
		atomic { !visited -> visited = 1 };
#endif
#ifdef COPY_FIRST
		was_count = contents;		/* no other use here */
#endif
		/* read_frame() */
		bit_set = !clean;
#ifdef COPY_FIRST
		if
		:: bit_set -> copied = was_count
		:: else
		fi;
#endif
		do
		:: bit_set ->
#ifdef FOREIGN_FIRST
			was_foreign = foreign != 0;
			was_count = count;
#else
			was_count = count;
			was_foreign = foreign != 0;
#endif
#ifdef NO_FOREIGN
			was_foreign = 0;
#endif
			if
			:: was_foreign -> break
#ifdef PLAIN
			:: else -> clean = 1; break
#else
			:: else ->
				if
				:: atomic { count == was_count -> clean = 1 }; break
				:: count != was_count
				fi
#endif
			fi
		:: else -> break
		od;
#if defined(UNSEEN) && !defined(NO_UNSEEN)
		clean = 0;
#endif
#ifndef VISITORS
		visited = 0;
#endif
		if
		:: !last -> paused = 0
		:: else
		fi;
#ifndef COPY_FIRST
		if
		:: bit_set -> copied = contents
		:: else
		fi;
#endif
		was_count = 0;
		was_foreign = 0;
		bit_set = 0;
		round++
	:: else -> break
	od;
	assert(copied == contents)
}
