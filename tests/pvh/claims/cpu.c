/* SPDX-License-Identifier: MIT */
/*
 * CPUID, MSRs, control and debug registers, ports: what stops a guest, and what it then finds.
 */
#define TOPIC "cpu"
#include "claim.h"
#include "machine.h"

#define MSR_EFER 0xc0000080u
#define MSR_LSTAR 0xc0000082u
#define MSR_FS_BASE 0xc0000100u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_PAT 0x277u
#define NONCANONICAL 0x0000900000000000ul

CLAIM(signature, "leaf 40000000H says XenVMMXenVMM; leaf 2 one hypercall page, leaf 4 who we are")
{
	struct cpuid r = cpuid(0x40000000, 0);

	CHECK(r.a >= 0x40000004);
	CHECK_EQ(r.b, 0x566e6558);
	CHECK_EQ(r.c, 0x65584d4d);
	CHECK_EQ(r.d, 0x4d4d566e);
	r = cpuid(0x40000001, 0);
	CHECK_EQ(r.a, (uint32_t)HC2(xen_version, XENVER_version, 0));
	r = cpuid(0x40000002, 0);
	CHECK_EQ(r.a, 1);
	CHECK_EQ(r.c, 0);
	r = cpuid(0x40000004, 0);
	CHECK_EQ(r.a & 8, 8);
	CHECK_EQ(r.b, 0);
}

CLAIM(hidden, "CPUID shows a hypervisor, NX and long mode; neither SVM, VMX nor MONITOR")
{
	struct cpuid r = cpuid(1, 0);

	CHECK(r.c & 1u << 31);
	CHECK(!(r.c & (1u << 5 | 1u << 3)));
	CHECK(r.d & 1u << 13);			/* PGE, which a PV guest does not see */
	r = cpuid(0x80000001, 0);
	CHECK(!(r.c & 1u << 2));
	CHECK(r.d & 1u << 29 && r.d & 1u << 20);
}

CLAIM(registers, "CPUID changes eax, ebx, ecx and edx alone, and clears their upper halves")
{
	uint64_t a = ~0ul << 32, b = ~0ul, c = ~0ul << 32, d = ~0ul, rsi = 0x123456789abcdef0;
	uint64_t rsi_after = rsi;

	asm volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(rsi_after));
	CHECK_EQ(rsi_after, rsi);
	CHECK(!(a >> 32 || b >> 32 || c >> 32 || d >> 32));
}

CLAIM(unknown_msr, "reading or writing an MSR that there is none of is #GP")
{
	CHECK_RDMSR_GP(0xdeadbeef);
	CHECK_WRMSR_GP(0xdeadbeef, 0);
	CHECK_RDMSR_GP(0x480);
	CHECK_WRMSR_GP(0x40000000, 0x1001);	/* a second hypercall page */
}

CLAIM(efer, "EFER: LME stays while paging is on, SVME and unknown bits are refused, SCE changes")
{
	uint64_t efer = rdmsr(MSR_EFER);

	CHECK_EQ(efer & 0x1500, 0x500);
	CHECK_WRMSR_GP(MSR_EFER, efer & ~0x100ul);
	CHECK_WRMSR_GP(MSR_EFER, efer | 1ul << 12);
	CHECK_WRMSR_GP(MSR_EFER, efer | 1ul << 62);
	wrmsr(MSR_EFER, efer | 1);
	CHECK_EQ(rdmsr(MSR_EFER), efer | 1);
	wrmsr(MSR_EFER, efer);
}

CLAIM(bases, "bases of segments and LSTAR keep what is written")
{
	uint64_t old = rdmsr(MSR_FS_BASE), got;

	wrmsr(MSR_FS_BASE, (uint64_t)&old);
	asm volatile("mov %%fs:0, %0" : "=r"(got));
	CHECK_EQ(got, old);
	wrmsr(MSR_KERNEL_GS_BASE, 0xffff888000001000);
	asm volatile("swapgs");
	CHECK_EQ(rdmsr(0xc0000101), 0xffff888000001000);
	asm volatile("swapgs");
	CHECK_EQ(rdmsr(MSR_KERNEL_GS_BASE), 0xffff888000001000);
	wrmsr(MSR_LSTAR, 0x1234);
	CHECK_EQ(rdmsr(MSR_LSTAR), 0x1234);
}

CLAIM_ISOLA_ONLY(refused_values, "a non-canonical base, a type in PAT that there is none of: #GP",
		 "it leaves that to the processor, and TCG does not look")
{
	CHECK_WRMSR_GP(MSR_FS_BASE, NONCANONICAL);
	CHECK_WRMSR_GP(MSR_LSTAR, NONCANONICAL);
	CHECK_WRMSR_GP(MSR_PAT, 0x02);
}

CLAIM(pat, "PAT keeps what is written")
{
	uint64_t old = rdmsr(MSR_PAT);

	wrmsr(MSR_PAT, 0x0001050600070406);
	CHECK_EQ(rdmsr(MSR_PAT), 0x0001050600070406);
	wrmsr(MSR_PAT, old);
}

CLAIM(cr0, "CR0: what cannot be is #GP; TS makes the FPU fault, CLTS ends it; WP protects")
{
	uint64_t cr0 = read_cr0();

	CHECK_TRAP(13, "mov %0, %%cr0", : : "r"(cr0 & ~1ul) : "memory");
	CHECK_TRAP(13, "mov %0, %%cr0", : : "r"(cr0 | 1ul << 32) : "memory");
	CHECK_TRAP(13, "mov %0, %%cr0", : : "r"(cr0 & ~(1ul << 31)) : "memory");
	write_cr0(cr0 | 8);
	CHECK_EQ(read_cr0() & 8, 8);
	CHECK_TRAP(7, "fnop", : : : "memory");
	asm volatile("clts");
	CHECK_NO_TRAP("fnop", : : : "memory");
	CHECK_EQ(read_cr0(), cr0);
}

CLAIM_ISOLA_ONLY(cr0_nw, "CR0.NW without CD is #GP", "4.17 enters, and the processor refuses")
{
	uint64_t cr0 = read_cr0();

	CHECK_TRAP(13, "mov %0, %%cr0", : : "r"((cr0 | 1ul << 29) & ~(1ul << 30)) : "memory");
}

CLAIM(lmsw, "LMSW sets and clears TS, and cannot clear PE")
{
	uint64_t cr0 = read_cr0();

	asm volatile("lmsw %w0" : : "r"(8));
	CHECK_EQ(read_cr0() & 0xf, 9);
	asm volatile("lmsw %w0" : : "r"(0));
	CHECK_EQ(read_cr0() & 0xf, 1);
	write_cr0(cr0);
}

CLAIM(cr4, "CR4: PAE stays in long mode, unknown bits are #GP, PGE changes")
{
	uint64_t cr4 = read_cr4();

	CHECK_TRAP(13, "mov %0, %%cr4", : : "r"(cr4 & ~0x20ul) : "memory");
	CHECK_TRAP(13, "mov %0, %%cr4", : : "r"(cr4 | 1ul << 30) : "memory");
	CHECK_TRAP(13, "mov %0, %%cr4", : : "r"(cr4 | 1ul << 13) : "memory");
	write_cr4(cr4 | 0x80);
	CHECK_EQ(read_cr4(), cr4 | 0x80);
	write_cr4(cr4);
}

CLAIM(high_registers, "control registers are written from r8 to r15, too")
{
	uint64_t cr4 = read_cr4();

	asm volatile("mov %0, %%r13; mov %%r13, %%cr4" : : "r"(cr4 | 0x80) : "r13", "memory");
	CHECK_EQ(read_cr4(), cr4 | 0x80);
	write_cr4(cr4);
}

CLAIM(debug_registers, "debug registers keep what is written, their fixed bits are as they are")
{
	uint64_t v;

	asm volatile("mov %0, %%dr0; mov %1, %%dr3" : : "r"(0x1234ul), "r"(0xffff888000000000ul));
	asm volatile("mov %%dr0, %0" : "=r"(v));
	CHECK_EQ(v, 0x1234);
	asm volatile("mov %%dr3, %0" : "=r"(v));
	CHECK_EQ(v, 0xffff888000000000);
	asm volatile("mov %0, %%dr7" : : "r"(0x500ul));
	asm volatile("mov %%dr7, %0" : "=r"(v));
	CHECK_EQ(v, 0x500);
	CHECK_TRAP(13, "mov %0, %%dr7", : : "r"(1ul << 32) : "memory");
	asm volatile("mov %0, %%dr7" : : "r"(0x400ul));
}

CLAIM(ports, "a port with nothing behind it reads as ones, and takes what is written")
{
	uint32_t v = 0;

	asm volatile("inb %w1, %b0" : "+a"(v) : "d"(0x7e0));
	CHECK_EQ(v, 0xff);
	v = 0x11111111;
	asm volatile("inw %w1, %w0" : "+a"(v) : "d"(0x7e0));
	CHECK_EQ(v, 0x1111ffff);
	asm volatile("inl %w1, %0" : "=a"(v) : "d"(0x7e0));
	CHECK_EQ(v, 0xffffffff);
	CHECK_NO_TRAP("outb %%al, $0xed", : : "a"(0) : "memory");
}

CLAIM(svm, "instructions of SVM and MONITOR are #UD, RDPMC #GP; WBINVD and INVD do no harm")
{
	CHECK_TRAP(6, "vmrun", : : "a"(0) : "memory");
	CHECK_TRAP(6, "vmload", : : "a"(0) : "memory");
	CHECK_TRAP(6, "vmsave", : : "a"(0) : "memory");
	CHECK_TRAP(6, "stgi", : : : "memory");
	CHECK_TRAP(6, "clgi", : : : "memory");
	CHECK_TRAP(6, "monitor", : : "a"(0), "c"(0), "d"(0) : "memory");
	CHECK_NO_TRAP("wbinvd", : : : "memory");
}

CLAIM(rdpmc, "RDPMC of a counter that there is none of is #GP, or #UD where there are none")
{
	CHECK(TRY("rdpmc", : : "c"(0x3fffffff) : "rax", "rdx", "memory"));
	CHECK(trap_last.vector == 13 || trap_last.vector == 6);
}

CLAIM(fpu, "XMM registers survive a halt and a hundred exits")
{
	uint64_t in = 0x0123456789abcdef, out = 0;

	write_cr4(read_cr4() | 0x600);
	asm volatile("movq %0, %%xmm7" : : "r"(in));
	for (int i = 0; i < 100; i++)
		cpuid(0, 0);
	asm volatile("movq %%xmm7, %0" : "=r"(out));
	CHECK_EQ(out, in);
}
