/* SPDX-License-Identifier: MIT */
/*
 * Calls from CPU to CPU: arch/x86/irq/ipi.c, on x86-TSO. ipi_call() is call(): post() to each CPU
 * of a set, in the order of their numbers, then wait_done() for each; serve() and wait_until() are
 * called the same.
 *
 * Each CPU has one mailbox (state, payload) and calls any set of others, CALLS times in all. A CPU
 * takes the interrupt when its interrupts are on; while it waits it serves its own box by itself,
 * as wait_until() does, so it may also wait with them off. The payload is the caller's number, the
 * function adds it to what the CPU has done.
 *
 * Properties: no deadlock and no call forgotten (every CPU reaches its end); what is executed is
 * what was sent; a call returns only after it has been executed.
 *
 * bad DONE_FIRST: the target says "done", then reads the payload (asi T32)
 * bad NO_SELF_SERVE: who waits does not look into its own box
 * bad FULL_FIRST: the box is marked full before the payload is in it
 * bad IPI_OVERTAKES: the interrupt is not ordered after the stores (x2APIC without a fence)
 * bad NOT_TAKEN: a caller writes into the box without having taken it
 * bad ANY_ORDER,CALLS=3: every caller begins with its neighbour: boxes are not taken in the same
 *      order by all
 * deep CALLS=3: one call more
 *
 * code arch/x86/irq/ipi.c: functions[box->function](box->payload); __atomic_store_n(&box->state,
 *      BOX_DONE, __ATOMIC_RELEASE);
 * code arch/x86/irq/ipi.c: __atomic_store_n(&box->state, BOX_FULL, __ATOMIC_RELEASE);
 *      apic_send_ipi(
 * code arch/x86/irq/ipi.c: wait_until(box, BOX_DONE); __atomic_store_n(&box->state, BOX_FREE,
 *      __ATOMIC_RELEASE);
 * code arch/x86/irq/x2apic.c: asm volatile ("mfence; lfence" ::: "memory"); wrmsr(
 */
#ifndef CPUS
#define CPUS	3
#endif
#ifndef CALLS
#define CALLS	2
#endif

#define FREE	0
#define TAKEN	1
#define FULL	2
#define DONE	3

#define STATE(c)	(2 * (c))
#define PAYLOAD(c)	(2 * (c) + 1)
#define NCPU		CPUS
#define NADDR		(2 * CPUS)
#define DEPTH		3
#include "tso.h"

bit interrupt[CPUS];			/* pending in its APIC */
/* [target][caller + 1]: called and done, not yet seen by the caller */
bit executed[CPUS * (CPUS + 1)];
byte calls;

/* Interrupts off. A local of the caller: p. */
inline serve(c)
{
	if
	:: LOAD(c, STATE(c)) == FULL ->
#ifdef DONE_FIRST
		store(c, STATE(c), DONE);
		p = LOAD(c, PAYLOAD(c));
		executed[c * (CPUS + 1) + p] = 1;
#else
		p = LOAD(c, PAYLOAD(c));
		executed[c * (CPUS + 1) + p] = 1;
		store(c, STATE(c), DONE);
#endif
		p = 0
	:: else
	fi
}

inline wait_until(c, state_)
{
	do
	:: LOAD(c, STATE(to)) == state_ -> break
	:: LOAD(c, STATE(to)) != state_ ->
#ifdef NO_SELF_SERVE
		if
		:: irqs && interrupt[c] -> interrupt[c] = 0; serve(c)
		:: LOAD(c, STATE(to)) == state_ -> break
		fi
#else
		if
		/* with else: a look that finds nothing changes nothing */
		:: LOAD(c, STATE(c)) == FULL -> serve(c)
		:: irqs && interrupt[c] -> interrupt[c] = 0; serve(c)
		:: LOAD(c, STATE(to)) == state_ -> break
		fi
#endif
	od
}

inline post(c)
{
	do
	:: atomic {
		FENCE(c) ->				/* CMPXCHG */
		if
#ifdef NOT_TAKEN
		:: true -> got = 1
#else
		:: mem[STATE(to)] == FREE -> mem[STATE(to)] = TAKEN; got = 1
		:: else
#endif
		fi
	   };
	   if
	   :: got -> got = 0; break
	   :: else -> wait_until(c, FREE)
	   fi
	od;
#ifdef FULL_FIRST
	store(c, STATE(to), FULL);
	store(c, PAYLOAD(to), c + 1);
#else
	store(c, PAYLOAD(to), c + 1);
	store(c, STATE(to), FULL);
#endif
#ifndef IPI_OVERTAKES
	/* apic_send_ipi(): MFENCE; LFENCE, or an uncached store */
	FENCE(c);
#endif
	interrupt[to] = 1
}

inline wait_done(c)
{
	wait_until(c, DONE);
	atomic {
		assert(executed[to * (CPUS + 1) + c + 1]);
		executed[to * (CPUS + 1) + c + 1] = 0
	};
	store(c, STATE(to), FREE)
}

#ifdef ANY_ORDER
#define NTH(c, n)	((c + 1 + n) % CPUS)
#else
#define NTH(c, n)	(n)
#endif

inline call(c)
{
	do
	:: n < CPUS && called[NTH(c, n)] -> to = NTH(c, n); post(c); n++
	:: n < CPUS && !called[NTH(c, n)] -> n++
	:: n == CPUS -> break
	od;
	n = 0;
	do
	:: n < CPUS && called[n] -> to = n; wait_done(c); called[n] = 0; n++
	:: n < CPUS && !called[n] -> n++
	:: n == CPUS -> break
	od;
	atomic { n = 0; to = 0 }
}

proctype cpu(byte c)
{
	byte to, p, n;
	bit got, irqs, called[CPUS];

	do
	:: interrupt[c] -> interrupt[c] = 0; serve(c)
	:: atomic { calls < CALLS -> calls++ };
	   do
	   :: n < CPUS && n != c -> called[n] = 1; n++
	   :: n < CPUS -> n++
	   :: n == CPUS -> break
	   od;
	   n = 0;
	   if
	   :: irqs = 1
	   :: irqs = 0
	   fi;
	   call(c);
	   irqs = 0
	:: calls == CALLS -> break
	od;
end:
	do
	:: interrupt[c] -> interrupt[c] = 0; serve(c)
	od
}

init {
	atomic {
		byte i;

		for (i : 0 .. CPUS - 1) {
			run store_buffer(i);
			run cpu(i)
		}
		i = 0
	}
}
