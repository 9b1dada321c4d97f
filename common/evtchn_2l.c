/* SPDX-License-Identifier: MIT */
/*
 * Two-level event words: straight delivery, posts, and folding posts in.
 *
 * Invariants: guest memory is touched only while its domain's kernel root is loaded on this CPU; a
 * post is a set bit in the public struct vcpu and nothing else. Every bit is made visible before
 * the flag above it and the flag before the vcpu is told (port, word, event_check, wake), and taken
 * in the opposite order, so an event may be looked for twice but is never missed. The guest may
 * write any of these words at any time: they are only ever set, tested and cleared, bit by bit.
 */
#include <isola/evtchn_2l.h>
#include <isola/evtchn.h>
#include <isola/sched.h>
#include <isola/lib/bitmap.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/loaded.h>
#include <asm/precondition.h>

static struct shared_info *shared_of(const struct domain *d)
{
	return window_ptr(d->shared_info_mfn);
}

static bool is_loaded(const struct domain *d)
{
	return current->domain == d && this_cpu.cr3 == current->cr3_kernel;
}

static bool is_polling_for(const struct vcpu *v, u32 port)
{
	u32 nr = READ_ONCE(v->nr_polled);

	if (nr > ARRAY_SIZE(v->polled))
		return true;
	for (u32 i = 0; i < nr; i++)
		if (READ_ONCE(v->polled[i]) == port)
			return true;
	return false;
}

static __noinline void wake_some(const struct domain *d, u32 port, u32 mask)
{
	for (; mask; mask &= mask - 1) {
		struct vcpu *v = d->vcpu[__builtin_ctz(mask)];

		if (is_polling_for(v, port))
			vcpu_unblock(v);
	}
}

/*
 * Any vcpu may poll for any port. A locked operation has gone before: the event is visible before
 * poll_mask is read.
 */
static __always_inline void wake_pollers(const struct domain *d, u32 port)
{
	u32 mask = READ_ONCE(d->poll_mask);

	if (unlikely(mask))
		wake_some(d, port, mask);
}

/*
 * v's selector has a new bit: raise the upcall flag and have it looked at. The exit path looks at
 * current's by itself.
 */
static __always_inline void raise_upcall(struct vcpu *v, struct vcpu_info *info)
{
	if (__atomic_exchange_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST) || v == current)
		return;
	WRITE_ONCE(v->event_check, 1);
	vcpu_unblock(v);
	vcpu_kick(v);
}

static __always_inline void select_port(struct vcpu *v, u32 port)
{
	struct vcpu_info *info = vcpu_info_of(v);

	if (!atomic_bitmap_test_and_set(&info->evtchn_pending_sel, port / 64))
		raise_upcall(v, info);
}

void evtchn_2l_deliver(struct vcpu *v, u32 port)
{
	struct shared_info *s = shared_of(v->domain);

	ASSERT_OWNER_LOADED(v->domain);
	if (atomic_bitmap_test_and_set(s->evtchn_pending, port))
		return;
	if (!bitmap_test(s->evtchn_mask, port))
		select_port(v, port);
	wake_pollers(v->domain, port);
}

void evtchn_2l_post(struct vcpu *v, u32 port)
{
	if (atomic_bitmap_test_and_set(v->posted, port))
		return;
	atomic_bitmap_set(&v->posted_any, port / 64);
	WRITE_ONCE(v->event_check, 1);
	vcpu_unblock(v);
	vcpu_kick(v);
	wake_pollers(v->domain, port);
}

void evtchn_2l_send(struct vcpu *v, u32 port)
{
	if (is_loaded(v->domain))
		evtchn_2l_deliver(v, port);
	else
		evtchn_2l_post(v, port);
}

/*
 * Bounded: 64 words of 64 bits, each taken once. What is posted meanwhile raises event_check again.
 */
void evtchn_2l_fold(struct vcpu *v)
{
	u64 words;

	ASSERT_OWNER_LOADED(v->domain);
	if (likely(!READ_ONCE(v->posted_any)))
		return;
	words = __atomic_exchange_n(&v->posted_any, 0, __ATOMIC_SEQ_CST);
	for (; words; words &= words - 1) {
		u32 word = __builtin_ctzl(words);
		u64 bits = __atomic_exchange_n(&v->posted[word], 0, __ATOMIC_SEQ_CST);

		for (; bits; bits &= bits - 1)
			evtchn_2l_deliver(v, word * 64 + __builtin_ctzl(bits));
	}
}

void evtchn_2l_unmask(struct vcpu *v, u32 port)
{
	struct shared_info *s = shared_of(v->domain);

	ASSERT_LOCKED(&v->domain->evtchn_lock);
	ASSERT_OWNER_LOADED(v->domain);
	if (atomic_bitmap_test_and_clear(s->evtchn_mask, port) &&
	    bitmap_test(s->evtchn_pending, port))
		select_port(v, port);
}

void evtchn_2l_unpost(struct vcpu *v, u32 port)
{
	ASSERT_LOCKED(&v->domain->evtchn_lock);
	atomic_bitmap_clear(v->posted, port);
}

void evtchn_2l_clear(struct vcpu *v, u32 port)
{
	ASSERT_LOCKED(&v->domain->evtchn_lock);
	if (is_loaded(v->domain))
		atomic_bitmap_clear(shared_of(v->domain)->evtchn_pending, port);
}

/* ---- The current vcpu's own view ------------------------------------------------------------ */

/* Without a lock: while a post is neither here nor there, the mark says so. */
static void fold_own(void)
{
	u64 *mark = send_begin();

	evtchn_2l_fold(current);
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
	ASSERT_KERNEL_ROOT();
	return bitmap_test(shared_of(current->domain)->evtchn_pending, port);
}

bool evtchn_upcall_due(void)
{
	const struct vcpu_info *info = vcpu_info_of(current);

	ASSERT_KERNEL_ROOT();
	if (READ_ONCE(current->posted_any))
		fold_own();
	return READ_ONCE(info->evtchn_upcall_pending) && !READ_ONCE(info->evtchn_upcall_mask);
}
