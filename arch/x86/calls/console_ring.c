/* SPDX-License-Identifier: MIT */
/*
 * Console rings: what a static domain writes into its own leaves by the machine's console, a line
 * at a time, with the domain's name in front; what is typed for it comes in by its own.
 *
 * Invariants: the ring is the sender's own memory, looked at through its own window in its own
 * call. The only buffer is on this CPU's stack, and is wiped: a line that is not whole yet stays in
 * the ring. Both ends of the ring are read once and masked; a domain that writes its consumer index
 * loses or repeats its own text. A line that somebody else has broken, since the domain's turn was
 * over, goes on in a line of its own, with the name.
 */
#include <isola/console.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lib/format.h>
#include <isola/lib/string.h>
#include <asm/console_ring.h>
#include <asm/cpu_window.h>
#include <asm/insn.h>
#include <asm/loaded.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/preempt.h>
#include <asm/window.h>
#include <xen/io/console.h>

/* Of one line, without the name: the rest of a longer one has its own. */
#define LINE_MOST	(CONSOLE_CHUNK_BYTES - DOMAIN_NAME_BYTES - 4)

struct line {
	u32 taken;			/* of the ring's bytes */
	u32 name;			/* bytes of the text before the ring's */
	u32 len;			/* of the text */
	char text[CONSOLE_CHUNK_BYTES];
};

static u8 ring_at(const struct xencons_interface *ring, u32 i)
{
	return READ_ONCE(ring->out[MASK_XENCONS_IDX(i, ring->out)]);
}

/* What a terminal would take for an order is not passed on. */
static char printable(u8 c)
{
	if (c == '\t')
		return ' ';
	return c < ' ' || c == 0x7f ? '\0' : c;
}

/* The next line from @cons on, of @nr bytes that there are. False: it has no end yet. */
static bool read_line(const struct domain *d, const struct xencons_interface *ring, u32 cons,
		      u32 nr, struct line *line)
{
	u8 c = 0;

	line->name = line->len = snprintf(line->text, sizeof(line->text), "(%s) ", d->name);
	for (line->taken = 0; line->taken < nr && line->len - line->name < LINE_MOST;) {
		c = ring_at(ring, cons + line->taken++);
		if (c == '\n')
			break;
		if (printable(c))
			line->text[line->len++] = printable(c);
	}
	if (c != '\n' && line->len - line->name < LINE_MOST && nr < sizeof(ring->out))
		return false;
	line->text[line->len++] = '\n';
	return true;
}

/* How many of the ring's bytes the first @n of @line's are. Its end is there if its text is. */
static u32 bytes_of(const struct xencons_interface *ring, u32 cons, const struct line *line, u32 n)
{
	u32 bytes = 0;

	if (n + 1 >= line->len)
		return line->taken;
	for (u32 shown = line->name; shown < n && bytes < line->taken;)
		shown += printable(ring_at(ring, cons + bytes++)) != '\0';
	return bytes;
}

/*
 * The rest of @line. 0; -ERESTART: something else is due; -EINTR: it has been broken.
 * d->console_sent says how far it has come.
 */
static long send_line(struct domain *d, const struct line *line)
{
	while (d->console_sent < line->len) {
		u32 sent = d->console_sent;
		size_t n = sent ? console_write_guest_rest(d, line->text + sent, line->len - sent) :
				  console_write_guest_line(d, line->text, line->len);

		if (n == CONSOLE_BROKEN)
			return -EINTR;
		d->console_sent += n;
		if (d->console_sent < line->len) {
			if (hypercall_preempt_check())
				return -ERESTART;
			cpu_relax();
		}
	}
	return 0;
}

/* One line, or what there is of one. 0: sent; -ERESTART; -ENOENT: there is none. */
static long send_one(struct domain *d, struct xencons_interface *ring)
{
	u32 cons = READ_ONCE(ring->out_cons);
	/* The index, then what it covers. */
	u32 nr = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE) - cons;
	struct line line;
	long rc = -ENOENT;

	if (nr > sizeof(ring->out))
		nr = 0;
	if (nr && read_line(d, ring, cons, nr, &line))
		rc = send_line(d, &line);
	if (rc == -EINTR) {
		line.taken = bytes_of(ring, cons, &line, d->console_sent);
		rc = 0;
	}
	if (!rc) {
		d->console_sent = 0;
		__atomic_store_n(&ring->out_cons, cons + line.taken, __ATOMIC_RELEASE);
	}
	console_wipe(&line, sizeof(line));
	return rc;
}

static long send_all(struct domain *d)
{
	struct xencons_interface *ring = window_ptr(d->console_mfn);
	bool any = false;
	long rc;

	for (;;) {
		rc = send_one(d, ring);
		if (rc)
			break;
		any = true;
		if (hypercall_preempt_check()) {
			rc = -ERESTART;
			break;
		}
	}
	if (any)
		evtchn_notify_own(d, CONSOLE_RING_PORT);
	return rc == -ENOENT ? 0 : rc;
}

/*
 * The hook behind the port: print the whole lines in the ring. -ERESTART: there is more, and
 * something else is due.
 */
long console_ring_sent(struct domain *d)
{
	u32 seen;
	long rc;

	ASSERT_KERNEL_ROOT();
	/* One vcpu at a time: the first sees to what the others have, too. */
	if (__atomic_fetch_add(&d->console_sends, 1, __ATOMIC_SEQ_CST))
		return 0;
	do {
		seen = READ_ONCE(d->console_sends);
		rc = send_all(d);
		if (rc) {
			/* It comes again. */
			__atomic_store_n(&d->console_sends, 0, __ATOMIC_RELEASE);
			return rc;
		}
	} while (!__atomic_compare_exchange_n(&d->console_sends, &seen, 0, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return 0;
}

/* Both ends of the ring are the domain's to spoil: masked. True: there was room. */
static bool put_typed(struct xencons_interface *ring, char c)
{
	u32 prod = READ_ONCE(ring->in_prod);

	if (prod - READ_ONCE(ring->in_cons) >= sizeof(ring->in))
		return false;
	ring->in[MASK_XENCONS_IDX(prod, ring->in)] = c;
	/* What it covers, then the index. */
	__atomic_store_n(&ring->in_prod, prod + 1, __ATOMIC_RELEASE);
	return true;
}

/*
 * The ring's frame stays as long as page_lock is held and the domain does not die: its frames go
 * when that lock has been taken once more (control/domain_destroy.c).
 */
bool console_ring_typed(struct domain *d, char c)
{
	bool has_ring, taken = false;
	u64 flags;

	spin_lock(&d->page_lock);
	has_ring = !READ_ONCE(d->is_dying) && mfn_is_valid_num(d->console_mfn);
	if (has_ring) {
		flags = irq_save();
		taken = put_typed(cpu_window_map(WINDOW_INPUT, d->console_mfn, PAGE_HV_RW), c);
		cpu_window_unmap(WINDOW_INPUT);
		irq_restore(flags);
	}
	spin_unlock(&d->page_lock);
	if (taken)
		evtchn_notify_own_from_afar(d, CONSOLE_RING_PORT);
	return taken || !has_ring;
}

void console_ring_create(struct domain *d, mfn_t m)
{
	BUG_ON(page_get_and_type(page_of(m), d, PGT_writable));
	d->console_mfn = m;
}
