/* SPDX-License-Identifier: MIT */
/*
 * The local APIC: its page, its MSRs, interrupts to oneself, priorities, the timer. It is in xAPIC
 * mode when each claim begins, and enabled.
 */
#define TOPIC "apic"
#include "claim.h"
#include "machine.h"
#include "text.h"

#define BASE		0xfee00000ul
#define ENABLED		(1ul << 11)
#define X2		(1ul << 10)
#define SELF		(1u << 18)
#define NMI		(4u << 8)
#define MASKED		0x10000u
#define PERIODIC	0x20000u
#define DEADLINE	0x40000u
#define TSC_DEADLINE	0x6e0

static void ready(void)
{
	uint64_t base = rdmsr(0x1b);

	if (!(base & ENABLED) || base & X2) {
		wrmsr(0x1b, base & ~(ENABLED | X2));
		wrmsr(0x1b, (base | ENABLED) & ~X2);
	}
	apic_write(0xf0, 0x1ff);
	apic_write(0x80, 0);
	apic_write(0x380, 0);
	apic_write(0x320, MASKED);
	apic_write(0x370, MASKED);
	for (unsigned v = 0; v < 256; v++)
		interrupts[v] = 0;
	interrupt_hook = NULL;
}

#define WINDOW() asm volatile("sti; nop; nop; nop; cli" : : : "memory")

CLAIM(begins, "it is there, in xAPIC mode, the boot processor's, its page where it always is")
{
	uint64_t base = rdmsr(0x1b);

	CHECK_EQ(base & 0xfffffffffffffe00ul, BASE | ENABLED);
	CHECK(base & 1 << 8);
	CHECK(cpuid(1, 0).d & 1 << 9);
	CHECK(cpuid(1, 0).c & 1 << 21);
	CHECK_EQ(cpuid(1, 0).b >> 24, 0);
	CHECK_EQ(apic_read(0x20), 0);
	CHECK_EQ(apic_read(0x30) & 0xff, 0x14);
}

CLAIM(page, "registers keep what is written, as far as there is something to keep")
{
	uint32_t val;

	ready();
	apic_write(0x360, 0xffffffff);
	CHECK_EQ(apic_read(0x360) & 0x107ff, 0x107ff);
	apic_write(0x360, MASKED);
	apic_write(0xd0, 0x01ffffff);
	CHECK_EQ(apic_read(0xd0), 0x01000000);
	apic_write(0xe0, 0x0fffffff);
	CHECK_EQ(apic_read(0xe0), 0x0fffffff);
	apic_write(0xe0, 0xffffffff);
	/* an immediate; and another register than the first */
	asm volatile("movl $0x5a, (%1); mov (%1), %%r9d; mov %%r9d, %0"
		     : "=r"(val) : "r"(BASE + 0x80) : "r9", "memory");
	CHECK_EQ(val, 0x5a);
	/* Switched off by software its LVTs are masked. */
	apic_write(0x320, 0x99);
	apic_write(0xf0, 0xff);
	CHECK_EQ(apic_read(0x320), 0x99 | MASKED);
}

CLAIM(tpr, "CR8 is the task priority's class")
{
	uint64_t cr8;

	ready();
	apic_write(0x80, 0x45);
	asm volatile("mov %%cr8, %0" : "=r"(cr8));
	CHECK_EQ(cr8, 4);
	asm volatile("mov %0, %%cr8" : : "r"(9ul));
	CHECK_EQ(apic_read(0x80) & 0xf0, 0x90);
	CHECK_EQ(apic_read(0xa0) & 0xf0, 0x90);
	asm volatile("mov %0, %%cr8" : : "r"(0ul));
}

CLAIM(self, "an interrupt to oneself comes once, when interrupts are on")
{
	ready();
	apic_write(0x300, SELF | 0x71);
	CHECK_EQ(interrupts[0x71], 0);
	CHECK_EQ(apic_read(0x230), 1u << 0x11);
	WINDOW();
	CHECK_EQ(interrupts[0x71], 1);
	WINDOW();
	CHECK_EQ(interrupts[0x71], 1);
	CHECK_EQ(apic_read(0x230), 0);
}

static uint32_t in_service, again;

static void look_in_service(unsigned v)
{
	in_service = apic_read(0x100 + (v / 32) * 16);
	if (v == 0x72 && interrupts[v] == 1) {
		apic_write(0x300, SELF | 0x73);		/* of the same class: it waits */
		WINDOW();
		again = interrupts[0x73];
		apic_write(0x300, SELF | 0x91);		/* of a higher one */
		WINDOW();
	}
}

CLAIM(nested, "in service, it holds back its own class, and not a higher one, until its EOI")
{
	ready();
	interrupt_hook = look_in_service;
	again = ~0u;
	apic_write(0x300, SELF | 0x72);
	WINDOW();
	CHECK_EQ(again, 0);
	CHECK_EQ(interrupts[0x91], 1);
	WINDOW();
	CHECK_EQ(interrupts[0x73], 1);
	CHECK_EQ(in_service, 1u << 0x13);
	CHECK_EQ(apic_read(0x130), 0);
}

CLAIM(held_back, "what the task priority holds back comes when that is lowered")
{
	ready();
	apic_write(0x80, 0x8f);
	apic_write(0x300, SELF | 0x74);
	WINDOW();
	CHECK_EQ(interrupts[0x74], 0);
	asm volatile("sti" : : : "memory");
	apic_write(0x80, 0);
	asm volatile("nop; cli" : : : "memory");
	CHECK_EQ(interrupts[0x74], 1);
}

CLAIM_ISOLA_ONLY(by_cr8, "by CR8, too", "where CR8 is not intercepted QEMU dies of an assertion")
{
	ready();
	asm volatile("mov %0, %%cr8" : : "r"(7ul));
	apic_write(0x300, SELF | 0x74);
	WINDOW();
	CHECK_EQ(interrupts[0x74], 0);
	asm volatile("sti; mov %0, %%cr8; nop; nop; cli" : : "r"(6ul) : "memory");
	CHECK_EQ(interrupts[0x74], 1);
	asm volatile("mov %0, %%cr8" : : "r"(0ul));
}

CLAIM(logical, "to oneself by physical id, by both logical forms, to everybody")
{
	static const struct { uint32_t ldr, dfr, high, low; unsigned comes; } rows[] = {
		{ 0x01000000, ~0u, 0, 0x75, 1 },
		{ 0x01000000, ~0u, 0x02000000, 0x75, 0 },	/* no such id */
		{ 0x01000000, ~0u, 0xff000000, 0x75, 1 },
		{ 0x04000000, ~0u, 0x06000000, 0x875, 1 },
		{ 0x04000000, ~0u, 0x03000000, 0x875, 0 },
		{ 0x24000000, 0x0fffffff, 0x2c000000, 0x875, 1 },
		{ 0x24000000, 0x0fffffff, 0x1c000000, 0x875, 0 },
	};

	ready();
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		apic_write(0xd0, rows[i].ldr);
		apic_write(0xe0, rows[i].dfr);
		apic_write(0x310, rows[i].high);
		interrupts[0x75] = 0;
		apic_write(0x300, rows[i].low);
		WINDOW();
		CHECK_SAY(interrupts[0x75] == rows[i].comes, "row %u: %u", i, interrupts[0x75]);
	}
	apic_write(0xe0, ~0u);
}

CLAIM(error, "a vector below 16 is an error, told once by its LVT, and read after a write of ESR")
{
	ready();
	apic_write(0x280, 0);
	apic_write(0x280, 0);
	apic_write(0x370, 0x76);
	apic_write(0x300, SELF | 5);
	WINDOW();
	CHECK_EQ(interrupts[0x76], 1);
	apic_write(0x280, 0);
	CHECK(apic_read(0x280) & 0x60);
	apic_write(0x280, 0);
	if (on_isola)			/* 4.17 keeps it for ever */
		CHECK_EQ(apic_read(0x280), 0);
}

CLAIM(nmi, "an NMI to oneself comes with interrupts off")
{
	ready();
	CHECK_TRAP(2, "movl %0, (%1); nop; nop; nop", : : "r"(SELF | NMI), "r"(BASE + 0x300)
		   : "memory");
	CHECK_TRAP(2, "movl %0, (%1); nop; nop; nop", : : "r"(SELF | NMI), "r"(BASE + 0x300)
		   : "memory");
}

static uint64_t tsc(void)
{
	uint32_t lo, hi;

	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

CLAIM(one_shot, "the timer counts down and comes once")
{
	uint32_t first, second;
	uint64_t begun;

	ready();
	apic_write(0x3e0, 3);			/* by 16 */
	apic_write(0x320, 0x77);
	apic_write(0x380, 100000);
	first = apic_read(0x390);
	second = apic_read(0x390);
	CHECK(first <= 100000 && first && second <= first);
	begun = tsc();
	asm volatile("sti" : : : "memory");
	while (!interrupts[0x77] && tsc() - begun < 20000000000ul)
		;
	asm volatile("cli" : : : "memory");
	CHECK_EQ(interrupts[0x77], 1);
	CHECK_EQ(apic_read(0x390), 0);
	CHECK_EQ(apic_read(0x380), 100000);
}

CLAIM(halt, "the timer ends a halt; periodic, it comes again")
{
	ready();
	apic_write(0x3e0, 0xb);			/* by 1 */
	apic_write(0x320, PERIODIC | 0x78);
	apic_write(0x380, 500000);
	for (unsigned i = 1; i <= 3; i++)
		while (interrupts[0x78] < i)
			asm volatile("sti; hlt; cli" : : : "memory");
	apic_write(0x380, 0);
	CHECK(interrupts[0x78] >= 3);
	apic_write(0x320, PERIODIC | MASKED | 0x79);
	apic_write(0x380, 1000);
	for (uint64_t begun = tsc(); tsc() - begun < 50000000;)
		WINDOW();
	CHECK_EQ(interrupts[0x79], 0);
	apic_write(0x380, 0);
}

/* Interrupts @v within so many ticks. */
static unsigned comes(unsigned v, uint64_t ticks)
{
	for (uint64_t begun = tsc(); !interrupts[v] && tsc() - begun < ticks;)
		WINDOW();
	return interrupts[v];
}

CLAIM(deadline, "the timer ends at a deadline of the TSC, once, not before, or at once; there is "
		"no count then")
{
	uint64_t end;

	if (!(cpuid(1, 0).c & 1 << 24))
		skip("no deadlines are offered");
	ready();
	apic_write(0x320, DEADLINE | 0x7b);
	CHECK_EQ(rdmsr(TSC_DEADLINE), 0);
	apic_write(0x380, 1000);
	CHECK_EQ(apic_read(0x380), 0);
	CHECK_EQ(apic_read(0x390), 0);
	end = tsc() + 20000000;
	wrmsr(TSC_DEADLINE, end);
	CHECK_EQ(rdmsr(TSC_DEADLINE), end);
	CHECK_EQ(comes(0x7b, 20000000000ul), 1);
	CHECK(tsc() >= end);
	CHECK_EQ(rdmsr(TSC_DEADLINE), 0);
	CHECK_EQ(apic_read(0x380), 0);
	wrmsr(TSC_DEADLINE, 1);
	interrupts[0x7b] = 0;
	CHECK_EQ(comes(0x7b, 20000000000ul), 1);
	wrmsr(TSC_DEADLINE, tsc() + 20000000);
	while (interrupts[0x7b] < 2)
		asm volatile("sti; hlt; cli" : : : "memory");
}

CLAIM(no_deadline, "a deadline is taken back; far away, masked or in another mode none comes; a "
		   "change of mode forgets it, and a count")
{
	if (!(cpuid(1, 0).c & 1 << 24))
		skip("no deadlines are offered");
	ready();
	wrmsr(TSC_DEADLINE, 1);
	CHECK_EQ(rdmsr(TSC_DEADLINE), 0);
	apic_write(0x320, DEADLINE | 0x7c);
	wrmsr(TSC_DEADLINE, tsc() + 20000000);
	wrmsr(TSC_DEADLINE, 0);
	CHECK_EQ(comes(0x7c, 60000000), 0);
	wrmsr(TSC_DEADLINE, ~0ul);
	CHECK_EQ(comes(0x7c, 60000000), 0);
	wrmsr(TSC_DEADLINE, tsc() + 20000000);
	apic_write(0x320, 0x7c);
	CHECK_EQ(rdmsr(TSC_DEADLINE), 0);
	CHECK_EQ(comes(0x7c, 60000000), 0);
	apic_write(0x380, 100000000);
	apic_write(0x320, DEADLINE | 0x7c);
	apic_write(0x320, 0x7c);
	CHECK_EQ(apic_read(0x390), 0);
	apic_write(0x320, DEADLINE | MASKED | 0x7c);
	wrmsr(TSC_DEADLINE, 1);
	CHECK_EQ(comes(0x7c, 60000000), 0);
	CHECK_EQ(rdmsr(TSC_DEADLINE), 0);
}

CLAIM(modes, "from xAPIC to x2APIC and off, not from off to x2APIC, nor back to xAPIC")
{
	uint64_t base;

	ready();
	base = rdmsr(0x1b);
	CHECK_RDMSR_GP(0x802);
	CHECK_WRMSR_GP(0x80b, 0);
	CHECK_WRMSR_GP(0x1b, (base & ~ENABLED) | X2);
	wrmsr(0x1b, base | X2);
	CHECK_EQ(rdmsr(0x1b), base | X2);
	CHECK_WRMSR_GP(0x1b, base);
	CHECK_EQ(rdmsr(0x802), 0);
	CHECK_EQ(rdmsr(0x80d), 1);
	CHECK_RDMSR_GP(0x80e);
	CHECK_WRMSR_GP(0x80d, 1);
	CHECK_WRMSR_GP(0x80b, 1);
	CHECK_WRMSR_GP(0x808, 0x100);
	wrmsr(0x83f, 0x7a);
	WINDOW();
	CHECK_EQ(interrupts[0x7a], 1);
	wrmsr(0x830, SELF | 0x7b);
	WINDOW();
	CHECK_EQ(interrupts[0x7b], 1);
	wrmsr(0x830, 0x800ul | 1ul << 32 | 0x7c);	/* logical id 1 of cluster 0 */
	WINDOW();
	CHECK_EQ(interrupts[0x7c], 1);
	wrmsr(0x1b, base & ~ENABLED);
	CHECK_WRMSR_GP(0x1b, base | X2);
	CHECK(!(cpuid(1, 0).d & 1 << 9));
	wrmsr(0x1b, base);
	CHECK(cpuid(1, 0).d & 1 << 9);
}

CLAIM_ISOLA_ONLY(narrow, "other widths read ones and write nothing; the page does not move",
		 "4.17 takes them apart, and lets it")
{
	uint8_t byte;

	ready();
	apic_write(0x80, 0x30);
	asm volatile("movb $0x70, (%0)" : : "r"(BASE + 0x80) : "memory");
	CHECK_EQ(apic_read(0x80), 0x30);
	asm volatile("movb (%1), %0" : "=r"(byte) : "r"(BASE + 0x80));
	CHECK_EQ(byte, 0xff);
	CHECK_EQ(apic_read(0x84), ~0u);
	apic_write(0x80, 0);
	CHECK_WRMSR_GP(0x1b, 0xfed00000ul | ENABLED | 1 << 8);
}
