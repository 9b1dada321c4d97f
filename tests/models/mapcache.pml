/* SPDX-License-Identifier: MIT */
/*
 * The mapcache: arch/x86/asi/mapcache.c. map_domain_page() is map(), unmap_domain_page() is
 * unmap().
 *
 * One vcpu, a ring of SLOTS entries, FRAMES foreign frames, and a TLB that loads a present entry at
 * any time, in hypervisor or guest (speculation does), and keeps it until INVLPG. Stores to entries
 * wait in a buffer; the CPU that walks may or may not see them, so the TLB may be filled from
 * memory as it is until INVLPG, which serializes, has drained the buffer. Mappings are nested and
 * undone in any order.
 *
 * Properties: a mapping in use is never translated to another frame than its own; on return to the
 * guest no foreign frame can be reached through the ring, neither by an entry nor by a translation
 * kept.
 *
 * bad NO_INVALIDATE: unmapping clears the entry and leaves the translation
 * bad INVALIDATE_AT_WRAP: translations are dropped only when the ring comes round (asi T24)
 * bad INVALIDATE_FIRST: INVLPG, then the entry is cleared
 * bad TAKE_IN_USE: slots in use are not skipped at the wrap
 * bad LEAVE_ENTRY: unmapping only invalidates (T24: "the next user will overwrite it")
 *
 * code arch/x86/asi/mapcache.c: if (!perdomain_is_mapped(va)) { populate_perdomain_mapping(v, va,
 *      1, &m, PAGE_HV_RW);
 * code arch/x86/asi/mapcache.c: destroy_perdomain_mapping(current, va, 1);
 * code arch/x86/asi/perdomain.c: pte_write(pe, 0); tlb_invlpg(va); owned = collect(old, owned);
 */
#define SLOTS	3
#define FRAMES	3
#define USERS	2		/* mappings at a time */

byte entry[SLOTS];		/* memory: frame number, 0 = absent */
byte buffered[SLOTS];		/* the store on its way: frame number + 1, 0 = none */
byte tlb[SLOTS];
byte next;
byte slot_of[USERS], frame_of[USERS];	/* mappings in use; frame 0 = none */
bit in_guest;

active proctype store_buffer()
{
	byte s;
end:
	do
	:: atomic {
		buffered[0] || buffered[1] || buffered[2] ->
		if
		:: buffered[0] -> s = 0
		:: buffered[1] -> s = 1
		:: buffered[2] -> s = 2
		fi;
		entry[s] = buffered[s] - 1;
		buffered[s] = 0;
		s = 0
	   }
	od
}

active proctype walker()
{
end:
	do
	:: atomic { !tlb[0] && entry[0] -> tlb[0] = entry[0] }
	:: atomic { !tlb[1] && entry[1] -> tlb[1] = entry[1] }
	:: atomic { !tlb[2] && entry[2] -> tlb[2] = entry[2] }
	od
}

#define DRAINED		(!buffered[0] && !buffered[1] && !buffered[2])
#define ENTRY(s)	(buffered[s] -> buffered[s] - 1 : entry[s])

inline write(s, value_) { atomic { !buffered[s] -> buffered[s] = (value_) + 1 } }
inline invlpg(s) { atomic { DRAINED -> tlb[s] = 0 } }

inline map(user_, frame_)
{
	do
	:: slot = next % SLOTS;
	   next = (next + 1) % SLOTS;
#ifdef INVALIDATE_AT_WRAP
	   if
	   :: slot == 0 -> atomic { DRAINED -> tlb[0] = 0; tlb[1] = 0; tlb[2] = 0 }
	   :: else
	   fi;
#endif
#if defined(TAKE_IN_USE) || defined(LEAVE_ENTRY)
	   break
#else
	   if
	   :: ENTRY(slot) == 0 -> break
	   :: else
	   fi
#endif
	od;
	write(slot, frame_);
	atomic { slot_of[user_] = slot; frame_of[user_] = frame_; slot = 0 }
}

inline unmap(user_)
{
	atomic { slot = slot_of[user_]; frame_of[user_] = 0; slot_of[user_] = 0 };
#ifdef INVALIDATE_FIRST
	invlpg(slot);
#endif
#ifndef LEAVE_ENTRY
	write(slot, 0);
#endif
#if !defined(INVALIDATE_FIRST) && !defined(NO_INVALIDATE) && !defined(INVALIDATE_AT_WRAP)
	invlpg(slot);
#endif
	slot = 0
}

active proctype hypervisor()
{
	byte slot, u, f;
end:
	do
	:: !frame_of[0] -> select(f : 1 .. FRAMES); map(0, f); f = 0
	:: !frame_of[1] -> select(f : 1 .. FRAMES); map(1, f); f = 0
	:: frame_of[0] -> unmap(0)
	:: frame_of[1] -> unmap(1)
	/* IRET drains nothing that INVLPG has not */
	:: !frame_of[0] && !frame_of[1] -> in_guest = 1; in_guest = 0
	od
}

#define WRONG(u)	(frame_of[u] && tlb[slot_of[u]] && tlb[slot_of[u]] != frame_of[u])
#define FOREIGN(s)	(tlb[s] || entry[s])

active proctype property()
{
end:
	atomic {
		WRONG(0) || WRONG(1) || (in_guest && (FOREIGN(0) || FOREIGN(1) || FOREIGN(2)))
		-> assert(false)
	}
}
