/* SPDX-License-Identifier: MIT */
/*
 * Emulated instructions: control and debug registers, and what is never emulated.
 *
 * The rule: a short list is carried out for the kernel (never for user mode), with the answers a PV
 * guest must see; all others are #GP at the instruction. The guest executes each and looks at the
 * answer; then it tries operands and encodings which an emulator could stumble over.
 */
#define TOPIC "emulation"
#include "../claim.h"
#include "../forced_cpuid.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

/* Virtual IOPL of vCPU 0. */
static void set_iopl(unsigned int level)
{
	struct physdev_set_iopl iopl = { .iopl = level };

	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
}

CLAIM(cr0, "CR0 reads as PE, MP, ET, NE, WP, AM, PG, and TS when the guest set it")
{
	uint64_t cr0 = 0;

	CHECK_NO_TRAP("mov %%cr0, %0", : "+r"(cr0) : : "memory");
	CHECK_EQ(cr0, 0x80050033);
	CHECK_OK(HC1(fpu_taskswitch, 1));
	CHECK_NO_TRAP("mov %%cr0, %0", : "+r"(cr0) : : "memory");
	CHECK_EQ(cr0, 0x8005003b);
}

CLAIM(clts, "clts clears the guest's TS")
{
	CHECK_OK(HC1(fpu_taskswitch, 1));
	CHECK_NO_TRAP("clts", : : : "memory");
	CHECK_NO_TRAP("fnop", : : : "memory");
}

CLAIM(mov_to_cr0, "mov to CR0 may set TS and nothing else; another bit changed is #GP")
{
	CHECK_NO_TRAP("mov %0, %%cr0", : : "r"(0x8005003bul) : "memory");
	CHECK_TRAP(TRAP_NM, "fnop", : : : "memory");
	CHECK_NO_TRAP("mov %0, %%cr0", : : "r"(0x80050033ul) : "memory");
	CHECK_TRAP(TRAP_GP, "mov %0, %%cr0", : : "r"(0x80040033ul) : "memory");	/* WP */
	CHECK_TRAP(TRAP_GP, "mov %0, %%cr0", : : "r"(0x33ul) : "memory");	/* PG */
	CHECK_NO_TRAP("fnop", : : : "memory");
}

CLAIM(cr2, "CR2 can be written and read, and is the field in vcpu_info")
{
	uint64_t v = 0;

	CHECK_NO_TRAP("mov %0, %%cr2", : : "r"(0x123456789abcul) : "memory");
	CHECK_NO_TRAP("mov %%cr2, %0", : "+r"(v) : : "memory");
	CHECK_EQ(v, 0x123456789abcul);
	CHECK_EQ(vcpu_info->arch.cr2, 0x123456789abcul);
}

CLAIM(cr3, "CR3 reads as the machine address of the guest's own L4, not of what is really loaded")
{
	uint64_t cr3 = 0;

	CHECK_NO_TRAP("mov %%cr3, %0", : "+r"(cr3) : : "memory");
	CHECK_EQ(cr3, mfn_of((void *)start->pt_base) * PAGE_BYTES);
}

CLAIM(mov_to_cr3, "mov to CR3 accepts the guest's L4 and is #GP for a frame that is no L4")
{
	uint64_t l4 = mfn_of((void *)start->pt_base) * PAGE_BYTES;

	CHECK_NO_TRAP("mov %0, %%cr3", : : "r"(l4) : "memory");
	CHECK_TRAP(TRAP_GP, "mov %0, %%cr3", : : "r"(mfn_of(page_alloc()) * PAGE_BYTES) : "memory");
	CHECK_TRAP(TRAP_GP, "mov %0, %%cr3", : : "r"(PTE_FRAME) : "memory");
}

CLAIM(cr4, "CR4 shows PAE, MCE, OSFXSR, OSXMMEXCPT and hides PGE, PSE, SMEP, SMAP, PCIDE, VMXE")
{
	uint64_t cr4 = 0;

	CHECK_NO_TRAP("mov %%cr4, %0", : "+r"(cr4) : : "memory");
	CHECK_EQ(cr4 & 0x660, 0x660);
	CHECK_EQ(cr4 & (1 << 4 | 1 << 7 | 1 << 13 | 1 << 17 | 1 << 20 | 1 << 21), 0);
}

CLAIM(mov_to_cr4, "TSD and DE of CR4 can be set and cleared; PAE cannot be taken away, PSE not "
      "set, and neither is a fault")
{
	uint64_t cr4 = 0, v = 0;

	CHECK_NO_TRAP("mov %%cr4, %0", : "+r"(cr4) : : "memory");
	CHECK_NO_TRAP("mov %0, %%cr4", : : "r"(cr4 | 0xc) : "memory");
	CHECK_NO_TRAP("mov %%cr4, %0", : "+r"(v) : : "memory");
	CHECK_EQ(v & 0xc, 0xc);
	CHECK_NO_TRAP("mov %0, %%cr4", : : "r"(cr4) : "memory");
	CHECK_NO_TRAP("mov %0, %%cr4", : : "r"((cr4 & ~0x20ul) | 0x90) : "memory");
	CHECK_NO_TRAP("mov %%cr4, %0", : "+r"(v) : : "memory");
	CHECK_EQ(v, cr4);
}

CLAIM(mov_cr8, "CR8 and the control registers that do not exist are #GP or #UD")
{
	CHECK(TRY("mov %%cr8, %%rax", : : : "rax", "memory"));
	CHECK(trap_last.vector == TRAP_GP || trap_last.vector == TRAP_UD);
	CHECK(TRY(".byte 0x0f, 0x20, 0xc8", : : : "rax", "memory"));	/* cr1 */
	CHECK(trap_last.vector == TRAP_GP || trap_last.vector == TRAP_UD);
}

CLAIM(mov_dr, "moves to and from debug registers do what set_debugreg and get_debugreg do")
{
	uint64_t v = 0;

	CHECK_NO_TRAP("mov %0, %%dr1", : : "r"(0x4321ul) : "memory");
	CHECK_EQ(HC1(get_debugreg, 1), 0x4321);
	CHECK_NO_TRAP("mov %%dr1, %0", : "+r"(v) : : "memory");
	CHECK_EQ(v, 0x4321);
	CHECK_TRAP(TRAP_GP, "mov %0, %%dr1", : : "r"(0xffff82d080200000ul) : "memory");
}

CLAIM(wbinvd, "wbinvd of a dom0 kernel is silent")
{
	CHECK_NO_TRAP("wbinvd", : : : "memory");
}

CLAIM(invlpg, "invlpg of any address is silent or #GP, never more")
{
	TRY("invlpg (%0)", : : "r"(UNMAPPED_POINTER) : "memory");
	CHECK(trap_last.vector == -1 || trap_last.vector == TRAP_GP);
	TRY("invlpg (%0)", : : "r"(HYPERVISOR_POINTER) : "memory");
	CHECK(trap_last.vector == -1 || trap_last.vector == TRAP_GP);
}

CLAIM(xsetbv, "xsetbv: the current XCR0 is accepted, XCR0 without x87 and unknown registers are "
      "#GP; without XSAVE #UD or #GP")
{
	uint64_t cr4 = 0;
	uint32_t lo = 0, hi = 0;

	if (!(forced_cpuid(1, 0).ecx & 1u << 26)) {
		CHECK(TRY("xsetbv", : : "c"(0), "a"(3), "d"(0) : "memory"));
		CHECK(trap_last.vector == TRAP_UD || trap_last.vector == TRAP_GP);
		return;
	}
	CHECK_NO_TRAP("mov %%cr4, %0", : "+r"(cr4) : : "memory");
	CHECK_NO_TRAP("mov %0, %%cr4", : : "r"(cr4 | 1 << 18) : "memory");
	CHECK_NO_TRAP("xgetbv", : "+a"(lo), "+d"(hi) : "c"(0) : "memory");
	CHECK_NO_TRAP("xsetbv", : : "c"(0), "a"(lo | 3), "d"(hi) : "memory");
	CHECK_TRAP(TRAP_GP, "xsetbv", : : "c"(0), "a"(2), "d"(0) : "memory");
	CHECK_TRAP(TRAP_GP, "xsetbv", : : "c"(0), "a"(5), "d"(0) : "memory");
	CHECK_TRAP(TRAP_GP, "xsetbv", : : "c"(1), "a"(3), "d"(0) : "memory");
	CHECK_TRAP(TRAP_GP, "xsetbv", : : "c"(0), "a"(3), "d"(0x80000000) : "memory");
	CHECK_NO_TRAP("xgetbv", : "+a"(lo), "+d"(hi) : "c"(0) : "memory");
	CHECK_EQ(lo & 3, 3);
}

CLAIM(never_emulated, "lgdt, lidt, lldt, ltr, lmsw, hlt, rdpmc, swapgs, sysret and iret to ring 0 "
      "are exceptions")
{
	static const uint8_t table[10];

	CHECK_TRAP(TRAP_GP, "lgdt %0", : : "m"(table) : "memory");
	CHECK_TRAP(TRAP_GP, "lidt %0", : : "m"(table) : "memory");
	CHECK_TRAP(TRAP_GP, "lldt %%ax", : : "a"(0) : "memory");
	CHECK_TRAP(TRAP_GP, "ltr %%ax", : : "a"(0xe040) : "memory");
	CHECK_TRAP(TRAP_GP, "lmsw %%ax", : : "a"(0x33) : "memory");
	CHECK_TRAP(TRAP_GP, "hlt", : : : "memory");
	CHECK_TRAP(TRAP_GP, "swapgs", : : : "memory");
	CHECK_TRAP(TRAP_GP, "sysretq", : : "c"(0) : "memory");
	CHECK(TRY("rdpmc", : : "c"(0) : "rax", "rdx", "memory"));
}

CLAIM(rdtsc, "rdtsc works, and is #GP or still works with TSD set and cleared again")
{
	uint64_t cr4 = 0, before = 0, after = 0;

	CHECK_NO_TRAP("rdtsc; shl $32, %%rdx; or %%rdx, %%rax", : "+a"(before) : : "rdx", "memory");
	CHECK_NO_TRAP("mov %%cr4, %0", : "+r"(cr4) : : "memory");
	CHECK_NO_TRAP("mov %0, %%cr4", : : "r"(cr4 | 4) : "memory");
	TRY("rdtsc", : : : "rax", "rdx", "memory");
	CHECK(trap_last.vector == -1 || trap_last.vector == TRAP_GP);
	CHECK_NO_TRAP("mov %0, %%cr4", : : "r"(cr4) : "memory");
	CHECK_NO_TRAP("rdtsc; shl $32, %%rdx; or %%rdx, %%rax", : "+a"(after) : : "rdx", "memory");
	CHECK(after > before);
}

CLAIM(prefixes, "an emulated instruction with fifteen bytes of prefixes is carried out, with "
      "sixteen it is an exception")
{
	uint8_t *code = page_alloc();
	bool ran;

	set_iopl(1);
	memset(code, 0x66, 32);
	code[14] = 0xfa;		/* cli */
	code[15] = 0xc3;
	ran = try_call(code);
	CHECK(ran || trap_last.vector == TRAP_GP);
	code[14] = 0x66;
	code[15] = 0xfa;
	code[16] = 0xc3;
	CHECK(!try_call(code));
	CHECK(trap_last.vector == TRAP_GP || trap_last.vector == TRAP_UD);
}

/*
 * Copy code to the end of @page, which is mapped at the end of the lower half. Returns its address.
 */
static unsigned long at_the_end(uint8_t *page, const uint8_t *text, unsigned int bytes)
{
	memcpy(page + PAGE_BYTES - bytes, text, bytes);
	return 0x800000000000ul - bytes;
}

CLAIM(end_of_the_lower_half, "an instruction in the last bytes of the lower half is emulated")
{
	static const uint8_t cpuid_ret[] = { 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2, 0xc3 };
	static const uint8_t rdmsr_ret[] = { 0x0f, 0x32, 0xc3 };
	uint8_t *page = page_alloc();
	uint64_t *l1 = page_alloc(), *l2 = page_alloc(), *l3 = page_alloc();
	uint64_t *l4e = (uint64_t *)start->pt_base + 255;
	uint32_t a = 0x40000000, b = 0, c = 0, d = 0;

	l1[511] = make_pte(mfn_of(page), PTE_RO_PAGE);
	CHECK_OK(make_readonly(l1));
	l2[511] = table_pte(l1);
	CHECK_OK(make_readonly(l2));
	l3[511] = table_pte(l2);
	CHECK_OK(make_readonly(l3));
	CHECK_OK(write_entry(l4e, table_pte(l3)));
	CHECK_NO_TRAP("call *%[to]", : "+a"(a), "+b"(b), "+c"(c), "+d"(d)
		      : [to] "r"(at_the_end(page, cpuid_ret, sizeof(cpuid_ret))) : "memory");
	CHECK_EQ(b, 0x566e6558);		/* "XenV" */
	c = 0xc0000080;				/* EFER */
	a = d = 0;
	CHECK_NO_TRAP("call *%[to]",
		      : "+a"(a), "+d"(d)
		      : "c"(c), [to] "r"(at_the_end(page, rdmsr_ret, sizeof(rdmsr_ret)))
		      : "memory");
	CHECK_EQ(a & 0x500, 0x500);		/* LME, LMA */
	CHECK_OK(write_entry(l4e, 0));
}
