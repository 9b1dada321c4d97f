/* SPDX-License-Identifier: MIT */
/*
 * What ends this domain, and must end nothing else.
 */
#include "claim.h"
#include "machine.h"
#include "text.h"

ATTACK(hole, "hole", "a store where nothing is, by an instruction that is not carried out")
{
	asm volatile("movnti %0, (%1)" : : "r"(1ul), "r"(0xe0000000ul) : "memory");
}

ATTACK(apic_page, "apic", "a locked addition to a register of the local APIC")
{
	asm volatile("lock addl $1, (%0)" : : "r"(0xfee00080ul) : "memory");
}

ATTACK(table_in_hole, "cr3", "page tables where nothing is")
{
	write_cr3(0xe0000000ul);
}

ATTACK(triple, "triple", "an exception without an IDT")
{
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) none = { 0, 0 };

	asm volatile("lidt %0; ud2" : : "m"(none));
}

/* Always at work, in guest mode and out of it. */
ATTACK(busy, "busy", "nothing, for ever")
{
	for (;;)
		for (unsigned i = 0; i < 100000; i++)
			if (!(i % 1000))
				cpuid(0, 0);
}

ATTACK(invalid, "invalid", "paging with a code segment that has L and D: no state to be entered")
{
	leave_long_mode(0);
}

ATTACK(hlt, "hlt", "a halt with interrupts off")
{
	asm volatile("cli; hlt");
}
