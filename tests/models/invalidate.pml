/* SPDX-License-Identifier: MIT */
/*
 * Pages leave a guest, and a device model that remembers them is told: mm/p2m.c, hvm/turns.c,
 * hvm/requests.c.
 *
 *   clear(), p2m_remove()             remove()
 *   hvm_vcpu_loop(), hvm_await_models() vcpu(), which also makes calls that remove
 *   a device model                    model(): maps a page that is there whenever it likes, forgets
 *                                     when it is asked to, and answers
 *   dom0's calls                      tools(): remove and populate
 *
 * One page: each time that it comes it is another frame, number `gen'. The model remembers frame
 * `mapped', 0: none. Stores take effect at once: the flags and the stamp are locked instructions.
 *
 * Properties: no vcpu enters its guest while the model remembers a frame that had left before the
 * vcpu looked; none runs its guest while the model remembers one whose removal is over. Nobody
 * waits for ever.
 *
 * bad CURRENT_ONLY: the flag of who removes alone is set
 * bad ONE_FLAG: there is one flag for all vcpus
 * bad CLEAR_LATE: a flag is taken when the answer is there
 * bad STAMP_FIRST: the stamp moves before the flags are set
 * bad EARLY: who removes asks before the leaf is out and the others have left
 * bad NO_WAIT: who has asked does not wait for the answer
 * bad NO_KICK: nobody is interrupted
 *
 * code arch/x86/mm/p2m.c: pte_write(pe, 0); __atomic_store_n(&p->left, ~0u, __ATOMIC_SEQ_CST);
 *      p2m_move_stamp(p);
 * code arch/x86/hvm/turns.c: if (unlikely(stamp != this_hvm.p2m_stamp)) { this_hvm.p2m_stamp =
 *      stamp; this_hvm.flush = true; this_hvm.io.has_left = true; } return
 *      likely(!(this_hvm.io.asked | this_hvm.io.has_left));
 * code arch/x86/hvm/requests.c: if (this_hvm.io.has_left && take_left()) ask_all_to_forget();
 *      this_hvm.io.has_left = false;
 */
#ifndef REMOVALS
#define REMOVALS 3
#endif

#define V 2

byte gen = 1;			/* of the frame that is there, or was last */
bool leaf = true;
byte stamp, over;		/* the last removal that has been made, and that is over */
byte number[V + 1];		/* each one's own last */
bit left[V + 1];		/* the last: nobody's */
bit kick[V], in_guest[V];
byte mine[V];			/* p2m_stamp */
byte mapped;
bit asked[V], answered[V];
bit lock;
byte removals, running = V + 1;

inline set_left(who)
{
#ifdef CURRENT_ONLY
	left[who] = 1
#else
	d_step { left[0] = 1; left[1] = 1 }
#endif
}

/* @who: a vcpu, or V: dom0. */
inline remove(who)
{
	atomic { !lock -> lock = 1 }
	if
	:: leaf && removals < REMOVALS ->
		removals++;
		leaf = false;
#ifdef STAMP_FIRST
		stamp++; set_left(who);
#else
		set_left(who); stamp++;
#endif
		number[who] = stamp;
		lock = 0;
#ifndef NO_KICK
		d_step { kick[0] = kick[0] | in_guest[0]; kick[1] = kick[1] | in_guest[1] };
		!kick[0] && !kick[1];	/* they have left: not before they answer */
#endif
		if :: over < number[who] -> over = number[who] :: else fi
	:: else -> lock = 0
	fi
}

inline populate()
{
	atomic {
		if
		:: !lock && !leaf -> leaf = true; gen = stamp + 1
		:: else
		fi
	}
}

inline ask(v)
{
	answered[v] = 0; asked[v] = 1
}

inline await(v)
{
#ifndef NO_WAIT
	answered[v]
#else
	skip
#endif
}

inline take_and_ask(v)
{
	if
	:: left[v] ->
#ifdef CLEAR_LATE
		ask(v); await(v); left[v] = 0
#else
#ifdef ONE_FLAG
		d_step { left[0] = 0; left[1] = 0 };
#else
		left[v] = 0;
#endif
		ask(v); await(v)
#endif
	:: else
	fi
}

proctype vcpu(byte v)
{
	byte calls = 0;

	do
	:: stamp != mine[v] ->			/* interrupts off, from here to the entry */
		mine[v] = stamp;
#ifndef EARLY
		take_and_ask(v)
#else
		if :: left[v] -> left[v] = 0 :: else fi
#endif
	:: atomic { stamp == mine[v] -> in_guest[v] = 1;
		    assert(!mapped || mapped > mine[v]) }
		/* It runs, as long as no interrupt has come. */
		if
		:: atomic { !kick[v] -> assert(!mapped || mapped > over) }
		:: kick[v]
		fi;
		atomic { in_guest[v] = 0; kick[v] = 0 };
		if
		:: calls < 1 ->
			calls++;
#ifdef EARLY
			ask(v); await(v);
#endif
			remove(v)
		:: populate()
		:: calls == 1 -> break
		fi
	od;
	running--
}

proctype tools()
{
	remove(V);
	populate();
	remove(V);
	running--
}

proctype model()
{
	do
	:: atomic { leaf -> mapped = gen }
	:: atomic { asked[0] -> asked[0] = 0; mapped = 0 }; answered[0] = 1
	:: atomic { asked[1] -> asked[1] = 0; mapped = 0 }; answered[1] = 1
	:: atomic { !running && !asked[0] && !asked[1] -> break }
	od
}

init
{
	atomic { run vcpu(0); run vcpu(1); run tools(); run model() }
}
