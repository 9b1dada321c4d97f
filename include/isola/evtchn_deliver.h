/* SPDX-License-Identifier: MIT */
/*
 * Delivering events by whichever ABI the domain uses (evtchn_2l.h of common/, evtchn_fifo.h), or,
 * where its memory is not mapped, posting them in the public post box of the vcpu. @port is one
 * that is there.
 */
#pragma once

#include <isola/printk.h>
#include <isola/vcpu.h>
#include <asm/insn.h>
#include <asm/percpu.h>

/*
 * The marks around what reads a port, or delivers, without evtchn_lock: this CPU's count is even
 * outside, odd inside. Not in interrupt handlers, which could come in between. Waited for by
 * evtchn_wait_for_senders().
 *
 * A full barrier: the mark is seen by whoever changes a port before that port is read here.
 */
static inline u64 *send_begin(void)
{
	u64 *mark = &this_cpu.pub->send_mark;

	ASSERT(!(*mark % 2));
	__atomic_fetch_add(mark, 1, __ATOMIC_SEQ_CST);
	return mark;
}

/* Only this CPU writes its mark. */
static inline void send_end(u64 *mark)
{
	__atomic_store_n(mark, *mark + 1, __ATOMIC_RELEASE);
}

/*
 * Wait until no CPU is inside an evtchn_send(), a send_*_virq() or a fold of its own vcpu's posts
 * that began before: what it read of a port, or of where a vcpu_info stands, it has used, and what
 * it took of the posts it has delivered. evtchn_lock held, and the change made. Bounded: a sender
 * runs to its end, whatever interrupts it.
 */
static inline void evtchn_wait_for_senders(void)
{
	const struct cpu_public *pub = cpu_public, *end = pub + nr_cpus;

	smp_mb();               /* the change, then the marks */
	do {
		u64 mark = READ_ONCE(pub->send_mark);

		while (unlikely(mark % 2) && READ_ONCE(pub->send_mark) == mark)
			cpu_relax();
	} while (++pub < end);
	barrier();
}

/*
 * Make @port pending for @v, whose domain and kernel root are loaded. evtchn_lock held, or sending.
 */
void evtchn_deliver(struct vcpu *v, u32 port);
/*
 * Make @port pending for @v: straight through if v's domain is the loaded one, else posted.
 * Hypercall context; evtchn_lock held, or sending.
 */
void evtchn_deliver_or_post(struct vcpu *v, u32 port);
/* The same, posted in any case. Any context but NMI; no lock. */
void evtchn_post(struct vcpu *v, u32 port);
/*
 * Move v's posts to its domain's memory. v's domain loaded; evtchn_lock held, or v is current and
 * this is between the marks.
 */
void evtchn_fold_vcpu(struct vcpu *v);
/* Clear the mask bit and raise what was held back. v's domain loaded, evtchn_lock held. */
void evtchn_clear_mask(struct vcpu *v, u32 port);
/* Take back the post of @port for @v. evtchn_lock held. */
void evtchn_unpost(struct vcpu *v, u32 port);
/* Forget that @port is pending, if d is loaded or visited. evtchn_lock held. */
void evtchn_clear_pending(struct domain *d, u32 port);
/* Is @port still on a queue of the guest's, as far as can be seen? evtchn_lock held. */
bool evtchn_is_linked(const struct domain *d, u32 port);
