/* SPDX-License-Identifier: MIT */
/*
 * Console input: who gets what is typed, and how it gets there.
 *
 * conswitch=<letter>[x]: three times Ctrl and that letter give the input to the next: dom0, the
 * hypervisor, whose keys are debug keys, static domains in the order of their numbers. Source: Xen
 * 4.17's xen-command-line documentation.
 *
 * Invariants: what is typed for a domain lies in no public memory. It passes through one CPU's
 * stack, which is wiped, into the domain's own ring or, for dom0, into a page that no root shows,
 * until dom0 asks for it. The timer alone takes input from the ports, and is the one producer; it
 * tells after that. A port's FIFO holds 16 bytes: who types faster than that in
 * 10 ms loses some, as does who types for somebody who does not read.
 */
#include <isola/console.h>
#include <isola/clock.h>
#include <isola/console_port.h>
#include <isola/debug_keys.h>
#include <isola/domain.h>
#include <isola/evtchn.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/timer.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/format.h>
#include <asm/cpu_window.h>
#include <asm/insn.h>

#define INPUT_POLL	MILLISECS(10)
#define POLL_BYTES	32		/* that one look takes */
#define SWITCH_TIMES	3

static struct timer input_timer;

static char opt_conswitch[4] = "a";
CMDLINE_STRING("conswitch", opt_conswitch);

static char switch_code;		/* what that key sends; 0: input is not switched */
static char switch_letter;

/* ---- What waits for dom0 --------------------------------------------------------------------- */

static mfn_t waiting_page = { ~0ul };	/* class cpu: shown for a moment by a CPU's own window */
static u32 waiting_prod, waiting_cons;	/* bytes that came, that were read */
static bool reading;			/* somebody reads them */

static u32 nr_waiting(void)
{
	return __atomic_load_n(&waiting_prod, __ATOMIC_ACQUIRE) - READ_ONCE(waiting_cons);
}

static void keep_for_dom0(char c)
{
	u64 flags;

	if (nr_waiting() == PAGE_SIZE)
		return;
	flags = irq_save();
	((char *)cpu_window_map(WINDOW_INPUT, waiting_page, PAGE_HV_RW))[waiting_prod % PAGE_SIZE] =
		c;
	cpu_window_unmap(WINDOW_INPUT);
	irq_restore(flags);
	__atomic_store_n(&waiting_prod, waiting_prod + 1, __ATOMIC_RELEASE);
}

/* What has been read is forgotten. */
static size_t take_waiting(char *buf, size_t size)
{
	u64 flags = irq_save();
	char *page = cpu_window_map(WINDOW_INPUT, waiting_page, PAGE_HV_RW);
	u32 n = min_t(u32, nr_waiting(), size);

	for (u32 i = 0; i < n; i++) {
		buf[i] = page[(waiting_cons + i) % PAGE_SIZE];
		page[(waiting_cons + i) % PAGE_SIZE] = 0;
	}
	cpu_window_unmap(WINDOW_INPUT);
	irq_restore(flags);
	__atomic_store_n(&waiting_cons, waiting_cons + n, __ATOMIC_RELEASE);
	return n;
}

/* ---- Whose turn it is: the timer's ----------------------------------------------------------- */

#define TO_ISOLA DOMID_FIRST_RESERVED

static domid_t input_to = TO_ISOLA;
static unsigned nr_switches;		/* how often the key has come in a row */

/* The first from @domid on that has a console here; TO_ISOLA: none. dom0 comes before all. */
static domid_t find_static(domid_t domid)
{
	struct domain *d;
	bool has_console;

	for (; (d = get_domain_from(domid)); domid++) {
		domid = d->domid;
		has_console = mfn_is_valid_num(d->console_mfn) && !READ_ONCE(d->is_dying);
		put_domain(d);
		if (has_console)
			return domid;
	}
	return TO_ISOLA;
}

static domid_t next_to(domid_t from)
{
	domid_t first;

	if (from == DOMID_DOM0)
		return TO_ISOLA;
	first = find_static(from == TO_ISOLA ? 1 : from + 1);
	if (first != TO_ISOLA)
		return first;
	return dom0 ? DOMID_DOM0 : TO_ISOLA;
}

static void tell_whose(void)
{
	char name[16 + DOMAIN_NAME_BYTES] = "Isola";
	struct domain *d = input_to == TO_ISOLA ? NULL : get_domain_by_id(input_to);

	if (d) {
		snprintf(name, sizeof(name), d->name[0] ? "DOM%u (%s)" : "DOM%u", d->domid,
			 d->name);
		put_domain(d);
	}
	pr_info("*** Serial input to %s (type 'CTRL-%c' three times to switch input)", name,
		switch_letter);
}

static void give_to(domid_t domid)
{
	input_to = domid;
	if (switch_code)
		tell_whose();
}

static void deliver(char c)
{
	struct domain *d;

	if (input_to == TO_ISOLA) {
		debug_key(c);
		return;
	}
	if (input_to == DOMID_DOM0) {
		keep_for_dom0(c);
		return;
	}
	d = get_domain_by_id(input_to);
	if (!d) {
		give_to(next_to(input_to));
		return;
	}
	console_ring_typed(d, c);
	put_domain(d);
}

/* The key is eaten by threes; less of them were meant for whoever has the input. */
static void typed(char c)
{
	if (switch_code && c == switch_code) {
		if (++nr_switches == SWITCH_TIMES) {
			nr_switches = 0;
			give_to(next_to(input_to));
		}
		return;
	}
	for (; nr_switches; nr_switches--)
		deliver(switch_code);
	deliver(c);
}

/* ---- From the ports -------------------------------------------------------------------------- */

static void take_some(void)
{
	char buf[POLL_BYTES];
	size_t n = console_ports_read(buf, sizeof(buf));

	for (size_t i = 0; i < n; i++)
		typed(buf[i]);
	console_wipe(buf, sizeof(buf));
}

size_t console_read(char *buf, size_t size)
{
	size_t n;

	if (!mfn_is_valid_num(waiting_page))
		return 0;
	if (__atomic_exchange_n(&reading, true, __ATOMIC_ACQUIRE))
		return 0;
	n = take_waiting(buf, size);
	__atomic_store_n(&reading, false, __ATOMIC_RELEASE);
	return n;
}

static void poll_input(void *data __maybe_unused)
{
	if (console_ports_ready())
		take_some();
	if (nr_waiting())
		raise_global_virq(VIRQ_CONSOLE);
	timer_set(&input_timer, now_ns() + INPUT_POLL);
}

/* ABI of the option: a letter; another one behind it, x, leaves the input to the hypervisor. */
static void read_option(void)
{
	char c = opt_conswitch[0] | 0x20;

	if (c >= 'a' && c <= 'z') {
		switch_letter = c;
		switch_code = c - 'a' + 1;
	} else if (opt_conswitch[0]) {
		pr_warn("conswitch=%s: not a letter: input is not switched", opt_conswitch);
	}
}

void console_input_start(void)
{
	if (!console_ports_open_any())
		return;
	waiting_page = alloc_cpu_page();
	if (!mfn_is_valid_num(waiting_page)) {
		pr_warn("no memory for console input: there is none");
		return;
	}
	read_option();
	give_to(switch_code && opt_conswitch[1] == 'x' ? TO_ISOLA :
		dom0 ? DOMID_DOM0 : next_to(TO_ISOLA));
	timer_init(&input_timer, poll_input, NULL);
	timer_set(&input_timer, now_ns() + INPUT_POLL);
}
