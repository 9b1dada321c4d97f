/* SPDX-License-Identifier: MIT */
/*
 * CPUID: what the hypervisor says it is, what it shows of the CPU and what it hides.
 *
 * Asked through the forced-emulation prefix, which works on every CPU. A feature shown that a
 * kernel in ring 3 cannot use makes real kernels crash; one hidden that they need makes them refuse
 * to boot.
 */
#define TOPIC "cpuid"
#include "../claim.h"
#include "../forced_cpuid.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

CLAIM(signature, "CPUID leaf 0x40000000 says XenVMMXenVMM and at least two leaves more")
{
	struct cpuid c = forced_cpuid(0x40000000, 0);

	CHECK(c.eax >= 0x40000002 && c.eax < 0x40000100);
	CHECK_EQ(c.ebx, 0x566e6558);
	CHECK_EQ(c.ecx, 0x65584d4d);
	CHECK_EQ(c.edx, 0x4d4d566e);
}

CLAIM(version, "CPUID leaf 0x40000001 is the version that xen_version gives")
{
	CHECK_EQ(forced_cpuid(0x40000001, 0).eax, hypervisor_version);
}

CLAIM(hypercall_leaf, "CPUID leaf 0x40000002 says one hypercall page, MSR 0x40000000, "
      "PRESERVE_AD")
{
	struct cpuid c = forced_cpuid(0x40000002, 0);

	CHECK_EQ(c.eax, 1);
	CHECK_EQ(c.ebx, 0x40000000);
	CHECK_EQ(c.ecx & 1, 1);
}

CLAIM(shown, "CPUID shows what a 64-bit kernel requires: FPU TSC MSR PAE CX8 CMOV FXSR SSE2 "
      "SYSCALL NX LM, hypervisor")
{
	struct cpuid l1 = forced_cpuid(1, 0), ext = forced_cpuid(0x80000001, 0);
	const uint32_t edx = 1u << 0 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 8 | 1u << 15 | 1u << 24 |
			     1u << 25 | 1u << 26;

	CHECK_EQ(l1.edx & edx, edx);
	CHECK_EQ(l1.ecx >> 31, 1);
	CHECK_EQ(ext.edx & (1u << 11 | 1u << 20 | 1u << 29), 1u << 11 | 1u << 20 | 1u << 29);
}

/* What "lacks=A,B" on the command line may say that some CPU of the machine lacks. */
static const struct { const char *name; uint32_t leaf, reg, bit; } lackable[] = {
	{ "rdrand", 1, 2, 30 }, { "movbe", 1, 2, 22 }, { "avx", 1, 2, 28 }, { "xsave", 1, 2, 26 },
	{ "abm", 0x80000001, 2, 5 }, { "fsgsbase", 7, 1, 0 }, { "bmi1", 7, 1, 3 },
};

CLAIM(common, "CPUID shows no feature that the command line says some CPU lacks, whichever CPU "
      "answers")
{
	const char *lacks = strstr((const char *)start->cmd_line, "lacks=");

	if (!lacks)
		skip("no lacks= on the command line");
	for (unsigned int i = 0; i < sizeof(lackable) / sizeof(lackable[0]); i++) {
		if (!strstr(lacks, lackable[i].name))
			continue;
		for (unsigned int turn = 0; turn < 100; turn++) {
			struct cpuid c = forced_cpuid(lackable[i].leaf, 0);

			CHECK_EQ((&c.eax)[lackable[i].reg] >> lackable[i].bit & 1, 0);
			HC2(sched_op, SCHEDOP_yield, 0);
		}
	}
}

CLAIM(hidden, "CPUID hides what a ring-3 kernel cannot use: PSE PSE36 PGE VME PCID X2APIC "
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

CLAIM(xsave_consistent, "if CPUID shows XSAVE it shows OSXSAVE as CR4 has it, and xgetbv "
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

CLAIM(unknown_leaves, "CPUID leaves of other hypervisors' ranges, 0x40000100 and up, read as "
      "zero")
{
	for (uint32_t leaf = 0x40000100; leaf <= 0x4000ff00; leaf += 0x100) {
		struct cpuid c = forced_cpuid(leaf, 0);

		CHECK_EQ(c.eax | c.ebx | c.ecx | c.edx, 0);
	}
}

CLAIM(prefix_only, "ud2 followed by anything but the prefix is an ordinary #UD")
{
	CHECK_TRAP(TRAP_UD, ".byte 0x0f, 0x0b, 0x78, 0x65, 0x6f; cpuid",
		   : : : "rax", "rbx", "rcx", "rdx", "memory");
	CHECK_TRAP(TRAP_UD, FORCED_PREFIX "ud2", : : : "memory");
}

CLAIM(prefix_at_page_end, "a forced-emulation prefix cut off by an unmapped page is an "
      "exception, and no more")
{
	uint8_t *end = (uint8_t *)window(0) + PAGE_BYTES;
	static const uint8_t prefix[] = { 0x0f, 0x0b, 0x78, 0x65, 0x6e };

	memcpy(end - 5, prefix, 5);
	CHECK_OK(remap(window(1), 0));
	CHECK(!try_call(end - 5));
	CHECK(trap_last.vector == TRAP_UD || trap_last.vector == TRAP_PF);
}
