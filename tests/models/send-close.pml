/* SPDX-License-Identifier: MIT */
/*
 * An event sent without a lock to a port that is closed or moved to another vcpu meanwhile:
 * common/evtchn.c, common/evtchn_deliver.c, on x86-TSO.
 *
 *   evtchn_send, send_virq, send_begin, send_end  sender()
 *   fold_own, evtchn_fold_vcpu                      folder()
 *   release_port, evtchn_bind_vcpu,
 *   evtchn_wait_for_senders                       closer(), with evtchn_lock; then the port is as
 *   it was before
 *
 * CPU 0 sends SENDS times, straight or by a post, as it likes. CPU 1 closes the port or moves it to
 * another vcpu, looks, and takes it back, CLOSES times. CPU 2 runs the vcpu that the port tells at
 * first, and folds its posts, FOLDS times. A port's word is whom it tells. Bits are set, cleared
 * and taken by locked instructions. Who closes looks for a post only if posted_any says that there
 * may be one.
 *
 * Property: from the end of a close until the port is bound again it is not pending; from the end
 * of either until then nothing is posted for the vcpu that it told, and no fold has it in hand: who
 * sent before has done so before, and has been folded in, and who sends later is refused, or posts
 * elsewhere.
 *
 * bad NO_FENCE: the sender's mark is a plain store
 * bad NO_CLOSER_FENCE: nothing is between the closer's store of the state and its look at the marks
 * bad NO_WAIT: the closer does not wait for the sender
 * bad CLEAR_FIRST: the pending bit is cleared before the state is changed
 * bad READ_EARLY: the sender reads the port before it marks itself
 * bad NO_FOLD_MARK: the vcpu folds its posts without marks
 * bad NO_SECOND_WAIT: the closer does not wait once more after it has taken the posts
 * bad UNPOST_EARLY: the closer takes the post, and waits for all after that
 * bad ASK_EARLY: the closer asks posted_any, and waits for the senders after that
 * deep SENDS=4,CLOSES=3,FOLDS=3: more of all
 *
 * code include/isola/evtchn_deliver.h: __atomic_fetch_add(mark, 1, __ATOMIC_SEQ_CST);
 * code common/evtchn_send.c: struct evtchn now = { .word = READ_ONCE(e->word) };
 * code common/evtchn_send.c: mark = send_begin(); rc = send_by(d, port, e); send_end(mark);
 * code common/evtchn_raise.c: u32 port = v ? READ_ONCE(v->virq_port[virq]) : 0; if (port)
 *      evtchn_post(notified(d, port), port);
 * code common/evtchn_raise.c: u64 *mark = send_begin(); post_global(d, virq); send_end(mark);
 * code common/evtchn_port.h: publish(e, (struct evtchn){ .state = EVTCHN_FREE, .notify_vcpu =
 *      e->notify_vcpu }); evtchn_wait_for_senders();
 * code common/evtchn_port.h: if (likely(v) && unlikely(READ_ONCE(v->posted_any)))
 *      evtchn_unpost(v, port); evtchn_wait_for_senders();
 *      evtchn_clear_pending(d, port);
 * code common/evtchn.c: evtchn_wait_for_senders(); evtchn_fold_vcpu(old);
 *      evtchn_wait_for_senders();
 * code include/isola/evtchn_deliver.h: static inline void evtchn_wait_for_senders(void) { const
 *      struct cpu_public *pub = cpu_public, *end = pub + nr_cpus; smp_mb();
 * code common/evtchn_deliver.c: u64 *mark = send_begin(); evtchn_fold_vcpu(current);
 *      send_end(mark);
 */
#ifndef SENDS
#define SENDS	3
#endif
#ifndef CLOSES
#define CLOSES	2
#endif
#ifndef FOLDS
#define FOLDS	2
#endif

#define NCPU	3
#define NADDR	6
#define DEPTH	2
#define BOUND	0		/* the port's word: 0 free, 1 tells the vcpu, 2 another */
#define MARK	1		/* the sender's; small: modulo 4 */
#define FOLD_MARK 2		/* that of the vcpu's CPU */
#define PENDING	3
#define POSTED	4		/* for the vcpu */
#define ANY	5		/* posted_any: so may be POSTED */
#include "tso.h"

bit closed, moved;		/* that has returned, and the port is not back */
bit in_hand;			/* the vcpu's fold has taken the post, and has not delivered it */

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
		:: word == 1 -> locked(0, POSTED, 1); locked(0, ANY, 1)
		:: word != 1
		fi;
		word = 0;
		own = (own + 1) % 4;
		store(0, MARK, own);
		sends++
	:: sends == SENDS -> break
	od
}

proctype folder()
{
	byte folds, own;
	bit any;

	do
	:: folds < FOLDS ->
#ifndef NO_FOLD_MARK
		own = (own + 1) % 4;
		locked(2, FOLD_MARK, own);
#endif
		atomic { FENCE(2) -> any = mem[ANY]; mem[ANY] = 0 };
		if
		:: any -> atomic { FENCE(2) -> in_hand = mem[POSTED]; mem[POSTED] = 0; any = 0 }
		:: else
		fi;
		if
		:: in_hand -> atomic { FENCE(2) -> mem[PENDING] = 1; in_hand = 0 }
		:: else
		fi;
#ifndef NO_FOLD_MARK
		own = (own + 1) % 4;
		store(2, FOLD_MARK, own);
#endif
		folds++
	:: folds == FOLDS -> break
	od
}

inline wait_for(at__)
{
	mark = LOAD(1, at__);
	if
	:: mark % 2 -> LOAD(1, at__) != mark
	:: else
	fi;
	mark = 0
}

inline wait_for_senders()
{
#ifndef NO_CLOSER_FENCE
	FENCE(1);
#endif
	wait_for(MARK);
	wait_for(FOLD_MARK)
}

/* Once moved away, the post becomes pending; once closed, it is nothing. */
inline take_post()
{
	atomic {
		FENCE(1) ->
		if
		:: moves && mem[POSTED] -> mem[PENDING] = 1
		:: else
		fi;
		mem[POSTED] = 0
	}
}

proctype closer()
{
	byte closes, mark;
	bit moves, any;

	do
	:: closes < CLOSES ->
		if
		:: moves = 1
		:: moves = 0
		fi;
#ifdef CLEAR_FIRST
		locked(1, PENDING, 0);
#endif
		store(1, BOUND, (moves -> 2 : 0));
#ifdef UNPOST_EARLY
		take_post();
#endif
#ifdef ASK_EARLY
		any = LOAD(1, ANY);
#endif
#ifndef NO_WAIT
		wait_for_senders();
#endif
#ifndef UNPOST_EARLY
#ifndef ASK_EARLY
		any = LOAD(1, ANY);
#endif
		if
		:: any -> take_post()
		:: else
		fi;
		any = 0;
#endif
#ifndef NO_SECOND_WAIT
		wait_for_senders();
#endif
		if
#ifndef CLEAR_FIRST
		:: !moves -> locked(1, PENDING, 0)
#else
		:: !moves
#endif
		:: moves
		fi;
		atomic { closed = !moves; moved = 1 };
		atomic { closed = 0; moved = 0; moves = 0 };
		store(1, BOUND, 1);
		closes++
	:: closes == CLOSES -> break
	od
}

active proctype property()
{
end:
	atomic { (closed && mem[PENDING] || moved && (mem[POSTED] || in_hand)) -> assert(false) }
}

init {
	atomic {
		mem[BOUND] = 1;
		run store_buffer(0);
		run store_buffer(1);
		run store_buffer(2);
		run sender();
		run folder();
		run closer()
	}
}
