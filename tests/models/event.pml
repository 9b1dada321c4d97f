/* SPDX-License-Identifier: MIT */
/*
 * An event posted to a vcpu on another CPU: common/evtchn_deliver.c, common/sched.c,
 * arch/x86/calls/sched_op.c, the exit path.
 *
 *   evtchn_post, vcpu_unblock (wake), vcpu_kick    sender
 *   return_to_guest_here, exit_work, deliver          exit_path()
 *   evtchn_fold, evtchn_fold_vcpu                       fold()
 *   op_block, vcpu_sleep                              block()
 *   schedule, choose, context_switch, idle_loop       exit_path(), idle()
 *
 * CPU 0 has the vcpu and its own idle vcpu; CPU 1 posts the same port POSTS times. x86-TSO.
 * sched_lock sections are one step. The guest runs for ever, or blocks, as it likes: nothing but
 * the post itself makes it look.
 *
 * Property: when nothing is under way any more, nothing is left posted: the guest has been told.
 *
 * bad NO_FENCE: event_check is cleared by a plain store and nothing is between that and looking at
 *      posted_any
 * bad CLEAR_LATE: event_check is cleared after the posts have been taken
 * bad CHECK_FIRST: the poster sets event_check before posted_any
 * bad NO_KICK: the poster does not interrupt the CPU that runs the vcpu
 * bad NO_WAKE: the poster does not wake
 * bad LOOK_FIRST: a vcpu that blocks looks for events before it is asleep and not after
 * deep POSTS=4: more posts
 *
 * code common/evtchn_deliver.c: WRITE_ONCE(current->event_check, 0); smp_mb();
 * code common/evtchn_deliver.c: atomic_bitmap_set(&v->posted_any, port / 64 % 64);
 *      vcpu_tell(v);
 * code common/vcpu_tell.h: WRITE_ONCE(v->event_check, 1); vcpu_unblock(v); vcpu_kick(v);
 * code arch/x86/calls/sched_op.c: vcpu_sleep(VCPU_BLOCKED); if (evtchn_upcall_due() ||
 *      READ_ONCE(current->nmi_pending)) vcpu_unblock(current);
 * code arch/x86/asi/switch.c: WRITE_ONCE(next->event_check, 1);
 */
#ifndef POSTS
#define POSTS	2
#endif

#define NCPU	2
#define NADDR	4
#define DEPTH	3
#define CHECK	0		/* event_check */
#define ANY	1		/* posted_any */
#define POSTED	2		/* posted[] */
#define RUNNING	3		/* cpu_public.running is the vcpu; else the idle one */
#include "tso.h"

bit blocked;			/* v->state */
bit softirq;			/* SOFTIRQ_SCHEDULE of CPU 0 */
bit interrupt;			/* pending in CPU 0's APIC: kick or softirq */
bit resting;			/* CPU 0 is in the guest or in HLT */
byte posts;

inline locked(c, at_, value_) { atomic { FENCE(c) -> mem[at_] = value_ } }

inline fold()
{
	if
	:: LOAD(0, ANY) ->
		locked(0, ANY, 0);
		locked(0, POSTED, 0)
	:: else
	fi
}

/* Interrupts off; ends in the guest, or in HLT. */
inline exit_path()
{
	do
	:: softirq ->
		/* the softirq's own locked instruction: the buffer is empty */
		FENCE(0);
		softirq = 0;
		atomic {					/* choose() */
			if
			:: blocked && mem[RUNNING] -> mem[RUNNING] = 0
			:: !blocked && !mem[RUNNING] -> mem[RUNNING] = 1; came_in = 1
			:: else
			fi
		};
		if
		:: came_in -> came_in = 0; store(0, CHECK, 1)	/* context_switch() */
		:: else
		fi
	:: !softirq && LOAD(0, RUNNING) && LOAD(0, CHECK) ->
#ifdef CLEAR_LATE
		fold();
		store(0, CHECK, 0)
#else
		store(0, CHECK, 0);
#ifndef NO_FENCE
		FENCE(0);
#endif
		fold()
#endif
	:: !softirq && LOAD(0, RUNNING) && !LOAD(0, CHECK) -> break
	:: !softirq && !LOAD(0, RUNNING) -> break
	od;
	FENCE(0)						/* IRET, STI */
}

inline block()
{
	fold();
#ifdef LOOK_FIRST
	atomic { FENCE(0) -> blocked = 1; softirq = 1 }
#else
	atomic { FENCE(0) -> blocked = 1; softirq = 1 };
	if
	:: LOAD(0, ANY) -> fold(); blocked = 0
	:: else
	fi
#endif
}

proctype vcpu()
{
	bit came_in;

	do
	:: atomic { resting = 1 };
end:	   if
	   :: atomic { interrupt -> interrupt = 0; resting = 0 }
	   /* the guest's own wish */
	   :: atomic { mem[RUNNING] && !interrupt -> resting = 0 }; block()
	   fi;
	   exit_path()
	od
}

inline raise_schedule()
{
	atomic {
		if
		:: !softirq -> softirq = 1; interrupt = 1
		:: else
		fi
	}
}

proctype sender()
{
	bit old;

	do
	:: posts < POSTS ->
		atomic { FENCE(1) -> old = mem[POSTED]; mem[POSTED] = 1 };
		if
		:: !old ->
#ifdef CHECK_FIRST
			store(1, CHECK, 1);
			locked(1, ANY, 1);
#else
			locked(1, ANY, 1);
			store(1, CHECK, 1);
#endif
			FENCE(1);
#ifndef NO_WAKE
			if
			:: atomic { blocked -> blocked = 0; old = !mem[RUNNING] };
				if
				:: old -> old = 0; raise_schedule()
				:: else
				fi
			:: !blocked
			fi;
#endif
			FENCE(1);
#ifndef NO_KICK
			if
			:: mem[RUNNING] -> interrupt = 1
			:: !mem[RUNNING]
			fi
#endif
		:: old -> old = 0
		fi;
		posts++
	:: posts == POSTS -> break
	od
}

active proctype property()
{
end:
	atomic {
		posts == POSTS && resting && !interrupt && empty(buffer[0]) && empty(buffer[1]) &&
		(mem[POSTED] || mem[ANY])
		-> assert(false)
	}
}

init {
	atomic {
		mem[RUNNING] = 1;
		run store_buffer(0);
		run store_buffer(1);
		run vcpu();
		run sender()
	}
}
