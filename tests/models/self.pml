/* SPDX-License-Identifier: MIT */
/*
 * Vcpus that shadow their own domain for good, while control domains visit it, log it and end it:
 * arch/x86/shadow/self.c, shadow/for_good.c, shadow/create.c, asi/visit.c, common/domain_pause.c,
 * control/log_dirty.c, control/domain_destroy.c.
 *
 *   shadow_hides_absent, the store behind it        call()
 *   answer, shadow_own                              answer()
 *   shadow_make_for_good, shadow_create_all         make_for_good(), create_all()
 *   softirqs, schedule, context_switch              proctype vcpu
 *   visit, shadow_instead                           proctype visitor, on a CPU of its own
 *   turn_on, turn_off, domain_destroy_some          proctype control, on another (domctl_begin())
 *
 * Two vcpus, each on its CPU or off it, of which VCPUS_ASK call until they have stored an absent
 * entry that names RAM, or are refused; so does the visitor. There is memory, or there is not, each
 * time. What they wait for are locked instructions, and a CR3 write comes before all that is stored
 * behind it: stores take effect at once. What is done under vcpus_lock or sched_lock is one step. A
 * CPU whose root shows the guest's tables remembers a way to them until CR3 is written.
 *
 * Properties: no such entry is there while a CPU has a way to the guest's tables; a shadow is made
 * and taken by one at a time, and of a vcpu on its CPU only by itself; the domain is shadowed once,
 * and then all its vcpus are, until it ends; who has been refused memory does not go on asking, and
 * nobody is stopped for ever; all end, and then nobody is kept off or waits but for the domain's
 * end, and either all have shadows or nobody has.
 *
 * bad EARLY: it is for good before the vcpu that asks has its own
 * bad NO_FLUSH: that vcpu's CPU does not write CR3
 * bad NO_WAIT: siblings are told to wait, and not waited for
 * bad CONTROL_RUNS: a control domain does not wait for them
 * bad PAUSE_FIRST: siblings wait, and then visitors are kept off
 * bad WAIT_FOR_FLAG: who finds another there waits for it
 * bad STAY_PAUSED: without memory siblings wait for ever
 * bad KEEP_FLAG,VCPUS_ASK=1: without memory visitors are kept off for ever
 * bad KEEP_SHADOWS: without memory siblings keep what they have
 * bad OWN_TOO: without memory who runs on a shadow gives that back, too
 * bad TAKE_BACK: who is stopped gives back what there is
 * bad FORGET_FAILED: a sibling that makes a vcpu's shadow forgets that this vcpu has failed
 * bad TWICE: who comes late shadows it again
 * bad LOG_TAKES: the log's end takes shadows that are for good
 * bad OP_LATE: the log that ends keeps others' shadows for a moment longer
 * bad STOP_ENDS: shadows are taken from a domain that ends while it is still visited
 * bad NO_LOOK: who shadows it from outside does not ask whether it dies
 * deep LOG_AND_END: it may be logged, and ends then
 *
 * code arch/x86/shadow/self.c: v->shadow.absent = ABSENT_NONE; if (!visit_keep_off(v->domain))
 *      return; shadow_own(v); visit_allow(v->domain);
 * code arch/x86/shadow/self.c: domain_pause(d); if (shadow_make_for_good(d) == -ENOMEM) {
 *      v->shadow.absent = ABSENT_FAILED;
 * code arch/x86/shadow/self.c: if (READ_ONCE(d->log.for_good)) return 0; if (d ==
 *      current->domain) return ask();
 * code arch/x86/shadow/for_good.c: if (d->vcpu[i]->shadow.on || d->vcpu[i] == current) continue;
 *      if (shadow_create(d->vcpu[i])) return -ENOMEM; if (hypercall_preempt_check()) return
 *      -ERESTART; } return d == current->domain && !current->shadow.on ?
 *      shadow_create(current) : 0;
 * code arch/x86/shadow/for_good.c: if (d->vcpu[i] != current) shadow_destroy(d->vcpu[i]);
 * code arch/x86/shadow/for_good.c: if (d->log.for_good) return 0; rc = shadow_create_all(d); if
 *      (!rc) { WRITE_ONCE(d->log.for_good, true);
 * code arch/x86/shadow/for_good.c: } else if (rc == -ENOMEM && !d->log.on && !d->log.op) {
 *      shadow_destroy_all(d);
 * code arch/x86/shadow/for_good.c: paused = domain_pause_by_control(d); if (paused) return paused;
 *      rc = -ERESTART; if (visit_keep_off(d)) {
 * code arch/x86/shadow/for_good.c: if (!READ_ONCE(d->is_dying)) rc = shadow_make_for_good(d) ?:
 *      -ERESTART; visit_allow(d); } return domain_unpause_by_control(d) ?: rc;
 * code arch/x86/shadow/create.c: v->shadow = (struct vcpu_shadow){ .on = true };
 *      load_from_now_on(v, kernel, user); this_cpu.shadowed = true; root_adopt(v->cr3_kernel);
 * code arch/x86/shadow/create.c: { .on = true, .absent = v->shadow.absent };
 * code common/domain_pause.c: if (d->vcpu[i] != current) vcpu_pause(d->vcpu[i]);
 *      spin_unlock(&d->vcpus_lock); wait_for_all(d);
 * code arch/x86/control/log_dirty.c: if (!d->log.for_good) shadow_destroy_all(d); d->log.on =
 *      false; d->log.op = 0;
 * code arch/x86/control/domain_destroy.c: domain_pause(d); return page_claim(&d->claimed, 0);
 * code arch/x86/control/domain_destroy.c: if (!visit_bar(d)) return -ERESTART; domain_log_end(d);
 */
#ifndef VCPUS_ASK
#define VCPUS_ASK 2
#endif
#define MOST_FAILURES 1		/* of one vcpu's */
#define MOST_STOPS 3
#define NONE	0		/* of vcpu.absent */
#define ASKED	1
#define FAILED	2

#define ENOMEM	1
#define ERESTART 2
#define EINVAL	3

#define NOBODY	2		/* of its vcpus */

byte pauses[2];
byte control_pauses;
bit on_cpu[2];
bit shadow[2];			/* its shadow.on, and the roots that it loads */
byte absent[2];
bit walks[2];			/* its CPU has a way to the guest's tables */
bit changes[2];			/* its shadow is being made or taken */

bit flag;			/* is_visited */
bit for_good, refused, dying, log_on, log_op;

bit ram;			/* an absent entry that names some is in the guest's tables */
bit stopped;			/* all its vcpus are, for good */
byte done;			/* of the four */

inline store_absent()
{
	atomic {
		assert(!walks[0] && !walks[1]);
		ram = 1
	}
}

inline keep_off(got_) { atomic { got_ = !flag; flag = 1 } }
inline allow() { assert(flag); flag = 0 }

inline pause(v_) { pauses[v_]++ }
inline unpause(v_) { assert(pauses[v_]); pauses[v_]-- }

inline pause_by_control()
{
	atomic {
		if
		:: !control_pauses -> pause(0); pause(1)
		:: else
		fi;
		control_pauses++
	};
#ifndef CONTROL_RUNS
	!on_cpu[0];
	!on_cpu[1]
#endif
}

inline unpause_by_control()
{
	atomic {
		assert(control_pauses);
		control_pauses--;
		if
		:: !control_pauses -> unpause(0); unpause(1)
		:: else
		fi
	}
}

inline begin_change(v_)
{
	atomic { assert(!changes[v_] && (!on_cpu[v_] || me == v_)); changes[v_] = 1 }
}

/* me: whose CPU this is, or NOBODY. rc. */
inline create(v_)
{
	begin_change(v_);
	assert(!shadow[v_]);
	if
	:: rc = ENOMEM
	:: shadow[v_] = 1;
#ifdef FORGET_FAILED
	   absent[v_] = NONE;
#endif
	   if
#ifndef NO_FLUSH
	   :: v_ == me -> walks[v_] = 0
#endif
	   :: else
	   fi
	fi;
	changes[v_] = 0
}

inline destroy(v_)
{
	if
#ifdef OWN_TOO
	:: shadow[v_] ->
#else
	:: v_ != me && shadow[v_] ->
#endif
		begin_change(v_);
		assert(!on_cpu[v_]);
		shadow[v_] = 0;
		changes[v_] = 0
	:: else
	fi
}

inline destroy_all()
{
	destroy(0);
	destroy(1)
}

inline create_other(v_)
{
	if
	:: !rc && v_ != me && !shadow[v_] ->
		create(v_);
		if
		:: !rc -> rc = ERESTART
		:: skip
		fi
	:: else
	fi
}

inline create_all()
{
	rc = 0;
	create_other(0);
	create_other(1);
#ifdef EARLY
	if
	:: !rc && me != NOBODY -> for_good = 1
	:: else
	fi;
#endif
	if
	:: !rc && me != NOBODY && !shadow[me] -> create(me)
	:: else
	fi
}

#ifdef TWICE
#define IS_FOR_GOOD 0
#else
#define IS_FOR_GOOD for_good
#endif

inline make_for_good()
{
	if
	:: IS_FOR_GOOD -> rc = 0
	:: else ->
		create_all();
		if
		:: !rc ->
#ifndef EARLY
			assert(!for_good);
#endif
			atomic { assert(shadow[0] && shadow[1]); for_good = 1 }
#ifdef TAKE_BACK
		:: rc -> destroy_all()
#elif !defined(KEEP_SHADOWS)
		:: rc == ENOMEM && !log_on && !log_op -> destroy_all()
#endif
		:: else
		fi
	fi
}

inline wait_for_sibling()
{
	atomic { pause(1 - me) };
#ifndef NO_WAIT
	!on_cpu[1 - me]
#endif
}

/* The softirq of the vcpu that has asked. */
inline answer()
{
	absent[me] = NONE;
#ifdef PAUSE_FIRST
	wait_for_sibling();
#endif
#ifdef WAIT_FOR_FLAG
	atomic { !flag -> flag = 1; got = 1 };
#else
	keep_off(got);
#endif
	if
	:: got ->
#ifndef PAUSE_FIRST
		wait_for_sibling();
#endif
		make_for_good();
		if
		:: rc == ENOMEM ->
			absent[me] = FAILED;
			failures++;
			assert(failures <= MOST_FAILURES)
		:: rc == ERESTART ->
			stops++;
			assert(stops <= MOST_STOPS)
		:: else
		fi;
		if
#ifdef STAY_PAUSED
		:: rc == ENOMEM
		:: rc != ENOMEM -> atomic { unpause(1 - me) }
#else
		:: atomic { unpause(1 - me) }
#endif
		fi;
		if
#ifdef KEEP_FLAG
		:: rc == ENOMEM
		:: rc != ENOMEM -> allow()
#else
		:: allow()
#endif
		fi
	:: else ->
#ifdef PAUSE_FIRST
		atomic { unpause(1 - me) };
#endif
		skip
	fi;
	rc = 0;
	got = 0
}

inline call()
{
	if
	:: for_good -> store_absent(); calls = 0
	:: else ->
		if
		:: absent[me] == FAILED -> absent[me] = NONE; calls = 0
		:: else -> absent[me] = ASKED
		fi
	fi
}

proctype vcpu(byte me)
{
	bit calls = (me < VCPUS_ASK);
	bit got;
	byte rc, failures, stops;
	bit said;

end:
	do
	/* Its CPU chooses it: it has no other. */
	:: atomic {
			!on_cpu[me] && !pauses[me] -> on_cpu[me] = 1;
			walks[me] = !shadow[me];
			assert(!(ram && walks[me]))
		}
	/* On its way to the guest: softirqs first. */
	:: on_cpu[me] && absent[me] == ASKED -> answer()
	:: on_cpu[me] && absent[me] != ASKED && pauses[me] ->
		atomic { walks[me] = 0; on_cpu[me] = 0 }
	:: on_cpu[me] && absent[me] != ASKED && !pauses[me] && calls -> call()
	:: atomic { !calls && !said -> said = 1; failures = 0; stops = 0; done++ }
	:: atomic { stopped && calls && !on_cpu[me] -> calls = 0 }
	od
}

proctype visitor()
{
	byte me = NOBODY, rc;
	bit got;

	rc = ERESTART;
	do
	:: rc == ERESTART && !dying ->		/* it has a reference */
		keep_off(got);
		if
		:: got && dying -> allow()
		:: got && !dying ->
			if
			:: for_good -> store_absent(); rc = 0
			:: else -> refused = 1; rc = EINVAL
			fi;
			allow()
		:: else
		fi;
		/* shadow_instead() */
		if
		:: rc == EINVAL ->
			refused = 0;
			pause_by_control();
			rc = ERESTART;
			keep_off(got);
			if
#ifndef NO_LOOK
			:: got && dying -> allow()
			:: got && !dying ->
#else
			:: got ->
#endif
				make_for_good();
				if
				:: !rc -> rc = ERESTART
				:: else
				fi;
				allow()
			:: else
			fi;
			unpause_by_control()
		:: else
		fi;
		got = 0
	:: else -> break
	od;
	done++
}

inline shadow_none()
{
	if
#ifdef LOG_TAKES
	:: destroy_all()
#else
	:: !for_good -> destroy_all()
	:: else
#endif
	fi;
#ifndef OP_LATE
	log_op = 0;
#endif
	log_on = 0
}

/* at_rest(); who asks what is dirty does it as well, and makes and takes no shadow. */
inline all_at_rest()
{
	pause_by_control();
	keep_off(got);
	if
	:: got -> create_all(); allow()
	:: else -> rc = ERESTART
	fi;
	unpause_by_control()
}

inline none_at_rest()
{
	pause_by_control();
	keep_off(got);
	if
	:: got -> shadow_none(); allow()
	:: else
	fi;
	unpause_by_control()
}

inline turn_off()
{
	do
	:: none_at_rest();
		if
		:: got -> break
		:: else
		fi
	od;
	log_op = 0
}

inline turn_on()
{
	log_op = 1;
	rc = ERESTART;
	do
	:: rc == ERESTART ->
		all_at_rest();
		if
		:: rc == ENOMEM ->
			none_at_rest();
			if
			:: !got -> rc = ERESTART
			:: else
			fi
		:: else
		fi
	:: !rc -> log_on = 1; break
	:: else -> break
	od;
	log_op = 0
}

inline end()
{
	dying = 1;
	atomic { pause(0); pause(1) };
	!on_cpu[0];
	!on_cpu[1];
	stopped = 1;
#ifdef STOP_ENDS
	destroy_all();
#endif
	do
	:: keep_off(got);
		if
		:: got -> allow(); break
		:: else
		fi
	od;
#ifndef STOP_ENDS
	destroy_all();
	log_on = 0
#endif
}

/* One domain control operation after the other. */
proctype control()
{
	byte me = NOBODY, rc;
	bit got;

	if
	:: turn_on();
		if
		:: log_on -> turn_off()
		:: else
		fi
	:: end()
	:: skip
#ifdef LOG_AND_END
	:: turn_on(); end()
#endif
	fi;
	done++
}

active proctype observer()
{
	done == 4;
	assert(!flag && !control_pauses && pauses[0] == stopped && pauses[1] == stopped);
	assert(!refused);
	if
	:: stopped -> assert(!shadow[0] && !shadow[1])
	:: !stopped && for_good -> assert(shadow[0] && shadow[1])
	:: else -> assert(!shadow[0] && !shadow[1])
	fi
}

init {
	atomic {
		run vcpu(0);
		run vcpu(1);
		run visitor();
		run control()
	}
}
