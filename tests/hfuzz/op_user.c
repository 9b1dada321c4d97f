/* SPDX-License-Identifier: MIT */
/*
 * User mode: a page of code per vCPU on tables of our own, or tables from the sandbox; left by
 * whatever comes first. Random bytes are only run on our own tables, where they can write to one
 * page alone, with I/O privilege 0.
 */
#include "ops.h"

#define USER_BASE 0x400000ul
#define USER_PAGES 4u			/* code, data, stack, nothing; of each vCPU */

static uint64_t tables[4][512] __attribute__((aligned(4096)));	/* l1 l2 l3 l4 */
static uint8_t pages[MAX_CPUS][3][PAGE_BYTES] __attribute__((aligned(4096)));

static uint64_t user_va(const struct me *m, unsigned int page)
{
	return USER_BASE + (m->id * USER_PAGES + page) * PAGE_BYTES;
}

void user_init(void)
{
	for (unsigned int v = 0; v < MAX_CPUS; v++)
		for (unsigned int p = 0; p < 3; p++)
			tables[0][v * USER_PAGES + p] =
				make_pte(mfn_of(pages[v][p]), p ? PTE_RW_PAGE : PTE_RO_PAGE);
	tables[1][USER_BASE >> 21] = table_pte(tables[0]);
	tables[2][0] = table_pte(tables[1]);
	tables[3][0] = table_pte(tables[2]);
	for (unsigned int l = 0; l < 4; l++)
		MUST(make_readonly(tables[l]));
	MUST(mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(tables[3]), 0));
}

/* Code that does one thing and cannot loop. */
static const struct { uint8_t bytes[8], nr; } snippets[] = {
	{ { 0x0f, 0x05 }, 2 },			/* syscall */
	{ { 0x0f, 0x34 }, 2 },			/* sysenter */
	{ { 0xcd, 0x80 }, 2 },			/* int, four gates */
	{ { 0xcd, 0x81 }, 2 },
	{ { 0xcd, 0x03 }, 2 },
	{ { 0xcd, 0x0e }, 2 },
	{ { 0xcc }, 1 },			/* int3 */
	{ { 0xf1 }, 1 },			/* ICEBP */
	{ { 0xcf }, 1 },			/* iret */
	{ { 0xcb }, 1 },			/* far return */
	{ { 0x0f, 0x0b }, 2 },			/* ud2 */
	{ { 0xf4 }, 1 },			/* hlt */
	{ { 0xfa }, 1 },			/* cli */
	{ { 0xfb }, 1 },			/* sti */
	{ { 0x48, 0x8b, 0x07 }, 3 },		/* mov (%rdi), %rax */
	{ { 0xff, 0xe7 }, 2 },			/* jmp *%rdi */
	{ { 0x0f, 0x32 }, 2 },			/* rdmsr */
	{ { 0x0f, 0x30 }, 2 },			/* wrmsr */
	{ { 0x0f, 0x20, 0xc0 }, 3 },		/* mov %cr0, %rax */
	{ { 0x0f, 0x22, 0xd8 }, 3 },		/* mov %rax, %cr3 */
	{ { 0x0f, 0xa2 }, 2 },			/* cpuid, and with the forced-emulation prefix */
	{ { 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2 }, 7 },
	{ { 0xec }, 1 },			/* in %dx, %al */
	{ { 0x8e, 0xd8 }, 2 },			/* mov %eax, %ds; %gs */
	{ { 0x8e, 0xe8 }, 2 },
	{ { 0x0f, 0x01, 0xf8 }, 3 },		/* swapgs */
	{ { 0x0f, 0x01, 0xd0 }, 3 },		/* xgetbv */
};

static void write_code(struct me *m, bool any)
{
	uint8_t *code = pages[m->id][0];

	for (unsigned int i = 0; i < 32; i++)
		code[i] = (uint8_t)rnd(m);
	if (!any) {
		unsigned int s = (unsigned int)below(m, sizeof(snippets) / sizeof(snippets[0]));

		memcpy(code, snippets[s].bytes, snippets[s].nr);
		memset(code + snippets[s].nr, 0x0f, 1);
		code[snippets[s].nr + 1] = 0x0b;
	}
}

/* @kind 0: our tables, one snippet; 1: our tables, any bytes; 2: tables of the sandbox. */
long op_user(struct me *m, unsigned int kind)
{
	struct physdev_set_iopl iopl = { .iopl = 0 };
	struct user_entry e = {
		.to = { .flags = one_in(m, 3) ? VGCF_in_syscall : 0,
			.rip = user_va(m, 0),
			.cs = one_in(m, 4) ? any_selector(m) | 3 : FLAT_USER_CS,
			.rflags = 0x202 | (one_in(m, 4) ? border(m) & 0x40dd5 : 0),
			.rsp = user_va(m, 3),
			.ss = one_in(m, 4) ? any_selector(m) | 3 : FLAT_USER_SS },
		.rax = border(m),
		.rcx = border(m),
		.r11 = border(m),
		.rdi = one_in(m, 2) ? user_va(m, 1) : bad_address(m),
	};

	if (kind == 1 && !m->id)
		kind = 0;	/* no loops on vCPU 0 */
	MUST(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
	MUST(HC2(stack_switch, FLAT_KERNEL_SS, ARG(m) + AREA_BYTES / 2));
	write_code(m, kind == 1);
	if (kind == 2 && mmuext(MMUEXT_NEW_USER_BASEPTR, sand_mfn(m, 4), 0))
		return -XEN_EAGAIN;
	if (kind == 2)
		e.to.rip = code_address(m);
	else
		MUST(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(tables[3]), 0));
	CALL(m, set_timer_op, clock_ns() + 500000, 0, 0, 0, 0);
	user_enter(&e);
}
