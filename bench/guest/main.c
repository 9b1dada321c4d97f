/* SPDX-License-Identifier: MIT */
/*
 * The benchmark guest: start of day, samples and medians. Shares its first instruction, memory and
 * text with the selftest guest.
 */
#include <stdarg.h>
#include "bench.h"

static uint64_t nothing;		/* what timed_nothing() takes */

void guest_main(struct start_info *si) __attribute__((noreturn));
void unexpected(const uint64_t *frame) __attribute__((noreturn));
void skip(const char *f, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* head.S keeps the first registers for the selftest guest's claims. */
uint64_t boot_regs[32];

static void __attribute__((noreturn)) shutdown(unsigned int reason)
{
	struct sched_shutdown s = { .reason = reason };

	HC2(sched_op, SCHEDOP_shutdown, &s);
	for (;;)
		HC2(sched_op, SCHEDOP_yield, 0);
}

void die(const char *f, ...)
{
	char text[256];
	va_list args;

	va_start(args, f);
	format_v(text, sizeof(text), f, args);
	va_end(args);
	print("bench failed: %s\n", text);
	shutdown(SHUTDOWN_crash);
}

/*
 * For what tests/guest/{memory,domains}.c check (claim.h); what only Isola promises at once is
 * waited for.
 */
bool on_isola;
unsigned int checks_made;
void fail(const char *file, int line, const char *f, ...);
void fail(const char *file, int line, const char *f, ...)
{
	die("%s:%d: %s", file, line, f);
}

/* memory.c says so when its pool is empty. */
void skip(const char *f, ...)
{
	die("%s", f);
}

/* lending.c asks for shares, of which there are none here. */
const char *option(const char *key);
const char *option(const char *key)
{
	return strstr((const char *)start->cmd_line, key);
}

void unexpected(const uint64_t *frame)
{
	die("unexpected trap; frame %lx %lx %lx %lx %lx %lx %lx %lx", frame[0], frame[1], frame[2],
	    frame[3], frame[4], frame[5], frame[6], frame[7]);
}

void row_of(const char *key, uint64_t *v, unsigned int nr, unsigned int own, unsigned int per)
{
	for (unsigned int i = 1; i < nr; i++)
		for (unsigned int k = i; k && v[k - 1] > v[k]; k--) {
			uint64_t swap = v[k];

			v[k] = v[k - 1];
			v[k - 1] = swap;
		}
	print("bench %s %lu\n", key, (v[nr / 2] - own + per / 2) / per);
}

void trace(const char *key)
{
	const char *word = strstr((const char *)start->cmd_line, "trace=");

	if (word && !strncmp(word + 6, key, strlen(key)) &&
	    (word[6 + strlen(key)] == 0 || word[6 + strlen(key)] == ' '))
		trace_here();
}

void row_per(const char *key, uint64_t (*op)(void *arg), void *arg, unsigned int own,
	     unsigned int per)
{
	static uint64_t samples[NR_SAMPLES];

	for (unsigned int i = 0; i < NR_WARM_UP; i++)
		op(arg);
	trace(key);
	for (unsigned int i = 0; i < NR_SAMPLES; i++)
		samples[i] = op(arg);
	row_of(key, samples, NR_SAMPLES, own + nothing, per);
}

void row(const char *key, uint64_t (*op)(void *arg), void *arg, unsigned int own)
{
	row_per(key, op, arg, own, 1);
}

uint64_t time_hypercall(unsigned int nr, long expected, unsigned long a1, unsigned long a2,
			unsigned long a3, unsigned long a4)
{
	struct timed t = { .rax = nr, .rdi = a1, .rsi = a2, .rdx = a3, .r10 = a4 };
	uint64_t ticks = timed_syscall(&t);

	if ((long)t.result != expected)
		die("hypercall %u (%lx, %lx, %lx) is %ld, not %ld", nr, a1, a2, a3, (long)t.result,
		    expected);
	return ticks;
}

static uint64_t empty_row(void *arg)
{
	return timed_nothing(&(struct timed){ 0 });
}

static void callback(uint16_t type, const char *address)
{
	struct callback_register r = { .type = type, .address = (unsigned long)address };

	MUST(HC2(callback_op, CALLBACKOP_register, &r));
}

static void entries_install(void)
{
	static struct trap_info table[34];

	for (unsigned int v = 0; v < 32; v++) {
		table[v].vector = (uint8_t)v;
		table[v].cs = FLAT_KERNEL_CS;
		table[v].address =
			(unsigned long)(v == 13 || v == 14 ? fault_entry : unexpected_entry);
	}
	table[32] = (struct trap_info){ .vector = INT_VECTOR, .flags = 3, .cs = FLAT_KERNEL_CS,
					.address = (unsigned long)int_entry };
	MUST(HC1(set_trap_table, table));
	callback(CALLBACKTYPE_event, event_entry_0);
	callback(CALLBACKTYPE_failsafe, unexpected_entry);
	callback(CALLBACKTYPE_syscall, syscall_entry);
	MUST(HC2(stack_switch, FLAT_KERNEL_SS, trap_stack_end));
}

void guest_main(struct start_info *si)
{
	struct physdev_set_iopl iopl = { .iopl = 1 };
	uint64_t least = ~0ul;

	start = si;
	entries_install();
	MUST(memory_init(si));
	vcpu_info->evtchn_upcall_mask = 1;
	memset((void *)shared->evtchn_mask, 0xff, sizeof(shared->evtchn_mask));
	HC3(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
	MUST(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
	for (unsigned int i = 0; i < NR_SAMPLES; i++) {
		uint64_t ticks = empty_row(NULL);

		least = ticks < least ? ticks : least;
	}
	nothing = least;

	others_start();
	print("bench begins: two RDTSCs are %lu apart\n", nothing);
	row("empty", empty_row, NULL, 0);
	bench_hypercalls();
	bench_mmu();
	bench_traps();
	bench_user();
	bench_grants();
	bench_events();
	if (!others) {
		bench_messages();
		bench_domains();
		bench_fifo();
	}
	print("bench ends\n");
	shutdown(SHUTDOWN_poweroff);
}
