/* SPDX-License-Identifier: MIT */
/*
 * FIFO event channels: a word for each port in pages of the guest's, and for each vcpu a control
 * block with the heads of sixteen queues, by priority, that the words are linked into.
 *
 *   word bit  31 PENDING   we set it, the guest clears it
 *             30 MASKED    the guest's; unmasking by a call clears it
 *             29 LINKED    on a queue: we set it, the guest clears it when it takes the word off
 *             28 BUSY      we are about to write LINK: the guest waits before it unmasks
 *             16..0 LINK   the next port on the queue; 0: none
 *
 * The guest takes from a queue's head, we add at its tail; where that is only we know. LINK and the
 * heads are written and never read: whatever a guest writes there is its own affair (EVT-5).
 *
 * A domain begins with the two-level ABI and changes with its first control block (evtchn_fifo_
 * control()), once and for all its vcpus; EVTCHNOP_reset takes it back (evtchn_fifo_stop()).
 */
#pragma once

#include <isola/types.h>
#include <isola/frame_num.h>
#include <isola/spinlock.h>
#include <isola/vcpu.h>
#include <xen/event_channel.h>

#define FIFO_WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
static_assert(EVTCHN_FIFO_PORTS == EVTCHN_FIFO_NR_CHANNELS, "posts and ports agree");
#define FIFO_MAX_PAGES (EVTCHN_FIFO_NR_CHANNELS / FIFO_WORDS_PER_PAGE)

/* What we keep of one port. */
struct fifo_port {
	u8 priority;                    /* of the queue that it goes to from now on */
	/* the queue that it went to last: it may still be its tail */
	u8 last_vcpu, last_priority;
	bool pending;                   /* an event came before its word was there */
};

/*
 * A domain's, public: numbers of frames and ports. domain.evtchn_fifo changes under evtchn_lock;
 * who follows it holds that, or is between the marks of a sender. What it names is changed under
 * @lock, which only vcpus of the domain take, with the domain loaded: no other domain's guest makes
 * anybody wait for it.
 */
struct evtchn_fifo {
	spinlock_t lock;
	u32 nr_words;                   /* words that are there: whole pages, only grows */
	/* pages of words, by number / FIFO_WORDS_PER_PAGE; each holds a reference, type writable */
	mfn_t words[FIFO_MAX_PAGES];
	/* likewise; one page from the first port on that was taken; NULL: none was. evtchn_lock */
	struct fifo_port *ports[FIFO_MAX_PAGES];
	struct fifo_vcpu {
		u64 control;            /* machine address, its page held likewise; 0: none yet */
		u32 tail[EVTCHN_FIFO_MAX_QUEUES];       /* last port of each queue; 0: empty */
	} vcpu[];
};

/*
 * Ports of a domain that uses FIFO: counterparts of evtchn_deliver.h's. Its window loaded;
 * evtchn_lock held, or between the marks of a sender.
 */
void evtchn_fifo_deliver(struct evtchn_fifo *f, struct vcpu *v, u32 port);
void evtchn_fifo_clear_mask(struct evtchn_fifo *f, struct vcpu *v, u32 port);
void evtchn_fifo_clear_pending(struct evtchn_fifo *f, u32 port);
/* From now on it goes to the queue of @priority; one that was never taken goes to the default. */
void evtchn_fifo_prefer(struct evtchn_fifo *f, u32 port, u8 priority);
bool evtchn_fifo_is_pending(const struct evtchn_fifo *f, u32 port);
/* Is it still on a queue? Then its number is not given out again. */
bool evtchn_fifo_is_linked(const struct evtchn_fifo *f, u32 port);

/* @port of @d's is taken: it has the default priority. -ENOMEM. evtchn_lock held. */
int __must_check evtchn_fifo_take_port(const struct domain *d, struct evtchn_fifo *f, u32 port);

/*
 * EVTCHNOP_init_control: @v's control block is at @maddr, whose page the caller holds, type
 * writable. 0: and that is ours; -EINVAL: it has one; -ENOMEM. Window loaded, evtchn_lock held.
 */
int __must_check evtchn_fifo_control(struct vcpu *v, u64 maddr);
/*
 * EVTCHNOP_expand_array: the words after those that are there stand in @m, held likewise. 0;
 * -EOPNOTSUPP: two-level; -ENOSPC: all are there. The second asks only.
 */
int __must_check evtchn_fifo_expand(struct domain *d, mfn_t m);
int __must_check evtchn_fifo_may_expand(const struct domain *d);
/* EVTCHNOP_set_priority: 0; -ENOSYS two-level; -EINVAL port, priority. evtchn_lock held. */
long evtchn_set_priority(struct domain *d, void *arg);

/*
 * Back to two-level: no port is open. What the pages are held by is the caller's to put, then it
 * frees. NULL: it was two-level. evtchn_lock held.
 */
struct evtchn_fifo *__must_check evtchn_fifo_stop(struct domain *d);
void evtchn_fifo_free(struct evtchn_fifo *f);
