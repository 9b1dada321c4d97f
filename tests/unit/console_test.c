/* SPDX-License-Identifier: MIT */
/*
 * The console on a machine whose UARTs are as slow as real ones (console/machine.h; QEMU's are
 * not), where interrupts print whenever they come. Claims: no byte is lost, lines stay whole and in
 * order, and no CPU is deaf for more than 100 us because of what a guest prints, whatever the UART.
 *
 * Sources: common/base/console_port.c common/base/console.c common/console_drain.c
 * Sources: common/base/console_stamp.c common/base/serial_8250.c
 * Sources: common/base/serial_option.c common/lib/cmdline.c
 * Sources: arch/x86/calls/console_io.c
 * Flags: -Itests/unit/console/include
 */
#include "console/machine.h"
#include "tap_case.h"
#include <isola/clock.h>
#include <isola/console.h>
#include <isola/console_port.h>
#include <isola/console_stamp.h>
#include <isola/lib/cmdline.h>

/* What dom0 is given comes by way of common/console_input.c; here, straight from the ports. */
size_t console_read(char *buf, size_t size) { return console_ports_read(buf, size); }

/* ---- A machine for each case ---------------------------------------------------------------- */

extern const struct cmdline_option __start_cmdline_options[], __stop_cmdline_options[];

static void report(const char *word, const char *why, bool limit)
{
	printf("# %s: %s%s\n", word, why, limit ? ", a limit" : "");
}

static void power_on(const char *options, u64 baud, unsigned fifo)
{
	now = 1;
	irqs_on = false;
	this_cpu.curr = &vcpus[0];
	dom.is_privileged = true;
	vcpus[0].domain = vcpus[1].domain = &dom;
	for (int i = 0; i < 2; i++) {
		sim[i].byte_ns = 10 * SECONDS(1) / baud;
		sim[i].fifo = fifo;
	}
	cmdline_parse(options, __start_cmdline_options, __stop_cmdline_options, report);
	console_open();
	console_write_line("booted", 6);
}

static void dom0_runs(u64 interrupts)
{
	console_start_async();
	irq_restore(true);
	deaf_longest = 0;
	interrupt_every = interrupts;
	next_interrupt = now + interrupts;
}

static char output[OUTPUT_BYTES];

/* What @u sent, without carriage returns. */
static const char *said(const struct sim_uart *u)
{
	size_t n = 0;

	for (size_t i = 0; i < u->nr_out; i++)
		if (u->out[i] != '\r')
			output[n++] = u->out[i];
	output[n] = '\0';
	return output;
}

static char text[8192];

static void make_text(void)
{
	size_t at = 0;

	for (unsigned i = 0; at + 80 < sizeof(text); i++)
		at += snprintf(
			text + at, sizeof(text) - at, "guest line %u %.*s\n", i, (int)(i * 7 % 60),
			"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmn");
}

/*
 * Take the hypervisor's lines out of what was sent, each of which must be whole: the guest's text
 * must be left, but for the newlines that were put in where a line of ours came in the middle of
 * one of its. Returns the number of our lines.
 */
static unsigned separate(const char *all, char *guest)
{
	unsigned nr = 0;
	bool at_start = true;

	while (*all) {
		if (at_start && !strncmp(all, "(isola) ", 8)) {
			all += strcspn(all, "\n");
			check(*all == '\n', "a line of ours has no end");
			all += *all != '\0';
			nr++;
			continue;
		}
		at_start = *all == '\n';
		*guest++ = *all++;
	}
	*guest = '\0';
	return nr;
}

static bool same_but_newlines(const char *a, const char *b)
{
	for (;;) {
		while (*a == '\n')
			a++;
		while (*b == '\n')
			b++;
		if (*a != *b)
			return false;
		if (!*a)
			return true;
		a++, b++;
	}
}

/* One case in a process of its own: the sources keep their state. */
static void slow(const char *name, const char *options, u64 baud, unsigned fifo)
{
	static char guest[OUTPUT_BYTES];
	u64 begun, took, wire, deaf;
	unsigned lines;

	power_on(options, baud, fifo);
	dom0_runs(MILLISECS(29) * max(115200 / baud, 1ul));
	text[min_t(u64, strlen(text), baud / 20)] = '\0';        /* half a second's */
	begun = now;
	guest_writes(text, strlen(text));
	took = now - begun;
	interrupt_every = 0;
	run_for(SECONDS(1));
	deaf = deaf_longest;
	lines = separate(said(&sim[0]), guest);
	wire = sim[0].nr_out * sim[0].byte_ns;
	printf("# %s: %zu bytes in %lu ms, %lu of them on the wire; deaf for %lu ns at most; "
	       "preempted %lu times, %lu timers\n",
	       name, strlen(text), took / 1000000, wire / 1000000, deaf, nr_preempted, nr_timers);
	ok(same_but_newlines(guest, text), "%s: no byte of the guest's is lost or out of order",
	   name);
	ok(lines == nr_interrupts + 1, "%s: the %lu lines of interrupts are there, each whole",
	   name, nr_interrupts);
	ok(!sim[0].overruns, "%s: the FIFO is never given more than it holds", name);
	ok(deaf <= LIMIT_NS, "%s: interrupts are never off for more than 100 us", name);
	ok(!port_under_lock, "%s: no port is touched under console_lock", name);
	ok(took < wire + wire / 4 + MILLISECS(100), "%s: the wire is kept busy", name);
}

static void lines_alone(void)
{
	unsigned lines;
	static char guest[OUTPUT_BYTES];

	power_on("", 115200, 16);
	dom0_runs(0);
	for (unsigned i = 0; i < 100; i++)
		interrupt();
	ok(deaf_longest <= LIMIT_NS, "100 lines at once: interrupts are off for %lu ns",
	   deaf_longest);
	run_for(SECONDS(2));
	lines = separate(said(&sim[0]), guest);
	ok(lines == 101 && !guest[0], "a timer sends them while the CPU does something else");
	for (unsigned i = 0; i < 2000; i++)
		interrupt();
	run_for(SECONDS(3));
	interrupt();
	run_for(SECONDS(1));
	lines = separate(said(&sim[0]), guest);
	ok(lines < 2101 && lines > 600 &&
		   strstr(said(&sim[0]), " lines lost: the console is too slow"),
	   "2000 lines at once are too many: what is lost is counted and said");
	ok(deaf_longest <= LIMIT_NS, "and interrupts are off for %lu ns at most", deaf_longest);
}

static void ends(void)
{
	const char *all;

	power_on("", 115200, 16);
	dom0_runs(0);
	for (unsigned i = 0; i < 50; i++)
		interrupt();
	irq_save();
	console_force();
	console_write_line("PANIC: the end", 14);
	all = said(&sim[0]);
	ok(strstr(all, "interrupt 1\n") && strstr(all, "interrupt 50\n(isola) PANIC: the end\n"),
	   "a panic sends what has not been sent, and then its own lines, and waits");
}

static void shuts_down(void)
{
	power_on("", 9600, 16);
	dom0_runs(0);
	for (unsigned i = 0; i < 20; i++)
		interrupt();
	irq_save();
	console_drain();
	ok(strstr(said(&sim[0]), "interrupt 20\n") && !sim[0].queued && sim[0].sending_until <= now,
	   "the machine does not go off before the last bit has left");
	console_write_line("restarting", 10);
	ok(strstr(said(&sim[0]), "(isola) restarting\n"), "what is said after that is waited for");
}

static void gets_stuck(void)
{
	u64 begun;

	power_on("", 115200, 16);
	dom0_runs(0);
	sim[0].stuck = true;
	begun = now;
	guest_writes(text, strlen(text));
	ok(now - begun < SECONDS(1), "a port that does not send holds a guest up for %lu ms",
	   (now - begun) / 1000000);
	ok(deaf_longest <= LIMIT_NS, "with interrupts on");
	sim[0].stuck = false;
	sim[0].sending_until = now;
	run_for(SECONDS(2));
	guest_writes("back again\n", 11);
	run_for(SECONDS(1));
	ok(strstr(said(&sim[0]), "back again\n"), "it is used again when it sends again");
}

/* Chunks of two vcpus: one waits for the other's, but not for ever. */
static void takes_turns(void)
{
	char a[CONSOLE_CHUNK_BYTES], b[CONSOLE_CHUNK_BYTES];
	size_t at = 0, first_b;
	const char *all;

	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	power_on("", 115200, 16);
	dom0_runs(0);
	run_for(MILLISECS(50));
	at = console_write_guest(&vcpus[0], a, sizeof(a));
	ok(at && at < sizeof(a), "a chunk begins: %zu bytes", at);
	run_for(MILLISECS(5));
	interrupt();
	run_for(MILLISECS(5));
	ok(!console_write_guest(&vcpus[1], b, sizeof(b)),
	   "another vcpu's does not come in between");
	while (at < sizeof(a)) {
		at += console_write_guest(&vcpus[0], a + at, sizeof(a) - at);
		pass(MICROSECS(50));
	}
	run_for(MILLISECS(20));
	all = said(&sim[0]);
	ok(strstr(all, "aaaa\n(isola) interrupt 1\n") && !strstr(all, "a\na"),
	   "nor does a line of ours: it comes when the chunk ends");
	at = console_write_guest(&vcpus[0], a, sizeof(a));
	interrupt();
	run_for(MILLISECS(60));
	ok(strstr(said(&sim[0]), "aaaa\n(isola) interrupt 2\n"),
	   "a vcpu that leaves its chunk unfinished holds nobody up for long");
	first_b = console_write_guest(&vcpus[1], b, sizeof(b));
	ok(first_b, "and others write then");
	ok(!console_write_guest_rest(&vcpus[0], a + at, sizeof(a) - at),
	   "the rest of what was left waits for them");
	for (at = first_b; at < sizeof(b); pass(MICROSECS(50)))
		at += console_write_guest(&vcpus[1], b + at, sizeof(b) - at);
	run_for(MILLISECS(20));
	ok(console_write_guest_rest(&vcpus[0], a, 8) == CONSOLE_BROKEN,
	   "and is told that it begins a line of its own");
	for (at = 0; !at; pass(MICROSECS(50)))
		at = console_write_guest_line(&vcpus[0], "rest\n", 5);
	run_for(MILLISECS(20));
	ok(at == 5 && strstr(said(&sim[0]), "b\nrest\n"), "which stands at the margin");
}

/* A line whose writer was away for long, and one of ours in between. */
static void goes_on_unless_broken(void)
{
	char a[CONSOLE_CHUNK_BYTES];
	size_t at;

	memset(a, 'a', sizeof(a));
	power_on("", 115200, 16);
	dom0_runs(0);
	run_for(MILLISECS(50));
	at = console_write_guest_line(&vcpus[0], a, sizeof(a));
	run_for(MILLISECS(60));
	ok(at < sizeof(a) && console_write_guest_rest(&vcpus[0], "b\n", 2) == 2,
	   "nobody has written: the line goes on");
	run_for(MILLISECS(20));
	ok(strstr(said(&sim[0]), "ab\n"), "where it was");
	at = console_write_guest_line(&vcpus[0], a, sizeof(a));
	interrupt();
	run_for(MILLISECS(60));
	ok(at < sizeof(a) && console_write_guest_rest(&vcpus[0], "b\n", 2) == CONSOLE_BROKEN,
	   "a line of ours has broken it");
	at = console_write_guest_line(&vcpus[0], a, sizeof(a));
	run_for(MILLISECS(60));
	ok(at < sizeof(a) && !console_write_guest_line(&vcpus[1], "c", 1) &&
	   console_write_guest_rest(&vcpus[0], "b\n", 2) == CONSOLE_BROKEN,
	   "and so has another's of which only the margin is there");
}

/* VIRQ_CON_RING: once for lines that come at once, and not without any. */
static void tells_of_new(const char *options)
{
	power_on(options, 115200, 16);
	dom0_runs(0);
	run_for(MILLISECS(50));
	nr_told = 0;
	run_for(MILLISECS(50));
	ok(!nr_told, "%s: no new line, nobody is told", options);
	interrupt();
	interrupt();
	run_for(MILLISECS(50));
	ok(nr_told, "%s: new lines are told to whoever reads the log: %u times", options, nr_told);
}

static void tells_of_lines(void)
{
	tells_of_new("console=com1");
	tells_of_new("sync_console");
}

static void waits_if_told_to(void)
{
	power_on("sync_console", 115200, 16);
	dom0_runs(0);
	interrupt();
	ok(strstr(said(&sim[0]), "interrupt 1\n"),
	   "sync_console: a line has left when console_write_line() returns");
	guest_writes(text, strlen(text));
	ok(deaf_longest > MILLISECS(1), "which this test sees: interrupts are off for %lu us",
	   deaf_longest / 1000);
}

static void two_ports(void)
{
	static char first[OUTPUT_BYTES];

	power_on("com2=9600 console=com1,com2", 115200, 16);
	sim[1].byte_ns = 10 * SECONDS(1) / 9600;
	dom0_runs(MILLISECS(50));
	guest_writes(text, 2000);
	interrupt_every = 0;
	run_for(SECONDS(3));
	strcpy(first, said(&sim[0]));
	ok(!strcmp(first, said(&sim[1])) && strlen(first) > 2000,
	   "two ports, one of them slow, say the same");
	ok(!sim[0].overruns && !sim[1].overruns && deaf_longest <= LIMIT_NS,
	   "and neither is given too much, nor waited for");
}

static void shares_a_line(void)
{
	char got[8];

	power_on("console=com1H", 115200, 16);
	ok(sim[0].out[0] == (char)('(' | 0x80), "com1H: the top bit of what is sent is set");
	sim[0].in = "\xe1" "b\xe3";
	ok(console_ports_read(got, sizeof(got)) == 2 && got[0] == 'a' && got[1] == 'c',
	   "and what comes without it is not ours");
}

static void falls_back(void)
{
	sim[0].absent = true;
	power_on("console=com1", 115200, 16);
	ok(strstr(said(&sim[1]), "(isola) com1: I/O port 0x3f8: nothing answers there\n") &&
		   strstr(said(&sim[1]), "(isola) console=: no port that was asked for answers: "
					 "com2 is used\n(isola) booted\n"),
	   "a port that does not answer: the other one is used and told why");
}

/* Its lines are those of the ports, without what a guest writes. */
static void on_a_screen(void)
{
	has_screen = true;
	power_on("console=com1,vga", 115200, 16);
	dom0_runs(0);
	guest_writes("a guest's", 9);
	interrupt();
	run_for(MILLISECS(100));
	ok(!strcmp(screen_text, "(isola) booted\n(isola) interrupt 1\n") &&
		   strstr(said(&sim[0]), "a guest's\n(isola) interrupt 1\n"),
	   "a screen shows whole lines of ours, and nothing of a guest's");
}

static void screen_alone(void)
{
	has_screen = true;
	power_on("console=vga", 115200, 16);
	dom0_runs(0);
	guest_writes(text, strlen(text));
	interrupt();
	run_for(MILLISECS(100));
	ok(!sim[0].nr_out && !sim[1].nr_out &&
		   !strcmp(screen_text, "(isola) booted\n(isola) interrupt 1\n"),
	   "console=vga: no port is used");
}

static void no_screen(void)
{
	power_on("console=vga", 115200, 16);
	ok(strstr(said(&sim[0]), "(isola) console=: no screen: not here\n") &&
		   strstr(said(&sim[0]), "answers: com1 is used\n(isola) booted\n"),
	   "no screen, although it was asked for: com1 is used and told why");
}

static void screen_at_last(void)
{
	has_screen = sim[0].absent = sim[1].absent = true;
	power_on("console=com1", 115200, 16);
	ok(strstr(screen_text, "(isola) console=: no port that was asked for answers: the screen "
			       "is used\n(isola) booted\n"),
	   "no port answers: the screen is used");
}

/* 2024-02-29 23:59:59.250, a moment before a day that not every year has ends. */
static u64 leap_day(void) { return SECONDS(1709251199) + MILLISECS(250); }
static u64 last_century(void) { return SECONDS(946684799); }

static void stamped(const char *option, u64 (*clock)(void), u64 khz, const char *want)
{
	console_wall_ns = clock;
	tsc_khz = khz;
	now = SECONDS(12) + MICROSECS(3456);
	power_on(option, 115200, 16);
	ok(!strncmp(said(&sim[0]), want, strlen(want)) && strstr(said(&sim[0]), "booted\n"),
	   "%s: %.*s", option, (int)strcspn(said(&sim[0]), "\n"), said(&sim[0]));
}

static void by_date(void)
{
	stamped("console_timestamps", leap_day, 1, "(isola) [2024-02-29 23:59:59] booted\n");
}

static void by_date_ms(void)
{
	stamped("console_timestamps=datems", leap_day, 1,
		"(isola) [2024-02-29 23:59:59.250] booted\n");
}

static void by_last_day(void)
{
	stamped("console_timestamps=date", last_century, 1,
		"(isola) [1999-12-31 23:59:59] booted\n");
}

static void by_boot(void)
{
	stamped("console_timestamps=boot", leap_day, 1, "(isola) [    0.0000");
	ok(said(&sim[0])[21] == ']', "seconds and microseconds");
}

static void by_date_too_early(void)
{
	stamped("console_timestamps=date", NULL, 0, "(isola) [000000001234abcd] booted\n");
}

static void by_tsc(void)
{
	stamped("console_timestamps=raw", leap_day, 1, "(isola) [000000001234abcd] booted\n");
}

static void by_nothing(void)
{
	stamped("console_timestamps=date console_timestamps=no", leap_day, 1, "(isola) booted\n");
}

static const char *log_now(void)
{
	static char buf[65536];
	u32 index = 0;
	u32 n = console_log_read(&index, buf, sizeof(buf) - 1);

	buf[n] = '\0';
	return buf;
}

static void to_ring(void)
{
	power_on("console_to_ring", 115200, 16);
	dom0_runs(0);
	guest_writes("half a line", 11);
	interrupt();
	guest_writes(text, strlen(text));
	run_for(SECONDS(2));
	ok(strstr(log_now(), "(isola) booted\nhalf a line\n(isola) interrupt 1\nguest line 0 ") &&
		   !strcmp(strstr(log_now(), "guest line 0"), text),
	   "console_to_ring: what a guest writes is in the log, each line of ours at the margin");
	ok(!strcmp(said(&sim[0]), log_now()), "and leaves in the same order");
	ok(deaf_longest <= LIMIT_NS, "interrupts are off for %lu ns at most", deaf_longest);
}

static void not_to_ring(void)
{
	power_on("", 115200, 16);
	dom0_runs(0);
	guest_writes("a guest's line\n", 15);
	run_for(MILLISECS(50));
	ok(!strcmp(log_now(), "(isola) booted\n"), "without it, it is not");
}

static void larger_log(void)
{
	static char larger[65536];

	power_on("", 115200, 16);
	console_use_ring(larger, sizeof(larger));
	dom0_runs(0);
	for (unsigned i = 0; i < 2000; i++) {
		interrupt();
		run_for(MILLISECS(3));
	}
	ok(strstr(log_now(), "(isola) booted\n(isola) interrupt 1\n") &&
		   strstr(log_now(), "interrupt 2000\n"),
	   "a larger ring keeps what was in the first one, and more than that could");
	ok(strstr(said(&sim[0]), "(isola) booted\n(isola) interrupt 1\n"), "all of it left once");
}

static void full_speed(void) { slow("115200 baud", "", 115200, 16); }
static void no_fifo(void) { slow("115200 baud, no FIFO", "", 115200, 1); }
static void slow_line(void) { slow("2400 baud", "com1=2400", 2400, 16); }
static void fast_line(void) { slow("921600 baud", "com1=921600/921600", 921600, 16); }
static void as_found(void) { slow("9600 baud as found", "com1=auto", 9600, 16); }

static void (*const cases[])(void) = {
	full_speed, no_fifo, slow_line, fast_line, as_found, lines_alone, ends, shuts_down,
	gets_stuck, takes_turns, goes_on_unless_broken, tells_of_lines, waits_if_told_to,
	two_ports,  shares_a_line, falls_back, on_a_screen, screen_alone, no_screen,
	screen_at_last, by_date, by_date_ms, by_last_day, by_boot, by_date_too_early, by_tsc,
	by_nothing, to_ring, not_to_ring, larger_log,
};

int main(void)
{
	make_text();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_case(cases[i]);
	return done();
}
