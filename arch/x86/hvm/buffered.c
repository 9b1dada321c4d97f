/* SPDX-License-Identifier: MIT */
/*
 * Requests that nobody waits for: writes to a PC's frame buffer below 1 MiB, which a server that
 * takes such finds in its ring (struct buffered_iopage of <xen/hvm/ioreq.h>). What does not fit is
 * asked as any.
 *
 * Both pointers stand in the model's page. Ours is kept here, and only written there; the model's
 * says how much room there is, and no more: whatever it is, slots are of the ring (HVM-4).
 */
#define __XEN_TOOLS__ 1
#include <isola/domain.h>
#include <isola/evtchn.h>
#include <asm/hvm.h>
#include <asm/ioreq.h>
#include <asm/percpu.h>
#include <asm/precondition.h>
#include <asm/window.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/ioreq.h>

#define VGA_FIRST	0xa0000ul
#define VGA_LAST	0xbfffful
#define SLOTS		((u32)IOREQ_BUFFER_SLOT_NUM)
#define FOLD_TRIES	16u		/* CON-3 */

static bool is_for_ring(const struct ioreq_server *s, const struct hvm_access *a)
{
	return s->buffers && !a->is_port && !a->is_read && a->addr >= VGA_FIRST &&
	       a->addr + a->bytes - 1 <= VGA_LAST;
}

/* ring_lock held. Eight bytes take two slots, of which the second has the upper half. */
static void put(struct ioreq_server *s, struct buffered_iopage *p, const struct hvm_access *a,
		u32 nr)
{
	union { struct buf_ioreq b; u64 word; } slot = { .b = {
		.type = IOREQ_TYPE_COPY, .dir = IOREQ_WRITE, .addr = a->addr,
		.size = __builtin_ctz(a->bytes) } };

	ASSERT_LOCKED(&s->ring_lock);
	for (u32 i = 0; i < nr; i++) {
		slot.b.data = a->data >> 32 * i;
		WRITE_ONCE(*(u64 *)&p->buf_ioreq[(s->written + i) % SLOTS], slot.word);
	}
	s->written += nr;
	/* x86 keeps the order of stores. */
	WRITE_ONCE(p->write_pointer, s->written);
}

/*
 * ring_lock held. ABI: of a server of kind ATOMIC both pointers become less by as often as the
 * model's has gone round, together, so that neither ever overflows.
 */
static void fold(struct ioreq_server *s, struct buffered_iopage *p)
{
	u64 *both = (u64 *)&p->read_pointer;

	ASSERT_LOCKED(&s->ring_lock);
	for (unsigned i = 0; i < FOLD_TRIES; i++) {
		u32 read = READ_ONCE(p->read_pointer), less = read / SLOTS * SLOTS;
		u64 old = (u64)s->written << 32 | read;

		if (!less || s->written < less)
			return;
		if (__atomic_compare_exchange_n(both, &old, old - less - ((u64)less << 32), false,
						__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
			s->written -= less;
			return;
		}
	}
}

bool hvm_buffer_write(struct ioreq_server *s, const struct hvm_access *a)
{
	struct buffered_iopage *p = window_ptr(s->buffer);
	u32 nr = a->bytes == 8 ? 2 : 1;
	bool fits;

	if (!is_for_ring(s, a))
		return false;
	spin_lock(&s->ring_lock);
	fits = s->written - READ_ONCE(p->read_pointer) <= SLOTS - nr;
	if (fits) {
		put(s, p, a, nr);
		if (s->buffers == HVM_IOREQSRV_BUFIOREQ_ATOMIC)
			fold(s, p);
	}
	spin_unlock(&s->ring_lock);
	if (fits)
		evtchn_consumed_notify(current->domain, s->buffer_port);
	return fits;
}
