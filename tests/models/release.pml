/* SPDX-License-Identifier: MIT */
/*
 * Frames that leave a domain: arch/x86/asi/domain_map.c, page_get() of arch/x86/mm/page_ref.c, the
 * walks of pt_modify.c.
 *
 *   withdraw, expel (domain_release_page)    release()
 *   domain_release_flush                     release_flush()
 *   page_get, page_put                       get(), in proctype cpu
 *   find_l1, page_get_from_mfn               walk()
 *
 * CPUS vcpus of one domain, FRAMES of its frames. A vcpu takes and drops references, touches what
 * it holds through the window, walks with interrupts off through a frame it holds no reference on,
 * and gives frames up. The window's translation of a frame may get into any CPU's TLB while the
 * window shows it, and stays until that CPU is flushed. A freed frame is somebody else's at once.
 *
 * Property: no CPU has a translation of a freed frame, a reference on it, or a walk through it
 * under way.
 *
 * bad FLUSH_THEN_TAKE: the flush comes first and the list of leaving frames is taken afterwards
 * bad FREE_THEN_FLUSH: frames are freed, then flushed (XSA-217)
 * bad NO_WAIT: the flush is asked for and not waited for
 * bad NO_LEAVING: a frame that leaves can still be referenced
 * bad LOOK_THEN_MARK: the count is looked at and the mark set in two steps
 * bad WALK_IRQS_ON: interrupts are on during the walk (TLB-8)
 * bad CLEAR_LATE: the window's entry is cleared after the flush
 *
 * code arch/x86/asi/domain_map.c: d->leaving_list = 0; tables = window_take_idle(d);
 * code arch/x86/asi/domain_map.c: spin_unlock(&d->page_lock); if (!tables && any)
 *      flush_leaving(d, shared_out);
 * code arch/x86/mm/pt_modify.c: irq_disable(); pg = get_l1(va); irq_enable();
 * code arch/x86/include/asm/page_ref.h: if (unlikely((s64)x >= PGC_GET_LIMIT))
 *      return page_get_asking(pg, d);
 */
#ifndef CPUS
#define CPUS	2
#endif
#define FRAMES	2

byte refs[FRAMES] = 1;			/* the owner's; the allocation included */
bit leaving[FRAMES], freed[FRAMES];
bit window[FRAMES] = 1;			/* its entry */
bit listed[FRAMES];			/* on d->leaving_list */
bit tlb[CPUS * FRAMES];
bit held[CPUS * FRAMES];
byte walking[CPUS] = FRAMES;		/* through which frame; FRAMES: none */
bit irqs_off[CPUS], ipi[CPUS];
bit page_lock;

#define AT(c, f)	((c) * FRAMES + (f))

inline flush_local(c) { d_step { tlb[AT(c, 0)] = 0; tlb[AT(c, 1)] = 0 } }

proctype interrupts(byte c)
{
end:
	do
	:: atomic { ipi[c] && !irqs_off[c] -> flush_local(c); ipi[c] = 0 }
	od
}

proctype hardware(byte c)
{
end:
	do
	:: atomic { window[0] && !tlb[AT(c, 0)] -> tlb[AT(c, 0)] = 1 }
	:: atomic { window[1] && !tlb[AT(c, 1)] -> tlb[AT(c, 1)] = 1 }
	od
}

inline lock() { atomic { !page_lock -> page_lock = 1 } }
inline unlock() { page_lock = 0 }

inline get(c, f)
{
	atomic {
		if
#ifdef NO_LEAVING
		:: refs[f] -> refs[f]++; held[AT(c, f)] = 1
#else
		:: refs[f] && !leaving[f] -> refs[f]++; held[AT(c, f)] = 1
#endif
		:: else
		fi
	}
}

/* Locals of the caller: ok. */
inline release(f)
{
	lock();
#ifdef LOOK_THEN_MARK
	ok = (refs[f] == 1 && !leaving[f]);
	if
	:: ok -> leaving[f] = 1
	:: else
	fi;
#else
	atomic {
		if
		:: refs[f] == 1 && !leaving[f] -> leaving[f] = 1; ok = 1
		:: else
		fi
	};
#endif
	if
	:: ok ->
#ifndef CLEAR_LATE
		window[f] = 0;
#endif
		listed[f] = 1
	:: else
	fi;
	ok = 0;
	unlock()
}

inline take_list()
{
	lock();
	d_step { mine[0] = listed[0]; mine[1] = listed[1]; listed[0] = 0; listed[1] = 0 };
	unlock()
}

inline flush_all(c)
{
	flush_local(c);
	for (i : 0 .. CPUS - 1) {
		if
		:: i != c ->
			ipi[i] = 1;
#ifndef NO_WAIT
			!ipi[i]
#endif
		:: else
		fi
	}
	i = 0
}

inline free(f)
{
	atomic {
		if
		:: mine[f] -> freed[f] = 1; refs[f] = 0
		:: else
		fi
	}
}

inline release_flush(c)
{
#ifdef FLUSH_THEN_TAKE
	flush_all(c);
	take_list();
#else
	take_list();
#endif
#ifdef FREE_THEN_FLUSH
	free(0);
	free(1);
#endif
#ifndef FLUSH_THEN_TAKE
	flush_all(c);
#endif
#ifndef FREE_THEN_FLUSH
	free(0);
	free(1);
#endif
	d_step {
#ifdef CLEAR_LATE
		window[0] = window[0] && !mine[0];
		window[1] = window[1] && !mine[1];
#endif
		mine[0] = 0;
		mine[1] = 0
	}
}

/* The guest's table still names f as the walk begins, or it does not any more. */
inline walk(c, f)
{
#ifndef WALK_IRQS_ON
	atomic { !irqs_off[c] -> irqs_off[c] = 1 };
#endif
	if
	:: atomic { window[f] && !freed[f] -> walking[c] = f };
		get(c, f);
		walking[c] = FRAMES
	:: skip
	fi;
	irqs_off[c] = 0
}

proctype cpu(byte c)
{
	byte f, i;
	bit ok, mine[FRAMES];

end:
	do
	:: f = 1 - f
	:: !held[AT(c, f)] -> get(c, f)
	:: !held[AT(c, f)] -> walk(c, f)
	:: held[AT(c, f)] -> atomic { held[AT(c, f)] = 0; refs[f]-- }
	:: !freed[f] -> release(f)
	:: listed[0] || listed[1] -> release_flush(c)
	od
}

#define BAD_ON(c, f)	(freed[f] && (tlb[AT(c, f)] || held[AT(c, f)] || walking[c] == f))
#define BAD(c)		(BAD_ON(c, 0) || BAD_ON(c, 1))

#if CPUS == 2
#define BAD_ANYWHERE	(BAD(0) || BAD(1))
#else
#define BAD_ANYWHERE	(BAD(0) || BAD(1) || BAD(2))
#endif

active proctype property()
{
end:
	atomic { BAD_ANYWHERE -> assert(false) }
}

init {
	atomic {
		byte i;

		for (i : 0 .. CPUS - 1) {
			run interrupts(i);
			run hardware(i);
			run cpu(i)
		}
		i = 0
	}
}
