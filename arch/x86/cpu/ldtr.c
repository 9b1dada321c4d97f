/* SPDX-License-Identifier: MIT */
/*
 * LLDT needs a descriptor in the GDT, and the GDT that every window shows is public and read-only:
 * so it is executed on this CPU's private copy, as LTR was (desc.c). The copy holds all of the
 * hypervisor's descriptors, so that an NMI in between can return. SDM vol. 3 §3.5.1, §8.2.3 (64-bit
 * LDT descriptor: 16 bytes).
 */
#include <asm/desc.h>
#include <asm/insn.h>
#include <asm/ldtr.h>
#include <isola/lib/string.h>

#define SEL_LDT		(SEL_TSS + 0x10)
#define LDT_PRESENT	0x82ull

static void lgdt(u64 base)
{
	struct { u16 limit; u64 base; } __packed gdtr = { GDT_LIMIT, base };

	asm volatile ("lgdt %0" :: "m"(gdtr));
}

static void lldt(u16 sel)
{
	asm volatile ("lldt %0" :: "r"(sel) : "memory");
}

static __noinline void load(u32 nr_ents)
{
	u64 *copy = (u64 *)(VA_CPU_TSS + TSS_PAGE_GDT_COPY), limit = (u64)nr_ents * 8 - 1, flags;

	flags = irq_save();
	memcpy(copy, hv_gdt_page, GDT_INDEX(SEL_TSS) * sizeof(*copy));
	copy[GDT_INDEX(SEL_LDT)] = limit | (VA_LDT & 0xffffff) << 16 | LDT_PRESENT << 40 |
				   (VA_LDT >> 24 & 0xff) << 56;
	copy[GDT_INDEX(SEL_LDT) + 1] = VA_LDT >> 32;
	lgdt((u64)copy - GDT_HV_FIRST_BYTE);
	lldt(SEL_LDT);
	lgdt(VA_GDT);
	irq_restore(flags);
}

void ldtr_load(u32 nr_ents)
{
	if (nr_ents)
		load(nr_ents);
	else
		lldt(0);
}
