/* SPDX-License-Identifier: MIT */
/*
 * CPUID as a PV guest asks for it: behind the forced-emulation prefix.
 */
#pragma once

#include "claim.h"
#include "traps.h"

#define FORCED_PREFIX ".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; "	/* ud2, "xen" */
#define FORCED_CPUID FORCED_PREFIX "cpuid"

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

/* A trap fails the running claim. */
static inline struct cpuid forced_cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid c = { .eax = leaf, .ecx = sub };

	CHECK_NO_TRAP(FORCED_CPUID, : "+a"(c.eax), "=b"(c.ebx), "+c"(c.ecx), "=d"(c.edx)
		      : : "memory");
	return c;
}
