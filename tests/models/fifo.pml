/* SPDX-License-Identifier: MIT */
/*
 * FIFO event channels: events linked behind a tail, or made heads, while the guest takes them off:
 * common/evtchn_fifo.c. Every access of either side to a word, a head, `ready' or the upcall flag
 * that matters here is a locked instruction, or under the lock, or followed by one: so no store
 * buffers.
 *
 *   evtchn_fifo_deliver, set_pending, enqueue       deliver(), under the lock
 *   link_behind, try_link                           link_behind()
 *   evtchn_fifo_clear_mask                          at the end of unmask()
 *   Linux's consumer (the guest's side of the ABI)  guest()
 *
 * Two ports, 1 and 2; two queues of one vcpu. One CPU sends to either, SENDS times, and chooses the
 * queue that the port is to go to. The guest is called, takes heads off, masks and unmasks.
 *
 * Property: when the guest rests and everything has been sent, no port that is not masked is
 * pending; and the guest never takes off a queue what is on none.
 *
 * bad BLIND_LINK: the tail's LINK is stored, whatever has become of the word
 * bad KEEP_TAIL: a queue keeps its tail when that has gone to another
 * bad ALWAYS_BEHIND: what was the tail is linked to, on a queue or not
 * bad READY_FIRST: `ready' is set before the head
 * bad UNMASK_ALONE: unmasking does not link what is pending
 * deep SENDS=4: more of all
 *
 * code common/evtchn_fifo.c: if (*last == port) *last = 0;
 * code common/evtchn_fifo.c: if (*tail) linked = link_behind(word_of(f, *tail), port);
 *      *tail = port; if (!linked) WRITE_ONCE(control->head[priority], port);
 * code common/evtchn_fifo.c: clear(w, MASKED); if (READ_ONCE(*w) & PENDING)
 * code common/evtchn_fifo.c: spin_unlock(&f->lock); if (to_tell && !test_and_set(
 */
#ifndef SENDS
#define SENDS	3
#endif

bit pending[3], masked[3], linked[3];
byte link[3];
byte head[2], tail[2], last_q[3];	/* last_q: the queue that it went to last */
bit ready[2], upcall, locked, is_over;
bit rests = 1;			/* the guest has nothing to do */

inline lock() { atomic { !locked -> locked = 1 } }
inline unlock() { locked = 0 }

/* @done_: 1, @port_ follows the tail @t_; 0, that is on no queue. Each try is one instruction. */
inline link_behind(t_, port_, done_)
{
#ifdef BLIND_LINK
	done_ = linked[t_];
	if
	:: done_ -> link[t_] = port_
	:: else
	fi
#elif defined(ALWAYS_BEHIND)
	atomic { link[t_] = port_; done_ = 1 }
#else
	atomic {
		done_ = linked[t_];
		if
		:: done_ -> link[t_] = port_
		:: else
		fi
	}
#endif
}

inline deliver(p_, q_)
{
	is_head = 0;
	lock();
	pending[p_] = 1;
	if
	:: masked[p_]
	:: else ->
		atomic { was = linked[p_]; linked[p_] = 1 };
		if
		:: was
		:: else ->
#ifndef KEEP_TAIL
			if
			:: tail[last_q[p_]] == p_ -> tail[last_q[p_]] = 0
			:: else
			fi;
#endif
			last_q[p_] = q_;
			done = 0;
			if
			:: tail[q_] -> link_behind(tail[q_], p_, done)
			:: else
			fi;
			tail[q_] = p_;
#ifdef READY_FIRST
			if
			:: !done -> unlock(); atomic { was = ready[q_]; ready[q_] = 1 };
				if
				:: !was -> upcall = 1
				:: else
				fi;
				lock(); head[q_] = p_
			:: else
			fi;
#else
			if
			:: !done -> head[q_] = p_; is_head = 1
			:: else
			fi;
#endif
		fi
	fi;
	unlock();
	if
	:: is_head ->
		atomic { was = ready[q_]; ready[q_] = 1 };
		if
		:: !was -> upcall = 1
		:: else
		fi
	:: else
	fi;
	was = 0;
	done = 0;
	is_head = 0
}

active proctype sender()
{
	byte sends, port, queue;
	bit was, done, is_head;

	do
	:: sends < SENDS ->
		if
		:: port = 1
		:: port = 2
		fi;
		if
		:: queue = 0
		:: queue = 1
		fi;
		deliver(port, queue);
		sends++
	:: sends == SENDS -> break
	od;
	is_over = 1
}

/* The guest has masked @p_, and unmasks it: by itself if nothing is pending, else by the call. */
inline unmask(p_)
{
	atomic {
		was = pending[p_];
		if
		:: !was -> masked[p_] = 0
		:: else
		fi
	};
	if
	:: was ->
		masked[p_] = 0;
#ifndef UNMASK_ALONE
		if
		:: pending[p_] -> to = last_q[p_]; deliver(p_, to); to = 0
		:: else
		fi
#endif
	:: else
	fi;
	was = 0
}

active proctype guest()
{
	byte port, q, to, next[2];
	bit mine[2], was, done, is_head;

end:
	do
	:: atomic { upcall -> upcall = 0; rests = 0 };
		atomic { mine[0] = ready[0]; ready[0] = 0; mine[1] = ready[1]; ready[1] = 0 };
		do
		:: mine[0] || mine[1] ->
			q = (mine[0] -> 0 : 1);
			port = (next[q] -> next[q] : head[q]);
			atomic {
				assert(linked[port]);
				next[q] = link[port];
				linked[port] = 0;
				link[port] = 0
			};
			if
			:: !next[q] -> mine[q] = 0
			:: else
			fi;
			if
			:: pending[port] && !masked[port] -> pending[port] = 0
			:: masked[port] = 1; unmask(port)
			:: else
			fi;
			port = 0;
			atomic {
				mine[0] = mine[0] || ready[0];
				ready[0] = 0;
				mine[1] = mine[1] || ready[1];
				ready[1] = 0
			}
		:: else -> break
		od;
		q = 0;
		rests = !upcall
	od
}

active proctype property()
{
end:
	atomic {
		(is_over && rests && !upcall &&
		 (pending[1] && !masked[1] || pending[2] && !masked[2])) -> assert(false)
	}
}
