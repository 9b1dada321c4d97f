/* SPDX-License-Identifier: MIT */
/*
 * References to a domain, and its end: common/domain_ref.c, common/domain_list.c, own_frames(),
 * disown() and domain_free_orphan() of arch/x86/asi/domain_map.c, domain_destroy_some().
 *
 *   get_domain_by_id, then a frame    giver(): a reservation for the domain; it gets one if it does
 *   for it, put_domain                not die yet, and gives it back or does not
 *   get_domain_from, put_domain       walker(), twice: whoever goes through the list
 *   page_put_foreign, page_owner,     holder(), of a frame of the domain's that another one maps:
 *   get_knownalive_domain             by it he comes to the domain, and the last put frees it
 *   domain_destroy_some               killer(): marks, bars, gives up the frames, puts
 *   domain_list_add                   maker(): another domain of the same number, as soon as it can
 *
 * Counts change by locked instructions; the list and is_dying under its lock, which is taken by
 * one: so stores take effect at once. One frame is there from the beginning, which others hold.
 *
 * Properties: a count does not come back from 0; the domain is taken apart once, when it is in no
 * list, has no frame and nobody holds it; a frame's number finds its owner, and nobody else; at
 * rest it has gone.
 *
 * bad FIND_DYING: a lookup by number finds one that dies
 * bad MARK_UNLOCKED: it is marked without the list's lock
 * bad GET_FROM_ZERO: who goes through the list takes a reference on whatever is in it
 * bad GET_IN_TWO: the count is read, and written then
 * bad UNLINK_LATE: it is taken apart, and leaves the list then
 * bad PUT_IN_TWO: the count goes down, and is looked at then
 * bad NO_FRAME_REF: frames hold no reference
 * bad DISOWN_EARLY: what others hold is disowned by who gives it up, not by who frees it
 * bad NO_LOOK: who gives it a frame does not ask whether it dies
 * bad LOOK_UNLOCKED: he asks before he has the page lock
 * bad NO_BAR: who takes it apart does not have the page lock once
 * bad NUMBER_EARLY: the number of one that dies may be given out
 *
 * code common/domain_ref.c: u32 before = __atomic_fetch_sub(&d->refs, 1, __ATOMIC_SEQ_CST);
 *      BUG_ON(!before); if (before > 1) return; domain_list_remove(d); domain_destroy(d);
 * code common/domain_ref.c: BUG_ON(!domain_list_mark_dying(d)); put_domain(d);
 * code common/domain_list.c: d = find(domid); if (d && (d->is_dying || d->is_hidden)) d = NULL; if
 *      (d) get_knownalive_domain(d); spin_unlock(&list_lock);
 * code common/domain_list.c: while (refs) if (__atomic_compare_exchange_n(&d->refs, &refs, refs +
 *      1, false, __ATOMIC_SEQ_CST,
 * code common/domain_list.c: if (*at && (*at)->domid == d->domid) return -EEXIST;
 * code common/domain_list.c: spin_lock(&list_lock); was_dying = d->is_dying; d->is_dying = true;
 *      spin_unlock(&list_lock); return !was_dying;
 * code arch/x86/asi/domain_map.c: if ((u64)d->nr_pages + nr > d->max_pages ||
 *      READ_ONCE(d->is_dying)) goto out;
 * code arch/x86/asi/domain_map.c: if (READ_ONCE(d->is_dying) || pg->owner != d->domid ||
 *      !leave(pg)) return -EBUSY;
 * code arch/x86/asi/domain_map.c: if (!__atomic_fetch_add(&d->nr_owned, 1u << order,
 *      __ATOMIC_SEQ_CST)) get_knownalive_domain(d);
 * code arch/x86/asi/domain_map.c: if (nr && !__atomic_sub_fetch(&d->nr_owned, nr,
 *      __ATOMIC_SEQ_CST)) put_domain(d);
 * code arch/x86/asi/domain_map.c: struct domain *d = page_owner(pg); BUG_ON(pg->count_info !=
 *      PGC_leaving); free_frame(pg); disown(d, 1);
 * code arch/x86/control/domain_destroy.c: spin_lock(&d->page_lock); d->end_frame = d->page_list;
 *      spin_unlock(&d->page_lock);
 * code arch/x86/control/domain_destroy.c: raise_global_virq(VIRQ_DOM_EXC); put_domain(d);
 * code arch/x86/calls/gnttab_map.c: get_knownalive_domain(rd); give_back(d, rd, n);
 *      put_domain(rd);
 */
byte refs = 1;			/* the domain's own */
byte nr_owned = 1;		/* the frame that others hold */
byte others;			/* frames in its list, beside that one */
bit dying, listed = 1, listed_anew, gone;
bit list_lock, page_lock;
bit allocated = 1, foreign = 1;	/* that frame's; neither: it is free */
byte using;			/* those who have the domain in hand */

inline lock(which) { atomic { !which -> which = 1 } }

inline get_knownalive()
{
	atomic { assert(refs && !gone); refs++; using++ }
}

inline put_domain()
{
	atomic { assert(refs && !gone); refs--; last = !refs };
#ifdef PUT_IN_TWO
	last = !refs;
#endif
	if
	:: last ->
#ifdef UNLINK_LATE
		atomic { assert(!gone && !nr_owned && !using); gone = 1 };
#endif
		lock(list_lock);
		assert(dying && listed);
		listed = 0;
		list_lock = 0;
#ifndef UNLINK_LATE
		atomic { assert(!gone && !nr_owned && !using); gone = 1 };
#endif
		last = 0
	:: else
	fi
}

inline put() { using--; put_domain() }

inline own_frame()
{
	atomic { nr_owned++; first = nr_owned == 1 };
#ifndef NO_FRAME_REF
	if
	:: first -> atomic { assert(refs && !gone); refs++ }
	:: else
	fi;
#endif
	first = 0
}

inline disown()
{
	atomic { assert(nr_owned && !gone); nr_owned--; none = !nr_owned };
	if
#ifndef NO_FRAME_REF
	:: none -> none = 0; put_domain()
#else
	:: none -> none = 0
#endif
	:: else
	fi
}

proctype giver()
{
	bit found, given, first, none, last;

	lock(list_lock);
#ifdef FIND_DYING
	found = listed;
#else
	found = listed && !dying;
#endif
	if
	:: found -> get_knownalive()
	:: else
	fi;
	list_lock = 0;
	if
	:: found ->
#ifdef LOOK_UNLOCKED
		given = !dying;
#endif
		lock(page_lock);
#ifndef LOOK_UNLOCKED
#ifdef NO_LOOK
		given = 1;
#else
		given = !dying;
#endif
#endif
		if
		:: given -> own_frame(); others++
		:: else
		fi;
		page_lock = 0;
		if
		:: given ->
			lock(page_lock);
			given = !dying;
			if
			:: given -> others--
			:: else
			fi;
			page_lock = 0;
			if
			:: given -> disown()
			:: else
			fi
		:: skip
		fi;
		put()
	:: else
	fi
}

proctype walker()
{
	byte n, r;
	bit found, last;

	for (n : 1 .. 2) {
		lock(list_lock);
		if
		:: listed ->
			assert(!gone);
			r = refs;
#ifdef GET_FROM_ZERO
			atomic { refs++; using++; found = 1 }
#else
#ifdef GET_IN_TWO
			if
			:: r -> atomic { refs = r + 1; using++; found = 1 }
			:: else
			fi
#else
			do
			:: r == 0 -> break
			:: atomic { r && r == refs -> refs++; using++; found = 1 }; break
			:: atomic { r && r != refs -> r = refs }
			od
#endif
#endif
		:: else
		fi;
		r = 0;
		list_lock = 0;
		if
		:: found -> found = 0; assert(!gone); put()
		:: else
		fi
	}
}

/* The frame's number: its owner by it. Another domain has the number: that one might be found. */
inline page_owner()
{
	lock(list_lock);
	assert(listed && !listed_anew && !gone);
	list_lock = 0
}

proctype holder()
{
	bit last, none, orphan;

	page_owner();
	get_knownalive();
	atomic { foreign = 0; orphan = !allocated };
	if
	:: orphan ->
		page_owner();
#ifndef DISOWN_EARLY
		disown()
#else
		skip
#endif
	:: else
	fi;
	put()
}

proctype killer()
{
	bit last, none, orphan;
	byte seen;

#ifndef MARK_UNLOCKED
	lock(list_lock);
#endif
	dying = 1;
#ifndef MARK_UNLOCKED
	list_lock = 0;
#endif
#ifndef NO_BAR
	lock(page_lock);
	page_lock = 0;
#endif
	/* Page tables among them give back what they name: without the lock. */
	seen = others;
	lock(page_lock);
	assert(seen == others);
	others = 0;
	page_lock = 0;
	do
	:: seen -> seen--; disown()
	:: else -> break
	od;
	atomic { allocated = 0; orphan = foreign };
	if
#ifdef DISOWN_EARLY
	:: true -> disown()
#else
	:: !orphan -> disown()
	:: else
#endif
	fi;
	put_domain()
}

proctype maker()
{
	lock(list_lock);
#ifdef NUMBER_EARLY
	listed_anew = !listed || dying;
#else
	listed_anew = !listed;
#endif
	list_lock = 0
}

init {
	atomic {
#ifndef NO_FRAME_REF
		refs++;
#endif
		run giver();
		run walker();
		run holder();
		run killer();
		run maker()
	};
	_nr_pr == 1 -> assert(gone && !listed && !refs)
}
