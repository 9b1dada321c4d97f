/* SPDX-License-Identifier: MIT */
/*
 * Instructions: privileged ones, those that trap, stores into tables, accesses anywhere.
 */
#include "ops.h"

extern const void *const insns_system[], *const insns_flow[], *const insns_selectors[];
extern const void *const insns_fpu[], *const insns_stores[], *const insns_ports[];
void insn_run(const uint64_t r[7], const void *code);

static const void *any_of(struct me *m, const void *const *list)
{
	unsigned int nr = 0;

	while (list[nr])
		nr++;
	return list[below(m, nr)];
}

long op_insn(struct me *m, unsigned int kind)
{
	static const void *const *const kinds[] = {
		insns_system, insns_flow, insns_selectors, insns_fpu,
	};
	static const uint64_t msrs[] = {
		0x10, 0x17, 0x1b, 0x3a, 0x8b, 0xce, 0x10a, 0x140, 0x174, 0x179, 0x1a0, 0x1d9, 0x277,
		0x400, 0x47f, 0x480, 0x800, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000100,
		0xc0000101, 0xc0000102, 0xc0000103, 0xc0010000, 0xc0010015, 0xc0010140, 0xc0011029,
	};
	const void *code = any_of(m, kinds[kind]);
	uint64_t r[7] = {
		kind == 2 ? any_selector(m) : border(m), one_in(m, 4) ? border(m) : PICK(m, msrs),
		border(m), border(m), ARG(m->arg), one_in(m, 2) ? bad_address(m) : sand_address(m),
		code_address(m),
	};

	here(m)->rip = ARG(code);
	insn_run(r, code);
	return 0;
}

long op_store(struct me *m, unsigned int nothing)
{
	const void *code = any_of(m, insns_stores);
	uint64_t at = sand_address(m) & ~(PAGE_BYTES - 1);
	uint64_t r[7] = { word(m), PTE_A, 0, word(m), ARG(m->arg), 0 };

	if (one_in(m, 2))
		r[1] = PTE_RW & rnd(m);
	r[5] = at + 8 * below(m, one_in(m, 4) ? 508 : 4);
	here(m)->rip = ARG(code);
	insn_run(r, code);
	return 0;
}

long op_port(struct me *m, unsigned int nothing)
{
	static const uint64_t ports[] = {
		0x80, 0x42, 0x43, 0x61, 0x71, 0xcf8, 0xcfc, 0xcff, 0x3d5, 0xffff, 0x1000,
	};
	struct physdev_set_iopl iopl = { .iopl = (uint32_t)below(m, 4) };
	const void *code = any_of(m, insns_ports);
	uint64_t r[7] = {
		0x1234, 1, PICK(m, ports), one_in(m, 4) ? bad_address(m) : ARG(m->arg),
		ARG(m->arg) + 64, 0,
	};

	HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl);
	here(m)->rip = ARG(code);
	insn_run(r, code);
	return 0;
}

/* @kind 0: read, 1: write, 2: fetch. What a write leaves names no control memory. */
long op_access(struct me *m, unsigned int kind)
{
	uint64_t at = sand_address(m);

	if (kind == 2) {
		at = one_in(m, 2) ? code_address(m) : bad_address(m);
		((void (*)(void))at)();
		return 0;
	}
	if (one_in(m, 6))
		at = bad_address(m);
	if (kind)
		*(volatile uint64_t *)at = word(m);
	else
		(void)*(volatile uint64_t *)at;
	return 0;
}

/*
 * The iret hypercall to any frame on our stack: back to kernel mode it must come to a place and a
 * stack of ours, or to where nothing is. No segment of 32 bits, in which the stack pointer would be
 * cut off, and the next frame would find no stack; so none of the LDT, which may hold one.
 */
long op_iret(struct me *m, unsigned int nothing)
{
	static const uint64_t selectors[] = {
		0, 0xe008, 0xe010, 0xe040, 0xfff8, FLAT_KERNEL_DS,
	};
	uint64_t cs = (one_in(m, 3) ? PICK(m, selectors) : FLAT_KERNEL_CS) & ~3ul;
	uint64_t ss = one_in(m, 3) ? any_selector(m) : FLAT_KERNEL_SS;
	uint64_t flags = (border(m) & 0x40dd5) | 0x202;
	uint64_t how = one_in(m, 3) ? border(m) & ~(uint64_t)VGCF_in_syscall : 0;
	uint64_t rip = one_in(m, 3) ? code_address(m) : 0;

	cs |= (rnd(m) & 0xff) << 32;
	asm volatile("mov %%rsp, %%rax; test %0, %0; jnz 1f; lea 2f(%%rip), %0\n"
		     "1:\tpush %4; push %%rax; push %3; push %2; push %0; push %1\n\t"
		     "jmp hypercall_page + 23 * 32\n"
		     "2:\tcld\n\t"
		     "pushfq; andq $~0x44500, (%%rsp); popfq"
		     : "+r"(rip) : "r"(how), "r"(cs), "r"(flags), "r"(ss)
		     : "rax", "rcx", "r11", "memory", "cc");
	return 0;
}
