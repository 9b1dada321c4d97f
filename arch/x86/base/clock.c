/* SPDX-License-Identifier: MIT */
/*
 * The TSC as the clock of system time.
 *
 * Invariant: `scale' is written once, by clock_start(), before any other CPU runs and constant
 * afterwards, so now_ns() needs no lock, and guests that apply the same formula get the same
 * answer.
 */
#include <isola/clock.h>
#include <asm/insn.h>

u64 tsc_khz;
static struct tsc_scale scale;
static u64 tsc_per_ns_32;                       /* TSC ticks per ns, 32 fractional bits */

/* Choose shift so that mul has its top bit in use: 2^31 <= mul < 2^32. */
void clock_start(u64 hz)
{
	u64 shifted = hz;
	s8 shift = 0;

	while (shifted > 2 * SECONDS(1)) {
		shifted >>= 1;
		shift--;
	}
	while (shifted <= SECONDS(1)) {
		shifted <<= 1;
		shift++;
	}
	scale.mul = (SECONDS(1) << 32) / shifted;
	scale.shift = shift;
	scale.tsc_stamp = rdtsc_ordered();
	scale.ns_stamp = 1;     /* not 0, which guests take for a record that nobody has written */
	scale.version++;
	tsc_khz = hz / 1000;
	tsc_per_ns_32 = ((hz << 29) / SECONDS(1)) << 3; /* hz < 2^34 */
}

u64 now_ns(void)
{
	u64 delta = rdtsc_ordered() - scale.tsc_stamp;

	delta = scale.shift >= 0 ? delta << scale.shift : delta >> -scale.shift;
	return scale.ns_stamp + (u64)((unsigned __int128)delta * scale.mul >> 32);
}

u64 ns_to_tsc(u64 ns)
{
	unsigned __int128 ticks = (unsigned __int128)(ns - scale.ns_stamp) * tsc_per_ns_32 >> 32;

	if (ns <= scale.ns_stamp)
		return scale.tsc_stamp;
	return ticks >> 62 ? ~0ul : scale.tsc_stamp + (u64)ticks + 1;
}

const struct tsc_scale *time_scale(void)
{
	return &scale;
}

void udelay(unsigned us)
{
	u64 end = now_ns() + MICROSECS(us);

	if (!tsc_khz) {
		while (us--)
			outb(0, 0x80);  /* the POST port: about a microsecond on a PC */
		return;
	}
	while (now_ns() < end)
		cpu_relax();
}
