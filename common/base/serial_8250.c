/* SPDX-License-Identifier: MIT */
/*
 * 8250-family UARTs: com1 and com2, polled.
 *
 * com1=<baud>[/<clock Hz>][,[<data><parity><stop>][,<I/O base>]], baud `auto' for what the firmware
 * left. A port is set up at its first byte, so an option that comes later than some output just
 * sets it up again. Waiting for the transmitter is bounded: a port that is absent or stuck drops
 * its text. Source: National PC16550D data sheet, section 8.
 */
#include <isola/serial_8250.h>
#include <isola/errno.h>
#include <isola/lib/cmdline.h>
#include <asm/insn.h>

enum { RBR = 0, THR = 0, DLL = 0, DLM = 1, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };

#define FCR_ENABLE_AND_CLEAR 0x07
#define IIR_HAS_FIFO         0xc0
#define LCR_DLAB             0x80
#define MCR_DTR_RTS          0x03
#define LSR_DATA_READY       0x01
#define LSR_THR_EMPTY        0x20
#define LSR_IDLE      0x40          /* the shift register too: nothing is on its way */

#define FIFO_BYTES           16
#define DEFAULT_CLOCK_HZ     1843200
/* at least as many microseconds on ISA: a FIFO at 1200 baud fits */
#define MAX_POLLS            (1u << 18)

struct uart {
	u16 base;
	u32 baud;                       /* 0: as found */
	u32 clock_hz;
	u8 lcr;                         /* data bits, parity, stop bits */
	u8 fifo;                        /* bytes that may follow one LSR_THR_EMPTY */
	bool ready, absent, stuck;
};

static struct uart uarts[NR_SERIAL_PORTS] = {
	{ .base = 0x3f8, .baud = 115200, .clock_hz = DEFAULT_CLOCK_HZ, .lcr = 3 },
	{ .base = 0x2f8, .baud = 115200, .clock_hz = DEFAULT_CLOCK_HZ, .lcr = 3 },
};

static u8 uart_in(const struct uart *u, unsigned reg)
{
	return inb(u->base + reg);
}

static void uart_out(const struct uart *u, unsigned reg, u8 val)
{
	outb(val, u->base + reg);
}

static void set_up(struct uart *u)
{
	u->ready = true;
	u->absent = uart_in(u, LSR) == 0xff;
	if (u->absent)
		return;
	uart_out(u, IER, 0);
	if (u->baud) {
		u32 divisor = u->clock_hz / 16 / u->baud;

		uart_out(u, LCR, u->lcr | LCR_DLAB);
		uart_out(u, DLL, divisor);
		uart_out(u, DLM, divisor >> 8);
	}
	uart_out(u, LCR, u->lcr);
	uart_out(u, FCR, FCR_ENABLE_AND_CLEAR);
	uart_out(u, MCR, MCR_DTR_RTS);
	u->fifo = (uart_in(u, IIR) & IIR_HAS_FIFO) == IIR_HAS_FIFO ? FIFO_BYTES : 1;
	u->stuck = false;
}

static struct uart *uart_get(unsigned port)
{
	struct uart *u = &uarts[port];

	if (!u->ready)
		set_up(u);
	return u->absent ? NULL : u;
}

/* False: the transmitter does not empty. Once that has been found, one look is all it gets. */
static bool wait_empty(struct uart *u)
{
	u32 polls = u->stuck ? 1 : MAX_POLLS;

	for (; polls; polls--) {
		if (uart_in(u, LSR) & LSR_THR_EMPTY) {
			u->stuck = false;
			return true;
		}
		cpu_relax();
	}
	u->stuck = true;
	return false;
}

void serial_write(unsigned port, const char *text, size_t len)
{
	struct uart *u = uart_get(port);

	while (u && len && wait_empty(u)) {
		size_t n = min_t(size_t, len, u->fifo);

		len -= n;
		while (n--)
			uart_out(u, THR, *text++);
	}
}

void serial_drain(unsigned port)
{
	struct uart *u = uart_get(port);

	for (u32 polls = MAX_POLLS; u && polls && !(uart_in(u, LSR) & LSR_IDLE); polls--)
		cpu_relax();
}

u16 serial_io_base(unsigned port)
{
	return uarts[port].base;
}

/* 3F8h and 3E8h on one line, 2F8h and 2E8h on the other. */
u8 serial_isa_irq(unsigned port)
{
	return uarts[port].base & 0x100 ? 4 : 3;
}

bool serial_input_ready(unsigned port)
{
	struct uart *u = uart_get(port);

	return u && (uart_in(u, LSR) & LSR_DATA_READY);
}

int serial_getc(unsigned port)
{
	return serial_input_ready(port) ? uart_in(&uarts[port], RBR) : -1;
}

/* ---- Options -------------------------------------------------------------------------------- */

/* Where @c is in @choices: 0 .., or -1. */
static int choice(const char *choices, char c)
{
	for (int i = 0; choices[i]; i++)
		if (choices[i] == c)
			return i;
	return -1;
}

/* `8n1' -> line control bits. Parity codes 0 1 3 5 7 are none, odd, even, mark, space. */
static int parse_frame(const char *s, const char *end, u8 *lcr)
{
	static const u8 parity_bits[] = { 0, 1, 3, 5, 7 };
	int data, parity, stop;

	if (end - s != 3)
		return -EINVAL;
	data = choice("5678", s[0]);
	parity = choice("noems", s[1]);
	stop = choice("12", s[2]);
	if (data < 0 || parity < 0 || stop < 0)
		return -EINVAL;
	*lcr = data | stop << 2 | parity_bits[parity] << 3;
	return 0;
}

static int parse_baud(const char *s, const char *end, struct uart *u)
{
	const char *slash = s;
	u64 baud, clock_hz = DEFAULT_CLOCK_HZ;

	if (cmdline_is(s, end, "auto")) {
		u->baud = 0;
		return 0;
	}
	while (slash < end && *slash != '/')
		slash++;
	if (cmdline_parse_u64(s, slash, &baud) ||
	    (slash < end && cmdline_parse_u64(slash + 1, end, &clock_hz)))
		return -EINVAL;
	/* The divisor has 16 bits and must not be 0. */
	if (!baud || baud > clock_hz / 16 || clock_hz > 1u << 28 || clock_hz / 16 / baud > 0xffff)
		return -EINVAL;
	u->baud = baud;
	u->clock_hz = clock_hz;
	return 0;
}

static int parse_item(unsigned nr, const char *s, const char *end, struct uart *u)
{
	u64 base;

	switch (nr) {
	case 0:
		return parse_baud(s, end, u);
	case 1:
		return parse_frame(s, end, &u->lcr);
	case 2:
		if (cmdline_parse_u64(s, end, &base) || !base || base > 0xfff8)
			return -EINVAL;
		u->base = base;
		return 0;
	default:
		return -EINVAL;
	}
}

static int parse_com(unsigned port, const char *value)
{
	const char *cursor = value, *item, *end;
	struct uart u = uarts[port];
	unsigned nr = 0;

	for (; cmdline_next_item(&cursor, &item, &end); nr++)
		if (item != end && parse_item(nr, item, end, &u))
			return -EINVAL;
	if (!nr)
		return -EINVAL;
	u.ready = false;
	uarts[port] = u;
	return 0;
}

static int parse_com1(const char *value) { return parse_com(0, value); }
static int parse_com2(const char *value) { return parse_com(1, value); }

CMDLINE_CUSTOM("com1", parse_com1);
CMDLINE_CUSTOM("com2", parse_com2);
