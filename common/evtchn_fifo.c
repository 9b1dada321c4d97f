/* SPDX-License-Identifier: MIT */
/*
 * FIFO event words and queues: an event delivered.
 *
 * Adding @port to a queue (under the lock, so against the guest alone):
 *   1. PENDING is set; if it is neither MASKED nor LINKED, LINKED is set: it is ours to link.
 *   2. If @port was the tail of the queue that it was on last, that queue has been emptied: it has
 *      no tail any more, or what is added there next would be linked behind @port on its new queue.
 *   3. The tail's LINK becomes @port, if the tail is still LINKED: one compare-and-swap of the
 *      whole word, so that the guest cannot take it off in between. Else the queue is empty: its
 *      head becomes @port, and its bit in `ready' is set behind that.
 * Model: tests/models/fifo.pml.
 */
#include <isola/evtchn_fifo.h>
#include "evtchn_upcall.h"
#include <isola/evtchn.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/page_alloc.h>
#include <asm/loaded.h>
#include <asm/precondition.h>

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED (1u << EVTCHN_FIFO_MASKED)
#define LINKED (1u << EVTCHN_FIFO_LINKED)
#define BUSY (1u << EVTCHN_FIFO_BUSY)

/*
 * What a guest that keeps to the ABI may do to a LINKED word: clear PENDING, set MASKED, and take
 * it off; it does not clear MASKED while the word is BUSY. So four swaps do (CON-3).
 */
#define LINK_TRIES 4

/* NULL: not there yet. */
static event_word_t *word_of(const struct evtchn_fifo *f, u32 port)
{
	u32 nr = __atomic_load_n(&f->nr_words, __ATOMIC_ACQUIRE);
	event_word_t *page;

	if (unlikely(port >= nr))
		return NULL;
	port = index_nospec(port, nr);
	page = window_ptr(f->words[port / FIFO_WORDS_PER_PAGE]);
	return &page[port % FIFO_WORDS_PER_PAGE];
}

/* Bit number @bit of *@w is set. What it was. */
static bool test_and_set(u32 *w, u32 bit)
{
	bool was;

	asm volatile ("lock btsl %2, %0" : "+m"(*w), "=@ccc"(was) : "Ir"(bit) : "memory");
	return was;
}

static void clear(event_word_t *w, u32 bit)
{
	__atomic_fetch_and(w, ~bit, __ATOMIC_SEQ_CST);
}

/* *@w, which was @old, links to @port, and is not BUSY. False: it has changed, and @old too. */
static bool try_link(event_word_t *w, event_word_t *old, u32 port)
{
	return __atomic_compare_exchange_n(w, old, (*old & ~(BUSY | EVTCHN_FIFO_LINK_MASK)) | port,
					   false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* @port follows the tail @w. False: that is on no queue any more. */
static bool link_behind(event_word_t *w, u32 port)
{
	event_word_t old = READ_ONCE(*w);

	if (!(old & LINKED))
		return false;
	if (likely(try_link(w, &old, port)))
		return true;
	old = __atomic_or_fetch(w, BUSY, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < LINK_TRIES && old & LINKED; i++)
		if (try_link(w, &old, port))
			return true;
	/* Off the queue; or it keeps to no ABI, and loses the event. */
	clear(w, BUSY);
	return old & LINKED;
}

/* NULL: neither it nor a port beside it has ever been taken. */
static struct fifo_port *fifo_port_of(const struct evtchn_fifo *f, u32 port)
{
	struct fifo_port *page;

	port = index_nospec(port, EVTCHN_FIFO_NR_CHANNELS);
	page = READ_ONCE(f->ports[port / FIFO_WORDS_PER_PAGE]);
	return page ? &page[port % FIFO_WORDS_PER_PAGE] : NULL;
}

/* The page for @port and its neighbours. evtchn_lock held, or nobody else knows @f. */
static struct fifo_port *page_of_port(struct evtchn_fifo *f, u32 port)
{
	struct fifo_port **page = &f->ports[port / FIFO_WORDS_PER_PAGE], *new;

	if (!*page) {
		/* public: FIFO event channels */
		new = public_alloc(FIFO_WORDS_PER_PAGE * sizeof(*new));
		WRITE_ONCE(*page, new);
	}
	return *page;
}

int evtchn_fifo_take_port(const struct domain *d, struct evtchn_fifo *f, u32 port)
{
	struct fifo_port *page = page_of_port(f, port), *p;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!page)
		return -ENOMEM;
	p = &page[port % FIFO_WORDS_PER_PAGE];
	p->pending = false;
	p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	return 0;
}

void evtchn_fifo_free(struct evtchn_fifo *f)
{
	for (unsigned i = 0; i < FIFO_MAX_PAGES; i++)
		if (f->ports[i])
			public_free(f->ports[i]);
	public_free(f);
}

/*
 * Steps 2 and 3 for @port, which @v has been given LINKED. True: its queue was empty, and its
 * head is @port now.
 */
static bool enqueue(struct evtchn_fifo *f, const struct vcpu *v,
		    struct evtchn_fifo_control_block *control, struct fifo_port *p, u32 port)
{
	u8 priority = p->priority;
	u32 *last = &f->vcpu[p->last_vcpu].tail[p->last_priority];
	u32 *tail = &f->vcpu[v->id].tail[priority];
	bool linked = false;

	ASSERT_LOCKED(&f->lock);
	if (*last == port)
		*last = 0;
	p->last_vcpu = v->id;
	p->last_priority = priority;
	if (*tail)
		linked = link_behind(word_of(f, *tail), port);
	*tail = port;
	if (!linked)
		WRITE_ONCE(control->head[priority], port);
	return !linked;
}

/*
 * Step 1, and what follows. *@is_new: it was not pending before. The control block of @v, to be
 * told that @port is the head of a queue; NULL: there is nothing to tell. Under the lock.
 */
static struct evtchn_fifo_control_block *set_pending(struct evtchn_fifo *f, const struct vcpu *v,
						     struct fifo_port *p, u32 port, bool *is_new)
{
	struct evtchn_fifo_control_block *control;
	event_word_t *w = word_of(f, port);
	u64 maddr;

	ASSERT_LOCKED(&f->lock);
	*is_new = false;
	if (unlikely(!w)) {
		p->pending = true;
		return NULL;
	}
	*is_new = !test_and_set(w, EVTCHN_FIFO_PENDING);
	if (READ_ONCE(*w) & MASKED)
		return NULL;
	maddr = READ_ONCE(f->vcpu[v->id].control); /* without one nothing is unmasked yet */
	if (unlikely(!maddr) || test_and_set(w, EVTCHN_FIFO_LINKED))
		return NULL;
	control = (void *)(VA_WINDOW + maddr);
	return enqueue(f, v, control, p, port) ? control : NULL;
}

void evtchn_fifo_deliver(struct evtchn_fifo *f, struct vcpu *v, u32 port)
{
	struct fifo_port *p = fifo_port_of(f, port);
	struct evtchn_fifo_control_block *to_tell;
	u8 priority;
	bool is_new;

	if (unlikely(!p))
		return;
	spin_lock(&f->lock);
	priority = p->priority;
	to_tell = set_pending(f, v, p, port, &is_new);
	spin_unlock(&f->lock);
	if (to_tell && !test_and_set(&to_tell->ready, priority))
		raise_upcall(v, vcpu_info_of(v));
	if (is_new)
		wake_pollers(v->domain, port);
}

void evtchn_fifo_clear_mask(struct evtchn_fifo *f, struct vcpu *v, u32 port)
{
	event_word_t *w = word_of(f, port);

	if (!w)
		return;
	clear(w, MASKED);
	if (READ_ONCE(*w) & PENDING)
		evtchn_fifo_deliver(f, v, port);
}

/* It stays on its queue: the guest takes it off, and does nothing about it. */
void evtchn_fifo_clear_pending(struct evtchn_fifo *f, u32 port)
{
	event_word_t *w = word_of(f, port);

	if (w)
		clear(w, PENDING);
}

void evtchn_fifo_prefer(struct evtchn_fifo *f, u32 port, u8 priority)
{
	struct fifo_port *p = fifo_port_of(f, port);

	if (!p)
		return;
	spin_lock(&f->lock);
	p->priority = priority;
	spin_unlock(&f->lock);
}

bool evtchn_fifo_is_pending(const struct evtchn_fifo *f, u32 port)
{
	const event_word_t *w = word_of(f, port);

	return w && READ_ONCE(*w) & PENDING;
}

bool evtchn_fifo_is_linked(const struct evtchn_fifo *f, u32 port)
{
	const event_word_t *w = word_of(f, port);

	return w && READ_ONCE(*w) & LINKED;
}
