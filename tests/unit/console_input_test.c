/* SPDX-License-Identifier: MIT */
/*
 * Console input on a machine whose UART is as fast, and its FIFO as small, as a real one's (QEMU's
 * waits until it is read). Claims: what is typed at full speed comes whole and once, by interrupts
 * and by looking; no CPU is deaf for more than 100 us because of it; a port that never stops costs
 * a bounded share; who has the input and does not read does not keep the keys that switch.
 *
 * Sources: common/console_input.c common/console_receive.c common/hidden_ring.c
 * Sources: common/base/console_port.c common/base/serial_8250.c common/base/serial_option.c
 * Sources: common/lib/cmdline.c
 * Flags: -Itests/unit/console/include
 */
#include "log_stub.h"
#include "tap_case.h"
#include <isola/clock.h>
#include <isola/console.h>
#include <isola/console_port.h>
#include <isola/domain.h>
#include <isola/debug_keys.h>
#include <isola/evtchn.h>
#include <isola/lib/cmdline.h>
#include <isola/page_alloc.h>
#include <isola/serial_pci.h>
#include <isola/softirq.h>
#include <isola/spinlock.h>
#include <isola/timer.h>
#include <asm/cpu_window.h>
#include <asm/fixmap.h>
#include <asm/insn.h>
#include <asm/pci_conf.h>
#include <xen/xen.h>

#define PORT_NS		1000		/* an access on ISA */
#define LIMIT_NS	MICROSECS(100)
#define FIFO		16u
#define TELL_AT		8u
#define BYTE_NS		(10 * SECONDS(1) / 115200)

bool console_screen_open(const char **why)
{
	*why = "this machine has none";
	return false;
}

/* ---- Time, interrupts, softirqs, one timer --------------------------------------------------- */

static u64 now = 1, deaf_since, deaf_longest, port_ns, nr_interrupts;
static bool irqs_on;
static u32 pending;
static void (*handlers[NR_SOFTIRQS])(void);
static struct timer *armed;

static void uart_run(void);
static bool line_reaches = true;	/* the processor */
static bool edge;			/* the line has gone up, and nobody has been told */

static void pass(u64 ns)
{
	now += ns;
	uart_run();
	if (!line_reaches)
		edge = false;
	if (!irqs_on || !edge)
		return;
	edge = false;
	nr_interrupts++;
	deaf_since = now;
	irqs_on = false;
	console_interrupt();
	irqs_on = true;
	deaf_longest = max(deaf_longest, now - deaf_since);
}

u64 now_ns(void) { return now; }
bool irq_is_enabled(void) { return irqs_on; }
void cpu_relax(void) { pass(50); }
void spin_lock(spinlock_t *l) {}
void spin_unlock(spinlock_t *l) {}
bool spin_is_held_here(const spinlock_t *l) { return true; }
bool spin_debug_started(void) { return true; }

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
	deaf_longest = max(deaf_longest, now - deaf_since);
	irqs_on = true;
}

void softirq_register(enum softirq nr, void (*handler)(void)) { handlers[nr] = handler; }
void softirq_raise(enum softirq nr) { pending |= 1u << nr; }
void timer_init(struct timer *t, void (*fn)(void *), void *data) { t->fn = fn; }

void timer_set(struct timer *t, u64 expires)
{
	t->expires = expires;
	armed = t;
}

/* ---- The UART -------------------------------------------------------------------------------- */

static char typed[65536], fifo[FIFO];
static u64 begins, last_came;
static size_t nr_typed, nr_sent, nr_fifo, nr_overruns;
static u8 ier, mcr;
static bool always_ready, was_up;

/* At 8 bytes, or when four bytes' time has brought no more. */
static bool interrupts(void)
{
	return ier && (always_ready || nr_fifo >= TELL_AT ||
		       (nr_fifo && now - last_came > 4 * BYTE_NS));
}

static void uart_run(void)
{
	while (nr_sent < nr_typed && now >= begins + (nr_sent + 1) * BYTE_NS) {
		last_came = begins + (nr_sent + 1) * BYTE_NS;
		if (nr_fifo < FIFO)
			fifo[nr_fifo++] = typed[nr_sent];
		else
			nr_overruns++;
		nr_sent++;
	}
	edge |= interrupts() && !was_up;
	was_up = interrupts();
}

u8 inb(u16 port)
{
	u8 c = 'x';

	port_ns += PORT_NS;
	pass(PORT_NS);
	switch (port - 0x3f8) {
	case 0:
		if (nr_fifo) {
			c = fifo[0];
			memmove(fifo, fifo + 1, --nr_fifo);
		}
		uart_run();
		return c;
	case 1:
		return ier;
	case 2:
		return 0xc1;
	case 5:
		return 0x60 | (nr_fifo || always_ready);
	case 6:
		return mcr == 0x1a ? 0x90 : 0;
	}
	return 0xff;
}

void outb(u8 val, u16 port)
{
	port_ns += PORT_NS;
	pass(PORT_NS);
	if (port == 0x3f9)
		ier = val;
	if (port == 0x3fc)
		mcr = val;
	uart_run();
}

/* ---- Memory, domains ------------------------------------------------------------------------- */

static char pages[2][4096];
static u64 nr_pages;
static bool window_is_open;

mfn_t alloc_cpu_page(void) { return _mfn(nr_pages++); }

void *cpu_window_map(enum cpu_window w, mfn_t m, u64 flags)
{
	check(!irqs_on && !window_is_open, "the window is opened twice, or may be");
	window_is_open = true;
	return pages[mfn_x(m)];
}

void cpu_window_unmap(enum cpu_window w) { window_is_open = false; }

static struct domain dom;
struct domain *dom0 = &dom;

struct domain *get_domain_from(domid_t domid) { return NULL; }
struct domain *get_domain_by_id(domid_t domid) { return domid ? NULL : &dom; }
void put_domain(struct domain *d) {}
bool console_ring_typed(struct domain *d, char c) { return true; }

static char keys[64];
static size_t nr_keys;

void debug_key(char key) { keys[nr_keys++ % sizeof(keys)] = key; }

static u64 nr_told;

void raise_global_virq(u32 virq) { nr_told += virq == VIRQ_CONSOLE; }

volatile void *fixmap_device(enum fixmap which, u64 maddr, const char **why) { return NULL; }
void pci_conf_keep(u16 bdf) {}

const char *serial_pci_find(const struct serial_option *o, unsigned nr, struct serial_pci *found)
{
	return "none";
}

void panic(const char *fmt, ...)
{
	printf("Bail out! panic: %s\n", fmt);
	exit(1);
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static char got[sizeof(typed)];
static size_t nr_got;
static bool dom0_reads = true;

/* What dom0 does when it is told: 16 bytes a call, as Linux. */
static void dom0_runs(void)
{
	size_t n;

	if (!dom0_reads || !nr_told)
		return;
	nr_told = 0;
	while ((n = console_read(got + nr_got, min(16ul, sizeof(got) - nr_got)))) {
		nr_got += n;
		pass(MICROSECS(5));
	}
}

/* @busy: so long at a stretch something else is done, and no softirq is looked at. */
static void run_for(u64 ns, u64 busy)
{
	for (u64 end = now + ns, turn = now; now < end; pass(MICROSECS(2))) {
		if (now < turn)
			continue;
		turn = now + busy;
		if (armed && armed->expires <= now) {
			struct timer *t = armed;

			armed = NULL;
			t->fn(NULL);
		}
		while (pending) {
			unsigned nr = __builtin_ctz(pending);

			pending &= ~(1u << nr);
			handlers[nr]();
		}
		dom0_runs();
	}
}

static void types(const char *text, size_t n)
{
	memcpy(typed, text, n);
	nr_typed = n;
	nr_sent = 0;
	begins = now;
}

extern const struct cmdline_option __start_cmdline_options[], __stop_cmdline_options[];
static void report(const char *word, const char *why, bool limit) {}
static bool claim_line(u8 irq) { return true; }
static bool claim_none(u8 irq) { return false; }

static char text[16384];

static void power_on(const char *options, bool (*claim)(u8))
{
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = ' ' + (i * 7 + i / 95) % 95;
	cmdline_parse(options, __start_cmdline_options, __stop_cmdline_options, report);
	console_ports_open();
	console_claim_irqs(claim);
	irqs_on = true;
	console_input_start();
	log_text[0] = '\0';
	run_for(MILLISECS(200), 0);
}

static bool came_whole(void)
{
	bool forgotten = true;

	for (size_t i = 0; i < sizeof(pages); i++)
		forgotten &= !pages[i / 4096][i % 4096];
	check(forgotten, "what has been read is still there");
	printf("# %zu bytes of %zu, %zu overruns; %lu interrupts; deaf for %lu ns at most\n",
	       nr_got, nr_typed, nr_overruns, nr_interrupts, deaf_longest);
	return nr_got == nr_typed && !memcmp(got, typed, nr_got) && !nr_overruns &&
	       deaf_longest <= LIMIT_NS;
}

static void by_interrupts(void)
{
	power_on("", claim_line);
	types(text, sizeof(text));
	run_for(SECONDS(2), 0);
	ok(came_whole() && nr_interrupts >= sizeof(text) / FIFO &&
		   nr_interrupts <= sizeof(text) / TELL_AT + 2,
	   "16 KiB at 115200 baud come whole, by one interrupt for 8 bytes or more");
	port_ns = 0;
	run_for(SECONDS(1), 0);
	ok(port_ns <= 30 * PORT_NS && !log_text[0], "who types nothing costs %lu accesses a second",
	   port_ns / PORT_NS);
	types("a", 1);
	nr_got = 0;
	run_for(MILLISECS(1), 0);
	ok(nr_got == 1, "a key comes when it is pressed");
}

static void while_busy(void)
{
	power_on("", claim_line);
	types(text, sizeof(text));
	run_for(SECONDS(2), MILLISECS(5));
	ok(came_whole(), "so they do while each softirq has to wait for 5 ms");
}

static void by_looking(void)
{
	power_on("com1=115200,8n1,0x3f8,0", claim_line);
	types(text, sizeof(text));
	run_for(SECONDS(2), 0);
	ok(came_whole() && !nr_interrupts && !log_text[0], "irq 0: all by looking");
}

static void no_such_line(void)
{
	power_on("", claim_none);
	types(text, sizeof(text));
	run_for(SECONDS(2), 0);
	ok(came_whole() && !nr_interrupts, "the same where no line can be had");
}

static void never_fires(void)
{
	line_reaches = false;
	power_on("", claim_line);
	types("abc", 3);
	run_for(MILLISECS(300), 0);
	ok(came_whole() &&
		   !strcmp(log_text, "com1: its interrupt does not come: the port is polled\n"),
	   "an interrupt that never comes: noticed, and told, once");
	types(text, sizeof(text));
	nr_got = 0;
	run_for(SECONDS(2), 0);
	ok(came_whole() && !strchr(log_text, '\n')[1], "from then on all comes by looking");
}

static void edge_lost(void)
{
	power_on("", claim_line);
	types("abc", 3);
	run_for(MILLISECS(10), 0);
	line_reaches = false;
	types("d", 1);
	run_for(MILLISECS(1), 0);
	line_reaches = true;
	run_for(MILLISECS(300), 0);
	ok(nr_got == 4 && !log_text[0], "an interrupt that was lost: its input comes later");
	nr_interrupts = nr_got = 0;
	types(text, 1000);
	run_for(MILLISECS(300), 0);
	ok(came_whole() && nr_interrupts, "and the next ones by interrupts");
}

static void never_stops(void)
{
	power_on("", claim_line);
	always_ready = true;
	edge = true;
	port_ns = nr_interrupts = 0;
	run_for(SECONDS(1), 0);
	ok(port_ns < MILLISECS(300) && nr_interrupts <= 200 && deaf_longest <= LIMIT_NS,
	   "a port that always has more takes %lu ms of a second, %lu interrupts",
	   port_ns / 1000000, nr_interrupts);
}

static void nobody_reads(void)
{
	dom0_reads = false;
	power_on("", claim_line);
	types(text, sizeof(text));
	run_for(SECONDS(3), 0);
	types("\1\1\1hq", 5);
	run_for(SECONDS(3), 0);
	ok(strstr(log_text, "Serial input to Isola") && nr_keys == 2 && !memcmp(keys, "hq", 2),
	   "who has the input and does not read cannot keep the keys that switch");
	dom0_reads = true;
	nr_told = 1;
	run_for(MILLISECS(100), 0);
	ok(nr_got == 4096 && !memcmp(got, text, nr_got), "and finds a page of it later");
}

static void (*const cases[])(void) = {
	by_interrupts, while_busy, by_looking, no_such_line, never_fires, edge_lost, never_stops,
	nobody_reads,
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_case(cases[i]);
	return done();
}
