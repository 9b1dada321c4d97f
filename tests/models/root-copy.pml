/* SPDX-License-Identifier: MIT */
/*
 * Copies of a guest L4 against updates of it: arch/x86/asi/root.c, and modify() and pt_batch_end()
 * of arch/x86/mm/pt_modify.c.
 *
 *   swap_in, root_l4_written, mirror_slot    edit(); mark_others, names: look()
 *   pt_batch_end, root_dispatch              dispatch()
 *   publish, publish_l4, publish_left        publish(), publish_left()
 *   sync_root, copy_slots                    the same names
 *   resync_current                           resync(); from the IPI: serve()
 *   root_load, set_l4                        load(), set_l4()
 *
 * One guest L4 (M) that is updated, with one slot that is modelled; another (N), whose slot is
 * empty and stays so. The slot names table 1 or nothing at first; edit n makes it name table n + 1,
 * or nothing, or changes one of the other slots. CPU 0 runs vcpu 0 or idles, CPU 1 runs vcpus 1, 2
 * or idles, CPU 2 (if there) vcpu 3; a vcpu's L4 is M or N. Any CPU may edit M: one at a time (the
 * page lock), but what they have made dirty is dispatched, and what the slot named is dropped,
 * after the lock has been let go.
 *
 * A vcpu has one root here: kernel and user root are copied, recorded and synced in the same
 * breath, and toggles copy nothing.
 *
 * Property: when the reference on a table has been dropped, no loaded root names it; and when all
 * is at rest, a loaded root shows what its L4 has.
 *
 * bad T4_IRQS_ON: interrupts are on while slots are copied (asi T4)
 * bad T5_DROP_FIRST: the old table's reference is dropped before other CPUs have been asked (asi
 *      T5)
 * bad T5_NO_WAIT: CPUs are asked and not waited for
 * bad T7_NO_CHECK: a vcpu comes back to its CPU without a look at the generation (asi T7)
 * bad NO_COPIER_FENCE: no fence between record and generation in publish()
 * bad NO_UPDATER_FENCE: no fence between generation and records in root_l4_written()
 * bad GENERATION_FIRST: the updater writes the generation before the entry
 * bad GENERATION_LAST: the copier takes the generation from after the copy
 * bad RECORD_LATE: the record is published after the copy (XSA-494: "current" does not say what is
 *      loaded)
 * bad LEAVE_EARLY: the record forgets the old L4 before its root has left the CPU (XSA-494)
 * bad OCCUPIED_LATE: a slot's bit is set after the generation has been written
 * bad OCCUPIED_NOW: a slot's bit goes with its entry, and copies that still have it leave it out
 * bad BEFORE_FORGOTTEN: slots of the L4 that the root was a copy of before are left out
 * bad MIRROR_NOT: the updater leaves its own root as it was
 * bad BEHIND_FORGOTTEN: an updater whose root is behind stores no slot and does not count as dirty
 * bad MIRROR_BEHIND: an updater whose root is behind stores the slot and takes the root for up to
 *      date
 * deep ACTIONS=3: two CPUs, longer
 * deep CPUS=3,ACTIONS=1,UPDATES=1: three CPUs
 *
 * code arch/x86/asi/root.c: WRITE_ONCE(rec->leaving_user_l4.n, rec->user_l4.n);
 *      WRITE_ONCE(rec->vcpu, v);
 * code arch/x86/asi/root.c: WRITE_ONCE(rec->user_l4.n, v->copy[COPY_USER].l4.n); smp_mb();
 * code arch/x86/asi/root.c: WRITE_ONCE(leaving->n, is->n); __atomic_store_n(&is->n, l4.n,
 *      __ATOMIC_SEQ_CST);
 * code arch/x86/asi/root.c: ASSERT_IRQS_OFF(); copy->generation = pte_read(&l4[L4_GENERATION]);
 * code arch/x86/asi/root.c: u64 todo = pte_read(&l4[L4_OCCUPIED + w]) | before[L4_OCCUPIED + w];
 * code arch/x86/asi/root.c: publish(v); sync_through_cpu_window(v, COPY_KERNEL);
 * code arch/x86/asi/root.c: irq_disable(); publish_l4(&rec->kernel_l4, &rec->leaving_kernel_l4,
 *      l4);
 * code arch/x86/asi/root.c: load_cr3(v->cr3_kernel); WRITE_ONCE(rec->leaving_kernel_l4.n,
 *      mfn_x(INVALID_MFN));
 * code arch/x86/asi/root.c: if (shown) bitmap_set(&l4[L4_OCCUPIED], slot); barrier();
 *      pte_write(&l4[L4_GENERATION], new);
 * code arch/x86/asi/root.c: smp_mb(); for (unsigned cpu = 0; cpu < nr_cpus; cpu++) if (cpu !=
 *      smp_cpu_id() && names(cpu, m))
 * code arch/x86/mm/pt_modify.c: if (root_is_dirty(&batch->roots)) root_dispatch(&batch->roots);
 */
#ifndef CPUS
#define CPUS	2
#endif
#ifndef UPDATES
#define UPDATES	2
#endif
#ifndef ACTIONS
#define ACTIONS	2
#endif

#define NVCPU	4
#define IDLE	4
#define NONE	0	/* of L4s */
#define M	1
#define N	2
#define GENERATION_OF_N	99

/* Addresses */
#define ENTRY		0	/* M's slot */
#define OCCUPIED	1	/* M's occupancy bit of it; N's is never set */
#define GENERATION	2	/* M's */
#define REC(c)		(3 + (c))		/* cpu_loaded: L4 of the loaded vcpu */
/* cpu_loaded: L4 of the root that is still loaded while another is made ready */
#define OLD(c)		(3 + CPUS + (c))
#define ROOT(v)		(3 + 2 * CPUS + (v))	/* the slot in vcpu v's root */
#define NCPU		CPUS
#define NADDR		(3 + 2 * CPUS + NVCPU)
#define DEPTH		5
#include "tso.h"

byte l4_of[NVCPU + 1];			/* struct root_copy, one per vcpu: */
byte copied_generation[NVCPU + 1];
byte loaded[CPUS];			/* CR3: whose root */
bit dropped[UPDATES + 2];		/* [0] stays 0: no table */
bit ipi[CPUS * CPUS];			/* [target][caller]: asked for; taken back when done */
bit page_lock;
byte updates, last_generation = 1;
byte resting;				/* CPUs that have done all they had to */

/* Is CPU c called, and by whom first? Does it wait for anybody? */
#if CPUS == 2
#define CALLED(c)	ipi[2 * (c) + 1 - (c)]
#define CALLER(c)	(1 - (c))
#define ASKED(c)	ipi[(1 - (c)) * 2 + (c)]
#else
#define CALLED(c)	(ipi[3 * (c)] || ipi[3 * (c) + 1] || ipi[3 * (c) + 2])
#define CALLER(c)	(ipi[3 * (c)] -> 0 : (ipi[3 * (c) + 1] -> 1 : 2))
#define ASKED(c)	(ipi[c] || ipi[3 + (c)] || ipi[6 + (c)])
#endif

#define SEES(c, a, v)	(LOAD(c, a) == (v))

/* Locals of the caller: e. */
inline publish(c, new_l4_)
{
#ifndef LEAVE_EARLY
	e = LOAD(c, REC(c));
	store(c, OLD(c), e);
	e = 0;
#endif
	store(c, REC(c), new_l4_);
#ifndef NO_COPIER_FENCE
	FENCE(c)
#endif
}

inline publish_left(c)
{
#ifndef LEAVE_EARLY
	store(c, OLD(c), NONE)
#else
	skip
#endif
}

#ifdef T4_IRQS_ON
#define COPY_POINT(c)	if :: interruptible && CALLED(c) -> serve_nested(c) :: skip fi
#else
#define COPY_POINT(c)	skip
#endif

/* From M, which v was a copy of before, or of N. Locals of the caller: e. */
inline copy_slots(c, v)
{
#ifndef GENERATION_LAST
	copied_generation[v] = LOAD(c, GENERATION);
#endif
	if
	:: LOAD(c, OCCUPIED) ->
		e = LOAD(c, ENTRY);
		COPY_POINT(c);
		store(c, ROOT(v), e);
		e = 0
	:: else
	fi;
#ifdef GENERATION_LAST
	copied_generation[v] = LOAD(c, GENERATION)
#else
	skip
#endif
}

/* From N, and v was a copy of M before. */
inline copy_of_none(c, v)
{
	copied_generation[v] = GENERATION_OF_N;
#ifndef BEFORE_FORGOTTEN
	if
	:: LOAD(c, OCCUPIED) -> store(c, ROOT(v), 0)
	:: else
	fi
#else
	skip
#endif
}

inline sync_root(c, v)
{
	if
	:: l4_of[v] == M && !SEES(c, GENERATION, copied_generation[v]) -> copy_slots(c, v)
	:: else
	fi
}

/* resync_current(): the record is as it was. */
inline resync(c)
{
	if
	:: loaded[c] != IDLE ->
		interruptible = 0;
		sync_root(c, loaded[c]);
		FENCE(c)				/* load_cr3() */
	:: else
	fi
}

/* The IPI, taken as an interrupt or while waiting. */
inline serve(c)
{
	caller = CALLER(c);
	resync(c);
	atomic { ipi[c * CPUS + caller] = 0; caller = 0 }
}

#ifdef T4_IRQS_ON
/*
 * The interrupt that comes in the middle of a copy: by itself, in one step, with variables of its
 * own.
 */
inline serve_nested(c)
{
	FENCE(c);
	atomic {
		CALLED(c) && loaded[c] != IDLE && l4_of[loaded[c]] == M && empty(buffer[c]) ->
		mem[ROOT(loaded[c])] = mem[ENTRY];
		copied_generation[loaded[c]] = mem[GENERATION];
		ipi[c * CPUS + CALLER(c)] = 0
	}
}
#endif

/* root_load() */
inline load(c, v)
{
	if
	:: v != IDLE ->
#ifndef RECORD_LATE
		publish(c, l4_of[v]);
#endif
		interruptible = 0;
#ifndef T7_NO_CHECK
		sync_root(c, v);
#endif
		FENCE(c);
		loaded[c] = v;
#ifdef RECORD_LATE
		publish(c, l4_of[v]);
#endif
		publish_left(c)
	:: else ->
		FENCE(c);
		loaded[c] = IDLE;
		publish(c, NONE);
		publish_left(c)
	fi
}

inline set_l4(c, v, to_l4_)
{
#ifndef RECORD_LATE
	publish(c, to_l4_);
#endif
	l4_of[v] = to_l4_;
	interruptible = 1;
	if
	:: l4_of[v] == M -> copy_slots(c, v)
	:: else -> copy_of_none(c, v)
	fi;
	interruptible = 0;
	FENCE(c);
#ifdef RECORD_LATE
	publish(c, to_l4_);
#endif
	publish_left(c)
}

inline drop(t)
{
	if
	:: t -> dropped[t] = 1
	:: else
	fi
}

inline write_generation(c)
{
	atomic {
		last_generation++;
		buffer[c] ! GENERATION, last_generation;
		in_flight[AT(c, GENERATION)]++;
		newest[AT(c, GENERATION)] = last_generation
	}
}

/* names(). REC first: publish() writes OLD first. */
inline look(c, who)
{
	if
	:: who != c && SEES(c, REC(who), M) -> dirty[who] = 1
	:: else
	fi;
#ifndef LEAVE_EARLY
	if
	:: who != c && SEES(c, OLD(who), M) -> dirty[who] = 1
	:: else
	fi
#endif
}

#define COPIED_FROM_M(c)	(loaded[c] != IDLE && l4_of[loaded[c]] == M)

/*
 * swap_in(), root_l4_written(): page lock held. Leaves old, the table to drop (0: none), and
 * dirty[].
 */
inline edit(c)
{
	old_generation = LOAD(c, GENERATION);
#ifdef GENERATION_FIRST
	write_generation(c);
#endif
	if
	:: fresh = updates + 1
	:: fresh = 0
	:: atomic { fresh = LOAD(c, ENTRY); elsewhere = 1 }	/* another slot's edit */
	fi;
	atomic {
		FENCE(c) ->				/* XCHG */
		if
		:: elsewhere -> fresh = mem[ENTRY]
		:: else
		fi;
		old = (mem[ENTRY] == fresh -> 0 : mem[ENTRY]);
		mem[ENTRY] = fresh
	}
#ifdef T5_DROP_FIRST
	drop(old);
#endif
#ifndef OCCUPIED_LATE
	if
#ifdef OCCUPIED_NOW
	:: !elsewhere -> store(c, OCCUPIED, (fresh != 0))
#else
	:: !elsewhere && fresh -> store(c, OCCUPIED, 1)
#endif
	:: else
	fi;
#endif
#ifndef GENERATION_FIRST
	write_generation(c);
#endif
#ifdef OCCUPIED_LATE
	if
	:: !elsewhere && fresh -> store(c, OCCUPIED, 1)
	:: else
	fi;
#endif
#ifndef MIRROR_NOT
	if
#ifdef MIRROR_BEHIND
	:: COPIED_FROM_M(c) ->
#else
	:: COPIED_FROM_M(c) && copied_generation[loaded[c]] == old_generation ->
#endif
		if
		:: !elsewhere -> store(c, ROOT(loaded[c]), fresh)
		:: else
		fi;
		copied_generation[loaded[c]] = LOAD(c, GENERATION)
#ifndef BEHIND_FORGOTTEN
	:: COPIED_FROM_M(c) && copied_generation[loaded[c]] != old_generation -> dirty[c] = 1
#endif
	:: else
	fi;
#endif
#ifndef NO_UPDATER_FENCE
	FENCE(c);
#endif
	look(c, 0);
	look(c, 1);
#if CPUS > 2
	look(c, 2);
#endif
	atomic { fresh = 0; old_generation = 0; elsewhere = 0 }
}

inline ask(c, who)
{
	atomic {
		if
		:: who != c && dirty[who] -> ipi[(who) * CPUS + c] = 1
		:: else
		fi;
		dirty[who] = 0
	}
}

/* root_dispatch(), then the put. */
inline dispatch(c)
{
	if
	:: dirty[c] -> dirty[c] = 0; resync(c)
	:: else
	fi;
	ask(c, 0);
	ask(c, 1);
#if CPUS > 2
	ask(c, 2);
#endif
#ifndef T5_NO_WAIT
	do
	:: CALLED(c) -> serve(c)
	:: !ASKED(c) -> break
	od;
#endif
#ifdef MIRROR_NOT
	FENCE(c);
#endif
#ifndef T5_DROP_FIRST
	drop(old);
#endif
	old = 0
}

proctype cpu(byte c)
{
	byte e, old, fresh, old_generation, caller, actions, target;
	bit interruptible, elsewhere, dirty[CPUS];

	do
	:: CALLED(c) -> serve(c)
	:: atomic { !page_lock && updates < UPDATES -> page_lock = 1; updates++ };
		edit(c);
		page_lock = 0;
		dispatch(c)
	:: actions < ACTIONS && c == 0 && loaded[c] != 0 -> actions++; load(c, 0)
	:: actions < ACTIONS && c == 1 && loaded[c] != 1 -> actions++; load(c, 1)
	:: actions < ACTIONS && c == 1 && loaded[c] != 2 -> actions++; load(c, 2)
	:: actions < ACTIONS && c == 2 && loaded[c] != 3 -> actions++; load(c, 3)
	:: actions < ACTIONS && loaded[c] != IDLE -> actions++; load(c, IDLE)
	:: actions < ACTIONS && loaded[c] != IDLE -> actions++;
		target = 3 - l4_of[loaded[c]];
		set_l4(c, loaded[c], target);
		target = 0
	:: actions == ACTIONS && updates == UPDATES -> break
	od;
	resting++;
end:
	do
	:: CALLED(c) -> serve(c)
	od
}

#define NAMES_DROPPED(c)	(loaded[c] != IDLE && dropped[mem[ROOT(loaded[c])]])
#define L4_OF(c)		l4_of[loaded[c]]
#define BEHIND(c)		(loaded[c] != IDLE && \
				 mem[ROOT(loaded[c])] != (L4_OF(c) == M -> mem[ENTRY] : 0))

#if CPUS == 2
#define NAMED_ANYWHERE	(NAMES_DROPPED(0) || NAMES_DROPPED(1))
#define BEHIND_ANYWHERE	(BEHIND(0) || BEHIND(1))
#define AT_REST		(resting == CPUS && empty(buffer[0]) && empty(buffer[1]))
#else
#define NAMED_ANYWHERE	(NAMES_DROPPED(0) || NAMES_DROPPED(1) || NAMES_DROPPED(2))
#define BEHIND_ANYWHERE	(BEHIND(0) || BEHIND(1) || BEHIND(2))
#define AT_REST		(resting == CPUS && \
				 empty(buffer[0]) && empty(buffer[1]) && empty(buffer[2]))
#endif

active proctype property()
{
end:
	atomic { NAMED_ANYWHERE || (AT_REST && BEHIND_ANYWHERE) -> assert(false) }
}

init {
	atomic {
		byte i;

		if
		:: mem[ENTRY] = 1; mem[OCCUPIED] = 1
		:: skip
		fi;
		mem[GENERATION] = 1;
		for (i : 0 .. NVCPU - 1) {
			l4_of[i] = (i == 2 -> N : M);
			copied_generation[i] = (i == 2 -> GENERATION_OF_N : 1);
			mem[ROOT(i)] = (i == 2 -> 0 : mem[ENTRY])
		}
		for (i : 0 .. CPUS - 1) {
			loaded[i] = (i == 0 -> 0 : (i == 1 -> 1 : 3));
			mem[REC(i)] = M;
			run store_buffer(i);
			run cpu(i)
		}
		i = 0
	}
}
