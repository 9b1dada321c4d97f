/* SPDX-License-Identifier: MIT */
/*
 * 8250-family UARTs. Source: National PC16550D data sheet, section 8.
 *
 * Invariant: what com1= or com2= names is tried first, then where a PC has the port: a wrong value
 * costs itself, not the port.
 */
#include <isola/serial_8250.h>
#include <isola/errno.h>
#include <isola/frame_num.h>
#include <isola/printk.h>
#include <isola/serial_option.h>
#include <isola/serial_pci.h>
#include <isola/lib/cmdline.h>
#include <asm/fixmap.h>
#include <asm/insn.h>
#include <asm/pci_conf.h>

enum { RBR = 0, THR = 0, DLL = 0, DLM = 1, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5,
       MSR = 6, NR_REGS = 8 };

#define IER_RECEIVED         0x01
#define FCR_ENABLE_AND_CLEAR 0x07
#define FCR_TELL_AT_8        0x80       /* of 16 bytes, or when no more have come for a while */
#define IIR_HAS_FIFO         0xc0
#define LCR_DLAB             0x80
#define MCR_DTR_RTS          0x03
#define MCR_OUT2             0x08       /* on a PC: the interrupt reaches its line */
#define MCR_LOOP_TEST        0x1a       /* loop back OUT2 and RTS .. */
#define MSR_LOOP_TEST        0x90       /* .. which then read as DCD and CTS */
#define LSR_DATA_READY       0x01
#define LSR_THR_EMPTY        0x20
#define LSR_IDLE             0x40       /* the shift register too: nothing is on its way */

#define DEFAULT_CLOCK_HZ     1843200
#define BITS_PER_BYTE        10         /* with a start and a stop bit */

static struct uart {
	u16 pc_base;                    /* where a PC has it */
	struct serial_option o;
	bool open, stuck;
	u16 io;                         /* first I/O port, if it is there */
	volatile u8 *mem;               /* else its registers */
	u64 maddr;
	u8 fifo;                        /* bytes that may follow one LSR_THR_EMPTY */
} uarts[NR_SERIAL_PORTS] = {
#define DEFAULTS { .baud = 115200, .clock_hz = DEFAULT_CLOCK_HZ, .data_bits = 8, .stop_bits = 1, \
		   .reg_width = 1, .irq = SERIAL_IRQ_DEFAULT }
	{ .pc_base = 0x3f8, .o = DEFAULTS },
	{ .pc_base = 0x2f8, .o = DEFAULTS },
};

static u8 uart_in(const struct uart *u, unsigned reg)
{
	if (!u->mem)
		return inb(u->io + reg);
	if (u->o.reg_width == 4)
		return *(const volatile u32 *)(u->mem + (reg << u->o.reg_shift));
	return u->mem[reg << u->o.reg_shift];
}

static void uart_out(const struct uart *u, unsigned reg, u8 val)
{
	if (!u->mem)
		outb(val, u->io + reg);
	else if (u->o.reg_width == 4)
		*(volatile u32 *)(u->mem + (reg << u->o.reg_shift)) = val;
	else
		u->mem[reg << u->o.reg_shift] = val;
}

/* ---- Setting up ----------------------------------------------------------------------------- */

/* Is there a UART? An empty place reads as ones; a UART can loop back its modem lines. */
static bool answers(const struct uart *u)
{
	bool looped;

	if (uart_in(u, LSR) == 0xff)
		return false;
	uart_out(u, MCR, MCR_LOOP_TEST);
	looped = (uart_in(u, MSR) & 0xf0) == MSR_LOOP_TEST;
	uart_out(u, MCR, MCR_DTR_RTS);
	return looped;
}

/* The nearest divisor; 0: there is none. */
static u32 divisor_of(const struct serial_option *o)
{
	u32 per_bit = o->clock_hz / CLOCKS_PER_BIT;
	u32 divisor = o->baud ? (per_bit + o->baud / 2) / o->baud : 0;

	return divisor <= 0xffff ? divisor : 0;
}

static u8 line_control(const struct serial_option *o)
{
	return (o->data_bits - 5) | (o->stop_bits - 1) << 2 | o->parity << 3;
}

static void set_up(struct uart *u)
{
	u32 divisor = divisor_of(&u->o);
	u8 lcr = line_control(&u->o);

	uart_out(u, IER, 0);
	if (divisor) {
		uart_out(u, LCR, lcr | LCR_DLAB);
		uart_out(u, DLL, divisor);
		uart_out(u, DLM, divisor >> 8);
	}
	uart_out(u, LCR, lcr);
	uart_out(u, FCR, FCR_ENABLE_AND_CLEAR | FCR_TELL_AT_8);
	uart_out(u, MCR, MCR_DTR_RTS | MCR_OUT2);
	u->fifo = (uart_in(u, IIR) & IIR_HAS_FIFO) == IIR_HAS_FIFO ? SERIAL_FIFO_BYTES : 1;
	u->stuck = false;
	u->open = true;
}

/* Registers at @base, or why they cannot be there. */
static const char *reach(struct uart *u, u64 base)
{
	u64 end = base % PAGE_SIZE + ((NR_REGS - 1ul) << u->o.reg_shift) + u->o.reg_width;
	const char *why = NULL;

	u->mem = NULL;
	if (base <= SERIAL_MAX_IO_BASE) {
		u->io = base;
		return NULL;
	}
	if (end > PAGE_SIZE || base % u->o.reg_width)
		return "the registers do not fit into a page from there";
	u->mem = fixmap_device(u == &uarts[0] ? FIXMAP_COM1 : FIXMAP_COM2, base, &why);
	u->maddr = base;
	return why;
}

static bool try_base(unsigned port, u64 base)
{
	struct uart *u = &uarts[port];
	const char *why = reach(u, base);

	if (!why && !answers(u))
		why = "nothing answers there";
	if (why)
		pr_warn("com%u: %s 0x%lx: %s", port + 1,
			base <= SERIAL_MAX_IO_BASE ? "I/O port" : "registers at", base, why);
	else if (u->o.baud && !divisor_of(&u->o))
		pr_warn("com%u: %u baud cannot be had from a clock of %u Hz: it stays as found",
			port + 1, u->o.baud, u->o.clock_hz);
	return !why;
}

/* Has another port taken these registers? */
static bool in_use(u64 base)
{
	for (unsigned i = 0; i < NR_SERIAL_PORTS; i++)
		if (uarts[i].open && base == (uarts[i].mem ? uarts[i].maddr : uarts[i].io))
			return true;
	return false;
}

static bool open_pci(unsigned port)
{
	struct uart *u = &uarts[port];
	struct serial_option as_asked = u->o;
	struct serial_pci found;
	const char *why = serial_pci_find(&u->o, port, &found);

	if (!why && in_use(found.base))
		why = "there is no other PCI UART";
	if (why) {
		pr_warn("com%u: %s", port + 1, why);
		return false;
	}
	if (found.clock_hz && u->o.clock_hz == DEFAULT_CLOCK_HZ)
		u->o.clock_hz = found.clock_hz;
	if (!try_base(port, found.base)) {
		u->o = as_asked;
		return false;
	}
	pci_conf_keep(found.bdf);
	pr_info("com%u: PCI %02x:%02x.%x, %s 0x%lx", port + 1, found.bdf >> 8, found.bdf >> 3 & 31,
		found.bdf & 7, u->mem ? "registers at" : "I/O port", found.base);
	return true;
}

static bool open_any(unsigned port)
{
	struct uart *u = &uarts[port];
	bool on_pci = u->o.has_port || u->o.device != SERIAL_AT_BASE;

	if (on_pci && open_pci(port))
		return true;
	if (on_pci)
		u->o.irq = SERIAL_IRQ_DEFAULT;
	else if (u->o.has_base && u->o.base != u->pc_base && try_base(port, u->o.base))
		return true;
	return !in_use(u->pc_base) && try_base(port, u->pc_base);
}

bool serial_open(unsigned port)
{
	if (!uarts[port].open && open_any(port))
		set_up(&uarts[port]);
	return uarts[port].open;
}

/* ---- Sending -------------------------------------------------------------------------------- */

unsigned serial_room(unsigned port)
{
	struct uart *u = &uarts[port];

	if (uart_in(u, LSR) & LSR_THR_EMPTY) {
		u->stuck = false;
		return u->fifo;
	}
	return u->stuck ? SERIAL_FIFO_BYTES : 0;
}

void serial_put(unsigned port, char c)
{
	if (!uarts[port].stuck)
		uart_out(&uarts[port], THR, c);
}

void serial_give_up(unsigned port)
{
	uarts[port].stuck = true;
}

u64 serial_fill_ns(unsigned port)
{
	const struct uart *u = &uarts[port];

	return (u64)u->fifo * BITS_PER_BYTE * 1000000000ul / (u->o.baud ? u->o.baud : 115200);
}

void serial_drain(unsigned port)
{
	for (u32 polls = SERIAL_MAX_POLLS; polls && !(uart_in(&uarts[port], LSR) & LSR_IDLE);
	     polls--)
		cpu_relax();
}

/* ---- Receiving ------------------------------------------------------------------------------ */

void serial_listen(unsigned port, bool on)
{
	uart_out(&uarts[port], IER, on ? IER_RECEIVED : 0);
}

bool serial_input_ready(unsigned port)
{
	return uart_in(&uarts[port], LSR) & LSR_DATA_READY;
}

int serial_get(unsigned port)
{
	return serial_input_ready(port) ? uart_in(&uarts[port], RBR) : -1;
}

/* ---- What it occupies ----------------------------------------------------------------------- */

u16 serial_io_base(unsigned port)
{
	return uarts[port].mem ? 0 : uarts[port].io;
}

u64 serial_memory_base(unsigned port)
{
	return uarts[port].mem ? uarts[port].maddr : 0;
}

/* 3F8h and 3E8h on one line, 2F8h and 2E8h on the other. */
u8 serial_irq(unsigned port)
{
	const struct uart *u = &uarts[port];

	if (u->o.irq != SERIAL_IRQ_DEFAULT)
		return u->o.irq;
	switch (serial_io_base(port)) {
	case 0x3f8:
	case 0x3e8:
		return 4;
	case 0x2f8:
	case 0x2e8:
		return 3;
	}
	return 0;
}

/* ---- Options -------------------------------------------------------------------------------- */

static int parse_com(unsigned port, const char *value)
{
	if (!*value)
		return -EINVAL;
	serial_option_parse(port + 1, value, &uarts[port].o);
	return 0;
}

static int parse_com1(const char *value) { return parse_com(0, value); }
static int parse_com2(const char *value) { return parse_com(1, value); }

CMDLINE_CUSTOM("com1", parse_com1);
CMDLINE_CUSTOM("com2", parse_com2);
