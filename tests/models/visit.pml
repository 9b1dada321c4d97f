/* SPDX-License-Identifier: MIT */
/*
 * A visit to a domain, whose window changes meanwhile, and which ends: arch/x86/asi/visit.c,
 * root_begin_visit() and root_end_visit() of arch/x86/asi/root.c, arch/x86/mm/tlb.c,
 * arch/x86/control/domain_destroy.c, on x86-TSO.
 *
 *   visit, enter                      visitor(), VISITS times on CPU 0 and on CPU 1
 *   domain_release_flush              owner(), on CPU 2: a frame and its table of the window go
 *   domain_destroy_some               owner() after that: stop, bar, the window, the last put
 *
 * The window is an entry that names a table (L2E), which names a frame (L1E). While a visit root is
 * loaded that shows it, what the entries say gets into that CPU's paging-structure cache and its
 * TLB at any time, and stays until CR3 is written. Who visits has a reference.
 *
 * Properties: a frame or table that is freed is in nobody's TLB; one CPU at a time visits; from
 * visit_bar()'s yes on none does, and no visit root is loaded; when the domain goes none names its
 * tables, and its flag is not touched afterwards; it goes.
 *
 * bad RECORD_LATE: the record names the domain after CR3 does
 * bad CLEAR_EARLY: the record is cleared before CR3 names another root
 * bad NOT_ASKED: who flushes asks for vcpus, and not for visitors
 * bad NO_FLUSH_FENCE: nothing is between what is written to the window and the look at the records
 * bad FREE_FIRST: the table is freed, and flushed then
 * bad TWO_STEPS: the flag is read, and then set
 * bad LOOK_FIRST: the visitor asks whether the domain dies, and takes the flag then
 * bad NO_LOOK: the visitor does not ask
 * bad NO_BAR: who takes it apart does not wait for the visitor
 * bad MARK_LATE: the domain is said to die after its visitor has left
 * bad ALLOW_EARLY: the next may come before CR3 names another root
 * bad KEEP_ROOT: the visit root shows the window after the visit, too
 * bad NO_REF: who visits has no reference
 * deep VISITS=2: each of them comes again
 *
 * code arch/x86/asi/visit.c: return !__atomic_exchange_n(&d->is_visited, true, __ATOMIC_SEQ_CST);
 * code arch/x86/asi/visit.c: __atomic_store_n(&d->is_visited, false, __ATOMIC_RELEASE);
 * code arch/x86/asi/visit.c: if (!visit_keep_off(d)) return false; if (!READ_ONCE(d->is_dying))
 *      return true; visit_allow(d); return false;
 * code arch/x86/asi/visit.c: ASSERT(d->is_dying); if (!visit_keep_off(d)) return false;
 *      visit_allow(d); return true;
 * code arch/x86/asi/visit.c: root_end_visit(); visit_allow(d);
 * code arch/x86/asi/root.c: window_fill_root(public_ptr(root), d); irq_disable(); this_cpu.visited
 *      = d; WRITE_ONCE(this_cpu.pub->loaded.visited, d); smp_mb(); load_cr3(mfn_to_maddr(root));
 * code arch/x86/asi/root.c: load_cr3(current->cr3_kernel); this_cpu.visited = NULL;
 *      WRITE_ONCE(this_cpu.pub->loaded.visited, NULL); irq_enable();
 *      window_fill_root(public_ptr(this_cpu.pub->visit_root), NULL);
 * code arch/x86/mm/tlb.c: READ_ONCE(rec->visited) == d;
 * code arch/x86/mm/tlb.c: smp_mb(); for (unsigned cpu = 0; cpu < nr_cpus; cpu++) { if (!due(cpu, d,
 *      arg)) continue;
 * code arch/x86/asi/domain_map.c: if (tables) flush_leaving(d, shared_out);
 *      spin_unlock(&d->page_lock); if (!tables && any) flush_leaving(d, shared_out);
 *      window_free_tables(d, tables); free_frames(d, n);
 * code arch/x86/control/domain_destroy.c: stop, bar, end_models, gnttab_release_mappings,
 *      evtchn_destroy, foreign_entries_release, clear_descs, clear_window, free_nested_tables,
 *      free_frames,
 */
#ifndef VISITS
#define VISITS	1
#endif
#define VISITORS 2
#define NCPU	3
#define NADDR	6
#define DEPTH	2
#define FLAG	0		/* is_visited */
#define DYING	1
#define L2E	2
#define L1E	3
#define RECORD	4		/* of CPU 0; CPU 1's is the next */
#include "tso.h"

byte refs = 1;			/* the domain's own */
bit gone, barred;
byte inside;			/* visitors that are */
bit shows[VISITORS];		/* its visit root names the window's tables */
bit loaded[VISITORS];		/* it is what CR3 names */
bit walked[VISITORS];		/* the cache of L2E */
bit tlb[VISITORS];		/* that of L1E */
bit irqs_off[VISITORS], wanted[VISITORS];	/* the flush IPI */
byte left;			/* visitors that are done */

inline put()
{
	atomic {
		refs--;
		if
		:: refs == 0 -> assert(!shows[0] && !shows[1]); gone = 1
		:: else
		fi
	}
}

inline load_cr3(c_, which)
{
	atomic { FENCE(c_) -> loaded[c_] = which; walked[c_] = 0; tlb[c_] = 0 }
}

/* What a CPU remembers of what it can reach; it answers the IPI where interrupts are on. */
proctype hardware(byte c)
{
end:
	do
	:: atomic { loaded[c] && shows[c] && !walked[c] && mem[L2E] -> walked[c] = 1 }
	:: atomic { walked[c] && !tlb[c] && mem[L1E] -> tlb[c] = 1 }
	:: atomic { wanted[c] && !irqs_off[c] && FENCE(c) ->
		walked[c] = 0; tlb[c] = 0; wanted[c] = 0 }
	od
}

inline allow(c_)
{
	assert(!gone);
	store(c_, FLAG, 0)
}

inline begin_visit()
{
	shows[c] = 1;
	irqs_off[c] = 1;
#ifndef RECORD_LATE
	store(c, RECORD + c, 1);
	load_cr3(c, 1);
#else
	load_cr3(c, 1);
	store(c, RECORD + c, 1);
#endif
	irqs_off[c] = 0
}

inline end_visit()
{
	irqs_off[c] = 1;
#ifdef CLEAR_EARLY
	store(c, RECORD + c, 0);
#endif
	load_cr3(c, 0);
#ifndef CLEAR_EARLY
	store(c, RECORD + c, 0);
#endif
	irqs_off[c] = 0;
#ifndef KEEP_ROOT
	shows[c] = 0
#endif
}

proctype visitor(byte c)
{
	byte visits;
	bit taken, dies, has_ref;

	do
	:: visits < VISITS ->
		visits++;
		atomic {
			if
#ifndef NO_REF
			:: refs -> refs++; has_ref = 1
#else
			:: refs -> has_ref = 1
#endif
			:: else
			fi
		};
		if
		:: has_ref ->
#ifdef LOOK_FIRST
			dies = LOAD(c, DYING);
#endif
#ifdef TWO_STEPS
			taken = !LOAD(c, FLAG);
			if
			:: taken -> store(c, FLAG, 1)
			:: else
			fi;
#else
			atomic { FENCE(c) -> assert(!gone); taken = !mem[FLAG]; mem[FLAG] = 1 };
#endif
#ifndef LOOK_FIRST
#ifndef NO_LOOK
			dies = LOAD(c, DYING);
#endif
#endif
			if
			:: taken && !dies ->
				atomic { inside++; assert(inside == 1 && !barred) };
				begin_visit();
				/* Here the window is walked. */
#ifdef ALLOW_EARLY
				inside--;
				allow(c);
				end_visit();
#else
				end_visit();
				inside--;
				allow(c);
#endif
			:: taken && dies -> allow(c)
			:: !taken
			fi;
			taken = 0;
			dies = 0;
			has_ref = 0;
#ifndef NO_REF
			atomic { FENCE(c) -> put() }
#endif
		:: else
		fi
	:: visits == VISITS -> break
	od;
	left++
}

inline flush_one(at_)
{
	if
#ifdef NOT_ASKED
	:: skip
#else
	:: LOAD(2, RECORD + at_) -> wanted[at_] = 1; !wanted[at_]
	:: !LOAD(2, RECORD + at_)
#endif
	fi
}

inline free_both()
{
	atomic { assert(!walked[0] && !walked[1] && !tlb[0] && !tlb[1]) }
}

inline take_out_and_free()
{
	store(2, L1E, 0);
	store(2, L2E, 0);
#ifdef FREE_FIRST
	free_both();
#endif
#ifndef NO_FLUSH_FENCE
	FENCE(2);
#endif
	flush_one(0);
	flush_one(1);
#ifndef FREE_FIRST
	free_both();
#endif
	skip
}

inline bar()
{
#ifndef NO_BAR
	do
	:: atomic { FENCE(2) && mem[FLAG] == 0 -> mem[FLAG] = 1 }; break
	od;
	allow(2)
#else
	skip
#endif
}

proctype owner()
{
	/* It is as it was before: another frame, in another table. */
	if
	:: take_out_and_free(); store(2, L2E, 1); store(2, L1E, 1)
	:: skip
	fi;
#ifndef MARK_LATE
	store(2, DYING, 1);
	bar();
#else
	bar();
	store(2, DYING, 1);
#endif
	atomic { barred = 1; assert(!inside && !loaded[0] && !loaded[1]) };
	take_out_and_free();
	atomic { FENCE(2) -> put() };
	left == VISITORS;
	assert(gone)
}

init {
	atomic {
		mem[L2E] = 1;
		mem[L1E] = 1;
		run store_buffer(0);
		run store_buffer(1);
		run store_buffer(2);
		run hardware(0);
		run hardware(1);
		run visitor(0);
		run visitor(1);
		run owner()
	}
}
