/* SPDX-License-Identifier: MIT */
/*
 * A frame that changes its use, against TLBs that keep whatever they may: arch/x86/mm/tlb.c, the
 * states of type_word.c, the order of modify() in pt_modify.c, load_cr3(), publish() and
 * publish_left() in asi/root.c.
 *
 *   page_type_take, enter_use, page_type_publish    take()
 *   page_type_drop, page_type_end                   drop()
 *   tlb_flush_stamped, cpu_runs, flushed_since      flush_stamped()
 *   tlb_flush_local, load_cr3, flush_ipi            write_cr3(), proctype interrupts
 *   root_load                                       switch_out(), switch_in()
 *
 * One frame, two uses: writable data and page table. On each CPU runs a vcpu of one domain, or one
 * of another domain. Each may map the frame for writing (an L1 entry of its own) and hook it up as
 * a table (an L2 entry of its own); every CPU that has the domain's root loaded may at any time
 * cache either entry, and keep it until it is flushed: a translation that can be written through,
 * and a paging-structure cache entry that is walked through. The clock is advanced by stamps only;
 * at most STAMPS of them.
 *
 * Stores are seen in order at once here: the protocol's own are locked instructions (type word,
 * entries, clock), a CPU's clock written late only makes others flush more, and the record's fence
 * is root-copy.pml's business.
 *
 * Properties: while the frame is a table, from the start of its validation, no CPU holds a writable
 * translation of it; while it is writable, no CPU holds a paging-structure cache entry that names
 * it.
 *
 * bad FLUSH_BEFORE_TAKE: flush first, then take the type (XSA-401)
 * bad FLUSH_FROM_WRITABLE: flush only what has been writable (XSA-408's condition: its other half)
 * bad FLUSH_TO_WRITABLE: flush only what becomes writable (XSA-408: the wrong side)
 * bad STAMP_EARLY: the stamp is taken before the entry is gone
 * bad STAMP_NOT_ADVANCED: a stamp reads the clock and leaves it
 * bad CLOCK_LATE: a CR3 write records the clock read after it (XSA-241)
 * bad NO_WAIT: the flush is asked for and not waited for
 * bad VALIDATE_FIRST: the table is published, then flushed
 * bad LEAVE_EARLY: the record forgets the domain before CR3 has been written (XSA-494)
 * bad RECORD_LATE: the record names the domain only after CR3 has been written (XSA-494)
 * bad NO_SKIP_CHECK: CPUs that flushed at any time are skipped
 * good STRANGER: the last CPU runs another domain's vcpu only, which maps the frame and never
 *      flushes (TLB-9)
 * bad STRANGER,NO_MARK: nothing says that the frame was shared out
 * bad STRANGER,MARK_LATE: it is said when the frame has been let go
 * bad STRANGER,MARK_IGNORED: the flush goes to CPUs that run the owner all the same
 * deep CPUS=3,STAMPS=1,NO_SWITCH: three CPUs, always running the domain
 * deep STAMPS=4: more stamps
 *
 * code arch/x86/mm/type_word.c: pg->tlb_stamp = tlb_stamp_now(); old =
 *      __atomic_exchange_n(&pg->type_info, type, __ATOMIC_SEQ_CST);
 * code arch/x86/mm/type_word.c: if (old_type != type && old_type != PGT_none) { if (unlikely(old &
 *      PGT_non_coherent)) flush_tlb_and_lines(d, pg); else flush_tlb(d, pg);
 * code arch/x86/mm/type_word.c: tlb_flush_stamped(page_is_shared_out(pg) ? NULL : d,
 *      pg->tlb_stamp);
 * code arch/x86/mm/tlb.c: return __atomic_add_fetch(&tlb_clock, 1, __ATOMIC_SEQ_CST);
 * code arch/x86/mm/pt_check.c: if (!(pg_owner == d ? page_get(pg, d) : page_get_foreign(pg,
 *      pg_owner))) return -EBUSY;
 * code arch/x86/mm/tlb.c: return (!d || cpu_runs(cpu, d, ~0ul)) && !flushed_since(cpu, stamp);
 * code arch/x86/asi/root.c: u64 clock = tlb_clock_read(); this_cpu.cr3 = cr3; write_cr3(cr3);
 *      tlb_clock_flushed(clock);
 * code arch/x86/mm/tlb.c: is_one_of(READ_ONCE(rec->vcpu), d, vcpu_mask) ||
 *      is_one_of(READ_ONCE(rec->leaving_vcpu), d, vcpu_mask)
 */
#ifndef CPUS
#define CPUS	2
#endif
#ifndef STAMPS
#define STAMPS	2
#endif

mtype = { FREE, WRITABLE, TABLE };		/* PGT_none, PGT_writable, PGT_l1 */

mtype type = FREE;				/* type_info */
byte count;
bit validated;
/* validation has begun: its result must stay true */
bit checked;
byte stamp;					/* tlb_stamp */
bit shared_out;					/* PGC_shared_out */

bit maps[CPUS], hooks[CPUS];			/* the entries in memory */
bit can_write[CPUS], can_walk[CPUS];		/* what the CPU caches */
bit loaded[CPUS] = 1;				/* CR3: a root of the domain */
bit record[CPUS] = 1, leaving[CPUS];
bit irqs_off[CPUS], ipi[CPUS];
byte clock = 1, flush_clock[CPUS] = 1;

/*
 * Load a root of the domain, or one that has nothing of it. Interrupts off. A local of the caller:
 * seen.
 */
inline write_cr3(c, root_)
{
#ifndef CLOCK_LATE
	seen = clock;
#endif
	d_step {
		can_write[c] = 0;
		can_walk[c] = 0;
		loaded[c] = root_
	};
#ifdef CLOCK_LATE
	seen = clock;
#endif
	d_step {
		flush_clock[c] = seen;
		seen = 0
	}
}

inline irq_off(c) { atomic { !irqs_off[c] -> irqs_off[c] = 1 } }
inline irq_on(c) { irqs_off[c] = 0 }

proctype interrupts(byte c)
{
	byte seen;
end:
	do
	:: atomic { ipi[c] && !irqs_off[c] -> irqs_off[c] = 1 };
	   write_cr3(c, loaded[c]);
	   atomic { ipi[c] = 0; irqs_off[c] = 0 }
	od
}

#if CPUS == 2
#define ANY(x)	(x[0] || x[1])
#else
#define ANY(x)	(x[0] || x[1] || x[2])
#endif

/* The entries in the tables that CPU c has loaded: its domain's. */
#ifdef STRANGER
#define IS_STRANGER(c)	(c == CPUS - 1)
#define MAPPED(c)	(IS_STRANGER(c) -> maps[CPUS - 1] : maps[0])
#define HOOKED(c)	(!IS_STRANGER(c) && hooks[0])
#else
#define IS_STRANGER(c)	0
#define MAPPED(c)	ANY(maps)
#define HOOKED(c)	ANY(hooks)
#endif

/* What walks and writes tables behind everybody's back. Boring where the cache holds it already. */
proctype hardware(byte c)
{
end:
	do
	:: atomic { loaded[c] && !can_write[c] && MAPPED(c) -> can_write[c] = 1 }
	:: atomic { loaded[c] && !can_walk[c] && HOOKED(c) -> can_walk[c] = 1 }
	od
}

#ifdef NO_SKIP_CHECK
#define FLUSHED_SINCE(c)	(flush_clock[c] > 1)
#else
#define FLUSHED_SINCE(c)	(flush_clock[c] >= stamp)
#endif

inline flush_stamped(c)
{
	shared = shared_out;
	for (i : 0 .. CPUS - 1) {
		/* record first, then leaving */
		wanted = record[i];
#ifndef LEAVE_EARLY
		wanted = wanted || leaving[i];
#endif
#ifndef MARK_IGNORED
		wanted = wanted || shared;
#endif
		if
		:: wanted && !FLUSHED_SINCE(i) ->
			if
			:: i == c -> irq_off(c); write_cr3(c, loaded[c]); irq_on(c)
			:: else ->
				ipi[i] = 1;
#ifndef NO_WAIT
				!ipi[i]
#endif
			fi
		:: else
		fi;
		wanted = 0
	}
	shared = 0;
	i = 0
}

#ifdef FLUSH_FROM_WRITABLE
#define FLUSH_DUE(from_, to_)	(from_ == WRITABLE && to_ != WRITABLE)
#elif defined(FLUSH_TO_WRITABLE)
#define FLUSH_DUE(from_, to_)	(from_ != FREE && from_ != to_ && to_ == WRITABLE)
#else
#define FLUSH_DUE(from_, to_)	(from_ != FREE && from_ != to_)
#endif

inline flush_for(c, from_, to_)
{
	if
	:: FLUSH_DUE(from_, to_) -> flush_stamped(c)
	:: else
	fi
}

/*
 * Locals of the caller: old, rc (0: refused, 1: counted, 2: to validate), i, wanted, shared, seen.
 */
inline take(c, as_)
{
#ifdef FLUSH_BEFORE_TAKE
	if
	:: count == 0 -> old = type; flush_for(c, old, as_)
	:: else
	fi;
#endif
	d_step {
		if
		:: count && type == as_ && validated -> count++; rc = 1
		:: count == 0 ->
			old = type;
			type = as_;
			count = 1;
			validated = (as_ == WRITABLE && old != TABLE);
			rc = (validated -> 1 : 2)
		:: else -> rc = 0
		fi
	};
	if
	:: rc == 2 ->
#ifdef VALIDATE_FIRST
		d_step { validated = 1; checked = (as_ == TABLE) };
#endif
#ifndef FLUSH_BEFORE_TAKE
		flush_for(c, old, as_);
#endif
		checked = (as_ == TABLE);
		validated = 1;
		rc = 1
	:: else
	fi;
	old = FREE
}

inline drop()
{
	d_step {
		if
		:: count > 1 -> count--; rc = 0
		:: else -> validated = 0; checked = 0; rc = 1
		fi
	};
	if
	:: rc ->
#ifdef STAMP_EARLY
		stamp = early;
#elif defined(STAMP_NOT_ADVANCED)
		stamp = clock;
#else
		d_step { clock++; stamp = clock };
#endif
		count = 0
	:: else
	fi;
	rc = 0
}

inline early_stamp()
{
#ifdef STAMP_EARLY
	d_step { clock++; early = clock }
#else
	skip
#endif
}

inline switch_out(c)
{
	irq_off(c);
#ifndef LEAVE_EARLY
	leaving[c] = record[c];
#endif
	record[c] = 0;
	write_cr3(c, 0);
	leaving[c] = 0;
	irq_on(c)
}

inline switch_in(c)
{
	irq_off(c);
#ifndef RECORD_LATE
	record[c] = 1;
#endif
	write_cr3(c, 1);
#ifdef RECORD_LATE
	record[c] = 1;
#endif
	irq_on(c)
}

#define MORE	(clock <= STAMPS && stamp <= STAMPS)

proctype cpu(byte c)
{
	byte i, seen, rc;
	mtype old = FREE;
	bit wanted, shared;
#ifdef STAMP_EARLY
	byte early;
#endif

end:
	do
	:: loaded[c] && !maps[c] && MORE ->
		take(c, WRITABLE);
		atomic { maps[c] = rc; rc = 0 }
	:: loaded[c] && maps[c] ->
		early_stamp();
		maps[c] = 0;
		drop()
	:: loaded[c] && !hooks[c] && MORE ->
		take(c, TABLE);
		atomic { hooks[c] = rc; rc = 0 }
	:: loaded[c] && hooks[c] ->
		early_stamp();
		hooks[c] = 0;
		drop()
	:: loaded[c] -> irq_off(c); write_cr3(c, loaded[c]); irq_on(c)
#ifndef NO_SWITCH
	:: loaded[c] -> switch_out(c)
	:: !loaded[c] -> switch_in(c)
#endif
	od
}

active proctype property()
{
end:
	atomic {
		(checked && ANY(can_write)) || (type == WRITABLE && validated && ANY(can_walk))
		-> assert(false)
	}
}

#ifdef STRANGER
/* It names the frame, and holds a reference from before it marks it until the entry is gone. */
proctype stranger(byte c)
{
	byte i, seen, rc;
	mtype old = FREE;
	bit wanted, shared;

end:
	do
	:: !maps[c] && MORE ->
		take(c, WRITABLE);
#if !defined(NO_MARK) && !defined(MARK_LATE)
		shared_out = shared_out || rc;
#endif
		atomic { maps[c] = rc; rc = 0 }
	:: maps[c] ->
		maps[c] = 0;
		drop();
#ifdef MARK_LATE
		shared_out = 1
#endif
	od
}
#endif

/* Other frames' stamps. */
active proctype others()
{
end:
	do
	:: clock < STAMPS -> clock++
	od
}

init {
	atomic {
		byte i;

		for (i : 0 .. CPUS - 1) {
			run hardware(i);
			run interrupts(i);
#ifdef STRANGER
			if
			:: IS_STRANGER(i) -> record[i] = 0; run stranger(i)
			:: else -> run cpu(i)
			fi
#else
			run cpu(i)
#endif
		}
		i = 0
	}
}
