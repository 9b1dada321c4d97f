/* SPDX-License-Identifier: MIT */
/*
 * A frame that its owner gives back while others hold it: arch/x86/mm/page_ref.c, leave() and
 * drop_allocations() of arch/x86/asi/domain_map.c, arch/x86/asi/orphan.c.
 *
 *   leave, window_unmap, domain_release_flush     proctype owner
 *   page_get, page_put of the owner's calls       proctype sibling
 *   page_get_foreign, page_put_foreign            proctype other; TWICE of them come and go
 *   orphan_free_all                               free_orphan()
 *
 * CPU 0 runs the owner's two vcpus; the others run a domain each that maps the frame and never
 * flushes. Whatever a table names may get into its CPU's TLB.
 *
 * Properties: a frame is freed once and only once, if it has been given back; then no CPU has a
 * translation of it or a reference, and while the owner has a reference the window shows it.
 *
 * bad PUT_IN_TWO: the last put counts, and looks at the allocation afterwards
 * bad DROP_LATE: the owner flushes, and drops the allocation afterwards
 * bad DROP_IN_TWO: the owner looks for others, and drops the allocation afterwards
 * bad NO_FLUSH: an orphan is free without a flush
 * bad FLUSH_OWN: only the CPU of the last put flushes
 * bad GET_LEAVING: a frame that leaves can still be had
 * bad OWNER_FREES: the owner frees whatever others hold
 * bad ANY_HOLDS: a frame leaves although its owner holds it
 *
 * code arch/x86/mm/page_ref.c: u64 old = __atomic_fetch_sub(&pg->count_info, PGC_foreign_one,
 *      __ATOMIC_SEQ_CST); BUG_ON(!(old & PGC_foreign_mask)); if ((old & (PGC_allocated |
 *      PGC_foreign_mask)) == PGC_foreign_one) queue_orphan(pg);
 * code arch/x86/asi/domain_map.c: if (!(x & PGC_allocated) || (x & (PGC_leaving | PGC_own_mask)))
 *      return false;
 * code arch/x86/asi/domain_map.c: while (!__atomic_compare_exchange_n(&pg->count_info, &x,
 *      PGC_leaving | (x & PGC_foreign_mask), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) ; if (x &
 *      PGC_foreign_mask) { *n = next; continue;
 * code arch/x86/asi/domain_map.c: shared_out = drop_allocations(&n);
 * code arch/x86/asi/orphan.c: tlb_flush_stamped(NULL, tlb_stamp_now());
 */
#define CPUS	3
#define TWICE	2

bit allocated = 1, leaving, window = 1;
byte own, foreign;			/* count_info's two counts */
byte freed;
bit entry[CPUS];			/* a table of this CPU's domain names the frame */
bit tlb[CPUS], held[CPUS];
byte done;

inline free_it()
{
	atomic {
		assert(!freed && !allocated && !foreign && !own);
		assert(!tlb[0] && !tlb[1] && !tlb[2]);
		freed = 1
	}
}

/* Waits for every CPU, one after the other. */
inline flush_all(c)
{
#ifdef FLUSH_OWN
	tlb[c] = 0;
#else
	tlb[0] = 0;
	tlb[1] = 0;
	tlb[2] = 0;
#endif
}

inline free_orphan(c)
{
#ifndef NO_FLUSH
	flush_all(c);
#endif
	free_it()
}

proctype hardware(byte c)
{
end:
	do
	:: atomic { ((c == 0 && window) || entry[c]) && !tlb[c] -> tlb[c] = 1 }
	od
}

proctype sibling()
{
	if
	:: atomic { allocated && !leaving -> own++ };
		assert(window);
		assert(window);
		own--
	:: skip
	fi;
	done++
}

proctype owner()
{
	bit last;

	if
#ifdef ANY_HOLDS
	:: atomic { allocated && !leaving -> leaving = 1 };
#else
	:: atomic { allocated && !leaving && !own -> leaving = 1 };
#endif
		window = 0;
#ifdef DROP_LATE
		tlb[0] = 0;
		tlb[1] = 0;
		tlb[2] = 0;
#endif
#ifdef DROP_IN_TWO
		last = !foreign;
		allocated = 0;
#else
		atomic { allocated = 0; last = !foreign };
#endif
#ifdef OWNER_FREES
		last = 1;
#endif
		if
		:: last ->
#ifndef DROP_LATE
			tlb[0] = 0;
			tlb[1] = 0;
			tlb[2] = 0;
#endif
			free_it()
		:: else
		fi
	:: skip
	fi;
	done++
}

proctype other(byte c)
{
	byte n;
	bit last, got_leaving;

	for (n : 1 .. TWICE) {
		if
#ifdef GET_LEAVING
		:: atomic { allocated -> foreign++; held[c] = 1; got_leaving = leaving };
			assert(!got_leaving);
#else
		:: atomic { allocated && !leaving -> foreign++; held[c] = 1 };
#endif
			entry[c] = 1;
			entry[c] = 0;
			assert(!freed);
#ifdef PUT_IN_TWO
			atomic { foreign--; held[c] = 0 };
			last = !allocated && !foreign;
#else
			atomic { foreign--; held[c] = 0; last = !allocated && !foreign };
#endif
			if
			:: last -> free_orphan(c)
			:: else
			fi
		:: skip
		fi
	}
	done++
}

/* Whoever was to free it has. */
active proctype rest()
{
	done == CPUS + 1;
	assert(freed == leaving)
}

init {
	atomic {
		run hardware(0);
		run hardware(1);
		run hardware(2);
		run sibling();
		run owner();
		run other(1);
		run other(2)
	}
}
