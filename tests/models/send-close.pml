/* SPDX-License-Identifier: MIT */
/*
 * An event sent without a lock to a port that is closed meanwhile: common/evtchn.c, on x86-TSO.
 *
 *   evtchn_send, send_begin, send_end     sender()
 *   release_port, evtchn_wait_for_senders closer(), with evtchn_lock; then the port is taken anew
 *
 * CPU 0 sends SENDS times, CPU 1 closes the port, looks, and binds it again, CLOSES times. A port's word is its state alone. The
 * pending bit is set by a locked instruction, and so is it cleared.
 *
 * Property: from the end of a close until the port is bound again it is not pending: who sent to it before has done so before, and
 * who sends later is refused.
 *
 * bad NO_FENCE: the sender's mark is a plain store
 * bad NO_CLOSER_FENCE: nothing is between the closer's store of the state and its look at the marks
 * bad NO_WAIT: the closer does not wait
 * bad CLEAR_FIRST: the pending bit is cleared before the state is changed
 * bad READ_EARLY: the sender reads the port before it marks itself
 * deep SENDS=4,CLOSES=3: more of both
 *
 * code common/evtchn.c: __atomic_fetch_add(mark, 1, __ATOMIC_SEQ_CST);
 * code common/evtchn.c: mark = send_begin(); rc = send_by(d, port, (struct evtchn){ .word = READ_ONCE(port_of(d, port)->word) }); send_end(mark);
 * code common/evtchn.c: publish(e, (struct evtchn){ .state = EVTCHN_FREE }); evtchn_wait_for_senders(); evtchn_2l_clear(v, port);
 * code common/evtchn.c: void evtchn_wait_for_senders(void) { smp_mb();
 */
#ifndef SENDS
#define SENDS	3
#endif
#ifndef CLOSES
#define CLOSES	2
#endif

#define NCPU	2
#define NADDR	3
#define DEPTH	2
#define BOUND	0		/* the port's word: 1 IPI, 0 free */
#define MARK	1		/* the sender's; small: modulo 4 */
#define PENDING	2
#include "tso.h"

bit closed;			/* the close has returned, and the port is not bound again */

inline locked(c, at_, value_) { atomic { FENCE(c) -> mem[at_] = value_ } }

proctype sender()
{
	byte sends, word, own;

	do
	:: sends < SENDS ->
#ifdef READ_EARLY
		word = LOAD(0, BOUND);
#endif
		own = (own + 1) % 4;
#ifdef NO_FENCE
		store(0, MARK, own);
#else
		locked(0, MARK, own);
#endif
#ifndef READ_EARLY
		word = LOAD(0, BOUND);
#endif
		if
		:: word -> locked(0, PENDING, 1)
		:: else
		fi;
		word = 0;
		own = (own + 1) % 4;
		store(0, MARK, own);
		sends++
	:: sends == SENDS -> break
	od
}

proctype closer()
{
	byte closes, mark;

	do
	:: closes < CLOSES ->
#ifdef CLEAR_FIRST
		locked(1, PENDING, 0);
#endif
		store(1, BOUND, 0);
#ifndef NO_CLOSER_FENCE
		FENCE(1);
#endif
#ifndef NO_WAIT
		mark = LOAD(1, MARK);
		if
		:: mark % 2 -> LOAD(1, MARK) != mark
		:: else
		fi;
		mark = 0;
#endif
#ifndef CLEAR_FIRST
		locked(1, PENDING, 0);
#endif
		closed = 1;
		closed = 0;
		store(1, BOUND, 1);
		closes++
	:: closes == CLOSES -> break
	od
}

active proctype property()
{
end:
	atomic { closed && mem[PENDING] -> assert(false) }
}

init {
	atomic {
		mem[BOUND] = 1;
		run store_buffer(0);
		run store_buffer(1);
		run sender();
		run closer()
	}
}
