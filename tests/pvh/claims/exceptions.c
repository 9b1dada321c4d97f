/* SPDX-License-Identifier: MIT */
/*
 * Exceptions, which are the guest's own; and those that the hypervisor sees first: #DB, #AC.
 */
#define TOPIC "exceptions"
#include "claim.h"
#include "machine.h"

CLAIM(ordinary, "#DE, #UD, #BP, #GP and #PF come with their error codes, and CR2")
{
	volatile uint64_t *absent = (void *)0x300000000ul;

	CHECK_TRAP(0, "div %0", : : "r"(0) : "rax", "rdx");
	CHECK_TRAP(6, "ud2", : : : "memory");
	CHECK_TRAP(3, "int3", : : : "memory");
	CHECK_TRAP(13, "mov %0, %%ds", : : "r"(0x100) : "memory");
	CHECK_EQ(trap_last.error, 0x100);
	CHECK_TRAP(14, "movq $0, (%0)", : : "r"(absent) : "memory");
	CHECK_EQ(trap_last.error, 2);
	CHECK_EQ(trap_last.cr2, (uint64_t)absent);
}

/* TF is set by POPF: the #DB comes behind the next instruction. */
#define STEP(insn, ...) \
	TRY("pushfq; orl $0x100, (%%rsp); popfq; " insn "; nop; nop", __VA_ARGS__)

CLAIM(step, "a single step over NOP, CPUID and RDMSR: #DB behind each, with DR6.BS")
{
	if (option("bochs"))		/* as below */
		skip("Bochs stops for an intercepted #DB before it writes DR6");
	asm volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
	CHECK(STEP("nop", : : : "memory"));
	CHECK_EQ(trap_last.vector, 1);
	CHECK_EQ(trap_last.dr6 & 0x4000, 0x4000);
	asm volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
	CHECK(STEP("1: cpuid; .globl stepped_cpuid; stepped_cpuid:",
		   : : "a"(0) : "rbx", "rcx", "rdx", "memory"));
	CHECK_EQ(trap_last.vector, 1);
	CHECK_EQ(trap_last.dr6 & 0x4000, 0x4000);
	extern char stepped_cpuid[];
	CHECK_EQ(trap_last.rip, (uint64_t)stepped_cpuid);
	asm volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
	CHECK(STEP("rdmsr; .globl stepped_rdmsr; stepped_rdmsr:",
		   : : "c"(0xc0000080) : "rax", "rdx", "memory"));
	extern char stepped_rdmsr[];
	CHECK_EQ(trap_last.rip, (uint64_t)stepped_rdmsr);
}

CLAIM(watchpoint, "a breakpoint on data: #DB behind the store, with its bit in DR6")
{
	static volatile uint64_t watched;

	if (option("tcg"))		/* said by who runs it: brands tell models apart only */
		skip("QEMU's VMRUN arms no breakpoints of the VMCB's DR7");
	if (option("bochs"))
		skip("Bochs stops for an intercepted #DB before it writes DR6");
	asm volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
	asm volatile("mov %0, %%dr2" : : "r"(&watched));
	asm volatile("mov %0, %%dr7" : : "r"(0x0d000420ul));	/* DR2, global, writes of 8 */
	CHECK_TRAP(1, "movq $1, (%0); nop", : : "r"(&watched) : "memory");
	asm volatile("mov %0, %%dr7" : : "r"(0x400ul));
	CHECK_EQ(trap_last.dr6 & 0xf, 4);
	CHECK_EQ(watched, 1);
}

CLAIM(user, "user mode: CPUID works, a hypercall is refused with -EPERM")
{
	static char stack[4096] __attribute__((aligned(16)));

	CHECK_EQ((uint32_t)user_call(user_cpuid, stack + sizeof(stack)), 0x566e6558);
	CHECK_EQ(user_call(user_vmmcall, stack + sizeof(stack)), -(long)XEN_EPERM);
}

CLAIM(cpuid_faulting, "MSR CEh says that user mode's CPUID can be made to fault, and by MSR 140h "
      "it is: #GP; the kernel's works")
{
	static char stack[4096] __attribute__((aligned(16)));
	void *top = stack + sizeof(stack);

	CHECK_EQ(rdmsr(0xce), 1ul << 31);
	CHECK_EQ(rdmsr(0x140), 0);
	CHECK_WRMSR_GP(0x140, 2);
	wrmsr(0x140, 1);
	CHECK_EQ(rdmsr(0x140), 1);
	CHECK_EQ(user_call(user_cpuid, top), USER_TRAPPED - 13);
	CHECK_EQ(cpuid(0x40000000, 0).b, 0x566e6558);
	wrmsr(0x140, 0);
	CHECK_EQ((uint32_t)user_call(user_cpuid, top), 0x566e6558);
}
