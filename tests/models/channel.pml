/* SPDX-License-Identifier: MIT */
/*
 * A channel between two domains: closed from one end while the other domain dies, is sent through,
 * is bound again: common/evtchn_close.c, common/evtchn_send.c, calls/evtchn_op.c.
 *
 *   evtchn_close, close_with_peer     closer(), of domain A, which stays
 *   evtchn_destroy, then the last put killer(), of domain B
 *   evtchn_send                       sender(), a vcpu of A
 *   do_bind_interdomain               binder(), another one
 *
 * Stores take effect at once: each that matters is a locked instruction, or a fence follows it
 * (send-close has the store buffers). A's lock has the lower address.
 *
 * Properties: nobody touches B's ports or lock once B has gone; nobody waits for ever; when all is
 * over A's end is bound to nothing, B has gone, and nothing is left of its references.
 *
 * bad ROLE_ORDER: each takes its own lock first
 * bad NO_WAIT: who closes does not wait for senders
 * bad NO_REF: A's closer takes no reference on B while it holds no lock
 * bad ONE_LOCK: B closes its end under its own lock alone
 * bad PEER_STAYS: B's end is closed, and A's left as it is
 * bad NO_SECOND_LOOK: the closer does not look again when it has both locks
 *
 * code common/evtchn_close.c: get_knownalive_domain(peer); spin_unlock(&d->evtchn_lock);
 *      spin_lock_pair(&d->evtchn_lock, &peer->evtchn_lock); now = peer_of(d, e); if (!now || now
 *      == peer) rc = close_locked(d, e, port); spin_unlock_pair(&d->evtchn_lock,
 *      &peer->evtchn_lock); put_domain(peer);
 * code common/evtchn_close.c: WRITE_ONCE(other->state, is_consumed ? EVTCHN_CONSUMED_UNBOUND :
 *      EVTCHN_UNBOUND);
 * code common/evtchn_port.h: .state = EVTCHN_FREE, .notify_vcpu = e->notify_vcpu });
 *      evtchn_wait_for_senders();
 * code common/evtchn_send.c: struct domain *rd = READ_ONCE(e->peer); struct evtchn *other =
 *      port_of(rd, rport); struct vcpu *v = notified(rd, other);
 * code include/isola/spinlock.h: if (likely(a == b)) spin_lock(a); else spin_lock_two(a, b);
 * code common/base/spinlock.c: spin_lock(min(a, b)); ASSERT(a->order == b->order);
 *      ticket_take(max(a, b));
 * code arch/x86/calls/evtchn_op.c: spin_lock_pair(&d->evtchn_lock, &rd->evtchn_lock); rc =
 *      evtchn_bind_interdomain(d, rd, &op);
 */
#define FREE	0
#define UNBOUND	1
#define INTER	2

byte a = INTER, b = INTER;		/* the ends */
bit lock_a, lock_b;
byte refs_b = 1;			/* B's own */
bit dying, gone;
bit mark;				/* the sender's */

inline take_a() { atomic { !lock_a -> lock_a = 1 } }
inline take_b() { atomic { !lock_b -> assert(!gone); lock_b = 1 } }
inline drop_a() { lock_a = 0 }
inline drop_b() { assert(!gone); lock_b = 0 }
inline put_b() { atomic { refs_b--; if :: refs_b == 0 -> gone = 1 :: else fi } }

inline take_both(own_is_b)
{
#ifdef ROLE_ORDER
	if
	:: own_is_b -> take_b(); take_a()
	:: else -> take_a(); take_b()
	fi
#else
	take_a();
	take_b()
#endif
}

inline wait_for_senders()
{
#ifndef NO_WAIT
	!mark
#else
	skip
#endif
}

/* A's end, both locks held. */
inline close_a()
{
	if
	:: a == INTER -> assert(!gone && b == INTER); b = UNBOUND
	:: else
	fi;
	a = FREE;
	wait_for_senders()
}

proctype closer()
{
	bit was_bound;

	take_a();
	if
	:: a == INTER ->
#ifndef NO_REF
		atomic { assert(refs_b); refs_b++ };
#endif
		drop_a();
		take_both(false);
#ifdef NO_SECOND_LOOK
		assert(a == INTER);
#endif
		close_a();
		drop_b();
		drop_a();
#ifndef NO_REF
		put_b()
#else
		skip
#endif
	:: else -> a = FREE; wait_for_senders(); drop_a()
	fi
}

proctype killer()
{
	dying = 1;
	take_b();
	if
#ifndef ONE_LOCK
	:: b == INTER ->
		drop_b();
		take_both(true);
		if
		:: b == INTER ->
#ifndef PEER_STAYS
			a = UNBOUND
#else
			skip
#endif
		:: else
		fi;
		b = FREE;
		wait_for_senders();
		drop_b();
		drop_a()
	:: else -> b = FREE; wait_for_senders(); drop_b()
#else
	:: b == INTER -> a = UNBOUND; b = FREE; wait_for_senders(); drop_b()
	:: else -> b = FREE; wait_for_senders(); drop_b()
#endif
	fi;
	put_b()
}

proctype sender()
{
	byte sends, word;

	do
	:: sends < 2 ->
		mark = 1;
		word = a;
		if
		:: word == INTER -> assert(!gone)	/* the port, its vcpu, the post */
		:: else
		fi;
		word = 0;
		mark = 0;
		sends++
	:: sends == 2 -> break
	od
}

/* Another port of A's to the same end of B's would do as well: here the same, if it is free. */
proctype binder()
{
	bit found;

	atomic {
		if
		:: !dying && !gone -> refs_b++; found = 1
		:: else
		fi
	};
	if
	:: found ->
		take_both(false);
		if
		:: a != INTER && b == UNBOUND -> b = INTER; a = INTER
		:: else
		fi;
		drop_b();
		drop_a();
		put_b()
	:: else
	fi
}

init {
	atomic {
		run closer();
		run killer();
		run sender();
		run binder()
	};
	_nr_pr == 1 -> assert(a != INTER && gone && !refs_b)
}
