/* SPDX-License-Identifier: MIT */
/*
 * Console input: who gets what is typed, and how it gets there.
 *
 * conswitch=<letter>[x]: three times Ctrl and that letter give the input to the next: dom0, the
 * hypervisor, whose keys are debug keys, static domains in the order of their numbers. Source: Xen
 * 4.17's xen-command-line documentation.
 *
 * Invariants: what is typed for a domain lies in no public memory. It passes through stacks, which
 * are wiped, from hidden ring to hidden ring or into the domain's own; dom0 takes it from there.
 * One CPU at a time sees to what has come: who finds another at it may leave, because it looks once
 * more. What there is no room for waits, in the ring, in the UART and before it, until nobody has
 * taken anything for PATIENCE: then it is lost, so that the keys that switch get through.
 */
#include <isola/console.h>
#include <isola/clock.h>
#include <isola/console_port.h>
#include <isola/console_receive.h>
#include <isola/debug_keys.h>
#include <isola/domain.h>
#include <isola/evtchn.h>
#include <isola/hidden_ring.h>
#include <isola/printk.h>
#include <isola/softirq.h>
#include <isola/timer.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/format.h>

#define LOOK_SELDOM	MILLISECS(100)	/* longer than a UART waits for more, at 1200 baud */
#define LOOK_OFTEN	MILLISECS(10)	/* while something waits */
#define LOOK_MOST	MICROSECS(500)
#define PATIENCE	SECONDS(1)
#define PIECE_BYTES	32
#define SWITCH_TIMES	3

static struct timer input_timer;

static char opt_conswitch[4] = "a";
CMDLINE_STRING("conswitch", opt_conswitch);

static char switch_code;		/* what that key sends; 0: input is not switched */
static char switch_letter;

static struct hidden_ring for_dom0;
static bool reading;			/* somebody takes from it */

/* ---- Whose turn it is: who sees to input ----------------------------------------------------- */

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

/* False: whoever has the input has no room for it. */
static bool deliver(char c)
{
	struct domain *d;
	bool taken;

	if (input_to == TO_ISOLA) {
		debug_key(c);
		return true;
	}
	if (input_to == DOMID_DOM0) {
		taken = hidden_ring_room(&for_dom0);
		if (taken)
			hidden_ring_put(&for_dom0, &c, 1);
		return taken;
	}
	d = get_domain_by_id(input_to);
	if (!d) {
		give_to(next_to(input_to));
		return true;
	}
	taken = console_ring_typed(d, c);
	put_domain(d);
	return taken;
}

static u64 full_since;			/* ns; 0: what was typed last was taken */

static bool deliver_or_lose(char c)
{
	if (deliver(c)) {
		full_since = 0;
		return true;
	}
	if (!full_since)
		full_since = now_ns();
	return now_ns() - full_since > PATIENCE;
}

/*
 * The key is eaten by threes; less of them were meant for whoever has the input. False: not now,
 * and the character is to come again.
 */
static bool typed(char c)
{
	if (switch_code && c == switch_code) {
		if (++nr_switches == SWITCH_TIMES) {
			nr_switches = 0;
			full_since = 0;
			give_to(next_to(input_to));
		}
		return true;
	}
	for (; nr_switches; nr_switches--)
		if (!deliver_or_lose(switch_code))
			return false;
	return deliver_or_lose(c);
}

/* ---- What has come --------------------------------------------------------------------------- */

/* False: not all of it, because there is no room. */
static bool pass_on(void)
{
	char buf[PIECE_BYTES];
	u32 n, done;

	do {
		n = console_received(buf, sizeof(buf));
		for (done = 0; done < n && typed(buf[done]); done++)
			;
		console_wipe(buf, sizeof(buf));
		console_received_drop(done);
	} while (n && done == n);
	return !n;
}

static bool sees_to_it;			/* somebody does */

/* Softirq, and the timer. Interrupts on. */
static void see_to_input(void)
{
	bool more = true, all;

	while (more && !__atomic_exchange_n(&sees_to_it, true, __ATOMIC_SEQ_CST)) {
		all = pass_on();
		if (hidden_ring_used(&for_dom0))
			raise_global_virq(VIRQ_CONSOLE);
		__atomic_store_n(&sees_to_it, false, __ATOMIC_SEQ_CST);
		/* What came meanwhile is there, or comes now. */
		more = console_receive() || (all && console_received_any());
	}
}

static bool something_waits(void)
{
	return console_received_any() || hidden_ring_used(&for_dom0);
}

/* A port that must be polled is looked at twice while its FIFO fills. */
static u64 until_next_look(void)
{
	if (console_ports_are_polled())
		return min(max(console_ports_fill_ns() / 2, LOOK_MOST), LOOK_OFTEN);
	return console_receive_is_deaf() || something_waits() ? LOOK_OFTEN : LOOK_SELDOM;
}

static void look_again(void *data __maybe_unused)
{
	if (console_receive_is_due() || something_waits())
		see_to_input();
	timer_set(&input_timer, now_ns() + until_next_look());
}

size_t console_read(char *buf, size_t size)
{
	size_t n;

	if (__atomic_exchange_n(&reading, true, __ATOMIC_ACQUIRE))
		return 0;
	n = hidden_ring_look(&for_dom0, buf, min_t(size_t, size, PAGE_SIZE));
	hidden_ring_drop(&for_dom0, n);
	__atomic_store_n(&reading, false, __ATOMIC_RELEASE);
	if (n && console_received_any())
		softirq_raise(SOFTIRQ_INPUT);
	return n;
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
	if (!hidden_ring_create(&for_dom0) || !console_receive_create()) {
		pr_warn("no memory for console input: there is none");
		return;
	}
	read_option();
	give_to(switch_code && opt_conswitch[1] == 'x' ? TO_ISOLA :
		dom0 ? DOMID_DOM0 : next_to(TO_ISOLA));
	softirq_register(SOFTIRQ_INPUT, see_to_input);
	timer_init(&input_timer, look_again, NULL);
	timer_set(&input_timer, now_ns() + LOOK_OFTEN);
	console_receive_start();
}
