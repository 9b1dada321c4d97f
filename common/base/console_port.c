/* SPDX-License-Identifier: MIT */
/*
 * The console's ports: which of them are in use, and what comes in by them.
 *
 * console=<list> of com1, com2, vga, none; `com1H' and `com1L' share a line with somebody else, by
 * the top bit of each character. Source: Xen 4.17's xen-command-line documentation.
 *
 * Invariant: a console that was asked for is there if any port answers at all.
 */
#include <isola/console.h>
#include <isola/console_port.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/serial_8250.h>
#include <isola/lib/cmdline.h>

enum share { ALONE, TOP_BIT_SET, TOP_BIT_CLEAR };

static struct port {
	/* Constant once console_ports_open() has run. */
	bool chosen, open;
	enum share share;
	/* The receiver's owner's (common/console_receive.c). */
	bool has_line;                  /* which is listened to: so it need not be polled */
	bool was_heard;                 /* an interrupt has brought input, once */
	bool was_ready;                 /* when last looked at, and no interrupt has come since */
} ports[NR_SERIAL_PORTS] = { [0] = { .chosen = true } };        /* com1 until told otherwise */

/* The screen: used, and meant to be enough. */
static bool screen_chosen = true, screen_asked;

#define for_each_open_port(i) \
	for (unsigned i = 0; i < NR_SERIAL_PORTS; i++) \
		if (ports[i].open)

/* ---- Opening -------------------------------------------------------------------------------- */

static bool open_ports(bool chosen)
{
	bool any = false;

	for (unsigned i = 0; i < NR_SERIAL_PORTS && (chosen || !any); i++) {
		if (ports[i].chosen == chosen)
			ports[i].open = serial_open(i);
		any |= ports[i].open;
	}
	return any;
}

static bool any_chosen(void)
{
	bool any = screen_chosen;

	for (unsigned i = 0; i < NR_SERIAL_PORTS; i++)
		any |= ports[i].chosen;
	return any;
}

static bool open_screen(void)
{
	const char *why;

	if (!screen_chosen)
		return false;
	if (console_screen_open(&why))
		return screen_asked;
	if (screen_asked)
		pr_warn("console=: no screen: %s", why);
	return false;
}

void console_ports_open(void)
{
	const char *why;
	bool any;

	if (!any_chosen())
		return;
	any = open_screen();
	any |= open_ports(true);
	if (any)
		return;
	if (open_ports(false))
		pr_warn("console=: no port that was asked for answers: com%u is used",
			ports[0].open ? 1 : 2);
	else if (!screen_chosen && console_screen_open(&why))
		pr_warn("console=: no port that was asked for answers: the screen is used");
}

/* ---- Sending, for console.c ------------------------------------------------------------- */

unsigned console_ports_room(void)
{
	unsigned room = SERIAL_FIFO_BYTES;

	for_each_open_port (i)
		room = min(room, serial_room(i));
	return room;
}

void console_ports_put(char c)
{
	for_each_open_port (i) {
		if (ports[i].share == TOP_BIT_SET)
			serial_put(i, c | 0x80);
		else
			serial_put(i, ports[i].share == TOP_BIT_CLEAR ? c & 0x7f : c);
	}
}

void console_ports_give_up(void)
{
	for_each_open_port (i)
		if (!serial_room(i))
			serial_give_up(i);
}

u64 console_ports_fill_ns(void)
{
	u64 ns = 0;

	for_each_open_port (i)
		ns = max(ns, serial_fill_ns(i));
	return ns;
}

void console_ports_drain(void)
{
	for_each_open_port (i)
		serial_drain(i);
}

/* ---- Receiving ------------------------------------------------------------------------------ */

bool console_ports_open_any(void)
{
	for_each_open_port (i)
		return true;
	return false;
}

bool console_ports_ready(void)
{
	bool ready = false;

	for_each_open_port (i)
		ready |= serial_input_ready(i);
	return ready;
}

void console_ports_listen(bool on)
{
	for_each_open_port (i)
		if (ports[i].has_line)
			serial_listen(i, on);
}

bool console_ports_heard(void)
{
	bool any = false;

	for_each_open_port (i) {
		bool ready = serial_input_ready(i);

		ports[i].was_heard |= ready;
		ports[i].was_ready = false;
		any |= ready;
	}
	return any;
}

/*
 * Input that lies there from one look to the next has not been told, for an interrupt was lost. If
 * none has ever come, none will.
 */
static bool was_not_told(struct port *p, bool ready)
{
	bool missed = p->has_line && ready && p->was_ready;

	p->was_ready = ready && !missed;
	if (missed && !p->was_heard) {
		p->has_line = false;
		pr_warn("com%u: its interrupt does not come: the port is polled",
			(unsigned)(p - ports) + 1);
	}
	return missed;
}

bool console_ports_look(void)
{
	bool any = false;

	for_each_open_port (i) {
		bool ready = serial_input_ready(i);

		any |= ports[i].has_line ? was_not_told(&ports[i], ready) : ready;
	}
	return any;
}

bool console_ports_are_polled(void)
{
	for_each_open_port (i)
		if (!ports[i].has_line)
			return true;
	return false;
}

/* A character that is for us, without its top bit if that was only to say so; or -1. */
static int ours(unsigned port, int c)
{
	switch (ports[port].share) {
	case TOP_BIT_SET:
		return c & 0x80 ? c & 0x7f : -1;
	case TOP_BIT_CLEAR:
		return c & 0x80 ? -1 : c;
	default:
		return c;
	}
}

size_t console_ports_read(char *buf, size_t size)
{
	size_t n = 0;

	for_each_open_port (i)
		for (unsigned took = 0; took < CONSOLE_READ_BYTES && n < size; took++) {
			int c = serial_get(i);

			if (c < 0)
				break;
			c = ours(i, c);
			if (c >= 0)
				buf[n++] = c;
		}
	return n;
}

/* ---- What they occupy ----------------------------------------------------------------------- */

void console_claim_io(void (*claim)(u16 first, u16 last))
{
	for_each_open_port (i)
		if (serial_io_base(i))
			claim(serial_io_base(i), serial_io_base(i) + 7);
}

void console_claim_memory(void (*claim)(mfn_t first, mfn_t last))
{
	for_each_open_port (i)
		if (serial_memory_base(i))
			claim(maddr_to_mfn(serial_memory_base(i)),
			      maddr_to_mfn(serial_memory_base(i)));
}

void console_claim_irqs(bool (*claim)(u8 irq))
{
	for_each_open_port (i)
		ports[i].has_line = serial_irq(i) && claim(serial_irq(i));
}

/* ---- console= ------------------------------------------------------------------------------- */

/* `com<n>', with H or L or without. */
static bool parse_port(const char *s, const char *end, unsigned *port, enum share *share)
{
	static const char *const names[NR_SERIAL_PORTS] = { "com1", "com2" };

	*share = ALONE;
	if (end - s == 5 && (end[-1] == 'H' || end[-1] == 'L'))
		*share = *--end == 'H' ? TOP_BIT_SET : TOP_BIT_CLEAR;
	for (*port = 0; *port < NR_SERIAL_PORTS; ++*port)
		if (cmdline_is(s, end, names[*port]))
			return true;
	return false;
}

/* Words that Xen has and we have not. */
static bool is_not_built(const char *s, const char *end)
{
	static const char *const words[] = { "pv", "dbgp", "ehci", "xhci", "dtuart" };

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (cmdline_is(s, end, words[i]))
			return true;
	return false;
}

/* The ports are chosen anew by each list that names one, or `none'. */
static int parse_console(const char *value)
{
	const char *cursor = value, *item, *end;
	bool any = false;

	if (!*value)
		return -EINVAL;
	while (cmdline_next_item(&cursor, &item, &end)) {
		unsigned port;
		enum share share;
		bool is_port = parse_port(item, end, &port, &share);
		bool is_screen = cmdline_is(item, end, "vga");

		if (!is_port && !is_screen && !cmdline_is(item, end, "none")) {
			pr_warn("console=: ignoring \"%.*s\": %s", (int)(end - item), item,
				is_not_built(item, end) ? "not built" : "no such console");
			continue;
		}
		for (unsigned i = 0; !any && i < NR_SERIAL_PORTS; i++)
			ports[i].chosen = false;
		screen_chosen = screen_asked = is_screen || (any && screen_asked);
		any = true;
		if (is_port) {
			ports[port].chosen = true;
			ports[port].share = share;
		}
	}
	return 0;
}
CMDLINE_CUSTOM("console", parse_console);
