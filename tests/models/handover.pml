/* SPDX-License-Identifier: MIT */
/*
 * A vcpu that goes from one CPU to another: common/sched.c, arch/x86/asi/switch.c.
 *
 *   schedule, requeue, choose, set_running           schedule()
 *   context_switch: save_current, root_load          switch_to()
 *   sched_left                                       left()
 *   wake, ask                                       waker()
 *
 * Two CPUs, two vcpus that may run on both; vcpu 1 is preferred. Each sleeps when it likes; a third
 * CPU wakes them WAKES times. x86-TSO for on_cpu, the idle bits and the lock; what is under the
 * lock otherwise is stored at once. A vcpu's state is one number, counted up by the CPU that has it
 * loaded.
 *
 * Properties: no vcpu is loaded on two CPUs; who loads it finds its last state; when nothing is
 * under way any more, no CPU idles while a vcpu that may run there waits.
 *
 * bad NO_SKIP: who chooses does not look at on_cpu
 * bad EARLY: on_cpu is given back before CR3 names another root
 * bad UNSAVED: registers are saved when another CPU may have the vcpu already
 * bad NO_ASK: nobody is asked about a vcpu that has become free
 * bad NO_PENDING: a CPU that has been asked and has not chosen yet counts as idle for the next one
 *      that wakes too
 * bad NO_FENCE: no fence between giving back on_cpu and looking for idle CPUs
 * bad ONE_LOOK: a CPU that finds nobody does not look again after it has said that it idles
 * bad LOOK_FENCE: no fence between saying that and looking again
 * deep WAKES=4: more wakes
 *
 * code common/sched.c: __atomic_store_n(&prev->on_cpu, NO_CPU, __ATOMIC_SEQ_CST); if
 *      (!READ_ONCE(prev->queued)) return;
 * code common/sched.c: bitmap_set(cpus_idle, cpu); smp_mb(); next = runqueue_pick(&run_queue, cpu,
 *      moves ? prev : NULL);
 * code arch/x86/asi/switch.c: save_current(); root_load(next);
 * code arch/x86/asi/switch.c: sched_left(prev);
 * code common/sched_place.c: cpus_idle[w] & ~cpus_asked[w] & v->affinity[w] & mask[w];
 * code common/runqueue.c: return (on_cpu == NO_CPU || on_cpu == cpu) && bitmap_test(v->affinity,
 *      cpu);
 */
#ifndef WAKES
#define WAKES	2
#endif

#define NCPU	3		/* 2: the waker's */
#define NADDR	5
#define DEPTH	3
#define ONCPU(v)	(v)		/* 0: none, else the CPU and 1 */
#define IDLE(c)		(2 + (c))
#define LOCK		4
#include "tso.h"

#define NOBODY	2

bit asleep[2];			/* v->state */
bit queued[2];
byte running[2];		/* by CPU: a vcpu, or NOBODY: the idle one */
bit softirq[2], resting[2], pending[2];
bit loaded[4];			/* [2 * c + v] */
byte steps[2], saved[2], live[2];	/* by vcpu, by vcpu, by CPU; modulo 4 */
byte wakes;

#ifdef NO_PENDING
#define CAN_TAKE(me, c)	LOAD(me, IDLE(c))
#else
#define CAN_TAKE(me, c)	(LOAD(me, IDLE(c)) && !pending[c])
#endif
inline ask(to_) { pending[to_] = 1; softirq[to_] = 1 }

inline lock(c) { atomic { FENCE(c) && mem[LOCK] == 0 -> mem[LOCK] = 1 } }
inline unlock(c) { store(c, LOCK, 0) }

#define MAY(c, v)	queued[v]
#ifdef NO_SKIP
#define FREE(c, v)	true
#else
#define FREE(c, v)	(LOAD(c, ONCPU(v)) == 0 || LOAD(c, ONCPU(v)) == (c) + 1)
#endif

inline pick(c)
{
	if
	:: MAY(c, 1) && FREE(c, 1) -> next = 1
	:: !(MAY(c, 1) && FREE(c, 1)) && MAY(c, 0) && FREE(c, 0) -> next = 0
	:: else -> next = NOBODY
	fi
}

inline left(c)
{
	store(c, ONCPU(prev), 0);
#ifndef NO_FENCE
	FENCE(c);
#endif
#ifndef NO_ASK
	if
	:: queued[prev] && LOAD(c, IDLE(1 - c)) ->
		lock(c);
		if
		:: queued[prev] && LOAD(c, ONCPU(prev)) == 0 && CAN_TAKE(c, 1 - c) -> ask(1 - c)
		:: else
		fi;
		unlock(c)
	:: else
	fi
#endif
}

/* Interrupts off. */
inline switch_to(c)
{
#ifndef UNSAVED
	if
	:: prev != NOBODY -> saved[prev] = live[c]
	:: else
	fi;
#endif
#ifdef EARLY
	if
	:: prev != NOBODY -> left(c)
	:: else
	fi;
#endif
	/* slot 257, CR3 */
	if
	:: next != NOBODY -> assert(!loaded[2 * (1 - c) + next]); loaded[2 * c + next] = 1
	:: else
	fi;
	if
	:: prev != NOBODY -> loaded[2 * c + prev] = 0
	:: else
	fi;
#ifndef EARLY
	if
	:: prev != NOBODY -> left(c)
	:: else
	fi;
#endif
#ifdef UNSAVED
	if
	:: prev != NOBODY -> saved[prev] = live[c]
	:: else
	fi;
#endif
	if
	:: next != NOBODY -> live[c] = saved[next]; assert(live[c] == steps[next])
	:: else
	fi
}

inline schedule(c)
{
	lock(c);
	prev = running[c];
	if
	:: prev != NOBODY && asleep[prev] -> queued[prev] = 0
	:: else
	fi;
	pending[c] = 0;
	store(c, IDLE(c), 0);
	pick(c);
	if
	:: next == NOBODY ->
		store(c, IDLE(c), 1);
#ifndef ONE_LOOK
#ifndef LOOK_FENCE
		FENCE(c);
#endif
		pick(c);
		if
		:: next != NOBODY -> store(c, IDLE(c), 0)
		:: else
		fi
#endif
	:: else
	fi;
	if
	:: next != prev && next != NOBODY -> store(c, ONCPU(next), c + 1)
	:: else
	fi;
	running[c] = next;
	unlock(c);
	if
	:: next != prev -> switch_to(c)
	:: else
	fi
}

proctype cpu(byte c)
{
	byte prev, next;

	do
	:: atomic { resting[c] = 1 };
end:	   if
	   :: atomic { softirq[c] -> softirq[c] = 0; resting[c] = 0 };
		FENCE(c);
		schedule(c)
	   /* the guest's own wish */
	   :: atomic { running[c] != NOBODY && !softirq[c] -> resting[c] = 0 };
		if
		:: atomic { live[c] = (live[c] + 1) % 4;
			    steps[running[c]] = (steps[running[c]] + 1) % 4;
			    assert(live[c] == steps[running[c]]) };
		   asleep[running[c]] = 1;
		   softirq[c] = 1
		fi
	   fi
	od
}

/* An idle CPU, else the one that runs the other vcpu. */
inline ask_for(v)
{
	if
	:: CAN_TAKE(2, 0) -> ask(0)
	:: !CAN_TAKE(2, 0) && CAN_TAKE(2, 1) -> ask(1)
	:: else -> ask(0)
	fi
}

proctype waker()
{
	byte v;

	do
	:: wakes < WAKES ->
		if
		:: v = 0
		:: v = 1
		fi;
		lock(2);
		if
		:: asleep[v] ->
			asleep[v] = 0;
			if
			:: running[0] != v && running[1] != v ->
				queued[v] = 1;
				ask_for(v)
			:: else
			fi
		:: else
		fi;
		unlock(2);
		wakes++
	:: wakes == WAKES -> break
	od
}

#define STILL	(resting[0] && resting[1] && !softirq[0] && !softirq[1] && wakes == WAKES && \
		 empty(buffer[0]) && empty(buffer[1]) && empty(buffer[2]) && mem[LOCK] == 0)
#define WAITS(v)	(queued[v] && running[0] != (v) && running[1] != (v))

active proctype property()
{
end:
	atomic {
		STILL && (WAITS(0) || WAITS(1)) && (mem[IDLE(0)] || mem[IDLE(1)]) -> assert(false)
	}
}

init {
	atomic {
		/* vcpu 0 runs on CPU 0, vcpu 1 sleeps, CPU 1 idles */
		asleep[1] = 1;
		queued[0] = 1;
		running[0] = 0;
		running[1] = NOBODY;
		mem[ONCPU(0)] = 1;
		mem[IDLE(1)] = 1;
		loaded[0] = 1;
		run store_buffer(0);
		run store_buffer(1);
		run store_buffer(2);
		run cpu(0);
		run cpu(1);
		run waker()
	}
}
