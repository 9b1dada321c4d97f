/* SPDX-License-Identifier: MIT */
/*
 * The console's output: lines wait in the ring until the transmitter has taken them, guest text
 * waits with its vcpu.
 *
 * Invariants: console_lock protects what is added to the ring, and is held for as long as it takes
 * to copy a line. The transmitter belongs to one CPU at a time, its owner, which alone reads the
 * ring's unsent end, gives the ports bytes and knows where in a line they are; it never waits for
 * them. Nobody waits for the owner either, but while booting and at the end: who finds it busy may
 * leave, because an owner that lets go looks at the ring once more.
 *
 * Order: a chunk of guest text begins only when the ring is empty, and lines that come meanwhile
 * leave when it ends or has lasted HOLD_NS.
 */
#include <isola/console.h>
#include <isola/clock.h>
#include <isola/console_port.h>
#include <isola/console_stamp.h>
#include <isola/lock_order.h>
#include <isola/printk.h>
#include <isola/serial_8250.h>
#include <isola/softirq.h>
#include <isola/spinlock.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/format.h>
#include <isola/lib/string.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/precondition.h>

#define HOLD_NS      MILLISECS(30)      /* a chunk takes 11 ms at 115200 baud */
#define STUCK_NS     MILLISECS(500)     /* a FIFO takes 133 ms at 1200 baud */

enum { UNOPENED, SYNC, ASYNC, FORCED }; /* forced: a panic, no locks any more */
static u8 mode = UNOPENED;
static bool opt_sync_console;
CMDLINE_BOOL("sync_console", opt_sync_console);

static bool opt_console_to_ring;
CMDLINE_BOOL("console_to_ring", opt_console_to_ring);

static spinlock_t console_lock = SPINLOCK_INIT(LOCK_CONSOLE);
static char first_ring[CONSOLE_RING_BYTES];
/* The last lines, for a debugger too; changed once, under console_lock and as the owner. */
static char *ring __used = first_ring;
static u64 ring_bytes = CONSOLE_RING_BYTES;     /* a power of two */
static u64 ring_end;                    /* bytes ever put in; console_lock */
static u64 log_cleared;                 /* bytes that nobody reads any more; console_lock */
static u32 nr_lost;                     /* lines for which there was no room; console_lock */

/* The owner's. */
static u64 ring_sent;                   /* bytes of the ring that have been taken */
static bool mid_line;                   /* the last byte written was not a line's end */
static char last_char;
static u64 busy_since;                  /* ns; 0: the ports took something when last asked */
static const void *held_for;            /* whose chunk has begun; NULL: nobody's */
static u64 held_until;                  /* ns */
static const void *written_by;          /* whose the last byte is; NULL: a line's of ours */

static u32 owner;                       /* of the transmitter: 1 + CPU; 0: nobody */

static bool is_async(void)
{
	return READ_ONCE(mode) == ASYNC;
}

static bool is_pending(void)
{
	return __atomic_load_n(&ring_end, __ATOMIC_SEQ_CST) != READ_ONCE(ring_sent);
}

/* ---- The transmitter ------------------------------------------------------------------------ */

static u32 me(void)
{
	return (spin_debug_started() ? smp_cpu_id() : 0) + 1;
}

static bool transmitter_take(void)
{
	u32 nobody = 0;

	return __atomic_compare_exchange_n(&owner, &nobody, me(), false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* Lines added since the owner last looked are its own to send: nobody else could. */
static void transmitter_put(void)
{
	bool held = held_for;

	__atomic_store_n(&owner, 0, __ATOMIC_SEQ_CST);
	if (!held && is_async() && is_pending())
		softirq_raise(SOFTIRQ_CONSOLE);
}

/* What the ports take; after STUCK_NS without a byte they are taken to be out of order. */
static unsigned room_now(void)
{
	unsigned room = console_ports_room();

	if (room)
		busy_since = 0;
	else if (!busy_since)
		busy_since = now_ns();
	else if (now_ns() - busy_since > STUCK_NS)
		console_ports_give_up();
	return room;
}

/* A newline leaves as CR LF. False: that was the CR, the character itself is still to come. */
static bool send(char c)
{
	bool cr_first = c == '\n' && last_char != '\r';

	if (cr_first)
		c = '\r';
	else
		mid_line = c != '\n';
	console_ports_put(c);
	last_char = c;
	return !cr_first;
}

/* At most @room bytes of the ring. A line of ours starts at the left margin. */
static void send_ring(unsigned room)
{
	u64 end = __atomic_load_n(&ring_end, __ATOMIC_ACQUIRE);

	for (; room && ring_sent != end; room--) {
		bool at_start = !ring_sent || ring[(ring_sent - 1) % ring_bytes] == '\n';

		if (at_start && mid_line)
			send('\n');
		else if (send(ring[ring_sent % ring_bytes])) {
			console_screen_put(ring[ring_sent % ring_bytes]);
			WRITE_ONCE(ring_sent, ring_sent + 1);
			written_by = NULL;
		}
	}
}

static size_t send_text(const char *text, size_t len, unsigned room)
{
	size_t n = 0;

	for (; room && n < len; room--)
		if (send(text[n]))
			n++;
	return n;
}

/* ---- Waiting: boot and the end -------------------------------------------------------------- */

static unsigned wait_room(void)
{
	unsigned room = 0;

	for (u32 polls = SERIAL_MAX_POLLS; polls && !(room = console_ports_room()); polls--)
		cpu_relax();
	if (!room)
		console_ports_give_up();
	return room;
}

static void send_all(void)
{
	while (is_pending())
		send_ring(wait_room());
}

/*
 * Send all, and wait for it. Interrupts off. A CPU that was interrupted as owner leaves that to
 * what it was interrupted in, or to console_drain().
 */
static void flush(void)
{
	if (READ_ONCE(mode) == FORCED) {
		send_all();
		return;
	}
	if (READ_ONCE(owner) == me())
		return;
	while (!transmitter_take())
		cpu_relax();
	send_all();
	transmitter_put();
}

/* ---- Lines ---------------------------------------------------------------------------------- */

static const char prefix[] = "(isola) ";

static u64 add(u64 at, const char *text, size_t len)
{
	while (len--)
		ring[at++ % ring_bytes] = *text++;
	return at;
}

/*
 * Whole, at once, or not at all: the owner may be sending. Behind guest text that has no end (see
 * console_to_ring) it begins anew.
 */
static bool add_line(const char *text, size_t len)
{
	char stamp[CONSOLE_STAMP_BYTES];
	size_t stamp_len = console_stamp(stamp);
	u64 at = ring_end;

	if (at - READ_ONCE(ring_sent) + sizeof(prefix) + stamp_len + len + 1 > ring_bytes)
		return false;
	if (at && ring[(at - 1) % ring_bytes] != '\n')
		at = add(at, "\n", 1);
	at = add(at, prefix, sizeof(prefix) - 1);
	at = add(at, stamp, stamp_len);
	at = add(at, text, len);
	at = add(at, "\n", 1);
	__atomic_store_n(&ring_end, at, __ATOMIC_SEQ_CST);
	return true;
}

static void tell_lost(void)
{
	char line[64];

	if (nr_lost && add_line(line, snprintf(line, sizeof(line),
					       "%u lines lost: the console is too slow", nr_lost)))
		nr_lost = 0;
}

void console_write_line(const char *text, size_t len)
{
	bool locks = READ_ONCE(mode) != FORCED;
	u64 flags = irq_save();

	if (locks)
		spin_lock(&console_lock);
	tell_lost();
	if (!add_line(text, len))
		nr_lost++;
	if (locks)
		spin_unlock(&console_lock);
	if (READ_ONCE(mode) == SYNC || READ_ONCE(mode) == FORCED)
		flush();
	if (locks && READ_ONCE(mode) != UNOPENED)
		softirq_raise(SOFTIRQ_CONSOLE);
	irq_restore(flags);
}

/* ---- The log as dom0 reads it ---------------------------------------------------------------- */

static u64 log_start(void)
{
	ASSERT_LOCKED(&console_lock);
	return max(log_cleared, ring_end - min(ring_end, ring_bytes));
}

u32 console_log_start(void)
{
	u64 flags = spin_lock_irqsave(&console_lock);
	u64 start = log_start();

	spin_unlock_irqrestore(&console_lock, flags);
	return start;
}

u32 console_log_read(u32 *index, char *buf, u32 size)
{
	u64 flags = spin_lock_irqsave(&console_lock);
	u32 start = log_start(), end = ring_end, n;

	if (*index - start > end - start)
		*index = start;
	n = min(size, end - *index);
	for (u32 i = 0; i < n; i++)
		buf[i] = ring[(*index)++ % ring_bytes];
	spin_unlock_irqrestore(&console_lock, flags);
	return n;
}

u32 console_log_room(void)
{
	u64 unsent = READ_ONCE(ring_end) - READ_ONCE(ring_sent);

	return ring_bytes - min(unsent, ring_bytes);
}

bool console_log_grew(u64 *seen)
{
	u64 end = __atomic_load_n(&ring_end, __ATOMIC_ACQUIRE);

	return __atomic_exchange_n(seen, end, __ATOMIC_RELAXED) != end;
}

void console_log_clear(u32 index)
{
	u64 flags = spin_lock_irqsave(&console_lock);

	log_cleared = ring_end - (u32)((u32)ring_end - index);
	spin_unlock_irqrestore(&console_lock, flags);
}

void console_use_ring(char *larger, u64 bytes)
{
	u64 flags = irq_save();

	flush();
	spin_lock(&console_lock);
	for (u64 at = ring_end - min(ring_end, ring_bytes); at < ring_end; at++)
		larger[at % bytes] = ring[at % ring_bytes];
	ring = larger;
	ring_bytes = bytes;
	spin_unlock(&console_lock);
	irq_restore(flags);
}

/* ---- Guest text ----------------------------------------------------------------------------- */

static bool is_held(void)
{
	return held_for && now_ns() < held_until;
}

/* What is written: text of dom0's; or a line's start, for the left margin; or its rest. */
enum part { TEXT, LINE, REST };

/* Owner. As console_write_guest() and those behind it. */
static size_t send_chunk(const void *who, const char *text, size_t len, enum part part)
{
	bool goes_on = is_held() && held_for == who;
	size_t n;

	if (is_held() && !goes_on)
		return 0;
	if (!goes_on) {
		held_for = NULL;
		send_ring(room_now());
		if (is_pending())
			return 0;
		if (part == LINE && mid_line) {
			written_by = NULL;
			if (!send_text("\n", 1, room_now()))
				return 0;
		}
	}
	if (part == REST && written_by != who)
		return CONSOLE_BROKEN;
	n = send_text(text, len, room_now());
	if (n)
		written_by = who;
	if (n == len) {
		held_for = NULL;
	} else if (n && !goes_on) {
		held_for = who;
		held_until = now_ns() + HOLD_NS;
	}
	return n;
}

/*
 * console_to_ring: the text is a part of the log, and leaves with it. Half of the ring is the
 * hypervisor's.
 */
static size_t add_text(const char *text, size_t len, enum part part)
{
	u64 flags = spin_lock_irqsave(&console_lock), at = ring_end;
	bool fits = at - READ_ONCE(ring_sent) + len + 1 <= ring_bytes / 2;

	if (fits) {
		if (part == LINE && at && ring[(at - 1) % ring_bytes] != '\n')
			at = add(at, "\n", 1);
		at = add(at, text, len);
		__atomic_store_n(&ring_end, at, __ATOMIC_SEQ_CST);
	}
	spin_unlock_irqrestore(&console_lock, flags);
	if (!is_async()) {
		flags = irq_save();
		flush();
		irq_restore(flags);
	}
	softirq_raise(SOFTIRQ_CONSOLE);
	return fits ? len : 0;
}

/* The same where everybody waits: interrupts off, so that no line comes in between. */
static size_t send_waiting(const char *text, size_t len, enum part part)
{
	u64 flags = irq_save();
	size_t n = 0;

	flush();
	while (!transmitter_take())
		cpu_relax();
	while (part == LINE && mid_line)
		send_text("\n", 1, wait_room());
	while (n < len)
		n += send_text(text + n, len - n, wait_room());
	transmitter_put();
	irq_restore(flags);
	return n;
}

static size_t write_guest(const void *who, const char *text, size_t len, enum part part)
{
	size_t n;

	if (opt_console_to_ring)
		return add_text(text, len, part);
	if (!is_async())
		return send_waiting(text, len, part);
	if (!transmitter_take())
		return 0;
	n = send_chunk(who, text, len, part);
	transmitter_put();
	return n;
}

size_t console_write_guest(const void *who, const char *text, size_t len)
{
	return write_guest(who, text, len, TEXT);
}

size_t console_write_guest_line(const void *who, const char *text, size_t len)
{
	return write_guest(who, text, len, LINE);
}

size_t console_write_guest_rest(const void *who, const char *text, size_t len)
{
	return write_guest(who, text, len, REST);
}

/* ---- Sending later, for console_drain.c ----------------------------------------------------- */

bool console_send_some(void)
{
	unsigned room = 0;

	if (!transmitter_take())
		return false;
	if (!is_held()) {
		held_for = NULL;
		room = room_now();
		send_ring(room);
	}
	transmitter_put();
	return room;
}

bool console_is_pending(void)
{
	return is_pending();
}

/* ---- From boot to the end ------------------------------------------------------------------- */

void console_open(void)
{
	u64 flags = irq_save();

	console_ports_open();
	WRITE_ONCE(mode, SYNC);
	flush();
	irq_restore(flags);
}

void console_out_start_async(void)
{
	if (!opt_sync_console)
		WRITE_ONCE(mode, ASYNC);
}

void console_drain(void)
{
	u64 flags = irq_save();

	if (READ_ONCE(mode) != FORCED)
		WRITE_ONCE(mode, SYNC);
	flush();
	console_ports_drain();
	irq_restore(flags);
}

void console_seize(void)
{
	u64 begun = now_ns();

	while (READ_ONCE(owner) != me() && !transmitter_take() && now_ns() - begun < STUCK_NS)
		cpu_relax();
}

void console_force(void)
{
	if (READ_ONCE(mode) == UNOPENED)
		console_open();
	WRITE_ONCE(mode, FORCED);
	console_screen_force();
	send_all();
}
