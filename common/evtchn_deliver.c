/* SPDX-License-Identifier: MIT */
/*
 * Events delivered: straight, or by posts that are folded in.
 *
 * Invariants: guest memory is touched only while its domain's kernel root is loaded on this CPU; a
 * post is a set bit in the public struct vcpu and nothing else. Every bit is made visible before
 * the flag above it and the flag before the vcpu is told (port, word, event_check, wake), and taken
 * in the opposite order, so an event may be looked for twice but is never missed.
 */
#include <isola/evtchn_deliver.h>
#include "evtchn_2l.h"
#include <isola/evtchn.h>
#include <isola/evtchn_fifo.h>
#include <isola/sched.h>
#include <isola/lib/bitmap.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/loaded.h>
#include <asm/precondition.h>

static bool is_loaded(const struct domain *d)
{
	return current->domain == d && this_cpu.cr3 == current->cr3_kernel;
}

/* The same on a visit: for what is not in a hurry. */
static bool is_reachable(const struct domain *d)
{
	return this_cpu.visited ? this_cpu.visited == d : is_loaded(d);
}

__noinline void evtchn_2l_tell(struct vcpu *v, u32 port)
{
	vcpu_tell(v);
	wake_pollers(v->domain, port);
}

/* Held, or between the marks: what is read here stays until the end of that. */
static inline struct evtchn_fifo *fifo_of(const struct domain *d)
{
	return READ_ONCE(d->evtchn_fifo);
}

void evtchn_deliver(struct vcpu *v, u32 port)
{
	struct evtchn_fifo *f = fifo_of(v->domain);

	ASSERT_OWNER_LOADED(v->domain);
	/* Those beyond are closed, and unposted, before FIFO is given up. */
	ASSERT(f || port < EVTCHN_2L_PORTS);
	if (unlikely(f))
		evtchn_fifo_deliver(f, v, port);
	else
		evtchn_2l_deliver(v, port);
}

/* Where @port of @v is posted: beyond the first EVTCHN_2L_PORTS in parts that come with it. */
static __always_inline u64 *post_word(struct vcpu *v, u32 port)
{
	u32 word = port / 64;

	if (likely(word < POST_WORDS))
		return &v->posted[word];
	return &v->posted_more[word / POST_WORDS - 1][word % POST_WORDS];
}

void evtchn_post(struct vcpu *v, u32 port)
{
	if (atomic_bitmap_test_and_set(post_word(v, port), port % 64))
		return;
	atomic_bitmap_set(&v->posted_any, port / 64 % 64);
	vcpu_tell(v);
	wake_pollers(v->domain, port);
}

void evtchn_deliver_or_post(struct vcpu *v, u32 port)
{
	if (is_loaded(v->domain))
		evtchn_deliver(v, port);
	else
		evtchn_post(v, port);
}

static __always_inline void fold_word(struct vcpu *v, u64 *posted, u32 word)
{
	u64 bits = __atomic_exchange_n(posted, 0, __ATOMIC_SEQ_CST);

	for (; bits; bits &= bits - 1)
		evtchn_deliver(v, word * 64 + __builtin_ctzl(bits));
}

/* The same word of each part. */
static __noinline void fold_more(struct vcpu *v, u32 word)
{
	for (u32 i = 0; i < ARRAY_SIZE(v->posted_more) && v->posted_more[i]; i++)
		fold_word(v, &v->posted_more[i][word], (i + 1) * POST_WORDS + word);
}

/*
 * Bounded: each port's bit is taken once. What is posted meanwhile raises event_check again.
 */
void evtchn_fold_vcpu(struct vcpu *v)
{
	u64 words;

	ASSERT_OWNER_LOADED(v->domain);
	if (likely(!READ_ONCE(v->posted_any)))
		return;
	words = __atomic_exchange_n(&v->posted_any, 0, __ATOMIC_SEQ_CST);
	for (; words; words &= words - 1) {
		u32 word = __builtin_ctzl(words);

		fold_word(v, &v->posted[word], word);
		if (unlikely(v->posted_more[0]))
			fold_more(v, word);
	}
}

void evtchn_clear_mask(struct vcpu *v, u32 port)
{
	struct evtchn_fifo *f = fifo_of(v->domain);

	ASSERT_LOCKED(&v->domain->evtchn_lock);
	ASSERT_OWNER_LOADED(v->domain);
	if (unlikely(f))
		evtchn_fifo_clear_mask(f, v, port);
	else if (port < EVTCHN_2L_PORTS)        /* those beyond are left from FIFO, and closed */
		evtchn_2l_clear_mask(v, port);
}

void evtchn_unpost(struct vcpu *v, u32 port)
{
	ASSERT_LOCKED(&v->domain->evtchn_lock);
	atomic_bitmap_clear(post_word(v, port), port % 64);
}

void evtchn_clear_pending(struct domain *d, u32 port)
{
	struct evtchn_fifo *f = fifo_of(d);

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!is_reachable(d))
		return;
	if (f)
		evtchn_fifo_clear_pending(f, port);
	else
		evtchn_2l_clear_pending(d, port);
}

bool evtchn_is_linked(const struct domain *d, u32 port)
{
	ASSERT_LOCKED(&d->evtchn_lock);
	return is_reachable(d) && fifo_of(d) && evtchn_fifo_is_linked(fifo_of(d), port);
}

/* ---- The current vcpu's own view ------------------------------------------------------------ */

/* Without a lock: while a post is neither here nor there, the mark says so. */
static void fold_own(void)
{
	u64 *mark = send_begin();

	evtchn_fold_vcpu(current);
	send_end(mark);
}

void evtchn_fold(void)
{
	ASSERT_KERNEL_ROOT();
	/*
	 * With a barrier behind it, or the store could come after a poster's, of 1, and what was
	 * posted before that stay unseen.
	 */
	if (READ_ONCE(current->event_check)) {
		WRITE_ONCE(current->event_check, 0);
		smp_mb();
	}
	if (READ_ONCE(current->posted_any))
		fold_own();
}

bool evtchn_is_pending(u32 port)
{
	struct domain *d = current->domain;
	u64 *mark = send_begin();       /* a sibling may go back to two-level */
	struct evtchn_fifo *f = fifo_of(d);
	bool is_pending = f ? evtchn_fifo_is_pending(f, port)
			    : port < EVTCHN_2L_PORTS && evtchn_2l_is_pending(d, port);

	ASSERT_KERNEL_ROOT();
	send_end(mark);
	return is_pending;
}

bool evtchn_upcall_due(void)
{
	const struct vcpu_info *info = vcpu_info_of(current);

	ASSERT_KERNEL_ROOT();
	if (READ_ONCE(current->posted_any))
		fold_own();
	return READ_ONCE(info->evtchn_upcall_pending) && !READ_ONCE(info->evtchn_upcall_mask);
}
