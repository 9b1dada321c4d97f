/* SPDX-License-Identifier: MIT */
/*
 * Event channels, two-level ABI. Port states are public; the pending and mask words are the guest's
 * memory.
 *
 * Delivery (design §3): if the sender's CPU has a vcpu of the target's domain loaded
 * (current->domain == d), the bits are written straight through that domain's window; else they are
 * posted in the public struct vcpu and the target folds them in with evtchn_fold() on its own
 * kernel root. Either way the target is then kicked or woken.
 */
#pragma once

#include <isola/types.h>
#include <isola/vcpu.h>
#include <asm/window.h>

#define EVTCHNS_PER_BUCKET 64

struct evtchn_fifo;

/*
 * One port of a domain. The word is changed under domain.evtchn_lock, between states that are sent
 * to by one store; it is read without it by evtchn_send() and send_*_virq().
 */
struct evtchn {
	union {
		u64 word;
		struct {
			u8 state;               /* enum evtchn_state */
			u8 notify_vcpu;         /* whose vcpu_info is told; < nr_vcpus always */
			/*
			 * EVTCHN_UNBOUND: who may bind; EVTCHN_INTERDOMAIN: the other end's domain;
			 * EVTCHN_CONSUMED and its kind likewise
			 */
			domid_t remote_domid;
			union {
				u32 remote_port; /* EVTCHN_INTERDOMAIN, EVTCHN_CONSUMED */
				u32 virq;       /* EVTCHN_VIRQ */
				u32 pirq;       /* EVTCHN_PIRQ */
			};
		};
	};
	/*
	 * EVTCHN_INTERDOMAIN: whose port the other end is. Without a reference: that domain lasts
	 * until all its ports are closed, and this one is unbound by then. Stays behind until no
	 * sender can have seen the state.
	 */
	struct domain *peer;
};
static_assert(offsetof(struct evtchn, peer) == 8, "the rest is read and written as one word");

enum evtchn_state {
	EVTCHN_FREE,
	EVTCHN_RESERVED,                /* port 0 */
	EVTCHN_UNBOUND,
	EVTCHN_INTERDOMAIN,
	EVTCHN_VIRQ,
	EVTCHN_IPI,
	EVTCHN_PIRQ,                    /* an interrupt of a device: irq/pirq.c */
	EVTCHN_OWN,                     /* the other end is the hypervisor's: a console ring */
	/* evtchn_consumed.c: opened by the hypervisor, for .remote_domid to bind; bound. Last */
	EVTCHN_CONSUMED_UNBOUND,
	EVTCHN_CONSUMED,
};

/*
 * Where @v's vcpu_info stands in its domain's window: for vcpus of the current domain, on its
 * kernel root. Other vcpus of the domain may move theirs meanwhile: hold evtchn_lock, or be between
 * the marks of a sender, unless @v is current.
 */
static inline struct vcpu_info *vcpu_info_of(const struct vcpu *v)
{
	struct shared_info *s;

	if (v->vcpu_info_maddr)
		return (struct vcpu_info *)(VA_WINDOW + v->vcpu_info_maddr);
	s = window_ptr(v->domain->shared_info_mfn);
	return &s->vcpu_info[v->id];
}

/*
 * Raise a per-vcpu or global VIRQ of @d's, if its port is bound. Always posted. No lock. Hypercalls
 * and timers' handlers; not interrupt handlers, which could come between a sender's marks.
 */
void send_vcpu_virq(struct vcpu *v, u32 virq);
void send_global_virq(struct domain *d, u32 virq);

/*
 * Raise a global VIRQ for who handles it (virq_handler.h); if that is nobody, nothing. Context as
 * above.
 */
void raise_global_virq(u32 virq);
/* For virq_handler.c: take in @d and put out who was there, whom no sender has in hand any more. */
struct domain *__must_check virq_handler_set(u32 virq, struct domain *d);
bool __must_check virq_handler_clear(u32 virq, struct domain *d);

/*
 * An interrupt of a device on @port, which is bound to it and stays so meanwhile (under pirq.c's
 * gsi_lock). Posted. Returns where the port's vcpu runs, or ran last. Any context but NMI.
 */
u32 send_pirq(struct domain *d, u32 port);

/*
 * Hooks of the floor above (irq/pirq.c): the line behind a port of state EVTCHN_PIRQ. evtchn_lock
 * held; @d's own vcpu, kernel root. pirq_bind() unmasks the line, to @cpu: 0; -EINVAL no such line;
 * -EPERM not mapped for @d; -EBUSY the hypervisor's; -EEXIST bound; -ENOSPC no vector left. After
 * pirq_unbind() nothing more comes to @port. What is not bound to @port is left alone by the
 * others.
 */
int __must_check pirq_bind(struct domain *d, u32 pirq, u32 port, bool will_share, u32 cpu);
void pirq_unbind(struct domain *d, u32 pirq, u32 port);
void pirq_move(struct domain *d, u32 pirq, u32 port, u32 cpu);

/* Current vcpu, kernel root: move posted events into shared_info; clears v->event_check. */
void evtchn_fold(void);
/* Current vcpu, kernel root: is @port pending in shared_info? */
bool evtchn_is_pending(u32 port);
/* Current vcpu, kernel root: upcall pending and not masked (after folding)? */
bool evtchn_upcall_due(void);

/*
 * Current vcpu, kernel root: take the posts of @port's vcpu, so that shared_info is the truth about
 * it.
 */
void evtchn_fold_port(struct domain *d, u32 port);

/*
 * Boot: @port of @d, a free one of the first bucket, gets the hypervisor as its other end. What is
 * sent comes to the hook of a room above, on d's kernel root: its answer is the call's, or
 * -ERESTART. The port lasts as long as the domain.
 */
void evtchn_bind_own(struct domain *d, u32 port);
long console_ring_sent(struct domain *d);
/*
 * Hook: @c has been typed for @d, whose console's other end is the hypervisor. False: there is no
 * room for it. @d is not dying, or only just; any root, interrupts on.
 */
bool console_ring_typed(struct domain *d, char c);
/* The current domain, kernel root: @port, if its other end is the hypervisor's, is pending. */
void evtchn_notify_own(struct domain *d, u32 port);
/* For who looks: what port @port is now. False: there is none of that number, or beyond. */
bool evtchn_look(const struct domain *d, u32 port, struct evtchn *now);
/* evtchn_notify_own() from whatever root. */
void evtchn_notify_own_from_afar(struct domain *d, u32 port);

/*
 * evtchn_own.c: what a boot's description says of ports, in their domains' first buckets. A free
 * one of @d's is there for a domain of number @peer to bind.
 */
void evtchn_declare(struct domain *d, u32 port, domid_t peer);
/* Two that wait for each other's domain are connected, as if bound; else nothing happens. */
void evtchn_connect(struct domain *d, u32 port, struct domain *peer, u32 peer_port);

/*
 * evtchn_consumed.c: a port of @d's whose end the hypervisor keeps, for domain @remote to bind;
 * what is sent to it wakes @v, if v waits for a device model, and is never pending. The domain
 * itself can neither send by it nor close it. The port, or -ENOSPC, -ENOMEM, -EINVAL: dying. No
 * lock above evtchn_lock held.
 */
long __must_check evtchn_consumed_open(struct domain *d, const struct vcpu *v, domid_t remote);
/* Close it. @remote: the domain of that number, whom the caller holds. */
void evtchn_consumed_close(struct domain *d, u32 port, struct domain *remote);
/* Tell the other end of @port, if it is bound. The current domain, kernel root; no lock. */
void evtchn_consumed_notify(struct domain *d, u32 port);

/* domain_create: after the vcpus exist. -ENOMEM. Port 0 is reserved. */
int __must_check evtchn_domain_init(struct domain *d);
/* No port above @max, from now on: what its maker says, before it runs. */
void evtchn_limit(struct domain *d, u32 max);
/* Undo it, or nothing: all ports are closed, or were never open. */
void evtchn_domain_destroy(struct domain *d);
/*
 * EVTCHNOP_reset: all ports close; then d's ABI is the two-level one, and what was of FIFO is in
 * *@fifo, for the caller to put and free (evtchn_fifo_stop()). 0; -ERESTART: stopped for what is
 * due, call again, @resuming (EVT-4); -EBUSY: another is under way; -EAGAIN: others have opened
 * ports meanwhile. No lock held; window loaded.
 */
int __must_check evtchn_reset(struct domain *d, bool resuming, struct evtchn_fifo **fifo);
/*
 * The end of all of @d's ports: it is dying, its vcpus rest, so no port is opened any more. From
 * the top; 0, or -ERESTART: stopped for what is due on this CPU, call again (EVT-4). Any root; no
 * lock held.
 */
int __must_check evtchn_destroy(struct domain *d);

/* Is @port a number that the domain has a port for, whatever its state? */
bool evtchn_port_is_valid(const struct domain *d, u32 port);

/*
 * The operations of event_channel_op, one per structure of <xen/event_channel.h>, which @arg is our
 * copy of. evtchn_lock held; d's own vcpu, kernel root, but where another domain may be meant.
 * Return 0 or: -EINVAL port, VIRQ or state does not fit, or @d is dying; -ENOENT no such vcpu;
 * -EEXIST the VIRQ is bound; -ENOSPC no port left; -ENOMEM. On error nothing has changed.
 *
 * alloc_unbound, status: of @d, any domain. bind_interdomain: of @d, the caller, to @rd, whom the
 * caller holds; both locks held, which may be one.
 */
long evtchn_alloc_unbound(struct domain *d, void *arg);
long evtchn_bind_interdomain(struct domain *d, struct domain *rd, void *arg);
long evtchn_bind_virq(struct domain *d, void *arg);
long evtchn_bind_ipi(struct domain *d, void *arg);
long evtchn_bind_pirq(struct domain *d, void *arg);
long evtchn_status(struct domain *d, void *arg);
long evtchn_bind_vcpu(struct domain *d, void *arg);
/* The same for those whose structure is a port. */
long evtchn_unmask(struct domain *d, u32 port);

/*
 * EVTCHNOP_close: the other end, if there is one, becomes unbound, for @d to bind again. No lock
 * held. @d's own vcpu, kernel root, or it is dying. 0, or -EINVAL: not open.
 */
long evtchn_close(struct domain *d, u32 port);

/*
 * EVTCHNOP_send, without a lock. d's own vcpu, kernel root. 0, or -EINVAL: the port is none that
 * can be sent to; -ERESTART: once more, after what is due.
 */
long evtchn_send(struct domain *d, u32 port);
