/* SPDX-License-Identifier: MIT */
/*
 * Emulated instructions: the privileged ones that a PV kernel executes anyway.
 *
 * The rule: a short list is carried out for the kernel (never for user mode), with the answers a PV
 * guest must see; all others are #GP at the instruction. The guest executes each and looks at the
 * answer; then it tries operands and addresses which an emulator could stumble over.
 */
#define TOPIC "emulation"
#include "../claim.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

#define FORCED_PREFIX ".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; "	/* ud2, "xen" */
#define FORCED_CPUID FORCED_PREFIX "cpuid"

/* CPUID through the forced-emulation prefix. */
static struct cpuid forced_cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid c = { .eax = leaf, .ecx = sub };

	CHECK_NO_TRAP(FORCED_CPUID, : "+a"(c.eax), "=b"(c.ebx), "+c"(c.ecx), "=d"(c.edx)
		      : : "memory");
	return c;
}

static void set_iopl(unsigned int level)
{
	struct physdev_set_iopl iopl = { .iopl = level };

	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
}

CLAIM(cpuid_signature, "CPUID leaf 0x40000000 says XenVMMXenVMM and at least two leaves more")
{
	struct cpuid c = forced_cpuid(0x40000000, 0);

	CHECK(c.eax >= 0x40000002 && c.eax < 0x40000100);
	CHECK_EQ(c.ebx, 0x566e6558);
	CHECK_EQ(c.ecx, 0x65584d4d);
	CHECK_EQ(c.edx, 0x4d4d566e);
}

CLAIM(cpuid_version, "CPUID leaf 0x40000001 is the version that xen_version gives")
{
	CHECK_EQ(forced_cpuid(0x40000001, 0).eax, hypervisor_version);
}

CLAIM(cpuid_hypercall_leaf, "CPUID leaf 0x40000002 says one hypercall page, MSR 0x40000000, "
      "PRESERVE_AD")
{
	struct cpuid c = forced_cpuid(0x40000002, 0);

	CHECK_EQ(c.eax, 1);
	CHECK_EQ(c.ebx, 0x40000000);
	CHECK_EQ(c.ecx & 1, 1);
}

CLAIM(cpuid_shown, "CPUID shows what a 64-bit kernel requires: FPU TSC MSR PAE CX8 CMOV FXSR SSE2 "
      "SYSCALL NX LM, hypervisor")
{
	struct cpuid l1 = forced_cpuid(1, 0), ext = forced_cpuid(0x80000001, 0);
	const uint32_t edx = 1u << 0 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 8 | 1u << 15 | 1u << 24 |
			     1u << 25 | 1u << 26;

	CHECK_EQ(l1.edx & edx, edx);
	CHECK_EQ(l1.ecx >> 31, 1);
	CHECK_EQ(ext.edx & (1u << 11 | 1u << 20 | 1u << 29), 1u << 11 | 1u << 20 | 1u << 29);
}

CLAIM(cpuid_hidden, "CPUID hides what a ring-3 kernel cannot use: PSE PSE36 PGE VME PCID X2APIC "
      "MONITOR VMX SMEP SMAP and more")
{
	struct cpuid l1 = forced_cpuid(1, 0), l7 = forced_cpuid(7, 0);
	struct cpuid ext = forced_cpuid(0x80000001, 0);

	/* VME PSE PGE PSE36; MONITOR VMX PCID X2APIC DEADLINE; 1 GiB pages; SVM */
	CHECK_EQ(l1.edx & (1u << 1 | 1u << 3 | 1u << 13 | 1u << 17), 0);
	CHECK_EQ(l1.ecx & (1u << 3 | 1u << 5 | 1u << 17 | 1u << 21 | 1u << 24), 0);
	CHECK_EQ(ext.edx & 1u << 26, 0);
	CHECK_EQ(ext.ecx & 1u << 2, 0);
	/* SMEP INVPCID SMAP; UMIP PKU LA57 */
	CHECK_EQ(l7.ebx & (1u << 7 | 1u << 10 | 1u << 20), 0);
	CHECK_EQ(l7.ecx & (1u << 2 | 1u << 3 | 1u << 16), 0);
}

CLAIM(cpuid_xsave_consistent, "if CPUID shows XSAVE it shows OSXSAVE as CR4 has it, and xgetbv "
      "works; if not, no AVX")
{
	struct cpuid l1 = forced_cpuid(1, 0);

	if (!(l1.ecx & 1u << 26)) {
		CHECK_EQ(l1.ecx & (1u << 27 | 1u << 28), 0);
		return;
	}
	CHECK(forced_cpuid(0xd, 0).eax & 3);
	CHECK_EQ(forced_cpuid(0xd, 1).eax & 8, 0);	/* XSAVES */
}

CLAIM(cpuid_unknown_leaves, "CPUID leaves of other hypervisors' ranges, 0x40000100 and up, read as "
      "zero")
{
	for (uint32_t leaf = 0x40000100; leaf <= 0x4000ff00; leaf += 0x100) {
		struct cpuid c = forced_cpuid(leaf, 0);

		CHECK_EQ(c.eax | c.ebx | c.ecx | c.edx, 0);
	}
}

CLAIM(cpuid_prefix_only, "ud2 followed by anything but the prefix is an ordinary #UD")
{
	CHECK_TRAP(TRAP_UD, ".byte 0x0f, 0x0b, 0x78, 0x65, 0x6f; cpuid",
		   : : : "rax", "rbx", "rcx", "rdx", "memory");
	CHECK_TRAP(TRAP_UD, FORCED_PREFIX "ud2", : : : "memory");
}

CLAIM(cpuid_prefix_at_page_end, "a forced-emulation prefix cut off by an unmapped page is an "
      "exception, and no more")
{
	uint8_t *end = (uint8_t *)window(0) + PAGE_BYTES;
	static const uint8_t prefix[] = { 0x0f, 0x0b, 0x78, 0x65, 0x6e };

	memcpy(end - 5, prefix, 5);
	CHECK_OK(remap(window(1), 0));
	CHECK(!try_call(end - 5));
	CHECK(trap_last.vector == TRAP_UD || trap_last.vector == TRAP_PF);
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

CLAIM(cli_sti, "cli and sti are silent when IOPL allows, and touch neither IF nor the upcall mask")
{
	uint64_t flags;

	set_iopl(1);
	CHECK_NO_TRAP("cli", : : : "memory");
	asm volatile("pushfq; pop %0" : "=r"(flags));
	CHECK_EQ(flags & 0x200, 0x200);
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 0);
	CHECK_NO_TRAP("sti", : : : "memory");
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 0);
}

CLAIM(cli_without_iopl, "cli without IOPL is #GP")
{
	CHECK_TRAP(TRAP_GP, "cli", : : : "memory");
	CHECK_TRAP(TRAP_GP, "sti", : : : "memory");
}

CLAIM(popf_if, "popf cannot clear IF nor set IOPL")
{
	uint64_t flags;

	asm volatile("pushq $0x3002; popfq; pushfq; pop %0; pushq $0x202; popfq"
		     : "=r"(flags) : : "cc");
	CHECK_EQ(flags & 0x3200, 0x200);
}

CLAIM(ports_without_iopl, "port access without IOPL or bitmap is #GP at the instruction")
{
	CHECK_TRAP(TRAP_GP, "in $0x80, %%al", : : : "rax", "memory");
	CHECK_TRAP(TRAP_GP, "out %%al, $0x80", : : : "memory");
	CHECK_TRAP(TRAP_GP, "in %%dx, %%eax", : : "d"(0xcf8) : "rax", "memory");
}

CLAIM(ports_with_iopl, "with IOPL 1 the kernel reads and writes ports of every width")
{
	uint64_t rax = 0x1122334455667788;

	set_iopl(1);
	CHECK_NO_TRAP("out %%al, $0x80", : : : "memory");
	CHECK_NO_TRAP("in $0x80, %%al", : "+a"(rax) : : "memory");
	CHECK_EQ(rax >> 8, 0x1122334455667788 >> 8);	/* al only */
	rax = 0x1122334455667788;
	CHECK_NO_TRAP("in %%dx, %%ax", : "+a"(rax) : "d"(0x80) : "memory");
	CHECK_EQ(rax >> 16, 0x112233445566);
	CHECK_NO_TRAP("in %%dx, %%eax", : "+a"(rax) : "d"(0x80) : "memory");
	CHECK_EQ(rax >> 32, 0);				/* 32-bit results clear the upper half */
}

CLAIM(ports_with_bitmap, "with set_iobitmap the kernel reaches exactly the ports whose bits are "
      "clear")
{
	struct physdev_set_iobitmap b = { .nr_ports = 0x100 };
	uint8_t *bits = page_alloc();

	memset(bits, 0xff, PAGE_BYTES);
	bits[0x80 / 8] &= (uint8_t)~1;
	b.bitmap.p = bits;
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iobitmap, &b));
	CHECK_NO_TRAP("in $0x80, %%al", : : : "rax", "memory");
	CHECK_TRAP(TRAP_GP, "in $0x81, %%al", : : : "rax", "memory");
	CHECK_TRAP(TRAP_GP, "in $0x80, %%ax", : : : "rax", "memory");	/* needs 0x81 as well */
	CHECK_TRAP(TRAP_GP, "in %%dx, %%al", : : "d"(0x180) : "rax", "memory");
	b.nr_ports = 0;
	b.bitmap.p = NULL;
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iobitmap, &b));
	CHECK_TRAP(TRAP_GP, "in $0x80, %%al", : : : "rax", "memory");
}

CLAIM(pci_address_latch, "port CF8 keeps the dword written to it")
{
	uint32_t v = 0;

	set_iopl(1);
	CHECK_NO_TRAP("out %%eax, %%dx", : : "a"(0x80000000u), "d"(0xcf8) : "memory");
	CHECK_NO_TRAP("in %%dx, %%eax", : "+a"(v) : "d"(0xcf8) : "memory");
	CHECK_EQ(v, 0x80000000u);
}

CLAIM(console_uart_hidden, "the UART the hypervisor uses itself reads as all ones")
{
	uint8_t v = 0;

	set_iopl(1);
	CHECK_NO_TRAP("in %%dx, %%al", : "+a"(v) : "d"(0x3fd) : "memory");
	CHECK_EQ(v, 0xff);
}

CLAIM(string_io, "outsb and insb move bytes between ports and memory, with rep too, and fault on "
      "bad memory")
{
	uint8_t buffer[4] = { 1, 2, 3, 4 };
	uint8_t *p = buffer;
	uint64_t n = 4;

	set_iopl(1);
	CHECK_NO_TRAP("rep outsb", : "+S"(p), "+c"(n) : "d"(0x80) : "memory");
	CHECK_EQ(n, 0);
	CHECK_EQ(p - buffer, 4);
	p = buffer;
	CHECK_NO_TRAP("insb", : "+D"(p) : "d"(0x80) : "memory");
	CHECK_EQ(p - buffer, 1);
	p = UNMAPPED_POINTER;
	CHECK_TRAP(TRAP_PF, "outsb", : "+S"(p) : "d"(0x80) : "memory");
	CHECK_EQ(trap_last.cr2, (uint64_t)UNMAPPED_POINTER);
}

CLAIM(rdmsr_bases, "rdmsr of FS_BASE and GS_BASE gives what set_segment_base set")
{
	uint32_t lo = 0, hi = 0;

	CHECK_OK(HC2(set_segment_base, SEGBASE_FS, 0x123456789000));
	CHECK_NO_TRAP("rdmsr", : "+a"(lo), "+d"(hi) : "c"(0xc0000100) : "memory");
	CHECK_EQ((uint64_t)hi << 32 | lo, 0x123456789000);
	CHECK_OK(HC2(set_segment_base, SEGBASE_GS_USER, 0x234567890000));
	CHECK_NO_TRAP("rdmsr", : "+a"(lo), "+d"(hi) : "c"(0xc0000102) : "memory");
	CHECK_EQ((uint64_t)hi << 32 | lo, 0x234567890000);
}

CLAIM(wrmsr_bases, "wrmsr of GS_BASE and FS_BASE works; a non-canonical value is #GP")
{
	static uint64_t word = 0x9a9a;
	uint64_t v;

	CHECK_NO_TRAP("wrmsr", : : "c"(0xc0000101), "a"((uint32_t)ARG(&word)),
		      "d"((uint32_t)(ARG(&word) >> 32)) : "memory");
	asm volatile("mov %%gs:0, %0" : "=r"(v));
	CHECK_EQ(v, 0x9a9a);
	CHECK_TRAP(TRAP_GP, "wrmsr", : : "c"(0xc0000101), "a"(0), "d"(0x00008000) : "memory");
	CHECK_TRAP(TRAP_GP, "wrmsr", : : "c"(0xc0000100), "a"(0), "d"(0x80000000) : "memory");
}

CLAIM(rdmsr_values, "rdmsr answers what kernels ask for at boot: APIC_BASE, PAT, EFER with LME, "
      "LMA, SCE and NXE")
{
	uint32_t lo = 0, hi = 0;

	CHECK_NO_TRAP("rdmsr", : "+a"(lo), "+d"(hi) : "c"(0x1b) : "memory");
	CHECK_EQ(lo & 0x800, 0x800);
	CHECK_NO_TRAP("rdmsr", : "+a"(lo), "+d"(hi) : "c"(0x277) : "memory");
	CHECK_EQ((uint64_t)hi << 32 | lo, 0x50100070406);
	CHECK_NO_TRAP("rdmsr", : "+a"(lo), "+d"(hi) : "c"(0xc0000080) : "memory");
	CHECK_EQ(lo & 0xd01, 0xd01);
	CHECK_EQ(lo & 0x1000, 0);	/* SVME */
}

CLAIM(rdmsr_unknown, "rdmsr and wrmsr of MSRs that no CPU has are #GP, and RIP stays")
{
	static const uint32_t list[] = {
		0x2, 0x5ff, 0x40000080, 0x40000200, 0x80000000, 0xbfffffff, 0xffffffff,
	};

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		bool trapped = TRY("rdmsr", : : "c"(list[i]) : "rax", "rdx", "memory");

		CHECK_SAY(trapped, "rdmsr 0x%x did not fault", list[i]);
		CHECK_EQ(trap_last.vector, TRAP_GP);
		CHECK_EQ(trap_last.error, 0);
	}
}

CLAIM(msr_secrets, "the hypervisor's own entry points are not shown: LSTAR, SYSENTER_EIP, and "
      "writes to them do not reach hardware")
{
	uint32_t lo = 0, hi = 0;

	if (!TRY("rdmsr", : "+a"(lo), "+d"(hi) : "c"(0xc0000082) : "memory"))
		CHECK(((uint64_t)hi << 32 | lo) < HYPERVISOR_VIRT_START ||
		      ((uint64_t)hi << 32 | lo) >= HYPERVISOR_VIRT_END);
	TRY("wrmsr", : : "c"(0xc0000082), "a"(0), "d"(0) : "memory");
	CHECK(HC2(xen_version, XENVER_version, 0) > 0);
}

CLAIM(wrmsr_efer, "wrmsr of EFER with its own value is silent")
{
	uint32_t lo = 0, hi = 0;

	CHECK_NO_TRAP("rdmsr", : "+a"(lo), "+d"(hi) : "c"(0xc0000080) : "memory");
	CHECK_NO_TRAP("wrmsr", : : "c"(0xc0000080), "a"(lo), "d"(hi) : "memory");
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
