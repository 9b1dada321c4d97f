/* SPDX-License-Identifier: MIT */
/*
 * MSRs: the few a PV kernel may read or write, and all the others.
 *
 * The rule: an allow-list; everything else is #GP at the instruction. Nothing that is read may be
 * an address of the hypervisor, nothing that is written may reach the hardware's entry points.
 */
#define TOPIC "msr"
#include "../claim.h"
#include "../traps.h"

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

	if (option("msr-relaxed"))
		skip("QEMU has a register for each number, and they are let through");
	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		bool trapped = TRY("rdmsr", : : "c"(list[i]) : "rax", "rdx", "memory");

		CHECK_SAY(trapped, "rdmsr 0x%x did not fault", list[i]);
		CHECK_EQ(trap_last.vector, TRAP_GP);
		CHECK_EQ(trap_last.error, 0);
	}
}

CLAIM(msr_relaxed, "an MSR that processors have and PV guests do not is #GP; if the guest is told "
      "of dom0=msr-relaxed, it "
      "reads as 0 and takes a write")
{
	bool relaxed = option("msr-relaxed");
	uint32_t lo = 0x5a, hi = 0x5a;

	if (relaxed) {
		CHECK_NO_TRAP("rdmsr", : "+a"(lo),
		      "+d"(hi) : "c"(0x1d9) : "memory");	/* DEBUGCTL */
		CHECK_EQ(lo | hi, 0);
		CHECK_NO_TRAP("wrmsr", : : "c"(0x1d9), "a"(1), "d"(0) : "memory");
		CHECK_NO_TRAP("rdmsr", : "+a"(lo), "+d"(hi) : "c"(0x1d9) : "memory");
		CHECK_EQ(lo | hi, 0);
	} else {
		CHECK_TRAP(TRAP_GP, "rdmsr", : "+a"(lo), "+d"(hi) : "c"(0x1d9) : "memory");
		CHECK_TRAP(TRAP_GP, "wrmsr", : : "c"(0x1d9), "a"(0), "d"(0) : "memory");
	}
	/* What is known stays as it is. */
	CHECK_NO_TRAP("rdmsr", : "+a"(lo), "+d"(hi) : "c"(0x277) : "memory");
	CHECK_EQ((uint64_t)hi << 32 | lo, 0x50100070406);
	CHECK_EQ(TRY("wrmsr", : : "c"(0x1b), "a"(0), "d"(0) : "memory"), !relaxed);
	CHECK_TRAP(TRAP_GP, "wrmsr", : : "c"(0xc0000100), "a"(0), "d"(0x80000000) : "memory");
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
