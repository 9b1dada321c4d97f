/* SPDX-License-Identifier: MIT */
/*
 * The end: a bug of our own, or input that boot cannot go on with.
 *
 * Invariants: one CPU panics, the others stop; a second panic on the same CPU (while printing the
 * first) prints no more than its sentence. Nothing here takes a lock or touches guest memory.
 * Root: whatever is loaded; none is loaded for it. All it needs, text, this CPU's stack and the
 * console, is in every root.
 */
#include <isola/panic.h>
#include <isola/console.h>
#include <isola/spinlock.h>
#include <isola/clock.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/format.h>
#include <asm/insn.h>
#include <asm/percpu.h>

void (*panic_stop_others)(void);
void (*machine_reboot)(void);

static u32 panicking;           /* 1 + the CPU that does; 0: none */
static u32 depth;               /* panics on that CPU */
static bool noreboot;
CMDLINE_BOOL("noreboot", noreboot);

static unsigned this_cpu_id(void)
{
	return spin_debug_started() ? smp_cpu_id() : 0;
}

bool reboot_refused(void)
{
	return noreboot;
}

void reboot_refuse(void)
{
	noreboot = true;
}

void reboot_wait(void)
{
	for (unsigned i = 0; i < REBOOT_DELAY_S * 1000; i++)
		udelay(1000);
}

bool panic_in_progress(void)
{
	u32 who = READ_ONCE(panicking);

	return who && who != this_cpu_id() + 1;
}

void (*cpu_leaves)(void);

void cpu_stop(void)
{
	irq_disable();
	if (cpu_leaves)
		cpu_leaves();
	for (;;) {
		irq_disable();
		asm volatile ("hlt");
	}
}

/* Printed whatever loglvl= says: straight to the console. */
static void say(const char *fmt, ...) __printf(1, 2);
static void say(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_write_line(line, min_t(size_t, len, sizeof(line) - 1));
}

static void print_regs(const struct regs *r)
{
	char name[96];

	symbol_format(name, sizeof(name), r->rip);
	say("RIP    %04lx:%s", r->cs, name);
	say("RFLAGS %016lx  vector %u  error %04x", r->rflags, r->vector, r->error_code);
	say("rax %016lx  rbx %016lx  rcx %016lx", r->rax, r->rbx, r->rcx);
	say("rdx %016lx  rsi %016lx  rdi %016lx", r->rdx, r->rsi, r->rdi);
	say("rbp %016lx  rsp %016lx  r8  %016lx", r->rbp, r->rsp, r->r8);
	say("r9  %016lx  r10 %016lx  r11 %016lx", r->r9, r->r10, r->r11);
	say("r12 %016lx  r13 %016lx  r14 %016lx", r->r12, r->r13, r->r14);
	say("r15 %016lx  ss  %04lx", r->r15, r->ss);
}

static void print_context(void)
{
	struct log_subject s;

	say("cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %016lx", read_cr0(), read_cr2(), read_cr3(),
	    read_cr4());
	if (!spin_debug_started())
		return;
	if (log_subject(&s))
		say("running: d%uv%u", s.domid, s.vcpu);
	else
		say("running: idle");
}

/*
 * Only the first CPU comes back from here; it stays on this CPU with interrupts off. Who panics at
 * the machine's end has the floor already: false.
 */
static bool take_the_floor(void)
{
	u32 nobody = 0, me = this_cpu_id() + 1;

	irq_disable();
	if (!__atomic_compare_exchange_n(&panicking, &nobody, me, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST) && nobody != me)
		cpu_stop();
	return nobody != me;
}

static void stop_others(void)
{
	if (panic_stop_others)
		panic_stop_others();
}

void machine_stop_others(void)
{
	if (take_the_floor()) {
		console_seize();
		stop_others();
	}
	console_force();
}

static void finish(void) __noreturn;
static void finish(void)
{
	if (noreboot || !machine_reboot || depth > 1) {
		say("CPU %u halted", this_cpu_id());
		cpu_stop();
	}
	say("Reboot in %u seconds", REBOOT_DELAY_S);
	reboot_wait();
	machine_reboot();
	cpu_stop();
}

static void vpanic(const struct regs *r, const char *fmt, va_list ap) __noreturn;
static void vpanic(const struct regs *r, const char *fmt, va_list ap)
{
	bool is_first = take_the_floor();
	char text[192];

	console_force();
	if (is_first)
		stop_others();
	depth++;
	vsnprintf(text, sizeof(text), fmt, ap);
	say("PANIC on CPU %u: %s", this_cpu_id(), text);
	if (depth > 1)
		finish();
	print_regs(r);
	print_context();
	backtrace(r);
	finish();
}

/*
 * The registers of panic()'s caller. Those that a call preserves are the caller's own; the others
 * are what panic() was called with or has left in them.
 */
#define CAPTURE(r, reg) asm volatile ("mov %%" #reg ", %0" : "=m"((r)->reg))

static __always_inline void capture_regs(struct regs *r)
{
	const u64 *frame = __builtin_frame_address(0);

	CAPTURE(r, rax); CAPTURE(r, rbx); CAPTURE(r, rcx); CAPTURE(r, rdx);
	CAPTURE(r, rsi); CAPTURE(r, rdi); CAPTURE(r, r8); CAPTURE(r, r9);
	CAPTURE(r, r10); CAPTURE(r, r11);
	CAPTURE(r, r12); CAPTURE(r, r13); CAPTURE(r, r14); CAPTURE(r, r15);
	asm volatile ("mov %%cs, %0" : "=r"(r->cs));
	asm volatile ("mov %%ss, %0" : "=r"(r->ss));
	r->vector = r->error_code = 0;
	r->rbp = frame[0];
	r->rip = frame[1];
	r->rsp = (u64)(frame + 2);
	r->rflags = read_flags();
}

void panic(const char *fmt, ...)
{
	struct regs r; /* filled whole, without a loop that would use the registers it is to show */
	va_list ap;

	capture_regs(&r);
	va_start(ap, fmt);
	vpanic(&r, fmt, ap);
}

void panic_regs(const struct regs *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vpanic(r, fmt, ap);
}

void fatal(const char *fmt, ...)
{
	char text[224];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	irq_disable();
	console_force();
	say("FATAL: %s", text);
	cpu_stop();
}
