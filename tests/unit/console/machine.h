/* SPDX-License-Identifier: MIT */
/*
 * The machine under the console: two UARTs as slow as real ones, whose FIFOs empty at their baud
 * rates and overrun if they are given too much; time, which passes only where the code touches a
 * port, pauses or asks for it; interrupts, which come whenever they are on; softirqs, a timer, and
 * a guest that writes.
 */
#pragma once
#include "../tap.h"
#include <isola/clock.h>
#include <isola/console.h>
#include <isola/console_port.h>
#include <isola/domain.h>
#include <isola/printk.h>
#include <isola/serial_pci.h>
#include <isola/evtchn.h>
#include <isola/softirq.h>
#include <isola/spinlock.h>
#include <isola/timer.h>
#include <isola/vcpu.h>
#include <isola/lib/format.h>
#include <asm/fixmap.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/pci_conf.h>
#include <asm/percpu.h>
#include <string.h>
#include <xen/xen.h>

#define PORT_NS		1000            /* an access on ISA */
#define PAUSE_NS	50
#define LIMIT_NS	MICROSECS(100)
#define OUTPUT_BYTES	(1u << 20)

/* ---- Time, and what takes it ---------------------------------------------------------------- */

static u64 now = 1;
static bool irqs_on, locked, port_under_lock;
static u64 deaf_since, deaf_longest;
static u64 interrupt_every;             /* ns; 0: none come */
static u64 next_interrupt, nr_interrupts;

static u32 pending;                     /* softirqs */
static void (*softirq_handlers[NR_SOFTIRQS])(void);
static struct timer *armed;
static u64 nr_timers;

static void interrupt(void)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "interrupt %lu", (unsigned long)++nr_interrupts);
	u64 flags = irq_save();

	console_write_line(line, len);
	irq_restore(flags);
}

static void pass(u64 ns)
{
	now += ns;
	if (irqs_on && interrupt_every && now >= next_interrupt) {
		next_interrupt = now + interrupt_every;
		interrupt();
	}
}

u64 now_ns(void)
{
	pass(20);
	return now;
}

u64 rdtsc_ordered(void)
{
	return 0x1234abcd;
}

u64 tsc_khz;

u64 irq_save(void)
{
	u64 flags = irqs_on;

	if (irqs_on)
		deaf_since = now;
	irqs_on = false;
	return flags;
}

void irq_restore(u64 flags)
{
	if (!flags || irqs_on)
		return;
	if (now - deaf_since > deaf_longest)
		deaf_longest = now - deaf_since;
	irqs_on = true;
}

void cpu_relax(void)
{
	pass(PAUSE_NS);
}

void spin_lock(spinlock_t *l)
{
	locked = true;
}

void spin_unlock(spinlock_t *l)
{
	locked = false;
}

bool spin_debug_started(void)
{
	return true;
}

/* ---- Two UARTs ------------------------------------------------------------------------------ */

static struct sim_uart {
	u16 base;
	u64 byte_ns;
	unsigned fifo;                  /* bytes: 16, or 1 for an 8250 */
	bool absent, stuck;
	u8 lcr, mcr, fcr;
	unsigned queued;
	u64 sending_until;              /* ns: when the byte in the shift register has left */
	u64 overruns;
	char out[OUTPUT_BYTES];
	size_t nr_out;
	const char *in;                 /* what has been typed */
} sim[2] = { { .base = 0x3f8 }, { .base = 0x2f8 } };

static void uart_settle(struct sim_uart *u)
{
	while (!u->stuck && u->queued && u->sending_until <= now) {
		u->queued--;
		u->sending_until += u->byte_ns;
	}
}

static struct sim_uart *uart_at(u16 port)
{
	for (int i = 0; i < 2; i++)
		if (port >= sim[i].base && port < sim[i].base + 8 && !sim[i].absent)
			return &sim[i];
	return NULL;
}

u8 inb(u16 port)
{
	struct sim_uart *u = uart_at(port);

	port_under_lock |= locked;
	pass(PORT_NS);
	if (!u)
		return 0xff;
	uart_settle(u);
	switch (port & 7) {
	case 0:
		return u->in && *u->in ? *u->in++ : 0;
	case 2:
		return u->fifo > 1 && u->fcr & 1 ? 0xc1 : 1;
	case 5:
		return (u->queued ? 0 : 0x20) |
		       (u->queued || u->sending_until > now || u->stuck ? 0 : 0x40) |
		       (u->in && *u->in ? 1 : 0);
	case 6:
		return u->mcr == 0x1a ? 0x90 : 0;
	}
	return 0;
}

void outb(u8 val, u16 port)
{
	struct sim_uart *u = uart_at(port);

	port_under_lock |= locked;
	pass(PORT_NS);
	if (!u)
		return;
	uart_settle(u);
	switch (port & 7) {
	case 0:
		if (u->lcr & 0x80)
			break;
		if (u->queued == u->fifo) {
			u->overruns++;
			break;
		}
		u->sending_until = max(u->sending_until, now);
		u->queued++;
		u->out[u->nr_out++ % OUTPUT_BYTES] = val;
		uart_settle(u);
		break;
	case 2:
		u->fcr = val;
		break;
	case 3:
		u->lcr = val;
		break;
	case 4:
		u->mcr = val;
		break;
	}
}

volatile void *fixmap_device(enum fixmap which, u64 maddr,
			     const char **why)
{
	*why = "not here";
	return NULL;
}

const char *serial_pci_find(const struct serial_option *o,
			    unsigned nr, struct serial_pci *found)
{
	return "there is no PCI UART";
}

void pci_conf_keep(u16 bdf)
{
}

/* ---- A screen, as a text -------------------------------------------------------------------- */

static bool has_screen;
static char screen_text[OUTPUT_BYTES];
static size_t nr_on_screen;

bool console_screen_open(const char **why)
{
	*why = "not here";
	return has_screen;
}

void console_screen_put(char c)
{
	if (has_screen)
		screen_text[nr_on_screen++] = c;
}

void console_screen_force(void)
{
}

/* ---- The rest of the hypervisor ------------------------------------------------------------- */

void printk_level(enum log_level level, bool about_guest,
		  const char *fmt, ...)
{
	char line[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	console_write_line(line, strlen(line));
}

void panic(const char *fmt, ...)
{
	printf("Bail out! panic: %s\n", fmt);
	exit(1);
}

/* Who reads the log is told. */
static unsigned nr_told;

void raise_global_virq(u32 virq)
{
	nr_told += virq == VIRQ_CON_RING;
}

void softirq_register(enum softirq nr, void (*handler)(void))
{
	softirq_handlers[nr] = handler;
}

void softirq_raise(enum softirq nr)
{
	pending |= 1u << nr;
}

void timer_init(struct timer *t, void (*fn)(void *), void *data)
{
	*t = (struct timer){ .fn = fn, .data = data };
}

void timer_set(struct timer *t, u64 expires)
{
	t->expires = expires;
	armed = t;
}

static bool timer_due(void)
{
	return armed && armed->expires <= now;
}

bool hypercall_preempt_check(void)
{
	return pending || timer_due();
}

/* What a CPU does on its way out of the hypervisor. */
static void run_softirqs(void)
{
	while (pending || timer_due()) {
		if (timer_due()) {
			struct timer *t = armed;

			armed = NULL;
			nr_timers++;
			t->fn(t->data);
		}
		for (unsigned i = 0; i < NR_SOFTIRQS; i++)
			if (pending & 1u << i) {
				pending &= ~(1u << i);
				if (softirq_handlers[i])
					softirq_handlers[i]();
			}
	}
}

/* The guest, or nobody, runs for @ns with interrupts on. */
static void run_for(u64 ns)
{
	for (u64 end = now + ns; now < end;) {
		run_softirqs();
		pass(MICROSECS(10));
	}
}

static bool continued;
static u64 continue_args[6];
static struct domain dom;
static struct vcpu vcpus[2];
struct cpu_private this_cpu;

long hypercall_continue_with(unsigned nr, const u64 *args, unsigned nr_args)
{
	continued = true;
	memcpy(continue_args, args, nr_args * sizeof(*args));
	return 0;
}

static u64 nr_preempted;

/* CONSOLEIO_write as a guest makes it. */
static void guest_writes(const char *text, size_t len)
{
	u64 count = len, from = (u64)text;
	long rc;

	do {
		continued = false;
		rc = hc_console_io(CONSOLEIO_write, count, from);
		if (rc)
			check(false, "console_io answers %ld", rc);
		count = continue_args[1];
		from = continue_args[2];
		nr_preempted += continued;
		run_softirqs();
	} while (continued);
}
