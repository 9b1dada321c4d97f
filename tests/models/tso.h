/* SPDX-License-Identifier: MIT */
/*
 * Memory as x86 shows it (x86-TSO): every CPU has a buffer of stores, first in first out, in front
 * of memory. A CPU sees its own stores at once, others see them when they leave the buffer, which
 * is at any time. A fence, a locked instruction, a CR3 write and IRET wait until the buffer is
 * empty. Loads are not reordered with loads, nor stores with stores.
 *
 * The model that includes this defines NCPU, NADDR and DEPTH (stores in flight; a CPU that wants
 * more waits) beforehand.
 */
byte mem[NADDR];
chan buffer[NCPU] = [DEPTH] of { byte, byte };
byte in_flight[NCPU * NADDR];		/* stores of that CPU to that address still in its buffer */
byte newest[NCPU * NADDR];		/* the youngest of them */

#define AT(c, a)	((c) * NADDR + (a))
#define LOAD(c, a)	(in_flight[AT(c, a)] -> newest[AT(c, a)] : mem[a])
#define FENCE(c)	empty(buffer[c])

/* Spin replaces parameters by text, in the arguments too: hence names that no caller has. */
inline store(on_, at_, value_)
{
	atomic {
		buffer[on_] ! at_, value_;
		in_flight[AT(on_, at_)]++;
		newest[AT(on_, at_)] = value_
	}
}

proctype store_buffer(byte c)
{
	byte a, v;
end:
	do
	:: atomic {
		buffer[c] ? a, v ->
		mem[a] = v;
		in_flight[AT(c, a)]--;
		if
		:: in_flight[AT(c, a)] == 0 -> newest[AT(c, a)] = 0
		:: else
		fi;
		a = 0;
		v = 0
	   }
	od
}
