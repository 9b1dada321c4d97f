/* SPDX-License-Identifier: MIT */
/*
 * The console: hypervisor lines and guest text on the same ports, never mixed within a line.
 *
 * Invariants: console_lock protects the column state and the ring; whoever writes holds it for at
 * most one line or CONSOLE_CHUNK_BYTES of guest text. The ring holds hypervisor lines only.
 */
#include <isola/console.h>
#include <isola/errno.h>
#include <isola/lock_order.h>
#include <isola/printk.h>
#include <isola/serial_8250.h>
#include <isola/spinlock.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/string.h>

#define RING_BYTES 16384        /* a power of two */

static const struct console_port ports[] = {
	{ "com1", serial_write, serial_input_ready, serial_getc, 0 },
	{ "com2", serial_write, serial_input_ready, serial_getc, 1 },
};

static spinlock_t console_lock = SPINLOCK_INIT(LOCK_CONSOLE);
static u32 chosen = 1;                  /* bit n: ports[n] is in use; com1 until told otherwise */
static bool forced;                     /* panic: no locks any more */
static bool mid_line;                   /* the last byte written was not a line's end */
static char last_char;
static char ring[RING_BYTES] __used;
static u64 ring_end;                    /* bytes ever put in */

static u64 lock_console(void)
{
	return READ_ONCE(forced) ? 0 : spin_lock_irqsave(&console_lock);
}

static void unlock_console(u64 flags)
{
	if (!READ_ONCE(forced))
		spin_unlock_irqrestore(&console_lock, flags);
}

void console_force(void)
{
	WRITE_ONCE(forced, true);
}

void console_drain(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		if (chosen & 1u << i)
			serial_drain(ports[i].port);
}

void console_claim_io(void (*claim)(u16 first, u16 last))
{
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
		u16 base = serial_io_base(ports[i].port);

		if (chosen & 1u << i)
			claim(base, base + 7);
	}
}

void console_claim_irqs(void (*claim)(u8 isa_irq))
{
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		if (chosen & 1u << i)
			claim(serial_isa_irq(ports[i].port));
}

static void emit(const char *text, size_t len)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		if (chosen & 1u << i)
			ports[i].write(ports[i].port, text, len);
}

/* Newlines leave as CR LF; everything else as it is, in pieces between newlines. */
static void emit_text(const char *text, size_t len)
{
	while (len) {
		const char *newline = memchr(text, '\n', len);
		size_t piece = newline ? (size_t)(newline - text) : len;

		if (piece) {
			emit(text, piece);
			last_char = text[piece - 1];
			mid_line = true;
		}
		if (newline) {
			emit(last_char == '\r' ? "\n" : "\r\n", last_char == '\r' ? 1 : 2);
			last_char = '\n';
			mid_line = false;
			piece++;
		}
		text += piece;
		len -= piece;
	}
}

static void remember(const char *text, size_t len)
{
	while (len--)
		ring[ring_end++ % RING_BYTES] = *text++;
}

void console_write_line(const char *text, size_t len)
{
	static const char prefix[] = "(isola) ";
	u64 flags = lock_console();

	if (mid_line)
		emit_text("\n", 1);
	emit_text(prefix, sizeof(prefix) - 1);
	emit_text(text, len);
	emit_text("\n", 1);
	remember(prefix, sizeof(prefix) - 1);
	remember(text, len);
	remember("\n", 1);
	unlock_console(flags);
}

void console_write_guest(const char *text, size_t len)
{
	u64 flags = lock_console();

	emit_text(text, min_t(size_t, len, CONSOLE_CHUNK_BYTES));
	unlock_console(flags);
}

bool console_input_ready(void)
{
	bool ready = false;
	u64 flags = lock_console();

	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		if (chosen & 1u << i)
			ready |= ports[i].input_ready(ports[i].port);
	unlock_console(flags);
	return ready;
}

size_t console_read(char *buf, size_t size)
{
	u64 flags = lock_console();
	size_t n = 0;
	int c;

	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		while ((chosen & 1u << i) && n < size && (c = ports[i].getc(ports[i].port)) >= 0)
			buf[n++] = c;
	unlock_console(flags);
	return n;
}

/* console=<list of com1, com2, none>. vga is a word that Xen has and we do not build. */
static int parse_console(const char *value)
{
	const char *cursor = value, *item, *end;
	u32 wanted = 0;
	bool any = false;

	while (cmdline_next_item(&cursor, &item, &end)) {
		unsigned i;

		for (i = 0; i < ARRAY_SIZE(ports); i++)
			if (cmdline_is(item, end, ports[i].name))
				break;
		if (i < ARRAY_SIZE(ports))
			wanted |= 1u << i;
		else if (cmdline_is(item, end, "vga"))
			pr_warn("console=vga is not built: there is no VGA console");
		else if (!cmdline_is(item, end, "none"))
			return -EINVAL;
		any |= i < ARRAY_SIZE(ports) || cmdline_is(item, end, "none");
	}
	if (any)
		chosen = wanted;
	return 0;
}
CMDLINE_CUSTOM("console", parse_console);
