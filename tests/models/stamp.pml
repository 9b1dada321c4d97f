/* SPDX-License-Identifier: MIT */
/*
 * Stamps are the low half of the clock: flushed_since() of arch/x86/mm/tlb.c, scaled down to stamps
 * of four bits (so 2^31 is 8, 2^30 is 4).
 *
 * The clock goes as far as four times round. A stamp was given out at some time, a CPU has flushed
 * at some time.
 *
 * Property: the answer is yes only if the CPU flushed at or after the stamp.
 *
 * bad NOT_RECENT: the CPU's clock may be any age
 * bad RECENT_ENOUGH: recent is taken as half of the range and one more
 *
 * code arch/x86/mm/tlb.c: return tlb_clock_read() - clock < 1ul << 30 && (u32)clock - stamp < 1u <<
 *      31;
 */
#define ROUND	16
#define HALF	8
#ifdef RECENT_ENOUGH
#define SURE	(HALF + 2)
#else
#define SURE	4
#endif
#define LAST	(4 * ROUND)
#ifdef NOT_RECENT
#define RECENT	true
#else
#define RECENT	(clock - flushed < SURE)
#endif

active proctype ask()
{
	byte clock, flushed, stamped;
	bit yes;

	select(clock : 1 .. LAST);
	select(flushed : 1 .. LAST);
	select(stamped : 1 .. LAST);
	if
	:: flushed <= clock && stamped <= clock ->
		yes = (flushed + 2 * LAST - stamped) % ROUND < HALF && RECENT;
		assert(!yes || flushed >= stamped)
	:: else
	fi
}
